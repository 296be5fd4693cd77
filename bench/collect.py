"""Collecting: 1,000 healthy feeds of 20 entries and 20 that hang, on loopback.

``python -m bench.collect [--feeds N] [--hanging N] [--reader PYTHON]``. Wall time, CPU
and peak memory of steps fetch and read, next to (a) bare ``feedparser.parse`` on the
same bytes, the floor for CPU, and (b) ``reader`` (PyPI) updating the same feeds with its
workers, both with their own defaults. The second run meets 304s. Each subject runs in a
process of its own, the server in another: only the subject's own CPU counts.

``--reader`` names a Python that has it: ``python -m venv X && X/bin/pip install reader``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.sax.saxutils import escape

from bench import serving

ENTRIES = 20
BEGAN = datetime(2026, 3, 2, 6, tzinfo=UTC)
WORDS = [
    "the", "of", "and", "to", "in", "a", "is", "that", "for", "it", "as", "was", "with",
    "be", "by", "on", "not", "he", "this", "are", "or", "his", "from", "at", "which",
    "but", "have", "an", "had", "they", "you", "were", "their", "one", "all", "we",
    "can", "her", "has", "there", "been", "if", "more", "when", "will", "would", "who",
    "so", "no", "out", "up", "into", "than", "them", "only", "time", "new", "some",
    "could", "these", "two", "may", "then", "do", "first", "any", "my", "now", "such",
    "like", "our", "over", "man", "me", "even", "most", "made", "after", "also", "did",
    "many", "before", "must", "through", "back", "years", "where", "much", "your",
    "way", "well", "down", "should", "because", "each", "just", "those", "people",
    "how", "too", "little", "state", "good", "very", "make", "world", "still", "own",
    "see", "men", "work", "long", "get", "here", "between", "both", "life", "being",
    "under", "never", "day", "same", "another", "know", "while", "last", "might", "us",
    "great", "old", "year", "off", "come", "since", "against", "go", "came", "right",
    "used", "take", "three", "market", "river", "bank", "garden", "window", "table",
    "music", "letter", "winter", "summer", "council", "harvest", "engine", "bridge",
    "station", "teacher", "museum", "library", "kitchen", "weather", "island",
    "painter", "village", "railway", "theatre", "student", "fishing", "harbour",
    "concert", "stadium", "recipe", "mountain", "budget", "factory", "hospital",
    "journey", "festival", "machine", "network", "orchard", "pottery", "quarry",
]  # fmt: skip


# ---------------------------------------------------------------------------- the feeds


def a_feed(number: int) -> bytes:
    """RSS with full texts where the number is even, Atom with summaries where odd."""
    chance = random.Random(number)

    def words(count: int) -> str:
        pools = chance.choices((WORDS[:45], WORDS[45:]), (0.42, 0.58), k=count)
        text = " ".join(
            chance.choice(pool) for pool in pools
        )  # small words as in prose
        return text[0].upper() + text[1:]

    entries = []
    for nth in range(ENTRIES):
        at = BEGAN - timedelta(minutes=20 * nth + number % 20)
        link = f"http://outlet{number}.example/news/{number}-{nth}"
        if number % 2:
            entries.append(
                f"<entry><title>{words(9)}</title><link href='{link}'/><id>{link}</id>"
                f"<published>{at.isoformat()}</published><updated>{at.isoformat()}"
                f"</updated><summary type='html'>{escape(words(45))}.</summary></entry>"
            )
        else:
            html = "".join(f"<p>{words(50)}.</p>" for _ in range(5))
            entries.append(
                f"<item><title>{words(9)}</title><link>{link}</link><guid>{link}</guid>"
                f"<pubDate>{format_datetime(at)}</pubDate><description>{words(40)}."
                f"</description><content:encoded><![CDATA[{html}]]></content:encoded>"
                "</item>"
            )
    body = "".join(entries)
    if number % 2:
        text = (
            '<?xml version="1.0" encoding="utf-8"?>'
            '<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">'
            f"<title>Outlet {number}</title><id>urn:outlet:{number}</id>"
            f"<updated>{BEGAN.isoformat()}</updated>{body}</feed>"
        )
    else:
        text = (
            '<?xml version="1.0" encoding="utf-8"?><rss version="2.0" '
            'xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
            f"<title>Outlet {number}</title><link>http://outlet{number}.example/</link>"
            f"<description>News</description><language>en</language>{body}"
            "</channel></rss>"
        )
    return text.encode()


async def serve(feeds: int) -> None:
    """Feeds with validators, and hosts that take a request and never answer it."""
    bodies = [a_feed(number) for number in range(feeds)]

    async def answer(head: bytes) -> bytes | None:
        path = head.split(b" ", 2)[1].decode()
        kind, _, number = path.strip("/").partition("/")
        if kind == "hang":
            await asyncio.sleep(600)
            return None
        etag = f'"v{number}"'
        if etag.encode() in head:
            return f"HTTP/1.1 304 Not Modified\r\nETag: {etag}\r\n\r\n".encode()
        if kind != "feed":
            return b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"
        body = bodies[int(number)]
        return (
            "HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\n"
            f"ETag: {etag}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )

    await serving.serve(answer)


@contextmanager
def served(feeds: int) -> Iterator[int]:
    """The port of the server, in a process of its own."""
    server = subprocess.Popen(
        [sys.executable, "-m", "bench.collect", "--serve", str(feeds)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    try:
        yield int(server.stdout.readline())
    finally:
        server.terminate()
        server.wait()


# --------------------------------------------------------------------- the subjects


def ours(folder: Path, port: int, minutes: int) -> dict[str, float]:
    """Steps fetch and read of one pass over the feeds of ``folder``."""
    from pipeline.app import open_app

    app = open_app(
        config=folder / "config",
        lake=str(folder / "lake"),
        fetch={"allow": [f"127.0.0.1:{port}"]},
    )
    at = BEGAN + timedelta(minutes=minutes)
    began, cpu = time.perf_counter(), time.process_time()
    fetched = app.fetch(at, everything=True)
    fetch = time.perf_counter() - began, time.process_time() - cpu
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    read = app.read(at)
    app.close()
    return {
        "fetch_wall": fetch[0],
        "fetch_cpu": fetch[1],
        "fetch_memory": held,
        "feeds": fetched.counts["feeds"],
        "entries": read.rows,
        "failures": len(fetched.failures),
    }


def bare(bodies: list[bytes]) -> dict[str, float]:
    """``feedparser.parse`` on bytes that are there already."""
    import feedparser

    return {"entries": sum(len(feedparser.parse(body).entries) for body in bodies)}


READER = """
import json, resource, sys, time
from reader import make_reader
urls, database, began_at = json.load(open(sys.argv[1])), sys.argv[2], time.perf_counter()
reader = make_reader(database, feed_root="")
for url in urls:
    reader.add_feed(url, exist_ok=True)
