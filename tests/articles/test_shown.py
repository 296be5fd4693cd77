"""An entry that its feed shows again costs no draft, and changes nothing of what is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache

import pyarrow as pa
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.adapters.db.engine import Database
from pipeline.adapters.db.progress import DbProgress
from pipeline.adapters.db.seen import FORGOTTEN_AFTER, DbSeen
from pipeline.adapters.db.tables import bands, entries, progress, seen
from pipeline.articles.normalise import entry_digest
from pipeline.model import Answer, Bounds, Feed, Partition, Report, Response
from pipeline.steps import FOLDS, reading
from tests.articles.article_builders import (
    HTML,
    PARAGRAPHS,
    TITLE,
    a_story,
    an_entry,
)
from tests.builders import NOON, a_feed, a_response

FEEDS = [
    Feed(id="herald", url="http://herald.example/rss", outlet="The Herald"),
    Feed(id="herald-world", url="http://herald.example/world", outlet="The Herald"),
    Feed(id="post", url="http://post.example/rss", outlet="The Post"),
]
PLACES = [
    "http://herald.example/a",
    "https://www.herald.example/a/",
    "http://herald.example/b",
    "",
]
WORDS = {
    "first": HTML,
    "edited": HTML.replace("fifteen", "seventeen"),
    "cosmetic": HTML.replace("“", '"').replace("”", '"'),
    "other": "".join(f"<p>{one}</p>" for one in a_story(1).split("\n")[1:]),
    "teaser": "",
}
PAGE = (
    f"<html><head><title>{TITLE}</title></head><body><article><h1>{TITLE}</h1>{HTML}"
    "<p>More of it was said on the page than in the feed.</p></article></body></html>"
)


class Archive:
    """What was answered in each partition, in memory."""

    def __init__(self) -> None:
        self.held: dict[Partition, list[Response]] = {}
        self.gone: set[Partition] = set()

    def partitions(
        self, since: date | None = None, until: date | None = None
    ) -> list[Partition]:
        return sorted(
            one
            for one in self.held
            if (since or one.day) <= one.day <= (until or one.day)
        )

    def holds(self, partition: Partition) -> bool:
        return partition in self.held

    def expired(self, partition: Partition) -> bool:
        return partition in self.gone

    def salvaged(self, partition: Partition) -> Iterator[Response]:
        yield from self.held[partition]


class Lake:
    """Working partitions, in memory."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, Partition], pa.Table] = {}

    def write(self, name: str, partition: Partition, rows: object) -> str:
        table = rows if isinstance(rows, pa.Table) else pa.concat_tables(rows)
        self.held[name, partition] = table
        return str(hash(str(table.to_pylist())))

    def read(self, name: str, partition: Partition) -> pa.Table | None:
        return self.held.get((name, partition))

    def partitions(self, name: str, day: date | None = None) -> list[Partition]:
        return sorted(
            one for held, one in self.held if held == name and day in (None, one.day)
        )

    def days(self, name: str) -> list[date]:
        return sorted({one.day for one in self.partitions(name)})

    def expired(self, _: date) -> frozenset[Partition]:
        return frozenset()

    def work_sha256(self, *_: object) -> tuple[int, str]:
        raise AssertionError


class LongWay(DbSeen):
    """What ``read`` remembers, if it forgot each entry."""

    def shown(self, *_: object, **__: object) -> dict:
        return {}


@cache
def a_database() -> Database:
    """One for all: what is costly is its first statements."""
    return Database("sqlite://")


class Reader:
    """``read`` over an archive that grows; the database is lost with each new one."""

    def __init__(self, archive: Archive, store: type[DbSeen]) -> None:
        self.archive, self.lake, self._store = archive, Lake(), store
        self.database = a_database()
        self.lose_the_database()
        self.reports: list[Report] = []

    def read(self, at: datetime, feeds: list[Feed], *stale: Partition) -> None:
        kept = DbProgress(self.database, FOLDS)
        for partition in stale:
            kept.stale("read", partition)
        report = reading.read(
            at,
            feeds=feeds,
            archive=self.archive,
            lake=self.lake,
            seen=self._store(self.database),
            progress=kept,
            bounds=Bounds(),
            reader="as it is",
        )
        self.reports.append(report)

    def lose_the_database(self) -> None:
        with self.database.begin() as db:
            for table in (progress, seen, bands, entries):
                db.execute(sa.delete(table))

    @property
    def told(self) -> dict[tuple[str, Partition], list[dict]]:
        return {key: table.to_pylist() for key, table in self.lake.held.items()}


def an_answer(feed_id: str, *items: dict) -> Response:
    document = {"version": "https://jsonfeed.org/version/1.1", "items": list(items)}
    return a_response(feed_id=feed_id, body=json.dumps(document).encode(), headers={})


def a_page(url: str) -> Response:
    return a_response(
        kind=Answer.PAGE,
        url=url,
        body=PAGE.encode(),
        headers={"content-type": "text/html"},
    )


