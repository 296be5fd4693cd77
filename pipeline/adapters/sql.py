"""The published tables in DuckDB: every table a view over its Parquet files.

DuckDB is MIT licensed and alive. Its extensions come over the network when they are
first needed: that is switched off here, for tables on disk need none.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipeline.errors import InputError
from pipeline.tables.reading import files
from pipeline.tables.schemas import TABLES

_TYPES = {
    "string": "VARCHAR",
    "int64": "BIGINT",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "timestamp[us, tz=UTC]": "TIMESTAMPTZ",
}


def open_sql(root: Path) -> duckdb.DuckDBPyConnection:
    """DuckDB in memory with a view for each published table of a lake, in UTC.

    A table of which no day is published is an empty view with its columns.
    """
    made = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
        }
    )
    made.execute("SET TimeZone = 'UTC'")
    for table in TABLES.values():
        made.execute(f'CREATE VIEW "{table.name}" AS {_selected(root, table.name)}')
    return made


def _selected(root: Path, name: str) -> str:
    fields = TABLES[name].fields
    paths = files(str(root), name) if (root / "tables").is_dir() else []
    if not paths:
        empty = [f'NULL::{_TYPES[str(f.type)]} AS "{f.name}"' for f in fields]
        return f"SELECT {', '.join(empty)} WHERE false"
    quoted = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    names = ", ".join(f'"{field.name}"' for field in fields)
    read = f"read_parquet([{quoted}], hive_partitioning = false, union_by_name = true)"
    return f"SELECT {names} FROM {read}"  # noqa: S608 - names of ours, paths quoted


def answers(opened: duckdb.DuckDBPyConnection, query: str) -> str | None:
    """The result of a query as DuckDB draws it; None where it has none.

    InputError says what DuckDB did not understand.
    """
    try:
        found = opened.sql(query)
    except duckdb.Error as error:
        raise InputError("sql", str(error)) from error
    return None if found is None else str(found)
