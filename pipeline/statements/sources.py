"""The source of a cue: whose words a reporting verb or noun announces."""

from __future__ import annotations

from spacy.tokens import Token

from pipeline.model import Span
from pipeline.statements.reading import Reading, child, content_clause, resumes

_SUBJECT = ("nsubj", "nsubjpass")
_RELATIVES = frozenset({"who", "which", "that", "whom"})
_MAKES = frozenset(
    [
        "make",
        "issue",
        "voice",
        "express",
        "deliver",
        "give",
        "have",
        "hold",
        "offer",
        "raise",
        "level",
        "release",
        "post",
        "send",
        "publish",
        "put",
        "repeat",
        "reiterate",
        "renew",
        "echo",
        "stick",
        "double",
        "stand",
        "face",
        "reaffirm",
        "share",
        "withdraw",
        "retract",
        "come",
    ]
)
"""Verbs whose subject makes the claim that is their object."""
_NO_SPEAKERS = frozenset({"there", "what", "this", "these", "those"})


def source_of_verb(reading: Reading, verb: Token) -> Span | None:
    """The source by grammar; else the noun right before a finite verb or behind it."""
    found = _by_grammar(reading, verb)
    if found is not None or verb.tag_ not in ("VBD", "VBZ", "VBP"):
        return found
    doc, i = reading.doc, verb.i - 1
    while i > 0 and doc[i].pos_ in ("ADV", "AUX"):
        i -= 1
    if i >= 0 and doc[i].pos_ in ("PROPN", "PRON") and reading.quote_of[i] < 0:
        if doc[i].lower_ not in _NO_SPEAKERS and doc[i].lower_ not in _RELATIVES:
            return phrase(reading, doc[i])
    if i > 1 and doc[i].text == ",":
        before = _before_aside(reading, i)
        if before is not None:
            return phrase(reading, before)
    after = verb.i + 1
    if after < len(doc) and doc[after].pos_ == "PROPN" and verb.text[:1].isupper():
        return phrase(reading, doc[doc[after].right_edge.i])
    return None


def _before_aside(reading: Reading, comma: int) -> Token | None:
    """``X, known for his ties to Y, stated``: the name before the aside."""
    doc = reading.doc
    start, _ = reading.sentence(comma)
    for j in range(comma - 2, max(start, comma - 25), -1):
        if (
            doc[j].text == ","
            and doc[j - 1].pos_ == "PROPN"
            and reading.quote_of[j] < 0
        ):
            return doc[j - 1]
    return None


def _by_grammar(reading: Reading, verb: Token) -> Span | None:
    """The subject of a verb, its own or the one it shares with the verb above it.

    Followed: coordination (said and added), participles (..., adding that), infinitives
    (went on to say), relative clauses (the leader, who said), ``by X`` of a passive.
    """
    for _ in range(6):
        above = verb.head
        clause = content_clause(verb) if verb.dep_ == "conj" else None
        if clause is not None and resumes(reading, clause) == verb:
            verb = clause.head  # 'said that P and suggested that Q'
            continue
        if verb.dep_ == "advcl" and verb.tag_ == "VBG" and _reported(reading, above):
            verb = above.head  # 'said that P, suggesting that Q'
            continue
        cited = _cited(verb)
        if cited is not None:
            return phrase(reading, cited)
        subject = child(verb, *_SUBJECT)
        passive = child(verb, "auxpass") is not None
        if passive and verb.lemma_ in ("quote", "cite") and subject is not None:
            return phrase(reading, subject)  # 'X was quoted as saying by Y'
        agent = child(verb, "agent")
        if passive and agent is not None and subject is not None:
            named = child(agent, "pobj")
            return phrase(reading, named) if named is not None else None
        if subject is not None:
            if subject.lower_ in _RELATIVES and verb.dep_ == "relcl":
                return phrase(reading, verb.head, without=verb)
            if subject.lower_ in _NO_SPEAKERS:
                return None
            return phrase(reading, subject)
        if verb.dep_ in ("acl", "relcl") and verb.head.pos_ in (
            "PROPN",
            "NOUN",
            "PRON",
        ):
            if verb.tag_ == "VBN" and agent is not None:
                named = child(agent, "pobj")
                return phrase(reading, named) if named is not None else None
            return phrase(reading, verb.head, without=verb)
        if verb.dep_ == "pcomp" and verb.head.head.pos_ in ("VERB", "AUX"):
            verb = verb.head.head
        elif verb.dep_ in (
            "conj",
            "advcl",
            "xcomp",
            "ccomp",
            "dep",
            "prep",
            "parataxis",
        ) and (verb.head != verb):
            if verb.dep_ in ("ccomp", "parataxis") and verb.tag_ not in ("VBG", "VB"):
                return None
            verb = verb.head
        else:
            return None
    return None


