"""The lake: working partitions and published tables, as Parquet, over a store of bytes."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from copy import copy
from datetime import date
from hashlib import sha256
from io import BytesIO
from itertools import chain
from pathlib import Path, PurePosixPath
from time import sleep
from typing import BinaryIO, Protocol
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import DamagedError, StoreError
from pipeline.model import Partition, TableDay
from pipeline.tables.checks import conformed
from pipeline.tables.manifest import (
    digest,
    from_json,
    months_from_json,
    months_to_json,
    origin_of_month,
    sealed,
    to_json,
    unsealed,
)
from pipeline.tables.schemas import SCHEMA_VERSION, TABLES

LEAST_ROWS, MOST_ROWS = 4_096, 131_072
"""Rows of a row group: a figure with so many has groups of its own."""


def write_whole(path: Path, body: bytes, *, new: bool = False) -> None:
    """Write aside, sync, move over: a reader sees the old file or the new.

    The name aside is never shared by two writers; the folder is synced after the move,
    so that a power cut keeps it. With ``new``, FileExistsError where the name is taken.
    """
    aside = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        if new:
            os.link(aside, path)
            aside.unlink()
        else:
            aside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):  # its folder may be none, or on a disk that is gone
            aside.unlink(missing_ok=True)
        if new and isinstance(error, FileExistsError):
            raise
        raise StoreError(str(path), str(error)) from error


def sync_folder(folder: Path) -> None:
    """Make a rename durable (POSIX: the directory entry is data of the folder)."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Store(Protocol):
    """Named bytes under one root; a name is a relative path with slashes.

    A write is seen whole or not at all. StoreError where the store does not answer.
    """

    where: str
    pauses: Sequence[float]
    """Seconds after which to look again where two names do not fit together: none where
    ``alone`` keeps a writer from being between them."""

    def put(self, name: str, body: bytes) -> None:
        """Take the place of what is there."""
        ...

    def add(self, name: str, body: bytes) -> bool:
        """Store under a name that is free; False, and nothing done, where it is taken."""
        ...

    def get(self, name: str) -> bytes | None:
        """What is there; None where nothing is."""
        ...

    def open(self, name: str) -> BinaryIO:
        """The same as a file that can be read from anywhere."""
        ...

    def names(self, prefix: str) -> list[str]:
        """Every name that begins with ``prefix``, which ends in a slash, in order."""
        ...

    def folders(self, prefix: str) -> list[str]:
        """What names that begin with ``prefix`` have before their next slash, in order;
        one under which nothing is left may be there."""
        ...

    def remove(self, name: str) -> None: ...

    def change(self, name: str, how: Change) -> None:
        """Replace what is there by what ``how`` makes of it, with nobody in between."""
        ...

    def alone(self, name: str) -> AbstractContextManager[None]:
        """Nobody else holds the name meanwhile, where the store can see to that."""
        ...

    def sweep(self) -> int:
        """Remove what killed writers left aside; how many."""
        ...


Change = Callable[[bytes | None], bytes | None]
"""From what is there to what shall be there; None to leave it."""


