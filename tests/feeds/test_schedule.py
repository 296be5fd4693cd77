"""When a feed is asked again, and what its row of health says."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import BlockedError, FetchError, ParseError
from pipeline.feeds.schedule import due, next_state, poll_of
from pipeline.model import FeedState, Parsed, PollState, Response
from tests.builders import NOON, a_feed, a_response

FEED = a_feed(every_minutes=15)
STATE = FeedState(feed_id=FEED.id, url=FEED.url)
PARSED = Parsed(title="T", entries=(), version="rss20")
EVERY = timedelta(minutes=15)


def after(outcome: Response | Exception, state: FeedState = STATE) -> FeedState:
    return next_state(FEED, state, outcome, NOON)


def wait(outcome: Response | Exception, state: FeedState = STATE) -> timedelta:
    due_at = after(outcome, state).due_at
    assert due_at is not None
    return due_at - NOON


def test_a_feed_is_due_when_its_time_has_come() -> None:
    feeds = [a_feed(id=name) for name in ("later", "now", "never", "new", "long")]
    states = {
        "later": replace(STATE, due_at=NOON + timedelta(seconds=1)),
        "now": replace(STATE, due_at=NOON),
        "long": replace(STATE, due_at=NOON - EVERY),
        "never": replace(STATE, gone=True),
    }

    assert [feed.id for feed in due(feeds, states, NOON)] == ["new", "long", "now"]
    assert [feed.id for feed in due(feeds, states, NOON, everything=True)] == [
        "new",
        "long",
        "now",
        "later",
    ]


def test_an_answer_keeps_the_rhythm_and_the_validators() -> None:
    headers = {"etag": '"1"', "last-modified": "Mon, 02 Mar 2026 05:10:00 GMT"}
    state = after(a_response(headers=headers), replace(STATE, failures=3))

    assert (state.etag, state.failures) == ('"1"', 0)
    assert state.last_modified == headers["last-modified"]
    assert EVERY * 0.9 <= wait(a_response(headers=headers)) <= EVERY


@given(st.integers(0, 40))
def test_a_failure_doubles_the_wait_at_most_a_day(failures: int) -> None:
    state = replace(STATE, failures=failures)

    waited = wait(FetchError("herald", "no"), state)

    doubled = min(EVERY * 2 ** min(failures + 1, 20), timedelta(days=1))
    assert doubled <= waited <= min(doubled * 1.1, timedelta(days=1))


def test_a_failure_keeps_the_validators() -> None:
    state = replace(STATE, etag='"1"', body_sha256="x")

    assert after(ParseError("herald", "no"), state).etag == '"1"'
    assert after(a_response(status=404), state).etag == '"1"'


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        ("3600", timedelta(hours=1)),
        ("Mon, 02 Mar 2026 14:00:00 GMT", timedelta(hours=2)),
        ("1", EVERY),
        ("Mon, 02 Mar 2026 11:00:00 GMT", EVERY),
        ("99999999999", timedelta(days=1)),
        ("Mon, 02 Mar 2099 11:00:00 GMT", timedelta(days=1)),
    ],
)
def test_retry_after_is_obeyed_within_a_day(
    status: int, asked: str, waited: timedelta
) -> None:
    assert wait(a_response(status=status, headers={"retry-after": asked})) == waited


def test_a_retry_after_that_nobody_can_read_backs_off() -> None:
    answer = a_response(status=429, headers={"retry-after": "soon"})

    assert wait(answer) >= EVERY * 2


def test_gone_ends_the_requests() -> None:
    state = after(a_response(status=410))

    assert (state.gone, state.due_at) == (True, None)
    assert due([FEED], {FEED.id: state}, NOON, everything=True) == []


def test_a_permanent_move_is_believed_when_it_was_seen_twice() -> None:
    answer = a_response(permanent_url="http://herald.example/new")
    once = after(answer)
    twice = after(answer, once)

    assert (once.url, once.moved_to) == (FEED.url, "http://herald.example/new")
    assert (twice.url, twice.moved_to) == ("http://herald.example/new", None)


def test_a_move_that_changes_its_mind_is_not_believed() -> None:
    once = after(a_response(permanent_url="http://a.example/"))
    other = after(a_response(permanent_url="http://b.example/"), once)
    back = after(a_response(), other)

    assert {state.url for state in (once, other, back)} == {FEED.url}
    assert (back.moved_to, back.moved_seen) == (None, 0)


def test_the_same_body_counts_as_unchanged() -> None:
    body = sha256(b"<rss/>").hexdigest()
    state = after(a_response(), replace(STATE, body_sha256=body))

    assert state.unchanged_in_row == 1
    assert poll_of(FEED, a_response(), None, state, NOON).state == "unchanged"


def test_a_body_that_was_cut_is_asked_again_in_full() -> None:
    answer = a_response(headers={"etag": '"1"'}, truncated="too long")

    state = after(answer, replace(STATE, etag='"0"', body_sha256="x"))

    assert (state.etag, state.body_sha256) == (None, None)


def test_a_feed_that_never_changes_is_asked_less_often_within_bounds() -> None:
    quiet = replace(STATE, unchanged_in_row=100)

    assert wait(a_response(status=304), quiet) >= timedelta(minutes=54)
    assert wait(a_response(status=304), quiet) <= timedelta(minutes=60)


def test_the_wishes_of_a_feed_are_honoured_within_bounds() -> None:
    slow = a_response(headers={"cache-control": "public, max-age=2400"})
    never = a_response(headers={"cache-control": "max-age=99999999"})
    ttl = next_state(
        FEED, STATE, a_response(), NOON, parsed=replace(PARSED, ttl_minutes=30)
    )

    assert wait(slow) >= timedelta(minutes=36)
    assert wait(never) <= timedelta(minutes=60)
    assert ttl.due_at is not None
    assert ttl.due_at - NOON >= timedelta(minutes=27)


WALL = b"<html><title>Just a moment...</title><script>_cf_chl_opt</script>"


@pytest.mark.parametrize(
    ("outcome", "parsed", "state", "reason"),
    [
        (a_response(), PARSED, "ok", ""),
        (a_response(status=304), None, "unchanged", "304"),
        (a_response(status=404), None, "error", "HTTP 404 Not Found"),
        (a_response(status=410), None, "gone", "ended"),
        (a_response(status=429), None, "backoff", "HTTP 429"),
        (a_response(status=503), None, "backoff", "HTTP 503"),
        (a_response(status=503, body=WALL), None, "challenge", "bot wall"),
        (a_response(body=WALL), ParseError("herald", "x"), "challenge", "bot wall"),
        (a_response(), ParseError("herald", "empty"), "error", "empty"),
        (a_response(), replace(PARSED, damage="truncated"), "damaged", "truncated"),
        (a_response(truncated="long"), PARSED, "damaged", "long"),
        (a_response(permanent_url="http://b.example/"), PARSED, "moved", "b.example"),
        (BlockedError("herald", "private"), None, "blocked", "private"),
        (FetchError("herald", "silent"), None, "error", "silent"),
    ],
)
def test_each_end_of_a_poll_has_its_state_and_reason(
    outcome: Response | Exception,
    parsed: Parsed | ParseError | None,
    state: str,
    reason: str,
) -> None:
    poll = poll_of(FEED, outcome, parsed, after(outcome), NOON)

    assert poll.state is PollState(state)
    assert reason in poll.reason
    assert (poll.next_due_at is None) == (state == "gone")


def test_a_feed_that_tells_of_a_bot_wall_is_no_bot_wall() -> None:
    body = b"<rss><channel><item><title>Just a moment... says X</title></item></channel></rss>"

    poll = poll_of(FEED, a_response(body=body), PARSED, STATE, NOON)

    assert poll.state == "ok"
