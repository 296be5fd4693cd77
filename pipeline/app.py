"""The wiring: settings to adapters to bound steps. The only place that knows them all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline import __version__, daily_page, editing, overview, proof, steps
from pipeline.adapters.archive import WarcArchive
from pipeline.adapters.config import ChannelConfig, ConfigFolder
from pipeline.adapters.db import (
    Database,
    DbFeedStates,
    DbOutbox,
    DbProgress,
    DbRecord,
    DbSeen,
)
from pipeline.adapters.http import HttpFetcher
from pipeline.adapters.jsonl import read_lines, write_lines
from pipeline.adapters.judgements import JudgementFile
from pipeline.adapters.lake import LocalLake, write_whole
from pipeline.adapters.nlp import open_nlp, version_of
from pipeline.adapters.notify import open_channels
from pipeline.adapters.sql import answers, open_sql
from pipeline.adapters.tagger import open_tagger
from pipeline.batch import Extractor
from pipeline.claims.compare import compare_pair
from pipeline.claims.judged import counted, error_rate
from pipeline.errors import ConfigError, DamagedError, InputError
from pipeline.feeds.discovery import block, outlines
from pipeline.model import (
    AlertRule,
    Bounds,
    Feed,
    FeedState,
    Judgement,
    Partition,
    Report,
    Verdict,
)
from pipeline.ports import Channel
from pipeline.settings import DEFAULT_CONFIG, Settings
from pipeline.statements.export import records
from pipeline.statements.figures import FigureIndex
from pipeline.statements.learned import attributions
from pipeline.statements.topic import judge_of
from pipeline.tables.schemas import TABLES
from pipeline.tables.trends import trend

BOUNDS = ("max_entries", "max_field", "max_depth")
"""The bounds on what is read of a document; the others are of the way to it."""

STEPS = ("fetch", "read", "extract", "match", "alert", "deliver", "publish")
"""The steps of a pass, in their order."""


Tell = Callable[[str], None]
"""Hears what is being done, for a person who waits."""


def silently(_: str) -> None:
    """For those who do not."""


class App:
    """The steps with everything they need. What a step does not use is never opened."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.config = ConfigFolder(
            settings.config, needed=settings.config != DEFAULT_CONFIG
        )
        root = Path(settings.lake)
        if "://" in settings.lake:
            raise InputError(
                f"lake {settings.lake}", "only a local folder is supported so far"
            )
        root.mkdir(parents=True, exist_ok=True)
        self.lake = LocalLake(root)
        self.archive = WarcArchive(root)

    # ---------------------------------------------------------------------- the parts

    @cached_property
    def database(self) -> Database:
        given = self.settings.database_url
        path = (Path(self.settings.lake) / "state.sqlite").absolute()
        return Database(given.get_secret_value() if given else f"sqlite:///{path}")

    @cached_property
    def progress(self) -> DbProgress:
        return DbProgress(self.database, steps.FOLDS)

    @cached_property
    def outbox(self) -> DbOutbox:
        return DbOutbox(self.database)

    @cached_property
    def record(self) -> DbRecord:
        return DbRecord(self.database)

    @cached_property
    def feeds(self) -> list[Feed]:
        return self.config.feeds()

    @cached_property
    def figures(self) -> FigureIndex:
        return FigureIndex(self.config.figures(), self.config.offices())

    @cached_property
    def fetcher(self) -> HttpFetcher:
        fetch = self.settings.fetch
        return HttpFetcher(
            **fetch.model_dump(
                exclude={"allow", "hosts", "slowest_minutes", "everything", *BOUNDS}
            ),
            allow=frozenset(fetch.allow),
            hosts=fetch.hosts,
        )

    @cached_property
    def bounds(self) -> Bounds:
        return Bounds(**self.settings.fetch.model_dump(include=set(BOUNDS)))

    @cached_property
    def extractor(self) -> Extractor:
        nlp = open_nlp(self.settings.nlp_model)
        version, tagger = version_of(nlp), None
        if self.settings.model == "learned":
            encoder = open_tagger(Path(str(files("pipeline"))) / "statements" / "model")
            version += f" {encoder.version}"
            tagger = partial(attributions, encoder=encoder)
        return Extractor(
            nlp=nlp,
            figures=self.figures,
            topic=self.config.topic(self.settings.topic),
            cues=self.config.cues(),
            version=version,
            context_chars=self.settings.context_chars,
            tagger=tagger,
        )

    @cached_property
    def _alerts(self) -> tuple[list[AlertRule], list[ChannelConfig]]:
        return self.config.alerts(self.settings.topic)

    @cached_property
    def _templates(self) -> dict[str, str]:
        return self.config.alert_templates(self.settings.alerts.templates)

    @cached_property
    def judgements(self) -> JudgementFile:
        return JudgementFile(Path(self.settings.lake) / "judgements.jsonl")

    def channels(self) -> dict[str, Channel]:
        try:
            made = open_channels(
                self._alerts[1],
                folder=Path(self.settings.lake),
                environment=os.environ,
            )
        except ValueError as error:
            raise ConfigError("alerts.toml", None, str(error)) from error
        return {channel.id: channel for channel in made}

    # ---------------------------------------------------------------------- the steps

    def fetch(self, at: datetime, *, everything: bool = False) -> Report:
        topic = self.config.topic(self.settings.topic)
        return steps.fetch(
            self.feeds,
            at,
            fetcher=self.fetcher,
            states=DbFeedStates(self.database),
            archive=self.archive,
            lake=self.lake,
            progress=self.progress,
            gate=judge_of(topic).touches,
            bounds=self.bounds,
            slowest=timedelta(minutes=self.settings.fetch.slowest_minutes),
            everything=everything or self.settings.fetch.everything,
        )

    def read(self, at: datetime) -> Report:
        return steps.read(
            at,
            feeds=self.feeds,
            archive=self.archive,
            lake=self.lake,
            seen=DbSeen(self.database),
            progress=self.progress,
            bounds=self.bounds,
        )

    def extract(self, at: datetime) -> Report:
        if not self.progress.pending("extract", Partition.at(at)):
            return Report(step="extract")  # no model is loaded for nothing
        return steps.extract(
            at, lake=self.lake, extractor=self.extractor, progress=self.progress
        )

    def match(self, at: datetime) -> Report:
        return steps.match(
            at,
            lake=self.lake,
            record=self.record,
            progress=self.progress,
            judgements=self.judgements.all(),
        )

    def alert(self, at: datetime) -> Report:
        alerts = self.settings.alerts
        return steps.alert(
            at,
            record=self.record,
            outbox=self.outbox,
            archive=self.archive,
            lake=self.lake,
            progress=self.progress,
            rules=self._alerts[0],
            window=timedelta(hours=alerts.window_hours),
            quiet_first_days=alerts.quiet_first_days,
            templates=self._templates,
            site_url=alerts.site_url,
        )

    def deliver(self, at: datetime) -> Report:
        return steps.deliver(at, outbox=self.outbox, channels=self.channels())

    def publish(self, at: datetime) -> Report:
        return steps.publish(
            at,
            archive=self.archive,
            lake=self.lake,
            outbox=self.outbox,
            progress=self.progress,
            version=__version__,
            named=None
            if self.settings.names == "all"
            else frozenset(figure.name for figure in self.config.figures()),
        )

    def run(
        self, at: datetime, *, everything: bool = False, tell: Tell = silently
    ) -> list[Report]:
        """One pass: every step at one moment. ``tell`` hears of each step's begin."""
        tell("fetch")
        reports = [self.fetch(at, everything=everything)]
        for name in STEPS[1:]:
            tell(name)
            reports.append(self._step(name)(at))
        self.expire(at.date())
        return reports

    def expire(self, today: date) -> int:
        """Remove archived answers that are older than the settings keep; how many files."""
        days = self.settings.archive_days
        today = min(today, datetime.now(UTC).date())  # a moment in the future is no age
        return self.archive.expire(today - timedelta(days=days)) if days else 0

    def rebuild(
        self, since: date, *, alert: bool = False, tell: Tell = silently
    ) -> list[Report]:
        """Days since ``since`` again from the archive. Asks no feed; alerts if told."""
        now = datetime.now(UTC)
        partitions = self.archive.partitions(since)
        steps.stale_since(since, archive=self.archive, progress=self.progress, now=now)
        last = partitions[-1].moment
        names = ["read", "extract", "match", *(["alert"] if alert else []), "publish"]
        reports = []
        for name in names:
            tell(name)
            reports.append(self._step(name)(last))
        return reports

    def close_day(self, day: date) -> Path:
        """Publish a day once more, check it against the archive, write its page.

        DamagedError names the first row that the archive does not prove.
        """
        self.publish(datetime.combine(day, time.max, UTC))
        self.expire(day + timedelta(days=1))
        wrong = self.verify(day)
        if wrong:
            raise DamagedError(f"day {day}", f"{wrong[0]} ({len(wrong)} faults)")
        return self.digest(day)

    # -------------------------------------------------------------------- the others

    def extract_file(self, source: Path, output: Path, *, everyone: bool) -> int:
        """``onrecord extract --input``: articles in, statements out, in the same order."""
        lines = list(read_lines(source))
        texts = [article_text(where, line) for where, line in lines]
        found = self.extractor.quoted(texts, everyone=everyone)
        return write_lines(
            output,
            (
                {
                    "article_id": line["article_id"],
                    "statements": records(
                        quoted
                        if everyone
                        else [q for q in quoted if q.speaker.leader and q.about_topic],
                        text,
                    ),
                }
                for (_, line), (text, _), quoted in zip(
                    lines, texts, found, strict=True
                )
            ),
        )

    def published_days(self) -> list[date]:
        """Days of which at least one table is there. InputError where there is none."""
        days = sorted({day for name in TABLES for day in self.lake.published(name)})
        if not days:
            raise InputError(f"lake {self.settings.lake}", "no day is published yet")
        return days

    def verify(self, day: date) -> list[str]:
        """What of a published day its archive does not prove; empty if all is well."""
        if day not in self.published_days():
            raise InputError(f"--date {day}", "not published")
        return proof.faults(day, lake=self.lake, archive=self.archive)

    def expired(self, day: date) -> bool:
        """Whether answers of a day were removed since they are older than is kept."""
        return proof.expired(day, lake=self.lake, archive=self.archive)

    def digest(self, day: date | None = None) -> Path:
        """Write the page of a published day (the last one) and the list of days."""
        there = self.lake.published("statements")
        if not there:
            raise InputError(f"lake {self.settings.lake}", "no day is published yet")
        day = day or there[-1]
        if day not in there:
            raise InputError(f"--date {day}", f"not published; the last is {there[-1]}")
        topic = self.config.topic(self.settings.topic)
        names = {topic.id: topic.name} | {one.id: one.name for one in topic.subtopics}
        return Path(daily_page.write_page(day, lake=self.lake, names=names))

    def check_feeds(self, now: datetime) -> list[dict[str, Any]]:
        """Every feed asked once, nothing stored: a row each."""
        fresh = [(f, FeedState(feed_id=f.id, url=f.url)) for f in self.feeds]
        answers = {
            feed.id: answer for feed, answer in self.fetcher.feeds(fresh, now=now)
        }
        return [
            overview.checked(feed, answers.get(feed.id), now) for feed in self.feeds
        ]

    def discover(
        self, url: str, now: datetime
    ) -> tuple[list[Feed], list[dict[str, Any]]]:
        """Feeds at an address or named by its page, and how each answered when tried.

        Those that work and are not configured yet come back as feeds to add.
        """
        ask = partial(self._asked, now=now)
        return overview.discovered(url, ask=ask, known=self.feeds, now=now)

    def _asked(self, urls: Sequence[str], *, now: datetime) -> dict[str, object]:
        """The answer of each address, as that of a feed."""
        feeds = [Feed(id=url, url=url, outlet="") for url in urls]
        fresh = [(feed, FeedState(feed_id=feed.id, url=feed.url)) for feed in feeds]
        return {feed.id: answer for feed, answer in self.fetcher.feeds(fresh, now=now)}

    def imported(self, file: Path) -> list[Feed]:
        """The feeds of an OPML file that are not configured yet."""
        try:
            listed = outlines(file.read_bytes())
        except (OSError, ValueError) as error:
            raise InputError(str(file), str(error)) from error
        return overview.unlisted(listed, self.feeds)

    def add_feeds(self, feeds: Sequence[Feed]) -> Path:
        """Append feeds to feeds.toml of the config folder, whole or not at all."""
        path = self.config.folder / "feeds.toml"
        before = path.read_text("utf-8").rstrip("\n") + "\n\n" if path.exists() else ""
        write_whole(path, (before + "\n".join(map(block, feeds))).encode())
        return path

    def unknown_figures(self) -> list[dict[str, Any]]:
        """Office-holders whom stored articles name and the roster does not track."""
        return overview.unknown(self.lake, self.figures)

    def test_rule(
        self, rule_id: str, *, since: timedelta, now: datetime
    ) -> list[dict[str, Any]]:
        """What a rule of alerts.toml would have told, switched on or not: a row each."""
        rules = {rule.id: rule for rule in self._alerts[0]}
        if rule_id not in rules:
            raise InputError(
                f"rule {rule_id}", f"not in alerts.toml; there are {', '.join(rules)}"
            )
        histories = self.record.histories(since=now - since, upto=Partition.at(now))
        return editing.would_have_told(
            histories,
            rules[rule_id],
            window=timedelta(hours=self.settings.alerts.window_hours),
        )

    def judge(
        self,
        verdict: Verdict,
        subject: str,
        *,
        into: str | None = None,
        by: str = "",
        note: str = "",
        now: datetime,
    ) -> Judgement:
        """Keep what an editor decided; the next pass makes the claims again with it."""
        judgement, since = editing.judged(
            self.record, verdict, subject, into=into, by=by, note=note, now=now
        )
        if since is not None:  # marked before, in case we are killed in between
            self.progress.stale("match", since)
        self.judgements.add(judgement)
        if since is not None:  # and after, in case a pass went by in between
            self.progress.stale("match", since)
        return judgement

    def timeline(
        self, figure_id: str, *, topic: str | None = None
    ) -> list[dict[str, Any]]:
        """A figure's claims in order, with what changed in each: a row each."""
        known = {figure.id: figure.name for figure in self.config.figures()}
        if figure_id not in known:
            raise InputError(
                f"--figure {figure_id}", "not tracked; see onrecord figures list"
            )
        if topic is not None:
            there = [one.id for one in self.config.topic(self.settings.topic).subtopics]
            if topic not in there:
                raise InputError(
                    f"--topic {topic}", f"no such sub-topic: {', '.join(there)}"
                )
        return editing.timeline(self.lake, figure_id, topic=topic)

    def compact(self, month: str | None = None) -> int:
        """Compact the months that are over (or one) of tables sorted by figure; how many
        files were written."""
        written = 0
        for name, table in TABLES.items():
            if table.group is None:
                continue
            days = self.lake.published(name)
            over = {
                f"{day:%Y-%m}" for day in days if f"{day:%Y-%m}" < f"{days[-1]:%Y-%m}"
            }
            for one in sorted(over if month is None else {month}):
                written += self.lake.compact(name, one)
        return written

    @contextmanager
    def sql(self) -> Iterator[Callable[[str], str]]:
        """Answers queries over the published tables, each drawn as a table."""
        with open_sql(Path(self.settings.lake)) as opened:
            yield lambda query: answers(opened, query) or "done"

    def trends(self, **asked: Any) -> str:
        """``tables.trends.trend`` as CSV, by all that is asked for."""
        by = ["figure", *(n for n in ("subtopic", "act") if asked[n] is not None)]
        try:
            made = trend(by, **asked, lake=self.settings.lake)
        except ValueError as error:
            raise InputError("trends", str(error)) from error
        return made.to_csv(index=False)

    def status(self, now: datetime) -> dict[str, Any]:
        states = DbFeedStates(self.database).load(self.feeds)
        return overview.status(
            now,
            feeds=self.feeds,
            states=states,
            lake=self.lake,
            progress=self.progress,
            outbox=self.outbox.counts(),
        ) | {
            "channels": self.outbox.channels(),
            "judgements": counted(self.judgements.all()),
            "alerts in error": error_rate(self.judgements.all()),
        }

    def _step(self, name: str) -> Callable[[datetime], Report]:
        step: Callable[[datetime], Report] = getattr(self, name)
        return step

    def close(self) -> None:
        if "database" in self.__dict__:
            self.database.close()


