"""What no rebuild brings back, kept in a second SQLite file; a damaged database made anew.

Feed states, pages and the outbox are no cache of the archive. So they are copied beside
the database, ``state.kept.sqlite``, after each step that changes them: what is lost with
the one is in the other.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.adapters.db.engine import Database
from pipeline.errors import BrokenDatabaseError, InputError, StoreError
from pipeline.model import AlertKind, DeliveryState, RelationKind

KEPT: dict[str, tuple[str, ...] | None] = {
    "feed_states": None,
    "pages": None,
    "outbox": ("state", "tries", "next_try_at"),
    "outbox_more": (),
    "deliveries": None,
}
"""Tables that are kept, with the columns that change after a row is written (None: any).
Of the others the copy holds what was written first, whatever becomes of the original."""

FROM_COPY = ("feed_states", "pages")
"""Of these the copy is as good: an older state asks a feed once more than needed."""


def copy_of(path: Path) -> Path:
    """Where the copy of a database stands."""
    return path.with_name(f"{path.stem}.kept{path.suffix}")


def keep(path: Path) -> None:
    """Bring the copy up to date with its database, whole or not at all.

    Nobody else may keep at the same time. BrokenDatabaseError where a kept table of the
    database can't be read any more; the copy then stays as it was.
    """
    copy = copy_of(path)
    Database(f"sqlite:///{copy}").close()  # made, or brought to this version
    try:
        with closing(sqlite3.connect(copy, timeout=60)) as db:
            db.execute("ATTACH ? AS given", (str(path),))
            with db:
                for table, changing in KEPT.items():
                    _take_over(db, table, changing)
    except sqlite3.DatabaseError as error:
        if "malformed" in str(error) or "not a database" in str(error):
            raise BrokenDatabaseError(
                str(path), f"{error}; run onrecord salvage"
            ) from error
        raise StoreError(str(copy), str(error)) from error


def _take_over(
    db: sqlite3.Connection, table: str, changing: Sequence[str] | None
) -> None:
    """Put rows of the attached database into ours, where they are new or have changed."""
    columns = db.execute(f"PRAGMA main.table_info({table})").fetchall()
    names = [row[1] for row in columns]
    keys = [row[1] for row in columns if row[5]]
    changing = [n for n in names if n not in keys] if changing is None else changing
    same = " AND ".join(f"ours.{n} IS theirs.{n}" for n in (*keys, *changing))
    new = ", ".join(f"{n} = excluded.{n}" for n in changing)
    listed = ", ".join(names)
    db.execute(  # names are those of our own schema
        f"INSERT INTO main.{table} ({listed}) SELECT {listed} FROM given.{table} AS theirs "  # noqa: S608
        f"WHERE NOT EXISTS (SELECT 1 FROM main.{table} AS ours WHERE {same}) "
        f"ON CONFLICT ({', '.join(keys)}) DO {f'UPDATE SET {new}' if new else 'NOTHING'}"
    )


def salvaged(path: Path) -> dict[str, int]:
    """Put a new database in the place of a damaged or lost one; the rows kept by table.

    Rows come from the copy, and from what can still be read of the damaged database where
    that is newer: alerts that the copy lacks, and further tries. The damaged one stays
    beside it as ``<name>.damaged-N``. InputError where there is neither.
    """
    copy = copy_of(path)
    if not path.exists() and not copy.exists():
        raise InputError(str(path), "there is no database to salvage, and no copy")
    kept = _is_sound(copy)
    nth = 1 + len(list(path.parent.glob(f"{path.name}.damaged-*")))
    fresh = path.with_name(f"{path.name}.salvaged")
    _remove(fresh)
    Database(f"sqlite:///{fresh}").close()
    if kept:
        Database(f"sqlite:///{copy}").close()  # brought to this version
    with closing(sqlite3.connect(fresh)) as new:
        if kept:
            new.execute("ATTACH ? AS given", (str(copy),))
            with new:
                for table in KEPT:
                    _take_over(new, table, None)
        with new, closing(sqlite3.connect(path, timeout=60)) as old:
            old.row_factory, old.text_factory = sqlite3.Row, _text
            for table in KEPT:
                if not (kept and table in FROM_COPY):
                    _put(new, table, _rows(old, table))
        count = "SELECT count(*) FROM {}".format
        counts = {t: int(new.execute(count(t)).fetchone()[0]) for t in KEPT}
        new.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for damaged in (path, *(() if kept else (copy,))):
        for end in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                aside = f"{damaged.name}.damaged-{nth}{end}"
                damaged.with_name(damaged.name + end).rename(path.parent / aside)
    for end in ("-wal", "-shm"):
        fresh.with_name(fresh.name + end).unlink(missing_ok=True)
    fresh.rename(path)
    return counts


def _remove(path: Path) -> None:
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def _is_sound(path: Path) -> bool:
    if not path.exists():
        return False
    with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(path)) as db:
        return bool(db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    return False


def _text(value: bytes) -> str | None:
    """None for what is no text any more: no column that we read may be empty."""
    with suppress(UnicodeDecodeError):
        return value.decode()
    return None


CHECKS: dict[str, dict[str, Callable[[Any], object]]] = {
    "outbox": {
        "kind": AlertKind,
        "relation": RelationKind,
        "state": DeliveryState,
        "payload": json.loads,
        "created_at": datetime.fromisoformat,
        "tries": int,
    },
    "outbox_more": {"forms": json.loads},
    "deliveries": {
        "state": DeliveryState,
        "at": datetime.fromisoformat,
        "attempt": int,
    },
}
"""What the columns of a row that a damaged page gave must still be good for."""


def _is_credible(table: str, row: sqlite3.Row) -> bool:
    try:
        for name, reads in CHECKS.get(table, {}).items():
            reads(row[name])
    except (ValueError, TypeError, IndexError):
        return False
    return True


def _put(db: sqlite3.Connection, table: str, rows: Iterator[sqlite3.Row]) -> None:
    """Rows that are new; and of alerts that are there, how later tries ended."""
    names = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
    values = ", ".join(f":{name}" for name in names)
    for row in rows:
        if set(row.keys()) != set(names) or not _is_credible(table, row):
            continue
        given = dict(row)
        db.execute(f"INSERT OR IGNORE INTO {table} VALUES ({values})", given)  # noqa: S608
        if table == "outbox":
            db.execute(
                "UPDATE outbox SET state = :state, tries = :tries, "
                "next_try_at = :next_try_at WHERE alert_id = :alert_id AND tries < :tries",
                given,
            )


def _rows(db: sqlite3.Connection, table: str) -> Iterator[sqlite3.Row]:
    """From the front, then from the back: a bad page stops either, not both."""
    for order in ("rowid", "rowid DESC"):
        try:
            query = f"SELECT * FROM {table} ORDER BY {order}"  # noqa: S608 - both ours
            yield from db.execute(query)
            return
        except sqlite3.DatabaseError:
            continue
