"""Contents that are things: ``denies P``, ``urges A to P``, ``describes A as P``."""

from __future__ import annotations

from spacy.tokens import Token

from pipeline.model import Act, Span
from pipeline.statements.boundaries import (
    TIMES,
    cut,
    extended,
    marked_that,
    of_occasion,
)
from pipeline.statements.lexicon import Verb
from pipeline.statements.reading import Reading, child

_COMPLETING = frozenset({"of", "for", "to", "with", "as", "on", "over", "against"})
"""Prepositions that complete a complement where its entry names none."""


def complement(reading: Reading, verb: Token, entry: Verb) -> list[Span] | None:
    """``urges A to P``, ``accuses A of P``, ``calls A P``: object to end of complement."""
    if child(verb, "auxpass") is not None:
        return None
    start: int | None = None
    last = -1
    complete = False
    if (
        "clause" in entry.frames
        and any(
            c.dep_ == "ccomp"
            and (marked_that(c) or child(c, "nsubj", "expl") is not None)
            for c in verb.rights
        )
        and child(verb, "dobj", "dative") is not None
    ):
        return None  # 'tells A that P'
    for below in verb.rights:
        if below.dep_ in ("dobj", "dative") and start is None:
            start, last = below.left_edge.i, below.right_edge.i
        elif below.dep_ in ("xcomp", "ccomp", "oprd") or (
            start is not None
            and below.dep_ in ("npadvmod", "attr", "acomp")
            and "predicate" in entry.frames
            and below.lower_ not in TIMES
            and below.ent_type_ not in ("DATE", "TIME")
        ):
            if start is None and (
                marked_that(below)
                or child(below, "nsubj", "nsubjpass") is None
                or _asks(below)
            ):
                continue
            start = below.left_edge.i if start is None else start
            last = max(last, below.right_edge.i)
            complete = True
        elif below.dep_ == "prep" and start is not None and not of_occasion(below):
            if below.lower_ in (entry.prepositions or _COMPLETING):
                last = max(last, below.right_edge.i)
                complete = True
    if start is None or not complete:
        return None
    return [reading.span(start, cut(reading, verb, start, last))]


def _asks(clause: Token) -> bool:
    """``whether P``, ``why P``: a question, not what somebody is to do."""
    first = clause.doc[clause.left_edge.i]
    return first.tag_ in ("WRB", "WP", "WDT") or first.lower_ in ("whether", "if")


def described_as(reading: Reading, verb: Token, entry: Verb) -> list[Span] | None:
    """``describes A as P``."""
    thing = child(verb, "dobj")
    for below in verb.children:
        if below.dep_ == "prep" and below.lower_ == "as":
            if thing is not None and thing.i < below.i:
                return [reading.span(thing.left_edge.i, below.right_edge.i)]
        if below.dep_ == "prep" and below.lower_ == "to" and verb.lemma_ == "refer":
            return (
                [reading.span(below.i + 1, below.right_edge.i)]
                if below.i + 1 <= (below.right_edge.i)
                else None
            )
    return None


def preposition(reading: Reading, verb: Token, entry: Verb) -> list[Span] | None:
    """``calls for P``, ``calls on A to P``; not ``refers questions to A``."""
    if verb.lemma_ == "refer" and child(verb, "dobj") is not None:
        return None
    for below in verb.rights:
        if below.dep_ not in ("prep", "prt") or below.lower_ not in entry.prepositions:
            continue
        named = child(below, "pobj", "pcomp")
        if named is None or is_pointer(reading, named):
            continue
        first, last = named.left_edge.i, named.right_edge.i
        for further in verb.rights:
            if (
                further.dep_ in ("xcomp", "advcl")
                and further.i > last
                and any(c.lower_ == "to" for c in further.lefts)
                and below.lower_ in ("on", "upon", "to", "for")
            ):
                last = further.right_edge.i
        if below.lower_ in ("on", "upon", "to") and verb.lemma_ in (
            "call",
            "appeal",
            "ask",
        ):
            if last == named.right_edge.i:
                continue
        last = extended(reading, verb, cut(reading, named, first, last))
        return [reading.span(first, last)]
    return None


def object_of(reading: Reading, verb: Token, entry: Verb) -> list[Span] | None:
    """``denies P``: the object, with the phrases that go on from it."""
    if child(verb, "auxpass") is not None:
        return None
    thing = child(verb, "dobj")
    if thing is None or thing.i < verb.i or is_pointer(reading, thing):
        return None
    if thing.pos_ == "PRON" or (
        thing.tag_ == "VBG" and thing.left_edge == thing.right_edge
    ):
        return None
    if entry.prepositions and thing.ent_type_ != "PERSON":
        return None  # 'attacked the hospital' is a blow
    first, last = thing.left_edge.i, thing.right_edge.i
    for below in verb.rights:
        if below.dep_ == "prep" and below.i == last + 1 and not of_occasion(below):
            last = below.right_edge.i
    last = cut(reading, thing, first, last)
    if "clause" not in entry.frames:
        last = _until(reading, verb, last)
    return [reading.span(first, last)]


def _until(reading: Reading, verb: Token, last: int) -> int:
    """``rules out a meeting until P``: the term belongs to it, up to a comma.

    Of verbs that take no clause: 'denied access until P' may be a term of denying.
    """
    for below in verb.rights:
        if below.dep_ == "advcl" and below.left_edge.i == last + 1:
            if reading.doc[last + 1].lower_ in ("until", "unless"):
                words = reading.doc[last + 1 : below.right_edge.i + 1]
                return next((t.i for t in words if t.text == ","), words.end) - 1
    return last


def passive(reading: Reading, verb: Token, entry: Verb) -> list[Span] | None:
    """``P was rejected by X``: the subject."""
    subject = child(verb, "nsubjpass")
    if subject is None or child(verb, "agent") is None or subject.pos_ == "PRON":
        return None
    if subject.lower_ in reading.cues.pointers or subject.ent_type_ == "PERSON":
        return None
    return [reading.span(subject.left_edge.i, subject.right_edge.i)]


def disowned(reading: Reading, verb: Token, entry: Verb) -> list[Span] | None:
    """``P, something X denies``; ``P, a charge that X rejects``: the sentence before.

    What points back is a pointer word or a reporting noun behind a comma, and the
    relative clause ends the sentence.
    """
    thing = verb.head
    if verb.dep_ != "relcl" or child(verb, "dobj", "ccomp", "xcomp") not in (
        None,
        *(c for c in verb.lefts if c.lower_ in ("which", "that")),
    ):
        return None
    if entry.act is not Act.DENIES or not (
        is_pointer(reading, thing) or reading.noun(thing) is not None
    ):
        return None
    start, end = reading.sentence(verb.i)
    comma = thing.left_edge.i - 1
    if comma <= start + 1 or reading.doc[comma].text != ",":
        return None
    if verb.right_edge.i < end - 3 or child(verb, "nsubj") is None:
        return None
    if not any(t.tag_ in ("VBD", "VBZ", "VBP", "MD") for t in reading.doc[start:comma]):
        return None
    return [reading.span(start, comma - 1)]


def is_pointer(reading: Reading, token: Token) -> bool:
    """Does the word only point to what is said ('this', 'comments')? The US does not."""
    word = token.lower_.strip(".")
    return word in reading.cues.pointers and not (
        len(word) > 1 and token.text.isupper()
    )