def an_item(
    url: str = PLACES[0],
    guid: str = "",
    words: str = "first",
    title: str = TITLE,
    dated: datetime | None = NOON,
    author: str = "",
) -> dict:
    item = {"url": url, "id": guid, "title": title, "summary": PARAGRAPHS[0]}
    item |= {"content_html": WORDS[words]} if WORDS[words] else {}
    item |= {"date_published": dated.isoformat()} if dated else {}
    return item | ({"authors": [{"name": author}]} if author else {})


# ------------------------------------------------------------------- invented histories


@dataclass(frozen=True)
class Pass:
    """What is archived some time after the last pass, and what befalls the lake then."""

    later: timedelta
    answers: tuple[Response, ...]
    feeds: tuple[int, ...] = (0, 1, 2)
    renamed: bool = False
    again: int | None = None  # the partition that is read once more
    expired: int | None = None
    lost: bool = False


ITEMS = st.builds(
    an_item,
    url=st.sampled_from(PLACES),
    guid=st.sampled_from(["", "g1", "g1", "g2", "http://herald.example/b"]),
    words=st.sampled_from(sorted(WORDS)),
    title=st.sampled_from([TITLE, TITLE, f"{TITLE} - The Herald", ""]),
    dated=st.sampled_from(
        [NOON, None, NOON + timedelta(days=5), NOON - timedelta(days=30)]
    ),
    author=st.sampled_from(["", "A. Writer"]),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Pass]:
    """Passes of few entries, most of which are shown again and again."""
    pool = draw(st.lists(ITEMS, min_size=1, max_size=4))
    items = st.one_of(st.sampled_from(pool), st.sampled_from(pool), ITEMS)
    feeds = st.sampled_from([feed.id for feed in FEEDS])
    answer = st.one_of(
        st.builds(
            lambda name, some: an_answer(name, *some),
            feeds,
            st.lists(items, min_size=1, max_size=3),
        ),
        st.builds(lambda name, some: an_answer(name, *some), feeds, st.just(pool)),
        st.builds(a_page, st.sampled_from(PLACES[:3])),
    )
    number = st.one_of(st.none(), st.none(), st.integers(0, 5))
    one = st.builds(
        Pass,
        later=st.sampled_from(
            [
                timedelta(minutes=15),
                timedelta(hours=9),
                timedelta(days=8),
                FORGOTTEN_AFTER + timedelta(days=2),
            ]
        ),
        answers=st.lists(answer, min_size=1, max_size=3).map(tuple),
        feeds=st.sampled_from([(0, 1, 2), (0, 1, 2), (0, 1), (1, 2)]),
        renamed=st.integers(0, 5).map(lambda n: n == 0),
        again=number,
        expired=number,
        lost=st.integers(0, 7).map(lambda n: n == 0),
    )
    return draw(st.lists(one, min_size=2, max_size=6))


def happened(history: list[Pass], store: type[DbSeen]) -> tuple[Reader, object]:
    """Read pass after pass, and after a loss of everything but the archive once more."""
    archive = Archive()
    reader, at, known, feeds = Reader(archive, store), NOON, [], FEEDS
    for one in history:
        at += one.later
        known.append(Partition.at(at))
        archive.held[known[-1]] = list(one.answers)
        feeds = [FEEDS[nth] for nth in one.feeds]
        if one.renamed:
            feeds = [replace(feed, outlet=f"{feed.outlet} Daily") for feed in feeds]
        if one.expired is not None:
            archive.gone.add(known[one.expired % len(known)])
        if one.lost:
            reader.lose_the_database()
        stale = [known[one.again % len(known)]] if one.again is not None else []
        reader.read(at, feeds, known[-1], *stale)
    first = reader.told
    again = Reader(archive, store)
    archive.gone.clear()
    again.read(at, feeds)
    return reader, (first, reader.reports, again.told, again.reports)


def turns(*words: str) -> list[Pass]:
    """One entry in these words, a pass each."""
    return [
        Pass(
            timedelta(minutes=15), (an_answer("herald", an_item(guid="g1", words=one)),)
        )
        for one in words
    ]


def quarters(*answers: Response | tuple[Response, ...]) -> list[Pass]:
    """These answers, a pass of a quarter of an hour each."""
    return [
        Pass(timedelta(minutes=15), one if isinstance(one, tuple) else (one,))
        for one in answers
    ]


def shown(*, at: int, guid: str, words: str) -> Response:
    return an_answer("herald", an_item(url=PLACES[at], guid=guid, words=words))


