"""Hours and days in which a feed asks for no request."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.feeds.schedule import next_state
from pipeline.feeds.wishes import after_quiet, quiet_hours
from pipeline.model import FeedState, Parsed
from tests.builders import NOON, a_feed, a_response

NIGHT = (
    "<skipHours>" + "".join(f"<hour>{n}</hour>" for n in range(13, 18)) + "</skipHours>"
)
WEEKEND = "<skipDays><day>Saturday</day><day> Sunday </day></skipDays>"


def test_hours_and_days_become_hours_of_the_week() -> None:
    assert {hour % 24 for hour in quiet_hours(NIGHT)} == {13, 14, 15, 16, 17}
    assert quiet_hours(WEEKEND) == frozenset(range(5 * 24, 7 * 24))
    assert {h % 24 for h in quiet_hours("<skipHours><hour>24</hour></skipHours>")} == {
        0
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<skipHours/>",
        "<skipHours><hour>x</hour><hour>99</hour></skipHours>",
        "<skipHours>"
        + "".join(f"<hour>{n}</hour>" for n in range(24))
        + "</skipHours>",
        "<skipDays>" + "<day>Mon</day><day>Tue</day><day>Wed</day><day>Thu</day>"
        "<day>Fri</day><day>Sat</day><day>Sun</day></skipDays>",
        "<skipHours>" + "<hour>" * 5000,
    ],
)
def test_a_wish_that_cannot_be_meant_is_none(text: str) -> None:
    assert quiet_hours(text) == frozenset()


def test_a_moment_in_a_quiet_hour_moves_to_the_end_of_the_quiet() -> None:
    friday = datetime(2026, 3, 6, 23, 50, tzinfo=UTC)
    quiet = quiet_hours(WEEKEND)

    assert after_quiet(friday, quiet) == friday
    assert after_quiet(friday + timedelta(minutes=20), quiet) == datetime(
        2026, 3, 9, tzinfo=UTC
    )


def test_what_a_feed_asked_for_is_remembered_through_answers_without_a_body() -> None:
    feed = a_feed(every_minutes=15)
    state = FeedState(feed_id=feed.id, url=feed.url)
    parsed = Parsed(
        title="",
        entries=(),
        version="rss20",
        ttl_minutes=50,
        quiet_hours=quiet_hours(NIGHT),
    )

    first = next_state(feed, state, a_response(), NOON, parsed=parsed)
    second = next_state(feed, first, a_response(status=304), NOON)

    assert (first.ttl_minutes, second.ttl_minutes) == (50, 50)
    assert second.due_at is not None
    assert second.due_at - NOON <= timedelta(hours=6)
    thirteen = replace(second, due_at=None)
    later = next_state(
        feed, thirteen, a_response(status=304), NOON + timedelta(minutes=30)
    )
    assert later.due_at == NOON.replace(hour=18)


def test_the_slowest_rhythm_is_a_setting() -> None:
    feed = a_feed(every_minutes=15)
    state = FeedState(feed_id=feed.id, url=feed.url, ttl_minutes=24 * 60)
    answer = a_response(status=304)

    usual = next_state(feed, state, answer, NOON).due_at
    slow = next_state(feed, state, answer, NOON, slowest=timedelta(hours=6)).due_at

    assert usual is not None
    assert slow is not None
    assert usual - NOON <= timedelta(hours=1)
    assert timedelta(hours=5) < slow - NOON <= timedelta(hours=6)
