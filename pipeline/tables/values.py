"""Frozen values to Arrow and back, by their type hints, as working partitions hold them:
whole, lists included."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import UTC, date, datetime, time
from enum import Enum
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import pyarrow as pa

from pipeline.model import Span

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


def plain(value: Any) -> Any:
    """A field's value as Arrow takes it."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Span):
        return {"start": value.start, "end": value.end}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value


def to_arrow(cls: type[Value], values: Iterable[Value]) -> pa.Table:
    """One row per value, in order; an empty table keeps its schema."""
    schema, held = schema_of(cls), list(values)
    rich = _rich_columns(cls)
    columns = [
        pa.array(
            [plain(getattr(value, name)) for value in held]
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
