"""A whole day through all steps: N articles of M feeds, served on loopback.

``python -m bench.day --data DIR [--articles 1000 5000 20000] [--feeds M] [--passes 8]
[--record 500000] [--model learned] [--folder LAKES]``. The day is that of ``bench.news``: a
tenth about the war, 30 % wire copies, no paragraph twice. Feeds show their latest
30 entries, two fifths as RSS and two as Atom with the whole text, a fifth with a summary and a
page. Each step runs in a process of its own all day, as a worker would, so that its peak
memory is its own; its processor time is that of the step, models loaded, and includes its
children. Beside it the floors: bare ``feedparser.parse`` of all feed answers for fetch and
read, bare ``nlp.pipe`` of a sample of the articles for extract, scaled by words.

With several sizes the last table says whether the costs of an article grow. ``--record``
makes each day twice: on an empty record, and on top of so many statements of 100 days
before. A run that was cut off goes on where it was, given the same ``--folder``.
``--tune STEP ...`` (or ``all``) samples these steps with py-spy (``--py-spy PATH``): the stacks,
counted, lie beside the lake, and a table says which of our functions the time was in.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from bench import serving
from bench.news import News, Newsroom
from bench.record import fill

DAY = datetime(2026, 3, 2, tzinfo=UTC)
ENTRIES = 30
ENTRIES_A_DAY = 50
STEPS = ("fetch", "read", "extract", "match", "alert", "deliver", "publish")
AFTER = ("verify", "explorer", "digest")
"""What ``close_day`` does once more after the day."""


# ------------------------------------------------------------------------- the outlets


def moment(number: int, passes: int) -> datetime:
    """Of a pass; the last is two minutes before midnight."""
    return DAY + timedelta(days=1) * (number + 1) / passes - timedelta(minutes=2)


class Outlets:
    """What the feeds show at a pass, and the pages behind them."""

    def __init__(self, room: Newsroom, feeds: int, passes: int) -> None:
        self.room, self.feeds, self.passes, self.shown = room, feeds, passes, 0
        self.article = lru_cache(maxsize=4_000)(room.article)

    def answer(self, host: str, path: str) -> bytes | None:
        _, kind, *rest = path.split("/")
        if kind == "feed":
            return self.feed(int(host.partition(".")[0].removeprefix("outlet")))
        return self.page(self.article(int(rest[0]))) if kind == "news" else None

    def feed(self, number: int) -> bytes:
        until = self.room.count * (self.shown + 1) // self.passes
        mine = range(number, until, self.feeds)[-ENTRIES:]
        articles = [self.article(n) for n in reversed(mine)]
        entry = atom_entry if number % 5 in (1, 3) else rss_item
        body = "".join(entry(one, number, number % 5 == 4) for one in articles)
        if entry is atom_entry:
            return (
                '<?xml version="1.0" encoding="utf-8"?>'
                '<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">'
                f"<title>Outlet {number}</title><id>urn:outlet:{number}</id>"
                f"<updated>{DAY.isoformat()}</updated>{body}</feed>"
            ).encode()
        return (
            '<?xml version="1.0" encoding="utf-8"?><rss version="2.0" '
            'xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
            f"<title>Outlet {number}</title><link>http://outlet{number}.example/</link>"
            f"<description>News</description><language>en</language>{body}"
            "</channel></rss>"
        ).encode()

    @staticmethod
    def page(news: News) -> bytes:
        links = "".join(f'<li><a href="/{n}">More of it</a></li>' for n in range(20))
        return (
            f"<!doctype html><html lang='en'><head><title>{escape(news.title)}</title>"
            f"</head><body><nav><ul>{links}</ul></nav><article><h1>{escape(news.title)}"
            f"</h1>{html(news)}</article><footer><ul>{links}</ul></footer></body></html>"
        ).encode()


def html(news: News) -> str:
    return "".join(f"<p>{escape(one)}</p>" for one in news.paragraphs)


def came(news: News) -> datetime:
    return DAY + timedelta(days=1) * news.place - timedelta(minutes=2)


def link(news: News, feed: int) -> str:
    return f"http://outlet{feed}.example/news/{news.number}"


def rss_item(news: News, feed: int, short: bool) -> str:
    content = "" if short else f"<content:encoded>{escape(html(news))}"
    content += "</content:encoded>" if content else ""
    return (
        f"<item><title>{escape(news.title)}</title><link>{link(news, feed)}</link>"
        f"<guid>{link(news, feed)}</guid><pubDate>{format_datetime(came(news))}</pubDate>"
        f"<description>{escape(news.paragraphs[0])}</description>{content}</item>"
    )


def atom_entry(news: News, feed: int, _: bool) -> str:
    at, address = came(news).isoformat(), link(news, feed)
    return (
        f"<entry><title>{escape(news.title)}</title><link href='{address}'/>"
        f"<id>{address}</id><published>{at}</published><updated>{at}</updated>"
        f"<content type='html'>{escape(html(news))}</content></entry>"
    )


async def serve(outlets: Outlets) -> None:
    """Answer until ended; ``/pass/N`` shows what the feeds hold at pass N."""

    async def answer(raw: bytes) -> bytes:
        head = raw.decode()
        path = head.split(" ", 2)[1]
        host = head.lower().partition("\r\nhost:")[2].split()[0]
        if path.startswith("/pass/"):
            outlets.shown = int(path[6:])
            body: bytes | None = b"shown"
        else:
            body = outlets.answer(host, path)
        status = "404 No" if body is None else "200 OK"
        kind = "text/html" if path.startswith("/news") else "application/xml"
        return (
            f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(body or b'')}\r\n\r\n".encode()
            + (body or b"")
        )

    await serving.serve(answer)


# ------------------------------------------------------------------------- the workers


def spent() -> float:
    """Processor seconds of this process and of its children that ended."""
    mine, theirs = (
        resource.getrusage(who)
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return mine.ru_utime + mine.ru_stime + theirs.ru_utime + theirs.ru_stime


def written() -> int:
    """Bytes that this process has handed to the kernel to write."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["wchar"])


