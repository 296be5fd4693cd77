"""Retention: full texts are removed, what was published of them stays."""

from __future__ import annotations

from datetime import date

from pipeline.errors import DamagedError
from pipeline.model import Partition, Report
from pipeline.ports import Archive, Lake, Progress
from pipeline.tables.manifest import MADE_FROM, origin

STEPS = ("read", "extract", "match", "publish")


def expire_texts(
    before: date, *, archive: Archive, lake: Lake, progress: Progress
) -> Report:
    """Remove the full texts of the days before one; ``rows`` are partitions made over.

    A day is left for later, and named, where something of it waits to be made or where
    its tables are not those of its partitions: what was never published, or can't be
    proved, would be lost for good. Tables are not touched.
    """
    old = [day for day in lake.days("articles") if day < before]
    days = [day for day in old if lake.has_texts(day)]
    if not days:
        return Report(step="expire")
    upto = Partition(days[-1], "235959")
    waiting = {one.day for step in STEPS for one in progress.pending(step, upto)}
    removed, failures = 0, []
    for day in days:
        try:
            why = (
                "it waits to be made"
                if day in waiting
                else _unproved(day, archive, lake)
            )
            if why:
                failures.append(f"day {day}: its texts stay, for {why}")
            else:
                removed += lake.expire(day)
        except DamagedError as error:
            failures.append(f"day {day}: its texts stay: {error}")
    return Report(step="expire", rows=removed, failures=tuple(failures))


def _unproved(day: date, archive: Archive, lake: Lake) -> str:
    """Which table is not that of the day's working partitions; empty if all are."""
    for name in MADE_FROM:
        entry = lake.manifest(name).get(day)
        if entry is None or entry.made_from != origin(
            name, day, archive=archive, lake=lake
        ):
            return f"table {name} is not that of its partitions (onrecord verify)"
    return ""
