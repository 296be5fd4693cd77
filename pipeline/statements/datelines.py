"""Datelines: ``KYIV (Reuters) - ``, ``MOSCOW, March 3. /TASS/. ``, which nobody says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from pipeline.model import Attribution, Span

_PLACE = r"[A-ZÀ-Ý][\w.’'-]*(?:[ ,]+[A-ZÀ-Ý][\w.’'-]*){0,5}"
_DAY = r"(?:,? (?:[A-Z][a-z]+\.? \d{1,2}|\d{1,2} [A-Z][a-z]+\.?)(?:,? (?:19|20)\d\d)?)?"
_AGENCY = r"(?:/[^/\n]{2,30}/|\([A-Z][^()\n]{1,30}\)|\[[A-Z][^\[\]\n]{1,30}\])"
_DATELINE = re.compile(
    rf"^[ \t]*(?:{_PLACE}{_DAY}[.,:]?[ \t]*{_AGENCY}[.:]?[ \t]*(?:[—–-]{{1,2}}[ \t]*)?"
    rf"|[A-ZÀ-Ý]{{3,}}[A-ZÀ-Ý .,’'-]*(?:, [A-Z][\w. ]{{1,20}})?{_DAY}[ \t]+[—–-]{{1,2}}[ \t]+)",
    re.MULTILINE,
)


def without_datelines(found: Iterable[Attribution], text: str) -> Iterator[Attribution]:
    """The findings whose contents hold nothing of a dateline before or behind them.

    Recognised: a place, perhaps a day, and an agency between strokes or brackets; or a
    place in capitals before a dash. A finding that is all dateline is dropped.
    """
    lines = [Span(*match.span()) for match in _DATELINE.finditer(text)]
    if not lines:
        yield from found
        return
    for one in found:
        content = tuple(
            span
            for span in (_without(span, lines, text) for span in one.content)
            if span
        )
        if content == one.content:
            yield one
        elif content:
            yield replace(one, content=content)


def _without(span: Span, lines: list[Span], text: str) -> Span | None:
    for line in lines:
        if line.start <= span.start < line.end:
            return Span(line.end, span.end) if line.end < span.end else None
        if span.start < line.start < span.end <= line.end:  # a title and what follows
            end = len(text[: line.start].rstrip())
            return Span(span.start, end) if span.start < end else None
    return span
