"""Frozen values to Arrow and back, by their type hints; and statements to public rows.

Working partitions hold whole values, lists included; published tables are the flat
projections of ``schemas``.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import UTC, date, datetime, time
from enum import Enum
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.model import Claim, Poll, Relation, Span, Statement
from pipeline.tables.checks import conformed
from pipeline.tables.schemas import TABLES

Value = TypeVar("Value")

_SPAN = pa.struct([pa.field("start", pa.int64()), pa.field("end", pa.int64())])
_PLAIN: Mapping[Any, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    bytes: pa.binary(),
    datetime: pa.timestamp("us", tz="UTC"),
    date: pa.date32(),
    Span: _SPAN,
}


def midnight(day: date) -> datetime:
    """The first moment of a day, UTC."""
    return datetime.combine(day, time(), UTC)


_HINTS: dict[type[Any], dict[str, Any]] = {}
_SCHEMAS: dict[type[Any], pa.Schema] = {}


def _hints(cls: type[Any]) -> dict[str, Any]:
    if cls not in _HINTS:
        _HINTS[cls] = get_type_hints(cls)
    return _HINTS[cls]


def _arrow_type(hint: Any) -> tuple[pa.DataType, bool]:
    if get_origin(hint) in (Union, types.UnionType):
        inner = [arg for arg in get_args(hint) if arg is not type(None)]
        return _arrow_type(inner[0])[0], True
    if get_origin(hint) is tuple:
        return pa.list_(_arrow_type(get_args(hint)[0])[0]), False
    if isinstance(hint, type) and issubclass(hint, Enum):
        return pa.string(), False
    return _PLAIN[hint], False


def schema_of(cls: type[Any]) -> pa.Schema:
    """The Arrow schema of a frozen value: one field per field."""
    if cls not in _SCHEMAS:
        columns = []
        for f in fields(cls):
            kind, nullable = _arrow_type(_hints(cls)[f.name])
            columns.append(pa.field(f.name, kind, nullable=nullable))
        _SCHEMAS[cls] = pa.schema(columns, metadata={"value": cls.__name__})
    return _SCHEMAS[cls]


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Span):
        return {"start": value.start, "end": value.end}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def to_arrow(cls: type[Value], values: Iterable[Value]) -> pa.Table:
    """One row per value, in order; an empty table keeps its schema."""
    schema, held = schema_of(cls), list(values)
    rich = _rich_columns(cls)
    columns = [
        pa.array(
            [_plain(getattr(value, name)) for value in held]
            if name in rich
            else [getattr(value, name) for value in held],
            schema.field(name).type,
        )
        for name in schema.names
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _rich(hint: Any) -> Callable[[Any], Any] | None:
    """What makes a value of a type hint from Arrow's; None where it is one already."""
    if get_origin(hint) in (Union, types.UnionType):
        return _rich(next(a for a in get_args(hint) if a is not type(None)))
    if get_origin(hint) is tuple:
        item = _rich(get_args(hint)[0])
        return tuple if item is None else lambda value: tuple(map(item, value))
    if hint is Span:
        return lambda value: Span(value["start"], value["end"])
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    if hint is datetime:
        return lambda value: value.astimezone(UTC)
    return None


_RICH: dict[type[Any], dict[str, Callable[[Any], Any]]] = {}


def _rich_columns(cls: type[Any]) -> dict[str, Callable[[Any], Any]]:
    """The fields that Arrow holds otherwise, with what makes their values."""
    if cls not in _RICH:
        found = {name: _rich(hint) for name, hint in _hints(cls).items()}
        _RICH[cls] = {name: how for name, how in found.items() if how is not None}
    return _RICH[cls]


def from_arrow(cls: type[Value], table: pa.Table | pa.RecordBatch) -> list[Value]:
    """The values that ``to_arrow`` stored, in order."""
    names, columns = table.schema.names, []
    for name in names:
        values = table.column(name).to_pylist()
        how = _rich_columns(cls).get(name)
        if how is not None:
            values = [None if value is None else how(value) for value in values]
        columns.append(values)
    return [
        cls(**dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True)
    ]


