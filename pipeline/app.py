"""The wiring: settings to adapters to bound steps. The only place that knows them all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from functools import cached_property, partial, wraps
from importlib.resources import files
from pathlib import Path
from time import monotonic
from tomllib import TOMLDecodeError
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

import pyarrow as pa
from pydantic import SecretStr, ValidationError

from pipeline import (
    __version__,
    daily_page,
    editing,
    explorer_page,
    health,
    overview,
    proof,
    steps,
)
from pipeline.adapters import disk
from pipeline.adapters.archive import WarcArchive
from pipeline.adapters.bucket import BucketStore
from pipeline.adapters.config import (
    ChannelConfig,
    ConfigFolder,
    at_setting,
    checked_settings,
    there_are,
)
from pipeline.adapters.db import (
    Database,
    DbFeedStates,
    DbNotes,
    DbOutbox,
    DbProgress,
    DbRecord,
    DbRuns,
    DbSeen,
    sqlite_file,
)
from pipeline.adapters.http import HttpFetcher
from pipeline.adapters.jsonl import read_lines, write_lines
from pipeline.adapters.judgements import JudgementFile
from pipeline.adapters.lake import LocalLake, ParquetLake, write_whole
from pipeline.adapters.notify import open_channels
from pipeline.adapters.pages import PageFolder
from pipeline.adapters.salvage import copy_of, keep, salvaged
from pipeline.adapters.secrets import refuse_readable, secret_of
from pipeline.claims.compare import compare_pair
from pipeline.claims.judged import counted, error_rate
from pipeline.errors import (
    BrokenDatabaseError,
    ConfigError,
    DamagedError,
    InputError,
    PipelineError,
    StoreError,
)
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
from pipeline.settings import DEFAULT_CONFIG, Settings, settings_file
from pipeline.statements.export import records
from pipeline.statements.figures import FigureIndex
from pipeline.statements.learned import attributions
from pipeline.statements.topic import judge_of
from pipeline.tables.schemas import TABLES
from pipeline.tables.trends import trend

if TYPE_CHECKING:  # imported where they are used: `status` parses nothing
    from pipeline.batch import Extractor

BOUNDS = ("max_entries", "max_field", "max_depth")
"""The bounds on what is read of a document; the others are of the way to it."""

DATABASE_URL = "ONRECORD_DATABASE_URL"

STEPS = ("fetch", "read", "extract", "match", "alert", "deliver", "publish")
"""The steps of a pass, in their order."""


Tell = Callable[[str], None]
"""Hears what is being done, for a person who waits."""


def silently(_: str) -> None:
    """For those who do not."""


P = ParamSpec("P")
Step = Callable[Concatenate["App", datetime, P], Report]


def _alone(room: str) -> Callable[[Step[P]], Step[P]]:
    """One process at a time in a room, whoever started it: a second one waits.

    ``fetch`` has a room of its own, so that feeds are asked while days are rebuilt, and
    so has ``deliver``, whose other side may be slow. How a run ended is kept for
    ``status``.
    """

    def bound(step: Step[P]) -> Step[P]:
        @wraps(step)
        def held(
            self: App, at: datetime, /, *args: P.args, **kwargs: P.kwargs
        ) -> Report:
            begun = monotonic()

            def ended(**how: Any) -> None:
                DbRuns(self.database).put(
                    step.__name__,
                    at,
                    ended_at=datetime.now(UTC),
                    seconds=monotonic() - begun,
                    **how,
                )

            with self.database.alone(room):
                try:
                    report = step(self, at, *args, **kwargs)
                except PipelineError as error:
                    with suppress(StoreError):  # the error itself matters more
                        ended(error=str(error))
                    raise
                if step.__name__ in ("fetch", "alert", "deliver"):
                    self._keep()
                ended(report=report)
                return report

        return held

    return bound


Found = Callable[[Partition, pa.Table], pa.Table]
"""The statements of a partition's articles."""

Engine = Callable[["App", list[Partition]], Found]
"""From an app, and the partitions to be made, to what finds their statements."""


