"""The state database: what must be looked up by key. SQLite or PostgreSQL, by URL.

Every table but the feed states and the outbox (which adapters.salvage keeps a second
time) is a cache of a fold over partitions:
rows carry the partition that wrote them, are never updated, and are replaced whole when
that partition is made again.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from pipeline.adapters.migrations import SCHEMA, migrate
from pipeline.claims.features import dumped, features
from pipeline.claims.sketch import sketch_of
from pipeline.errors import BrokenDatabaseError, InputError, StoreError
from pipeline.model import (
    Act,
    Alert,
    AlertKind,
    ClaimState,
    Correction,
    CorrectionKind,
    DateSource,
    Delivery,
    DeliveryState,
    Feed,
    FeedState,
    Loss,
    MentionKind,
    Partition,
    Relation,
    RelationKind,
    Report,
    Said,
    SeenArticle,
    Span,
    Statement,
    TextSource,
    Voice,
    WantedPage,
)

PAGE_TRIES = 4


class UtcDateTime(sa.TypeDecorator[datetime]):
    """Aware and UTC on both sides; SQLite would lose the zone."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(
        self, value: datetime | None, dialect: sa.Dialect
    ) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a moment without a zone: {value}")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(
        self, value: datetime | None, dialect: sa.Dialect
    ) -> datetime | None:
        return value.replace(tzinfo=UTC) if value else None


class HourSet(sa.TypeDecorator[frozenset[int]]):
    """Hours of the week as a number in hexadecimal: bit n is hour n."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(
        self, value: frozenset[int] | None, dialect: sa.Dialect
    ) -> str:
        return f"{sum(1 << hour for hour in value or ()):x}"

    def process_result_value(
        self, value: str | None, dialect: sa.Dialect
    ) -> frozenset[int]:
        number = int(value or "0", 16)
        return frozenset(hour for hour in range(168) if number >> hour & 1)


_meta = sa.MetaData()


def _table(name: str, *columns: Any, **options: Any) -> sa.Table:
    return sa.Table(name, _meta, *columns, **options)


_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Compared by code points, as SQLite does: partitions are cut by ``<`` and sorted."""


def _text(name: str, **options: Any) -> sa.Column[str]:
    return sa.Column(name, _TEXT, nullable=options.pop("nullable", False), **options)


def _moment(name: str, **options: Any) -> sa.Column[datetime]:
    return sa.Column(
        name, UtcDateTime, nullable=options.pop("nullable", False), **options
    )


def _number(name: str, **options: Any) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, **options)


about = _table("about", _text("key", primary_key=True), _text("value"))

progress = _table(
    "progress",
    _text("step", primary_key=True),
    _text("partition", primary_key=True),
    sa.Column("stale", sa.Boolean, nullable=False),
    _text("sha256", nullable=True),
    _number("marks", server_default="0"),
    sa.Index("progress_stale", "step", "stale", "partition"),
)

feed_states = _table(
    "feed_states",
    _text("feed_id", primary_key=True),
    _text("url"),
    _text("etag", nullable=True),
    _text("last_modified", nullable=True),
    _text("body_sha256", nullable=True),
    _number("failures"),
    _moment("due_at", nullable=True),
    sa.Column("gone", sa.Boolean, nullable=False),
    _text("moved_to", nullable=True),
    _number("moved_seen"),
    _number("unchanged_in_row"),
    sa.Column("ttl_minutes", sa.Integer, nullable=True),
    sa.Column("quiet_hours", HourSet, nullable=False),
    _text("configured_url"),
)

pages = _table(
    "pages",
    _text("key", primary_key=True),
    _text("url"),
    _text("feed_id"),
    _number("tries"),
    sa.Column("done", sa.Boolean, nullable=False),
    _moment("due_at", nullable=True),
)

seen = _table(
    "articles_seen",
    _text("article_id", primary_key=True),
    _number("revision", primary_key=True),
    _text("feed_id"),
    _text("url", index=True),
    _text("guid"),
    _text("text_sha256"),
    _text("shape_sha256"),
    _text("text_source"),
    _moment("published_at"),
    _text("published_at_source"),
    _moment("first_seen_at"),
    _text("wire_group_id"),
    sa.Column("signature", sa.LargeBinary, nullable=False),
    _text("partition", index=True),
    _text("outlet"),
    sa.Index("articles_seen_guid", "feed_id", "guid"),
)

bands = _table(
    "wire_bands",
    _text("partition", primary_key=True),
    sa.Column("bands", sa.LargeBinary, nullable=False),  # 32 int64 an article
    _text("article_ids"),
)

record = _table(
    "record",
    _text("statement_id", primary_key=True),
    _text("partition", index=True),
    _text("figure_id"),
    _text("claim_id", index=True),
    _text("utterance_id"),
    _text("kind"),
    _text("earlier_id", nullable=True),
    _text("earlier_claim_id", nullable=True),
    sa.Column("score", sa.Float, nullable=False),
    _text("reasons"),
    _moment("first_seen_at", index=True),
    _text("statement"),
    sa.Index("record_figure", "figure_id", "first_seen_at"),
)

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")

