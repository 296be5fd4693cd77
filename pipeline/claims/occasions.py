"""Whether the same words were spoken on another occasion, as the reports tell it."""

from __future__ import annotations

import re

from pipeline.model import Said

_AGAIN = re.compile(
    r"\b(?:re-?iterat|repeat|re-?affirm|re-?stat|renew|re-?confirm|re-?emphasi[sz])\w*"
    r"|\b(?:again|once more|yet again)\b",
    re.IGNORECASE,
)
_MYSELF = re.compile(
    r"\b(?:I|we|let me) (?:say (?:it|this|so) again|repeat|reiterate)\b"
    r"|\b[Aa]s (?:I|we)(?: have|['’]ve)? (?:already )?said\b"
    r"|\bI(?: have|['’]ve)? (?:already )?said (?:so|it|this|that)? ?"
    r"(?:before|many times|repeatedly|already)\b",
)


def said_again(said: Said) -> bool:
    """Whether the report, or the speaker, says that it is not said for the first time."""
    return bool(_AGAIN.search(said.cue) or _MYSELF.search(said.content))


def elsewhere(a: Said, b: Said) -> str:
    """Why the two are of different occasions, for an editor; empty where nothing says so.

    Of two days the later must be the text's own: the day of an article alone may be
    that of another report of the same speech.
    """
    a, b = (a, b) if a.said_on <= b.said_on else (b, a)
    if b.dated and b.said_on > a.said_on:
        return f"spoken on {b.said_on}, not on {a.said_on}"
    if said_again(b) is not said_again(a):
        return "reported as said again"
    return ""
