"""Moments as feeds write them. What cannot be known is None; nothing is invented.

Known: RFC 822 and its neighbours, ISO 8601, asctime, numeric days with an unambiguous
order, Unix seconds, month names in the languages of our feeds, zones by name. Without a
zone UTC is taken (RFC 5322, 3.3). Not known: a moment without its day ('2025-03',
'12:30'), 03/04/2025 (which is the month?), words such as 'yesterday'.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta

_MONTHS = {
    1: "jan january januar janvier januari gennaio enero janeiro styczen stycznia "
    "ян янв январь января сич січ січень січня ocak leden ledna",
    2: "feb febr february februar fevrier fev febbraio febrero fevereiro luty lutego "
    "фев февр февраль февраля лют лютий лютого subat unor unora",
    3: "mar march marz maerz mrz mars marzo marco marzec marca maart "
    "мар март марта бер березень березня mart brezen brezna",
    4: "apr april avril avr aprile abril kwiecien kwietnia "
    "апр апрель апреля кві квіт квітень квітня nisan duben dubna",
    5: "may mai maj maja maggio mayo maio mei "
    "май мая тра трав травень травня mayis kveten kvetna",
    6: "jun june juni juin giugno junio junho czerwiec czerwca "
    "июн июнь июня чер черв червень червня haziran cerven cervna",
    7: "jul july juli juillet juil luglio julio julho lipiec lipca "
    "июл июль июля лип липень липня temmuz cervenec cervence",
    8: "aug august aout agosto sierpien sierpnia augustus "
    "авг август августа сер серп серпень серпня agustos srpen srpna",
    9: "sep sept september septembre settembre septiembre setembro wrzesien wrzesnia "
    "сен сент сентябрь сентября вер вересень вересня eylul zari",
    10: "oct october okt oktober octobre ottobre octubre outubro pazdziernik "
    "pazdziernika окт октябрь октября жов жовтень жовтня ekim rijen rijna",
    11: "nov november novembre noviembre novembro listopad listopada "
    "ноя нояб ноябрь ноября лис листопад листопада kasim listopadu",
    12: "dec december dez dezember decembre dicembre dic diciembre dezembro grudzien "
    "grudnia дек декабрь декабря гру груд грудень грудня aralik prosinec prosince",
}
_MONTH_OF = {name: month for month, names in _MONTHS.items() for name in names.split()}

_ZONES = {
    "utc": 0, "ut": 0, "gmt": 0, "z": 0, "zulu": 0, "wet": 0,
    "bst": 60, "west": 60, "cet": 60, "met": 60, "mez": 60, "wat": 60,
    "cest": 120, "mest": 120, "mesz": 120, "eet": 120, "cat": 120, "sast": 120,
    "eest": 180, "msk": 180, "trt": 180, "eat": 180, "ast": -240, "msd": 240,
    "samt": 240, "gst": 240, "irst": 210, "pkt": 300, "yekt": 300, "uzt": 300,
    "ist": 330, "npt": 345, "omst": 360, "ict": 420, "wib": 420, "krat": 420,
    "hkt": 480, "sgt": 480, "awst": 480, "irkt": 480, "pht": 480,
    "jst": 540, "kst": 540, "yakt": 540, "acst": 570, "aest": 600, "vlat": 600,
    "acdt": 630, "aedt": 660, "nzst": 720, "nzdt": 780,
    "nst": -210, "ndt": -150, "adt": -180, "brt": -180, "art": -180,
    "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360,
    "pst": -480, "pdt": -420, "akst": -540, "akdt": -480, "hst": -600,
}  # fmt: skip

_ISO = re.compile(
    r"(\d{4})(?:-(\d{1,2})-(\d{1,2})|(\d\d)(\d\d)|-?(?:(W)(\d\d)-?([1-7])|(\d{3})))"
    r"(?:(?:\s*[Tt_,]\s*|\s+)(.*))?"
)
_NUMERIC = re.compile(r"(\d{1,4})([./-])(\d{1,2})\2(\d{4}|\d{1,2})\.?(?:[\sT,]+(.*))?")
_CLOCK = re.compile(
    r"(\d{1,2})[:h](\d{1,2})(?::(\d{1,2}))?(?:[.,]\d+)?\s*([ap])?\.?(?:m\b\.?)?"
)
_COMPACT_CLOCK = re.compile(r"(\d\d)(\d\d)(\d\d)?(?:[.,]\d+)?(?![\d:])")
_OFFSET = re.compile(
    r"(?:(?:gmt|utc|ut|z)?\s*)?([+\-−–])\s*(\d{1,2}):?(\d{2})?(?::?\d\d)?(?!\d)"
)
_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"\d+")
_ORDINAL = re.compile(r"(\d)(?:st|nd|rd|th)\b")
_WEEKDAYS = re.compile(
    r"^(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*|[^\W\d_]{2,12}(?=\.?,))\.?\s*,?\s+",
    re.I,
)
_CJK = re.compile(r"^(\d{4})[年년]\s*(\d{1,2})[月월]\s*(\d{1,2})[日일]\s*")
_LONGEST = 100
_USUAL_MONTHS = {
    name.capitalize(): nth for name, nth in _MONTH_OF.items() if len(name) == 3
}
_USUAL = re.compile(
    r"(?:(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?(\d\d?) ([A-Z][a-z][a-z]) (\d{4}) |"
    r"(\d{4})-(\d\d)-(\d\d)T)(\d\d):(\d\d)(?::(\d\d))?"
    r" ?(GMT|UTC|Z|[+-](?:0\d|1[0-4])(?::?[0-5]\d))",
    re.A,
)


def moment_of(text: str | None) -> datetime | None:
    """The moment in UTC; None where the text does not say one."""
    if not text:
        return None
    found = _USUAL.fullmatch(text)
    if found:
        try:
            return _usual(found)
        except (ValueError, KeyError, OverflowError):
            pass  # a month or an hour that there is not
    text = " ".join(unicodedata.normalize("NFKC", text[: _LONGEST + 1]).split())
    if not text or len(text) > _LONGEST:
        return None
    try:
        return _unix(text) or _written(text)
    except (ValueError, OverflowError):
        return None


def _usual(found: re.Match[str]) -> datetime:
    """What nearly all feeds write, read without further ado."""
    day, name, year, iso_year, iso_month, iso_day, *clock, zone = found.groups()
    hour, minute, second = (int(part or 0) for part in clock)
    if name:
        date = int(year), _USUAL_MONTHS[name], int(day)
    else:
        date = int(iso_year), int(iso_month), int(iso_day)
    moment = datetime(*date, hour, minute, second, tzinfo=UTC)
    if zone[0] not in "+-":
        return moment
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return moment - offset if zone[0] == "+" else moment + offset


def _unix(text: str) -> datetime | None:
    """Seconds (10 digits) or milliseconds (13) since 1970."""
    if not text.isascii() or not text.isdigit() or len(text) not in (10, 13):
        return None
    return datetime.fromtimestamp(int(text[:10]), UTC)


def _written(text: str) -> datetime | None:
    text = _CJK.sub(r"\1-\2-\3 ", text)
    found = _ISO.fullmatch(text)
    if found:
        return _iso(found)
    text = _WEEKDAYS.sub("", text, count=1)
    found = _ISO.fullmatch(text)
    if found:
        return _iso(found)
    found = _NUMERIC.fullmatch(text)
    if found:
        return _numeric(found)
    return _named(text)


def _iso(found: re.Match[str]) -> datetime | None:
    year = int(found[1])
    if found[6]:
        day = datetime.fromisocalendar(year, int(found[7]), int(found[8]))
        day = day.replace(tzinfo=UTC)
    elif found[9]:
        if not 1 <= int(found[9]) <= 366:
            return None
        day = _day(year, 1, 1) + timedelta(days=int(found[9]) - 1)
        if day.year != year:
            return None
    else:
        day = _day(year, int(found[2] or found[4]), int(found[3] or found[5]))
    return _with_clock(day, found[10] or "")


def _numeric(found: re.Match[str]) -> datetime | None:
    """Year first; day first with dots; else only where one of the two is above 12."""
    first, middle, last = int(found[1]), int(found[3]), int(found[4])
    if len(found[1]) == 4:
        return _with_clock(_day(first, middle, last), found[5] or "")
    if len(found[1]) > 2 or len(found[4]) != 4:
        return None
    if found[2] == "." or first > 12 or first == middle:
        day, month = first, middle
    elif middle > 12:
        day, month = middle, first
    else:
        return None
    return _with_clock(_day(last, month, day), found[5] or "")


def _named(text: str) -> datetime | None:
    """A day whose month is a word: ``3 March 2025``, ``March 3, 2025``, asctime."""
    text = _ORDINAL.sub(r"\1", text.casefold())
    month_at = month = None
    for word in _WORD.finditer(text):
        found = _MONTH_OF.get(_plain(word[0]))
        if found is not None:
            month, month_at = found, word
            break
    if month is None or month_at is None:
        return None
    before, after = text[: month_at.start()], text[month_at.end() :]
    day_text = re.search(r"(\d+)\W*(?:de\s+)?$", before)
    if day_text and len(day_text[1]) <= 2:
        return _day_first(int(day_text[1]), month, after)
    if day_text and len(day_text[1]) == 4:  # 2025 March 3
        later = re.match(r"\W*(\d{1,2})\b(.*)$", after)
        if later is None:
            return None
        day = _day(int(day_text[1]), month, int(later[1]))
        return _with_clock(day, later[2])
    return _month_first(month, after)


def _day_first(day: int, month: int, after: str) -> datetime | None:
    found = re.match(r"\W*(?:de\s+)?'?(\d{4}|\d\d)(?![\d:])(.*)$", after)
    if found is None:
        return None
    return _with_clock(_day(_year(found[1]), month, day), found[2])


def _month_first(month: int, after: str) -> datetime | None:
    """``March 3, 2025 10:15 am`` and asctime's ``Mar  3 10:15:00 2025``."""
    found = re.match(r"\W*(\d{1,2})(?![\d:])(.*)$", after)
    if found is None:
        return None
    day, rest = int(found[1]), found[2]
    plain = re.match(r"\W*(\d{4})(?![\d:])(.*)$", rest)
    if plain:
        return _with_clock(_day(int(plain[1]), month, day), plain[2])
    late = re.match(r"\W*(\d{1,2}:\d\d(?::\d\d)?)\s*(.*?)\s*(\d{4})(.*)$", rest)
    if late is None:
        return None
    clock = f"{late[1]} {late[2]}{late[4]}"
    return _with_clock(_day(int(late[3]), month, day), clock)