class FolderStore:
    """A Store in a local folder. What begins with a dot and the ``lost+found`` of a disk
    are no names of it: they are the file system's, and often not ours to read."""

    pauses: Sequence[float] = ()

    def __init__(self, root: Path) -> None:
        self.root = root
        self.where = str(root)

    def put(self, name: str, body: bytes) -> None:
        write_whole(self.root / name, body)

    def add(self, name: str, body: bytes) -> bool:
        try:
            write_whole(self.root / name, body, new=True)
        except FileExistsError:
            return False
        return True

    def get(self, name: str) -> bytes | None:
        try:
            return (self.root / name).read_bytes()
        except FileNotFoundError:
            return None

    def open(self, name: str) -> BinaryIO:
        return (self.root / name).open("rb")

    def names(self, prefix: str) -> list[str]:
        found = []
        for folder, below, names in os.walk(self.root / prefix, onerror=_refused):
            below[:] = filter(_ours, below)
            here = Path(folder).relative_to(self.root)
            found += [(here / name).as_posix() for name in filter(_ours, names)]
        return sorted(found)

    def folders(self, prefix: str) -> list[str]:
        try:
            with os.scandir(self.root / prefix) as found:
                return sorted(x.name for x in found if x.is_dir() and _ours(x.name))
        except OSError as error:
            _refused(error)
            return []

    def remove(self, name: str) -> None:
        (self.root / name).unlink(missing_ok=True)

    def change(self, name: str, how: Change) -> None:
        with self.alone(name):
            body = how(self.get(name))
            if body is not None:
                write_whole(self.root / name, body)

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """The lock is a file beside; a kill lets go of it."""
        path = self.root / name
        lock = path.with_name(f".{path.name}.lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fd = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StoreError(str(lock), str(error)) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def sweep(self) -> int:
        """Remove what killed writers left aside; how many.

        Nobody may be writing archive, work or tables now.
        """
        left = [
            *self.root.glob("work/*/date=*/.*.tmp"),
            *self.root.glob("tables/*/date=*/.*.tmp"),
            *self.root.glob("tables/*/.*.tmp"),  # of a manifest
            *self.root.glob("tables/.*.tmp"),
            *self.root.glob("archive/date=*/.*.tmp"),
        ]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)


def _ours(name: str) -> bool:
    return not name.startswith(".") and name != "lost+found"


