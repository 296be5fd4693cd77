"""When old words were spoken: 'in March 2022 he vowed', 'last month he said'."""

from __future__ import annotations

import re
from datetime import date, timedelta

_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august",
           "september", "october", "november", "december")  # fmt: skip
_WEEKDAYS = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip
_MONTH = f"(?-i:{'|'.join(m.capitalize() for m in _MONTHS)})"
_DAY = r"(?:st|nd|rd|th)?"
_AT = r"(?:(?:back |as early as |as far back as )?(?:in|on|during|dated)|back in)"
_PART = r"(?:mid-|late |early |the (?:spring|summer|autumn|fall|winter) of )?"
_YEAR = r"(?:19|20)\d\d"
_NUMBERS = {
    word: number
    for number, word in enumerate(
        ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), 2
    )
} | {"a": 1, "an": 1, "one": 1}
_DATE = re.compile(
    r"\b(?:"
    + "|".join(
        (
            rf"(?P<d1>\d{{1,2}}){_DAY} (?P<m1>{_MONTH})(?:,? (?P<y1>{_YEAR}))?",
            rf"(?P<m2>{_MONTH}) (?P<d2>\d{{1,2}}){_DAY}\b(?:,? (?P<y2>{_YEAR}))?",
            rf"{_AT} {_PART}(?P<m3>{_MONTH})(?! \d{{1,2}}\b)"
            rf"(?:,? (?:of )?(?P<y3>{_YEAR})| of (?P<that>that|the same) year)?",
            rf"(?P<m4>{_MONTH}) (?P<y4>{_YEAR})",
            rf"{_AT} {_PART}(?P<y5>{_YEAR})",
            r"(?:last|the previous) (?P<last>year|month|week)",
            rf"(?P<n>\d{{1,2}}|{'|'.join(_NUMBERS)}) (?P<unit>year|month|week)s? "
            r"(?:ago|earlier)",
            rf"(?:last |on )?(?P<weekday>{'|'.join(_WEEKDAYS)})",
        )
    )
    + r")\b",
    re.IGNORECASE,
)
_NOT_BEFORE = re.compile(
    r"\b(?:until|till|since|before|after|by|from|through|between|to|of|for|than|next|"
    r"the|this|its|his|her|their|our)\s$",
    re.IGNORECASE,
)
_SPOKEN = re.compile(
    r"\s(?:[\w-]+\s){0,2}?(?:interview|speech|address|statement|remarks?|comments?|post|"
    r"message|tweet|letter|article|essay|(?:press |news )?conference|briefing|broadcast)\b"
)
_RELATIVE = re.compile(r"\b(?:who|which|whose|whom|that|when|where)\b", re.IGNORECASE)
_OPENING = re.compile(r"\s*(?:\w+ing|In|At|On|During|Back)\b")
_CLAUSE = re.compile(r"\b(?:and|but|as|while|because)\b|,")
_ASIDE = re.compile(
    r",\s(?:who|which|whose|whom|where|elected|appointed|named|born|launched|begun|"
    r"signed|made|an?|the|then)\b[^,]*,"
)
_PAST = re.compile(
    r"\b(?:previously|in the past|at the time|back then|earlier this year|(?:later )?that year|"
    r"the year before|a year earlier|years earlier)\b",
    re.IGNORECASE,
)
_SINCE = re.compile(
    rf"\b(?P<n>\d{{1,2}}|{'|'.join(_NUMBERS)}) (?P<unit>day|week|month|year)s? "
    r"(?:earlier\b|before(?=\s*(?:[,.;]|\Z)))|"
    rf"\b(?P<m>\d{{1,2}}|{'|'.join(_NUMBERS)}) (?P<of>day|week|month|year)s? "
    r"after (?:\w+ )?\Z",
    re.IGNORECASE,
)
"""How long before what the sentence tells words were spoken: 'a day earlier', 'two weeks
after saying'."""
_HAD = re.compile(r"\bhad (?:\w+ )?\Z", re.IGNORECASE)
_WHO_HAS = re.compile(r"\bwho (?:has|have|had)(?: \w+){1,2}\Z", re.IGNORECASE)
_DAYS = {"year": 365, "month": 30, "week": 7, "day": 1}
_OLD = timedelta(days=8)


