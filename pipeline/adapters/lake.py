"""The lake: working partitions and published tables, as Parquet, over a store of bytes."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable
from datetime import date
from hashlib import sha256
from io import BytesIO
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import DamagedError, StoreError
from pipeline.model import Partition


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
    except FileExistsError:
        aside.unlink(missing_ok=True)
        raise
    except OSError as error:
        aside.unlink(missing_ok=True)
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

    def remove(self, name: str) -> None: ...

    def change(self, name: str, how: Change) -> None:
        """Replace what is there by what ``how`` makes of it, with nobody in between."""
        ...

    def sweep(self) -> int:
        """Remove what killed writers left aside; how many."""
        ...


Change = Callable[[bytes | None], bytes | None]
"""From what is there to what shall be there; None to leave it."""


class FolderStore:
    """A Store in a local folder."""

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
        return sorted(
            (Path(folder) / name).relative_to(self.root).as_posix()
            for folder, _, names in os.walk(self.root / prefix, onerror=_refused)
            for name in names
            if not name.startswith(".")
        )

    def remove(self, name: str) -> None:
        (self.root / name).unlink(missing_ok=True)

    def change(self, name: str, how: Change) -> None:
        path = self.root / name
        lock = path.with_name(f".{path.name}.lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fd = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StoreError(str(lock), str(error)) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            body = how(self.get(name))
            if body is not None:
                write_whole(path, body)
        finally:
            os.close(fd)

    def sweep(self) -> int:
        """Remove what killed writers left aside; how many.

        Nobody may be writing archive, work or tables now.
        """
        left = [
            *self.root.glob("work/*/date=*/.*.tmp"),
            *self.root.glob("tables/*/date=*/.*.tmp"),
            *self.root.glob("archive/date=*/.*.tmp"),
        ]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)


def _refused(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise StoreError(str(error.filename), str(error)) from error


ROWS = 1_000
"""Of a row group of a working partition."""


class ParquetLake:
    """``work/<name>/date=…/<part>.parquet`` and ``tables/<table>/date=…/part-0.parquet``.

    The same rows give the same bytes: row groups of one size, zstd, no moment in the file.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    # ------------------------------------------------------------ working partitions

    def write(
        self, name: str, partition: Partition, rows: pa.Table | Iterable[pa.Table]
    ) -> str:
        body = _bytes([rows] if isinstance(rows, pa.Table) else rows, ROWS)
        self.store.put(_work(name, partition), body)
        return sha256(body).hexdigest()

    def read(self, name: str, partition: Partition) -> pa.Table | None:
        return self._read(_work(name, partition))

    def partitions(self, name: str, day: date | None = None) -> list[Partition]:
        prefix = f"work/{name}/date={day}/" if day else f"work/{name}/"
        found = (PurePosixPath(path) for path in self.store.names(prefix))
        return sorted(
            Partition(date.fromisoformat(path.parent.name[5:]), path.stem)
            for path in found
            if path.suffix == ".parquet"
        )

    # -------------------------------------------------------------- published tables

    def publish(self, table: str, day: date, rows: pa.Table) -> bool:
        name, body = _table(table, day), _bytes([rows], max(1, rows.num_rows))
        if self._get(name) == body:
            return False
        self.store.put(name, body)
        return True

    def published(self, table: str) -> list[date]:
        return [
            date.fromisoformat(name.split("/")[2][5:])
            for name in self.store.names(f"tables/{table}/")
            if name.endswith("/part-0.parquet")
        ]

    def load(self, table: str, day: date) -> pa.Table:
        found = self._read(_table(table, day))
        if found is None:
            raise self._damaged(_table(table, day), "there is no such file")
        return found

    def table_sha256(self, table: str, day: date) -> str:
        return sha256(self._get(_table(table, day)) or b"").hexdigest()

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

    def _read(self, name: str) -> pa.Table | None:
        body = self._get(name)
        if body is None:
            return None
        try:
            return pq.ParquetFile(pa.BufferReader(body)).read()
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


def _work(name: str, partition: Partition) -> str:
    return f"work/{name}/date={partition.day}/{partition.part}.parquet"


def _table(table: str, day: date) -> str:
    return f"tables/{table}/date={day}/part-0.parquet"


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
