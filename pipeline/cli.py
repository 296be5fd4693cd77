"""The command ``onrecord``: a command parses, runs, prints.

Exit status: 0 done (whatever single feeds did), 1 a store or model failed, 2 what was
given is wrong (arguments, input, config), 3 ``status``, ``verify`` or
``feeds check`` found a fault.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pipeline.app import App
    from pipeline.model import Feed, Report

cli = typer.Typer(
    name="onrecord",
    help="Who said what about the war in Ukraine, when, and what is new in it.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # drawing the help would take longer than all else it does
    context_settings={"max_content_width": 120},
)
feeds_cli = typer.Typer(help="The feeds that are watched.", no_args_is_help=True)
figures_cli = typer.Typer(help="The figures that are tracked.", no_args_is_help=True)
alerts_cli = typer.Typer(help="The rules of alerts.toml.", no_args_is_help=True)
claims_cli = typer.Typer(help="What editors decide about claims.", no_args_is_help=True)
cli.add_typer(feeds_cli, name="feeds")
cli.add_typer(alerts_cli, name="alerts")
cli.add_typer(claims_cli, name="claims")
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

Write = Annotated[
    bool, typer.Option("--write", help="Append what was found to feeds.toml.")
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
    from pipeline.operations.files import extract_file

    with _app(config, lake) as app:
        count = extract_file(app.extractor, source, output, everyone=everyone)
    typer.echo(f"extract  {count} articles -> {output}", err=True)


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
    afresh: Annotated[
        bool, typer.Option("--afresh", help="Begin anew where one was cut off.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make past days again from the archive; no feed is asked.

    One that was cut off goes on where it was when run again with the same day.

    Example: `onrecord rebuild --from 2026-03-02`
    """
    day = _day(since, "--from")
    with _app(config, lake) as app, _progress() as tell:
        reports = app.rebuild(day, alert=alerts, afresh=afresh, tell=tell)
    _told(reports, datetime.now(UTC), as_json)


@cli.command()
def backfill(
    since: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD.")],
    engine: Annotated[
        str, typer.Option("--engine", help="Where statements are found: local, dask.")
    ] = "local",
    workers: Annotated[
        int, typer.Option("--workers", min=1, help="Processes of the engine dask.")
    ] = 2,
    config: Config = None,
    lake: Lake = None,
    as_json: Json = False,
) -> None:
    """Make much history again: as `rebuild`, its statements found by many processes.

    Example: `onrecord backfill --from 2026-01-01 --engine dask --workers 8`
    """
    day = _day(since, "--from")
    if engine not in ("local", "dask"):
        typer.echo(f"onrecord: --engine {engine}: local or dask", err=True)
        raise typer.Exit(2)
    with _app(config, lake) as app, _progress() as tell:
        if engine == "local":
            reports = app.rebuild(day, tell=tell)
        else:
            from pipeline.bulk import dask_workers, found_by

            with dask_workers(workers) as client:
                reports = app.rebuild(
                    day,
                    engine=lambda app, some: found_by(client, app, some, workers),
                    tell=tell,
                )
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
    from pipeline.errors import InputError
    from pipeline.operations.files import compare_file

    try:
        count = compare_file(source, output)
    except InputError as error:
        typer.echo(f"onrecord: {error}", err=True)
        raise typer.Exit(2) from error
    typer.echo(f"compare  {count} pairs -> {output}", err=True)


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
            parts = value if isinstance(value, Mapping) else {}
            if any(isinstance(part, Mapping) for part in parts.values()):
                typer.echo(name)
                for part in parts:
                    typer.echo(f"  {part:20} {_shown(parts[part])}")
            else:
                typer.echo(f"{name:22} {_shown(value)}")
    if found["faults"]:
        raise typer.Exit(3)


