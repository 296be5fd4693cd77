"""Who said what, as the text has it: quotations, clauses and phrases with their cues."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from spacy.tokens import Doc

from pipeline.model import Attribution, Span, Voice
from pipeline.statements.clauses import reported
from pipeline.statements.direct import loose, quoted
from pipeline.statements.headlines import headlines
from pipeline.statements.lexicon import Cues
from pipeline.statements.phrases import according, nominal
from pipeline.statements.quotations import Quotation, quotations
from pipeline.statements.reading import Reading

RULES = (quoted, according, reported, nominal, headlines)
"""In order of trust: of two that find the same words, the earlier is kept."""


SURE = {
    "quoted": 0.97,
    "quoted-after": 0.7,
    "quoted-alone": 0.6,
    "according": 0.88,
    "clause": 0.85,
    "quote": 0.85,
    "as": 0.8,
    "complement": 0.76,
    "gerund": 0.68,
    "headline": 0.7,
    "dash": 0.7,
    "colon": 0.6,
    "preposition": 0.66,
    "infinitive": 0.65,
    "object": 0.63,
    "nominal": 0.48,
}
"""How often a finding of each rule has the right words (token Jaccard of .5), measured on
every third article of PolNeAR's train part, attitudes left out."""


def attributions(doc: Doc, text: str, cues: Cues) -> list[Attribution]:
    """The attributions of a text, in the order of their content.

    ``doc`` is the parse of ``text``; without one there are none. What a quotation itself reports is left out; of two
    findings with mostly the same words, or with one cue, the one of the earlier rule
    stays.
    """
    if not doc.has_annotation("DEP"):
        return []  # spaCy 3.8 can crash the process when asked for children here
    quotes = quotations(text)
    reading = Reading(doc, text, quotes, cues)
    kept: list[Attribution] = []
    for rule in RULES:
        for found in rule(reading):
            if _inside_quotation(found, quotes) and rule is not quoted:
                continue
            _keep(reading, kept, _shaped(found, quotes))
    _take_up(reading, kept)
    return sorted(kept, key=lambda a: (a.content[0], a.content[-1].end))


def _keep(reading: Reading, kept: list[Attribution], found: Attribution) -> None:
    """Add a finding, or join it to one whose tag stands between the two contents."""
    for number, other in enumerate(kept):
        if (
            found.cue is not None
            and found.cue == other.cue
            and _shared(found, other) == 0
        ):
            first, second = sorted((found, other), key=lambda a: a.content[0])
            around = first.content[-1].end <= found.cue.start < second.content[0].start
            lead = reading.text[found.cue.end : second.content[0].start].split()
            resumed = (
                lead[-1:] == ["that"] or reading.text[second.content[0].start].islower()
            )
            if (
                around
                and resumed
                and (second.method == "quoted" or lead[-1:] == ["that"])
            ):
                content = (*first.content, *second.content)
                voice = voice_of(content, reading.quotes)
                kept[number] = replace(other, content=content, voice=voice)
            if around:
                return
    if not any(_same(found, other) for other in kept):
        kept.append(found)


def _take_up(reading: Reading, kept: list[Attribution]) -> None:
    """Complete quotations that follow a statement's sentence, with no tag of their own.

    Behind a tag that closed a quotation they go on with it; behind an indirect clause
    they are a statement of the same speaker.
    """
    for quote in loose(reading, [span for found in kept for span in found.content]):
        before = [a for a in kept if a.content[-1].end <= quote.outer.start]
        if not before:
            continue
        last = max(
            before, key=lambda a: max(a.content[-1].end, a.cue.end if a.cue else 0)
        )
        end = max(last.content[-1].end, last.cue.end if last.cue else 0)
        between = reading.text[end : quote.outer.start]
        if "\n" in between or len(between) > 120 or _stops(between) > 1:
            continue
        closes = last.cue is not None and last.cue.start >= last.content[-1].end
        if closes and any(q.outer.end == last.content[-1].end for q in reading.quotes):
            content = (*last.content, quote.inner)
            voice = voice_of(content, reading.quotes)
            kept[kept.index(last)] = replace(last, content=content, voice=voice)
        else:
            kept.append(
                Attribution(
                    content=(quote.inner,),
                    cue=None,
                    source=None,
                    voice=Voice.DIRECT,
                    method="quoted-after",
                    confidence=SURE["quoted-after"],
                )
            )


def _stops(text: str) -> int:
    return sum(text.count(mark) for mark in (". ", "! ", "? "))


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
                quote.outer.start == span.start
                and quote.outer.end - 1 <= span.end
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
        confidence=SURE[found.method],
    )


def _same(one: Attribution, other: Attribution) -> bool:
    """One cue, or mostly the same words; a statement within another's words is its own."""
    shared = _shared(one, other)
    if one.cue is not None and one.cue == other.cue:
        return shared > 0
    if _holds_cue(one, other) or _holds_cue(other, one):
        return False
    return shared >= 0.8


def _holds_cue(outer: Attribution, inner: Attribution) -> bool:
    cue = inner.cue
    return cue is not None and any(span.holds(cue) for span in outer.content)


def _shared(one: Attribution, other: Attribution) -> float:
    """Characters in both, over characters in the smaller."""
    common = sum(
        max(0, min(a.end, b.end) - max(a.start, b.start))
        for a in one.content
        for b in other.content
    )
    smaller = min(sum(map(len, one.content)), sum(map(len, other.content)))
    return common / smaller if smaller else 0.0
