"""Whom a pronoun or a role noun means, among those whom the article has named.

Agreement in gender and number first; among those who agree, salience
(``pipeline.statements.salience``). Third-person pronouns outside quotation marks are
resolved in reading order, sources or not, so that each keeps its bearer in view for the
next. 'They' and 'it' need no name: there the nearest subject that agrees is meant.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from spacy.tokens import Doc, Token

from pipeline.model import MentionKind, Span
from pipeline.statements.cast import Cast, Member
from pipeline.statements.intervals import Holders
from pipeline.statements.quotations import Quotation
from pipeline.statements.salience import WEIGHTS, Measures, many, salience

PRONOUNS = {
    "he": "he", "him": "he", "his": "he", "himself": "he",
    "she": "she", "her": "she", "hers": "she", "herself": "she",
    "they": "they", "them": "they", "their": "they", "themselves": "they",
    "it": "it", "its": "it", "itself": "it",
    "who": "who",
}  # fmt: skip
GENDERED = {
    "spokesman": "he", "chairman": "he", "congressman": "he", "businessman": "he",
    "king": "he", "prince": "he", "spokeswoman": "she", "chairwoman": "she",
    "congresswoman": "she", "businesswoman": "she", "queen": "she", "princess": "she",
}  # fmt: skip
"""Nouns that tell the gender of whom they call."""

_NEAR = 300
_FAR = 2500
"""Code points beyond which nobody is meant any more."""
_MOST = 80  # mentions looked back at
_GROUP_REACH = 3  # sentences in which 'they' and 'it' look for a subject
_SUBJECTS = ("nsubj", "nsubjpass")


@dataclass(frozen=True, slots=True, order=True)
class _Mention:
    """One place where a member is mentioned, and how it stands there."""

    start: int
    end: int
    member: Member = field(compare=False)
    sentence: int = field(compare=False)
    paragraph: int = field(compare=False)
    subject: bool = field(compare=False)
    main: bool = field(compare=False)
    owner: bool = field(compare=False)
    quoted: bool = field(compare=False)
    reported: bool = field(compare=False)


@dataclass(slots=True)
class _Candidate:
    """A member with its last mention outside marks, or its last one at all."""

    member: Member
    last: _Mention


@dataclass(slots=True)
class Antecedents:
    """Looks up whom a pronoun means. ``speakers`` are the sources resolved so far.

    To be asked in reading order: what is resolved is context for what follows.
    ``watch`` is shown every choice, for training: the candidates with their measures.
    """

    doc: Doc
    cast: Cast
    quotes: Sequence[Quotation]
    contents: Sequence[Span] = ()  # what statements say, in text order
    weights: Mapping[str, float] = field(default_factory=lambda: WEIGHTS)
    watch: Callable[[int, Sequence[tuple[Member, Measures]]], None] | None = None
    speakers: list[tuple[int, Member]] = field(default_factory=list)
    together: list[Member] = field(default_factory=list)  # the last who spoke jointly
    joined_at: int = 0  # where they did
    _text: str = field(init=False)
    _contents: Holders = field(init=False)
    _starts: list[int] = field(init=False)
    _sentences: list[int] = field(init=False)
    _paragraphs: list[int] = field(init=False)
    _outers: list[int] = field(init=False)
    _mentions: list[_Mention] = field(init=False)
    _pronouns: list[Token] = field(init=False)
    _read: int = 0  # pronouns that were resolved, in text order
    _meant: dict[str, Member] = field(default_factory=dict)  # by the last 'he', 'she'

    def __post_init__(self) -> None:
        self._text = text = self.doc.text
        self._contents = Holders((span, 0) for span in self.contents)
        self._starts, self._pronouns = [], []
        for token in self.doc:
            self._starts.append(token.idx)
            if token.tag_ in ("PRP", "PRP$") and (
                PRONOUNS.get(token.lower_) in ("he", "she")
            ):
                self._pronouns.append(token)
        self._sentences = [s.start_char for s in self.doc.sents]
        self._paragraphs = [i + 1 for i, char in enumerate(text) if char == "\n"]
        self._outers = [q.outer.start for q in self.quotes]
        named = [*self.cast.named, *self.cast.called]
        self._mentions = sorted(self._mention(span, member) for span, member in named)

    # ------------------------------------------------------------------ who has spoken

    def said(self, at: int, member: Member) -> None:
        """Remember who spoke at a place; later pronouns lean to the last speaker.

        A source inside what another says is not remembered.
        """
        if not self._contents.any(Span(max(0, at - 1), at)):
            self.speakers.append((at, member))

    def mentioned(self, span: Span, member: Member) -> None:
        """Remember somebody whom no name mentions: 'a soldier', 'the delegate'."""
        insort(self._mentions, self._mention(span, member))

    def last_speaker(self, at: int) -> Member | None:
        return next((m for place, m in reversed(self.speakers) if place <= at), None)

    def spoke_near(self, at: int) -> bool:
        """Did somebody speak in this paragraph, not long before?"""
        place = next((p for p, _ in reversed(self.speakers) if p <= at), 0)
        text = self._text[place:at] if at - place < _NEAR else "\n"
        return "\n" not in text

    # ------------------------------------------------------------------------ pronouns

    def of_pronoun(
        self, pronoun: str, at: int, said: Sequence[Span] = ()
    ) -> Member | None:
        """The member that a pronoun at this place means, or None.

        ``said`` is the content whose source it is: whom that names is not its speaker.
        """
        wanted = PRONOUNS.get(pronoun.lower())
        if wanted is None:
            return None
        if wanted in ("they", "it"):
            return self._of_group(wanted, at, said)
        if not self.quoted(at):
            self._read_up_to(at)
        member = self._choice(wanted, at, said)
        if member is not None and not self.quoted(at):
            self._remember(Span(at, at + len(pronoun)), wanted, member)
            while (
                self._read < len(self._pronouns)
                and self._pronouns[self._read].idx <= at
            ):
                self._read += 1
        return member

    def _read_up_to(self, at: int) -> None:
        """Resolve the pronouns that stand before a place, outside quotation marks."""
        while self._read < len(self._pronouns) and self._pronouns[self._read].idx < at:
            token = self._pronouns[self._read]
            self._read += 1
            if self.quoted(token.idx):
                continue
            wanted = PRONOUNS[token.lower_]
            member = self._choice(wanted, token.idx, ())
            if member is not None:
                span = Span(token.idx, token.idx + len(token))
                self._remember(span, wanted, member)

    def _remember(self, span: Span, pronoun: str, member: Member) -> None:
        self._meant[pronoun] = member
        insort(self._mentions, self._mention(span, member))

    def _choice(self, wanted: str, at: int, said: Sequence[Span]) -> Member | None:
        """The most salient of those who agree; else whom the sentence names behind."""
        candidates = self._candidates(wanted, at, said)
        if not candidates:
            return self._ahead(wanted, at, said)
        seen = [
            (one.member, self._measures(wanted, at, said, one, candidates))
            for one in candidates
        ]
        if self.watch is not None:
            self.watch(at, seen)
        return max(seen, key=lambda pair: salience(pair[1], self.weights))[0]

    def _candidates(
        self, wanted: str, at: int, said: Sequence[Span]
    ) -> list[_Candidate]:
        """Everyone mentioned before who can be meant, the nearest first."""
        found: dict[int, _Candidate] = {}
        number = bisect_left(self._mentions, at, key=lambda m: m.start) - 1
        last = max(-1, number - _MOST)
        while number > last and at - self._mentions[number].start <= _FAR:
            mention = self._mentions[number]
            number -= 1
            member = mention.member
            if mention.end > at or not agrees(wanted, member):
                continue
            if any(part.start <= mention.start < part.end for part in said):
                continue
            known = found.get(id(member))
            if known is None:
                found[id(member)] = _Candidate(member, mention)
            elif known.last.quoted and not mention.quoted:
                known.last = mention
        inside = self.quoted(at)
        return sorted(
            found.values(),
            key=lambda one: (one.last.quoted and not inside, -one.last.start),
        )

    def _measures(
        self,
        wanted: str,
        at: int,
        said: Sequence[Span],
        one: _Candidate,
        candidates: Sequence[_Candidate],
    ) -> Measures:
        last, member = one.last, one.member
        here, paragraph = self._sentence(at), self._paragraph(at)
        apart = max(0, here - last.sentence)
        spoke, spoke_at, before = self._speakers_before(at)
        last_spoke = spoke is member
        since = max(0, here - self._sentence(max(0, spoke_at - 1)))
        rank = next(i for i, other in enumerate(candidates) if other is one)
        beside = any(
            part.end <= at and at - part.end < 60 and self.quoted(part.start)
            for part in said
        )
        opens = self._opens_paragraph(at)
        return Measures(
            agrees=float(member.pronoun == wanted),
            same_sentence=float(apart == 0),
            sentences=many(apart),
            same_paragraph=float(last.paragraph == paragraph),
            subject=float(last.subject),
            main_subject=float(last.main),
            subject_here=float(last.subject and apart == 0),
            owner=float(last.owner),
            nearest=float(rank == 0),
            second=float(rank == 1),
            named=many(sum(span.start < at for span in member.spans)),
            in_title=float(
                bool(member.spans) and self._paragraph(member.spans[0].start) == 0
            ),
            spoke_last=float(last_spoke),
            spoke_just=float(last_spoke and since <= 1),
            spoke_here=float(last_spoke and self._paragraph(spoke_at) == paragraph),
            spoke_since=many(since) if last_spoke else 0.0,
            goes_on=float(last_spoke and beside),
            spoke_before=float(before is member and not last_spoke),
            same_pronoun=float(self._meant.get(wanted) is member),
            opens=float(opens and last_spoke),
            first_subject=float(self._is_first_subject(member, paragraph, at)),
            only_quoted=float(last.quoted and not self.quoted(at)),
            reported=float(last.reported),
            nameless=float(bool(member.stranger)),
            in_content=float(
                any(part.holds(span) for part in said for span in member.spans)
            ),
        )

    def _speakers_before(self, at: int) -> tuple[Member | None, int, Member | None]:
        """Who spoke last before a place, where, and who spoke before that one."""
        last: tuple[Member | None, int] = (None, 0)
        for place, member in reversed(self.speakers):
            if place > at:
                continue
            if last[0] is None:
                last = member, place
            elif member is not last[0]:
                return (*last, member)
        return (*last, None)

    def _is_first_subject(self, member: Member, paragraph: int, at: int) -> bool:
        """Is the member the first subject of this paragraph, or of the one before?"""
        first = self._paragraph_start(paragraph)
        if at - first < 3:
            first = self._paragraph_start(self._before(paragraph))
        number = bisect_left(self._mentions, first, key=lambda m: m.start)
        for mention in self._mentions[number : number + 8]:
            if mention.start >= at:
                return False
            if mention.main:
                return mention.member is member
        return False

    def _ahead(self, wanted: str, at: int, said: Sequence[Span]) -> Member | None:
        """Whom a sentence names only behind the pronoun: ``he wrote, X, ...``."""
        entries = self.cast.named
        number = bisect_left(entries, at, key=lambda entry: entry[0].start)
        for span, member in entries[number : number + 3]:
            near = self._sentence(span.start) == self._sentence(at)
            if near and agrees(wanted, member):
                if not self._contents.any(span) and not any(
                    p.holds(span) for p in said
                ):
                    return member
        return None

    def _of_group(self, wanted: str, at: int, said: Sequence[Span]) -> Member | None:
        """'They' or 'it': the nearest subject that agrees, or the body that spoke last."""
        spoke, place, _ = self._speakers_before(at)
        near = self._sentence(at) - self._sentence(max(0, place - 1)) <= 1
        if spoke is not None and near and agrees(wanted, spoke):
            return spoke
        for token in self._subjects_before(at):
            if any(part.start <= token.idx < part.end for part in said):
                continue
            if wanted == "they" and _is_plural(token):
                return self._group(token)
            if wanted == "it" and not _is_plural(token):
                member = self._body_at(token)
                if member is not None:
                    return member
                if token.ent_type_ in ("ORG", "GPE", "NORP"):
                    return self._group(token)
        if spoke is not None and agrees(wanted, spoke):
            return spoke
        return None

    def _subjects_before(self, at: int) -> Iterator[Token]:
        """Subjects outside quotation marks in the sentences before, the nearest first."""
        here = self._sentence(at)
        i = bisect_left(self._starts, at) - 1
        while i >= 0:
            token = self.doc[i]
            i -= 1
            if here - self._sentence(token.idx) > _GROUP_REACH:
                return
            if token.dep_ in _SUBJECTS and token.pos_ not in ("PRON", "DET"):
                if not self.quoted(token.idx):
                    yield token

    def _body_at(self, token: Token) -> Member | None:
        for span, member in self.cast.over(Span(token.idx, token.idx + len(token))):
            if member.kind is not MentionKind.NAME and span.start <= token.idx:
                return member
        return None

    def _group(self, head: Token) -> Member:
        """A group that has no name but its noun phrase."""
        words = [
            t.text
            for t in self.doc[head.left_edge.i : head.i + 1]
            if t.dep_ != "det" and not t.is_space
        ]
        return Member(name=" ".join(words), kind=MentionKind.GROUP, pronoun="they")

    # ------------------------------------------------------------------ nouns for people

    def of_noun(
        self,
        head: str,
        words: frozenset[str],
        at: int,
        proper: frozenset[str] = frozenset(),
        fits: Callable[[Member], bool] = lambda _: True,
    ) -> Member | None:
        """The latest person who was called by this noun ('the minister') and ``fits``.

        ``words`` stand before the noun; one of those that are ``proper`` must be known of
        the person, if there are any.
        """
        best: tuple[int, int, Member] | None = None
        for span, member in self.cast.named:
            if span.start >= at:
                break
            if head not in member.nouns or clashes(head, member) or not fits(member):
                continue
            if proper and not proper & (member.words | member.places_folded):
                continue  # 'the Ruritanian senator' is no other country's
            overlap = len(words & member.words)
            rank = (overlap, span.start, member)
            if best is None or rank[:2] >= best[:2]:
                best = rank
        return best[2] if best is not None else None

    def last_two(
        self, at: int, fits: Callable[[Member], bool]
    ) -> tuple[Member, Member] | None:
        """The two persons who fit and were mentioned last, the earlier one first."""
        found: list[Member] = []
        number = bisect_left(self._mentions, at, key=lambda m: m.start) - 1
        while number >= 0 and at - self._mentions[number].start <= _FAR:
            mention = self._mentions[number]
            number -= 1
            member = mention.member
            if mention.quoted or member.kind is not MentionKind.NAME:
                continue
            if fits(member) and all(member is not other for other in found):
                found.append(member)
            if len(found) == 2:
                return found[1], found[0]
        return None

    # ------------------------------------------------------------------------- the text

    def quoted(self, at: int) -> bool:
        number = bisect_right(self._outers, at) - 1
        return number >= 0 and at < self.quotes[number].outer.end

    def _sentence(self, at: int) -> int:
        return bisect_right(self._sentences, at)

    def _paragraph(self, at: int) -> int:
        return bisect_right(self._paragraphs, at)

    def _paragraph_start(self, paragraph: int) -> int:
        return self._paragraphs[paragraph - 1] if paragraph > 0 else 0

    def _before(self, paragraph: int) -> int:
        """The paragraph before this one that is not empty."""
        text = self._text
        while paragraph > 0:
            end = self._paragraph_start(paragraph)
            paragraph -= 1
            if text[self._paragraph_start(paragraph) : end].strip():
                break
        return paragraph

    def _opens_paragraph(self, at: int) -> bool:
        return not self._text[self._paragraph_start(self._paragraph(at)) : at].strip(
            " \t\"“'‘"
        )

    def _mention(self, span: Span, member: Member) -> _Mention:
        subject, main, owner = self._grammar(span)
        return _Mention(
            start=span.start,
            end=span.end,
            member=member,
            sentence=self._sentence(span.start),
            paragraph=self._paragraph(span.start),
            subject=subject,
            main=main,
            owner=owner,
            quoted=self.quoted(span.start),
            reported=self._contents.any(span),
        )

    def _grammar(self, span: Span) -> tuple[bool, bool, bool]:
        """Is a mention a subject, that of a main clause, a genitive?"""
        i = bisect_left(self._starts, span.end) - 1
        if i < 0:
            return False, False, False
        token = self.doc[i]
        for _ in range(4):
            if token.dep_ in _SUBJECTS:
                verb = token.head
                main = verb.dep_ == "ROOT" or (
                    verb.dep_ == "conj" and verb.head.dep_ == "ROOT"
                )
                return True, main, False
            if token.dep_ == "poss":
                return False, False, True
            if token.dep_ in ("compound", "appos", "flat", "conj", "case"):
                token = token.head
            else:
                return False, False, False
        return False, False, False


def _is_plural(token: Token) -> bool:
    return token.tag_ in ("NNS", "NNPS") or any(t.dep_ == "conj" for t in token.rights)


def agrees(pronoun: str, member: Member) -> bool:
    """Does nothing in gender or number speak against the pronoun?"""
    if pronoun == "who":
        return True
    if member.kind is MentionKind.NAME:
        return pronoun in ("he", "she") and member.pronoun in ("", pronoun)
    if pronoun in ("he", "she"):
        return False
    return member.pronoun in ("", pronoun) or pronoun == "they"


def clashes(noun: str, member: Member) -> bool:
    """Does a noun that tells the gender ('spokeswoman') tell another one?"""
    told = GENDERED.get(noun)
    return told is not None and member.pronoun not in ("", told)