before = reader.get_entry_counts().total
began, cpu = time.perf_counter(), time.process_time()
reader.update_feeds(scheduled=False, workers=int(sys.argv[3]))
print(json.dumps({
    "wall": time.perf_counter() - began, "cpu": time.process_time() - cpu,
    "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "entries": reader.get_entry_counts().total - before,
}))
"""
READER_WORKERS = 20


def measured(subject: Callable[[], dict[str, float]], module: str) -> dict[str, float]:
    """Wall, CPU (of all threads) and peak memory of a call in this process.

    The module is imported before: its memory counts, its time does not.
    """
    import_module(module)
    began, cpu = time.perf_counter(), time.process_time()
    found = subject()
    return {
        "wall": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    } | found


def apart(*arguments: str) -> dict[str, float]:
    """A subject in a process of its own."""
    line = [sys.executable, "-m", "bench.collect", *arguments]
    done = subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def with_reader(python: str, urls: list[str], folder: Path) -> dict[str, float] | str:
    """``reader`` in the Python that has it; a word where there is none."""
    listed = folder / "urls.json"
    listed.write_text(json.dumps(urls))
    line = [python, "-c", READER, str(listed), str(folder / "reader.sqlite")]
    try:
        done = subprocess.run(
            [*line, str(READER_WORKERS)],
            capture_output=True,
            text=True,
        )
    except OSError as error:
        return f"not installed ({error.strerror})"
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        word = "not installed" if "ModuleNotFoundError" in last else "failed"
        return f"{word} ({last[:60]})"
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


# ------------------------------------------------------------------------- the table


def row(name: str, found: dict[str, float] | str) -> str:
    if isinstance(found, str):
        return f"| {name} | {found} | | | |"
    cells = [f"{found['wall']:.1f}", f"{found['cpu']:.1f}", f"{found['memory']:.0f}"]
    if "fetch_cpu" in found:
        fetch = [found["fetch_wall"], found["fetch_cpu"], found["fetch_memory"]]
        cells = [
            f"{whole} ({part:.{0 if part > 99 else 1}f})"
            for whole, part in zip(cells, fetch, strict=True)
        ]
    return f"| {name} | {' | '.join(cells)} | {found['entries']:,.0f} |"


def config(folder: Path, urls: list[str]) -> None:
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config" / "feeds.toml").write_text(
        "".join(
            f'[[feeds]]\nid = "f{n:05}"\nurl = "{url}"\n' for n, url in enumerate(urls)
        )
    )


def rows(arguments: argparse.Namespace) -> Iterator[str]:
    """The table's rows, each as soon as it is measured."""
    feeds, few = arguments.feeds, arguments.feeds // 4
    yield row("bare feedparser.parse", apart("--bare", str(feeds)))
    with served(feeds) as port, TemporaryDirectory() as held:
        base = f"http://127.0.0.1:{port}"
        healthy = [f"{base}/feed/{n}" for n in range(feeds)]
        hanging = [f"{base}/hang/{n}" for n in range(arguments.hanging)]
        for name, urls in {
            f"{few} feeds, none hangs": healthy[:few],
            f"{feeds} feeds, none hangs": healthy,
            f"{feeds} feeds and {len(hanging)} that hang": hanging + healthy,
        }.items():
            folder = Path(held) / name.replace(" ", "-")
            folder.mkdir()
            config(folder, urls)
            for run, minutes in {"first run": 0, "second run": 15}.items():
                found = apart("--ours", str(folder), str(port), str(minutes))
                yield row(f"On Record, {name}, {run}", found)
            if len(urls) == few:
                continue
            for run in ("first run", "second run"):
                yield row(
                    f"reader, {name}, {run}",
                    with_reader(arguments.reader, urls, folder),
                )