# ------------------------------------------------------------------ published rows


def rows_to_table(name: str, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows as the published table ``name``: its columns, its order, its types.

    ValueError names table, column, row key and value of what breaks the registry.
    """
    columns = TABLES[name].schema.names
    kept = [{column: row[column] for column in columns} for row in rows]
    return conformed(name, pa.Table.from_pylist(kept, TABLES[name].schema))


Names = frozenset[str] | None
"""Whom columns may name; None: anyone."""


def articles_table(articles: pa.Table, version: str, named: Names = None) -> pa.Table:
    """The published table ``articles``, not yet checked, out of working partitions' rows.

    A column at a time: a day has more articles than anything else.
    """
    author = articles["author"]
    if named is not None:
        known = pc.is_in(author, value_set=pa.array(sorted(named), pa.string()))
        author = pc.if_else(known, author, "")
    made = {
        "author": author,
        "n_chars": pc.utf8_length(articles["text"]).cast(pa.int64()),
        "pipeline_version": pa.repeat(pa.scalar(version), articles.num_rows),
    }
    schema = TABLES["articles"].schema
    columns = [made[n] if n in made else articles[n] for n in schema.names]
    return pa.Table.from_arrays(columns, schema=schema)


def statement_row(
    statement: Statement, version: str, named: Names = None
) -> dict[str, Any]:
    row = {n: _plain(getattr(statement, n)) for n in schema_of(Statement).names}
    return row | {
        "start": statement.spans[0].start,
        "end": statement.spans[-1].end,
        "n_spans": len(statement.spans),
        "nested": "; ".join(
            name for name in statement.nested if named is None or name in named
        ),
        "said_on": midnight(statement.said_on) if statement.said_on else None,
        "pipeline_version": version,
    }


def span_rows(statement: Statement, text: str) -> list[dict[str, Any]]:
    """One row per span, its words cut from the text of the article's revision."""
    return [
        {
            "statement_id": statement.statement_id,
            "span": nth,
            "article_id": statement.article_id,
            "revision": statement.revision,
            "start": span.start,
            "end": span.end,
            "text": span.of(text),
        }
        for nth, span in enumerate(statement.spans)
    ]


def topic_rows(statement: Statement) -> list[dict[str, Any]]:
    return [
        {
            "statement_id": statement.statement_id,
            "topic": statement.topic,
            "subtopic": subtopic,
        }
        for subtopic in sorted(set(statement.subtopics))
    ]


def link_row(
    relation: Relation, statement: Statement, matcher_version: str
) -> dict[str, Any]:
    return {
        "statement_id": relation.statement_id,
        "claim_id": relation.claim_id,
        "utterance_id": relation.utterance_id,
        "figure_id": statement.figure_id,
        "relation": relation.kind.value,
        "earlier_statement_id": relation.earlier_id,
        "earlier_claim_id": relation.earlier_claim_id,
        "score": relation.score,
        "reasons": "; ".join(relation.reasons),
        "first_seen_at": statement.first_seen_at,
        "matcher_version": matcher_version,
    }


def claim_row(claim: Claim) -> dict[str, Any]:
    return {n: _plain(getattr(claim, n)) for n in schema_of(Claim).names}


def plain_row(value: Any) -> dict[str, Any]:
    """Any frozen value with plain fields, as a row."""
    return {n: _plain(getattr(value, n)) for n in schema_of(type(value)).names}


def poll_rows(polls: Iterable[Poll]) -> list[dict[str, Any]]:
    """One row per poll, those of one feed and moment numbered in their order."""
    times: dict[tuple[str, datetime], int] = {}
    rows = []
    for poll in polls:
        key = poll.feed_id, poll.at
        times[key] = times.get(key, 0) + 1
        rows.append(plain_row(poll) | {"attempt": times[key]})
    return rows
