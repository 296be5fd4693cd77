"""``publish``: the tables of a day, written whole from its working partitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import TypeVar

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
from pipeline.tables.checks import conformed, day_faults
from pipeline.tables.convert import articles_table, rows_to_table
from pipeline.tables.counts import (
    COUNTED,
    WINDOW_DAYS,
    Told,
    claims_of,
    daily,
    daily_acts,
)
from pipeline.tables.manifest import datapackage, origin
from pipeline.tables.schemas import TABLES
from pipeline.tables.values import from_arrow, midnight, schema_of

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
    matcher: str,
    named: frozenset[str] | None,
) -> int:
    told = _told(lake, day)
    statements = [one.statement for one in told]
    partitions = lake.partitions("articles", day)
    as_of = partitions[-1].moment if partitions else midnight(day)
    articles, spans = _of_texts(day, statements, lake, version, named)
    rows: dict[str, list[dict[str, object]]] = {
        "statement_spans": spans,
        "statements": [convert.statement_row(s, version, named) for s in statements],
        "statement_topics": [row for s in statements for row in convert.topic_rows(s)],
        "claims": [convert.claim_row(claim) for claim in claims_of(told, as_of)],
        "claim_links": [
            convert.link_row(one.relation, one.statement, matcher) for one in told
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
    tables = _checked(day, rows, articles)
    for name, table in tables.items():
        made_from = origin(name, day, archive=archive, lake=lake)
        lake.publish(name, day, table, version=version, made_from=made_from)
    return sum(table.num_rows for table in tables.values())


def _of_texts(
    day: date,
    statements: Sequence[Statement],
    lake: Lake,
    version: str,
    named: frozenset[str] | None,
) -> tuple[pa.Table, list[dict[str, object]]]:
    """The articles and the rows of the spans, which are made of full texts. Where those
    expired, the published ones stay; DamagedError where they are gone, too."""
    if lake.expired(day):
        spans = lake.load("statement_spans", day).to_pylist()
        return lake.load("articles", day), spans
    articles, texts = _articles(day, statements, lake)
    spans = [
        row
        for s in statements
        for row in convert.span_rows(s, texts[s.article_id, s.revision])
    ]
    return articles_table(articles, version, named), spans


_SHOWN = [n for n in schema_of(Article).names if n in TABLES["articles"].schema.names]


def _articles(
    day: date, statements: Sequence[Statement], lake: Lake
) -> tuple[pa.Table, Mapping[tuple[str, int], str]]:
    """The day's articles, and the texts of those that hold a statement."""
    quoted = pa.array(sorted({s.article_id for s in statements}), pa.string())
    shown = [schema_of(Article).empty_table().select([*_SHOWN, "text"])]
    texts: dict[tuple[str, int], str] = {}
    for partition in lake.partitions("articles", day):
        table = lake.read("articles", partition, [*_SHOWN, "text"])
        if table is not None:
            held = table.filter(pc.is_in(table["article_id"], value_set=quoted))
            keys = held["article_id"].to_pylist(), held["revision"].to_pylist()
            texts |= zip(zip(*keys, strict=True), held["text"].to_pylist(), strict=True)
            shown.append(table)
    return pa.concat_tables(shown), texts


def _checked(
    day: date,
    rows: Mapping[str, Sequence[Mapping[str, object]]],
    articles: pa.Table | None = None,
) -> dict[str, pa.Table]:
    """Every table of a day, before the first is written: what fails leaves all as is."""
    try:
        tables = {name: rows_to_table(name, held) for name, held in rows.items()}
        if articles is not None:
            tables["articles"] = conformed("articles", articles)
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
                mine = by_day.get(midnight(one), [])
                lake.publish(
                    name, one, _checked(one, {name: mine})[name], version=version
                )


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


def _rows_of(lake: Lake, name: str, day: date, kind: type[Row]) -> list[Row]:
    rows: list[Row] = []
    for partition in lake.partitions(name, day):
        table = lake.read(name, partition)
        if table is not None:
            rows += from_arrow(kind, table)
    return rows


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