record_terms = _table(
    "record_terms",
    sa.Column("term", _BIG, primary_key=True, autoincrement=False),  # hash, with figure
    sa.Column("place", _BIG, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

record_said = _table(
    "record_said",
    sa.Column("place", _BIG, primary_key=True, autoincrement=False),
    _text("said"),
    _text("prepared"),
    sa.Column("sketch", sa.LargeBinary, nullable=False),
    sa.Column("terms", sa.LargeBinary, nullable=False),  # int64 each, to remove them by
)

outbox = _table(
    "outbox",
    _text("alert_id", primary_key=True),
    _text("kind"),
    _text("rule_id"),
    _text("channel"),
    _text("claim_id"),
    _text("figure_id"),
    _text("figure"),
    _text("relation"),
    _text("statement_id"),
    _moment("created_at", index=True),
    _text("subject"),
    _text("body"),
    _text("payload"),
    _text("state"),
    _number("tries"),
    _moment("next_try_at", nullable=True),
)

outbox_more = _table(
    "outbox_more",
    _text("alert_id", primary_key=True),
    _moment("due_at", nullable=True),
    _text("thread", nullable=True),
    _text("forms"),
)

undone = _table(
    "undone",
    _text("statement_id", primary_key=True),
    _text("partition", primary_key=True),
    _text("correction_id"),
    _text("kind"),
    _text("article_id"),
    _number("revision"),
    _text("new_statement_id", nullable=True),
    _text("old_sha256"),
    _text("new_sha256", nullable=True),
    _moment("at", index=True),
)

deliveries = _table(
    "deliveries",
    _text("alert_id", primary_key=True),
    _number("attempt", primary_key=True),
    _text("channel"),
    _moment("at", index=True),
    _text("state"),
    _text("reason"),
)


runs = _table(
    "runs",
    _text("step", primary_key=True),
    _moment("at"),
    _moment("ended_at"),
    sa.Column("seconds", sa.Float, nullable=False),
    _number("rows"),
    _number("failures"),
    _text("error", nullable=True),
    _moment("succeeded_at", nullable=True),
)


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
                _make(db, _meta.sorted_tables)

    def _current(self, db: Connection) -> bool:
        """Whether a database is there and of this version: nothing to lock for.

        Even a CREATE that finds all there takes locks that others' writes wait for.
        """
        there = set(sa.inspect(db).get_table_names())
        if not there.issuperset(_meta.tables):
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
        insert = (
            postgresql.insert
            if self._engine.dialect.name == "postgresql"
            else sqlite.insert
        )
        statement = insert(table)
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
        insert = (
            postgresql.insert
            if self._engine.dialect.name == "postgresql"
            else sqlite.insert
        )
        one = insert(table).on_conflict_do_nothing().returning(sa.literal(1))
        return sum(len(db.execute(one, row).all()) for row in rows)

    @property
    def file(self) -> Path | None:
        """The file, where it is SQLite in one."""
        return sqlite_file(self._engine.url)

    def check(self) -> None:
        """Read the structure of every page, where it is SQLite; BrokenDatabaseError."""
        if self._engine.dialect.name == "sqlite":
            with self.begin() as db:
                found = db.exec_driver_sql("PRAGMA quick_check(1)").scalar()
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


def _columns(table: sa.Table, row: Any, leave: Iterable[str] = ()) -> dict[str, Any]:
    out = {column.name: getattr(row, column.name) for column in table.columns}
    for name in leave:
        out.pop(name)
    return out


class DbProgress:
    """ports.Progress in the database.

    ``marks`` counts how often a partition was marked: what another process marked while
    this one was making it is still stale when this one is done.
    """

    def __init__(self, db: Database, folds: Iterable[str]) -> None:
        self._db = db
        self._folds = frozenset(folds)
        self._named: dict[tuple[str, str], int] = {}

    def pending(
        self, step: str, upto: Partition, *, first: int | None = None
    ) -> list[Partition]:
        query = (
            sa.select(progress.c.partition, progress.c.marks)
            .where(progress.c.step == step, progress.c.stale)
            .where(progress.c.partition <= str(upto))
            .order_by(progress.c.partition)
            .limit(first)
        )
        with self._db.begin() as db:
            found = [(row.partition, row.marks) for row in db.execute(query)]
        self._named |= {(step, key): marks for key, marks in found}
        return [Partition.parse(key) for key, _ in found]

    def stale(self, step: str, since: Partition, *, only: bool = True) -> None:
        key = {"step": step, "partition": str(since)}
        with self._db.begin() as db:
            first = {**key, "stale": True, "sha256": None, "marks": 1}
            if not self._db.insert_new(db, progress, [first]):
                db.execute(
                    sa.update(progress)
                    .where(*_at(key))
                    .values(stale=True, marks=progress.c.marks + 1)
                )
            if not only:
                self._cut(db, step, sa.literal(str(since)), inclusive=False)

    def done(self, step: str, partition: Partition, sha256: str) -> bool:
        key = {"step": step, "partition": str(partition)}
        named = self._named.get((step, str(partition)))
        with self._db.begin() as db:
            first = {**key, "stale": False, "sha256": None, "marks": 0}
            self._db.insert_new(db, progress, [first])
            known = sa.select(progress.c.sha256, progress.c.marks).where(*_at(key))
            before = db.execute(known.with_for_update()).one()
            changed: bool = before.sha256 != sha256
            since_marked = named is not None and before.marks != named
            alone = self._db.still_alone()
            db.execute(
                sa.update(progress)
                .where(*_at(key))
                .values(stale=since_marked or not alone, sha256=sha256)
            )
            if changed and step in self._folds:
                self._cut(db, step, sa.literal(str(partition)), inclusive=False)
        if not alone:
            raise StoreError(
                self._db.where,
                f"the lock of {step} was lost; {partition} is made again",
            )
        return changed

    def known(self, step: str) -> set[Partition]:
        """Every partition that the step was ever asked to make."""
        query = sa.select(progress.c.partition).where(progress.c.step == step)
        with self._db.begin() as db:
            return {Partition.parse(key) for key in db.scalars(query)}

    def _cut(
        self, db: Connection, step: str, key: sa.ColumnElement[str], *, inclusive: bool
    ) -> None:
        later = progress.c.partition >= key if inclusive else progress.c.partition > key
        db.execute(
            sa.update(progress)
            .where(progress.c.step == step, later)
            .values(stale=True, marks=progress.c.marks + 1)
        )


def _at(key: Mapping[str, str]) -> list[sa.ColumnElement[bool]]:
    return [progress.c[name] == value for name, value in key.items()]


class DbRuns:
    """The last run of each step, for ``onrecord status``; nothing else reads it."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def put(
        self,
        step: str,
        at: datetime,
        *,
        ended_at: datetime,
        seconds: float,
        report: Report | None = None,
        error: str | None = None,
    ) -> None:
        """``report`` of a run that ended well, ``error`` of one that did not."""
        with self._db.begin() as db:
            known = sa.select(runs.c.succeeded_at).where(runs.c.step == step)
            row = {
                "step": step,
                "at": at,
                "ended_at": ended_at,
                "seconds": seconds,
                "rows": report.rows if report else 0,
                "failures": len(report.failures) if report else 0,
                "error": error,
                "succeeded_at": db.scalar(known) if error else ended_at,
            }
            self._db.upsert(db, runs, [row])

    def last(self) -> dict[str, dict[str, Any]]:
        """By step: at, ended_at, seconds, rows, failures, error, succeeded_at."""
        with self._db.begin() as db:
            rows = [dict(row._mapping) for row in db.execute(sa.select(runs))]
        return {row.pop("step"): row for row in rows}


class DbNotes:
    """What a job notes for the one that goes on with it."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def get(self, key: str) -> str:
        """The note; empty where there is none."""
        query = sa.select(about.c.value).where(about.c.key == f"note {key}")
        with self._db.begin() as db:
            return str(db.scalar(query) or "")

    def put(self, key: str, value: str) -> None:
        with self._db.begin() as db:
            row = {"key": f"note {key}", "value": value}
            self._db.upsert(db, about, [row])


class DbFeedStates:
    """ports.FeedStates in the database."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def load(self, feeds: Sequence[Feed]) -> dict[str, FeedState]:
        with self._db.begin() as db:
            rows = {row.feed_id: row for row in db.execute(sa.select(feed_states))}
        return {feed.id: _feed_state(feed, rows.get(feed.id)) for feed in feeds}

    def save(self, states: Iterable[FeedState]) -> None:
        rows = [
            {column.name: getattr(state, column.name) for column in feed_states.columns}
            for state in states
        ]
        with self._db.begin() as db:
            self._db.upsert(db, feed_states, rows)

    def wanted_pages(self, now: datetime) -> list[WantedPage]:
        query = (
            sa.select(pages)
            .where(~pages.c.done, pages.c.due_at <= now)
            .order_by(pages.c.key)
        )
        with self._db.begin() as db:
            return [
                WantedPage(key=row.key, feed_id=row.feed_id, url=row.url)
                for row in db.execute(query)
            ]

    def pages_failed(self, wanted: Iterable[WantedPage], now: datetime) -> None:
        """Another try in 15 minutes, then 30, then 60; then given up."""
        with self._db.begin() as db:
            for page in wanted:
                known = sa.select(pages.c.tries).where(pages.c.key == page.key)
                tries = 1 + (db.scalar(known) or 0)
                wait = timedelta(minutes=15) * 2 ** (tries - 1)
                self._db.upsert(
                    db, pages, [_page_row(page, tries, tries >= PAGE_TRIES, now + wait)]
                )

    def pages_later(self, wanted: Iterable[WantedPage], now: datetime) -> None:
        with self._db.begin() as db:
            self._db.insert_new(
                db, pages, [_page_row(page, 0, False, now) for page in wanted]
            )

    def pages_done(self, wanted: Iterable[WantedPage]) -> None:
        with self._db.begin() as db:
            self._db.upsert(db, pages, [_page_row(p, 0, True, None) for p in wanted])

    def pages_known(self, keys: Sequence[str]) -> set[str]:
        found: set[str] = set()
        with self._db.begin() as db:
            for start in range(0, len(keys), 500):
                query = sa.select(pages.c.key).where(
                    pages.c.key.in_(keys[start : start + 500])
                )
                found.update(db.scalars(query))
        return found


def _page_row(
    page: WantedPage, tries: int, done: bool, due_at: datetime | None
) -> dict[str, Any]:
    return {
        "key": page.key,
        "url": page.url,
        "feed_id": page.feed_id,
        "tries": tries,
        "done": done,
        "due_at": due_at,
    }


def _feed_state(feed: Feed, row: Any) -> FeedState:
    if (
        row is None or row.configured_url != feed.url
    ):  # never asked, or an editor moved it
        return FeedState(feed_id=feed.id, url=feed.url, configured_url=feed.url)
    return FeedState(**_columns(feed_states, row))


class DbSeen:
    """ports.Seen in the database."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def find(
        self,
        *,
        urls: Sequence[str],
        guids: Sequence[tuple[str, str]],
        before: Partition,
    ) -> list[SeenArticle]:
        guid = sa.tuple_(seen.c.feed_id, seen.c.guid)
        places = [seen.c.url.in_(some) for some in _portions(urls)]
        places += [guid.in_(some) for some in _portions(guids)]
        found: dict[tuple[str, int], SeenArticle] = {}
        with self._db.begin() as db:
            if not db.scalar(sa.select(sa.exists().where(_earlier(before)))):
                return []
            for place in places:
                same = sa.select(seen.c.article_id).where(place, _earlier(before))
                query = sa.select(seen).where(
                    seen.c.article_id.in_(same), _earlier(before)
                )
                for row in db.execute(query):
                    found[row.article_id, row.revision] = _seen_article(row)
        return sorted(
            found.values(), key=lambda a: (a.first_seen_at, a.article_id, a.revision)
        )

    def alike(
        self, wanted: npt.NDArray[np.int64], *, since: datetime, before: Partition
    ) -> list[SeenArticle]:
        query = (
            sa.select(bands.c.bands, bands.c.article_ids)
            .where(bands.c.partition >= str(Partition.at(since)))
            .where(bands.c.partition < str(before))
            .order_by(bands.c.partition)
            .execution_options(yield_per=8)
        )
        sieve = np.zeros(_SIEVE, dtype=bool)
        sieve[wanted & (_SIEVE - 1)] = True
        ids: set[str] = set()
        found: dict[str, SeenArticle] = {}
        with self._db.begin() as db:
            for blob, names in db.execute(query):
                held = np.frombuffer(blob, "<i8")
                maybe = np.flatnonzero(sieve[held & (_SIEVE - 1)])
                hits = maybe[np.isin(held[maybe], wanted)]
                if len(hits):
                    listed = names.split()
                    width = len(held) // len(listed)
                    ids.update(listed[nth] for nth in (hits // width).tolist())
            for some in _portions(sorted(ids)):
                first = (
                    sa.select(seen)
                    .where(seen.c.article_id.in_(some), seen.c.revision == 1)
                    .where(seen.c.first_seen_at >= since, _earlier(before))
                )
                for row in db.execute(first):
                    found[row.article_id] = _seen_article(row)
        return sorted(found.values(), key=lambda a: (a.first_seen_at, a.article_id))

    def replace(
        self,
        partition: Partition,
        articles: Sequence[SeenArticle],
        found: npt.NDArray[np.int64],
    ) -> None:
        columns = [column.name for column in seen.columns]
        firsts = [
            nth
            for nth, one in enumerate(articles)
            if one.revision == 1 and found[nth, 0] >= 0
        ]
        with self._db.begin() as db:
            for table in (seen, bands):
                db.execute(sa.delete(table).where(table.c.partition == str(partition)))
            for start in range(0, len(articles), 500):
                some = articles[start : start + 500]
                rows = [{name: getattr(one, name) for name in columns} for one in some]
                self._db.upsert(db, seen, rows)
            if firsts:
                values = {
                    "partition": str(partition),
                    "bands": found[firsts].astype("<i8").tobytes(),
                    "article_ids": " ".join(articles[nth].article_id for nth in firsts),
                }
                db.execute(sa.insert(bands), values)


_SIEVE = 1 << 20  # a table of the lowest bits, so that nearly all bands are passed over


def _earlier(before: Partition) -> sa.ColumnElement[bool]:
    return seen.c.partition < str(before)


def _portions(values: Sequence[Any], size: int = 900) -> Iterator[list[Any]]:
    """The values in portions that a query may hold."""
    unique = list(dict.fromkeys(values))
    for start in range(0, len(unique), size):
        yield unique[start : start + size]


def _seen_article(row: Any) -> SeenArticle:
    values = _columns(seen, row)
    values["text_source"] = TextSource(values["text_source"])
    values["published_at_source"] = DateSource(values["published_at_source"])
    return SeenArticle(**values)


class DbRecord:
    """ports.Record in the database."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def before(
        self,
        partition: Partition,
        wanted: Sequence[tuple[Said, Sequence[str]]],
        *,
        places: int,
        limit: int,
    ) -> _Earlier:
        return _Earlier(self._db, partition, wanted, places=places, limit=limit)

    def replace(
        self,
        partition: Partition,
        rows: Sequence[tuple[Statement, Relation, Sequence[str]]],
    ) -> None:
        first = _first_place(partition)
        order = sorted(rows, key=lambda row: row[0].statement_id)
        if len(order) > _PLACES:
            raise StoreError(self._db.where, f"{partition}: over {_PLACES} statements")
        placed = [
            (first + nth, statement, relation, _term_keys(statement.figure_id, found))
            for nth, (statement, relation, found) in enumerate(order)
        ]
        with self._db.begin() as db:
            self._remove(db, partition)
            self._db.upsert(
                db, record, [_record_row(partition, s, r) for s, r, _ in rows]
            )
            self._insert(
                db,
                record_said,
                [_said_row(place, s, r, keys) for place, s, r, keys in placed],
            )
            held = sorted((key, place) for place, _, _, keys in placed for key in keys)
            self._insert(
                db, record_terms, [{"term": key, "place": at} for key, at in held]
            )

    def _insert(
        self, db: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]
    ) -> None:
        if rows:  # of none, SQLAlchemy would insert one row of defaults
            db.execute(sa.insert(table), list(rows))

    def _remove(self, db: Connection, partition: Partition) -> None:
        first = _first_place(partition)
        mine = record_said.c.place.between(first, first + _PLACES - 1)
        gone = [
            {"key": key, "at": place}
            for place, keys in db.execute(
                sa.select(record_said.c.place, record_said.c.terms).where(mine)
            )
            for key in np.frombuffer(keys, "<i8").tolist()
        ]
        if gone:
            one = record_terms.c.term == sa.bindparam("key")
            at = record_terms.c.place == sa.bindparam("at")
            db.execute(sa.delete(record_terms).where(one, at), gone)
        db.execute(sa.delete(record_said).where(mine))
        db.execute(sa.delete(record).where(record.c.partition == str(partition)))

    def states(self, *, since: datetime, upto: Partition) -> list[ClaimState]:
        rows, earlier = self._opened(since, upto)
        return _claim_states(rows, earlier, since)

    def _opened(
        self, since: datetime, upto: Partition
    ) -> tuple[list[Any], dict[str | None, Statement]]:
        """The members of claims opened since a moment; what they were compared with."""
        opened = sa.select(record.c.claim_id).where(
            record.c.first_seen_at >= since,
            record.c.partition <= str(upto),
            record.c.kind.in_(["new", "changed", "contradicts", "uncertain"]),
        )
        query = (
            sa.select(record)
            .where(record.c.claim_id.in_(opened), record.c.partition <= str(upto))
            .order_by(record.c.first_seen_at, record.c.statement_id)
        )
        with self._db.begin() as db:
            rows = list(db.execute(query))
            return rows, self._statements(db, [row.earlier_id for row in rows])

    def _statements(
        self, db: Connection, ids: Iterable[str | None]
    ) -> dict[str | None, Statement]:
        wanted = sorted({id for id in ids if id})
        return {
            row.statement_id: _statement(row.statement)
            for start in range(0, len(wanted), 500)
            for row in db.execute(
                sa.select(record).where(
                    record.c.statement_id.in_(wanted[start : start + 500])
                )
            )
        }

    def histories(
        self, *, since: datetime, upto: Partition
    ) -> list[list[tuple[datetime, ClaimState]]]:
        rows, earlier = self._opened(since, upto)
        groups: dict[str, list[Any]] = {}
        for row in rows:
            groups.setdefault(row.claim_id, []).append(row)
        found = []
        for members in groups.values():
            history = []
            for moment in dict.fromkeys(row.partition for row in members):
                there = [row for row in members if row.partition <= moment]
                history += [
                    (Partition.parse(moment).moment, state)
                    for state in _claim_states(there, earlier, since)
                ]
            found.append(history)
        return [history for history in found if history]

    def corrected(
        self, partition: Partition, corrections: Sequence[Correction]
    ) -> None:
        rows = [
            {"partition": str(partition), "kind": correction.kind.value}
            | _columns_of(correction, undone, leave=("partition", "kind"))
            for correction in corrections
            if correction.kind in _TAKES_AWAY
        ]
        with self._db.begin() as db:
            db.execute(sa.delete(undone).where(undone.c.partition == str(partition)))
            self._db.upsert(db, undone, rows)

    def losses(self, *, since: datetime, upto: Partition) -> list[Loss]:
        fallen = sa.select(undone.c.statement_id).where(undone.c.partition <= str(upto))
        touched = sa.select(record.c.claim_id).where(
            record.c.statement_id.in_(fallen.where(undone.c.at >= since))
        )
        stands = ~sa.exists().where(
            undone.c.statement_id == record.c.statement_id,
            undone.c.partition <= str(upto),
        )
        standing = sa.select(record.c.claim_id).where(
            record.c.claim_id.in_(touched), record.c.partition <= str(upto), stands
        )
        query = (
            sa.select(record)
            .where(record.c.claim_id.in_(touched), record.c.claim_id.not_in(standing))
            .where(record.c.partition <= str(upto))
            .order_by(record.c.first_seen_at, record.c.statement_id)
        )
        with self._db.begin() as db:
            rows = list(db.execute(query))
            edits = self._edits(db, [row.statement_id for row in rows], upto)
            earlier = self._statements(db, [row.earlier_id for row in rows])
            now = self._statements(db, [edit.new_statement_id for edit in edits])
        claims = {row.statement_id: row.claim_id for row in rows}
        last = {claims[edit.statement_id]: edit for edit in edits}
        return [
            Loss(
                state=state,
                correction=_correction(last[state.claim_id]),
                now=now.get(last[state.claim_id].new_statement_id),
            )
            for state in _claim_states(rows, earlier, None)
            if state.claim_id in last
        ]

    def _edits(self, db: Connection, ids: Sequence[str], upto: Partition) -> list[Any]:
        """What undid these statements, the latest last."""
        found = [
            row
            for start in range(0, len(ids), 500)
            for row in db.execute(
                sa.select(undone)
                .where(undone.c.statement_id.in_(ids[start : start + 500]))
                .where(undone.c.partition <= str(upto))
            )
        ]
        return sorted(found, key=lambda row: (row.at, row.statement_id))

    def of_claim(self, claim_id: str) -> list[tuple[Partition, Statement, Relation]]:
        query = (
            sa.select(record)
            .where(record.c.claim_id == claim_id)
            .order_by(record.c.first_seen_at, record.c.statement_id)
        )
        with self._db.begin() as db:
            rows = sorted(db.execute(query), key=_opener_first)
        return [_on_record(row) for row in rows]

    def find(self, statement_id: str) -> tuple[Partition, Statement, Relation] | None:
        query = sa.select(record).where(record.c.statement_id == statement_id)
        with self._db.begin() as db:
            row = db.execute(query).first()
        return _on_record(row) if row else None

    def figures_since(self, upto: Partition) -> dict[str, datetime]:
        with self._db.begin() as db:
            found = db.execute(_FIRST, {"upto": str(upto)})
            return {figure: moment for figure, moment in found if moment}


_FIRST = sa.text(
    """WITH RECURSIVE figures(id) AS (
        SELECT min(figure_id) FROM record
        UNION ALL
        SELECT (SELECT min(figure_id) FROM record WHERE figure_id > figures.id)
        FROM figures WHERE figures.id IS NOT NULL)
    SELECT id, (SELECT first_seen_at FROM record
        WHERE figure_id = id AND partition <= :upto ORDER BY first_seen_at LIMIT 1)
    FROM figures WHERE id IS NOT NULL"""
).columns(sa.column("id", _TEXT), sa.column("moment", UtcDateTime))
"""From figure to figure along the index: as many steps as figures, not as statements."""


def _record_row(
    partition: Partition, statement: Statement, relation: Relation
) -> dict[str, Any]:
    return {
        "statement_id": statement.statement_id,
        "partition": str(partition),
        "figure_id": statement.figure_id,
        "claim_id": relation.claim_id,
        "utterance_id": relation.utterance_id,
        "kind": relation.kind.value,
        "earlier_id": relation.earlier_id,
        "earlier_claim_id": relation.earlier_claim_id,
        "score": relation.score,
        "reasons": json.dumps(relation.reasons, ensure_ascii=False),
        "first_seen_at": statement.first_seen_at,
        "statement": _dump(statement),
    }


_TAKES_AWAY = (CorrectionKind.CHANGED, CorrectionKind.WITHDRAWN)


def _columns_of(
    value: Any, table: sa.Table, leave: Sequence[str] = ()
) -> dict[str, Any]:
    return {
        c.name: getattr(value, c.name) for c in table.columns if c.name not in leave
    }


def _correction(row: Any) -> Correction:
    values = _columns(undone, row, leave=["partition", "kind"])
    return Correction(**values, kind=CorrectionKind(row.kind))


def _on_record(row: Any) -> tuple[Partition, Statement, Relation]:
    return Partition.parse(row.partition), _statement(row.statement), _relation(row)


def _opener_first(row: Any) -> bool:
    """Of what was seen at once, the fold's first need not have the first id."""
    return row.kind in _SAME


_SAME = (RelationKind.REREPORTED.value, RelationKind.REPEATED.value)


def _claim_states(
    rows: Sequence[Any],
    earlier: Mapping[str | None, Statement],
    since: datetime | None,
) -> list[ClaimState]:
    groups: dict[str, list[Any]] = {}
    for row in rows:
        groups.setdefault(row.claim_id, []).append(row)
    states = []
    for members in groups.values():
        members.sort(key=_opener_first)
        first = members[0]
        if since is not None and first.first_seen_at < since:
            continue
        statements = [_statement(row.statement) for row in members]
        first_of = {s.outlet: s.url for s in reversed(statements)}
        outlets = tuple(dict.fromkeys(s.outlet for s in statements))
        states.append(
            ClaimState(
                claim_id=first.claim_id,
                relation=_relation(first),
                statement=statements[0],
                earlier=earlier.get(first.earlier_id) if first.earlier_id else None,
                outlets=outlets,
                links=tuple(first_of[outlet] for outlet in outlets),
                n_independent=len({s.wire_group_id for s in statements}),
            )
        )
    return states


def _relation(row: Any) -> Relation:
    return Relation(
        statement_id=row.statement_id,
        kind=RelationKind(row.kind),
        claim_id=row.claim_id,
        utterance_id=row.utterance_id,
        earlier_id=row.earlier_id,
        earlier_claim_id=row.earlier_claim_id,
        score=row.score,
        reasons=tuple(json.loads(row.reasons)),
    )


_PLACES = 1 << 20
"""So many places a partition has. A statement's place is the second of its partition
since 1970, times this, and its rank there by id: places sort as the fold runs."""


def _first_place(partition: Partition) -> int:
    return int(partition.moment.timestamp()) * _PLACES


def _term_keys(figure_id: str, terms: Iterable[str]) -> list[int]:
    """A hash of each term with its figure: that two share one is one in 10^12.

    Were it to happen, a statement would be compared in vain, or miss one comparison.
    """
    return [
        int.from_bytes(
            blake2b(f"{figure_id} {term}".encode(), digest_size=8).digest(), "big"
        )
        >> 1
        for term in sorted(set(terms))
    ]


_POSTINGS = {
    "sqlite": """SELECT asked.value, (SELECT group_concat(place) FROM (
        SELECT place FROM record_terms WHERE term = asked.value AND place < :before
        ORDER BY place DESC LIMIT :places)) FROM json_each(:terms) AS asked""",
    "postgresql": """SELECT asked.value, (SELECT string_agg(place::text, ',') FROM (
        SELECT place FROM record_terms WHERE term = asked.value AND place < :before
        ORDER BY place DESC LIMIT :places) AS latest)
        FROM unnest(CAST(string_to_array(btrim(:terms, '[]'), ',') AS bigint[]))
        AS asked(value)""",
}
"""The latest places of many terms at once: one statement of the database for a portion
of a partition, not one for each of its statements."""

_SAID_AT = sa.select(
    record_said.c.place,
    record_said.c.said,
    record_said.c.prepared,
    record_said.c.sketch,
).where(
    record_said.c.place.in_(
        sa.bindparam("places", expanding=True, literal_execute=True)
    )
)

_PORTION = 200  # statements that are looked up together: their candidates are held


class _Earlier:
    """What ``ports.Record.before`` gives: it reads for a portion of statements at once."""

    def __init__(
        self,
        db: Database,
        partition: Partition,
        wanted: Sequence[tuple[Said, Sequence[str]]],
        *,
        places: int,
        limit: int,
    ) -> None:
        self._db, self._before = db, _first_place(partition)
        self._wanted, self._places, self._limit = wanted, places, limit
        self._nth = {said.statement_id: nth for nth, (said, _) in enumerate(wanted)}
        self._keys: dict[str, dict[str, int]] = {}  # by statement, of each term
        self._postings: dict[int, npt.NDArray[np.int64]] = {}  # the latest first
        self._said: dict[int, Said] = {}  # by place

    def __call__(self, said: Said, taken: Mapping[str, int]) -> list[tuple[int, Said]]:
        if said.statement_id not in self._keys:
            nth = self._nth[said.statement_id]
            self._read(self._wanted[nth : nth + _PORTION])
        best = self._best(said.statement_id, taken)
        if any(place not in self._said for place in best):
            with self._db.begin() as db:
                self._fetch(db, best)
        return [(count, self._said[place]) for place, count in best.items()]

    def _read(self, portion: Sequence[tuple[Said, Sequence[str]]]) -> None:
        self._keys = {
            said.statement_id: dict(
                zip(sorted(set(terms)), _term_keys(said.figure_id, terms), strict=True)
            )
            for said, terms in portion
        }
        asked = sorted({key for keys in self._keys.values() for key in keys.values()})
        values = {
            "terms": json.dumps(asked, separators=(",", ":")),
            "before": self._before,
            "places": self._places,
        }
        with self._db.begin() as db:
            query = sa.text(_POSTINGS[db.dialect.name])
            self._postings = {
                key: np.sort(np.fromstring(places, np.int64, sep=","))[::-1]
                for key, places in db.execute(query, values)
                if places
            }
            self._said = {}
            self._fetch(db, {at for key in self._keys for at in self._best(key, {})})

    def _best(self, statement_id: str, taken: Mapping[str, int]) -> dict[int, int]:
        """The places under most of the terms, then the latest; by how many terms."""
        held = [
            self._postings[key][: max(0, self._places - taken.get(term, 0))]
            for term, key in self._keys[statement_id].items()
            if key in self._postings
        ]
        if not held:
            return {}
        places, counts = np.unique(np.concatenate(held), return_counts=True)
        order = np.argsort(-counts[::-1], kind="stable")[: self._limit]
        return dict(
            zip(places[::-1][order].tolist(), counts[::-1][order].tolist(), strict=True)
        )

    def _fetch(self, db: Connection, places: Iterable[int]) -> None:
        for some in _portions([at for at in places if at not in self._said]):
            for row in db.execute(_SAID_AT, {"places": some}):
                self._said[row.place] = _load_said(row)


def _said_row(
    place: int, statement: Statement, relation: Relation, keys: Sequence[int]
) -> dict[str, Any]:
    said = Said.of(statement, relation.claim_id, relation.utterance_id)
    return {
        "place": place,
        "said": _dump_said(said),
        "prepared": dumped(features(statement.content)),
        "sketch": sketch_of(statement.content),
        "terms": np.array(keys, "<i8").tobytes(),
    }


def _dump_said(said: Said) -> str:
    values = {name: getattr(said, name) for name in said.__slots__}
    values["spans"] = [[span.start, span.end] for span in said.spans]
    del values["prepared"], values["sketch"]
    return json.dumps(values, ensure_ascii=False, default=lambda v: v.isoformat())


def _load_said(row: Any) -> Said:
    values = json.loads(row.said)
    values["said_on"] = date.fromisoformat(values["said_on"])
    values["first_seen_at"] = datetime.fromisoformat(values["first_seen_at"])
    values["voice"] = Voice(values["voice"])
    values["spans"] = tuple(Span(start, end) for start, end in values["spans"])
    return Said(**values, prepared=row.prepared, sketch=row.sketch)


_RICH: Mapping[str, Callable[[Any], Any]] = {
    "published_at": datetime.fromisoformat,
    "first_seen_at": datetime.fromisoformat,
    "said_on": lambda value: date.fromisoformat(value) if value else None,
    "spans": lambda value: tuple(Span(*pair) for pair in value),
    "voice": Voice,
    "mention_kind": MentionKind,
    "act": Act,
    "subtopics": tuple,
    "nested": tuple,
}


def _dump(statement: Statement) -> str:
    def plain(value: Any) -> Any:
        if isinstance(value, Span):
            return [value.start, value.end]
        return value.isoformat()

    values = {name: getattr(statement, name) for name in statement.__slots__}
    values["spans"] = [[span.start, span.end] for span in statement.spans]
    return json.dumps(values, ensure_ascii=False, default=plain)


def _statement(text: str) -> Statement:
    values = json.loads(text)
    return Statement(**{k: _RICH[k](v) if k in _RICH else v for k, v in values.items()})


class DbOutbox:
    """ports.Outbox in the database: a transactional outbox, one row per alert."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def put(self, alerts: Sequence[Alert]) -> int:
        rows = [
            {
                **{
                    name: getattr(alert, name)
                    for name in alert.__slots__
                    if name in outbox.columns
                },
                "kind": alert.kind.value,
                "relation": alert.relation.value,
                "payload": json.dumps(dict(alert.payload), ensure_ascii=False),
                "state": DeliveryState.PENDING.value,
                "tries": 0,
                "next_try_at": alert.due_at or alert.created_at,
            }
            for alert in alerts
        ]
        more = [
            {
                "alert_id": alert.alert_id,
                "due_at": alert.due_at,
                "thread": alert.thread,
                "forms": json.dumps(dict(alert.forms), ensure_ascii=False),
            }
            for alert in alerts
        ]
        with self._db.begin() as db:
            self._db.insert_new(db, outbox_more, more)
            return self._db.insert_new(db, outbox, rows)

    def unknown(self, alerts: Sequence[Alert]) -> list[Alert]:
        ids = [alert.alert_id for alert in alerts]
        there: set[str] = set()
        with self._db.begin() as db:
            for start in range(0, len(ids), 500):
                known = outbox.c.alert_id.in_(ids[start : start + 500])
                there.update(db.scalars(sa.select(outbox.c.alert_id).where(known)))
        return [alert for alert in alerts if alert.alert_id not in there]

    def told(self, claim_ids: Sequence[str]) -> list[Alert]:
        with self._db.begin() as db:
            return [
                _alert(row)
                for start in range(0, len(claim_ids), 500)
                for row in db.execute(
                    _OUTBOX.where(
                        outbox.c.claim_id.in_(claim_ids[start : start + 500]),
                        outbox.c.kind == AlertKind.ALERT.value,
                    ).order_by(outbox.c.created_at, outbox.c.alert_id)
                )
            ]

    def last_told(self, since: datetime) -> dict[tuple[str, str, str], datetime]:
        due = sa.func.max(
            sa.func.coalesce(outbox_more.c.due_at, outbox.c.created_at),
            type_=UtcDateTime,
        )
        keys = outbox.c.rule_id, outbox.c.channel, outbox.c.figure_id
        query = (
            sa.select(*keys, due)
            .select_from(_BOTH)
            .where(outbox.c.created_at >= since)
            .where(outbox.c.kind == AlertKind.ALERT.value)
            .group_by(*keys)
        )
        with self._db.begin() as db:
            return {
                (rule, channel, figure): moment
                for rule, channel, figure, moment in db.execute(query)
            }

    def due(self, now: datetime) -> list[tuple[Alert, int]]:
        query = _OUTBOX.where(
            outbox.c.state.in_(["pending", "failed"]), outbox.c.next_try_at <= now
        ).order_by(outbox.c.created_at, outbox.c.alert_id)
        with self._db.begin() as db:
            return [(_alert(row), row.tries) for row in db.execute(query)]

    def record(
        self, tried: Delivery | Sequence[Delivery], next_try_at: datetime | None
    ) -> None:
        made = [tried] if isinstance(tried, Delivery) else tried
        rows = [
            {
                "alert_id": delivery.alert_id,
                "attempt": delivery.attempt,
                "channel": delivery.channel,
                "at": delivery.at,
                "state": delivery.state.value,
                "reason": delivery.reason,
            }
            for delivery in made
        ]
        with self._db.begin() as db:
            self._db.upsert(db, deliveries, rows)
            for delivery in made:
                db.execute(
                    sa.update(outbox)
                    .where(outbox.c.alert_id == delivery.alert_id)
                    .values(
                        state=delivery.state.value,
                        tries=delivery.attempt,
                        next_try_at=next_try_at,
                    )
                )

    def alerts(self, day: date) -> list[Alert]:
        query = _OUTBOX.where(_on(outbox.c.created_at, day)).order_by(
            outbox.c.created_at, outbox.c.alert_id
        )
        with self._db.begin() as db:
            return [_alert(row) for row in db.execute(query)]

    def deliveries(self, day: date) -> list[Delivery]:
        query = (
            sa.select(deliveries)
            .where(_on(deliveries.c.at, day))
            .order_by(deliveries.c.alert_id, deliveries.c.attempt)
        )
        with self._db.begin() as db:
            return [
                Delivery(
                    **_columns(deliveries, row, leave=["state"]),
                    state=DeliveryState(row.state),
                )
                for row in db.execute(query)
            ]

    def counts(self) -> dict[str, int]:
        """How many alerts are in each state."""
        query = sa.select(outbox.c.state, sa.func.count()).group_by(outbox.c.state)
        with self._db.begin() as db:
            return {state: int(count) for state, count in db.execute(query)}

    def waiting_since(self) -> datetime | None:
        """When the oldest alert that still waits for its channel was due."""
        due = sa.func.min(
            sa.func.coalesce(outbox_more.c.due_at, outbox.c.created_at),
            type_=UtcDateTime,
        )
        query = (
            sa.select(due)
            .select_from(_BOTH)
            .where(outbox.c.state.in_(["pending", "failed"]))
        )
        with self._db.begin() as db:
            found: datetime | None = db.scalar(query)
            return found

    def channels(self) -> dict[str, dict[str, int]]:
        """How many alerts of each channel are in each state."""
        keys = outbox.c.channel, outbox.c.state
        query = sa.select(*keys, sa.func.count()).group_by(*keys).order_by(*keys)
        found: dict[str, dict[str, int]] = {}
        with self._db.begin() as db:
            for channel, state, count in db.execute(query):
                found.setdefault(channel, {})[state] = int(count)
        return found


_BOTH = outbox.outerjoin(outbox_more, outbox_more.c.alert_id == outbox.c.alert_id)
_OUTBOX = sa.select(
    outbox, outbox_more.c.due_at, outbox_more.c.thread, outbox_more.c.forms
).select_from(_BOTH)


def _on(column: sa.Column[datetime], day: date) -> sa.ColumnElement[bool]:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return sa.and_(column >= start, column < start + timedelta(days=1))


def _alert(row: Any) -> Alert:
    return Alert(
        alert_id=row.alert_id,
        kind=AlertKind(row.kind),
        rule_id=row.rule_id,
        channel=row.channel,
        claim_id=row.claim_id,
        figure_id=row.figure_id,
        figure=row.figure,
        relation=RelationKind(row.relation),
        statement_id=row.statement_id,
        created_at=row.created_at,
        subject=row.subject,
        body=row.body,
        payload=json.loads(row.payload),
        due_at=row.due_at,
        thread=row.thread,
        forms=json.loads(row.forms) if row.forms else {},
    )
