"""Contents that the parser has lost: what their place in the sentence still tells."""

from __future__ import annotations

from spacy.tokens import Token

from pipeline.model import Span
from pipeline.statements.lexicon import Verb
from pipeline.statements.reading import Reading, child

FINITE = frozenset({"VBD", "VBZ", "VBP", "MD"})
_OPENERS = frozenset({"and", "but", "if", "when", "as", "after", "while", "asked"})


def postposed(reading: Reading, verb: Token, entry: Verb) -> list[Span] | None:
    """``P, X told Y`` where the parser did not see that P is what was told."""
    if verb.dep_ == "acl" and verb.head.i < verb.i:
        return _reported_by(reading, verb)
    if verb.dep_ not in ("ROOT", "parataxis", "ccomp", "conj") or verb.tag_ not in (
        "VBD",
        "VBZ",
    ):
        return None
    subject = child(verb, "nsubj")
    if subject is None or any(c.dep_ in ("ccomp", "xcomp") for c in verb.rights):
        return None
    start, _end = reading.sentence(verb.i)
    first = min(subject.left_edge.i, verb.i)
    if first <= start + 2 or reading.doc[first - 1].text not in (
        ",",
        "”",
        '"',
        "’",
        "'",
    ):
        return None
    before = reading.doc[start : first - 1]
    if not any(
        t.tag_ in FINITE and t.dep_ not in ("relcl", "acl", "advcl") for t in before
    ):
        return None
    if before[0].lower_ in _OPENERS or before[0].pos_ in ("SCONJ", "ADP"):
        return None
    return [reading.span(start, first - 1)]


def _reported_by(reading: Reading, verb: Token) -> list[Span] | None:
    """``P, the agency reported on Monday.`` read as an agency that was reported."""
    start, end = reading.sentence(verb.i)
    first = verb.head.left_edge.i
    if first <= start + 3 or reading.doc[first - 1].text != "," or verb.tag_ == "VBG":
        return None
    if verb.lemma_ not in ("say", "report") or child(verb, "agent") is not None:
        return None
    if any(c.dep_ not in ("prep", "npadvmod", "advcl", "punct") for c in verb.rights):
        return None
    if verb.right_edge.i < end - 3:
        return None
    return [reading.span(start, first - 1)]


def following(reading: Reading, verb: Token, entry: Verb) -> list[Span] | None:
    """``X said P`` where the parser hangs P on another word: the rest of the sentence."""
    if "clause" not in entry.frames or verb.tag_ not in ("VBD", "VBZ", "VBP", "VBG"):
        return None
    if verb.i and reading.doc[verb.i - 1].is_punct:
        return None  # 'P, says X'
    if verb.lemma_ not in ("say", "tell") and not _that_near(reading, verb):
        return None
    _, end = reading.sentence(verb.i)
    first = verb.i + 1
    that = _that_near(reading, verb)
    if that is not None:
        first = that + 1
    elif first >= end or reading.doc[first].pos_ in (
        "PUNCT",
        "ADP",
        "SPACE",
        "CCONJ",
        "SCONJ",
    ):
        return None
    rest = reading.doc[first:end]
    if len(rest) < 4 or not any(t.tag_ in FINITE for t in rest):
        return None
    if verb.lemma_ == "tell" and that is None:
        return None
    return [reading.span(first, end - 1)]


def _that_near(reading: Reading, verb: Token) -> int | None:
    for i in range(verb.i + 1, min(verb.i + 10, len(reading.doc) - 1)):
        token = reading.doc[i]
        if token.lower_ == "that" and token.tag_ == "IN":
            return i
        if token.tag_ in FINITE or token.text in (".", ":", ";") or "\n" in token.text:
            return None
    return None


def noted(reading: Reading, verb: Token, entry: Verb) -> list[Span] | None:
    """``As X noted, P``: the sentence without the clause."""
    if verb.dep_ != "advcl" or not any(c.lower_ == "as" for c in verb.lefts):
        return None
    if any(c.dep_ in ("ccomp", "dobj", "xcomp", "prep") for c in verb.rights):
        return None
    start, end = reading.sentence(verb.i)
    first, last = max(start, verb.left_edge.i), min(end - 1, verb.right_edge.i)
    spans = []
    if first > start:
        spans.append(reading.span(start, first - 1))
    if last + 1 < end - 1:
        spans.append(reading.span(last + 1, end - 1))
    return spans if len(spans) == 1 or all(len(s) > 12 for s in spans) else None
