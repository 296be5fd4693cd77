from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from pipeline.alerts.schedule import MAX_ATTEMPTS, retry_at
from tests.alerts.alert_builders import NOW


def test_the_wait_doubles_from_a_minute_to_six_hours():
    waits = [_wait(attempt) for attempt in range(1, MAX_ATTEMPTS)]

    assert timedelta(minutes=1) <= waits[0] <= timedelta(minutes=1.2)
    assert all(later >= wait / 1.2 for wait, later in pairwise(waits))
    assert timedelta(hours=6) <= waits[-1] <= timedelta(hours=7.2)
    assert timedelta(days=2) < sum(waits, timedelta()) < timedelta(days=5)


def test_the_last_try_has_none_after_it():
    assert retry_at(MAX_ATTEMPTS, NOW, "a") is None


def test_the_same_try_waits_the_same_and_two_alerts_wait_apart():
    assert retry_at(5, NOW, "a") == retry_at(5, NOW, "a")
    assert retry_at(5, NOW, "a") != retry_at(5, NOW, "b")


def test_tries_count_from_one():
    with pytest.raises(ValueError, match="counts from 1"):
        retry_at(0, NOW, "a")


def _wait(attempt: int) -> timedelta:
    at = retry_at(attempt, NOW, "a")
    assert at is not None
    return at - NOW
