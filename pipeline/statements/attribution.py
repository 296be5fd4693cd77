"""Who said what, as the text has it: quotations, clauses and phrases with their cues."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from spacy.tokens import Doc

from pipeline.model import Attribution, Span, Voice
from pipeline.statements.channels import without_channels
from pipeline.statements.clauses import reported
from pipeline.statements.direct import loose, quoted
from pipeline.statements.headlines import headlines
from pipeline.statements.lexicon import Cues
from pipeline.statements.phrases import according, nominal
from pipeline.statements.quotations import quotations
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

    ``doc`` is the parse of ``text``; without one there are none. What a quotation itself
    reports is left out; of two findings with mostly the same words, or with one cue, the
    one of the earlier rule stays.
    """
    if not doc.has_annotation("DEP"):
        return []  # spaCy 3.8 can crash the process when asked for children here
    reading = Reading(doc, text, quotations(text), cues)
    findings = _Findings(reading)
    for rule in RULES:
        for found in rule(reading):
            if rule is quoted or not _inside_quotation(found, reading):
                shaped = _shaped(found, reading)
                if shaped.content:
                    findings.add(shaped)
    _take_up(reading, findings.kept)
    said = without_channels(findings.kept, text)
    return sorted(said, key=lambda a: (a.content[0], a.content[-1].end))


class _Findings:
    """What was found so far, looked up by place."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.kept: list[Attribution] = []
        self._near: dict[int, set[int]] = {}

    def add(self, found: Attribution) -> None:
        """Keep a finding, join it to one whose tag stands between, or drop it."""
        near = self._around(found)
        for number in near:
            if _tag_between(found, self.kept[number]):
                joined = self._joined(found, self.kept[number])
                if joined is not None:
                    self._put(number, joined)
                return
        same = [number for number in near if _same(found, self.kept[number])]
        for number in same:
            one = self.kept[number]
            if one.source is None and found.source is not None and one.cue == found.cue:
                self.kept[number] = replace(one, source=found.source)
        if not same:
            self.kept.append(found)
            self._put(len(self.kept) - 1, found)

    def _joined(self, found: Attribution, other: Attribution) -> Attribution | None:
        """``"P1," he said, "and p2"``; ``"P1," he said, that P2``: one statement."""
        assert found.cue is not None
        first, second = sorted((found, other), key=lambda a: a.content[0])
        start = second.content[0].start
        text = self.reading.text
        that = text[found.cue.end : start].split()[-1:] == ["that"]
        if not that and not (text[start].islower() and second.method == "quoted"):
            return None
        content = (*first.content, *second.content)
        return replace(other, content=content, voice=voice_of(content, self.reading))

    def _around(self, found: Attribution) -> list[int]:
        return sorted(
            {n for block in _blocks(found) for n in self._near.get(block, ())}
        )

    def _put(self, number: int, found: Attribution) -> None:
        self.kept[number] = found
        for block in _blocks(found):
            self._near.setdefault(block, set()).add(number)


def _blocks(found: Attribution) -> set[int]:
    """Numbers of the stretches of 512 code points that a finding touches."""
    spans = [*found.content, *([found.cue] if found.cue else [])]
    return {n for span in spans for n in range(span.start >> 9, (span.end >> 9) + 1)}


def _tag_between(one: Attribution, other: Attribution) -> bool:
    """Have both one cue, which stands between their contents?"""
    if one.cue is None or one.cue != other.cue or _shared(one, other):
        return False
    first, second = sorted((one, other), key=lambda a: a.content[0])
    return first.content[-1].end <= one.cue.start < second.content[0].start


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
            voice = voice_of(content, reading)
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


def voice_of(content: Iterable[Span], reading: Reading) -> Voice:
    """Direct when all of it stands inside marks, mixed when some does."""
    spans = list(content)
    covered = sum(
        min(span.end, quote.outer.end) - max(span.start, quote.outer.start)
        for span in spans
        for quote in reading.quotes_over(span.start, span.end)
    )
    if covered >= 0.95 * sum(map(len, spans)):
        return Voice.DIRECT
    return Voice.MIXED if covered else Voice.INDIRECT


def _inside_quotation(found: Attribution, reading: Reading) -> bool:
    cue = found.cue
    return cue is not None and any(
        quote.outer.holds(cue) for quote in reading.quotes_over(cue.start, cue.end)
    )


def _shaped(found: Attribution, reading: Reading) -> Attribution:
    """The finding with its voice and confidence; wholly inside marks it goes without.
    Marks around nothing ('“,”') have no content."""
    bare = (_without_marks(span, reading) for span in found.content)
    content = tuple(span for span in bare if span.of(reading.text).strip())
    return replace(
        found,
        content=content,
        voice=voice_of(content, reading),
        confidence=SURE[found.method],
    )


def _without_marks(span: Span, reading: Reading) -> Span:
    for quote in reading.quotes_over(span.start, span.end):
        outer, inner = quote.outer, quote.inner
        if (
            outer.start == span.start
            and max(inner.end, outer.end - 1) <= span.end <= outer.end
        ):
            return inner
    return span


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
