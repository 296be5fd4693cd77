"""A parsed text with its quotation marks: what every rule of attribution looks at."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from spacy.tokens import Doc, Token

from pipeline.model import Span
from pipeline.statements.lexicon import Cues, Noun, Verb
from pipeline.statements.quotations import Quotation

SUBJECTS = frozenset({"nsubj", "nsubjpass", "csubj", "expl"})
STOPS = frozenset({".", "!", "?", ";", "...", "…"})
_PUNCT = frozenset(" \t\n\r\u00a0.,;:!?-–—…")
_QUOTE_MARKS = frozenset("\"“”„‟″＂«»‘’‚‛'`")


@dataclass(slots=True)
class Reading:
    """A parse, its quotations and the lexicon, with positions looked up once."""

    doc: Doc
    text: str
    quotes: Sequence[Quotation]
    cues: Cues
    starts: list[int] = field(init=False)
    quote_of: list[int] = field(init=False)  # per token: index of its quotation, or -1
    sentences: list[int] = field(init=False)  # the first token of each sentence

    def __post_init__(self) -> None:
        self.starts = [token.idx for token in self.doc]
        self.quote_of = [-1] * len(self.doc)
        for number, quote in enumerate(self.quotes):
            for i in range(*self.tokens_of(quote.outer)):
                self.quote_of[i] = number
        ends = (i for i in range(len(self.doc) - 1) if self.ends_sentence(i))
        self.sentences = [0, *(i + 1 for i in ends)]

    def tokens_of(self, span: Span) -> tuple[int, int]:
        """The half-open range of tokens that begin inside the span."""
        return bisect_left(self.starts, span.start), bisect_left(self.starts, span.end)

    def token_at(self, offset: int) -> int:
        """The index of the token that holds the code point."""
        return max(0, bisect_right(self.starts, offset) - 1)

    def end_of(self, i: int) -> int:
        return self.starts[i] + len(self.doc[i])

    def span(self, first: int, last: int) -> Span:
        """From the first token to the last, both included; empty when there are none."""
        start = self.starts[first]
        return Span(start, max(start, self.end_of(last)))

    def sentence(self, i: int) -> tuple[int, int]:
        """The half-open range of the sentence around a token, within its paragraph.

        Full stops inside quotation marks do not end it, so that a tag stays with its
        quotation.
        """
        number = bisect_right(self.sentences, i)
        last = self.sentences[number] if number < len(self.sentences) else len(self.doc)
        return self.sentences[number - 1], last

    def ends_sentence(self, i: int) -> bool:
        """Does a sentence or a paragraph end with this token?"""
        token = self.doc[i]
        if "\n" in token.text:
            return True
        if token.text == ";" and self.quote_of[i] < 0:
            return True
        after = self.doc[i + 1] if i + 1 < len(self.doc) else None
        if after is None:
            return True
        number = self.quote_of[i]
        if number >= 0:
            quote = self.quotes[number]
            if self.end_of(i) < quote.outer.end:
                return False
            inner = quote.inner.of(self.text)
            if not inner.endswith((".", "!", "?", "…")):
                return False
            return (
                after.text[:1].isupper()
                and not inner.endswith(",")
                and inner[-1] == "."
            )
        if token.text not in STOPS:
            initial = len(token) == 2 and token.text[1] == "." and token.dep_ == "pobj"
            return initial and after.text[:1].isupper()  # '... on X. In the capital'
        return after.is_space or not after.text[:1].islower()

    def strip(self, start: int, end: int) -> Span | None:
        """The range without punctuation at its edges; quotation marks stay whole."""
        text = self.text
        while start < end and text[start] in _PUNCT:
            start += 1
        while end > start and text[end - 1] in _PUNCT:
            if text[end - 1] == "." and _abbreviated(text, start, end):
                break
            end -= 1
        return Span(start, end) if end > start else None

    def quotes_over(self, start: int, end: int) -> list[Quotation]:
        """The quotations that touch a range; they never overlap one another."""
        number = bisect_right(self.quotes, start, key=lambda q: q.outer.end)
        found = []
        while number < len(self.quotes) and self.quotes[number].outer.start < end:
            found.append(self.quotes[number])
            number += 1
        return found

    def whole(self, start: int, end: int) -> tuple[int, int]:
        """The range, grown so that it cuts no quotation in two."""
        for quote in self.quotes_over(start, end):
            outer = quote.outer
            if outer.start < start < outer.end:
                opens = start <= quote.inner.start
                start = outer.start if end > outer.end or opens else start
            if outer.start < start and end <= outer.end:
                continue
            if outer.start < end < outer.end:
                end = outer.end
        return start, end

    def verb(self, token: Token) -> list[Verb]:
        """The readings of a token as a reporting verb."""
        lemma = token.lemma_.lower()
        known = self.cues.verbs.get(lemma)
        if known is None:
            return []
        particles = {
            c.lower_ for c in token.children if c.dep_ in ("prt", "advmod", "prep")
        }
        return [v for v in known if not v.particle or v.particle in particles]

    def noun(self, token: Token) -> Noun | None:
        return (
            self.cues.nouns.get(token.lemma_.lower()) if token.pos_ == "NOUN" else None
        )


def edges(token: Token) -> tuple[int, int]:
    """First and last index of a token's subtree."""
    return token.left_edge.i, token.right_edge.i


def child(token: Token, *labels: str) -> Token | None:
    """The first child with one of the labels."""
    return next((c for c in token.children if c.dep_ in labels), None)


def resumes(reading: Reading, clause: Token) -> Token | None:
    """``said that P and suggested that Q``: the cue that goes back to the speaker.

    The parser joins it to the content; it is a cue of the speaker when it has no
    subject, stands in the cue's tense and has a content of its own.
    """
    cue = clause.head
    if clause.dep_ != "ccomp" or cue.i > clause.i:
        return None
    for below in reading.doc[clause.i + 1 : clause.right_edge.i + 1]:
        if (
            below.dep_ != "conj"
            or below.tag_ != cue.tag_
            or below.tag_ not in ("VBD", "VBZ", "VBP", "VBG")
            or reading.quote_of[below.i] >= 0
        ):
            continue
        if child(below, "nsubj", "nsubjpass", "aux", "auxpass") is not None:
            continue
        known = reading.verb(below)
        openers = {word for entry in known for word in entry.prepositions}
        if known and any(
            c.dep_ in ("ccomp", "dobj", "xcomp")
            or (c.dep_ == "prep" and c.lower_ in openers)
            for c in below.rights
        ):
            return below
    return None


def content_clause(verb: Token) -> Token | None:
    """The clause above a verb that is the content of a cue to its left."""
    clause = verb.head
    for _ in range(5):
        if clause.dep_ == "ccomp" and clause.head.i < clause.i:
            return clause
        if clause.head == clause:
            return None
        clause = clause.head
    return None


def lower(tokens: Iterable[Token]) -> set[str]:
    return {token.lower_ for token in tokens}


def _abbreviated(text: str, start: int, end: int) -> bool:
    """Is the full stop before ``end`` part of ``U.S.`` or the like?"""
    word = text[max(start, end - 5) : end].rpartition(" ")[2]
    return len(word) >= 4 and word[-3] == "." and word[-2].isalpha()
