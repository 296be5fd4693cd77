"""``publish``: the tables of a day, written whole from its working partitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.claims.compare import MATCHER_VERSION
from pipeline.errors import (
    BrokenDatabaseError,
    DamagedError,
)
from pipeline.model import (
    Article,
    Correction,
    Partition,
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
from pipeline.tables.convert import (
    articles_table,
    from_arrow,
    rows_to_table,
    schema_of,
)
from pipeline.tables.manifest import datapackage, origin
from pipeline.tables.schemas import TABLES
from pipeline.tables.trends import COUNTED, WINDOW_DAYS, Told, claims_of, daily

Row = TypeVar("Row")


def publish(
    at: datetime,
    *,
    archive: Archive,
    lake: Lake,
    outbox: Outbox,
    progress: Progress,
    version: str,
    named: frozenset[str] | None = None,
) -> Report:
    """The tables of the day, of days that changed, and of days on which nothing came.

    A day is written whole from its working partitions; only ``daily_figure_topic`` is
    also written again for the 6 days before. A day one of whose partitions is damaged is
    named, stays stale, and holds up no other. ``named`` are the people whom columns may
    name: bylines and inner speakers who are not among them are left out; None: anyone.
    """
    today = at.date()
    days = {partition.day for partition in progress.pending("publish", day_of(today))}
    days |= {today, *_unpublished(lake, today)}
    written = 0
    failures = []
    for day in sorted(days):
        try:
            written += _publish_day(day, archive, lake, outbox, version, named)
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
) -> int:
    told = _told(lake, day)
    statements = [one.statement for one in told]
    partitions = lake.partitions("articles", day)
    articles, texts = _articles(lake, partitions, statements)
    as_of = partitions[-1].moment if partitions else convert.midnight(day)
    rows: dict[str, list[dict[str, object]]] = {
        "statements": [convert.statement_row(s, version, named) for s in statements],
        "statement_spans": [
            row
            for s in statements
            for row in convert.span_rows(s, texts[s.article_id, s.revision])
        ],
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
        "feed_health": _poll_rows(_rows_of(lake, "polls", day, Poll)),
    }
    tables = _checked(day, rows, articles, version, named)
    for name, table in tables.items():
        made_from = origin(name, day, archive=archive, lake=lake)
        lake.publish(name, day, table, version=version, made_from=made_from)
    _publish_daily(day, lake, version)
    return sum(table.num_rows for table in tables.values())


_SHOWN = [n for n in schema_of(Article).names if n in TABLES["articles"].schema.names]


def _articles(
    lake: Lake, partitions: Sequence[Partition], statements: Sequence[Statement]
) -> tuple[pa.Table, Mapping[tuple[str, int], str]]:
    """The day's articles, and the texts of those that hold a statement."""
    quoted = pa.array(sorted({s.article_id for s in statements}), pa.string())
    shown = [schema_of(Article).empty_table().select([*_SHOWN, "text"])]
    texts: dict[tuple[str, int], str] = {}
    for partition in partitions:
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
    version: str = "",
    named: frozenset[str] | None = None,
) -> dict[str, pa.Table]:
    """Every table of a day, before the first is written: what fails leaves all as is."""
    try:
        tables = {name: rows_to_table(name, held) for name, held in rows.items()}
        if articles is not None:
            tables["articles"] = articles_table(articles, version, named)
        for fault in day_faults(tables):
            raise ValueError(fault)
    except ValueError as error:
        raise DamagedError(
            f"day {day}", f"{error}; nothing of it was written"
        ) from error
    return tables


def _publish_daily(day: date, lake: Lake, version: str) -> None:
    """The day and the 6 before it: late reports still count where they belong.

    They may lie before the lake's first day, for what was published before it was seen.
    """
    first = day - timedelta(days=WINDOW_DAYS - 1)
    window = [first + timedelta(days=n) for n in range(WINDOW_DAYS)]
    rows = daily(_counted(lake, window), window)
    by_day: dict[object, list[dict[str, object]]] = {}
    for row in rows:
        by_day.setdefault(row["day"], []).append(row)
    there = {*lake.published("daily_figure_topic"), day}
    since = min([convert.midnight(one) for one in there] + [row["day"] for row in rows])
    for one in window:
        if convert.midnight(one) >= since:
            mine = by_day.get(convert.midnight(one), [])
            table = _checked(one, {"daily_figure_topic": mine})["daily_figure_topic"]
            lake.publish("daily_figure_topic", one, table, version=version)


def _counted(lake: Lake, days: Sequence[date]) -> pd.DataFrame:
    """The days' statements on the topic with their relations, as ``daily`` counts them.

    Some columns alone: every pass counts a week.
    """
    said = [n for n in schema_of(Statement).names if n in COUNTED]
    linked = ["statement_id", "utterance_id", "kind"]
    parts = [pd.DataFrame(columns=list(COUNTED))]
    for day in days:
        for partition in lake.partitions("links", day):
            links = lake.read("links", partition, linked)
            told = lake.read("statements", partition, [*said, "known", "about_topic"])
            if links is None or told is None:
                continue
            fresh = pc.and_not(told["about_topic"], told["known"])
            frame = told.filter(fresh).select(said).to_pandas()
            parts.append(frame.merge(links.to_pandas(), on="statement_id"))
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else parts[0]


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


def _poll_rows(polls: Sequence[Poll]) -> list[dict[str, object]]:
    times: dict[tuple[str, datetime], int] = {}
    rows = []
    for poll in polls:
        key = poll.feed_id, poll.at
        times[key] = times.get(key, 0) + 1
        rows.append(convert.plain_row(poll) | {"attempt": times[key]})
    return rows