def said_on(
    before: str,
    after: str,
    published: date | None,
    earlier: str = "",
    cue: str = "",
) -> tuple[date | None, bool]:
    """The day on which words were spoken, as their sentence says, and whether they are old.

    ``before`` and ``after`` are the sentence's words on both sides of the cue, without
    what was said; ``earlier`` is text before the sentence, for 'that year'. A month
    stands for its first day, a year for its first; without a year the latest such day
    before ``published`` is meant. Within eight days nothing is old, but what 'had' been
    said on a day before or is told to be of so long before what the sentence tells ('a
    day earlier'). Not taken for days of speaking: those of asides and relative clauses,
    the ends of spans ('until March 20') and what a thing is called by ('last month's
    talks').
    """
    left, right = _ASIDE.sub(",", before), _ASIDE.sub(",", after)
    since = _since(left) or _since(right)
    if since is not None:
        number = (since["n"] or since["m"]).lower()
        days = _NUMBERS.get(number) or int(number)
        unit = since["unit"] or since["of"]
        back = timedelta(days=days * _DAYS[unit.lower()])
        return (published - back if published else None), True
    had = cue.startswith("had ") or _HAD.search(before) is not None
    for part in (left, right):
        for found in _DATE.finditer(part):
            if not _of_speaking(part, found):
                continue
            day = _day(found, published, earlier)
            if day is None:
                continue
            if published is not None and published - day < _OLD:
                if had and day < published:
                    return day, True
                return None, False
            return day, True
    if _WHO_HAS.search(f"{before.rstrip()} {cue}"):
        return None, True
    return None, bool(_PAST.search(left) or _PAST.search(right))


def _since(part: str) -> re.Match[str] | None:
    found = _SINCE.search(part)
    return None if found and _RELATIVE.search(part, 0, found.start()) else found


def _of_speaking(part: str, found: re.Match[str]) -> bool:
    """Does a date in a tag belong to the act of speaking?"""
    behind = part[found.end() :]
    if behind.startswith(("'", "’")):
        return False
    if _RELATIVE.search(part, 0, found.start()):
        return False
    opens = part[: found.start()].count(" ") <= 2 or _OPENING.match(part)
    if not opens and _CLAUSE.search(behind):
        return False  # 'the war began in 2022 and X said'
    if _NOT_BEFORE.search(part[: found.start()]) or re.match(
        r"\s(?:and|to|or)\s", behind
    ):
        return _SPOKEN.match(behind) is not None
    return True


def _day(found: re.Match[str], published: date | None, earlier: str) -> date | None:
    if found["weekday"] is not None:
        if published is None:
            return None
        back = (published.weekday() - _WEEKDAYS.index(found["weekday"].lower())) % 7
        return published - timedelta(days=back)
    month = found["m1"] or found["m2"] or found["m3"] or found["m4"]
    if month is not None:
        year = found["y1"] or found["y2"] or found["y3"] or found["y4"]
        if found["that"] is not None:
            years = re.findall(rf"\b{_YEAR}\b", earlier)
            if not years:
                return None
            year = years[-1]
        return _made(year, month, int(found["d1"] or found["d2"] or 1), published)
    if found["y5"] is not None:
        return date(int(found["y5"]), 1, 1)
    if published is None:
        return None
    if found["last"] is not None:
        unit = found["last"].lower()
        if unit == "year":
            return date(published.year - 1, 1, 1)
        return published - timedelta(days=_DAYS[unit])
    word = found["n"].lower()
    number = _NUMBERS.get(word) or int(word)
    return published - timedelta(days=number * _DAYS[found["unit"].lower()])


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
