"""A lake in a local folder: working partitions and published tables, as Parquet."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import DamagedError, StoreError
from pipeline.model import Partition, TableDay
from pipeline.tables.checks import conformed
from pipeline.tables.manifest import (
    from_json,
    months_from_json,
    months_to_json,
    origin_of_month,
    to_json,
)
from pipeline.tables.schemas import SCHEMA_VERSION, TABLES

LEAST_ROWS, MOST_ROWS = 4_096, 131_072
"""Rows of a row group: a figure with so many has groups of its own."""


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

    The same rows give the same bytes: zstd, no moment in the file. A table's
    ``_manifest.json`` says what each of its days holds; who writes or proves a day holds
    the table's lock, so that neither meets a file without its entry.
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

    # --------------------------------------------------------------- compacted months

    def compact(self, table: str, month: str) -> bool:
        """Write a month of a table, its days sorted together, for readers of one figure;
        False where the file was there already, made from the same days."""
        days = {d: e for d, e in self.manifest(table).items() if f"{d:%Y-%m}" == month}
        origin = origin_of_month(days)
        path = self.root / "compact" / table / f"month={month}" / "part-0.parquet"
        held = self.months(table)
        if path.exists() and month in held and held[month].made_from == origin:
            return False
        rows = conformed(
            table, pa.concat_tables([self.load(table, d) for d in sorted(days)])
        )
        body = published_bytes(table, rows)
        entry = TableDay(
            rows=rows.num_rows,
            bytes=len(body),
            sha256=sha256(body).hexdigest(),
            schema_version=SCHEMA_VERSION,
            code_version="",
            made_from=origin,
        )
        write_whole(path, body)
        manifest = months_to_json(table, {**held, month: entry})
        write_whole(self.root / "compact" / table / "_manifest.json", manifest)
        return True

    def months(self, table: str) -> dict[str, TableDay]:
        path = self.root / "compact" / table / "_manifest.json"
        if not path.exists():
            return {}
        try:
            return months_from_json(path.read_bytes())
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise DamagedError(str(path), f"{error}; remove LAKE/compact") from error

    def month_bytes(self, table: str, month: str) -> bytes:
        path = self.root / "compact" / table / f"month={month}" / "part-0.parquet"
        with _reading(path):
            return path.read_bytes()

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
        path, body = self._table(table, day), published_bytes(table, rows)
        entry = TableDay(
            rows=rows.num_rows,
            bytes=len(body),
            sha256=sha256(body).hexdigest(),
            schema_version=SCHEMA_VERSION,
            code_version=version,
            made_from=made_from,
        )
        with self._alone(table), _reading(path):
            changed = not path.exists() or path.read_bytes() != body
            if changed:
                write_whole(path, body)
            try:
                held = self.manifest(table)
            except DamagedError:
                held = {}  # publish makes every day that has no entry again
            if held.get(day) != entry:
                body = to_json(table, {**held, day: entry})
                write_whole(self._manifest_path(table), body)
        return changed

    def stands(self, table: str, day: date) -> tuple[TableDay | None, bytes]:
        """A table-day's entry in the manifest and its file, as of one moment."""
        path = self._table(table, day)
        with self._alone(table), _reading(path):
            return self.manifest(table).get(day), path.read_bytes()

    def manifest(self, table: str) -> dict[date, TableDay]:
        path = self._manifest_path(table)
        if not path.exists():
            return {}
        try:
            return from_json(path.read_bytes())
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise DamagedError(
                str(path), f"{error}; onrecord publish mends it"
            ) from error

    def package(self) -> bytes:
        """``datapackage.json`` as it lies beside the tables; empty if it does not."""
        path = self.root / "tables" / "datapackage.json"
        with _reading(path):
            return path.read_bytes() if path.exists() else b""

    def write_package(self, body: bytes) -> None:
        if self.package() != body:
            write_whole(self.root / "tables" / "datapackage.json", body)

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
        """Remove what killed writers left aside; how many files."""
        left = [*self.root.glob("*/*/*/.*.tmp"), *self.root.glob("archive/*/.*.tmp")]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def work_sha256(self, name: str, partition: Partition) -> tuple[str, str]:
        """A working partition's path in the lake and the SHA-256 of its bytes."""
        path = self._work(name, partition)
        with _reading(path):
            digest = sha256(path.read_bytes()).hexdigest()
        return path.relative_to(self.root).as_posix(), digest

    @contextmanager
    def _alone(self, table: str) -> Iterator[None]:
        """Nobody else writes or proves the table meanwhile; a kill lets go of it."""
        path = self.root / "tables" / f".{table}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _manifest_path(self, table: str) -> Path:
        return self.root / "tables" / table / "_manifest.json"

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


def published_bytes(
    name: str, rows: pa.Table, least: int = LEAST_ROWS, most: int = MOST_ROWS
) -> bytes:
    """A published table as a Parquet file, laid out for those who read a part of it.

    Row groups end where the table's ``group`` changes, so that one figure's rows share
    few groups with others'. What hardly repeats has no dictionary, prose no bounds.
    """
    table = TABLES.get(name)
    if table is None:
        return _bytes(rows)
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
