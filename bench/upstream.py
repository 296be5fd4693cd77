"""The test files of feedparser (its sdist, folder ``tests``) through our own parse.

``python -m bench.upstream FOLDER [--show]``. Each file is read by feedparser with its own
defaults and by us. Counted: what fails in any way but a ParseError, files in which only
one of the two finds entries, and titles, links and dates of entries that differ. Titles
are compared without markup. ``--show`` lists the differences, to be judged by a person.
"""

from __future__ import annotations

import argparse
import calendar
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import feedparser

from pipeline.articles.texts import title_of
from pipeline.errors import ParseError
from pipeline.feeds.parse import parse_feed
from pipeline.model import Answer, Entry, Response

BASE = "http://example.com/feed"
_HEADER = re.compile(rb"^\s*Header:\s+([\w-]+):\s*(.+?)\s*$", re.M | re.I)


def answer(path: Path) -> Response:
    """A file as an answer, with the headers that its comment asks for."""
    body = path.read_bytes()
    headers = {
        name.decode().lower(): value.decode("latin-1")
        for name, value in _HEADER.findall(body[:4_000])
    }
    base = headers.get("content-location", "")
    url = base if base.startswith("http") else BASE
    return Response(
        kind=Answer.FEED,
        feed_id=path.name,
        url=url,
        final_url=url,
        status=200,
        headers=headers,
        body=body,
        fetched_at=datetime(2026, 3, 2, tzinfo=UTC),
    )


def differences(ours: Entry, theirs: Any) -> Iterator[tuple[str, object, object]]:
    """(field, ours, theirs) of what feedparser has and we have otherwise."""
    title = title_of(theirs.get("title", ""))
    if title and title_of(ours.title) != title:
        yield "title", title_of(ours.title), title
    link = theirs.get("link", "")
    if link and ours.link != link:
        yield "link", ours.link, link
    for name, moment in (
        ("published", ours.published_at),
        ("updated", ours.updated_at),
    ):
        parsed = dict.get(theirs, f"{name}_parsed")
        if parsed:
            theirs_at = datetime.fromtimestamp(calendar.timegm(parsed), UTC)
            if moment != theirs_at:
                yield name, moment, f"{theirs_at} of {theirs.get(name)!r}"


def compare(path: Path) -> Iterator[tuple[str, str]]:
    """(what was counted, in words) of one file."""
    response = answer(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = feedparser.parse(
            response.body,
            response_headers={"content-location": BASE, **response.headers},
        )
    try:
        entries = parse_feed(response).entries
    except ParseError as error:
        entries = ()
        if theirs.entries:
            yield "files that only feedparser reads", error.reason
    if len(entries) > len(theirs.entries):
        yield "files of which we read more", f"{len(entries)}, {len(theirs.entries)}"
    elif entries and len(entries) < len(theirs.entries):
        yield "files of which we read less", f"{len(entries)}, {len(theirs.entries)}"
    for ours, its in zip(entries, theirs.entries, strict=False):
        yield "entries", ""
        for name, mine, other in differences(ours, its):
            yield f"{name}s that differ", f"{mine!r}, feedparser: {other!r}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--show", action="store_true")
    arguments = parser.parse_args()
    counts: Counter[str] = Counter()
    for path in sorted(one for one in arguments.folder.rglob("*.xml")):
        counts["files"] += 1
        try:
            for what, words in compare(path):
                counts[what] += 1
                if words and arguments.show:
                    print(f"{path.relative_to(arguments.folder)}: {what}: {words}")
        except Exception as error:
            counts["crashes"] += 1
            print(f"{path.relative_to(arguments.folder)}: {error!r}")
    counts.setdefault("crashes", 0)
    for what, number in counts.items():
        print(f"| {what} | {number:,} |")


if __name__ == "__main__":
    main()
