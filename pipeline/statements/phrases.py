"""Cues that are no verbs: ``according to X``, ``X's claim that P``, ``X's call for P``."""

from __future__ import annotations

from collections.abc import Iterator

from spacy.tokens import Token

from pipeline.model import Attribution, Span, Voice
from pipeline.statements.reading import Reading, child
from pipeline.statements.sources import phrase, source_of_noun

_CHANNELS = frozenset(
    {"readout", "transcript", "statement", "translation", "text", "post"}
)
"""What only carries words: its sentence has a speaker of its own."""


def according(reading: Reading) -> Iterator[Attribution]:
    """``According to X, P`` and ``P, in X's words``: the sentence without the phrase."""
    for first, last, named in _phrases(reading):
        source = phrase(reading, named)
        if source is None or named.lower_ in _CHANNELS:
            continue
        source = _without_subject(reading, source, named)
        start, end = reading.sentence(first)
        cue = reading.span(first, last)
        behind = reading.token_at(max(source.end, cue.end) - 1)
        content = list(_rest_of_sentence(reading, first, behind, start, end))
        if content:
            if cue.overlaps(source):  # 'in X's words'
                cue = reading.span(last, last)
            yield Attribution(
                content=tuple(content),
                cue=cue,
                source=source,
                voice=Voice.INDIRECT,
                method="according",
            )


def _without_subject(reading: Reading, source: Span, named: Token) -> Span:
    """The source up to a comma, where the parser took the subject of P for an apposition."""
    after = reading.token_at(source.end - 1) + 1
    if after >= len(reading.doc) or reading.doc[after].pos_ not in ("VERB", "AUX"):
        return source
    for i in range(named.i + 1, after):
        if reading.doc[i].text == ",":
            return Span(source.start, reading.end_of(i - 1))
    return source


def _phrases(reading: Reading) -> Iterator[tuple[int, int, Token]]:
    """First and last token of each phrase of the lexicon, and who is named in it.

    ``in the words of`` is also looked for as ``in X's words``.
    """
    doc = reading.doc
    known = [tuple(phrase.split()) for phrase in reading.cues.phrases]
    opening = {words[0] for words in known}
    nouns = {w[2] for w in known if len(w) == 4 and w[:2] == ("in", "the")}
    for token in doc:
        if token.lower_ not in opening or reading.quote_of[token.i] >= 0:
            continue
        for words in known:
            last = token.i + len(words) - 1
            if last + 1 >= len(doc) or words != tuple(
                t.lower_ for t in doc[token.i : last + 1]
            ):
                continue
            named = child(doc[last], "pobj") or child(token, "pobj")
            if named is not None and named.i > last:
                yield token.i, last, named
        noun = child(token, "pobj")
        if noun is not None and noun.lower_ in nouns:
            owner = child(noun, "poss")
            if owner is not None and owner.pos_ in ("PROPN", "NOUN", "PRON"):
                yield token.i, noun.i, owner


def _rest_of_sentence(
    reading: Reading, first: int, last: int, start: int, end: int
) -> Iterator[Span]:
    """What stands before and after a phrase; after it only when nothing stands before,
    or when the phrase is set between commas."""
    doc = reading.doc
    while last + 1 < end and doc[last + 1].text not in (
        ",",
        ".",
        "—",
        "–",
        "-",
        ":",
        ";",
    ):
        last += 1
    before = reading.strip(reading.starts[start], reading.starts[first])
    inserted = first > start and doc[first - 1].text == "," and last + 1 < end
    inserted = inserted and doc[last + 1].text == ","
    if before is not None:
        yield Span(*reading.whole(before.start, before.end))
    if (before is None or inserted) and last + 1 < end:
        after = reading.strip(reading.starts[last + 1], reading.end_of(end - 1))
        if after is not None:
            yield Span(*reading.whole(after.start, after.end))


def nominal(reading: Reading) -> Iterator[Attribution]:
    """``X's claim that P``, ``the call by X for P``, ``X's threat to P``."""
    for token in reading.doc:
        noun = reading.noun(token)
        if noun is None or reading.quote_of[token.i] >= 0:
            continue
        content = _content_of_noun(reading, token, noun.prepositions)
        if content is None:
            continue
        source = source_of_noun(reading, token)
        if source is None:
            continue
        stripped = reading.strip(*reading.whole(content.start, content.end))
        if stripped is None:
            continue
        yield Attribution(
            content=(stripped,),
            cue=reading.span(token.i, token.i),
            source=source,
            voice=Voice.INDIRECT,
            method="nominal",
        )


def _content_of_noun(
    reading: Reading, noun: Token, prepositions: frozenset[str]
) -> Span | None:
    for below in noun.rights:
        if below.dep_ in ("acl", "ccomp"):
            marks = {c.lower_ for c in below.lefts}
            if "that" in marks:
                first = below.left_edge.i
                while reading.doc[first].lower_ != "that" and first < below.i:
                    first += 1
                if first + 1 <= below.right_edge.i:
                    return reading.span(first + 1, below.right_edge.i)
            if below.lefts and "to" in marks and below.tag_ == "VB":
                return reading.span(below.left_edge.i, below.right_edge.i)
        if below.dep_ == "prep" and below.lower_ in prepositions:
            named = child(below, "pobj", "pcomp")
            if named is not None:
                return reading.span(named.left_edge.i, below.right_edge.i)
    return None