def open_app(**overrides: Any) -> App:
    """The app of the environment's settings; ``overrides`` take their place.

    ConfigError names the setting that is wrong.
    """
    try:
        settings = Settings(**{k: v for k, v in overrides.items() if v is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = "__".join(str(part) for part in first["loc"]).upper()
        raise ConfigError(
            f"setting ONRECORD_{name} (or settings.toml)", None, first["msg"]
        ) from error
    return App(settings)


def article_text(where: str, line: dict[str, Any]) -> tuple[str, date | None]:
    """The text and day of one line of ``onrecord extract``. InputError names the key."""
    for key in ("article_id", "text"):
        if not isinstance(line.get(key), str):
            raise InputError(where, f"{key}: a string is expected")
    published = line.get("published")
    try:
        day = datetime.fromisoformat(published).date() if published else None
    except (TypeError, ValueError) as error:
        raise InputError(where, f"published: not ISO 8601: {published!r}") from error
    return line["text"], day


def compare_file(source: Path, output: Path) -> int:
    """``onrecord compare``: labelled pairs in, relations out, in the same order."""

    def answered(where: str, line: dict[str, Any]) -> dict[str, object]:
        try:
            return compare_pair(line)
        except ValueError as error:
            raise InputError(where, str(error)) from error

    return write_lines(output, [answered(*one) for one in read_lines(source)])