def _reported(reading: Reading, clause: Token) -> bool:
    """Is the clause the content of a cue to its left?"""
    cue = clause.head
    return clause.dep_ == "ccomp" and cue.i < clause.i and bool(reading.verb(cue))


def _cited(verb: Token) -> Token | None:
    """``an agency reported, citing X``: whose words a mere channel relays."""
    for below in verb.rights:
        if (
            below.dep_ == "advcl"
            and below.lemma_ in ("cite", "quote")
            and below.tag_ == "VBG"
        ):
            return child(below, "dobj")
    return None


def phrase(reading: Reading, head: Token, without: Token | None = None) -> Span | None:
    """The noun phrase of a head: left modifiers, ``of``-phrases and apposition names.

    Relative clauses and participles at its end are cut.
    """
    first = head.left_edge.i
    last = head.i
    for token in head.rights:
        if token == without or token.dep_ in (
            "relcl",
            "acl",
            "advcl",
            "ccomp",
            "parataxis",
        ):
            break
        if token.dep_ == "punct":
            continue
        if token.dep_ in (
            "prep",
            "appos",
            "conj",
            "cc",
            "nummod",
            "compound",
            "flat",
            "case",
        ):
            if without is not None and token.i > without.i:
                break
            last = max(last, _last_of(token))
        else:
            break
    while first < last and (reading.doc[first].is_punct or reading.doc[first].is_space):
        first += 1
    for i in range(first, last + 1):
        if "\n" in reading.doc[i].text:
            if i > head.i:
                last = i - 1
                break
            first = i + 1
    return reading.span(first, last) if first <= last else None


def _last_of(token: Token) -> int:
    """The end of a modifier, its own relative clauses left out."""
    last = token.i
    for below in token.rights:
        if below.dep_ in ("relcl", "acl", "advcl", "ccomp"):
            break
        if below.dep_ != "punct":
            last = max(last, _last_of(below))
    return last


def source_of_noun(reading: Reading, noun: Token) -> Span | None:
    """``X's claim``, ``the claim by X``, ``X made the claim``.

    Not the subject of any verb: who rejects or cites a claim does not make it.
    """
    owner = child(noun, "poss")
    if owner is not None:
        return reading.span(owner.left_edge.i, _owner_end(owner))
    for prep in noun.rights:
        if prep.dep_ == "prep" and prep.lower_ in ("by", "from"):
            named = child(prep, "pobj")
            if named is not None:
                return phrase(reading, named)
    if noun.dep_ in ("dobj", "attr") and noun.head.lemma_ in _MAKES:
        return source_of_verb(reading, noun.head)
    if noun.dep_ == "pobj" and noun.head.head.lemma_ in _MAKES:
        return source_of_verb(reading, noun.head.head)
    return None


def _owner_end(owner: Token) -> int:
    last = owner.i
    for token in owner.rights:
        if token.dep_ in ("prep", "appos", "conj", "cc"):
            last = max(last, token.right_edge.i)
    return last
