"""Text that came from outside made fit for a page, and values said in words.

Escaping is the template's; here control marks go, lengths are bounded, and only an
address of the web becomes a link.
"""

from __future__ import annotations

import re
from datetime import date, datetime

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August",
    "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS = (
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
)  # fmt: skip

ACTS = {
    "asserts": "asserts",
    "denies": "denies",
    "threatens": "threatens",
    "promises": "promises",
    "calls-for": "calls for",
    "accuses": "accuses",
    "predicts": "predicts",
    "other": "says",
    "attitude": "is described",
}
OUTLET_KINDS = {
    "public": "public broadcaster",
    "state-funded": "state-funded",
    "state": "state media",
    "official": "official source",
}

MAX_URL = 500
_WEB = re.compile(r"https?://[\w.-]+(:\d{1,5})?([/?#][^\s<>\"'`\\]*)?")
_STEERING = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff]+")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_PAIRS = {"“": "”", '"': '"', "«": "»", "„": "“", "‘": "’"}

# Cues that take a clause and nothing else; after any other, 'that' may be wrong
# ('predicted that the collapse') and is never needed.
_THAT = frozenset(
    {
        "said", "says", "stated", "added", "insisted", "argued", "wrote", "saying",
        "adding", "insisting", "arguing",
    }
)  # fmt: skip
_NO_THAT = (
    "to ",
    "that ",
    "whether ",
    "if ",
    "how ",
    "why ",
    "what ",
    "when ",
    "where ",
)
_CUE = re.compile(r"(?:(?:has|have|had) )?[a-z]+(?: (?:for|on|out|off))?")


def plain(text: str, most: int) -> str:
    """One line of at most so many characters.

    Control and steering marks (U+202A to 202E, U+2066 to 2069) are taken out; marks
    that spelling needs, such as U+200C and U+200F, are kept: the page isolates them.
    """
    kept = _CONTROL.sub(" ", _STEERING.sub("", text[: most * 4]))
    kept = _SURROGATE.sub("\ufffd", kept)
    kept = " ".join(kept.split())
    return kept if len(kept) <= most else kept[: most - 1].rstrip() + "…"


def unquoted(text: str) -> str:
    """The words without one pair of outer quotation marks, if nothing else closes it."""
    text = text.strip()
    closing = _PAIRS.get(text[:1])
    inner = text[1:-1]
    if closing and len(text) > 1 and text.endswith(closing):
        return inner if text[0] not in inner and closing not in inner else text
    return text


def link(url: str) -> str:
    """The address, if it is one of the web that a person may follow; else nothing."""
    url = url.strip()
    fits = len(url) <= MAX_URL and _WEB.fullmatch(url) is not None
    return url if fits and plain(url, MAX_URL) == url else ""


def lead(figure: str, cue: str, content: str, language: str) -> tuple[str, str]:
    """What stands before and after the figure in front of words that are not quoted.

    ``('', ' said that')`` gives 'X said that ...'. A cue that English grammar does not
    let stand there gives 'X is reported as saying:'.
    """
    cue, content = cue.strip().casefold(), content.lstrip()
    if cue == "according to" and language == "en":
        return "According to ", ","
    if not figure or language != "en" or not _CUE.fullmatch(cue):
        return "", " is reported as saying:"
    if cue.endswith("ing"):
        cue = f"is reported {cue}"
    last = cue.split()[-1]
    verb = cue.removesuffix(f" {last}") if last in ("for", "on", "out", "off") else cue
    finite = verb.endswith(("ed", "s", "ing")) and not verb.endswith("ss")
    if not finite and last not in _THAT:
        return "", " is reported as saying:"
    clause = last in _THAT and not content.casefold().startswith(_NO_THAT)
    return "", f" {cue} that" if clause else f" {cue}"


def confidence(value: float) -> str:
    """Confidence as a word with its number: 'high, 0.93'."""
    for floor, word in ((0.9, "high"), (0.75, "good"), (0.5, "moderate")):
        if value >= floor:
            return f"{word}, {value:.2f}"
    return f"low, {value:.2f}"


def count(number: int, noun: str, plural: str = "") -> str:
    """'1 claim', '2 claims'."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(parts: list[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def slug_words(slug: str) -> str:
    """A slug as words: 'peace-talks' is 'peace talks'."""
    return plain(slug, 60).replace("-", " ").replace("_", " ")


def long_day(day: date) -> str:
    return f"{WEEKDAYS[day.weekday()]}, {day.day} {MONTHS[day.month - 1]} {day.year}"


def short_day(day: date, beside: date) -> str:
    """'3 Mar', with the year where it is not that of ``beside``."""
    year = f" {day.year}" if day.year != beside.year else ""
    return f"{day.day} {MONTHS[day.month - 1][:3]}{year}"


def moment(at: datetime, beside: date) -> str:
    """'14:05 UTC' on the day itself, else '2 Mar, 14:05 UTC'."""
    clock = f"{at:%H:%M} UTC"
    return clock if at.date() == beside else f"{short_day(at.date(), beside)}, {clock}"
