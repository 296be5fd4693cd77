"""What a day's tables are made of, a partition at a time: the statements and the texts
that they stand in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import DamagedError
from pipeline.model import Partition, Relation, Statement
from pipeline.ports import Lake
from pipeline.tables.convert import row_index, told_table
from pipeline.tables.manifest import MADE_FROM
from pipeline.tables.schemas import REVISION
from pipeline.tables.values import midnight, schema_of


def told_on(lake: Lake, day: date) -> dict[Partition, pa.Table]:
    """The statements of a day by partition, in order; none of one not yet matched."""
    linked = set(lake.partitions("links", day))
    return {
        one: told_in(lake, one) if one in linked else nothing_told()
        for one in sorted({*linked, *lake.partitions("articles", day)})
    }


def together(told: Mapping[Partition, pa.Table]) -> pa.Table:
    """All the statements of ``told_on``."""
    return pa.concat_tables([nothing_told(), *told.values()])


def as_of(lake: Lake, day: date) -> datetime:
    """The moment of a day's last articles: that of what its tables say of claims."""
    partitions = lake.partitions("articles", day)
    return partitions[-1].moment if partitions else midnight(day)


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
    stand in them, until all articles were given. DamagedError, then, where a statement
    stands in none of them."""
    count = 0
    for articles in lake.chunks("articles", partition, columns):
        here = told.filter(pc.is_valid(row_index(told, articles, REVISION)))
        count += here.num_rows
        yield articles, here
    if count < told.num_rows:
        raise DamagedError(
            f"articles of {partition}", "a statement's text is not among them"
        )


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
