"""A lake in a local folder: working partitions and published tables, as Parquet."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from hashlib import file_digest, sha256
from io import BufferedRandom, BytesIO
from itertools import chain
from pathlib import Path
from typing import IO
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import DamagedError, StoreError
from pipeline.model import Partition


def write_whole(path: Path, body: bytes) -> None:
    """Write aside, sync, move over: a reader sees the old file or the new.

    The name aside is never shared by two writers; the folder is synced after the move,
    so that a power cut keeps it.
    """
    with _aside(path) as file:
        file.write(body)


@contextmanager
def _aside(path: Path) -> Iterator[BufferedRandom]:
    """A file that takes the place of another when it is whole."""
    aside = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise StoreError(str(path), str(error)) from error
    finally:
        aside.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make a rename durable (POSIX: the directory entry is data of the folder)."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


ROWS = 1_000
"""Of a row group of a working partition."""


class LocalLake:
    """``work/<name>/date=…/<part>.parquet`` and ``tables/<table>/date=…/part-0.parquet``.

    The same rows give the same bytes: row groups of one size, zstd, no moment in the file.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    # ------------------------------------------------------------ working partitions

    def write(
        self, name: str, partition: Partition, rows: pa.Table | Iterable[pa.Table]
    ) -> str:
        with _aside(self._work(name, partition)) as file:
            _write([rows] if isinstance(rows, pa.Table) else rows, file)
            file.seek(0)
            return file_digest(file, "sha256").hexdigest()

    def read(self, name: str, partition: Partition) -> pa.Table | None:
        path = self._work(name, partition)
        return _read(path) if path.exists() else None

    def partitions(self, name: str, day: date | None = None) -> list[Partition]:
        folder = self.root / "work" / name
        pattern = f"date={day}/*.parquet" if day else "date=*/*.parquet"
        return sorted(
            Partition(date.fromisoformat(path.parent.name[5:]), path.stem)
            for path in folder.glob(pattern)
            if not path.name.startswith(".")
        )

    # -------------------------------------------------------------- published tables

    def publish(self, table: str, day: date, rows: pa.Table) -> bool:
        path, body = self._table(table, day), _bytes(rows)
        with _reading(path):
            if path.exists() and path.read_bytes() == body:
                return False
        write_whole(path, body)
        return True

    def published(self, table: str) -> list[date]:
        folder = self.root / "tables" / table
        return sorted(
            date.fromisoformat(path.parent.name[5:])
            for path in folder.glob("date=*/part-0.parquet")
        )

    def load(self, table: str, day: date) -> pa.Table:
        return _read(self._table(table, day))

    def table_sha256(self, table: str, day: date) -> str:
        return sha256(self._table(table, day).read_bytes()).hexdigest()

    def write_page(self, name: str, html: str) -> str:
        path = self.root / "site" / name
        write_whole(path, html.encode())
        return str(path)

    def sweep(self) -> int:
        """Remove what killed writers left aside; how many files.

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

    def _work(self, name: str, partition: Partition) -> Path:
        return (
            self.root
            / "work"
            / name
            / f"date={partition.day}"
            / f"{partition.part}.parquet"
        )

    def _table(self, table: str, day: date) -> Path:
        return self.root / "tables" / table / f"date={day}" / "part-0.parquet"


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise DamagedError(
            str(path), f"{error}; onrecord rebuild makes it anew"
        ) from error


def _read(path: Path) -> pa.Table:
    with _reading(path):
        return pq.ParquetFile(path).read()


def _bytes(table: pa.Table) -> bytes:
    file = BytesIO()
    _write([table], file, most=max(1, table.num_rows))
    return file.getvalue()


def _write(tables: Iterable[pa.Table], file: IO[bytes], most: int = ROWS) -> None:
    """Row groups of at most so many rows: the bytes hang on the rows alone."""
    rest = iter(tables)
    first = next(rest)
    with pq.ParquetWriter(
        file, first.schema, compression="zstd", write_page_index=True
    ) as writer:
        for table in chain([first], rest):
            writer.write_table(table.combine_chunks(), row_group_size=most)