@cli.command()
def metrics(config: Config = None, lake: Lake = None) -> None:
    """The same as OpenMetrics text, for Prometheus. Exit status 0 whatever it says.

    Example: `onrecord metrics > /var/lib/node_exporter/onrecord.prom`
    """
    from pipeline.health import metrics as as_text

    with _app(config, lake) as app:
        typer.echo(as_text(app.status(datetime.now(UTC))), nl=False)


@cli.command()
def clean(config: Config = None, lake: Lake = None, as_json: Json = False) -> None:
    """Remove expired answers and full texts, and what killed writers left aside.

    Example: `onrecord clean`
    """
    with _app(config, lake) as app:
        removed = app.clean(
            datetime.now(UTC).date(),
            tell=lambda line: typer.echo(f"         warning: {line}", err=True),
        )
    if as_json:
        typer.echo(json.dumps(removed))
        return
    for name, count in removed.items():
        typer.echo(f"{count:6} {name} removed")


@cli.command()
def salvage(config: Config = None, lake: Lake = None) -> None:
    """Make a new database in the place of a damaged or lost SQLite one.

    Feed states and outbox come from the copy that each pass keeps, and from what can be
    read of the damaged one where that is newer. Then run `onrecord rebuild` from the first archived day. Nothing else may be running.

    Example: `onrecord salvage`
    """
    with _app(config, lake) as app:
        counts = app.salvage()
    for name, count in counts.items():
        typer.echo(f"{count:6} {name}")


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
        days = [_day(day, "--date")] if day else app.published_days()
        found = {one: app.verify(one) for one in days}
        more = {one: (app.expired(one), app.under_way(one)) for one in days}
    for one, wrong in found.items():
        words = [f"{len(wrong)} faults" if wrong else "ok", *more[one]]
        typer.echo(f"{one}  {', '.join(word for word in words if word)}")
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
def explorer(
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="A folder of its own; LAKE/site/explorer if left out."
        ),
    ] = None,
    config: Config = None,
    lake: Lake = None,
) -> None:
    """Write the explorer: every published statement in one static folder.

    It needs no server: open its index.html in a browser.

    Example: `onrecord explorer --out public/explorer`
    """  # fmt: skip
    with _app(config, lake) as app:
        path = app.explorer(out)
    typer.echo(f"explorer {path}")


@cli.command()
def tables() -> None:
    """The data dictionary: every published table and column, as Markdown.

    Example: `onrecord tables`
    """
    from pipeline.tables.dictionary import markdown

    typer.echo(markdown())


@cli.command()
def sql(
    query: Annotated[
        str | None, typer.Argument(help="A query; read from input if left out.")
    ] = None,
    config: Config = None,
    lake: Lake = None,
) -> None:
    """Ask the published tables in DuckDB, each table a view.

    Example: `onrecord sql "select figure, count(*) n from statements group by 1 order by n"`
    """
    from pipeline.errors import InputError

    with _app(config, lake) as app, app.sql() as ask:
        if query is not None:
            typer.echo(ask(query))
            return
        if sys.stdin.isatty():
            typer.echo("Tables are views; a query ends with ; and Ctrl-D leaves.")
        for typed in _typed():
            try:
                typer.echo(ask(typed))
            except InputError as error:
                typer.echo(f"onrecord: {error}", err=True)
                if not sys.stdin.isatty():
                    raise typer.Exit(2) from error


def _typed() -> Iterator[str]:
    """Queries from the input: each ends with a semicolon at the end of a line."""
    held: list[str] = []
    with suppress(EOFError):
        while True:
            prompt = ("... " if held else "sql> ") if sys.stdin.isatty() else ""
            held.append(input(prompt))
            if held[-1].rstrip().endswith(";"):
                yield "\n".join(held)
                held = []
    if "".join(held).strip():
        yield "\n".join(held)


@cli.command()
def compact(
    month: Annotated[
        str | None,
        typer.Option("--month", help="YYYY-MM; all that are over if left out."),
    ] = None,
    config: Config = None,
    lake: Lake = None,
) -> None:
    """Write whole months beside the days, a file a figure, for readers of one figure.

    Example: `onrecord compact --month 2026-03`
    """
    if month is not None:
        _day(f"{month}-01", "--month")
    with _app(config, lake) as app:
        written = app.compact(month)
    typer.echo(f"compact  {written} months of tables")


