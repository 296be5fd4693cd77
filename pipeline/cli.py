"""The command ``onrecord``: a command parses, runs, prints.

Exit status: 0 done (whatever single feeds did), 1 a store or model failed, 2 what was
given is wrong (arguments, input, config), 3 ``status`` and ``verify`` found a fault.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pipeline.app import App
    from pipeline.model import Report

cli = typer.Typer(
    name="onrecord",
    help="Who said what about the war in Ukraine, when, and what is new in it.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
feeds_cli = typer.Typer(help="The feeds that are watched.", no_args_is_help=True)
figures_cli = typer.Typer(help="The figures that are tracked.", no_args_is_help=True)
cli.add_typer(feeds_cli, name="feeds")
cli.add_typer(figures_cli, name="figures")

Config = Annotated[
    Path | None, typer.Option("--config", help="Folder of the config files.")
]
Lake = Annotated[
    str | None, typer.Option("--lake", help="Folder of archive, work and tables.")
]
At = Annotated[
    str | None,
    typer.Option("--at", help="UTC moment of the pass, ISO 8601; now if left out."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
Everything = Annotated[
    bool, typer.Option("--all", help="Ask the feeds that are not due, too.")
]


@contextmanager
def _app(config: Path | None, lake: str | None) -> Iterator[App]:
    """The app; an error of the pipeline becomes one line and an exit status."""
    from pipeline.app import open_app
    from pipeline.errors import ConfigError, InputError, PipelineError

    app = None
    try:
        app = open_app(config=config, lake=lake)
        yield app
    except (ConfigError, InputError) as error:
        typer.echo(f"onrecord: {error}", err=True)
        raise typer.Exit(2) from error
    except PipelineError as error:
        typer.echo(f"onrecord: {error}", err=True)
        raise typer.Exit(1) from error
    finally:
        if app is not None:
            app.close()


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """A line that says what is being done, on a terminal; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status("...") as line:
        yield line.update


def _moment(at: str | None) -> datetime:
    """``--at`` as a moment in UTC; one without a zone is taken as UTC."""
    if at is None:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        moment = datetime.fromisoformat(at)
    except ValueError as error:
        raise typer.BadParameter(
            f"{at!r} is not a moment; write 2026-03-02T06:00:00Z", param_hint="--at"
        ) from error
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return zoned.astimezone(UTC).replace(microsecond=0)


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is not a day; write 2026-03-02", param_hint=option
        ) from error


def _told(reports: list[Report], at: datetime, as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "step": report.step,
                "at": at.isoformat(),
                "rows": report.rows,
                "counts": dict(report.counts),
                "failures": list(report.failures),
            }
            for report in reports
        ]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for report in reports:
        counts = ", ".join(f"{n} {name}" for name, n in report.counts.items())
        typer.echo(
            f"{report.step:8} {at:%Y-%m-%dT%H:%M:%SZ}  {report.rows:6} rows"
            f"{'  (' + counts + ')' if counts else ''}"
        )
        for failure in report.failures:
            typer.echo(f"         warning: {failure}", err=True)


def _step(
    name: str, config: Path | None, lake: str | None, at: str | None, as_json: bool
) -> None:
    moment = _moment(at)
    with _app(config, lake) as app:
        _told([getattr(app, name)(moment)], moment, as_json)


# --------------------------------------------------------------------------- passes


@cli.command()
def run(
    config: Config = None,
    lake: Lake = None,
    at: At = None,
    everything: Everything = False,
    as_json: Json = False,
) -> None:
    """One pass: every step at one moment.

    Example: `onrecord run --config config --lake data`
    """
    moment = _moment(at)
    with _app(config, lake) as app, _progress() as tell:
        reports = app.run(moment, everything=everything, tell=tell)
    _told(reports, moment, as_json)


