"""Past days: made again, proved, closed; the pages and months made of them.

What only one of them needs is imported there: a pass draws no page.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from time import monotonic

from pipeline import steps
from pipeline.errors import DamagedError, InputError, StoreError
from pipeline.model import Partition, Report, TableDay
from pipeline.operations.passes import Engine, Passes, Tell, silently

VERIFY_TRIES = 3
"""Of a proof beside which something was published."""


class Days(Passes):
    """What is asked of days that are over, or of what is published of any."""

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
        if afresh or not partitions or self.notes.get("rebuild") != str(since):
            steps.stale_since(
                since, archive=self.archive, progress=self.progress, now=now
            )
            self.notes.put("rebuild", str(since))
        last = partitions[-1].moment
        names = ["read", "extract", "match", *(["alert"] if alert else []), "publish"]
        reports = []
        for name in names:
            tell(name)
            if name == "extract":
                reports.append(self.extract(last, engine=engine))
            else:
                reports.append(self._step(name)(last))
        self.notes.put("rebuild", "")
        return reports

    def _refuse_expired(self, since: date) -> None:
        """InputError where a day to be made again has no texts left to make it from."""
        days = [day for day in self.lake.days("articles") if day >= since]
        gone = [day for day in days if self.lake.expired(day)]
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
        ended = partial(self._ended, "close_day", at, monotonic())
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

    def published_days(self) -> list[date]:
        """Days of which at least one table is there. InputError where there is none."""
        from pipeline.tables.schemas import TABLES

        days = sorted({day for name in TABLES for day in self.lake.published(name)})
        if not days:
            raise InputError(f"lake {self.settings.lake}", "no day is published yet")
        return days

    def verify(self, day: date) -> list[str]:
        """What of a published day its archive does not prove; empty if all is well.

        While a pass is at work on the day (``under_way``), what is published is held
        against what it was published from, and once more where a publication came
        between.
        """
        from pipeline import proof

        if day not in self.published_days():
            raise InputError(f"--date {day}", "not published")
        prove = partial(
            proof.faults, day, lake=self.lake, archive=self.archive, bounds=self.bounds
        )
        wrong: list[str] = []
        for _ in range(VERIFY_TRIES):
            entries = self._entries(day)
            wrong = prove()
            if wrong and self.under_way(day):
                upto = self._published_upto(day)
                wrong = prove(upto=upto) if upto is not None else wrong
            if not wrong or entries == self._entries(day):
                break
        return wrong

    def under_way(self, day: date) -> str:
        """That something of a day is not published yet: a pass or a rebuild is at work, or
        was cut off and the next one goes on; empty if all is, or no database says so."""
        waiting: list[Partition] = []
        if self.has_database:
            with suppress(StoreError):  # `status` names what is wrong with it
                for step in ("read", "extract", "match", "publish"):
                    waiting += self.progress.pending(step, Partition(day, "235959"))
        ours = [partition for partition in waiting if partition.day == day]
        return "a pass is under way: not all of it is published yet" if ours else ""

    def _published_upto(self, day: date) -> Partition | None:
        from pipeline.tables.manifest import published_upto

        with suppress(StoreError), self.database.alone("work"):
            pass  # a publication that is half way may end
        try:
            return published_upto(day, lake=self.lake, archive=self.archive)
        except DamagedError:
            return None  # named already

    def _entries(self, day: date) -> list[TableDay | None]:
        """What the manifests say of a day; None where one is damaged or lacks it."""
        from pipeline.tables.schemas import TABLES

        found: list[TableDay | None] = []
        for name in TABLES:
            try:
                found.append(self.lake.manifest(name).get(day))
            except DamagedError:
                found.append(None)
        return found

    def expired(self, day: date) -> str:
        """What of a day was removed since it is older than is kept; empty if nothing."""
        from pipeline import proof

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
        from pipeline import daily_page

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
        from pipeline import explorer_page
        from pipeline.adapters.pages import PageFolder

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

    def compact(self, month: str | None = None) -> int:
        """Compact the months that are over (or one) of tables sorted by figure; how many
        were written. InputError where nothing of the month is published."""
        there = {f"{day:%Y-%m}" for day in self.published_days()}
        if month is not None and month not in there:
            raise InputError(f"--month {month}", "no day of it is published")
        return self._compact(there - {max(there)} if month is None else {month})

    def _compact(self, months: set[str]) -> int:
        from pipeline.tables.schemas import TABLES

        written = 0
        for name, table in TABLES.items():
            if table.group is not None:
                there = {f"{day:%Y-%m}" for day in self.lake.published(name)}
                for one in sorted(months & there):
                    written += self.lake.compact(name, one)
        return written
