"""The cast of an article: everyone and every body that it names, tracked or not."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import SequenceMatcher

from spacy.tokens import Doc, Token

from pipeline.model import Figure, FigureKind, MentionKind, Span
from pipeline.statements.figures import FigureIndex, Mention, fold

_HE = frozenset(
    {
        "mr",
        "sir",
        "king",
        "prince",
        "lord",
        "spokesman",
        "chairman",
        "congressman",
        "councilman",
        "businessman",
        "father",
        "son",
        "brother",
        "husband",
        "pope",
    }
)
_SHE = frozenset(
    {
        "mrs",
        "ms",
        "miss",
        "dame",
        "queen",
        "princess",
        "lady",
        "spokeswoman",
        "chairwoman",
        "congresswoman",
        "councilwoman",
        "businesswoman",
        "mother",
        "daughter",
        "sister",
        "wife",
    }
)
_HONORIFICS = frozenset(
    {
        "mr",
        "mrs",
        "ms",
        "miss",
        "dr",
        "sir",
        "dame",
        "lord",
        "lady",
        "sen",
        "rep",
        "gov",
        "gen",
        "col",
        "lt",
        "sgt",
        "president",
        "senator",
        "governor",
        "general",
        "minister",
        "secretary",
    }
)
_NOT_NAMES = frozenset(
    {
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "january",
        "february",
        "march",
        "april",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    }
)
_ALIKE = 0.72
"""Spelling likeness from which a name behind a role is its holder, misspelt."""


@dataclass(slots=True)
class Member:
    """Someone or something that can speak, with all places that name it."""

    name: str
    kind: MentionKind  # NAME: a person; BODY: an institution; GROUP: a government
    figure: Figure | None = None
    pronoun: str = ""
    leader: bool = False
    words: set[str] = field(
        default_factory=set
    )  # 'russian', 'campaign': beside the name
    nouns: set[str] = field(default_factory=set)  # 'ambassador': what it is called
    titles: set[str] = field(default_factory=set)
    places: set[str] = field(default_factory=set)
    spans: list[Span] = field(default_factory=list)


@dataclass(slots=True)
class Cast:
    """The members, and what stands where. ``mentions`` are in text order."""

    members: list[Member]
    named: list[tuple[Span, Member]]  # names and bodies, in text order
    roles: list[Mention]  # roles without a name behind them, in text order
    places: list[Mention]

    def over(self, span: Span) -> list[tuple[Span, Member]]:
        """Members named inside the span."""
        at = bisect_left(self.named, span.start, key=lambda entry: entry[0].start)
        found = []
        while at < len(self.named) and self.named[at][0].start < span.end:
            found.append(self.named[at])
            at += 1
        return found


def cast_of(doc: Doc, text: str, index: FigureIndex, on: date | None) -> Cast:
    """Everyone named in the text, with the offices that it gives them."""
    mentions = index.mentions(text, on)
    return _Casting(doc, text, index, on).cast(mentions)


class _Casting:
    """One pass that fills a cast."""

    def __init__(
        self, doc: Doc, text: str, index: FigureIndex, on: date | None
    ) -> None:
        self.doc, self.text, self.index, self.on = doc, text, index, on
        self.starts = [token.idx for token in doc]
        self.by_figure: dict[str, Member] = {}
        self.by_name: dict[str, Member] = {}  # folded full name
        self.by_last: dict[str, Member] = {}  # folded last word
        self.members: list[Member] = []
        self.named: list[tuple[Span, Member]] = []

    def cast(self, mentions: Sequence[Mention]) -> Cast:
        names = [
            m
            for m in mentions
            if m.kind in (MentionKind.NAME, MentionKind.BODY) and m.figure
        ]
        roles = [m for m in mentions if m.kind is MentionKind.ROLE]
        introduced = {m.figure.id for m in names if m.figure and not m.ambiguous}
        for role in roles:
            for name in names:
                if (
                    role.named is None
                    or not name.span.overlaps(role.named)
                    or not name.figure
                ):
                    continue
                held = {office.title for office in name.figure.offices}
                if role.figure is name.figure or (role.title and role.title.id in held):
                    introduced.add(name.figure.id)
        taken: list[Span] = []
        for mention in names:
            figure = mention.figure
            if figure is None or (mention.ambiguous and figure.id not in introduced):
                continue
            if figure.kind is FigureKind.PERSON and self._is_another(
                mention.span, figure
            ):
                continue
            self._add(mention.span, self._of_figure(figure))
            taken.append(mention.span)
        for role in roles:
            if role.named is not None:
                self._introduce(role, taken)
        self._entities(taken)
        self.named.sort(key=lambda entry: (entry[0].start, -entry[0].end))
        cast = Cast(
            members=self.members,
            named=self.named,
            roles=[r for r in roles if not (r.named and self._named_at(r.named))],
            places=[m for m in mentions if m.kind is MentionKind.BODY and m.place],
        )
        self._describe(cast, roles)
        return cast

    def _of_figure(self, figure: Figure) -> Member:
        member = self.by_figure.get(figure.id)
        if member is None:
            person = figure.kind is FigureKind.PERSON
            member = Member(
                name=figure.name,
                kind=MentionKind.NAME if person else MentionKind.BODY,
                figure=figure,
                pronoun=figure.pronoun,
                leader=True,
            )
            for office in figure.offices:
                if self.on is None or office.held_on(self.on):
                    member.titles.add(office.title)
                    member.places.add(office.of)
            if figure.country:
                member.places.add(figure.country)
            self.by_figure[figure.id] = member
            self._know(member)
        return member

    def _know(self, member: Member) -> None:
        self.members.append(member)
        self.by_name[_folded(member.name)] = member
        if member.kind is MentionKind.NAME:
            self.by_last[_folded(member.name).split()[-1]] = member

    def _add(self, span: Span, member: Member) -> None:
        member.spans.append(span)
        self.named.append((span, member))

    def _named_at(self, span: Span) -> bool:
        return any(entry[0].overlaps(span) for entry in self.named)

    def _is_another(self, span: Span, figure: Figure) -> bool:
        """Does a first name before a bare surname say that it is somebody else?"""
        i = bisect_left(self.starts, span.start)
        if i == 0 or i >= len(self.doc):
            return False
        before = self.doc[i - 1]
        after = self.doc[min(len(self.doc) - 1, bisect_left(self.starts, span.end))]
        if after.text in ("Jr", "Jr.", "Sr.", "III") and after.idx <= span.end + 2:
            return True
        if not (
            before.text[:1].isupper() and before.pos_ == "PROPN" and before.whitespace_
        ):
            return False
        if before.ent_type_ != "PERSON" or self.doc[i].ent_type_ not in ("PERSON", ""):
            return False
        if self.doc[i].ent_iob_ != "I" and before.head.i != i:
            return False
        first = fold(before.text).strip(".")
        known = {
            fold(word) for name in (figure.name, *figure.names) for word in name.split()
        }
        if first in known or first in _HONORIFICS or before.ent_iob_ == "O":
            return False
        return not any(_alike(first, word) for word in known)

    def _introduce(self, role: Mention, taken: list[Span]) -> None:
        """``Ukrainian President Voludimir Zellinski``, ``Foreign Minister X of Y``."""
        assert role.named is not None
        for span, member in self.named:
            if span.overlaps(role.named):
                self._entitle(member, role)
                return
        name = role.named.of(self.text)
        words = [w for w in name.split() if fold(w) not in _NOT_NAMES]
        if not words or words != name.split():
            return
        if role.figure is not None and self._misspelt(name, role.figure):
            self._add(role.named, self._of_figure(role.figure))
            self.by_last[fold(words[-1])] = self.by_figure[role.figure.id]
            taken.append(role.named)
            return
        if len(words) < 2:
            known = self.by_last.get(fold(words[0]))
            if known is not None:
                self._entitle(known, role)
            return
        member = self._person(name)
        self._add(role.named, member)
        self._entitle(member, role)
        taken.append(role.named)

    def _misspelt(self, name: str, figure: Figure) -> bool:
        last = fold(name.split()[-1])
        return any(_alike(last, fold(known.split()[-1])) for known in figure.names)

    def _entitle(self, member: Member, role: Mention) -> None:
        if role.title is not None:
            member.titles.add(role.title.id)
            member.nouns.update(fold(form).split()[-1] for form in role.title.forms)
            if role.title.leader and (not role.former or role.title.former):
                placed = role.place is not None and (
                    role.title.basis != "spox"
                    or role.place.kind == "country"
                    or role.place.speaks
                )
                bare = role.place is None and role.title.basis in ("fm", "dm", "hog")
                member.leader = member.leader or placed or bare
        if role.place is not None:
            member.places.add(role.place.name)
        for word in role.span.of(self.text).split():
            self._gender(member, fold(word))

    def _gender(self, member: Member, word: str) -> None:
        if member.pronoun:
            return
        if word in _HE:
            member.pronoun = "he"
        elif word in _SHE:
            member.pronoun = "she"

    def _person(self, name: str) -> Member:
        key = _folded(name)
        known = self.by_name.get(key)
        if known is None:
            words = key.split()
            last = self.by_last.get(words[-1])
            if last is not None and (
                len(words) == 1 or _one_person(key, _folded(last.name))
            ):
                return last
            known = Member(name=name, kind=MentionKind.NAME)
            self._know(known)
        return known

    def _entities(self, taken: list[Span]) -> None:
        """Persons that the entity recogniser knows and nothing before has claimed."""
        claimed = sorted(taken)
        for entity in self.doc.ents:
            if entity.label_ != "PERSON":
                continue
            span = _trimmed(self.text, entity.start_char, entity.end_char)
            if span is None or any(span.overlaps(other) for other in claimed):
                continue
            name = span.of(self.text)
            words = [w for w in name.split() if w[:1].isalpha()]
            if (
                not words
                or not words[-1][:1].isupper()
                or fold(words[-1]) in _NOT_NAMES
            ):
                continue
            honorific = (
                fold(self.doc[entity.start - 1].text).strip(".") if entity.start else ""
            )
            inside = fold(self.doc[entity.start].text).strip(".")
            honorific = inside if inside in _HONORIFICS else honorific
            if len(words) == 1:
                member = self.by_last.get(fold(words[0])) or self.by_name.get(
                    fold(words[0])
                )
                if member is None:
                    member = self._person(name)
            else:
                member = self._person(name)
            if honorific in _HONORIFICS:
                self._gender(member, honorific)
            self._add(span, member)

    def _describe(self, cast: Cast, roles: Iterable[Mention]) -> None:
        """Titles in apposition, and the nouns that stand beside a name."""
        for role in roles:
            if role.named is not None and self._named_at(role.named):
                continue
            member = self._beside(role, cast)
            if member is not None and member.kind is MentionKind.NAME:
                self._entitle(member, role)
        for span, member in cast.named:
            for token, calls in self._around(span):
                word = fold(token.lemma_)
                member.words.add(word)
                if calls:
                    member.nouns.add(word)
                self._gender(member, fold(token.text).strip("."))

    def _beside(self, role: Mention, cast: Cast) -> Member | None:
        """The name that a comma joins to a role: ``X, the prime minister of Y``."""
        for span, member in cast.named:
            if span.end <= role.span.start:
                gap = self.text[span.end : role.span.start].strip()
                if gap in (",", ", the", ", then", ", a", "(", ",the") and len(gap) < 8:
                    return member
            elif span.start >= role.span.end:
                gap = self.text[role.span.end : span.start]
                if gap in (", ", " - ", " – "):
                    return member
                break
        return None

    def _around(self, span: Span) -> Iterator[tuple[Token, bool]]:
        """Words before a name in its phrase and in its apposition; whether each calls it
        so by itself ('ambassador') or only tells more ('Russian')."""
        i = bisect_left(self.starts, span.start)
        if i >= len(self.doc) or not self.doc.has_annotation("DEP"):
            return
        last = max(i, bisect_left(self.starts, span.end) - 1)
        j = i - 1
        while j >= 0 and j >= i - 6 and self.doc[j].pos_ in ("NOUN", "PROPN", "ADJ"):
            if self.doc[j].text[:1] in '"“\n':
                break
            yield self.doc[j], j == i - 1 and self.doc[j].pos_ != "ADJ"
            j -= 1
        for token in self.doc[last].rights:
            if token.dep_ == "appos":
                yield token, True
                yield from (
                    (c, False) for c in token.lefts if c.dep_ in ("compound", "amod")
                )
        head = self.doc[last]
        if head.dep_ == "appos" and head.head.pos_ == "NOUN":
            yield head.head, True


def _trimmed(text: str, start: int, end: int) -> Span | None:
    """An entity without honorifics, possessive ending and line breaks."""
    raw = text[start:end]
    if "\n" in raw:
        raw = raw.split("\n")[0]
    for ending in ("'s", "’s", "'", "’", ",", "."):
        if raw.endswith(ending) and not (
            ending == "." and len(raw) > 2 and raw[-3:-1].isupper()
        ):
            raw = raw[: -len(ending)]
    while True:
        first, _, rest = raw.partition(" ")
        if rest and fold(first).strip(".") in _HONORIFICS:
            start += len(first) + 1
            raw = rest
        else:
            break
    return Span(start, start + len(raw)) if raw.strip() else None


def _folded(name: str) -> str:
    return " ".join(fold(word).strip(".,'’\"") for word in name.split())


def _one_person(one: str, other: str) -> bool:
    """Same last word is given: do the first words not clash?"""
    a, b = one.split(), other.split()
    if len(a) == 1 or len(b) == 1:
        return True
    return a[0] == b[0] or (a[0][:1] == b[0][:1] and min(len(a[0]), len(b[0])) == 1)


def _alike(one: str, other: str) -> bool:
    if one[:1] != other[:1] or abs(len(one) - len(other)) > 3:
        return False
    return SequenceMatcher(None, one, other, autojunk=False).ratio() >= _ALIKE
