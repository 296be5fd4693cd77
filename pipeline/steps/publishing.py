"""``publish``: the tables of a day, written whole from its working partitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import TypeVar

import pyarrow as pa

from pipeline.claims.compare import MATCHER_VERSION
from pipeline.errors import (
    BrokenDatabaseError,
    DamagedError,
)
from pipeline.model import (
    Article,
    Correction,
    Poll,
    Relation,
    Report,
    Statement,
)
from pipeline.ports import (
    Archive,
    Lake,
    Outbox,
    Progress,
)
from pipeline.steps.shared import day_of, fresh
from pipeline.tables import convert
from pipeline.tables.checks import day_faults
from pipeline.tables.convert import from_arrow, rows_to_table
from pipeline.tables.manifest import datapackage, origin
from pipeline.tables.schemas import TABLES
from pipeline.tables.trends import WINDOW_DAYS, Told, claims_of, daily, daily_acts

Row = TypeVar("Row")

NOBODY: Mapping[str, str] = MappingProxyType({})


def publish(
    at: datetime,
    *,
    archive: Archive,
    lake: Lake,
    outbox: Outbox,
    progress: Progress,
    version: str,
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
    told = _Tellings(lake)
    for day in sorted(days):
        try:
            written += _publish_day(
                day, archive, lake, outbox, version, named, told.of(day)
            )
            _publish_daily(day, lake, version, told, tracked, topic)
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
    first = min([*there, *(p.day for p in lake.partitions("articles"))], default=today)
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
    named: frozenset[str] | None,
    told: Sequence[Told],
) -> int:
    statements = [one.statement for one in told]
    partitions = lake.partitions("articles", day)
    as_of = partitions[-1].moment if partitions else convert.midnight(day)
    rows: dict[str, list[dict[str, object]]] = {
        **_of_texts(day, statements, lake, version, named),
        "statements": [convert.statement_row(s, version, named) for s in statements],
        "statement_topics": [row for s in statements for row in convert.topic_rows(s)],
        "claims": [convert.claim_row(claim) for claim in claims_of(told, as_of)],
        "claim_links": [
            convert.link_row(one.relation, one.statement, MATCHER_VERSION)
            for one in told
        ],
        "corrections": [
            convert.plain_row(correction)
            for name in ("corrections", "merges")
            for correction in _rows_of(lake, name, day, Correction)
        ],
        "alerts": [_alert_row(message) for message in outbox.alerts(day)],
        "deliveries": [convert.plain_row(d) for d in outbox.deliveries(day)],
        "feed_health": convert.poll_rows(_rows_of(lake, "polls", day, Poll)),
    }
    tables = _checked(day, rows)
    for name, table in tables.items():
        made_from = origin(name, day, archive=archive, lake=lake)
        lake.publish(name, day, table, version=version, made_from=made_from)
    return sum(len(held) for held in rows.values())


def _of_texts(
    day: date,
    statements: Sequence[Statement],
    lake: Lake,
    version: str,
    named: frozenset[str] | None,
) -> dict[str, list[dict[str, object]]]:
    """The rows that are made of full texts. Where those expired, the published ones stay;
    DamagedError where they are gone, too."""
    names = ("articles", "statement_spans")
    if lake.expired(day):
        return {name: lake.load(name, day).to_pylist() for name in names}
    articles = _rows_of(lake, "articles", day, Article)
    texts = {(a.article_id, a.revision): a.text for a in articles}
    spans = [
        row
        for s in statements
        for row in convert.span_rows(s, texts[s.article_id, s.revision])
    ]
    made = [convert.article_row(a, version, named) for a in articles]
    return dict(zip(names, (made, spans), strict=True))


def _checked(
    day: date, rows: Mapping[str, Sequence[Mapping[str, object]]]
) -> dict[str, pa.Table]:
    """Every table of a day, before the first is written: what fails leaves all as is."""
    try:
        tables = {name: rows_to_table(name, held) for name, held in rows.items()}
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
    tellings: _Tellings,
    tracked: Mapping[str, str],
    topic: str,
) -> None:
    """The day and the 6 before it: late reports still count where they belong.

    They may lie before the lake's first day, for what was published before it was seen.
    Each of them is counted over all days on which a report of it may have been seen.
    """
    around = [day + timedelta(days=n) for n in range(1 - WINDOW_DAYS, WINDOW_DAYS)]
    window = around[:WINDOW_DAYS]
    told = [one for seen_on in around for one in tellings.of(seen_on)]
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
        since = min([*map(convert.midnight, there), *(row["day"] for row in rows)])
        for one in window:
            if convert.midnight(one) >= since:
                mine = by_day.get(convert.midnight(one), [])
                lake.publish(
                    name, one, _checked(one, {name: mine})[name], version=version
                )


def _rows_of(lake: Lake, name: str, day: date, kind: type[Row]) -> list[Row]:
    rows: list[Row] = []
    for partition in lake.partitions(name, day):
        table = lake.read(name, partition)
        if table is not None:
            rows += from_arrow(kind, table)
    return rows


class _Tellings:
    """What was told on each day, read once while days around it are published."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._held: dict[date, list[Told]] = {}

    def of(self, day: date) -> list[Told]:
        if day not in self._held:
            since = day - timedelta(days=2 * WINDOW_DAYS)
            self._held = {d: told for d, told in self._held.items() if d > since}
            self._held[day] = _told(self._lake, day)
        return self._held[day]


def _told(lake: Lake, day: date) -> list[Told]:
    """The day's statements with their relations, in the order of the fold."""
    told = []
    for partition in lake.partitions("links", day):
        table = lake.read("links", partition)
        links = from_arrow(Relation, table) if table is not None else []
        by_id = {relation.statement_id: relation for relation in links}
        told += [
            Told(statement, by_id[statement.statement_id])
            for statement in fresh(lake, partition)
            if statement.statement_id in by_id
        ]
    return told


def _alert_row(message: object) -> dict[str, object]:
    return {
        field.name: getattr(value, "value", value)
        for field in TABLES["alerts"].fields
        for value in [getattr(message, field.name)]
    }
