"""Where a content ends: what of a sentence is said, and what the reporter adds."""

from __future__ import annotations

from spacy.tokens import Token

from pipeline.model import Span
from pipeline.statements.reading import Reading, child, resumes

_CONCESSIONS = frozenset({"while", "although", "though", "despite", "whereas"})
_BREAKS = frozenset({",", "—", "–", "--"})
_CONDITIONS = frozenset(
    {"if", "unless", "because", "until", "so", "should", "even", "whether"}
)
TIMES = frozenset(
    [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "today",
        "yesterday",
        "earlier",
        "later",
        "week",
        "month",
        "year",
        "night",
        "morning",
        "evening",
        "afternoon",
    ]
)
_OCCASIONS = frozenset(
    [
        "interview",
        "statement",
        "speech",
        "address",
        "conference",
        "briefing",
        "remarks",
        "tweet",
        "post",
        "letter",
        "video",
        "call",
        "meeting",
        "comments",
        "article",
        "report",
    ]
)


def cut(reading: Reading, head: Token, first: int, last: int) -> int:
    """Where the reporter goes on: trailing clauses and asides that are not content.

    Cut are: a new paragraph; ``according to``; at the end, behind a comma, a relative
    clause, a participle, a concession, an apposition with an article; an occasion of
    speaking (``in an interview``). Nothing inside quotation marks is cut.
    """
    _, end = reading.sentence(head.i)
    last = min(last, end - 1)
    doc = reading.doc
    resumed = resumes(reading, head)
    if resumed is not None and resumed.i <= last:
        last = resumed.i - 1
        while last > first and doc[last].dep_ in ("cc", "advmod", "punct"):
            last -= 1
    for i in range(max(head.i, first) + 1, last):
        if "\n" in doc[i].text:
            return i - 1
        if (
            doc[i].text in _BREAKS
            and reading.quote_of[i] < 0
            and _aside(reading, i, last)
        ):
            return i - 1
        if doc[i].lower_ in ("although", "though") and reading.quote_of[i] < 0:
            if _aside(reading, i - 1, last):
                return i - 1
    return _without_occasion(reading, head, first, last)


def _aside(reading: Reading, comma: int, last: int) -> bool:
    """Does the reporter's own clause begin behind this comma and run to the end?"""
    word = reading.doc[comma + 1]
    if reading.quote_of[comma + 1] >= 0:
        return False
    if word.lower_ == "according":
        return True
    if (
        word.pos_ == "ADP"
        and comma + 2 <= last
        and reading.doc[comma + 2].tag_ == "WDT"
    ):
        return True  # ', during which P'
    top = word
    while top.head != top and top.head.left_edge.i > comma:
        top = top.head
    if top.right_edge.i < last - 1:
        return False
    if top.dep_ == "relcl":
        return True
    if word.lower_ in _CONCESSIONS and top.dep_ in (
        "advcl",
        "prep",
        "mark",
        "conj",
        "dep",
    ):
        return True
    if word.lower_ == "as":
        return (
            top.dep_ == "advcl" and child(top, "nsubj", "nsubjpass", "expl") is not None
        )
    if top.tag_ == "VBG" and top.dep_ in ("advcl", "acl", "prep", "conj"):
        return top.lower_ not in ("including", "regarding", "concerning")
    return top.dep_ == "appos" and word.lower_ in ("a", "an")


def _without_occasion(reading: Reading, head: Token, first: int, last: int) -> int:
    """The content without ``in an interview`` or ``in comments on X`` at its end."""
    for i in range(last, max(first, last - 9), -1):
        token = reading.doc[i]
        if (
            token.dep_ == "prep"
            and token.right_edge.i >= last
            and reading.quote_of[i] < 0
        ):
            named = child(token, "pobj")
            if (
                token.lower_ in ("in", "at", "during")
                and named is not None
                and (named.lower_ in _OCCASIONS and i - 1 > head.i)
            ):
                return i - 1
    return last


def extended(reading: Reading, verb: Token, last: int) -> int:
    """A condition or reason right behind the content, without a comma, belongs to it."""
    for below in verb.rights:
        if (
            below.left_edge.i == last + 1
            and below.dep_ == "advcl"
            and (reading.doc[last + 1].lower_ in _CONDITIONS)
        ):
            return below.right_edge.i
    return last


def of_occasion(prep: Token) -> bool:
    """``on Monday``, ``in an interview``: about the act of saying, not its content."""
    named = child(prep, "pobj")
    if named is None:
        return False
    return (
        named.lower_ in TIMES
        or named.ent_type_ in ("DATE", "TIME")
        or named.lower_ in _OCCASIONS
    )


def marked_that(clause: Token) -> bool:
    mark = child(clause, "mark")
    return mark is not None and mark.lower_ == "that"


def tidy(reading: Reading, spans: list[Span], verb: Token) -> list[Span]:
    """The spans without edge punctuation, cutting no quotation, apart from the cue."""
    tidy = []
    for span in spans:
        start, end = reading.whole(span.start, span.end)
        cue = reading.starts[verb.i]
        if start <= cue < end:
            continue
        stripped = reading.strip(start, end)
        if stripped is not None:
            tidy.append(stripped)
    return tidy
