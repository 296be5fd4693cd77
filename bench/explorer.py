"""The explorer over a generated lake: first paint, rows, everything read, a filter.

``python -m bench.explorer [--statements 100000] [--days 365] [--runs 5]`` after
``make browser``. The lake is invented words in the shape of the published tables; it
is written to a temporary folder, read by headless Chromium from the disk, and removed.
A filter's time is from the event in the page until the new rows are laid out.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
from playwright.sync_api import Page, sync_playwright

from pipeline.adapters.lake import LocalLake
from pipeline.adapters.pages import PageFolder
from pipeline.explorer_page import write_explorer
from pipeline.tables.schemas import TABLES
from tests.browser.chromium import FLAGS, chromium

WORDS = Path(__file__).resolve().parents[1] / "seeds" / "000_b8c744c77b0120c0.txt"
FIRST = date(2025, 3, 1)
RELATIONS = ("new", "new", "new", "rereported", "rereported", "repeated", "changed",
             "contradicts", "uncertain")  # fmt: skip
ACTS = ("asserts", "asserts", "denies", "threatens", "promises", "calls-for", "accuses")
TOPICS = ("peace-talks", "arms", "sanctions", "nuclear", "territory", "grain-energy")


def generated(days: int, statements: int, seed: int = 7) -> Iterator[tuple[date, dict]]:
    """A day and its tables, in order: rows by table name."""
    draw = random.Random(seed)
    words = sorted(set(WORDS.read_text("utf-8").split()))
    words += [f"{a}{b}" for a in words[:80] for b in ("ing", "ed", "s", "ful", "less")]
    claims: dict[int, list[tuple[str, str]]] = {}
    for nth in range(days):
        day = FIRST + timedelta(days=nth)
        rows: dict[str, list[dict]] = {"statements": [], "claim_links": [],
                                       "statement_topics": [], "corrections": []}  # fmt: skip
        until = statements * (nth + 1) // days - statements * nth // days
        for n in range(until):
            one = statement(draw, words, day, nth, n)
            rows["statements"].append(one)
            rows["claim_links"].append(link(draw, one, claims))
            rows["statement_topics"] += [
                {"statement_id": one["statement_id"], "topic": "war", "subtopic": topic}
                for topic in draw.sample(TOPICS, draw.choice((0, 1, 1, 2)))
            ]
        yield day, rows


def identifier(*parts: object) -> str:
    return sha256(repr(parts).encode()).hexdigest()[:20]


def statement(draw, words, day: date, nth: int, n: int) -> dict:
    figure, outlet = min(draw.randrange(40), draw.randrange(40)), draw.randrange(60)
    content = " ".join(draw.choices(words, k=draw.randrange(6, 34)))
    before = " ".join(draw.choices(words, k=12))
    at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    at += timedelta(minutes=draw.randrange(1440))
    title = " ".join(draw.choices(words, k=9))
    return {
        "statement_id": identifier(nth, n), "article_id": identifier(nth, n // 4),
        "revision": 1, "figure_id": f"Q{1000 + figure}",
        "figure": f"Figure Number {figure}", "content": content,
        "voice": draw.choice(("direct", "indirect", "mixed")), "act": draw.choice(ACTS),
        "cue": draw.choice(("said", "told reporters", "warned", "")), "source": "he",
        "mention_kind": "pronoun", "start": 10, "end": 10 + len(content), "n_spans": 1,
        "topic": "war", "about_topic": draw.random() < 0.9, "is_old": False,
        "said_on": None, "in_title": False, "nested": "",
        "context": f"{before} “{content}” {before[::-1]}", "outlet": f"Outlet {outlet}",
        "outlet_kind": "independent", "country": "GB", "language": "en", "title": title,
        "url": f"https://outlet{outlet}.example/{day:%Y/%m}/{identifier(title)}",
        "wire_group_id": identifier(nth, n // 4), "published_at": at,
        "first_seen_at": at, "backlog": False, "confidence": round(draw.random(), 3),
        "method": "learned", "model_version": "m", "pipeline_version": "0",
    }  # fmt: skip


def link(draw, said: dict, claims: dict[int, list[tuple[str, str]]]) -> dict:
    known = claims.setdefault(said["figure_id"], [])
    relation = draw.choice(RELATIONS) if known else "new"
    earlier = draw.choice(known[-30:]) if relation != "new" else (None, None)
    again = relation in ("repeated", "rereported")
    claim = earlier[1] if again else identifier("claim", said["statement_id"])
    if not again:
        known.append((said["statement_id"], claim))
    return {
        "statement_id": said["statement_id"], "claim_id": claim,
        "utterance_id": identifier("u", said["statement_id"]),
        "figure_id": said["figure_id"], "relation": relation,
        "earlier_statement_id": earlier[0], "earlier_claim_id": earlier[1],
        "score": round(draw.random(), 3), "reasons": "another number: 4 -> 5",
        "first_seen_at": said["first_seen_at"], "matcher_version": "1",
    }  # fmt: skip


def make_lake(folder: Path, days: int, statements: int) -> LocalLake:
    lake = LocalLake(folder)
    for day, rows in generated(days, statements):
        for name, held in rows.items():
            schema = TABLES[name].schema
            lake.publish(name, day, pa.Table.from_pylist(held, schema=schema))
    return lake


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


# What a person does, each with the state of the page before it.
ACTIONS = {
    "search a word": "q.value='sanctions'; q.dispatchEvent(new Event('input',{bubbles:true}))",
    "search two words": "q.value='sanctions energy'; q.dispatchEvent(new Event('input',{bubbles:true}))",
    "search nothing again": "q.value=''; q.dispatchEvent(new Event('input',{bubbles:true}))",
    "choose a figure": "pick('figure', 1)",
    "and a topic": "pick('topic', 1)",
    "and an outlet": "pick('outlet', 3)",
    "clear": "document.getElementById('filters').reset()",
    "choose a relation": "pick('relation', 4)",
    "from a day on": "const f=document.querySelector('[name=from]'); f.value='2025-09-01'; f.dispatchEvent(new Event('change',{bubbles:true}))",
    "clear again": "document.getElementById('filters').reset()",
    "open a statement": "document.querySelector('.say').click()",
}  # fmt: skip
TIMED = """async action => {
  const q = document.getElementById('q');
  const pick = (name, n) => { const s = document.querySelector(`[name=${name}]`);
    s.selectedIndex = n; s.dispatchEvent(new Event('change', {bubbles: true})); };
  const start = performance.now();
  eval(action);
  document.getElementById('list').getBoundingClientRect();
  return performance.now() - start;
}"""


def measured(page: Page, url: str) -> dict[str, tuple[float, float]]:
    """Milliseconds on the clock and of processor time of the page's own thread."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent() -> float:
        told = session.send("Performance.getMetrics")["metrics"]
        return {one["name"]: one["value"] for one in told}["TaskDuration"] * 1000

    nothing = float("nan")
    page.goto(url)
    page.wait_for_selector("html[data-ready]", timeout=120_000)
    whole = spent()
    page.wait_for_selector("html[data-settled]", timeout=120_000)
    settled = spent()
    marks = page.evaluate(
        """() => {
          const mark = name => performance.getEntriesByName(name)[0]?.startTime ?? NaN
          return {'first paint': mark('first-contentful-paint'), 'first rows': mark('rows'),
                  'everything read': mark('whole'), 'ready for searches': mark('settled')} }"""
    )
    told = {name: (value, nothing) for name, value in marks.items()}
    told["everything read"] = marks["everything read"], whole
    told["ready for searches"] = marks["ready for searches"], settled
    for name, action in ACTIONS.items():
        before = spent()
        clock = page.evaluate(TIMED, action)
        told[name] = clock, spent() - before
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--statements", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as held, sync_playwright() as driver:
        folder = Path(held)
        lake = make_lake(folder, given.days, given.statements)
        out = folder / "explorer"
        for name in ("written", "written again"):
            start = time.process_time()
            n = write_explorer(lake=lake, pages=PageFolder(out), names={}, digests=[])
            print(f"{name}: {n} files, {time.process_time() - start:.1f} s CPU")
        tables = sum(size(folder / "tables" / name) for name in
                     ("statements", "claim_links", "statement_topics"))  # fmt: skip
        print(f"tables {tables / 1e6:.1f} MB, explorer {size(out) / 1e6:.1f} MB, "
              f"its script {(out / 'explorer.js').stat().st_size / 1e3:.0f} kB")  # fmt: skip
        # eval is for the measuring alone: the page's own policy forbids it.
        browser = driver.chromium.launch(executable_path=chromium(), args=FLAGS)
        runs = []
        for _ in range(given.runs):
            context = browser.new_context(bypass_csp=True)
            runs.append(measured(context.new_page(), (out / "index.html").as_uri()))
            context.close()
        browser.close()
    print(f"{'median (least to most), ms':26}{'on the clock':>24}{'processor':>24}")
    for name in runs[0]:
        columns = ["", ""]
        for kind in (0, 1):
            values = sorted(run[name][kind] for run in runs)
            if values[0] == values[0]:  # not nan
                low, high = values[0], values[-1]
                columns[kind] = (
                    f"{statistics.median(values):.0f} ({low:.0f} to {high:.0f})"
                )
        print(f"{name:26}{columns[0]:>24}{columns[1]:>24}")


if __name__ == "__main__":
    main()