def wire(lake: Path) -> str:
    """Precision and recall of wire grouping on desks' edits of a lake's articles."""
    import pyarrow.parquet as pq

    from pipeline.articles.duplicates import bands, is_copy, signature
    from tests.articles.article_builders import desk_edit

    texts: dict[str, str] = {}
    for path in sorted(lake.glob("work/articles/*/*.parquet")):
        for one in pq.ParquetFile(path).read().to_pylist():
            if one["language"] == "en" and len(one["text"]) > 700:
                texts.setdefault(one["wire_group_id"], one["text"])
    known = [(signature(text), set(bands(signature(text)))) for text in texts.values()]
    right = found = total = 0
    for nth, text in enumerate(texts.values()):
        for edit in range(10):
            mark = signature(desk_edit(text, 10 * nth + edit))
            keys, total = set(bands(mark)), total + 1
            for other, (sketch, its) in enumerate(known):
                if keys & its and is_copy(mark, sketch):
                    found, right = found + 1, right + (other == nth)
    return (
        f"{total} edits of {len(texts)} stories: precision {right / max(found, 1):.3f}, "
        f"recall {right / max(total, 1):.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeds", type=int, default=1000)
    parser.add_argument("--hanging", type=int, default=20)
    parser.add_argument("--reader", default="reader-python")
    parser.add_argument("--wire", type=Path, help="a lake: wire grouping, not speed")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--bare", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--ours", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve is not None:
        asyncio.run(serve(arguments.serve))
    elif arguments.wire is not None:
        print(wire(arguments.wire))
    elif arguments.bare is not None:
        bodies = [a_feed(number) for number in range(arguments.bare)]
        print(json.dumps(measured(lambda: bare(bodies), "feedparser")))
    elif arguments.ours:
        folder, port, minutes = arguments.ours
        subject = partial(ours, Path(folder), int(port), int(minutes))
        print(json.dumps(measured(subject, "pipeline.app")))
    else:
        print("| what (of it, fetch) | wall s | CPU s | peak MB | new entries |")
        print("|---|---:|---:|---:|---:|")
        for line in rows(arguments):
            print(line, flush=True)


if __name__ == "__main__":
    main()
