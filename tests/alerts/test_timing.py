from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from pipeline.alerts.decide import alerts_for
from pipeline.alerts.timing import digest_id, timed, together, told_key
from pipeline.model import Alert, AlertKind, AlertRule
from tests.alerts.alert_builders import NOW, a_rule, a_state

HOUR = timedelta(hours=1)
NIGHT = {"quiet_hours": (time(22), time(7))}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}+00:00")


def alerts(*claims: str, at: datetime = NOW, **changes: Any) -> list[Alert]:
    states = [a_state(claim_id=c, first_seen_at=at, **changes) for c in claims]
    return alerts_for(
        states, [a_rule()], figures_since={}, lake_since=at, now=at, quiet_first_days=0
    )


def due(rule: AlertRule, at: datetime, **last: datetime) -> datetime | None:
    (alert,) = alerts("c1", at=at)
    before = {told_key(alert): last["last"]} if last else {}
    (found,) = timed([alert], [rule], before)
    return found.due_at


def test_by_default_an_alert_goes_out_at_once():
    assert due(a_rule(), NOW) is None


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("03-01T21:59", None),
        ("03-01T22:00", "03-02T07:00"),
        ("03-02T00:30", "03-02T07:00"),
        ("03-02T06:59", "03-02T07:00"),
        ("03-02T07:00", None),
    ],
)
def test_in_quiet_hours_it_waits_for_their_end(at: str, until: str | None):
    expected = moment(until) if until else None

    assert due(a_rule(**NIGHT), moment(at)) == expected


def test_quiet_hours_within_a_day():
    rule = a_rule(quiet_hours=(time(12), time(13, 30)))

    assert due(rule, moment("03-01T12:10")) == moment("03-01T13:30")
    assert due(rule, moment("03-01T13:30")) is None


def test_quiet_hours_are_those_of_the_rules_time_zone():
    kyiv = a_rule(**NIGHT, time_zone="Europe/Kyiv")

    assert due(kyiv, moment("03-01T20:30")) == moment("03-02T05:00")
    assert due(kyiv, moment("07-01T19:30")) == moment("07-02T04:00")  # summer time


def test_the_night_on_which_the_clock_is_put_forward_ends_at_the_local_hour():
    london = a_rule(**NIGHT, time_zone="Europe/London")

    assert due(london, moment("03-28T23:00")) == moment("03-29T06:00")


def test_a_digest_waits_for_its_next_hour():
    rule = a_rule(digest_at=(time(8), time(18)))

    assert due(rule, moment("03-01T07:59")) == moment("03-01T08:00")
    assert due(rule, moment("03-01T08:00")) == moment("03-01T18:00")
    assert due(rule, moment("03-01T18:30")) == moment("03-02T08:00")


def test_a_figure_told_of_is_not_told_of_again_within_the_cooldown():
    rule = a_rule(cooldown=6 * HOUR)

    assert due(rule, NOW, last=NOW - HOUR) == NOW + 5 * HOUR
    assert due(rule, NOW, last=NOW - 7 * HOUR) is None
    assert due(rule, NOW, last=NOW + 2 * HOUR) == NOW + 2 * HOUR  # goes along


def test_of_one_pass_the_first_goes_out_and_the_rest_wait_together():
    found = timed(alerts("c1", "c2", "c3"), [a_rule(cooldown=HOUR)], {})

    assert [one.due_at for one in found] == [None, NOW + HOUR, NOW + HOUR]
    assert [len(batch) for batch in together([(one, 0) for one in found])] == [1, 2]


def test_what_was_tried_as_often_goes_out_as_it_did_before():
    found = [
        replace(one, due_at=NOW) for one in alerts("c1", "c2", "c3")
    ]  # the third came late
    waiting = [(found[0], 1), (found[1], 1), (found[2], 0)]

    batches = together(waiting)

    assert [[one.claim_id for one, _ in b] for b in batches] == [["c1", "c2"], ["c3"]]
    first = [one for one, _ in batches[0]]
    assert digest_id(first) == digest_id(first[::-1])


def test_a_retraction_waits_for_no_digest_and_never_overtakes():
    rule = a_rule(digest_at=(time(8),), cooldown=HOUR, **NIGHT)
    (alert,) = alerts("c1")
    back = replace(alert, kind=AlertKind.RETRACTION, alert_id="r")

    assert timed([back], [rule], {told_key(alert): NOW})[0].due_at is None
    waits = replace(back, due_at=NOW + 3 * HOUR)
    assert timed([waits], [rule], {})[0].due_at == NOW + 3 * HOUR


def test_an_alert_of_a_rule_that_is_gone_keeps_its_moment():
    assert timed(alerts("c1"), [], {})[0].due_at is None
    assert NOW.tzinfo is UTC