@cli.command()
def trends(
    figure: Annotated[
        str | None, typer.Option("--figure", help="Id or name; all if left out.")
    ] = None,
    subtopic: Annotated[
        str | None, typer.Option("--topic", help="A sub-topic of the topic file.")
    ] = None,
    act: Annotated[str | None, typer.Option("--act", help="An act.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="First day.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Last day.")] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="The record as that day left it.")
    ] = None,
    config: Config = None,
    lake: Lake = None,
) -> None:
    """How often figures spoke, by day, as CSV: zeros, gaps, changes and breaks marked.

    Example: `onrecord trends --figure Q7747 --topic peace-talks > putin.csv`
    """
    with _app(config, lake) as app:
        made = app.trends(
            figure=figure, subtopic=subtopic, act=act,
            since=since, until=until, as_of=as_of,
        )  # fmt: skip
    typer.echo(made, nl=False)


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

    Exit status 3 where any of them does not answer as it should.

    Example: `onrecord feeds check`
    """
    with _app(config, lake) as app:
        rows = app.check_feeds(datetime.now(UTC))
    _table(rows, as_json)
    if any(row["state"] not in ("ok", "moved") for row in rows):
        raise typer.Exit(3)


@feeds_cli.command("add")
def feeds_add(
    url: Annotated[str, typer.Argument(help="Address of a feed, or of an outlet.")],
    config: Config = None,
    lake: Lake = None,
    write: Write = False,
) -> None:
    """Find an outlet's feeds, try them, and print them as feeds.toml has them.

    Example: `onrecord feeds add https://news.example --write`
    """
    with _app(config, lake) as app:
        fresh, rows = app.discover(url, datetime.now(UTC))
        _table(rows, False)
        _added(app, fresh, write)


@feeds_cli.command("import")
def feeds_import(
    file: Annotated[Path, typer.Argument(help="An OPML file.")],
    config: Config = None,
    lake: Lake = None,
    write: Write = False,
) -> None:
    """Print the feeds of an OPML file as feeds.toml has them.

    Example: `onrecord feeds import subscriptions.opml --write`
    """
    with _app(config, lake) as app:
        _added(app, app.imported(file), write)


def _added(app: App, feeds: Sequence[Feed], write: bool) -> None:
    """Print the blocks; with ``write``, append them too."""
    from pipeline.feeds.discovery import block

    for feed in feeds:
        typer.echo(f"\n{block(feed)}", nl=False)
    if not feeds:
        typer.echo("no feed to add")
    elif write:
        typer.echo(f"\n{len(feeds)} feeds -> {app.add_feeds(feeds)}")
    else:
        typer.echo("\n--write appends this to feeds.toml", err=True)


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


@cli.command()
def timeline(
    figure: Annotated[str, typer.Option("--figure", help="Id of a figure.")],
    topic: Annotated[
        str | None, typer.Option("--topic", help="A sub-topic of the topic file.")
    ] = None,
    config: Config = None,
    lake: Lake = None,
    as_json: Json = False,
) -> None:
    """A figure's claims in order, with what changed.

    Example: `onrecord timeline --figure Q7747 --topic peace-talks`
    """
    with _app(config, lake) as app:
        rows = app.timeline(figure, topic=topic)
    if as_json or not rows:
        _table(rows, as_json)
        return
    for row in rows:
        times = f"  ({row['occasions']} occasions)" if row["occasions"] > 1 else ""
        typer.echo(
            f"{row['first_seen_at']:%Y-%m-%d %H:%M}  {row['relation']:11} "
            f"{row['words']}{times}"
        )
        if row["before"]:
            typer.echo(f"{'':18}{'before':11} {row['before']}")
            typer.echo(f"{'':18}{'why':11} {row['changed']}")


@alerts_cli.command("test")
def alerts_test(
    rule: Annotated[str, typer.Argument(help="Id of a rule in alerts.toml.")],
    since: Annotated[
        str, typer.Option("--since", help="So long ago: 30d or 48h.")
    ] = "30d",
    at: At = None,
    config: Config = None,
    lake: Lake = None,
    as_json: Json = False,
) -> None:
    """What a rule would have told and when, switched on or not; nothing is sent.

    Example: `onrecord alerts test new-claim --since 30d`
    """
    with _app(config, lake) as app:
        rows = app.test_rule(rule, since=_span(since), now=_moment(at))
    _table(rows, as_json)
    if not as_json:
        messages = len({row["message"] for row in rows})
        typer.echo(f"{len(rows)} alerts of {rule} in {since}, in {messages} messages")


def _span(text: str) -> timedelta:
    """``30d`` or ``48h``."""
    number, unit = text[:-1], text[-1:]
    if not number.isdigit() or unit not in ("d", "h") or len(number) > 5:
        raise typer.BadParameter(
            f"{text!r} is no length of time; write 30d or 48h", param_hint="--since"
        )
    return timedelta(days=int(number)) if unit == "d" else timedelta(hours=int(number))


By = Annotated[str, typer.Option("--by", help="Who decided it.")]
Note = Annotated[str, typer.Option("--note", help="Why.")]


def _judge(
    config: Path | None, lake: str | None, verdict: str, subject: str, **given: Any
) -> None:
    from pipeline.model import Verdict

    with _app(config, lake) as app:
        made = app.judge(
            Verdict(verdict),
            subject,
            **given,
            now=datetime.now(UTC).replace(microsecond=0),
        )
    typer.echo(f"{made.verdict:8} claim {made.claim_id}, statement {made.statement_id}")


@claims_cli.command("merge")
def claims_merge(
    claim: Annotated[str, typer.Argument(help="A claim.")],
    into: Annotated[str, typer.Argument(help="The claim that is the same.")],
    by: By = "",
    note: Note = "",
    config: Config = None,
    lake: Lake = None,
) -> None:
    """Two claims are one: the later joins the earlier, from the next pass on.

    Example: `onrecord claims merge 0a1b... 2c3d... --by anna`
    """
    _judge(config, lake, "merge", claim, into=into, by=by, note=note)


@claims_cli.command("split")
def claims_split(
    statement: Annotated[str, typer.Argument(help="A statement that was joined.")],
    by: By = "",
    note: Note = "",
    config: Config = None,
    lake: Lake = None,
) -> None:
    """A statement is a claim of its own, from the next pass on.

    Example: `onrecord claims split 0a1b... --by anna`
    """
    _judge(config, lake, "split", statement, by=by, note=note)


@claims_cli.command("mark")
def claims_mark(
    claim: Annotated[str, typer.Argument(help="A claim that was told.")],
    verdict: Annotated[str, typer.Argument(help="wrong, duplicate or right.")],
    by: By = "",
    note: Note = "",
    config: Config = None,
    lake: Lake = None,
) -> None:
    """An alert was wrong, a duplicate, or right; `status` counts them.

    Example: `onrecord claims mark 0a1b... wrong --note "not his words"`
    """
    if verdict not in ("wrong", "duplicate", "right"):
        raise typer.BadParameter(f"{verdict!r}: write wrong, duplicate or right")
    _judge(config, lake, verdict, claim, by=by, note=note)


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
        return ", ".join(f"{k} {_inner(v)}" for k, v in value.items()) or "-"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    if isinstance(value, list | tuple):
        return "; ".join(str(v) for v in value) or "-"
    return "-" if value is None else str(value)


def _inner(value: object) -> str:
    return f"({_shown(value)})" if isinstance(value, Mapping) else _shown(value)


def main() -> None:
    """The console script."""
    cli()


if __name__ == "__main__":
    main()
