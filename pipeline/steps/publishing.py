"""``publish``: the tables of a day, written whole from its working partitions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import chain
from types import MappingProxyType

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import (
    BrokenDatabaseError,
    DamagedError,
)
from pipeline.model import (
    Article,
    Correction,
    Partition,
    Poll,
    Report,
    Statement,
)
from pipeline.ports import (
    Archive,
    Lake,
    Outbox,
    Progress,
)
from pipeline.steps.shared import day_of
from pipeline.tables import convert
from pipeline.tables.checks import conformed, day_faults
from pipeline.tables.counts import (
    COUNTED,
    WINDOW_DAYS,
    claims_table,
    daily,
    daily_acts,
)
from pipeline.tables.manifest import datapackage, origin
from pipeline.tables.schemas import TABLES
from pipeline.tables.told import as_of, stored, together, told_on, with_texts
from pipeline.tables.values import midnight, schema_of

NOBODY: Mapping[str, str] = MappingProxyType({})


def publish(
    at: datetime,
    *,
    archive: Archive,
    lake: Lake,
    outbox: Outbox,
    progress: Progress,
    version: str,
    matcher: str,
    named: frozenset[str] | None = None,
    tracked: Mapping[str, str] = NOBODY,
    topic: str = "",
) -> Report:
    """The tables of the day, of days that changed, and of days on which nothing came.

    A day is written whole from its working partitions; only the tables by day of
    publication are also written again for the 6 days before, with a zero for each of the
    figures ``tracked`` (name by id) of ``topic``. A day one of whose partitions is damaged is
    named, stays stale, and holds up no other. ``named`` are the people whom columns may
    name: bylines and inner speakers who are not among them are left out; None: anyone.
    """
    today = at.date()
    days = {partition.day for partition in progress.pending("publish", day_of(today))}
    days |= {today, *_unpublished(lake, today)}
    written = 0
    failures = []
    counted = _Counted(lake)
    for day in sorted(days):
        try:
            written += _publish_day(day, archive, lake, outbox, version, matcher, named)
            _publish_daily(day, lake, version, counted, tracked, topic)
        except BrokenDatabaseError:
            raise
        except DamagedError as error:
            failures.append(f"day {day}: {error}")
            progress.stale("publish", day_of(day))
        else:
            progress.done("publish", day_of(day), "")
    lake.write_package(datapackage({name: lake.published(name) for name in TABLES}))
    counts = {"days": len(days) - len(failures)}
    return Report(step="publish", rows=written, failures=tuple(failures), counts=counts)


def _unpublished(lake: Lake, today: date) -> set[date]:
    """Days since the first one that a manifest lacks: on most of them no pass was made,
    and their tables are empty."""
    there = lake.published("articles")
    first = min([*there, *lake.days("articles")], default=today)
    every = {first + timedelta(days=n) for n in range((today - first).days + 1)}
    lacking = (every - _entries(lake, name) for name in TABLES)
    return set[date]().union(*lacking)


def _entries(lake: Lake, table: str) -> set[date]:
    """The days of a table's manifest; none where it is damaged: all are made again."""
    try:
        return set(lake.manifest(table))
    except DamagedError:
        return set()


def _publish_day(
    day: date,
    archive: Archive,
    lake: Lake,
    outbox: Outbox,
    version: str,
    matcher: str,
    named: frozenset[str] | None,
) -> int:
    made = _made(day, lake, version, matcher, named)
    tables = _checked(day, chain(_sent(day, outbox), made))
    for name, table in tables.items():
        made_from = origin(name, day, archive=archive, lake=lake)
        lake.publish(name, day, table, version=version, made_from=made_from)
    return sum(table.num_rows for table in tables.values())


def _sent(day: date, outbox: Outbox) -> Iterator[tuple[str, pa.Table]]:
    """The tables that come from the outbox."""
    alerts = map(_alert_row, outbox.alerts(day))
    yield "alerts", convert.unchecked("alerts", alerts)
    deliveries = map(convert.plain_row, outbox.deliveries(day))
    yield "deliveries", convert.unchecked("deliveries", deliveries)


def _made(
    day: date, lake: Lake, version: str, matcher: str, named: frozenset[str] | None
) -> Iterator[tuple[str, pa.Table]]:
    """The tables that come from working partitions, each given before the next is made."""
    told = told_on(lake, day)
    yield from _of_texts(day, told, lake, version, named)
    every = together(told)
    yield "statements", convert.statements_table(every, version, named)
    yield "statement_topics", convert.topics_table(every)
    yield "claims", claims_table(every, as_of(lake, day))
    yield "claim_links", convert.links_table(every, matcher)
    noted = stored(lake, "corrections", day, Correction)
    yield "corrections", convert.with_columns("corrections", noted)
    yield "feed_health", convert.polls_table(stored(lake, "feed_health", day, Poll))


