"""What a day's tables are made of, a partition at a time: the statements and the texts
that they stand in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.model import Partition, Relation, Statement
from pipeline.ports import Lake
from pipeline.tables.convert import row_index, told_table
from pipeline.tables.manifest import MADE_FROM
from pipeline.tables.values import schema_of

REVISION = ("article_id", "revision")
"""The key of a text."""


def told_in(lake: Lake, partition: Partition) -> pa.Table:
    """The statements of a partition with their relations, as ``told_table`` gives them."""
    said, links = (lake.read(name, partition) for name in ("statements", "links"))
    return told_table(
        schema_of(Statement).empty_table() if said is None else said,
        schema_of(Relation).empty_table() if links is None else links,
    )


def with_texts(
    lake: Lake,
    partition: Partition,
    told: pa.Table,
    columns: Sequence[str] | None = None,
) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Some of a partition's articles (or columns of them) and the statements told that
    stand in them, until all articles were given."""
    for articles in lake.chunks("articles", partition, columns):
        yield articles, told.filter(pc.is_valid(row_index(told, articles, REVISION)))


def nothing_told() -> pa.Table:
    return told_table(
        schema_of(Statement).empty_table(), schema_of(Relation).empty_table()
    )


def stored(lake: Lake, name: str, day: date, kind: type[object]) -> pa.Table:
    """All rows of the working partitions that a day's table ``name`` is made of, each a
    value of a kind."""
    tables = [
        lake.read(source, one)
        for source in MADE_FROM[name]
        for one in lake.partitions(source, day)
    ]
    there = [table for table in tables if table is not None]
    return pa.concat_tables(
        [schema_of(kind).empty_table(), *there], promote_options="default"
    )