def peak() -> int:
    """Most bytes that this process held at once; not, as ``ru_maxrss``, what the one that
    it was forked from did."""
    lines = Path("/proc/self/status").read_text().splitlines()
    high = next(line for line in lines if line.startswith("VmHWM:"))
    return int(high.split()[1]) * 1024


def measured(work: Callable[[], Any]) -> dict[str, float]:
    begun, cpu, wrote = time.perf_counter(), spent(), written()
    rows = work()
    return {
        "rows": rows,
        "wall": time.perf_counter() - begun,
        "cpu": spent() - cpu,
        "written": written() - wrote,
        "peak": peak(),
    }


def opened(folder: Path, model: str, port: int = 0, feeds: int = 0) -> Any:
    from pipeline.app import open_app

    hosts = {f"outlet{n}.example": f"127.0.0.1:{port}" for n in range(feeds)}
    return open_app(
        config=folder / "config",
        lake=str(folder / "lake"),
        model=model,
        fetch={"hosts": hosts, "page_pause_seconds": 0, "everything": True},
        alerts={"quiet_first_days": 0},
    )


def work(step: str, folder: Path, model: str, port: int, feeds: int) -> None:
    """Do a step at each moment that comes on a line; say what it took."""
    app = opened(folder, model, port, feeds)
    if step == "extract":  # the models are loaded, and what compiles on first use
        app.extractor.quoted([("Putin said the war in Ukraine will go on.", None)])
    doing: dict[str, Callable[[datetime], Any]] = {
        "verify": lambda at: refused(app.verify(at.date())),
        "explorer": lambda at: bool(app.explorer()),
        "digest": lambda at: bool(app.digest(at.date())),
    }
    print(json.dumps({"step": step, "loading": spent()}), flush=True)
    for line in sys.stdin:
        at = datetime.fromisoformat(line.strip())
        do = doing.get(step) or (lambda at: getattr(app, step)(at).rows)
        print(json.dumps(measured(lambda at=at, do=do: do(at))), flush=True)
    app.close()


def refused(faults: Sequence[str]) -> int:
    if faults:
        raise SystemExit(f"bench.day: the day does not hold: {faults[0]}")
    return 0


