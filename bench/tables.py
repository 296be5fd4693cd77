"""Tables: what writing costs beside bare pyarrow, and what reading one figure touches.

``python -m bench.tables [--statements 1000000] [--record 10000000] [--folder DIR]``.
Statements are invented by a seeded generator: 100 figures whose shares fall as 1/rank,
words of lengths as in news. Times are processor time of the process, in one run; bytes
are counted by the kernel's read calls (``rchar`` of /proc/self/io) where Linux has it.

Writing: checks, sort and Parquet of an Arrow table, next to ``pq.write_table`` of the
same rows with pyarrow's defaults and zstd. Reading: the year of one figure of 10 M rows
of three years, all columns, from day files and from months (``onrecord compact``), with
pandas, DuckDB and, where installed, Polars (``pip install polars``), and by
``pipeline.tables.load``. A figure's share is its rows' of the bytes of the day files.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sized
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.collect import WORDS
from pipeline.adapters.lake import LocalLake
from pipeline.tables import load
from pipeline.tables.checks import conformed
from pipeline.tables.schemas import TABLES

FIGURES = 100
DAYS = 3 * 365
BEGAN = date(2023, 3, 1)
TABLE = TABLES["statements"]
YEAR = "2024-03-01", "2025-03-01"
READERS = ("pandas", "duckdb", "polars")


def rows_of(day: date, count: int, chance: np.random.Generator) -> pa.Table:
    """``count`` statements first seen on one day, as ``statements`` has them."""
    share = 1 / np.arange(1, FIGURES + 1)
    who = chance.choice(FIGURES, count, p=share / share.sum())
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    seen = np.sort(chance.integers(0, 96, count)) * 900
    moments = pa.array(
        [midnight + timedelta(seconds=int(s)) for s in seen],
        TABLE.schema.field("first_seen_at").type,
    )
    words = np.array(WORDS)

    def prose(least: int, most: int) -> pa.Array:
        lengths = chance.integers(least, most, count)
        drawn = words[chance.integers(0, len(words), int(lengths.sum()))]
        cuts = np.cumsum(lengths)[:-1]
        return pa.array([" ".join(part) for part in np.split(drawn, cuts)])

    def hashes() -> pa.Array:
        return pa.array([chance.bytes(10).hex() for _ in range(count)])

    start = chance.integers(0, 4_000, count)
    given: dict[str, object] = {
        "statement_id": hashes(), "article_id": hashes(), "wire_group_id": hashes(),
        "figure_id": pa.array([f"Q{n:05}" for n in who]),
        "figure": pa.array([f"Figure {n}" for n in who]),
        "content": prose(8, 40), "context": prose(20, 60), "title": prose(6, 14),
        "url": pa.array([f"https://outlet{n % 200}.example/{n}" for n in chance.integers(0, 10**9, count)]),
        "start": start, "end": start + 100, "revision": np.ones(count, "int64"),
        "n_spans": np.ones(count, "int64"), "confidence": chance.random(count).round(4),
        "outlet": pa.array([f"Outlet {n}" for n in chance.integers(0, 200, count)]),
        "published_at": moments, "first_seen_at": moments,
        "said_on": pa.nulls(count, TABLE.schema.field("said_on").type),
    }  # fmt: skip
    for field in TABLE.fields:
        if field.name in given:
            continue
        if field.type == pa.bool_():
            given[field.name] = chance.random(count) < 0.3
        else:
            values = field.allowed or (f"{field.name} a", f"{field.name} b")
            given[field.name] = pa.array(values).take(
                chance.integers(0, len(values), count)
            )
    return pa.table({f.name: given[f.name] for f in TABLE.fields}).cast(TABLE.schema)


def cpu() -> float:
    return time.process_time()


def timed(make: Callable[[], object]) -> tuple[float, object]:
    began = cpu()
    made = make()
    return cpu() - began, made


def writing(count: int) -> None:
    days = [BEGAN + timedelta(days=n) for n in range(max(1, count // 50_000))]
    chance = np.random.default_rng(1)
    ours = bare = check = 0.0
    size = [0, 0]
    with TemporaryDirectory() as folder:
        lake = LocalLake(Path(folder))
        pool = [rows_of(days[0], count // len(days), chance) for _ in range(2)]
        for nth, day in enumerate(days):
            rows = pool[nth % len(pool)]
            spent, kept = timed(lambda rows=rows: conformed("statements", rows))
            check += spent
            spent, _ = timed(
                lambda day=day, kept=kept: lake.publish("statements", day, kept)
            )
            ours += spent
            path = Path(folder) / "bare.parquet"
            spent, _ = timed(
                lambda kept=kept, path=path: pq.write_table(
                    kept, path, compression="zstd"
                )
            )
            bare += spent
            size[0] += path.stat().st_size
            size[1] += (
                (lake.root / "tables/statements" / f"date={day}" / "part-0.parquet")
                .stat()
                .st_size
            )
    print(f"| writing {count:,} statements, {len(days)} days | CPU s | of bare | MB |")
    print("|---|---:|---:|---:|")
    print(f"| bare pq.write_table, zstd | {bare:.1f} | 1.00 | {size[0] / 1e6:.0f} |")
    print(
        f"| lake.publish (layout, digest, manifest) | {ours:.1f} | {ours / bare:.2f} | {size[1] / 1e6:.0f} |"
    )
    print(f"| checks and sort | {check:.1f} | {check / bare:.2f} | |")
    print(f"| **all of it** | {check + ours:.1f} | **{(check + ours) / bare:.2f}** | |")


def make_record(lake: LocalLake, count: int) -> None:
    """Three years of days, and a year of them compacted as ``onrecord compact`` does;
    twenty days are invented and shifted, to be quick."""
    chance = np.random.default_rng(2)
    pool = [rows_of(BEGAN, count // DAYS, chance) for _ in range(20)]
    there = set(lake.published("statements"))
    for number in range(DAYS):
        day = BEGAN + timedelta(days=number)
        if day in there:
            continue
        rows = pool[number % len(pool)]
        ids = pa.array([f"{number:05x}{n:015x}" for n in range(rows.num_rows)])
        moved = {"statement_id": ids} | {
            name: pc.add(rows[name], pa.scalar(timedelta(days=number)))
            for name in ("published_at", "first_seen_at")
        }
        for name, values in moved.items():
            field = TABLE.schema.field(name)
            at = TABLE.schema.get_field_index(name)
            rows = rows.set_column(at, field, values.cast(field.type))
        lake.publish("statements", day, conformed("statements", rows))
    days = (date.fromisoformat(YEAR[0]) + timedelta(days=n) for n in range(365))
    for month in sorted({f"{day:%Y-%m}" for day in days}):
        lake.compact("statements", month)


def read_one(
    reader: str, paths: list[str], figure: str, first: str, last: str
) -> Sized:
    """The rows of a figure's year, all columns, as the reader's own frame."""
    if reader == "pandas":
        import pandas as pd

        since, until = (pd.Timestamp(d, tz="UTC") for d in (first, last))
        asked = [
            ("figure_id", "==", figure),
            ("first_seen_at", ">=", since),
            ("first_seen_at", "<", until),
        ]
        return pd.read_parquet(paths, filters=asked, partitioning=None)
    if reader == "duckdb":
        import duckdb

        with duckdb.connect() as opened:
            opened.execute("SET TimeZone = 'UTC'")
            listed = ", ".join(f"'{path}'" for path in paths)
            found = opened.sql(
                f"SELECT * FROM read_parquet([{listed}], hive_partitioning = false) "
                f"WHERE figure_id = '{figure}' AND first_seen_at >= TIMESTAMPTZ '{first} 00:00:00Z' "
                f"AND first_seen_at < TIMESTAMPTZ '{last} 00:00:00Z'"
            )
            return found.to_arrow_table()
    import polars as pl

    since_, until_ = (
        datetime.fromisoformat(d).replace(tzinfo=UTC) for d in (first, last)
    )
    at = pl.col("first_seen_at")
    lazy = pl.scan_parquet(paths, hive_partitioning=False)
    return lazy.filter(
        (pl.col("figure_id") == figure) & (at >= since_) & (at < until_)
    ).collect()


def touched() -> int:
    for line in Path("/proc/self/io").read_text().splitlines():
        if line.startswith("rchar"):
            return int(line.split()[1])
    return 0


def one(reader: str, folder: Path, layout: str, figure: str) -> None:
    """In a process of its own: prints rows, bytes read, CPU and wall seconds."""
    first, last = YEAR
    under = folder / "tables/statements", "date=*/part-0.parquet", 5, 15
    if layout == "months":
        under = folder / f"compact/statements/figure_id={figure}", "*.parquet", 0, 7
    place, names, start, end = under
    dated = (
        (str(path.relative_to(place))[start:end], path) for path in place.glob(names)
    )
    paths = [
        str(path)
        for day, path in sorted(dated)
        if first <= day < last or day == first[:7]
    ]
    until = str(date.fromisoformat(last) - timedelta(days=1))
    asked = {"since": first, "until": until, "lake": str(folder)}
    if reader == "load":
        read = partial(load, "statements", figure=figure, **asked)
        load("statements", figure="Q0", **asked | {"until": first})
    else:
        read = partial(read_one, reader, paths, figure, first, last)
        read_one(reader, paths[:1], "Q0", first, last)  # imports are not reading
    before, began, wall = touched(), cpu(), time.perf_counter()
    rows = len(read())
    print(rows, touched() - before, cpu() - began, time.perf_counter() - wall)


def reading(folder: Path, count: int) -> None:
    lake = LocalLake(folder)
    make_record(lake, count)
    days = {
        d: e
        for d, e in lake.manifest("statements").items()
        if YEAR[0] <= str(d) < YEAR[1]
    }
    whole, year = (
        sum(getattr(e, of) for e in days.values()) for of in ("bytes", "rows")
    )
    size = sum(e.bytes for e in lake.months("statements").values())
    print(
        f"\n{year:,} rows of a year: {whole / 1e6:.0f} MB in days, {size / 1e6:.0f} MB in months\n"
    )
    print(
        f"| one figure's year of {count:,} rows | files | rows | MB its share | MB touched | of its share | CPU s | wall s |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    asked = [(layout, reader) for layout in ("days", "months") for reader in READERS]
    for rank in (0, 9, 49, 99):
        for layout, reader in [*asked, ("months", "load")]:
            command = [sys.executable, "-m", "bench.tables", "--folder", str(folder)]
            command += ["--one", reader, layout, f"Q{rank:05}"]
            ran = subprocess.run(command, capture_output=True, text=True, check=False)
            head = f"| figure {rank + 1}, {reader} | {layout} |"
            if ran.returncode:
                print(f"{head} {ran.stderr.strip().splitlines()[-1][:80]} |")
                continue
            rows, read, spent, wall = map(float, ran.stdout.split())
            share = whole * rows / year
            print(
                f"| figure {rank + 1} ({rows / year:.1%}), {reader} | {layout} | {rows:,.0f} | {share / 1e6:.1f} "
                f"| {read / 1e6:.1f} | {read / share:.2f} | {spent:.2f} | {wall:.2f} |",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--statements", type=int, default=1_000_000)
    parser.add_argument("--record", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--one", nargs=3)
    asked = parser.parse_args()
    if asked.one:
        one(asked.one[0], asked.folder, *asked.one[1:])
        return
    if asked.statements:
        writing(asked.statements)
    if asked.record:
        with TemporaryDirectory() as folder:
            reading(asked.folder or Path(folder), asked.record)
    print(f"\npeak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
