"""Who said what, as the text has it: quotations, clauses and phrases with their cues."""

from __future__ import annotations

from collections.abc import Iterable

from spacy.tokens import Doc

from pipeline.model import Attribution, Span, Voice
from pipeline.statements.clauses import reported
from pipeline.statements.direct import quoted
from pipeline.statements.lexicon import Cues
from pipeline.statements.phrases import according, headlines, nominal
from pipeline.statements.quotations import Quotation, quotations
from pipeline.statements.reading import Reading

RULES = (quoted, according, reported, nominal, headlines)
"""In order of trust: of two that find the same words, the earlier is kept."""


def attributions(doc: Doc, text: str, cues: Cues) -> list[Attribution]:
    """The attributions of a text, in the order of their content.

    ``doc`` is the parse of ``text``. What a quotation itself reports is left out; of two
    findings with mostly the same words, or with one cue, the one of the earlier rule
    stays.
    """
    quotes = quotations(text)
    reading = Reading(doc, text, quotes, cues)
    kept: list[Attribution] = []
    for rule in RULES:
        for found in rule(reading):
            if _inside_quotation(found, quotes) and rule is not quoted:
                continue
            shaped = _shaped(found, quotes)
            if not any(_same(shaped, other) for other in kept):
                kept.append(shaped)
    return sorted(kept, key=lambda a: (a.content[0], a.content[-1].end))


def voice_of(content: Iterable[Span], quotes: Iterable[Quotation]) -> Voice:
    """Direct when all of it stands inside marks, mixed when some does."""
    spans = list(content)
    marked = [q.outer for q in quotes]
    covered = sum(
        max(0, min(span.end, mark.end) - max(span.start, mark.start))
        for span in spans
        for mark in marked
        if mark.overlaps(span)
    )
    total = sum(len(span) for span in spans)
    if covered >= 0.95 * total:
        return Voice.DIRECT
    return Voice.MIXED if covered else Voice.INDIRECT


def _inside_quotation(found: Attribution, quotes: Iterable[Quotation]) -> bool:
    cue = found.cue
    return cue is not None and any(q.outer.holds(cue) for q in quotes)


def _shaped(found: Attribution, quotes: list[Quotation]) -> Attribution:
    """The finding with its voice; a content wholly inside marks goes without them."""
    content = []
    for span in found.content:
        for quote in quotes:
            if quote.outer == span or (
                quote.outer.start == span.start and quote.outer.end - 1 <= span.end
                and quote.inner.end <= span.end <= quote.outer.end
            ):
                span = quote.inner
                break
        content.append(span)
    return Attribution(
        content=tuple(content),
        cue=found.cue,
        source=found.source,
        voice=voice_of(content, quotes),
        method=found.method,
        confidence=found.confidence,
    )


def _same(one: Attribution, other: Attribution) -> bool:
    if one.cue is not None and one.cue == other.cue:
        return _shared(one, other) > 0
    return _shared(one, other) >= 0.8


def _shared(one: Attribution, other: Attribution) -> float:
    """Characters in both, over characters in the smaller."""
    common = sum(
        max(0, min(a.end, b.end) - max(a.start, b.start))
        for a in one.content
        for b in other.content
    )
    smaller = min(sum(map(len, one.content)), sum(map(len, other.content)))
    return common / smaller if smaller else 0.0