@cli.command()
def fetch(
    config: Config = None,
    lake: Lake = None,
    at: At = None,
    everything: Everything = False,
    as_json: Json = False,
) -> None:
    """Ask the feeds that are due and archive what they answer.

    Example: `onrecord fetch --all`
    """
    moment = _moment(at)
    with _app(config, lake) as app:
        _told([app.fetch(moment, everything=everything)], moment, as_json)


@cli.command()
def read(
    config: Config = None, lake: Lake = None, at: At = None, as_json: Json = False
) -> None:
    """Make articles out of archived answers.

    Example: `onrecord read --at 2026-03-02T06:00:00Z`
    """
    _step("read", config, lake, at, as_json)


@cli.command()
def extract(
    config: Config = None,
    lake: Lake = None,
    at: At = None,
    as_json: Json = False,
    source: Annotated[
        Path | None,
        typer.Option("--input", help="Articles as JSON lines, instead of the lake's."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="Statements as JSON lines.")
    ] = None,
    everyone: Annotated[
        bool,
        typer.Option("--all", help="With --input: every speaker on every subject."),
    ] = False,
) -> None:
    """Extract statements: of the lake's articles, or of a file of your own.

    Example: `onrecord extract --input articles.jsonl --output statements.jsonl`
    """
    if source is None and output is None:
        _step("extract", config, lake, at, as_json)
        return
    if source is None or output is None:
        raise typer.BadParameter("--input and --output go together")
    with _app(config, lake) as app:
        count = app.extract_file(source, output, everyone=everyone)
    typer.echo(f"extract  {count} articles -> {output}")


@cli.command()
def match(
    config: Config = None, lake: Lake = None, at: At = None, as_json: Json = False
) -> None:
    """Tell new claims from repeated, changed and contradicting ones.

    Example: `onrecord match`
    """
    _step("match", config, lake, at, as_json)


@cli.command()
def alert(
    config: Config = None, lake: Lake = None, at: At = None, as_json: Json = False
) -> None:
    """Put what the rules of alerts.toml want told into the outbox.

    Example: `onrecord alert`
    """
    _step("alert", config, lake, at, as_json)


@cli.command()
def deliver(
    config: Config = None, lake: Lake = None, at: At = None, as_json: Json = False
) -> None:
    """Send the alerts that are due.

    Example: `onrecord deliver`
    """
    _step("deliver", config, lake, at, as_json)


@cli.command()
def publish(
    config: Config = None, lake: Lake = None, at: At = None, as_json: Json = False
) -> None:
    """Write the tables of the day, and of past days that changed.

    Example: `onrecord publish`
    """
    _step("publish", config, lake, at, as_json)