class Worker:
    """A step in a process of its own, for as long as the day takes."""

    def __init__(self, name: str, arguments: Sequence[str], spy: Sequence[str]) -> None:
        self.name = name
        self.process = subprocess.Popen(
            [*spy, sys.executable, "-m", "bench.day", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.loading: float = self._said()["loading"]

    def do(self, at: datetime) -> dict[str, float]:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{at.isoformat()}\n")
        self.process.stdin.flush()
        return self._said()

    def _said(self) -> dict[str, float]:
        assert self.process.stdout is not None
        # py-spy says on the same stream what it does
        line = next((one for one in self.process.stdout if one.startswith("{")), "")
        if not line:
            raise SystemExit(f"bench.day: {self.name} died; its words are above")
        found: dict[str, float] = json.loads(line)
        return found

    def end(self) -> None:
        self.process.communicate()


# -------------------------------------------------------------------------- the floors


def parsed_bare(folder: Path, model: str) -> float:
    """``feedparser.parse`` of every feed answer of the day, one at a time."""
    import feedparser

    from pipeline.model import Answer

    app = opened(folder, model)
    total = 0.0
    for partition in app.archive.partitions(DAY.date()):
        for response in app.archive.read(partition):
            if response.kind is Answer.FEED and response.body:
                begun = spent()
                feedparser.parse(response.body)
                total += spent() - begun
    return total


def piped_bare(folder: Path, model: str, sample: int = 150) -> float:
    """``nlp.pipe`` of some of the day's articles, scaled to the words of all."""
    from pipeline.batch import LANGUAGE

    app = opened(folder, model)
    words = 0
    draw, kept = random.Random(7), list[tuple[float, str]]()
    for partition in app.lake.partitions("articles", DAY.date()):
        table = app.lake.read("articles", partition)
        for text, language in zip(
            table["text"].to_pylist(), table["language"].to_pylist(), strict=True
        ):
            if language == LANGUAGE:
                words += len(text.split())
                kept.append((draw.random(), text))
        kept = sorted(kept)[:sample]
    texts = [text for _, text in kept]
    nlp = app.extractor.nlp
    list(nlp.pipe(texts[:4], batch_size=16))
    begun = spent()
    list(nlp.pipe(texts, batch_size=16))
    share = words / sum(len(text.split()) for text in texts)
    return (spent() - begun) * share


# ---------------------------------------------------------------------------- the day


@dataclass(slots=True)
class Took:
    """What a step took over the day."""

    wall: float = 0.0
    cpu: float = 0.0
    peak: float = 0.0
    written: float = 0.0
    rows: int = 0
    loading: float = 0.0
    each: list[float] = field(default_factory=list)

    def add(self, found: dict[str, float], loading: float) -> None:
        self.wall += found["wall"]
        self.cpu += found["cpu"]
        self.written += found["written"]
        self.rows += int(found["rows"])
        self.peak = max(self.peak, found["peak"])
        self.loading = max(self.loading, loading)
        self.each.append(found["cpu"])


@dataclass(frozen=True, slots=True)
class Plan:
    """One day to be made, in a folder of its own."""

    folder: Path
    data: Path
    articles: int
    feeds: int
    passes: int
    record: int
    model: str
    tune: tuple[str, ...] = ()
    py_spy: str = "py-spy"

    def prepare(self) -> None:
        (self.folder / "config").mkdir(parents=True, exist_ok=True)
        (self.folder / "config" / "feeds.toml").write_text(
            "".join(
                f'[[feeds]]\nid = "f{n:05}"\nurl = "http://outlet{n}.example/feed"\n'
                f'outlet = "Outlet {n}"\n'
                for n in range(self.feeds)
            )
        )


@contextmanager
def served(plan: Plan) -> Iterator[int]:
    """The port of the outlets, in a process of their own."""
    line = [sys.executable, "-m", "bench.day", "--data", str(plan.data), "--serve"]
    sizes = [str(n) for n in (plan.articles, plan.feeds, plan.passes)]
    server = subprocess.Popen([*line, *sizes], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield int(server.stdout.readline())
    finally:
        server.terminate()
        server.wait()


def show(port: int, number: int) -> None:
    """Let the feeds hold what they hold at a pass."""
    with socket.create_connection(("127.0.0.1", port)) as asked:
        asked.sendall(f"GET /pass/{number} HTTP/1.1\r\nHost: day\r\n\r\n".encode())
        if b"shown" not in asked.recv(4096):
            raise SystemExit("bench.day: the outlets do not answer")


def made(plan: Plan) -> dict[str, Took]:
    """The whole day; what each step took. What the log holds is not done again."""
    plan.prepare()
    log = plan.folder / "day.jsonl"
    known = (
        [json.loads(line) for line in log.read_text().splitlines()]
        if log.exists()
        else []
    )
    if plan.record and not known:
        shutil.rmtree(plan.folder / "lake", ignore_errors=True)
        fill(opened(plan.folder, plan.model), Newsroom(plan.data, 1), plan.record)
    took = {name: Took() for name in (*STEPS, *AFTER)}
    for one in known:
        took[one["step"]].add(one, one["loading"])
    done = {(one["step"], one["number"]) for one in known}
    with served(plan) as port, log.open("a") as held:
        workers: dict[str, Worker] = {}

        def do(name: str, number: int) -> None:
            if (name, number) in done:
                return
            if name not in workers:
                workers[name] = worker(plan, name, port)
            show(port, number)
            found = workers[name].do(moment(number, plan.passes))
            loading = workers[name].loading
            took[name].add(found, loading)
            line = {"step": name, "number": number, "loading": loading} | found
            print(json.dumps(line), file=held, flush=True)

        try:
            for number in range(plan.passes):
                for name in STEPS:
                    do(name, number)
            for name in AFTER:
                do(name, plan.passes - 1)
        finally:
            for one in workers.values():
                one.end()
    return took


def worker(plan: Plan, name: str, port: int) -> Worker:
    spy: list[str] = []
    if name in plan.tune:
        out = str(plan.folder / f"{name}.stacks")
        spy = [plan.py_spy, "record", "-f", "raw", "-r", "50", "-o", out, "--"]
    line = ["--data", str(plan.data), "--model", plan.model, "--work"]
    return Worker(
        name, [*line, name, str(plan.folder), str(port), str(plan.feeds)], spy
    )


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def disk(lake: Path) -> str:
    parts = {name: size(lake / name) for name in ("archive", "work", "tables", "site")}
    parts["database"] = sum(path.stat().st_size for path in lake.glob("state.sqlite*"))
    return ", ".join(f"{name} {held / 1e6:.0f} MB" for name, held in parts.items())


# ------------------------------------------------------------------------ the tables


def table(plan: Plan, took: dict[str, Took], floors: dict[str, float]) -> Iterator[str]:
    on = f", on a record of {plan.record:,} statements" if plan.record else ""
    yield (
        f"\n{plan.articles:,} articles of {plan.feeds:,} feeds in {plan.passes} passes, "
        f"{plan.model}{on}; {disk(plan.folder / 'lake')}\n"
    )
    yield "| step | wall s | CPU s | loading, CPU s | peak MB | written MB | rows | articles a CPU s |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    for name, one in took.items():
        yield (
            f"| {name} | {one.wall:.1f} | {one.cpu:.1f} | {one.loading:.1f} | "
            f"{one.peak / 1e6:.0f} | {one.written / 1e6:.0f} | {one.rows:,} | "
            f"{plan.articles / max(one.cpu, 1e-3):,.0f} |"
        )
    whole = Took()
    for one in took.values():
        whole.wall, whole.cpu = whole.wall + one.wall, whole.cpu + one.cpu
        whole.written = whole.written + one.written
        whole.peak = max(whole.peak, one.peak)
    yield (
        f"| **all** | {whole.wall:.1f} | {whole.cpu:.1f} | | {whole.peak / 1e6:.0f} | "
        f"{whole.written / 1e6:.0f} | | {plan.articles / whole.cpu:,.0f} |"
    )
    for name, cpu in floors.items():
        yield f"| {name} | | {cpu:.1f} | | | | | {plan.articles / cpu:,.0f} |"


FRAME = re.compile(r"(\S+) \((?:.*/)?(pipeline/[^:]+)\.py:\d+\)")


def profile(plan: Plan, step: str, least: float = 0.04) -> Iterator[str]:
    """Our functions with at least this share of a step's time, what they call included."""
    told, every = Counter[str](), 0
    for line in (plan.folder / f"{step}.stacks").read_text().splitlines():
        stack, _, times = line.rpartition(" ")
        ours = {f"`{file}` {name}" for name, file in FRAME.findall(stack)}
        if "measured (" in stack:
            every += int(times)
            told.update(dict.fromkeys(ours, int(times)))
    yield f"\n| {step}: function | of its time |\n|---|---:|"
    for name, times in told.most_common():
        if least <= times / every < 0.99:
            yield f"| {name} | {times / every:.0%} |"


def compared(
    title: str, days: Sequence[tuple[str, int, dict[str, Took]]]
) -> Iterator[str]:
    """Milliseconds of CPU an article and peak memory, the days side by side; and how
    many times the first day's the last's are."""
    yield (
        f"\n| {title}: CPU ms an article (peak MB) | "
        + " | ".join(name for name, _, _ in days)
        + " | last to first |"
    )
    yield "|---|" + "---:|" * (len(days) + 1)
    (_, few, first), (_, many, last) = days[0], days[-1]
    for step in (*STEPS, *AFTER):
        cells = [
            f"{1e3 * took[step].cpu / count:.2f} ({took[step].peak / 1e6:.0f})"
            for _, count, took in days
        ]
        ratio = (last[step].cpu / many) / max(first[step].cpu / few, 1e-9)
        yield f"| {step} | {' | '.join(cells)} | {ratio:.2f} |"
    sums = [(count, sum(one.cpu for one in took.values())) for _, count, took in days]
    cells = [f"{1e3 * cpu / count:.2f}" for count, cpu in sums]
    ratio = (sums[-1][1] / many) / (sums[0][1] / few)
    yield f"| **all** | {' | '.join(cells)} | **{ratio:.2f}** |"


def floors_of(plan: Plan) -> dict[str, float]:
    """CPU seconds of what the least would be, in this run and on this day's bytes."""
    line = [sys.executable, "-m", "bench.day", "--data", str(plan.data)]
    line += ["--floor", str(plan.folder)]
    done = subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--articles", type=int, nargs="+", default=[1_000])
    parser.add_argument("--feeds", type=int, help="an outlet for 50 articles if absent")
    parser.add_argument("--passes", type=int, default=8)
    parser.add_argument("--record", type=int, default=0)
    parser.add_argument("--model", default="learned")
    parser.add_argument("--folder", type=Path, help="kept; a temporary one if absent")
    parser.add_argument("--tune", nargs="+", default=(), metavar="STEP")
    parser.add_argument("--py-spy", default="py-spy")
    parser.add_argument("--no-floors", action="store_true")
    parser.add_argument("--serve", type=int, nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--work", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--floor", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        articles, feeds, passes = given.serve
        asyncio.run(serve(Outlets(Newsroom(given.data, articles), feeds, passes)))
        return
    if given.work:
        step, folder, port, feeds = given.work
        work(step, Path(folder), given.model, int(port), int(feeds))
        return
    if given.floor:
        bare = {"bare feedparser.parse": parsed_bare(given.floor, "rules")}
        bare |= {"bare nlp.pipe": piped_bare(given.floor, "rules")}
        print(json.dumps(bare))
        return
    tuned = (*STEPS, *AFTER) if "all" in given.tune else tuple(given.tune)
    held = given.folder or Path(tempfile.mkdtemp(prefix="onrecord-day-"))
    try:
        days = []
        for articles in given.articles:
            feeds = given.feeds or max(1, articles // ENTRIES_A_DAY)
            for record in sorted({0, given.record}):
                name = f"{articles:,}" + (f" on {record:,}" if record else "")
                plan = Plan(
                    held / f"{articles}-{feeds}-{given.passes}-{record}-{given.model}",
                    given.data, articles, feeds, given.passes, record, given.model,
                    tuned, given.py_spy,
                )  # fmt: skip
                took = made(plan)
                floors = {} if given.no_floors or record else floors_of(plan)
                print("\n".join(table(plan, took, floors)), flush=True)
                for step in tuned:
                    print("\n".join(profile(plan, step)), flush=True)
                days.append((name, articles, took))
            if given.record:
                print("\n".join(compared("A record before", days[-2:])), flush=True)
        sizes = [one for one in days if " on " not in one[0]]
        if len(sizes) > 1:
            print("\n".join(compared("Size of the day", sizes)), flush=True)
    finally:
        if given.folder is None:
            shutil.rmtree(held)


if __name__ == "__main__":
    main()
