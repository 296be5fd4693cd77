"""What a published table-day must keep, checked on Arrow columns before it is written.

Each rule comes from the registry of fields. Written by hand rather than with pandera:
the rules are these few, errors name a row by its key, and Arrow stays Arrow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.tables.schemas import REVISION, TABLES, Field, Table


def conformed(name: str, rows: pa.Table) -> pa.Table:
    """The rows as table ``name`` publishes them: its schema, in its order.

    ValueError names table, column, row key and value of what breaks the registry.
    """
    table = TABLES[name]
    if rows.schema.names != table.schema.names:
        raise ValueError(f"table {name}: columns {rows.schema.names} are not its own")
    for wrong in faults(name, rows):
        raise ValueError(wrong)
    cast = rows.cast(table.schema)
    order = pc.sort_indices(cast, sort_keys=table.order)
    return cast.take(order).replace_schema_metadata(table.schema.metadata)


def faults(name: str, rows: pa.Table) -> Iterator[str]:
    """What within one table-day breaks the registry; the first row of each rule."""
    table = TABLES[name]
    for field in table.fields:
        values = rows[field.name]
        for broken, rule in _field_rules(field, values):
            yield from _found(table, rows, broken, field.name, rule)
    for first, second in table.ordered:
        later = pc.greater(rows[first], rows[second])
        yield from _found(table, rows, later, first, f"is after {second}")
    keys = rows.group_by(list(table.key), use_threads=False).aggregate(
        [([], "count_all")]
    )
    if keys.num_rows != rows.num_rows:
        twice = keys.filter(pc.greater(keys["count_all"], 1)).slice(0, 1).to_pylist()[0]
        yield f"{_row(table, twice)}: {twice['count_all']} rows share this key"


def linking(name: str) -> list[str]:
    """The columns of a table that ``day_faults`` looks at."""
    table = TABLES[name]
    asked = [
        target.removeprefix(f"{name}.")
        for other in TABLES.values()
        for target in (*other.refers.values(), *other.within.values())
        if target.startswith(f"{name}.")
    ]
    own = [*table.key, *table.refers, *table.within]
    return list(dict.fromkeys([*own, *(REVISION if table.within else ()), *asked]))


def day_faults(tables: Mapping[str, pa.Table]) -> Iterator[str]:
    """What breaks between the tables of one day: foreign keys, offsets beyond the text.

    Of each table no more is needed than the columns ``linking``.
    """
    for name, rows in tables.items():
        table = TABLES[name]
        for column, target in table.refers.items():
            there, key = target.split(".")
            alien = pc.invert(
                pc.is_in(rows[column], value_set=_set(tables[there][key]))
            )
            yield from _found(table, rows, alien, column, f"is in no row of {target}")
        for column, target in table.within.items():
            there, length = target.split(".")
            by = list(REVISION)
            texts = tables[there].select([*by, length])
            ends = rows.select(linking(name))
            ends = ends.append_column("row", pa.array(range(rows.num_rows), pa.int64()))
            both = ends.join(texts, by, join_type="left outer").sort_by("row")
            outside = pc.fill_null(pc.greater(both[column], both[length]), True)
            yield from _found(table, rows, outside, column, f"is beyond {target}")


def _field_rules(
    field: Field, values: pa.ChunkedArray
) -> Iterator[tuple[pa.ChunkedArray, str]]:
    if not field.nullable and values.null_count:
        yield pc.is_null(values), "is missing"
    if field.allowed:
        allowed = pc.is_in(values, value_set=pa.array(field.allowed))
        yield _wrong(values, allowed), f"is none of {', '.join(field.allowed)}"
    if field.least is not None:
        high = pc.greater_equal(values, field.least)
        yield _wrong(values, high), f"is under {field.least:g}"
    if field.most is not None:
        low = pc.less_equal(values, field.most)
        yield _wrong(values, low), f"is over {field.most:g}"


def _wrong(values: pa.ChunkedArray, right: pa.ChunkedArray) -> pa.ChunkedArray:
    """Where a value is there and not right."""
    return pc.and_(pc.is_valid(values), pc.invert(pc.fill_null(right, False)))


def _found(
    table: Table, rows: pa.Table, broken: pa.ChunkedArray, column: str, rule: str
) -> Iterator[str]:
    count = pc.sum(broken).as_py() or 0
    if count:
        row = (
            next(islice(rows.filter(broken).to_batches(), 1)).slice(0, 1).to_pylist()[0]
        )
        more = f" (and {count - 1} rows more)" if count > 1 else ""
        yield f"{_row(table, row, column)}: {row[column]!r} {rule}{more}"


def _row(table: Table, row: Mapping[str, object], column: str = "") -> str:
    key = ", ".join(f"{name}={row[name]}" for name in table.key)
    return f"table {table.name}{f', column {column}' if column else ''}, row {key}"


def _set(values: pa.ChunkedArray) -> pa.Array:
    return pc.unique(values)
