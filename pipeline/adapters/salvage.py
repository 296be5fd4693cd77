"""What can still be read of a damaged SQLite database, in a new one.

Taken over is what no rebuild brings back: feed states, pages and the outbox. The rest is
a cache of the archive.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from pipeline.adapters.db import Database
from pipeline.errors import InputError

KEPT = ("feed_states", "pages", "outbox", "outbox_more", "deliveries")


def salvaged(path: Path) -> dict[str, int]:
    """Put a new database in the place of a damaged one; the rows taken over by table.

    The damaged one stays beside it as ``<name>.damaged-N``. A row that no page gives any
    more is lost: its alert may be put again under the same id, and is no more taken back.
    """
    if not path.exists():
        raise InputError(str(path), "there is no database to salvage")
    nth = 1 + len(list(path.parent.glob(f"{path.name}.damaged-*")))
    aside = path.with_name(f"{path.name}.damaged-{nth}")
    fresh = path.with_name(f"{path.name}.salvaged")
    fresh.unlink(missing_ok=True)
    Database(f"sqlite:///{fresh}").close()
    counts = {}
    with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(fresh)) as new:
        old.row_factory = sqlite3.Row
        for table in KEPT:
            columns = [row[1] for row in new.execute(f"PRAGMA table_info({table})")]
            rows = {
                tuple(row[name] for name in columns)
                for row in _rows(old, table)
                if set(columns) == set(row.keys())
            }
            marks = ", ".join("?" * len(columns))
            put = f"INSERT OR IGNORE INTO {table} VALUES ({marks})"  # noqa: S608 - KEPT
            counts[table] = new.executemany(put, rows).rowcount
        new.commit()
        new.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        if (path.parent / name).exists():
            moved = aside.name + name.removeprefix(path.name)
            (path.parent / name).rename(path.parent / moved)
    for name in ("-wal", "-shm"):
        fresh.with_name(fresh.name + name).unlink(missing_ok=True)
    fresh.rename(path)
    return counts


def _rows(db: sqlite3.Connection, table: str) -> Iterator[sqlite3.Row]:
    """From the front, then from the back: a bad page stops either, not both."""
    for order in ("rowid", "rowid DESC"):
        try:
            query = f"SELECT * FROM {table} ORDER BY {order}"  # noqa: S608 - both ours
            yield from db.execute(query)
            return
        except sqlite3.DatabaseError:
            continue