def _of_texts(
    day: date,
    told: Mapping[Partition, pa.Table],
    lake: Lake,
    version: str,
    named: frozenset[str] | None,
) -> Iterator[tuple[str, pa.Table]]:
    """The articles and the spans, which are made of full texts, some of these at a time.
    Where they expired, the published ones stay; DamagedError where those are gone, too."""
    made = {
        name: [TABLES[name].schema.empty_table()]
        for name in ("articles", "statement_spans")
    }
    if lake.expired(day):
        yield from ((name, lake.load(name, day)) for name in made)
        return
    for partition, said in told.items():
        for articles, here in with_texts(lake, partition, said, [*_SHOWN, "text"]):
            words = convert.words_of(here, convert.texts_of(here, articles))
            made["articles"].append(convert.articles_table(articles, version, named))
            made["statement_spans"].append(convert.spans_table(here, words))
    yield from ((name, pa.concat_tables(parts)) for name, parts in made.items())


_SHOWN = [n for n in schema_of(Article).names if n in TABLES["articles"].schema.names]


def _checked(day: date, made: Iterable[tuple[str, pa.Table]]) -> dict[str, pa.Table]:
    """Every table of a day, before the first is written: what fails leaves all as is."""
    try:
        tables = {name: conformed(name, table) for name, table in made}
        for fault in day_faults(tables):
            raise ValueError(fault)
    except ValueError as error:
        raise DamagedError(
            f"day {day}", f"{error}; nothing of it was written"
        ) from error
    return tables


def _publish_daily(
    day: date,
    lake: Lake,
    version: str,
    counted: _Counted,
    tracked: Mapping[str, str],
    topic: str,
) -> None:
    """The day and the 6 before it: late reports still count where they belong.

    They may lie before the lake's first day, for what was published before it was seen.
    Each of them is counted over all days on which a report of it may have been seen.
    """
    around = [day + timedelta(days=n) for n in range(1 - WINDOW_DAYS, WINDOW_DAYS)]
    window = around[:WINDOW_DAYS]
    told = counted.over(around)
    passed = [one for one in window if lake.partitions("articles", one)]
    made = {
        "daily_figure_topic": daily(told, window),
        "daily_figure_topic_act": daily_acts(
            told, window, tracked=tracked, topic=topic, zeros=passed
        ),
    }
    for name, rows in made.items():
        by_day: dict[object, list[dict[str, object]]] = {}
        for row in rows:
            by_day.setdefault(row["day"], []).append(row)
        there = {*lake.published(name), day}
        since = min([*map(midnight, there), *(row["day"] for row in rows)])
        for one in window:
            if midnight(one) >= since:
                mine = convert.unchecked(name, by_day.get(midnight(one), []))
                table = _checked(one, [(name, mine)])[name]
                lake.publish(name, one, table, version=version)


class _Counted:
    """The statements on the topic with their relations, as ``daily`` counts them.

    Some columns alone, each day read once while days around it are published.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._held: dict[date, pd.DataFrame] = {}

    def over(self, days: Sequence[date]) -> pd.DataFrame:
        """The statements of these days; no other days are held any more."""
        held = self._held
        self._held = {d: held[d] if d in held else self._of(d) for d in days}
        return _joined(list(self._held.values()))

    def _of(self, day: date) -> pd.DataFrame:
        said = [n for n in schema_of(Statement).names if n in COUNTED]
        linked = ["statement_id", "utterance_id", "kind"]
        parts = []
        for partition in self._lake.partitions("links", day):
            links = self._lake.read("links", partition, linked)
            told = self._lake.read(
                "statements", partition, [*said, "known", "about_topic"]
            )
            if links is not None and told is not None:
                fresh = pc.and_not(told["about_topic"], told["known"])
                frame = told.filter(fresh).select(said).to_pandas()
                parts.append(frame.merge(links.to_pandas(), on="statement_id"))
        return _joined(parts)


def _joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    filled = [part for part in parts if len(part)]
    if not filled:
        return pd.DataFrame(columns=list(COUNTED))
    return pd.concat(filled, ignore_index=True)


def _alert_row(message: object) -> dict[str, object]:
    return {
        field.name: getattr(value, "value", value)
        for field in TABLES["alerts"].fields
        for value in [getattr(message, field.name)]
    }
