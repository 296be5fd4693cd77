"""Indirect and mixed statements, read off the dependency parse of a reporting verb."""

from __future__ import annotations

from collections.abc import Iterator

from spacy.tokens import Token

from pipeline.model import Act, Attribution, Span, Voice
from pipeline.statements.boundaries import cut, extended, marked_that, tidy
from pipeline.statements.fallbacks import following, noted, postposed
from pipeline.statements.lexicon import Verb
from pipeline.statements.objects import (
    complement,
    described_as,
    disowned,
    object_of,
    passive,
    preposition,
)
from pipeline.statements.reading import Reading, child
from pipeline.statements.sources import source_of_verb

_NEGATIONS = frozenset({"not", "n't", "n’t", "never"})


def reported(reading: Reading) -> Iterator[Attribution]:
    """Statements whose cue is a verb outside quotation marks.

    Negated saying gives nothing, unless
    the verb itself denies. Missed: content that the parser hangs on another verb.
    """
    for token in reading.doc:
        if token.pos_ not in ("VERB", "AUX"):
            continue
        if token.lemma_ in ("cite", "quote") and token.dep_ == "advcl":
            continue  # names the source of the cue above it
        entries = reading.verb(token)
        if not entries or _spoken_to(token):
            continue
        if _neither(token) or (
            _negated(token)
            and all(e.act not in (Act.DENIES, Act.ATTITUDE) for e in entries)
        ):
            continue
        found = _content(reading, token, entries)
        if found is None:
            continue
        spans, frame, entry = found
        source = source_of_verb(reading, token)
        spans = tidy(reading, spans, token)
        if not spans:
            continue
        yield Attribution(
            content=tuple(spans),
            cue=cue_span(reading, token, entry),
            source=source,
            voice=Voice.INDIRECT,
            method=f"{frame}",
        )


def cue_span(reading: Reading, token: Token, entry: Verb) -> Span:
    """The verb, with the particle or preposition that belongs to it."""
    if entry.particle or (entry.prepositions and "preposition" in entry.frames):
        following = token.i + 1
        if following < len(reading.doc):
            word = reading.doc[following].lower_
            if word == entry.particle or word in entry.prepositions:
                return reading.span(token.i, following)
    return reading.span(token.i, token.i)


def _negated(token: Token) -> bool:
    if any(c.dep_ == "neg" or c.lower_ in _NEGATIONS for c in token.lefts):
        return True
    above = token.head
    return token.dep_ == "xcomp" and above.lemma_ in (
        "decline",
        "refuse",
        "fail",
        "refrain",
        "avoid",
    )


def _neither(token: Token) -> bool:
    """``neither confirmed nor denied``: nothing was said."""
    before = token.i and token.nbor(-1).lower_
    return before in ("neither", "nor")


def _spoken_to(token: Token) -> bool:
    """``Asked whether P, X replied``: the subject is not who asked."""
    return (
        token.tag_ == "VBN"
        and token.dep_ in ("advcl", "acl")
        and token.lemma_ not in ("say", "report")
        and child(token, "nsubj", "agent", "aux") is None
    )


def _content(
    reading: Reading, verb: Token, entries: list[Verb]
) -> tuple[list[Span], str, Verb] | None:
    """The content of a cue, the frame that found it, and the entry whose frame it is."""
    for frame, find in _FRAMES:
        for entry in entries:
            if frame in entry.frames:
                spans = find(reading, verb, entry)
                if spans:
                    return spans, frame, entry
    return None


def _clause(reading: Reading, verb: Token, entry: Verb) -> list[Span] | None:
    """``says (that) P``; ``P, he says``; ``P1, he says, P2``; ``what he says is P``."""
    for below in verb.rights:
        if below.dep_ == "ccomp" or (below.dep_ == "advcl" and marked_that(below)):
            whole = _after(reading, verb, below)
            lacks = child(below, "nsubj", "nsubjpass", "expl", "csubj") is None
            if verb.dep_ == "relcl" and lacks and verb.head.i < verb.i:
                return [*_antecedent(reading, verb), whole]
            return [whole]
    for below in verb.lefts:
        if below.dep_ == "ccomp":
            return _before(reading, verb, below)
    if (
        verb.dep_ == "parataxis"
        and verb.head.i > verb.i
        and child(verb, "nsubj") is not None
    ):
        return _around(reading, verb, verb.head)
    if (
        verb.dep_ == "parataxis"
        and verb.head.i < verb.i
        and child(verb, "nsubj") is not None
    ):
        return _before(reading, verb, verb.head)
    if "quote" in entry.frames or "clause" in entry.frames:
        for below in verb.rights:  # 'said it was over' parsed as an infinitive clause
            if (
                below.dep_ == "xcomp"
                and child(below, "nsubj", "nsubjpass", "expl") is not None
            ):
                return [_after(reading, verb, below)]
    return None


