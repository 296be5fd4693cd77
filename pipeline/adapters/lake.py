"""A lake in a local folder: working partitions and published tables, as Parquet."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from hashlib import sha256
from io import BytesIO
from pathlib import Path
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
    aside = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        sync_folder(path.parent)
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


class LocalLake:
    """``work/<name>/date=…/<part>.parquet`` and ``tables/<table>/date=…/part-0.parquet``.

    The same rows give the same bytes: one row group, zstd, no moment in the file.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    # ------------------------------------------------------------ working partitions

    def write(self, name: str, partition: Partition, table: pa.Table) -> str:
        body = _bytes(table)
        write_whole(self._work(name, partition), body)
        return sha256(body).hexdigest()

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
    pq.write_table(
        table.combine_chunks(),
        file,
        compression="zstd",
        write_page_index=True,
        row_group_size=max(1, table.num_rows),
    )
    return file.getvalue()