CONTESTED = quarters(  # one place, two articles: the GUID's is the earlier
    shown(at=1, guid="g1", words="other"),
    shown(at=0, guid="x", words="first"),
    shown(at=0, guid="g1", words="first"),
    shown(at=1, guid="g1", words="edited"),
    shown(at=0, guid="g1", words="first"),
)
PAGED = quarters(
    shown(at=0, guid="g1", words="teaser"),
    (a_page(PLACES[0]), shown(at=0, guid="g1", words="teaser")),
    shown(at=0, guid="g1", words="teaser"),
)
COPIED = [  # the outlet's second URL is nothing new for a week
    *quarters(
        shown(at=0, guid="x", words="first"), shown(at=2, guid="y", words="first")
    ),
    Pass(timedelta(days=8), (shown(at=2, guid="y", words="first"),)),
]


@given(histories())
@example(CONTESTED)
@example(PAGED)
@example(COPIED)
@example(turns("first", "edited", "first", "first", "edited"))
@example(turns("teaser", "first", "teaser", "teaser"))
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_what_is_read_is_the_same_as_if_every_entry_went_the_long_way(
    history: list[Pass],
) -> None:
    _, short = happened(history, DbSeen)
    _, long = happened(history, LongWay)

    assert short == long


# ------------------------------------------------------------------------ what it saves


def drafts_of(reader: Reader, at: datetime, *answers: Response, monkeypatch) -> int:
    """How many drafts reading these answers takes."""
    made = []
    with monkeypatch.context() as patched:
        whole = reading.to_draft
        patched.setattr(reading, "to_draft", lambda *of: made.append(of) or whole(*of))
        reader.archive.held[Partition.at(at)] = list(answers)
        reader.read(at, FEEDS, Partition.at(at))
    return len(made)


def test_an_entry_shown_again_takes_no_draft(monkeypatch) -> None:
    reader = Reader(Archive(), DbSeen)
    items = [
        an_item(url=f"http://herald.example/{n}", title=f"{TITLE} {n}", words=words)
        for n, words in enumerate(WORDS)
    ]

    def drafts(minutes: int, *shown: dict) -> int:
        at = NOON + timedelta(minutes=minutes)
        return drafts_of(
            reader, at, an_answer("herald", *shown), monkeypatch=monkeypatch
        )

    assert drafts(0, *items) == len(items)
    assert drafts(15, *items) == 0
    assert drafts(30, *items, an_item(url="http://herald.example/new")) == 1
    assert (
        drafts(
            45, *(item | {"date_published": "2026-03-02T13:00:00Z"} for item in items)
        )
        == 0
    )
    edited = items[0] | {"content_html": WORDS["edited"]}
    assert drafts(60, edited, *items[1:]) == 1  # a revision
    assert drafts(75, edited, *items[1:]) == 0
    assert drafts(90, *items) == 1  # the first words again: a revision
    assert drafts(105, *items) == 0
    assert [report.rows for report in reader.reports] == [5, 0, 1, 0, 1, 0, 1, 0]


def test_a_teaser_of_an_article_that_has_its_page_takes_no_draft(monkeypatch) -> None:
    reader = Reader(Archive(), DbSeen)
    teaser = an_answer("herald", an_item(words="teaser"))

    def drafts(minutes: int, *answers: Response) -> int:
        return drafts_of(
            reader, NOON + timedelta(minutes=minutes), *answers, monkeypatch=monkeypatch
        )

    drafts(0, teaser, a_page(PLACES[0]))
    assert drafts(15, teaser) == 0
    assert drafts(30, a_page(PLACES[0]), teaser) == 1
    assert drafts(45, teaser) == 0


def test_an_entry_that_is_shown_for_long_is_read_once_more_and_known_again(
    monkeypatch,
) -> None:
    reader = Reader(Archive(), DbSeen)
    answer = an_answer("herald", an_item())

    def drafts(days: int) -> int:
        return drafts_of(
            reader, NOON + timedelta(days=days), answer, monkeypatch=monkeypatch
        )

    assert [drafts(day) for day in (0, 20, 31, 32, 50)] == [1, 0, 0, 1, 0]


def test_what_another_reader_made_of_an_entry_is_not_relied_on() -> None:
    entry, feed = an_entry(), a_feed()
    known = entry_digest(entry, feed, "one")

    assert entry_digest(entry, feed, "one") == known
    others = [
        entry_digest(entry, feed, "another"),
        entry_digest(entry, replace(feed, outlet="The Post"), "one"),
        entry_digest(entry, replace(feed, url="http://herald.example/new"), "one"),
        *(
            entry_digest(replace(entry, **{name: "other"}), feed, "one")
            for name in ("guid", "link", "title", "summary_html", "html")
        ),
        entry_digest(
            replace(
                entry,
                title=entry.title[:-1],
                summary_html=entry.title[-1] + entry.summary_html,
            ),
            feed,
            "one",
        ),
    ]
    assert len({known, *others}) == 1 + len(others)


def test_the_digest_is_the_same_on_every_machine() -> None:
    assert (
        entry_digest(an_entry(), a_feed(), "one").hex()
        == "52e0f1376aabf1ff51f466241f4d25e6"
    )
