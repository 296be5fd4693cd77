"""Opening a database, its transactions and its locks."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from pipeline.adapters.db.migrations import SCHEMA, migrate
from pipeline.adapters.db.tables import META, about
from pipeline.errors import BrokenDatabaseError, InputError, StoreError

T = TypeVar("T")


class Database:
    """One engine behind every store; transactions are short and whole."""

    def __init__(self, url: str) -> None:
        """``url`` as SQLAlchemy writes it, of this version or an earlier one.

        StoreError if it can't be opened, DamagedError if a later version wrote it.
        """
        self.where = sa.make_url(url).render_as_string(hide_password=True)
        self._engine = _engine(url)
        self._held: list[Connection] = []
        with self.begin() as db:  # safe beside another process that opens it, too
            if not self._current(db):
                self._lock(db)
                _make(db, [about])
                self.insert_new(db, about, [{"key": "schema", "value": str(SCHEMA)}])
                migrate(db, self.where)
                _make(db, META.sorted_tables)

    def _current(self, db: Connection) -> bool:
        """Whether a database is there and of this version: nothing to lock for.

        Even a CREATE that finds all there takes locks that others' writes wait for.
        """
        there = set(sa.inspect(db).get_table_names())
        if not there.issuperset(META.tables):
            return False
        known = sa.select(about.c.value).where(about.c.key == "schema")
        return db.scalar(known) == str(SCHEMA)

    def _lock(self, db: Connection) -> None:
        """Nobody else may write until this transaction ends, its DDL included."""
        if self._engine.dialect.name == "sqlite":
            db.exec_driver_sql("BEGIN IMMEDIATE")  # the driver begins none for DDL
        else:
            db.execute(sa.select(sa.func.pg_advisory_xact_lock(_key("schema"))))

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction; StoreError names the database where it fails."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error)
            if "malformed" in reason or "not a database" in reason:
                raise BrokenDatabaseError(
                    self.where, f"{reason}; run onrecord salvage"
                ) from error
            raise StoreError(self.where, reason) from error

    @contextmanager
    def alone(self, name: str, *, patience_seconds: float = 60.0) -> Iterator[None]:
        """Hold a lock of this database that dies with its holder, however that ends.

        StoreError (a later try may succeed) where another process holds it for longer
        than we wait.
        """
        until = time.monotonic() + patience_seconds
        with self._lock_of(name) as take:
            while not take():
                if time.monotonic() >= until:
                    raise StoreError(
                        self.where,
                        f"another run is in {name}; waited {patience_seconds:g} s",
                    )
                time.sleep(0.1)
            yield

    @contextmanager
    def _lock_of(self, name: str) -> Iterator[Callable[[], bool]]:
        """What takes the lock, or says that somebody has it; let go at the end."""
        path = self._engine.url.database
        if self._engine.dialect.name != "sqlite":
            with self._lock_connection() as held:
                wanted = sa.select(sa.func.pg_try_advisory_lock(_key(name)))
                self._held.append(held)
                yield lambda: bool(self._asked(held, wanted))
        elif not path or path == ":memory:":
            yield lambda: True  # nobody else can see it
        else:
            try:
                file = os.open(f"{path}.{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            except OSError as error:
                raise StoreError(self.where, str(error)) from error
            try:
                yield lambda: _flock(file)
            finally:
                os.close(file)

    @contextmanager
    def _lock_connection(self) -> Iterator[Connection]:
        """A session of its own: its locks end with it, whatever ends it."""
        try:
            held = self._engine.connect()
        except SQLAlchemyError as error:
            raise StoreError(self.where, str(getattr(error, "orig", error))) from error
        try:
            held.execution_options(isolation_level="AUTOCOMMIT")
            yield held
        finally:
            self._held = [one for one in self._held if one is not held]
            held.invalidate()
            held.close()

    def _asked(self, held: Connection, query: sa.Select[Any]) -> Any:
        try:
            return held.scalar(query)
        except SQLAlchemyError as error:
            raise StoreError(self.where, str(getattr(error, "orig", error))) from error

    def still_alone(self) -> bool:
        """Whether every lock that this process took is still its own.

        A server's restart ends the session that holds it, and another may have it now.
        """
        try:
            return all(held.scalar(sa.select(1)) == 1 for held in self._held)
        except SQLAlchemyError:
            return False

    def upsert(
        self, db: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]
    ) -> None:
        """Insert, or take the place of rows with the same key."""
        if not rows:
            return
        statement = self._insert(table)
        keys = [column.name for column in table.primary_key]
        others = {
            column.name: statement.excluded[column.name]
            for column in table.columns
            if column.name not in keys
        }
        db.execute(
            statement.on_conflict_do_update(index_elements=keys, set_=others)
            if others
            else statement.on_conflict_do_nothing(index_elements=keys),
            list(rows),
        )

    def insert_new(
        self, db: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]
    ) -> int:
        """Insert rows whose key is not there yet; how many."""
        one = self._insert(table).on_conflict_do_nothing().returning(sa.literal(1))
        return sum(len(db.execute(one, row).all()) for row in rows)

    def _insert(self, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
        server = self._engine.dialect.name == "postgresql"
        return postgresql.insert(table) if server else sqlite.insert(table)

    @property
    def file(self) -> Path | None:
        """The file, where it is SQLite in one."""
        return sqlite_file(self._engine.url)

    @property
    def bytes(self) -> int:
        """Of the file, where it is SQLite in one; 0 elsewhere."""
        return self.file.stat().st_size if self.file else 0

    def check(self, tables: Iterable[str] = ()) -> None:
        """Read the structure of every page, or of these tables' only, where it is SQLite;
        BrokenDatabaseError."""
        if self._engine.dialect.name != "sqlite":
            return
        for what in [f"('{table}')" for table in tables] or ["(1)"]:
            with self.begin() as db:
                found = db.exec_driver_sql(f"PRAGMA quick_check{what}").scalar()
            if found != "ok":
                first = str(found).splitlines()[-1]  # below a line that says where
                raise BrokenDatabaseError(self.where, f"{first}; run onrecord salvage")

    def close(self) -> None:
        self._engine.dispose()


def sqlite_file(url: str | sa.URL) -> Path | None:
    """The file of an SQLite database; None for any other."""
    made = sa.make_url(url)
    memory = not made.database or made.database == ":memory:"
    is_file = made.get_backend_name() == "sqlite" and not memory
    return Path(made.database or "") if is_file else None


def _flock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _key(name: str) -> int:
    """A number for PostgreSQL's advisory locks."""
    return int.from_bytes(sha256(f"onrecord {name}".encode()).digest()[:8], signed=True)


