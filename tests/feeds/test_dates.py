"""Odd dates that can be known are right; those that cannot are None."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.feeds.dates import moment_of

KNOWN = {
    "Mon, 02 Mar 2026 10:15:00 GMT": "2026-03-02T10:15:00",
    "Mon, 2 Mar 2026 10:15 EST": "2026-03-02T15:15:00",
    "Mon, 02 Mar 26 10:15:00 +0300": "2026-03-02T07:15:00",
    "Mon,02 Mar 2026 10:15:00 GMT+3": "2026-03-02T07:15:00",
    "Tue, 02 Mar 2026 10:15:00 Z": "2026-03-02T10:15:00",  # it was a Monday
    "02 March 2026 10:15:00 MSK": "2026-03-02T07:15:00",
    "Mon, 02 Mar 2026 10:15:00 -0530": "2026-03-02T15:45:00",
    "Mon, 02 Mar 2026 24:00:00 +0000": "2026-03-03T00:00:00",
    "Mon, 02 Mar 2026 10:15:60 +0000": "2026-03-02T10:15:59",
    "Mon Mar  2 10:15:00 2026": "2026-03-02T10:15:00",
    "Mon Mar 2 10:15:00 EET 2026": "2026-03-02T08:15:00",
    "2026-03-02T10:15:00Z": "2026-03-02T10:15:00",
    "2026-03-02 10:15:00+02": "2026-03-02T08:15:00",
    "2026-03-02T10:15:00.123+05:30": "2026-03-02T04:45:00",
    "20260302T101500Z": "2026-03-02T10:15:00",
    "2026-03-02": "2026-03-02T00:00:00",
    "2026-W10-1": "2026-03-02T00:00:00",
    "2026-061": "2026-03-02T00:00:00",
    "2026/03/02 10:15": "2026-03-02T10:15:00",
    "02.03.2026, 10:15": "2026-03-02T10:15:00",
    "25/02/2026 10:15": "2026-02-25T10:15:00",
    "02/25/2026 10:15 PM": "2026-02-25T22:15:00",
    "March 2nd, 2026 at 10:15 p.m. EST": "2026-03-03T03:15:00",
    "1772446500": "2026-03-02T10:15:00",
    "1772446500000": "2026-03-02T10:15:00",
    "Пн, 02 мар 2026 10:15:00 +0300": "2026-03-02T07:15:00",
    "2 березня 2026, 10:15": "2026-03-02T10:15:00",
    "Mo, 2. März 2026 10:15 Uhr": "2026-03-02T10:15:00",
    "lundi 2 mars 2026 à 10h15": "2026-03-02T10:15:00",
    "2 de marzo de 2026": "2026-03-02T00:00:00",
    "2026年3月2日 10:15": "2026-03-02T10:15:00",
}
UNKNOWN = [
    "", "   ", "yesterday", "2 hours ago", "10:15", "2026", "2026-03", "March 2026",
    "03/04/2026", "Mon, 31 Feb 2026 10:00:00 GMT", "0000-00-00T00:00:00Z", "2026-13-01",
    "Mon, 02 Mar 2026 25:15:00 GMT", "TBD", "2026-03-02T10:75:00Z", "32 Mar 2026",
    "Spring 2026", "9" * 40, "2026-W60-1", "2026-399", "99999-01-01",
]  # fmt: skip


@pytest.mark.parametrize("text", KNOWN)
def test_an_odd_date_that_can_be_known_is_right(text: str) -> None:
    found = moment_of(text)

    assert found is not None
    assert found.replace(microsecond=0) == datetime.fromisoformat(KNOWN[text]).replace(
        tzinfo=UTC
    )


@pytest.mark.parametrize("text", UNKNOWN)
def test_a_date_that_cannot_be_known_is_not_invented(text: str) -> None:
    assert moment_of(text) is None


@given(st.text(max_size=60))
def test_any_text_gives_a_moment_in_utc_or_none(text: str) -> None:
    found = moment_of(text)

    assert found is None or found.tzinfo is UTC


@given(st.integers(31_536_000, 4_102_444_800))
def test_iso_and_rfc_822_say_the_same(seconds: int) -> None:
    moment = datetime.fromtimestamp(seconds, UTC)

    assert moment_of(moment.isoformat()) == moment
    assert moment_of(f"{moment:%a, %d %b %Y %H:%M:%S} +0000") == moment