@cli.command()
def rebuild(
    since: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD.")],
    config: Config = None,
    lake: Lake = None,
    alerts: Annotated[
        bool, typer.Option("--alert", help="Let the rules put alerts for these days.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make past days again from the archive; no feed is asked.

    Example: `onrecord rebuild --from 2026-03-02`
    """
    day = _day(since, "--from")
    with _app(config, lake) as app, _progress() as tell:
        reports = app.rebuild(day, alert=alerts, tell=tell)
    _told(reports, datetime.now(UTC), as_json)


# ------------------------------------------------------------------------- measuring


@cli.command()
def compare(
    source: Annotated[Path, typer.Option("--input", help="Pairs as JSON lines.")],
    output: Annotated[Path, typer.Option("--output", help="Relations as JSON lines.")],
) -> None:
    """Label pairs of statements same, new or contradicts, with reasons.

    Example: `onrecord compare --input pairs.jsonl --output relations.jsonl`
    """
    from pipeline.app import compare_file
    from pipeline.errors import InputError

    try:
        count = compare_file(source, output)
    except InputError as error:
        typer.echo(f"onrecord: {error}", err=True)
        raise typer.Exit(2) from error
    typer.echo(f"compare  {count} pairs -> {output}")


# ---------------------------------------------------------------------------- looking


@cli.command()
def status(config: Config = None, lake: Lake = None, as_json: Json = False) -> None:
    """How things stand: passes, feeds that fail, what waits. Exit status 3 on a fault.

    Example: `onrecord status --json`
    """
    with _app(config, lake) as app:
        found = app.status(datetime.now(UTC))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=1, default=str))
    else:
        for name, value in found.items():
            typer.echo(f"{name:22} {_shown(value)}")
    if found["faults"]:
        raise typer.Exit(3)


@cli.command()
def verify(
    day: Annotated[
        str | None, typer.Option("--date", help="Day, YYYY-MM-DD; all if left out.")
    ] = None,
    config: Config = None,
    lake: Lake = None,
) -> None:
    """Prove published rows: archive, article, offsets, words. Exit status 3 on a fault.

    Example: `onrecord verify --date 2026-03-02`
    """
    with _app(config, lake) as app:
        days = [_day(day, "--date")] if day else app.lake.published("statements")
        found = {one: app.verify(one) for one in days}
    for one, wrong in found.items():
        typer.echo(f"{one}  {'ok' if not wrong else f'{len(wrong)} faults'}")
        for line in wrong:
            typer.echo(f"    {line}", err=True)
    if any(found.values()):
        raise typer.Exit(3)


@cli.command()
def digest(
    day: Annotated[
        str | None,
        typer.Option("--date", help="Day, YYYY-MM-DD; the last if left out."),
    ] = None,
    config: Config = None,
    lake: Lake = None,
) -> None:
    """Write the page of a published day.

    Example: `onrecord digest --date 2026-03-02`
    """
    with _app(config, lake) as app:
        path = app.digest(_day(day, "--date") if day else None)
    typer.echo(f"digest   {path}")


@cli.command()
def tables() -> None:
    """The data dictionary: every published table and column, as Markdown.

    Example: `onrecord tables`
    """
    from pipeline.tables.dictionary import markdown

    typer.echo(markdown())


@feeds_cli.command("list")
def feeds_list(config: Config = None, lake: Lake = None, as_json: Json = False) -> None:
    """The feeds of feeds.toml.

    Example: `onrecord feeds list`
    """
    with _app(config, lake) as app:
        rows = [
            {"id": f.id, "outlet": f.outlet, "country": f.country, "kind": f.kind,
             "language": f.language, "url": f.url}
            for f in app.feeds
        ]  # fmt: skip
    _table(rows, as_json)


@feeds_cli.command("check")
def feeds_check(
    config: Config = None, lake: Lake = None, as_json: Json = False
) -> None:
    """Ask every feed once and say what is wrong with it; nothing is stored.

    Example: `onrecord feeds check`
    """
    with _app(config, lake) as app:
        rows = app.check_feeds(datetime.now(UTC))
    _table(rows, as_json)


@figures_cli.command("list")
def figures_list(
    config: Config = None, lake: Lake = None, as_json: Json = False
) -> None:
    """The figures of figures.toml.

    Example: `onrecord figures list --json`
    """
    with _app(config, lake) as app:
        rows = [
            {"id": f.id, "name": f.name, "kind": f.kind.value, "country": f.country,
             "offices": "; ".join(f"{o.title} of {o.of}" for o in f.offices)}
            for f in app.config.figures()
        ]  # fmt: skip
    _table(rows, as_json)


@figures_cli.command("unknown")
def figures_unknown(
    config: Config = None, lake: Lake = None, as_json: Json = False
) -> None:
    """Office-holders whom texts name and the roster does not track.

    Example: `onrecord figures unknown`
    """
    with _app(config, lake) as app:
        rows = app.unknown_figures()
    _table(rows, as_json)


def _table(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1, default=str))
        return
    if not rows:
        typer.echo("none")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    for name in rows[0]:
        table.add_column(name)
    for row in rows:
        table.add_row(*[_shown(value) for value in row.values()])
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {v}" for k, v in value.items()) or "-"
    if isinstance(value, list | tuple):
        return "; ".join(str(v) for v in value) or "-"
    return "-" if value is None else str(value)


def main() -> None:
    """The console script."""
    cli()


if __name__ == "__main__":
    main()
