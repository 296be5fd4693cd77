"""The cast of an article: everyone and every body that it names, tracked or not."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import SequenceMatcher
from importlib.resources import files

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
GIVEN: dict[str, str] = {
    name: pronoun
    for pronoun, names in json.loads(
        files("pipeline.statements").joinpath("given_names.json").read_text("utf-8")
    ).items()
    for name in names.split()
}
"""Given names that are all but always a man's ('he') or a woman's ('she'), folded."""

_APPOSED = re.compile(
    r"((?:[^\W\d_a-z][\w'’-]+ )(?:[\w'’-]+ ){0,3}?[^\W\d_a-z][\w'’-]+), (?:the )?\Z"
)
"""A name that a comma joins to what follows."""
_THE = re.compile(r"\b[Tt]he \Z")
_LONG = 7
"""Letters that a surname must have for a slip of the pen to be forgiven."""
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
    former: set[str] = field(default_factory=set)  # titles of offices that were left
    places: set[str] = field(default_factory=set)
    spans: list[Span] = field(default_factory=list)
    stranger: str = ""  # the noun of one who has no name: 'a soldier'

    @property
    def places_folded(self) -> set[str]:
        """The words of the places whose offices the member holds."""
        return {fold(word) for place in self.places for word in place.split()}


@dataclass(slots=True)
class Cast:
    """The members, and what stands where. ``mentions`` are in text order."""

    members: list[Member]
    named: list[tuple[Span, Member]]  # names and bodies, in text order
    roles: list[Mention]  # roles without a name behind them, in text order
    places: list[Mention]
    called: list[tuple[Span, Member]] = field(default_factory=list)
    """Roles that the date gives to somebody, in text order."""
    on: date | None = None  # the day of publication

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
        self.by_last: dict[str, list[Member]] = {}  # folded last word, newest first
        self.by_first: dict[str, list[Member]] = {}  # folded given name
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
            else:
                self._apposed(role, taken)
        places = [m.span for m in mentions if m.place and not m.ambiguous]
        self._entities(taken, places)
        self._surnames()
        self.named.sort(key=lambda entry: (entry[0].start, -entry[0].end))
        cast = Cast(
            members=self.members,
            named=self.named,
            roles=[
                self._of_those_named(r)
                for r in roles
                if not (r.named and self._named_at(r.named))
            ],
            places=[m for m in mentions if m.kind is MentionKind.BODY and m.place],
            on=self.on,
        )
        self._describe(cast, roles)
        cast.called = [
            (role.span, self._of_figure(role.figure))
            for role in cast.roles
            if role.figure is not None and role.figure.kind is FigureKind.PERSON
        ] + list(self._called(cast))
        return cast

    def _of_those_named(self, role: Mention) -> Mention:
        """``the former British prime minister``: of several the one whom the text names,
        the last one who left that office."""
        if not role.former or role.figure is None:
            return role
        for span, member in reversed(self.named):
            figure = member.figure
            if span.start < role.span.start and figure is not None:
                if any(
                    role.title is not None
                    and role.place is not None
                    and (office.title, office.of) == (role.title.id, role.place.name)
                    and not (self.on is None or office.held_on(self.on))
                    for office in figure.offices
                ):
                    return replace(role, figure=figure)
        return role

    def _called(self, cast: Cast) -> Iterator[tuple[Span, Member]]:
        """``the prime minister``, of no country: the last one named who is one."""
        for role in cast.roles:
            if role.figure is not None or role.title is None or role.place is not None:
                continue
            if role.former or not _THE.search(self.text, 0, role.span.start):
                continue
            for span, member in reversed(cast.named):
                if span.end <= role.span.start and role.title.id in member.titles:
                    yield role.span, member
                    break

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
                    member.nouns |= self.index.nouns(office.title)
                    member.places.add(office.of)
                elif office.until is not None and office.until <= self.on:
                    member.former.add(office.title)
            if figure.country:
                member.places.add(figure.country)
            self.by_figure[figure.id] = member
            self._know(member)
        return member

    def _know(self, member: Member) -> None:
        self.members.append(member)
        self.by_name[_folded(member.name)] = member
        if member.kind is MentionKind.NAME:
            words = _folded(member.name).split()
            self.by_last.setdefault(words[-1], []).insert(0, member)
            if len(words) > 1:
                self.by_first.setdefault(words[0], []).append(member)
            if not member.pronoun and len(words) > 1:
                member.pronoun = GIVEN.get(words[0], "")

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
            member = self._of_figure(role.figure)
            self._add(role.named, member)
            self.by_last.setdefault(fold(words[-1]), []).insert(0, member)
            taken.append(role.named)
            return
        if len(words) < 2:
            known = self._surnamed(fold(words[0]))
            if known is not None:
                self._entitle(known, role)
            return
        figure = self._slip(words)
        member = self._of_figure(figure) if figure else self._person(name)
        self._add(role.named, member)
        self._entitle(member, role)
        taken.append(role.named)

    def _misspelt(self, name: str, figure: Figure) -> bool:
        last = fold(name.split()[-1])
        return any(_alike(last, fold(known.split()[-1])) for known in figure.names)

    def _entitle(self, member: Member, role: Mention) -> None:
        if role.title is not None:
            (member.former if role.former else member.titles).add(role.title.id)
            member.nouns |= self.index.nouns(role.title.id)
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
        member.pronoun = member.pronoun or _pronoun_of(word)

    def _person(self, name: str) -> Member:
        key = _folded(name)
        known = self.by_name.get(key)
        if known is None:
            words = key.split()
            for last in self.by_last.get(words[-1], ()):
                if len(words) == 1 or _one_person(key, _folded(last.name)):
                    if len(words) > 1 and not last.pronoun and last.figure is None:
                        last.pronoun = GIVEN.get(words[0], "")
                    return last
            known = Member(name=name, kind=MentionKind.NAME)
            self._know(known)
        return known

    def _entities(self, taken: list[Span], places: list[Span]) -> None:
        """Persons that the entity recogniser knows and nothing before has claimed.

        A place that it takes for a person is none.
        """
        claimed = sorted(taken)
        for entity in self.doc.ents:
            if entity.label_ != "PERSON":
                continue
            span = _trimmed(self.text, entity.start_char, entity.end_char)
            if span is None or any(span.overlaps(other) for other in claimed):
                continue
            if any(place.holds(span) for place in places):
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
                member = self._short(fold(words[0]), honorific)
            else:
                member = self.by_name.get(_folded(name))
            if member is None:
                figure = self._slip(words)
                member = self._of_figure(figure) if figure else self._person(name)
            if honorific in _HONORIFICS:
                self._gender(member, honorific)
            self._add(span, member)

    def _apposed(self, role: Mention, taken: list[Span]) -> None:
        """``Ursel van der Leien, the Commission president``: the holder, misspelt."""
        found = _APPOSED.search(self.text, 0, role.span.start)
        figure = role.figure
        if found is None or figure is None or figure.kind is not FigureKind.PERSON:
            return
        span = Span(*found.span(1))
        known = any(span.overlaps(other) for other in taken)
        if not known and self._misspelt(found[1], figure):
            self._add(span, self._of_figure(figure))
            taken.append(span)

    def _slip(self, words: Sequence[str]) -> Figure | None:
        """The figure whose long surname this is but for one slip of the pen.

        A given name must be the figure's, and the last letter must agree: in many
        languages it tells another member of the family.
        """
        last = fold(words[-1])
        if len(last) < _LONG or last in self.by_last:
            return None
        found = {}
        for figure in self.index.figures:
            if figure.kind is not FigureKind.PERSON:
                continue
            known = fold(figure.name.split()[-1])
            if len(known) < _LONG or known[-1] != last[-1] or not one_slip(last, known):
                continue
            given = {fold(w) for name in figure.names for w in name.split()}
            given |= {fold(w) for w in figure.name.split()}
            if all(fold(word) in given for word in words[:-1]):
                found[figure.id] = figure
        return next(iter(found.values())) if len(found) == 1 else None

    def _surnames(self) -> None:
        """Surnames of persons named in full, where the entity recogniser was silent."""
        taken = sorted(span for span, _ in self.named)
        for token in self.doc:
            if token.pos_ != "PROPN" or token.ent_type_ == "PERSON":
                continue
            word = fold(token.text)
            if word not in self.by_last or not token.text[:1].isupper():
                continue
            span = Span(token.idx, token.idx + len(token))
            at = bisect_left(taken, span)
            if any(span.overlaps(other) for other in taken[max(0, at - 1) : at + 1]):
                continue
            before = self.doc[token.i - 1] if token.i else None
            after = self.doc[token.i + 1] if token.i + 1 < len(self.doc) else None
            honorific = fold(before.text).strip(".") if before is not None else ""
            member = self._surnamed(word, _pronoun_of(honorific))
            if member is None or " " not in member.name:
                continue
            if _continues(before, token) and honorific not in _HONORIFICS:
                continue
            if after is not None and _continues(token, after):
                continue
            self._add(span, member)

    def _short(self, word: str, honorific: str) -> Member | None:
        """Who is meant by a bare surname, or by a given name that only one person has."""
        pronoun = _pronoun_of(honorific)
        member = self._surnamed(word, pronoun) or self.by_name.get(word)
        if member is not None or honorific in _HONORIFICS:
            return member
        called = self.by_first.get(word, ())
        return called[0] if len(called) == 1 else None

    def _surnamed(self, word: str, pronoun: str = "") -> Member | None:
        """Who bears a surname; 'Mr' and 'Mrs' tell namesakes apart."""
        bearers = self.by_last.get(word, [])
        for member in bearers:
            if pronoun and member.pronoun == pronoun:
                return member
        fits = [m for m in bearers if not pronoun or not m.pronoun]
        return fits[0] if fits else None

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


def _continues(one: Token | None, other: Token) -> bool:
    """Do two tokens belong to one longer name ('Smith Foundation')?"""
    return (
        one is not None
        and one.pos_ == other.pos_ == "PROPN"
        and one.text[:1].isupper()
        and other.text[:1].isupper()
        and other.ent_iob_ == "I"
    )


def _pronoun_of(word: str) -> str:
    """The gender that a title or a noun tells, as a pronoun, or nothing."""
    return "he" if word in _HE else "she" if word in _SHE else ""


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


def one_slip(one: str, other: str) -> bool:
    """Do two words differ by one letter more, less or other, or by two that swapped?"""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    a, b = sorted((one, other), key=len)
    i = next((k for k, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), len(a))
    if len(a) < len(b):
        return a[i:] == b[i + 1 :]
    swapped = a[i : i + 2] == b[i : i + 2][::-1] and a[i + 2 :] == b[i + 2 :]
    return swapped or a[i + 1 :] == b[i + 1 :]


def _alike(one: str, other: str) -> bool:
    if one[:1] != other[:1] or abs(len(one) - len(other)) > 3:
        return False
    return SequenceMatcher(None, one, other, autojunk=False).ratio() >= _ALIKE