class App:
    """The steps with everything they need. What a step does not use is never opened."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.config = ConfigFolder(
            settings.config, needed=settings.config != DEFAULT_CONFIG
        )
        self.bucket: BucketStore | None = None
        if "://" in settings.lake:
            self.bucket = BucketStore(settings.lake, endpoint=settings.lake_endpoint)
            self.lake: ParquetLake = ParquetLake(self.bucket)
        else:
            root = Path(settings.lake)
            _rooms(root)
            self.lake = LocalLake(root)
        self.archive = WarcArchive(self.lake.store)

    # ---------------------------------------------------------------------- the parts

    @property
    def _database_url(self) -> str:
        given = self.settings.database_url or secret_of(DATABASE_URL, os.environ)
        if isinstance(given, str):
            given = SecretStr(given)
        if self.bucket is not None and given is None:
            raise InputError(
                "setting ONRECORD_DATABASE_URL",
                f"is needed where the lake is no folder ({self.settings.lake})",
            )
        path = (Path(self.settings.lake) / "state.sqlite").absolute()
        return given.get_secret_value() if given else f"sqlite:///{path}"

    @cached_property
    def database(self) -> Database:
        file = sqlite_file(self._database_url)
        if file is not None and copy_of(file).exists() and not file.exists():
            raise BrokenDatabaseError(str(file), "it is gone; run onrecord salvage")
        return Database(self._database_url)

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
        from pipeline.adapters.nlp import open_nlp, version_of
        from pipeline.adapters.tagger import open_tagger
        from pipeline.batch import Extractor

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
        return JudgementFile(self.lake.store)

    def channels(self) -> dict[str, Channel]:
        try:
            made = open_channels(
                self._alerts[1],
                folder=self.bucket or Path(self.settings.lake),
                environment=os.environ,
            )
        except ValueError as error:
            raise ConfigError("alerts.toml", None, str(error)) from error
        return {channel.id: channel for channel in made}

    # ---------------------------------------------------------------------- the steps

    @_alone("fetch")
    def fetch(self, at: datetime, *, everything: bool = False) -> Report:
        self.database.check()  # a pass builds on nothing that is damaged
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

    @_alone("work")
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

    @_alone("work")
    def extract(self, at: datetime, *, engine: Engine | None = None) -> Report:
        pending = self.progress.pending("extract", Partition.at(at))
        if not pending:
            return Report(step="extract")  # no model is loaded for nothing
        return steps.extract(
            at,
            lake=self.lake,
            found_in=engine(self, pending) if engine else self._found_here,
            progress=self.progress,
        )

    def _found_here(self, _: Partition, articles: pa.Table) -> pa.Table:
        from pipeline.batch import statements_of

        return statements_of(articles, extractor=self.extractor)

    @_alone("work")
    def match(self, at: datetime) -> Report:
        return steps.match(
            at,
            lake=self.lake,
            record=self.record,
            progress=self.progress,
            judgements=self.judgements.all(),
        )

    @_alone("work")
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

    @_alone("deliver")
    def deliver(self, at: datetime) -> Report:
        return steps.deliver(at, outbox=self.outbox, channels=self.channels())

    @_alone("work")
    def publish(self, at: datetime) -> Report:
        figures = self.config.figures()
        report = steps.publish(
            at,
            archive=self.archive,
            lake=self.lake,
            outbox=self.outbox,
            progress=self.progress,
            version=__version__,
            named=None
            if self.settings.names == "all"
            else frozenset(figure.name for figure in figures),
            tracked={figure.id: figure.name for figure in figures},
            topic=self.settings.topic,
        )
        with suppress(StoreError), self.database.alone("fetch", patience_seconds=0):
            self.lake.sweep()  # in both rooms nobody else writes now
        return report

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
        days = self.settings.answer_days
        today = min(today, datetime.now(UTC).date())  # a moment in the future is no age
        return self.archive.expire(today - timedelta(days=days)) if days else 0

    @_alone("work")
    def expire_texts(self, at: datetime) -> Report:
        """Remove the full texts of days that are older than the settings keep."""
        days = self.settings.text_days
        today = min(at, datetime.now(UTC)).date()
        if not days:
            return Report(step="expire")
        return steps.expire_texts(
            today - timedelta(days=days),
            archive=self.archive,
            lake=self.lake,
            progress=self.progress,
        )

    def rebuild(
        self,
        since: date,
        *,
        alert: bool = False,
        afresh: bool = False,
        engine: Engine | None = None,
        tell: Tell = silently,
    ) -> list[Report]:
        """Days since ``since`` again from the archive. Asks no feed; alerts if told.

        One that was cut off goes on where it was, unless it is to begin ``afresh``;
        ``engine`` finds the statements elsewhere (pipeline.bulk).
        """
        self._refuse_expired(since)
        now = datetime.now(UTC)
        partitions = self.archive.partitions(since)
        notes = DbNotes(self.database)
        if afresh or not partitions or notes.get("rebuild") != str(since):
            steps.stale_since(
                since, archive=self.archive, progress=self.progress, now=now
            )
            notes.put("rebuild", str(since))
        last = partitions[-1].moment
        names = ["read", "extract", "match", *(["alert"] if alert else []), "publish"]
        reports = []
        for name in names:
            tell(name)
            if name == "extract":
                reports.append(self.extract(last, engine=engine))
            else:
                reports.append(self._step(name)(last))
        notes.put("rebuild", "")
        return reports

    def _refuse_expired(self, since: date) -> None:
        """InputError where a day to be made again has no texts left to make it from."""
        days = {p.day for p in self.lake.partitions("articles") if p.day >= since}
        gone = [day for day in sorted(days) if self.lake.expired(day)]
        if gone:
            raise InputError(
                f"--from {since}",
                f"the full texts up to {gone[-1]} were removed (text_days); "
                f"{gone[-1] + timedelta(days=1)} is the first day that can be made again",
            )

    def close_day(self, day: date) -> str:
        """Publish a day once more, check it against the archive, write its page; and
        compact the month before it, so that long readings stay cheap unattended.

        DamagedError names the first row that the archive does not prove.
        """
        self.publish(datetime.combine(day, time.max, UTC))
        self.expire(day + timedelta(days=1))
        self.expire_texts(datetime.combine(day + timedelta(days=1), time.min, UTC))
        return self._closed(datetime.combine(day, time.min, UTC))

    def _closed(self, at: datetime) -> str:
        begun, runs_ = monotonic(), DbRuns(self.database)

        def ended(**how: Any) -> None:
            now = datetime.now(UTC)
            seconds = monotonic() - begun
            runs_.put("close_day", at, ended_at=now, seconds=seconds, **how)

        wrong = self.verify(at.date())
        if wrong:
            error = DamagedError(
                f"day {at:%Y-%m-%d}", f"{wrong[0]} ({len(wrong)} faults)"
            )
            ended(error=str(error))
            raise error
        page = self.digest(at.date())
        self._compact({f"{at.date().replace(day=1) - timedelta(days=1):%Y-%m}"})
        ended(report=Report(step="close_day"))
        return page

    def salvage(self) -> dict[str, int]:
        """Make a new database in the place of a damaged or lost SQLite one.

        ``rebuild`` from the first archived day then makes its caches again.
        """
        file = sqlite_file(self._database_url)
        if file is None:
            raise InputError(DATABASE_URL, "only SQLite can be salvaged")
        self.close()
        self.__dict__.pop("database", None)
        counts = salvaged(file)
        for name in ("progress", "outbox", "record"):
            self.__dict__.pop(name, None)  # they held the old one
        return counts

    def _keep(self) -> None:
        """Copy what no rebuild brings back. A server's database has tools of its own."""
        if self.database.file is not None:
            with self.database.alone("kept"):
                keep(self.database.file)

    def late(self, step: str, reason: str) -> None:
        """Let ``status`` say that something was not over in time."""
        now = datetime.now(UTC)
        DbRuns(self.database).put(step, now, ended_at=now, seconds=0, error=reason)

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
        return proof.faults(
            day, lake=self.lake, archive=self.archive, bounds=self.bounds
        )

    def expired(self, day: date) -> str:
        """What of a day was removed since it is older than is kept; empty if nothing."""
        return proof.expired(day, lake=self.lake, archive=self.archive)

    def digest(self, day: date | None = None) -> str:
        """Write the page of a published day (the last one), the list of days, and the
        explorer over all of them; the path of the page."""
        there = self.lake.published("statements")
        if not there:
            raise InputError(f"lake {self.settings.lake}", "no day is published yet")
        day = day or there[-1]
        if day not in there:
            raise InputError(f"--date {day}", f"not published; the last is {there[-1]}")
        page = daily_page.write_page(day, lake=self.lake, names=self._topic_names())
        self.explorer()
        return page

    def explorer(self, out: Path | None = None) -> str:
        """Write the explorer over all published days; the path of its page.

        Beside the digests in the lake; or into a folder of its own, which can be copied
        anywhere. What has not changed is left alone.
        """
        if not self.lake.published("statements"):
            raise InputError(f"lake {self.settings.lake}", "no day is published yet")
        store = self.lake.store
        digests = PageFolder(store, "site/").names("????-??-??.html")
        pages = PageFolder(store, "site/explorer/") if out is None else PageFolder(out)
        explorer_page.write_explorer(
            lake=self.lake,
            pages=pages,
            names=self._topic_names(),
            digests=[] if out else [date.fromisoformat(name[:10]) for name in digests],
        )
        return f"{pages.where}index.html"

    def _topic_names(self) -> dict[str, str]:
        topic = self.config.topic(self.settings.topic)
        return {topic.id: topic.name} | {one.id: one.name for one in topic.subtopics}

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
                f"rule {rule_id}", f"not in alerts.toml; {there_are(rules)}"
            )
        upto, partitions = Partition.at(now), self.archive.partitions()
        return editing.would_have_told(
            self.record.histories(since=now - since, upto=upto),
            rules[rule_id],
            window=timedelta(hours=self.settings.alerts.window_hours),
            figures_since=self.record.figures_since(upto),
            lake_since=partitions[0].moment if partitions else None,
            quiet_first_days=self.settings.alerts.quiet_first_days,
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

    def check_config(self) -> None:
        """ConfigError where a pass would meet one: topic, rules, channels."""
        self.config.topic(self.settings.topic)
        _ = self._alerts

    def compact(self, month: str | None = None) -> int:
        """Compact the months that are over (or one) of tables sorted by figure; how many
        files were written. InputError where nothing of the month is published."""
        there = {f"{day:%Y-%m}" for day in self.published_days()}
        if month is not None and month not in there:
            raise InputError(f"--month {month}", "no day of it is published")
        return self._compact(there - {max(there)} if month is None else {month})

    def _compact(self, months: set[str]) -> int:
        written = 0
        for name, table in TABLES.items():
            if table.group is not None:
                there = {f"{day:%Y-%m}" for day in self.lake.published(name)}
                for one in sorted(months & there):
                    written += self.lake.compact(name, one)
        return written

    @contextmanager
    def sql(self) -> Iterator[Callable[[str], str]]:
        """Answers queries over the published tables, each drawn as a table."""
        from pipeline.adapters.sql import answers, open_sql

        try:
            opened = open_sql(self.settings.lake, self.settings.lake_endpoint)
        except OSError as error:
            raise StoreError(self.settings.lake, str(error)) from error
        with opened:
            yield lambda query: answers(opened, query) or "done"

    def trends(self, **asked: Any) -> str:
        """``tables.trends.trend`` as CSV, by all that is asked for."""
        by = ["figure", *(n for n in ("subtopic", "act") if asked[n] is not None)]
        try:
            where = self.settings.lake, self.settings.lake_endpoint
            made = trend(by, **asked, lake=where[0], endpoint=where[1])
        except ValueError as error:
            raise InputError("trends", str(error)) from error
        except OSError as error:
            raise StoreError(self.settings.lake, str(error)) from error
        return made.to_csv(index=False)

    def status(self, now: datetime) -> dict[str, Any]:
        self.check_config()
        states = DbFeedStates(self.database).load(self.feeds)
        root = Path(self.settings.lake) if self.bucket is None else None
        counts = self.outbox.channels()
        found = health.status(
            now,
            feeds=self.feeds,
            states=states,
            lake=self.lake,
            progress=self.progress,
            steps=self._last_runs(),
            outbox=self.outbox.counts(),
            waiting_since=self.outbox.waiting_since(),
            disk=disk.usage(root) if root else {},
        )
        configured = {channel.id for channel in self._alerts[1]}
        found["faults"] += [
            f"channel {name}: its alerts wait, and alerts.toml has no such channel"
            for name, states_ in counts.items()
            if name not in configured and states_.keys() & {"pending", "failed"}
        ] + (disk.readable(root) if root else [])
        return found | {
            "channels": counts,
            "judgements": counted(self.judgements.all()),
            "alerts in error": error_rate(self.judgements.all()),
        }

    def _last_runs(self) -> dict[str, dict[str, Any]]:
        last = DbRuns(self.database).last()
        return {step: last[step] for step in (*STEPS, "close_day") if step in last}

    def clean(self, today: date, *, tell: Tell = silently) -> dict[str, int]:
        """Remove what need not be kept: expired answers and texts, what killed writers
        left. Texts that must wait for something are told by ``tell``."""
        expired = self.expire(today)
        texts = self.expire_texts(datetime.combine(today, time.min, UTC))
        for reason in texts.failures:
            tell(reason)
        with self.database.alone("fetch"), self.database.alone("work"):
            return {
                "archived files": expired,
                "partitions with full texts": texts.rows,
                "left aside": self.lake.sweep(),
            }

    def _step(self, name: str) -> Callable[[datetime], Report]:
        step: Callable[[datetime], Report] = getattr(self, name)
        return step

    def close(self) -> None:
        if "database" in self.__dict__:
            self.database.close()


def _rooms(root: Path) -> None:
    """The lake's folders; those with full texts are nobody's but their owner's."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        for name in ("archive", "work"):
            if not (root / name).is_dir():
                (root / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StoreError(f"lake {root}", str(error)) from error


def open_app(**overrides: Any) -> App:
    """The app of the environment's settings; ``overrides`` take their place.

    ConfigError names the setting that is wrong, and where it stands.
    """
    given = {k: v for k, v in overrides.items() if v is not None}
    try:
        settings = Settings(**given)
    except TOMLDecodeError as error:
        checked_settings(settings_file(given))  # it names the line
        raise ConfigError(settings_file(given), None, str(error)) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = [str(part) for part in first["loc"]]
        name = "ONRECORD_" + "__".join(place).upper()
        if not (place[0] in given or any(n.startswith(name) for n in _variables())):
            raise at_setting(settings_file(given), place, first["msg"]) from error
        raise ConfigError(f"setting {name}", None, first["msg"]) from error
    elsewhere = DATABASE_URL in _variables() or "database_url" in given
    if settings.database_url is not None and not elsewhere:
        url, path = settings.database_url.get_secret_value(), settings_file(given)
        if ":" in url.partition("@")[0].partition("://")[2] and path.is_file():
            refuse_readable(path, "database_url holds a password")
    app = App(settings)
    _refuse_unknown(app)
    return app


OTHERS = frozenset(
    {f"{DATABASE_URL}_FILE", "ONRECORD_SCHEDULE", "ONRECORD_PORT", "ONRECORD_POOL"}
)
"""Variables that are no settings: a secret's file; what DAGs and ``make live`` read."""


def _variables() -> list[str]:
    return sorted(n.upper() for n in os.environ if n.upper().startswith("ONRECORD_"))


def _refuse_unknown(app: App) -> None:
    """ConfigError for a variable of ours that nothing reads: it is a slip of the pen."""
    known = {f"ONRECORD_{name.upper()}" for name in Settings.model_fields} | OTHERS
    unknown = [name for name in _variables() if name.split("__")[0] not in known]
    if unknown:  # a channel's secret may be called so
        channels = app.config.alerts(app.settings.topic)[1]
        named = {n.upper() for c in channels for n in (c.url_env, c.secret_env) if n}
        named |= {f"{name}_FILE" for name in named}
        unknown = [name for name in unknown if name not in named]
    if unknown:
        near = get_close_matches(unknown[0], sorted(known), n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ConfigError(
            f"variable {unknown[0]}",
            None,
            f"no such setting; {hint}docs/operate.md lists them",
        )


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
