"""Quotation marks of every style, found in one pass over the text.

Handled: straight and curly double marks, two apostrophes, single marks, guillemets, low
marks, dash quotes, quotations over several paragraphs (opened in each, closed once),
marks left open and marks of two styles. An apostrophe is not a mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from pipeline.model import Span


class Style(StrEnum):
    DOUBLE = "double"
    SINGLE = "single"
    GUILLEMET = "guillemet"
    DASH = "dash"


@dataclass(frozen=True, slots=True)
class Quotation:
    """One stretch between quotation marks, within one paragraph.

    ``outer`` holds the marks, ``inner`` does not. ``continues`` says that the quotation
    before it was left open and that this one takes it up.
    """

    outer: Span
    inner: Span
    style: Style
    closed: bool = True
    continues: bool = False


_MARK = re.compile(r"''|``|[\"“”„‟″＂«»‘’‚‛'`]")
_DASH = re.compile(r"[ \t]*([-–—])[ \t]+(?=\S)")
_DOUBLE = frozenset(["''", "``", '"', "“", "”", "„", "‟", "″", "＂"])
_OPEN_ONLY = frozenset("“„‟")
_CLOSE_ONLY = frozenset("”")
_SINGLES = frozenset("‘’‚‛'`")
_BEFORE_OPENING = frozenset("([{-–—/:;,.!?…\"“„«‘'" + "\u00a0")
_LONGEST_SINGLE = 1200
"""A single mark whose partner is farther away than this is an apostrophe."""


def quotations(text: str) -> list[Quotation]:
    """The outermost quotations of the text, in order; they never overlap."""
    found: list[Quotation] = []
    open_style: Style | None = (
        None  # style of a quotation left open by the last paragraph
    )
    for start, end in _paragraphs(text):
        dashed = _dash_quotes(text, start, end)
        if dashed:
            found.extend(dashed)
            open_style = None
            continue
        here = list(_in_paragraph(text, start, end, open_style))
        found.extend(here)
        left_open = bool(here) and not here[-1].closed and here[-1].outer.end >= end - 1
        open_style = here[-1].style if left_open else None
    return found


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for match in re.finditer(r"\n+", text):
        if match.start() > start:
            yield start, match.start()
        start = match.end()
    if start < len(text):
        yield start, len(text)


def _dash_quotes(text: str, start: int, end: int) -> list[Quotation]:
    """``- Speech - said the president. - More speech.``: a paragraph that a dash opens.

    The odd pieces between dashes of that kind are speech, the even ones are not.
    """
    opening = _DASH.match(text, start, end)
    if opening is None:
        return []
    dash = opening[1]
    cuts = [
        m.span()
        for m in re.compile(rf"(?<=\S)[ \t]+{dash}[ \t]+").finditer(text, start, end)
    ]
    if not cuts:
        return []
    found, at = [], opening.end()
    for number in range(0, len(cuts) + 1, 2):
        until = cuts[number][0] if number < len(cuts) else end
        if until > at:
            inner = Span(at, until)
            found.append(Quotation(inner, inner, Style.DASH, continues=number > 0))
        if number + 1 < len(cuts):
            at = cuts[number + 1][1]
        else:
            break
    return found


def _in_paragraph(
    text: str, start: int, end: int, open_style: Style | None
) -> Iterator[Quotation]:
    marks = [m for m in _MARK.finditer(text, start, end) if not _in_word(text, m)]
    single_ends = _single_ends(text, marks)
    opened: re.Match[str] | None = None
    continues = False
    skip_until = -1
    for number, mark in enumerate(marks):
        if mark.start() < skip_until:
            continue
        char = mark[0]
        if opened is not None:
            if _style(opened[0]) is not _style(char):
                continue  # a quotation inside a quotation
            if _closes(text, mark, opened[0], end):
                yield _between(text, opened, mark, continues)
                opened, continues = None, False
            elif _opens(text, mark, end) and char != "'":
                yield _left_open(text, opened, mark.start(), continues)
                opened, continues = mark, True
            continue
        style = _style(char)
        if style is Style.SINGLE:
            closing = single_ends.get(number)
            if closing is not None:
                yield _between(text, mark, closing, False)
                skip_until = closing.end()
        elif _opens(text, mark, end):
            at_start = not text[start : mark.start()].strip()
            opened, continues = mark, at_start and open_style is style
    if opened is not None:
        yield _left_open(text, opened, end, continues)


def _style(char: str) -> Style:
    if char in _DOUBLE:
        return Style.DOUBLE
    return Style.GUILLEMET if char in "«»" else Style.SINGLE


def _in_word(text: str, mark: re.Match[str]) -> bool:
    """An apostrophe, or an inch mark between two letters or digits."""
    before = text[mark.start() - 1 : mark.start()]
    after = text[mark.end() : mark.end() + 1]
    return before.isalnum() and after.isalnum() and mark[0] in _SINGLES


def _opens(text: str, mark: re.Match[str], end: int) -> bool:
    char = mark[0]
    if char in _CLOSE_ONLY or char == "»":
        return False
    if char in _OPEN_ONLY or char in ("«", "``"):
        return True
    before = text[mark.start() - 1 : mark.start()] if mark.start() else ""
    after = text[mark.end() : mark.end() + 1] if mark.end() < end else ""
    if not after or after.isspace():
        return False
    return not before or before.isspace() or before in _BEFORE_OPENING


def _closes(text: str, mark: re.Match[str], opening: str, end: int) -> bool:
    char = mark[0]
    if char in _CLOSE_ONLY or char == "»":
        return True
    if char == "“":
        return opening == "„"  # „low“ marks close with what opens elsewhere
    if char in _OPEN_ONLY or char in ("«", "``"):
        return False
    before = text[mark.start() - 1 : mark.start()] if mark.start() else ""
    after = text[mark.end() : mark.end() + 1] if mark.end() < end else ""
    if before.isspace() and after and not after.isspace():
        return after in ".,;:!?)"
    return True


def _single_ends(text: str, marks: list[re.Match[str]]) -> dict[int, re.Match[str]]:
    """For each single mark that opens, the mark that closes it.

    A plural's apostrophe (``workers' rights``) closes only when no better mark follows
    before the next opening.
    """
    ends: dict[int, re.Match[str]] = {}
    opened: int | None = None
    weak: re.Match[str] | None = None
    for number, mark in enumerate(marks):
        if mark[0] not in _SINGLES:
            continue
        before = text[mark.start() - 1 : mark.start()] if mark.start() else ""
        after = text[mark.end() : mark.end() + 1]
        can_open = (
            bool(after)
            and not after.isspace()
            and mark[0] != "’"
            and (not before or before.isspace() or before in _BEFORE_OPENING)
        )
        can_close = bool(before) and not before.isspace() and not after.isalnum()
        if (
            opened is not None
            and mark.start() - marks[opened].start() > _LONGEST_SINGLE
        ):
            if weak is not None:
                ends[opened] = weak
            opened, weak = None, None
        if opened is not None and can_close and mark[0] not in "‘‚‛`":
            plural = before == "s" and re.match(
                r" [a-z]", text[mark.end() : mark.end() + 2]
            )
            if plural:
                weak = weak or mark
                continue
            ends[opened] = mark
            opened, weak = None, None
        elif can_open:
            if opened is not None and weak is not None:
                ends[opened] = weak
            opened, weak = number, None
    if opened is not None and weak is not None:
        ends[opened] = weak
    return ends


def _between(
    text: str, opening: re.Match[str], closing: re.Match[str], continues: bool
) -> Quotation:
    inner = _stripped(text, opening.end(), closing.start())
    outer = Span(opening.start(), closing.end())
    return Quotation(outer, inner, _style(opening[0]), True, continues)


def _left_open(
    text: str, opening: re.Match[str], end: int, continues: bool
) -> Quotation:
    inner = _stripped(text, opening.end(), end)
    return Quotation(
        Span(opening.start(), max(inner.end, opening.end())),
        inner,
        _style(opening[0]),
        False,
        continues,
    )


def _stripped(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start, end)
