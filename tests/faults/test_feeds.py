"""Every way in which a feed's server misbehaves ends in a named row, in time."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator

import pytest

from pipeline.adapters.http import HttpFetcher
from pipeline.errors import BlockedError, FetchError, ParseError
from pipeline.feeds.parse import parse_feed
from pipeline.feeds.schedule import next_state, poll_of
from pipeline.model import FeedState, Parsed, Poll, Response
from tests.builders import NOON, a_feed
from tests.faults.server import BOMBS, Fault, faulty

TOTAL_SECONDS = 1.4


@pytest.fixture(scope="module")
def fault() -> Iterator[Fault]:
    with faulty() as fault:
        yield fault


def a_fetcher(fault: Fault, **values: object) -> HttpFetcher:
    bounds: dict[str, object] = {
        "connect_seconds": 1.0,
        "read_seconds": 0.8,
        "total_seconds": TOTAL_SECONDS,
        "deadline_seconds": 20.0,
        "max_bytes": 2_000_000,
        "max_wire_bytes": 1_000_000,
        "workers": 16,
        "allow": {fault.place},
        "page_pause_seconds": 0.0,
    }
    return HttpFetcher(**{**bounds, **values})  # type: ignore[arg-type]


def asked(
    fault: Fault, path: str, state: FeedState | None = None
) -> tuple[Response | Exception, Parsed | ParseError | None, Poll]:
    """What asking, parsing and judging one path comes to."""
    feed = a_feed(url=fault.url(path))
    state = state or FeedState(feed_id=feed.id, url=feed.url)
    ((_, outcome),) = a_fetcher(fault).feeds([(feed, state)], now=NOON)
    parsed: Parsed | ParseError | None = None
    if isinstance(outcome, Response) and 200 <= outcome.status < 300:
        try:
            parsed = parse_feed(outcome)
        except ParseError as error:
            parsed = error
    judged = parsed if isinstance(parsed, ParseError) else outcome
    after = next_state(feed, state, judged, NOON)
    return outcome, parsed, poll_of(feed, outcome, parsed, after, NOON)


ROWS = {
    # silence
    "/hang": ("error", "silent for 0.8 s"),
    "/hang-after-head": ("error", "silent for 0.8 s"),
    "/slow-head": ("error", "not whole within 1.4 s"),
    "/drip": ("error", "not whole within 1.4 s"),
    "/drip-after-entries": ("damaged", "not whole within 1.4 s"),
    "/late": ("ok", ""),
    "/hang-up": ("error", "hung up"),
    "/hang-up-in-head": ("error", "hung up"),
    # size
    "/huge": ("error", "more than 1000000 bytes sent"),
    "/huge-with-entries": ("damaged", "more than 1000000 bytes sent"),
    "/bomb-gzip": ("error", "more than 2000000 bytes"),
    "/bomb-deflate": ("error", "more than 2000000 bytes"),
    "/bomb-br": ("error", "more than 2000000 bytes"),
    "/bomb-zstd": ("error", "more than 2000000 bytes"),
    "/bomb-nested": ("error", "more than 2000000 bytes"),
    "/bomb-many-codings": ("error", "50 content codings"),
    "/bomb-zstd-window": ("error", "zstd window"),
    "/headers": ("error", ""),
    "/long-header": ("error", ""),
    "/noise": ("error", "more than 1000000 bytes sent"),
    "/laughs": ("ok", ""),
    "/external-entity": ("ok", ""),
    # redirects
    "/loop": ("error", "redirect loop"),
    "/loop-a": ("error", "redirect loop"),
    "/chain": ("error", "more than 5 redirects"),
    "/to-metadata": ("blocked", "link-local"),
    "/to-loopback": ("blocked", "loopback"),
    "/to-decimal": ("blocked", "loopback"),
    "/to-mapped": ("blocked", "loopback"),
    "/to-private": ("blocked", "private"),
    "/to-localhost": ("blocked", "loopback"),
    "/to-file": ("blocked", "not http"),
    "/to-gopher": ("blocked", "not http"),
    "/to-nothing": ("error", "HTTP 302"),
    "/to-garbage": ("error", "not a URL"),
    "/moved": ("moved", "/feed (seen once)"),
    "/moved-308": ("moved", "/feed (seen once)"),
    "/found": ("ok", ""),
    "/moved-then-found": ("moved", "/found (seen once)"),
    # statuses
    "/404": ("error", "HTTP 404 Not Found"),
    "/410": ("gone", "HTTP 410"),
    "/429": ("backoff", "asked to wait: 3600"),
    "/503": ("backoff", "asked to wait: Mon, 02 Mar 2026 13:00:00 GMT"),
    "/500": ("error", "HTTP 500"),
    "/403": ("error", "HTTP 403 Forbidden"),
    "/999": ("error", "HTTP 999"),
    "/204": ("error", "empty"),
    "/challenge": ("challenge", "bot wall"),
    "/challenge-200": ("challenge", "bot wall"),
    # bodies
    "/feed": ("ok", ""),
    "/empty": ("error", "empty"),
    "/spaces": ("error", "empty"),
    "/html": ("error", "not a feed: HTML page 'Home'"),
    "/text": ("error", "not XML"),
    "/json": ("error", "JSON without items"),
    "/truncated": ("damaged", "truncated"),
    "/short-body": ("damaged", "the body ended too early"),
    "/not-gzip": ("ok", ""),
    "/gzip": ("ok", ""),
    "/gz-file": ("ok", ""),
    "/deflate": ("ok", ""),
    "/deflate-raw": ("ok", ""),
    "/br": ("ok", ""),
    "/zstd": ("ok", ""),
    "/gzip-cut": ("damaged", "ends too early"),
    "/gzip-damaged": ("error", "damaged gzip"),
    "/coding-unknown": ("error", "unknown content coding"),
    "/chunked": ("ok", ""),
    "/chunked-broken": ("error", ""),
    "/not-http": ("error", "not HTTP"),
    "/http-0.9": ("error", "not HTTP"),
    "/latin1-declared-utf8": ("ok", ""),
    "/utf8-declared-latin1": ("ok", ""),
    "/cp1251": ("ok", ""),
    "/utf16": ("ok", ""),
    "/conditional": ("ok", ""),
    # seen with fresh eyes
    **{
        f"/to-{name}": ("blocked", "")
        for name in (
            "octal", "hex", "short", "nat64", "6to4", "unique-local", "zone", "user",
 "javascript", "data",
        )
    },
    "/to-fullwidth": ("error", "no such host"),
    "/to-long": ("error", ""),
    "/see-other": ("ok", ""),
    "/temporary": ("ok", ""),
    "/choices": ("error", "HTTP 300"),
    "/304": ("unchanged", "HTTP 304"),
    "/206": ("ok", ""),
    "/401": ("error", "HTTP 401"),
    "/451": ("error", "HTTP 451"),
    "/429-garbage": ("backoff", "soon"),
    "/429-huge": ("backoff", "999"),
    "/too-long-body": ("error", ""),
    "/negative-length": ("error", ""),
    "/two-lengths": ("error", ""),
    "/length-and-chunks": ("error", ""),
    "/chunk-too-large": ("error", ""),
    "/chunks-cut": ("damaged", ""),
    "/chunk-extension": ("error", ""),
    "/trailers": ("error", ""),
    "/one-byte-chunks": ("error", ""),
    "/continue": ("error", ""),
    "/second-answer": ("ok", ""),
    "/cookies": ("ok", ""),
    "/null-header": ("error", ""),
    "/status-text": ("error", ""),
    "/upgrade": ("error", ""),
    "/x-gzip": ("ok", ""),
    "/identity": ("ok", ""),
    "/two-members": ("ok", ""),
    "/gzip-with-tail": ("ok", ""),
    "/br-damaged": ("error", "br"),
    "/zstd-damaged": ("error", "zstd"),
    "/utf32": ("ok", ""),
    "/utf16-declared-utf8": ("ok", ""),
    "/charset-unknown": ("ok", ""),
    "/charset-utf7": ("ok", ""),
    "/invalid-bytes": ("ok", ""),
    "/nulls": ("ok", ""),
    "/deep": ("error", ""),
    "/deep-html": ("damaged", "nested deeper"),
    "/attributes": ("error", ""),
    "/feed-in-html": ("error", "HTML page"),
    "/quadratic": ("ok", ""),
    "/parameter-entity": ("ok", ""),
    "/consent": ("error", "HTML page 'Before you continue'"),
    "/json-cut": ("damaged", "truncated"),
    "/json-deep": ("error", "not JSON"),
}  # fmt: skip


@pytest.mark.parametrize("path", ROWS)
def test_each_fault_is_a_named_row_in_time(fault: Fault, path: str) -> None:
    state, reason = ROWS[path]
    fault.asked.clear()
    began = time.monotonic()

    _, _, poll = asked(fault, path)

    assert time.monotonic() - began < TOTAL_SECONDS + 2.5
    assert (poll.state, reason in poll.reason) == (state, True), poll.reason
    assert bool(poll.reason) == (state != "ok")


@pytest.mark.parametrize(
    "path",
    [*BOMBS, "/huge", "/long-header", "/chunk-extension", "/trailers", "/continue",
     "/one-byte-chunks"],
)  # fmt: skip
def test_a_bomb_is_never_held_whole_in_memory(fault: Fault, path: str) -> None:
    feed = a_feed(url=fault.url(path))
    state = FeedState(feed_id=feed.id, url=feed.url)
    tracemalloc.start()
    try:
        ((_, outcome),) = a_fetcher(fault).feeds([(feed, state)], now=NOON)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert isinstance(outcome, FetchError)
    assert peak < 20_000_000


def test_what_came_before_a_cut_is_kept(fault: Fault) -> None:
    outcome, parsed, poll = asked(fault, "/drip-after-entries")

    assert isinstance(outcome, Response)
    assert outcome.truncated is not None
    assert isinstance(parsed, Parsed)
    assert [entry.guid for entry in parsed.entries] == [f"guid-{n}" for n in range(5)]
    assert poll.entries == 5


def test_a_truncated_feed_gives_the_entries_before_the_cut(fault: Fault) -> None:
    _, parsed, poll = asked(fault, "/truncated")

    assert isinstance(parsed, Parsed)
    assert [entry.guid for entry in parsed.entries] == [f"guid-{n}" for n in range(4)]
    assert (poll.state, poll.reason) == ("damaged", "truncated")


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/latin1-declared-utf8", "Café"),
        ("/utf8-declared-latin1", "Зеленский — “да”"),
        ("/cp1251", "Новости"),
        ("/utf16", "Новости"),
        ("/utf32", "Новости"),
        ("/utf16-declared-utf8", "Новости"),
        ("/nulls", "ab"),
    ],
)
def test_an_encoding_is_read_as_it_is(fault: Fault, path: str, title: str) -> None:
    _, parsed, _ = asked(fault, path)

    assert isinstance(parsed, Parsed)
    assert parsed.title == title


def test_no_entity_reads_a_file(fault: Fault) -> None:
    _, parsed, _ = asked(fault, "/external-entity")

    assert isinstance(parsed, Parsed)
    assert "root:" not in str(parsed)


def test_a_feed_that_is_unchanged_is_asked_conditionally(fault: Fault) -> None:
    feed = a_feed(url=fault.url("/conditional"))
    state = FeedState(feed_id=feed.id, url=feed.url)
    first, _, _ = asked(fault, "/conditional")
    assert isinstance(first, Response)

    after = next_state(feed, state, first, NOON)
    second, _, poll = asked(fault, "/conditional", after)

    assert isinstance(second, Response)
    assert (second.status, second.body) == (304, b"")
    assert poll.state == "unchanged"


def test_faults_do_not_delay_the_feeds_beside_them(fault: Fault) -> None:
    paths = ["/hang", "/slow-head", "/drip", "/hang-after-head"] * 3 + ["/feed"] * 20
    feeds = [a_feed(id=f"f{n}", url=fault.url(path)) for n, path in enumerate(paths)]
    asked = [(feed, FeedState(feed_id=feed.id, url=feed.url)) for feed in feeds]
    began = time.monotonic()

    answers = a_fetcher(fault).feeds(asked, now=NOON)
    outcomes = {feed.id: outcome for feed, outcome in answers}

    assert time.monotonic() - began < 5
    assert len(outcomes) == len(feeds)
    good = [out for out in outcomes.values() if isinstance(out, Response)]
    assert len(good) == 20


def test_a_round_that_is_stopped_at_its_deadline_keeps_what_it_has(
    fault: Fault,
) -> None:
    paths = ["/feed", "/hang", "/feed"]
    feeds = [a_feed(id=f"f{n}", url=fault.url(path)) for n, path in enumerate(paths)]
    asked = [(feed, FeedState(feed_id=feed.id, url=feed.url)) for feed in feeds]
    fetcher = a_fetcher(
        fault, deadline_seconds=0.8, read_seconds=30.0, total_seconds=30.0
    )
    began = time.monotonic()

    found = {feed.id for feed, _ in fetcher.feeds(asked, now=NOON)}

    assert time.monotonic() - began < 3
    assert found == {"f0", "f2"}


def test_an_inside_address_is_refused_without_being_asked(fault: Fault) -> None:
    feed = a_feed(url=fault.url("/feed"))
    state = FeedState(feed_id=feed.id, url=feed.url)
    before = len(fault.asked)

    ((_, outcome),) = a_fetcher(fault, allow=()).feeds([(feed, state)], now=NOON)

    assert isinstance(outcome, BlockedError)
    assert len(fault.asked) == before
