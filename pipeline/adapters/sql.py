"""The published tables in DuckDB: every table a view over its Parquet files.

DuckDB is MIT licensed and alive. Its extensions come over the network when they are
first needed: that is switched off here. Tables on disk need none, and those in a bucket
are Arrow data sets, to which DuckDB hands columns and conditions down.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from pipeline.errors import InputError
from pipeline.tables.reading import by_figure, dataset, is_published, place_of
from pipeline.tables.schemas import TABLES

_TYPES = {
    "string": "VARCHAR",
    "int64": "BIGINT",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "timestamp[us, tz=UTC]": "TIMESTAMPTZ",
}


def open_sql(lake: Path | str, endpoint: str = "") -> duckdb.DuckDBPyConnection:
    """DuckDB in memory with a view for each published table of a lake, in UTC.

    ``lake`` is a folder or ``s3://bucket/prefix``, ``endpoint`` as of ``tables.load``. A table of which no day is published is an empty view with its columns.
    """
    made = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
        }
    )
    made.execute("SET TimeZone = 'UTC'")
    place = place_of(str(lake), endpoint)
    there = is_published(place)
    for name in TABLES:
        days, own = by_figure(place, name) if there else ([], [])
        view = _selected(name, days, own)
        if (days or own) and place.root != place.lake:
            made.register(f"{name} in a bucket", dataset(place, name))
            view = f'SELECT * FROM "{name} in a bucket"'  # noqa: S608 - names of ours
        made.execute(f'CREATE VIEW "{name}" AS {view}')
    return made


def _selected(name: str, days: Sequence[str], own: Sequence[str]) -> str:
    """A condition on the figure opens of ``own`` the files of that figure alone."""
    fields = TABLES[name].fields
    if not days and not own:
        empty = [f'NULL::{_TYPES[str(f.type)]} AS "{f.name}"' for f in fields]
        return f"SELECT {', '.join(empty)} WHERE false"
    names = ", ".join(f'"{field.name}"' for field in fields)
    group = TABLES[name].group
    ways = (days, "hive_partitioning = false, union_by_name = true"), (
        own, f"hive_partitioning = true, hive_types = {{'{group}': VARCHAR}}"
    )  # fmt: skip
    return " UNION ALL ".join(
        f"SELECT {names} FROM read_parquet([{_quoted(paths)}], {how})"  # noqa: S608 - names of ours, paths quoted
        for paths, how in ways
        if paths
    )


def _quoted(paths: Sequence[str]) -> str:
    return ", ".join("'" + path.replace("'", "''") + "'" for path in paths)


def answers(opened: duckdb.DuckDBPyConnection, query: str) -> str | None:
    """The result of a query as DuckDB draws it; None where it has none.

    InputError says what DuckDB did not understand.
    """
    try:
        found = opened.sql(query)
    except duckdb.Error as error:
        raise InputError("sql", str(error)) from error
    return None if found is None else str(found)