def _refused(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise StoreError(str(error.filename), str(error)) from error


ROWS = 1_000
"""Of a row group of a working partition."""

TEXTS = "articles"
"""The working partitions that hold full texts."""


class ParquetLake:
    """``work/<name>/date=…/<part>.parquet`` and ``tables/<table>/date=…/part-0.parquet``.

    The same rows give the same bytes: zstd, no moment in the file. A table's
    ``_manifest.json`` says what each of its days holds; who writes or proves a day holds
    the table's lock, so that neither meets a file without its entry. A bucket has no such
    lock: there a proof looks again, for longer than a writer needs from one to the other.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._last: Partition | None = None

    def upto(self, last: Partition) -> ParquetLake:
        shown = copy(self)
        shown._last = last
        return shown

    # ------------------------------------------------------------ working partitions

    def write(
        self, name: str, partition: Partition, rows: pa.Table | Iterable[pa.Table]
    ) -> str:
        body = _bytes([rows] if isinstance(rows, pa.Table) else rows, ROWS)
        self.store.put(_work(name, partition), body)
        return sha256(body).hexdigest()

    def read(
        self, name: str, partition: Partition, columns: Sequence[str] | None = None
    ) -> pa.Table | None:
        return self._read(_work(name, partition), columns)

    def chunks(
        self, name: str, partition: Partition, columns: Sequence[str] | None = None
    ) -> Iterator[pa.Table]:
        path = _work(name, partition)
        body = self._get(path)
        if body is None:
            return
        with self._sound(path):
            file = pq.ParquetFile(pa.BufferReader(body))
        for nth in range(file.num_row_groups):
            with self._sound(path):
                rows = file.read_row_group(nth, columns)
            yield rows

    def partitions(self, name: str, day: date | None = None) -> list[Partition]:
        prefix = f"work/{name}/date={day}/" if day else f"work/{name}/"
        paths = (PurePosixPath(path) for path in self.store.names(prefix))
        found = (
            Partition(found_on, path.stem)
            for path in paths
            if path.suffix == ".parquet" and (found_on := day_in(path.parent.name))
        )
        return sorted(p for p in found if self._last is None or p <= self._last)

    def days(self, name: str) -> list[date]:
        return days_in(self.store, f"work/{name}/")

    def work_sha256(self, name: str, partition: Partition) -> tuple[str, str]:
        path = _work(name, partition)
        now = sha256(self._must(path)).hexdigest()
        held = self._removed(partition.day)[0] if name == TEXTS else {}
        was, emptied = held.get(partition.part, ("", ""))
        return path, was if now == emptied else now

    # ---------------------------------------------------------------------- retention

    def expire(self, day: date) -> int:
        """What each partition was and is to be, as SHA-256, is written down first, in
        ``expired.json`` of the day: a kill leaves each file the one or the other."""
        held, made = self._removed(day)[0], {}
        for partition in self.partitions(TEXTS, day):
            body = self._must(_work(TEXTS, partition))
            now = sha256(body).hexdigest()
            if now == held.get(partition.part, ("", ""))[1]:
                continue
            rows = self.read(TEXTS, partition)
            assert rows is not None
            at = rows.schema.get_field_index("text")
            none = pa.array([""] * rows.num_rows, rows.schema.field(at).type)
            body = _bytes([rows.set_column(at, rows.schema.field(at), none)], ROWS)
            made[partition] = body
            held[partition.part] = now, sha256(body).hexdigest()
        listed = {part: held[part] for part in sorted(held)}
        self.store.put(_removed(day), sealed({"removed": listed, "done": not made}))
        for partition, body in made.items():
            self.store.put(_work(TEXTS, partition), body)
        if made:
            self.store.put(_removed(day), sealed({"removed": listed, "done": True}))
        return len(made)

    def expired(self, day: date) -> frozenset[Partition]:
        return frozenset(Partition(day, part) for part in self._removed(day)[0])

    def has_texts(self, day: date) -> bool:
        held, done = self._removed(day)
        return not done or any(p.part not in held for p in self.partitions(TEXTS, day))

    def _removed(self, day: date) -> tuple[dict[str, tuple[str, str]], bool]:
        """The SHA-256 before and after of each partition whose texts are removed, and
        whether all of them are."""
        name = _removed(day)
        body = self._get(name)
        if body is None:
            return {}, False
        try:
            told = unsealed(body)
            pairs = {part: (was, now) for part, (was, now) in told["removed"].items()}
            return pairs, bool(told["done"])
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DamagedError(
                f"{self.store.where}/{name}", f"not a list of removed texts: {error}"
            ) from error

    # --------------------------------------------------------------- compacted months

    def compact(self, table: str, month: str) -> bool:
        """Write a month of a table once more, a file a figure, for readers of one figure;
        False where it stood already, made from the same days.

        The manifest does not list the month meanwhile, so that a kill leaves it unread.
        """
        days = {d: e for d, e in self.manifest(table).items() if f"{d:%Y-%m}" == month}
        origin = origin_of_month(days)
        held = self.months(table)
        entry = held.pop(month, None)
        if entry and entry.made_from == origin:
            if entry.sha256 == self.month_sha256(table, month):
                return False
        manifest = f"compact/{table}/_manifest.json"
        if entry:
            self.store.put(manifest, months_to_json(table, held))
        rows = conformed(
            table, pa.concat_tables([self.load(table, d) for d in sorted(days)])
        )
        stale = set(self._month(table, month))
        size = 0
        for figure, part in _figures(rows, TABLES[table].group or ""):
            name = f"compact/{table}/{TABLES[table].group}={figure}/{month}.parquet"
            body = published_bytes(table, part)
            self.store.put(name, body)
            stale.discard(name)
            size += len(body)
        for name in stale:
            self.store.remove(name)
        held[month] = TableDay(
            rows=rows.num_rows,
            bytes=size,
            sha256=self.month_sha256(table, month),
            schema_version=SCHEMA_VERSION,
            code_version="",
            made_from=origin,
        )
        self.store.put(manifest, months_to_json(table, held))
        return True

    def months(self, table: str) -> dict[str, TableDay]:
        name = f"compact/{table}/_manifest.json"
        body = self._get(name)
        try:
            return {} if body is None else months_from_json(body)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DamagedError(
                f"{self.store.where}/{name}", f"{error}; remove LAKE/compact"
            ) from error

    def month_sha256(self, table: str, month: str) -> str:
        names = self._month(table, month)
        return digest({n: sha256(self._must(n)).hexdigest() for n in names})

    def _month(self, table: str, month: str) -> list[str]:
        return [n for n in self.store.names(f"compact/{table}/") if month in n]

    # -------------------------------------------------------------- published tables

    def publish(
        self,
        table: str,
        day: date,
        rows: pa.Table,
        *,
        version: str = "",
        made_from: str = "",
    ) -> bool:
        name, body = _table(table, day), published_bytes(table, rows)
        entry = _entry(rows, body, version=version, made_from=made_from)
        with self.store.alone(f"tables/{table}"):
            changed = self._get(name) != body
            if changed:
                self.store.put(name, body)
            try:
                held = self.manifest(table)
            except DamagedError:
                held = {}  # publish makes every day that has no entry again
            if held.get(day) != entry:
                self.store.put(_manifest(table), to_json(table, {**held, day: entry}))
        return changed

    def stands(self, table: str, day: date) -> tuple[TableDay | None, bytes]:
        """A table-day's entry in the manifest and its file, as of one moment."""
        for pause in (*self.store.pauses, None):
            with self.store.alone(f"tables/{table}"):
                entry, body = (
                    self.manifest(table).get(day),
                    self._must(_table(table, day)),
                )
            if pause is None or (entry and entry.sha256 == sha256(body).hexdigest()):
                break
            sleep(pause)
        return entry, body

    def manifest(self, table: str) -> dict[date, TableDay]:
        body = self._get(_manifest(table))
        try:
            return {} if body is None else from_json(body)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DamagedError(
                f"{self.store.where}/{_manifest(table)}",
                f"{error}; onrecord publish mends it",
            ) from error

    def package(self) -> bytes:
        """``datapackage.json`` as it lies beside the tables; empty if it does not."""
        return self._get(_PACKAGE) or b""

    def write_package(self, body: bytes) -> None:
        if self.package() != body:
            self.store.put(_PACKAGE, body)

    def published(self, table: str) -> list[date]:
        return [
            day
            for name in self.store.names(f"tables/{table}/")
            if name.endswith("/part-0.parquet") and (day := day_in(name.split("/")[2]))
        ]

    def load(
        self, table: str, day: date, columns: Sequence[str] | None = None
    ) -> pa.Table:
        found = self._read(_table(table, day), columns)
        if found is None:
            raise self._damaged(_table(table, day), "there is no such file")
        return found

    def table_sha256(self, table: str, day: date) -> str:
        return sha256(self._get(_table(table, day)) or b"").hexdigest()

    def page(self, name: str) -> bytes | None:
        return self._get(f"site/{name}")

    def write_page(self, name: str, html: str) -> str:
        self.store.put(f"site/{name}", html.encode())
        return f"{self.store.where}/site/{name}"

    def sweep(self) -> int:
        return self.store.sweep()

    def _get(self, name: str) -> bytes | None:
        try:
            return self.store.get(name)
        except OSError as error:
            raise self._damaged(name, error) from error

    def _must(self, name: str) -> bytes:
        body = self._get(name)
        if body is None:
            raise self._damaged(name, "there is no such file")
        return body

    def _read(self, name: str, columns: Sequence[str] | None = None) -> pa.Table | None:
        body = self._get(name)
        if body is None:
            return None
        with self._sound(name):
            return pq.ParquetFile(pa.BufferReader(body)).read(columns)

    @contextmanager
    def _sound(self, name: str) -> Iterator[None]:
        """DamagedError where what is there is no Parquet that can be read."""
        try:
            yield
        except (OSError, pa.ArrowException) as error:
            raise self._damaged(name, error) from error

    def _damaged(self, name: str, reason: object) -> DamagedError:
        return DamagedError(
            f"{self.store.where}/{name}", f"{reason}; onrecord rebuild makes it anew"
        )


class LocalLake(ParquetLake):
    """The lake in a folder."""

    def __init__(self, root: Path) -> None:
        super().__init__(FolderStore(root))
        self.root = root


def day_in(folder: str) -> date | None:
    """The day of a folder ``date=YYYY-MM-DD``; None where it is another's."""
    with suppress(ValueError):
        day = date.fromisoformat(folder.removeprefix("date="))
        return day if folder == f"date={day}" else None
    return None


def days_in(store: Store, prefix: str) -> list[date]:
    """The days of the folders ``date=YYYY-MM-DD`` under a prefix, in order."""
    days = map(day_in, store.folders(prefix))
    return [day for day in days if day is not None]


def _work(name: str, partition: Partition) -> str:
    return f"work/{name}/date={partition.day}/{partition.part}.parquet"


def _removed(day: date) -> str:
    return f"work/{TEXTS}/date={day}/expired.json"


def _table(table: str, day: date) -> str:
    return f"tables/{table}/date={day}/part-0.parquet"


def _manifest(table: str) -> str:
    return f"tables/{table}/_manifest.json"


_PACKAGE = "tables/datapackage.json"


def _entry(rows: pa.Table, body: bytes, *, version: str, made_from: str) -> TableDay:
    return TableDay(
        rows=rows.num_rows,
        bytes=len(body),
        sha256=sha256(body).hexdigest(),
        schema_version=SCHEMA_VERSION,
        code_version=version,
        made_from=made_from,
    )


def _bytes(tables: Iterable[pa.Table], most: int) -> bytes:
    """Row groups of at most so many rows: the bytes hang on the rows alone."""
    rest = iter(tables)
    first = next(rest)
    file = BytesIO()
    with pq.ParquetWriter(
        file, first.schema, compression="zstd", write_page_index=True
    ) as writer:
        for table in chain([first], rest):
            writer.write_table(table.combine_chunks(), row_group_size=most)
    return file.getvalue()


def published_bytes(
    name: str, rows: pa.Table, least: int = LEAST_ROWS, most: int = MOST_ROWS
) -> bytes:
    """A published table as a Parquet file, laid out for those who read a part of it.

    Row groups end where the table's ``group`` changes, so that one figure's rows share
    few groups with others'. What hardly repeats has no dictionary, prose no bounds.
    """
    table = TABLES.get(name)
    if table is None:
        return _bytes([rows], max(1, rows.num_rows))
    file = BytesIO()
    with pq.ParquetWriter(
        file,
        rows.schema,
        compression="zstd",
        write_page_index=True,
        use_dictionary=table.repeating,
        write_statistics=table.bounded,
    ) as writer:
        for start, length in row_groups(rows, table.group, least, most):
            writer.write_table(rows.slice(start, length), row_group_size=most)
    return file.getvalue()


def _figures(rows: pa.Table, group: str) -> Iterator[tuple[str, pa.Table]]:
    """The rows of each value of the column that they are sorted by first."""
    runs = pc.run_end_encode(rows[group].combine_chunks())
    start = 0
    for figure, end in zip(
        runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True
    ):
        yield figure, rows.slice(start, end - start)
        start = end


def row_groups(
    rows: pa.Table, group: str | None, least: int, most: int
) -> Iterator[tuple[int, int]]:
    """Start and length of each row group: neighbours with fewer than ``least`` rows
    share one, and none has more than ``most``."""
    ends = [rows.num_rows] if rows.num_rows else []
    if group is not None and rows.num_rows:
        runs = pc.run_end_encode(rows[group].combine_chunks())
        ends = runs.run_ends.to_pylist()
    start = before = 0
    for end in ends:
        if end - before >= least and start < before:
            yield start, before - start  # a large run begins its own group
            start = before
        while end - start > most:
            yield start, most
            start += most
        if end - start >= least:
            yield start, end - start
            start = end
        before = end
    if start < rows.num_rows:
        yield start, rows.num_rows - start
