"""When old words were spoken: 'in March 2022 he vowed', 'last month he said'."""

from __future__ import annotations

import re
from datetime import date, timedelta

_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august",
           "september", "october", "november", "december")  # fmt: skip
_MONTH = "|".join(m.capitalize() for m in _MONTHS)
_FULL = re.compile(
    rf"\b(?:(?P<d1>\d{{1,2}})(?:st|nd|rd|th)? (?P<m1>{_MONTH})|(?P<m2>{_MONTH}) "
    rf"(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\b)(?:,? (?P<y>(?:19|20)\d\d))?"
)
_MONTH_ONLY = re.compile(
    rf"\b(?i:in|since|during|back in|mid-|late|early|of)[ -]?(?:mid-|late |early )?"
    rf"(?P<m>{_MONTH})(?:,? (?:of )?(?P<y>(?:19|20)\d\d))?\b"
)
_YEAR = re.compile(r"\b(?i:in|since|back in|during|of) (?P<y>(?:19|20)\d\d)\b")
_LAST = re.compile(
    r"\b(?:last|the previous) (?P<unit>year|month|week)\b", re.IGNORECASE
)
_AGO = re.compile(
    r"\b(?P<n>\d{1,2}|a|two|three|four|five|six) (?P<unit>years?|months?|weeks?) "
    r"(?:ago|earlier|before)\b",
    re.IGNORECASE,
)
_PAST = re.compile(
    r"\b(?:previously|in the past|at the time|back then|earlier this year)\b", re.I
)
_NUMBERS = {"a": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_DAYS = {"year": 365, "month": 30, "week": 7}
_OLD = timedelta(days=8)


def said_on(tag: str, published: date | None) -> tuple[date | None, bool]:
    """The day that the words around a cue name, and whether that is long before.

    ``tag`` is the sentence of the cue without what was said. A month stands for its first
    day, a year for its first; without a year the latest such day before ``published`` is
    meant. Within eight days nothing is old.
    """
    found = _day(tag, published)
    if found is not None:
        if published is not None and published - found < _OLD:
            return None, False
        return found, True
    return None, bool(_PAST.search(tag))


def _day(tag: str, published: date | None) -> date | None:
    full = _FULL.search(tag)
    if full is not None:
        month = full["m1"] or full["m2"]
        return _made(full["y"], month, int(full["d1"] or full["d2"]), published)
    month_only = _MONTH_ONLY.search(tag)
    if month_only is not None:
        return _made(month_only["y"], month_only["m"], 1, published)
    year = _YEAR.search(tag)
    if year is not None:
        return date(int(year["y"]), 1, 1)
    if published is None:
        return None
    last = _LAST.search(tag)
    if last is not None:
        unit = last["unit"].lower()
        if unit == "year":
            return date(published.year - 1, 1, 1)
        return published - timedelta(days=_DAYS[unit])
    ago = _AGO.search(tag)
    if ago is not None:
        number = _NUMBERS.get(ago["n"].lower()) or int(ago["n"])
        return published - timedelta(
            days=number * _DAYS[ago["unit"].lower().rstrip("s")]
        )
    return None


def _made(
    year: str | None, month: str, day: int, published: date | None
) -> date | None:
    number = _MONTHS.index(month.lower()) + 1
    if year is None and published is None:
        return None
    try:
        if year is not None:
            return date(int(year), number, day)
        assert published is not None
        made = date(published.year, number, day)
        return made if made <= published else date(published.year - 1, number, day)
    except ValueError:
        return None