def _antecedent(reading: Reading, verb: Token) -> list[Span]:
    """``a flow that Helsinki says amounts to an attack``: what the clause is about."""
    head = verb.head
    last = head.i
    for token in head.rights:
        if token.i >= verb.left_edge.i or token.dep_ == "relcl":
            break
        if token.dep_ in ("prep", "amod", "appos"):
            last = token.right_edge.i
    return [reading.span(head.left_edge.i, min(last, verb.left_edge.i - 1))]


def _after(reading: Reading, verb: Token, clause: Token) -> Span:
    """The clause behind its verb, from what follows the verb's own words."""
    first = max(clause.left_edge.i, verb.i + 1)
    last = clause.right_edge.i
    while (
        first < last
        and (
            reading.doc[first].lower_ in ("that", ",", ":")
            or reading.doc[first].is_space
        )
        and first < clause.i
    ):
        if reading.doc[first].lower_ == "that" and reading.doc[first].dep_ not in (
            "mark",
            "det",
        ):
            break
        if reading.doc[first].lower_ == "that" and reading.doc[first].dep_ == "det":
            break
        first += 1
    last = cut(reading, clause, first, extended(reading, verb, last))
    return reading.span(first, last)


def _before(reading: Reading, verb: Token, clause: Token) -> list[Span] | None:
    """The sentence up to the tag, and on behind it where the clause goes on."""
    start, end = reading.sentence(verb.i)
    tag_first, tag_last = _tag(reading, verb, start, end)
    if tag_first <= start:
        return None
    first = start
    spans = [reading.span(first, tag_first - 1)]
    rest = _rest(reading, tag_last + 1, end, clause, verb)
    if rest is not None:
        spans.append(rest)
    return spans


def _around(reading: Reading, verb: Token, head: Token) -> list[Span] | None:
    """``Such a ban, he argued, would work``: the sentence without the tag."""
    start, end = reading.sentence(verb.i)
    tag_first, tag_last = _tag(reading, verb, start, end)
    last = min(end - 1, max(head.right_edge.i, tag_last))
    spans = []
    if tag_first > start:
        spans.append(reading.span(start, tag_first - 1))
    if tag_last < last:
        spans.append(reading.span(tag_last + 1, cut(reading, head, tag_last + 1, last)))
    return spans or None


def _tag(reading: Reading, verb: Token, start: int, end: int) -> tuple[int, int]:
    """The tag around a verb that follows its content: between commas or quotations."""
    subject = child(verb, "nsubj", "nsubjpass")
    doc = reading.doc
    first = min(verb.i, subject.left_edge.i if subject is not None else verb.i)
    for aux in verb.lefts:
        if aux.dep_ in ("aux", "advmod", "neg") and aux.i >= first - 2:
            first = min(first, aux.i)
    while first > start and not (
        doc[first - 1].text in (",", "—", "–", "-", "--", ":")
        or reading.quote_of[first - 1] >= 0
    ):
        first -= 1
    last = max(verb.i, subject.right_edge.i if subject is not None else verb.i)
    last = min(last, end - 1)
    while last + 1 < end and not (
        doc[last + 1].text in (",", "—", "–", "-", "--", ":", ".", "!", "?", ";")
        or reading.quote_of[last + 1] >= 0
        or "\n" in doc[last + 1].text
    ):
        last += 1
    return first, last


def _rest(
    reading: Reading, first: int, end: int, clause: Token, verb: Token
) -> Span | None:
    """What follows a tag in its sentence, if it goes on with the content."""
    doc = reading.doc
    while first < end and (doc[first].is_punct or doc[first].is_space):
        if reading.quote_of[first] >= 0:
            break
        first += 1
    if first >= end:
        return None
    head = doc[first].lower_
    if head in ("because", "but", "and", "or", "unless", "although", "though", "which"):
        below = next(
            (t for t in doc[first:end] if t.dep_ == "conj" and t.head == verb), None
        )
        if below is not None and head in ("and", "but"):
            return None
        return reading.span(first, end - 1)
    if clause.right_edge.i < first or clause.i >= first:
        return None
    return reading.span(first, cut(reading, clause, first, clause.right_edge.i))


def _infinitive(reading: Reading, verb: Token, entry: Verb) -> list[Span] | None:
    """``vows to P``."""
    for below in verb.rights:
        if below.dep_ == "xcomp" and any(c.lower_ == "to" for c in below.lefts):
            if child(below, "nsubj") is None:
                return [_after(reading, verb, below)]
    return None


def _gerund(reading: Reading, verb: Token, entry: Verb) -> list[Span] | None:
    """``denies doing P``."""
    for below in verb.rights:
        if below.dep_ == "xcomp" and below.tag_ == "VBG":
            return [_after(reading, verb, below)]
    return None


_FRAMES = (
    ("object", disowned),
    ("complement", complement),
    ("clause", _clause),
    ("preposition", preposition),
    ("infinitive", _infinitive),
    ("gerund", _gerund),
    ("as", described_as),
    ("object", object_of),
    ("object", passive),
    ("clause", noted),
    ("quote", postposed),
    ("quote", following),
)