def _day(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


def _year(text: str) -> int:
    """Two digits as RFC 2822, 4.3 reads them."""
    year = int(text)
    if len(text) == 4:
        return year
    return year + (2000 if year < 50 else 1900)


def _with_clock(day: datetime, rest: str) -> datetime | None:
    """The moment of a day with what is written after it."""
    rest = rest.strip(" ,.;|-–—\t").casefold() if not _starts_offset(rest) else rest
    rest = re.sub(r"^(?:at|um|в|о|o|à|as|às|the|г\.?,?|року)\s+", "", rest.casefold())
    found = _CLOCK.match(rest) or _COMPACT_CLOCK.match(rest)
    if found is None:
        if _NUMBER.search(rest) and not _OFFSET.search(rest):
            return None
        return day - _offset(rest)
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    if found.re is _CLOCK and found[4]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found[4] == "p" else 0)
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and minute + second):
        return None
    moment = day + timedelta(hours=hour, minutes=minute, seconds=min(second, 59))
    return moment - _offset(rest[found.end() :])


def _starts_offset(rest: str) -> bool:
    return bool(re.match(r"\s*[+\-]\d", rest))


def _offset(rest: str) -> timedelta:
    """East of Greenwich. An unknown name is UTC, as RFC 5322, 4.3 has it."""
    found = _OFFSET.search(rest)
    if found:
        hours, minutes = int(found[2]), int(found[3] or 0)
        if hours > 15 or minutes > 59:
            raise ValueError(f"not an offset: {rest}")
        offset = timedelta(hours=hours, minutes=minutes)
        return offset if found[1] == "+" else -offset
    for word in _WORD.findall(rest):
        if word in _ZONES:
            return timedelta(minutes=_ZONES[word])
    return timedelta()


def _plain(word: str) -> str:
    """A word without its accents: 'März' and 'Marz' are one month."""
    return (
        "".join(
            char
            for char in unicodedata.normalize("NFKD", word.replace("ł", "l"))
            if not unicodedata.combining(char)
        ).replace("ı", "i")
        if not _cyrillic(word)
        else word
    )


def _cyrillic(word: str) -> bool:
    return any("Ѐ" <= char <= "ӿ" for char in word)
