"""A pass: every step bound to its parts, one process at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import partial, wraps
from time import monotonic
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from pipeline import __version__, steps
from pipeline.errors import PipelineError, StoreError
from pipeline.model import Partition, Report
from pipeline.statements.topic import judge_of
from pipeline.wiring import Parts

if TYPE_CHECKING:
    import pyarrow as pa

STEPS = ("fetch", "read", "extract", "match", "alert", "deliver", "publish")
"""The steps of a pass, in their order."""

QUICK = 64 << 20
"""Bytes of a database that are looked over in a fraction of a second."""

Tell = Callable[[str], None]
"""Hears what is being done, for a person who waits."""


def silently(_: str) -> None:
    """For those who do not."""


P = ParamSpec("P")
Step = Callable[Concatenate["Passes", datetime, P], Report]


def _alone(room: str) -> Callable[[Step[P]], Step[P]]:
    """One process at a time in a room, whoever started it: a second one waits.

    ``fetch`` has a room of its own, so that feeds are asked while days are rebuilt, and
    so has ``deliver``, whose other side may be slow. How a run ended is kept for
    ``status``.
    """

    def bound(step: Step[P]) -> Step[P]:
        @wraps(step)
        def held(
            self: Passes, at: datetime, /, *args: P.args, **kwargs: P.kwargs
        ) -> Report:
            ended = partial(self._ended, step.__name__, at, monotonic())
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


Found = Callable[[Partition], "Iterator[pa.Table]"]
"""The statements of a partition's articles, in their order, some at a time."""

Engine = Callable[[Parts, list[Partition]], Found]
"""From an app, and the partitions to be made, to what finds their statements."""


class Passes(Parts):
    """The steps of a pass, in their order, and the pass."""

    @_alone("fetch")
    def fetch(self, at: datetime, *, everything: bool = False) -> Report:
        self._check(at)
        topic = self.config.topic(self.settings.topic)
        return steps.fetch(
            self.feeds,
            at,
            fetcher=self.fetcher,
            states=self.feed_states,
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
            seen=self.seen,
            progress=self.progress,
            bounds=self.bounds,
            reader=self.reader,
        )

    @_alone("work")
    def extract(self, at: datetime, *, engine: Engine | None = None) -> Report:
        pending = self.progress.pending("extract", Partition.at(at))
        if not pending:
            return Report(step="extract")  # no model is loaded for nothing
        return steps.extract(
            at,
            lake=self.lake,
            found_in=engine(self, pending) if engine else self.found_here,
            progress=self.progress,
        )

    def found_here(self, partition: Partition) -> Iterator[pa.Table]:
        """The statements of a partition's articles; a text that comes again, as a wire
        story does, is read once."""
        from pipeline.batch import Memory, statements_of

        memory: Memory = {}
        for rows in self.lake.chunks("articles", partition):
            yield statements_of(rows, extractor=self.extractor, memory=memory)

    @_alone("work")
    def match(self, at: datetime) -> Report:
        if self.notes.get("matcher") != self.matcher_version:
            for first in self.lake.partitions("statements")[:1]:
                self.progress.stale("match", first, only=False)
            self.notes.put("matcher", self.matcher_version)
        if not self.progress.pending("match", Partition.at(at)):
            return Report(step="match")  # the network is not opened for nothing
        return steps.match(
            at,
            lake=self.lake,
            record=self.record,
            progress=self.progress,
            meaning=self.meaning,
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
            rules=self.rules,
            window=timedelta(hours=alerts.window_hours),
            quiet_first_days=alerts.quiet_first_days,
            templates=self.templates,
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
            matcher=self.matcher_version,
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

    def _step(self, name: str) -> Callable[[datetime], Report]:
        step: Callable[[datetime], Report] = getattr(self, name)
        return step

    def _check(self, at: datetime) -> None:
        """BrokenDatabaseError: a pass builds on nothing that is damaged.

        What no rebuild brings back is looked over each time, and all of it while that is
        quick; else once a day, since it takes seconds for each year on record.
        """
        from pipeline.adapters.db.salvage import KEPT

        day = str(at.date())
        checked = self.notes.get("checked") == day
        self.database.check(KEPT if checked and self.database.bytes > QUICK else ())
        if not checked:
            self.notes.put("checked", day)

    def _ended(
        self,
        step: str,
        at: datetime,
        begun: float,
        *,
        report: Report | None = None,
        error: str | None = None,
    ) -> None:
        """Keep how a step ended, for ``status``; ``begun`` is of ``monotonic``."""
        self.runs.put(
            step,
            at,
            ended_at=datetime.now(UTC),
            seconds=monotonic() - begun,
            report=report,
            error=error,
        )

    def _keep(self) -> None:
        """Copy what no rebuild brings back. A server's database has tools of its own."""
        from pipeline.adapters.db.salvage import keep

        if self.database.file is not None:
            with self.database.alone("kept"):
                keep(self.database.file)
