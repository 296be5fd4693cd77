"""How fast history is extracted: one process here, then Dask with 1 and 2 workers.

``python -m bench.bulk [--articles 600] [--workers 1 2] [--model rules]``. The articles are
those of the sample world, over and over under new ids, in partitions of a quarter of an
hour. Wall time, and processor time of all processes, so that a busy machine shows;
the lake is in a temporary folder. The bytes of every run must be those of the first.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import threading
import time
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import psutil
import pyarrow as pa

from pipeline.app import App, open_app
from pipeline.batch import statements_of
from pipeline.bulk import dask_workers, dumped, found_by, statements_at
from pipeline.model import Article, Partition
from pipeline.tables.values import from_arrow

ROOT = Path(__file__).resolve().parents[1]
A_PARTITION = 40


def made(folder: Path, model: str) -> App:
    return open_app(config=ROOT / "seeds" / "config", lake=str(folder), model=model)


def fill(app: App, source: App, count: int) -> list[Partition]:
    """Partitions of articles; the list of them."""
    tables = [
        source.lake.read("articles", p) for p in source.lake.partitions("articles")
    ]
    whole = pa.concat_tables([table for table in tables if table is not None])
    if not whole.num_rows:
        sys.exit("bench.bulk: the sample lake has no article; make run first")
    rows = pa.concat_tables([whole] * -(-count // whole.num_rows)).slice(0, count)
    ids = pa.array([f"{nth:020x}" for nth in range(count)])
    place = rows.schema.get_field_index("article_id")
    rows = rows.set_column(place, rows.schema.field(place), ids)
    first = from_arrow(Article, rows.slice(0, 1))[0].first_seen_at
    partitions = []
    for nth, start in enumerate(range(0, count, A_PARTITION)):
        partition = Partition.at(first + timedelta(minutes=15 * nth))
        app.lake.write("articles", partition, rows.slice(start, A_PARTITION))
        partitions.append(partition)
    return partitions


class Family:
    """Processor time and the most memory of this process and all below it."""

    def __init__(self) -> None:
        self.peak = 0
        self._seen: dict[int, float] = {}
        self._end = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()

    def _look(self) -> None:
        head = psutil.Process()
        while not self._end.wait(0.5):
            total = 0
            for one in [head, *head.children(recursive=True)]:
                try:
                    total += one.memory_info().rss
                    times = one.cpu_times()
                    self._seen[one.pid] = times.user + times.system
                except psutil.NoSuchProcess:
                    continue
            self.peak = max(self.peak, total)

    def stop(self) -> float:
        self._end.set()
        self._watch.join()
        return sum(self._seen.values())


def run(app: App, partitions: list[Partition], workers: int) -> tuple[float, str]:
    """Seconds of the extraction alone, models loaded, and the SHA-256 of what was found."""
    digest = sha256()

    def all_of(found) -> float:
        begun = time.perf_counter()
        for partition in partitions:
            for table in found(partition):
                for row in table.to_pylist():
                    digest.update(repr(row).encode())
        return time.perf_counter() - begun

    if workers == 0:
        statements_of(
            app.lake.read("articles", partitions[0]).slice(0, 1),
            extractor=app.extractor,
        )
        return all_of(app.found_here), digest.hexdigest()
    with dask_workers(workers) as client:
        loading = [  # of the first article alone, by each worker: it loads its model
            client.submit(
                statements_at,
                dumped(app.settings),
                str(partitions[0]),
                0,
                1,
                workers=[address],
                pure=False,
            )
            for address in client.nthreads()
        ]
        client.gather(loading)
        return all_of(found_by(client, app, partitions, workers)), digest.hexdigest()


def main() -> int:
    """Print the table; 1 where an engine found something else."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lake", default=str(ROOT / "data" / "sample"))
    parser.add_argument("--articles", type=int, default=600)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--model", default="rules")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="onrecord-bulk-"))
    try:
        app = made(folder, given.model)
        partitions = fill(app, made(Path(given.lake), given.model), given.articles)
        print(
            f"{given.articles} articles, {len(partitions)} partitions, {given.model}, {os.cpu_count()} cores"
        )
        print(
            "| engine | seconds | articles a second | processor seconds | peak MB of all processes | same |"
        )
        print("|---|---|---|---|---|---|")
        first = ""
        same = True
        for workers in [0, *given.workers]:
            family = Family()
            before = time.process_time()
            seconds, found = run(app, partitions, workers)
            used = family.stop() - before
            first = first or found
            same &= found == first
            name = f"dask, {workers}" if workers else "local"
            print(
                f"| {name} | {seconds:.1f} | {given.articles / seconds:.1f} | {used:.1f} "
                f"| {family.peak / 1e6:.0f} | {'yes' if found == first else 'NO'} |",
                flush=True,
            )
    finally:
        shutil.rmtree(folder)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
