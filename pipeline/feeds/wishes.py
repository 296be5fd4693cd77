"""When a feed asks not to be asked: RSS ``skipHours`` and ``skipDays``.

Both become hours of the week in UTC, counted from Monday 00:00.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

WEEK = 7 * 24
MAX_WEEKDAYS = 5  # skipped days that are believed; a feed that skips more is asked

_SKIP = re.compile(
    r"<skip(Hours|Days)\b[^>]{0,200}>(.{0,4000}?)</skip\1\s*>", re.I | re.S
)
_HOUR = re.compile(r"<hour\b[^>]{0,200}>\s*(\d{1,2})\s*</hour\s*>", re.I)
_DAY = re.compile(r"<day\b[^>]{0,200}>\s*([A-Za-z]{3})[A-Za-z]*\s*</day\s*>", re.I)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def quiet_hours(text: str) -> frozenset[int]:
    """The hours in which a document asks for no request; none if it asks for all."""
    if "<skip" not in text and "<SKIP" not in text and "<Skip" not in text:
        return frozenset()
    hours: set[int] = set()
    days: set[int] = set()
    for found in _SKIP.finditer(text):
        if found[1].lower() == "hours":
            named = (int(hour) for hour in _HOUR.findall(found[2]))
            hours.update(hour % 24 for hour in named if hour <= 24)
        else:
            names = (name.lower() for name in _DAY.findall(found[2]))
            days.update(_DAYS.index(name) for name in names if name in _DAYS)
    if len(hours) == 24 or len(days) > MAX_WEEKDAYS:
        return frozenset()
    return frozenset(
        24 * day + hour
        for day in range(7)
        for hour in range(24)
        if day in days or hour in hours
    )


def after_quiet(moment: datetime, quiet: frozenset[int]) -> datetime:
    """The moment, or the first after it that lies in no quiet hour."""
    if not quiet:
        return moment
    for ahead in range(WEEK):
        one = moment + timedelta(hours=ahead)
        if 24 * one.weekday() + one.hour not in quiet:
            return one if not ahead else one.replace(minute=0, second=0, microsecond=0)
    return moment