def _make(db: Connection, tables: Sequence[sa.Table]) -> None:
    for table in tables:
        db.execute(sa.schema.CreateTable(table, if_not_exists=True))
        for index in sorted(table.indexes, key=lambda one: str(one.name)):
            db.execute(sa.schema.CreateIndex(index, if_not_exists=True))


_KEEPALIVE = {
    "connect_timeout": 10,
    "options": "-c tcp_keepalives_idle=20 -c tcp_keepalives_interval=10 "
    "-c tcp_keepalives_count=3",
}
"""The server lets go of a lost machine's locks after 50 s, not after two hours."""


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        try:
            return sa.create_engine(url, pool_pre_ping=True, connect_args=_KEEPALIVE)
        except ImportError as error:
            raise InputError(
                "setting ONRECORD_DATABASE_URL",
                f"its driver is not installed ({error.name}); "
                "for PostgreSQL: pip install 'onrecord[postgres]'",
            ) from error
    engine = sa.create_engine(url, connect_args={"timeout": 60})

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")  # a commit outlives a power cut
        cursor.close()

    return engine


def portions(values: Iterable[T], size: int = 900) -> Iterator[list[T]]:
    """The values, each once, in portions that a query may hold."""
    unique = list(dict.fromkeys(values))
    for start in range(0, len(unique), size):
        yield unique[start : start + size]
