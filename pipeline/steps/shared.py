"""What the steps share: which partitions are made, in which order, and what is new."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from itertools import islice
from typing import TypeVar

import pyarrow as pa

from pipeline.errors import (
    BrokenDatabaseError,
    DamagedError,
    InputError,
    ParseError,
)
from pipeline.feeds.parse import parse_feed
from pipeline.model import (
    Bounds,
    Parsed,
    Partition,
    Report,
    Response,
    Statement,
)
from pipeline.ports import (
    Archive,
    Lake,
    Progress,
)
from pipeline.tables.values import from_arrow, to_arrow

Value = TypeVar("Value")


def each(
    step: str,
    at: datetime,
    progress: Progress,
    make: Callable[[Partition], tuple[str, Report]],
) -> Report:
    """Make the stale partitions up to a moment, in order; one report over all.

    One whose input is damaged is named, stays stale, and holds up no other.
    """
    rows = 0
    failures: list[str] = []
    counts: dict[str, int] = {}
    damaged: set[Partition] = set()
    upto = Partition.at(at)
    # Only the first is asked for: a rebuild has thousands, and one that is made may
    # make later ones stale.
    while pending := [
        one
        for one in progress.pending(step, upto, first=len(damaged) + 1)
        if one not in damaged
    ]:
        try:
            sha256, report = make(pending[0])
        except BrokenDatabaseError:
            raise
        except DamagedError as error:
            failures.append(str(error))
            damaged.add(pending[0])
            continue
        progress.done(step, pending[0], sha256)
        rows += report.rows
        failures += report.failures
        for name, count in report.counts.items():
            counts[name] = counts.get(name, 0) + count
    return Report(step=step, rows=rows, failures=tuple(failures), counts=counts)


def stale_since(
    day: date, *, archive: Archive, progress: Progress, now: datetime
) -> int:
    """Mark every archived partition since a day to be made again; how many.

    Nothing is removed: each partition is replaced whole as it is made.
    """
    partitions = [p for p in archive.partitions(day) if p <= Partition.at(now)]
    if not partitions:
        raise InputError(f"--from {day}", "nothing is archived since that day")
    for step in ("read", "extract", "match"):
        for partition in partitions:
            progress.stale(step, partition)
    for one in sorted({partition.day for partition in partitions}):
        progress.stale("publish", day_of(one))
    return len(partitions)


def fresh(lake: Lake, partition: Partition) -> list[Statement]:
    """The partition's statements that were not on record, in the order of the fold."""
    table = lake.read("statements", partition)
    statements = from_arrow(Statement, table) if table is not None else []
    return sorted(
        (statement for statement in statements if not statement.known),
        key=lambda statement: (statement.first_seen_at, statement.statement_id),
    )


HELD_VALUES = 1_000
"""Of a table on its way into the lake."""


def in_tables(kind: type[Value], values: Iterable[Value]) -> Iterator[pa.Table]:
    """Values as tables of some thousand rows; one empty table where there is none."""
    rest = iter(values)
    held = list(islice(rest, HELD_VALUES))
    yield to_arrow(kind, held)
    while held := list(islice(rest, HELD_VALUES)):
        yield to_arrow(kind, held)


def day_of(day: date) -> Partition:
    """A day as the partition that ``publish`` makes."""
    return Partition(day, "000000")


def parsed_feed(response: Response, bounds: Bounds) -> Parsed | ParseError:
    """What a feed answer holds, or why it holds nothing."""
    try:
        return parse_feed(response, bounds)
    except ParseError as error:
        return error
