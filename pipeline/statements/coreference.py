"""Whom a pronoun or a role noun means, among those whom the article has named.

Agreement in gender and number first; then the salience of what was named before:
nearness, being a subject, being the source of the statement before. Names inside
quotation marks count little, for 'he' beside a quotation is its speaker, not someone
whom it speaks of.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from spacy.tokens import Doc

from pipeline.model import MentionKind, Span
from pipeline.statements.cast import Cast, Member
from pipeline.statements.intervals import Holders
from pipeline.statements.quotations import Quotation

PRONOUNS = {
    "he": "he", "him": "he", "his": "he", "himself": "he",
    "she": "she", "her": "she", "hers": "she", "herself": "she",
    "they": "they", "them": "they", "their": "they", "themselves": "they",
    "it": "it", "its": "it", "itself": "it",
    "who": "who",
}  # fmt: skip
_NEAR = 300
_FAR = 1500
"""Code points beyond which nobody is meant any more."""


@dataclass(slots=True)
class Antecedents:
    """Looks up whom a pronoun means. ``speakers`` are the sources resolved so far."""

    doc: Doc
    cast: Cast
    quotes: Sequence[Quotation]
    contents: Sequence[Span] = ()  # what statements say, in text order
    speakers: list[tuple[int, Member]] = field(default_factory=list)
    together: list[Member] = field(default_factory=list)  # the last who spoke jointly
    _contents: Holders = field(init=False)
    _starts: list[int] = field(init=False)
    _sentences: list[int] = field(init=False)
    _outers: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self._contents = Holders((span, 0) for span in self.contents)
        self._starts = [token.idx for token in self.doc]
        self._sentences = [s.start_char for s in self.doc.sents]
        self._outers = [q.outer.start for q in self.quotes]

    def said(self, at: int, member: Member) -> None:
        """Remember who spoke at a place; later pronouns lean to the last speaker.

        A source inside what another says is not remembered.
        """
        if not self._contents.any(Span(max(0, at - 1), at)):
            self.speakers.append((at, member))

    def of_pronoun(
        self, pronoun: str, at: int, said: Sequence[Span] = ()
    ) -> Member | None:
        """The member that a pronoun at this place means, or None.

        ``said`` is the content whose source it is: whom that names is not its speaker.
        """
        wanted = PRONOUNS.get(pronoun.lower())
        if wanted is None:
            return None
        best: tuple[float, Member] | None = None
        here = self._sentence(at)
        speaker = self._last_speaker(at)
        since = here - self._sentence(self._last_place(at))
        entries = self.cast.named
        number = bisect_left(entries, at, key=lambda entry: entry[0].start) - 1
        seen = 0
        while number >= 0 and at - entries[number][0].start <= _FAR and seen < 40:
            span, member = entries[number]
            number -= 1
            seen += 1
            fits = _agreement(wanted, member)
            if fits <= 0 or span.end > at or any(part.holds(span) for part in said):
                continue
            subject = self._is_subject(span)
            if (
                wanted == "it"
                and not subject
                and all(m is not member for _, m in self.speakers)
            ):
                continue
            score = fits - 1.0 * (here - self._sentence(span.start))
            if subject:
                score += 1.4
            if self.quoted(span.start) and not self.quoted(at):
                score -= 2.5
            elif self._contents.any(span):
                score -= 0.8
            if speaker is member:
                score += max(0.0, 1.6 - 0.4 * since)
            score += 0.15 * min(len(member.spans), 6)
            if best is None or score > best[0]:
                best = (score, member)
        if speaker is not None and _agreement(wanted, speaker) > 0:
            score = _agreement(wanted, speaker) + 1.8 - 0.8 * since
            if best is None or score > best[0]:
                best = (score, speaker)
        return best[1] if best is not None else self._ahead(wanted, at, said)

    def _ahead(self, wanted: str, at: int, said: Sequence[Span]) -> Member | None:
        """Whom a sentence names only behind the pronoun: ``he wrote, X, ...``."""
        entries = self.cast.named
        number = bisect_left(entries, at, key=lambda entry: entry[0].start)
        for span, member in entries[number : number + 3]:
            near = self._sentence(span.start) == self._sentence(at)
            if near and _agreement(wanted, member) > 0:
                if not self._contents.any(span) and not any(
                    p.holds(span) for p in said
                ):
                    return member
        return None

    def of_noun(self, head: str, words: frozenset[str], at: int) -> Member | None:
        """The latest person who was called by this noun ('the minister')."""
        best: tuple[int, int, Member] | None = None
        for span, member in self.cast.named:
            if span.start >= at:
                break
            if head not in member.nouns:
                continue
            overlap = len(words & member.words)
            rank = (overlap, span.start, member)
            if best is None or rank[:2] >= best[:2]:
                best = rank
        return best[2] if best is not None else None

    def last_speaker(self, at: int) -> Member | None:
        return self._last_speaker(at)

    def spoke_near(self, at: int) -> bool:
        """Did somebody speak in this paragraph, not long before?"""
        place = self._last_place(at)
        text = self.doc.text[place:at] if at - place < _NEAR else "\n"
        return "\n" not in text

    def _last_speaker(self, at: int) -> Member | None:
        for place, member in reversed(self.speakers):
            if place <= at:
                return member
        return None

    def _last_place(self, at: int) -> int:
        return next((place for place, _ in reversed(self.speakers) if place <= at), 0)

    def _sentence(self, at: int) -> int:
        return bisect_right(self._sentences, at)

    def quoted(self, at: int) -> bool:
        number = bisect_right(self._outers, at) - 1
        return number >= 0 and at < self.quotes[number].outer.end

    def _is_subject(self, span: Span) -> bool:
        i = bisect_left(self._starts, span.end) - 1
        if i < 0:
            return False
        token = self.doc[i]
        for _ in range(4):
            if token.dep_ in ("nsubj", "nsubjpass"):
                return True
            if token.dep_ in ("compound", "appos", "flat", "conj", "case"):
                token = token.head
            else:
                return False
        return False


def _agreement(pronoun: str, member: Member) -> float:
    """2 where gender and number agree, 1 where nothing speaks against it, else 0."""
    if pronoun == "who":
        return 1.0
    if member.kind is MentionKind.NAME:
        if pronoun == "it":
            return 0.0
        if pronoun == "they":
            return 0.2
        return (
            2.0 if member.pronoun == pronoun else (1.0 if not member.pronoun else 0.0)
        )
    if pronoun == "it":
        return 2.0
    return 1.0 if pronoun == "they" else 0.0
