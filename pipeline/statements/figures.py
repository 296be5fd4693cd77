"""Who is named in a text: names in every spelling, roles by date, bodies, governments.

One pass over the words with a table of first words; the longest match wins. Letters are
compared without case and diacritics, but a name must be written with a capital.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum

from pipeline.model import Figure, FigureKind, MentionKind, Office, Span
from pipeline.statements.lexicon import Country, Offices, Title

SINCE = date(2021, 1, 1)
"""Without a date a role means someone only if one person held it from this day on."""

_WORD = re.compile(r"[^\W_]+|[^\w\s]")
_FORMER = frozenset({"former", "ex", "onetime"})
_LEADER = frozenset({"leader", "strongman", "ruler"})
_PREPOSITION = re.compile(r" (?:of|for|to) ")
_GLUE = frozenset({"-", "–"})
_OF = frozenset({"of", "of the", "for", "for the", "at the", "from"})
_POSSESSIVE = frozenset({"'", "’"})


class Sort(StrEnum):
    """What a matched phrase is."""

    NAME = "name"
    PHRASE = "phrase"  # means whoever holds an office: 'Kremlin chief'
    TITLE = "title"
    PLACE = "place"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A place in a text where a person or body is named, by name, role or metonymy.

    ``figure`` is None where nobody tracked is meant, or nobody can be told yet;
    ``title``, ``place`` and ``former`` are what a role says of its holder. ``named`` is
    the capitalised name that directly follows a role, tracked or not.
    """

    span: Span
    kind: MentionKind
    figure: Figure | None = None
    title: Title | None = None
    place: Country | None = None
    former: bool = False
    ambiguous: bool = False
    leads: bool = False
    named: Span | None = None


@dataclass(frozen=True, slots=True)
class _Entry:
    words: tuple[str, ...]
    sort: Sort
    figure: Figure | None = None
    office: Office | None = None
    titles: tuple[Title, ...] = ()
    place: Country | None = None
    ambiguous: bool = False
    adjective: bool = False


@dataclass(frozen=True, slots=True)
class _Word:
    folded: str
    span: Span
    capital: bool


@dataclass(frozen=True, slots=True)
class _Match:
    first: int
    last: int  # of words, inclusive
    entry: _Entry


@dataclass(slots=True)
class FigureIndex:
    """Tracked figures and leaders' offices, looked up in texts.

    ``FigureIndex(figures, offices)`` is built once; looking up changes nothing.
    """

    figures: Sequence[Figure]
    offices: Offices = field(default_factory=Offices)
    _entries: dict[str, list[_Entry]] = field(init=False, repr=False)
    _holders: dict[tuple[str, str], list[tuple[Office, Figure]]] = field(
        init=False, repr=False
    )
    _by_id: dict[str, Figure] = field(init=False, repr=False)
    _means: dict[tuple[str, ...], list[tuple[Office, Figure]]] = field(
        init=False, repr=False
    )
    _nouns: dict[str, frozenset[str]] = field(init=False, repr=False)
    _called: dict[str, frozenset[str]] = field(init=False, repr=False)
    _basis: dict[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._nouns = {
            title.id: frozenset(_noun(form) for form in title.forms)
            for title in self.offices.titles
        }
        self._basis = {title.id: title.basis for title in self.offices.titles}
        self._called = {
            title.id: frozenset(map(fold, title.called))
            for title in self.offices.titles
        }
        self._by_id = {figure.id: figure for figure in self.figures}
        self._holders, self._means = {}, {}
        for figure in self.figures:
            for office in figure.offices:
                for phrase in office.also:
                    self._means.setdefault(_key(phrase), []).append((office, figure))
                self._holders.setdefault((office.title, office.of), []).append(
                    (office, figure)
                )
        merged: dict[tuple[tuple[str, ...], Sort], _Entry] = {}
        for entry in self._phrases():
            key = (entry.words, entry.sort)
            if entry.sort is Sort.TITLE and key in merged:
                both = (*merged[key].titles, *entry.titles)
                merged[key] = replace(merged[key], titles=both)
            elif key not in merged or (merged[key].ambiguous and not entry.ambiguous):
                merged[key] = entry
        self._entries = {}
        for entry in merged.values():
            self._entries.setdefault(entry.words[0], []).append(entry)
        for entries in self._entries.values():
            entries.sort(key=lambda entry: -len(entry.words))

    def figure(self, figure_id: str) -> Figure | None:
        return self._by_id.get(figure_id)

    def mentions(self, text: str, on: date | None) -> list[Mention]:
        """Every mention in the text, in order, without overlaps.

        A role is resolved by the day ``on``; without a day, only when one person held
        the office from 2021 to now, or the text names one of its holders.
        """
        words = list(_words(text))
        matches = list(self._matches(words))
        mentions = list(self._roles(words, matches, on))
        return _named_holders(self, mentions) if on is None else mentions

    def names_anyone(self, text: str) -> bool:
        """Does the text hold a figure's name, any office, or somebody's 'leader'?"""
        words = list(_words(text))
        return any(word.folded in _LEADER for word in words) or any(
            match.entry.sort is not Sort.PLACE for match in self._matches(words)
        )

    def holder(
        self, title: str, place: str, on: date | None, *, former: bool = False
    ) -> Figure | None:
        """Who holds an office on a day; for ``former``, who left it last before it."""
        terms = self._holders.get((title, place), [])
        if former:
            left = [
                (office.until, figure)
                for office, figure in terms
                if office.until is not None
                and (on is None or office.until <= on)
                and not any(o.held_on(on or date.max) for o, f in terms if f is figure)
            ]
            return max(left, key=lambda term: term[0])[1] if left else None
        return _holder(terms, on)

    def leader_of(
        self, place: str, on: date | None, *, former: bool = False
    ) -> Figure | None:
        """Who is called 'the <adjective> leader' of a place on a day."""
        terms = [
            (office, figure)
            for (_, of), held in self._holders.items()
            if of == place
            for office, figure in held
            if office.leads
        ]
        if former:
            left = [
                (o.until, f)
                for o, f in terms
                if o.until and (on is None or o.until <= on)
            ]
            return max(left, key=lambda term: term[0])[1] if left else None
        return _holder(terms, on)

    def nouns(self, title: str) -> frozenset[str]:
        """The nouns by which a text calls a title's holder: 'minister', 'diplomat'."""
        return self._nouns.get(title, frozenset()) | self._called.get(
            title, frozenset()
        )

    def basis(self, title: str) -> str:
        """What kind of office a title is, by its id; empty for one that is not known."""
        return self._basis.get(title, "")

    def ends_title(self, word: str) -> bool:
        """Is it the last word of a title's form ('President', 'minister'), or 'leader'?"""
        noun = fold(word)
        return noun in _LEADER or any(noun in nouns for nouns in self._nouns.values())

    def _head(
        self, body: Country, noun: str, on: date | None, former: bool
    ) -> Figure | None:
        """``the Commission president``: its one office that has the noun in a form."""
        offices = [
            title
            for title, of in self._holders
            if of == body.name
            and noun in self._nouns.get(title, ())
            and self.basis(title) == "intl"
        ]
        if len(offices) != 1:
            return None
        return self.holder(offices[0], body.name, on, former=former)

    def holders(self, mention: Mention) -> list[Figure]:
        """Everyone who ever held the office that a role names."""
        if mention.place is None:
            return []
        if mention.title is None:
            found = [
                figure
                for (_, of), held in self._holders.items()
                if of == mention.place.name
                for office, figure in held
                if office.leads
            ]
        else:
            key = (mention.title.id, mention.place.name)
            found = [figure for _, figure in self._holders.get(key, [])]
        return _unique(found)

    def _phrases(self) -> Iterator[_Entry]:
        for figure in self.figures:
            for name in dict.fromkeys((figure.name, *figure.names)):
                yield _Entry(_key(_bare(name)), Sort.NAME, figure=figure)
            for name in figure.ambiguous:
                yield _Entry(_key(name), Sort.NAME, figure=figure, ambiguous=True)
            for office in figure.offices:
                for phrase in office.also:
                    yield _Entry(
                        _key(phrase), Sort.PHRASE, figure=figure, office=office
                    )
        for title in self.offices.titles:
            for form in title.forms:
                yield _Entry(_key(form), Sort.TITLE, titles=(title,))
        for place in self.offices.countries:
            for adjective in place.adjectives:
                yield _Entry(_key(adjective), Sort.PLACE, place=place, adjective=True)
            for name in (place.name, *place.also):
                yield _Entry(_key(_bare(name)), Sort.PLACE, place=place)

    def _matches(self, words: list[_Word]) -> Iterator[_Match]:
        folded = [word.folded for word in words]
        at = 0
        while at < len(words):
            best: _Match | None = None
            for entry in self._entries.get(folded[at], ()):
                size = len(entry.words)
                if best is not None and size <= best.last - best.first:
                    break
                if tuple(folded[at : at + size]) != entry.words:
                    continue
                if (
                    entry.sort is not Sort.TITLE
                    and not words[at].capital
                    and (entry.words[0] not in ("the", "presidential"))
                ):
                    continue
                if (
                    best is None
                    or size > best.last - best.first + 1
                    or (entry.sort is Sort.NAME and best.entry.sort is not Sort.NAME)
                ):
                    best = _Match(at, at + size - 1, entry)
            if best is None:
                at += 1
            else:
                yield best
                at = best.last + 1

    def _roles(
        self, words: list[_Word], matches: list[_Match], on: date | None
    ) -> Iterator[Mention]:
        """Matches joined to roles: place and title, title of place, role and name."""
        number = 0
        while number < len(matches):
            mention, used = self._at(words, matches, number, on)
            yield mention
            number += used

    def _at(
        self, words: list[_Word], matches: list[_Match], number: int, on: date | None
    ) -> tuple[Mention, int]:
        """The mention that begins with a match, and how many matches it takes."""
        match = matches[number]
        entry = match.entry
        span = _span(words, match.first, match.last)
        if entry.sort is Sort.PHRASE:
            figure = _holder(self._means[entry.words], on)
            return Mention(span=span, kind=MentionKind.ROLE, figure=figure), 1
        if entry.sort is Sort.PLACE:
            return self._place_first(words, matches, number, on)
        if entry.figure is None:
            place, last, used = self._place_after(words, matches, number)
            return self._made(words, match.first, last, entry.titles, place, on), used
        if entry.figure.kind is FigureKind.INSTITUTION:
            following = self._title_after(words, matches, number)
            if following is not None:
                place = self._place_of(entry.figure)
                titles = following.entry.titles
                return self._made(
                    words, match.first, following.last, titles, place, on
                ), 2
        kind = entry.figure.kind is FigureKind.INSTITUTION
        mention = Mention(
            span=span,
            kind=MentionKind.BODY if kind else MentionKind.NAME,
            figure=entry.figure,
            ambiguous=entry.ambiguous,
        )
        return mention, 1

    def _title_after(
        self, words: list[_Word], matches: list[_Match], number: int
    ) -> _Match | None:
        following = matches[number + 1] if number + 1 < len(matches) else None
        if following is None or following.entry.sort is not Sort.TITLE:
            return None
        gap = [w.folded for w in words[matches[number].last + 1 : following.first]]
        return following if gap in ([], ["'", "s"], ["’", "s"]) else None

    def _place_of(self, body: Figure) -> Country:
        """A tracked body as the place of an office: ``Kremlin spokesman``."""
        for place in self.offices.countries:
            if place.name == body.name:
                return place
        return Country(name=body.name, kind="body", country=body.country, speaks=True)

    def _place_first(
        self, words: list[_Word], matches: list[_Match], number: int, on: date | None
    ) -> tuple[Mention, int]:
        """``Ukrainian president``, ``Hungary's foreign minister``, ``Belarusian leader``."""
        match = matches[number]
        place = match.entry.place
        assert place is not None
        after, former = _after_place(words, match.last + 1)
        if after < len(words) and words[after].folded in _LEADER:
            return self._leader(words, match.first, after, place, on, former), 1
        following = matches[number + 1] if number + 1 < len(matches) else None
        if (
            following is not None
            and following.first == after
            and following.entry.sort is Sort.TITLE
        ):
            titles = following.entry.titles
            return self._made(
                words, match.first, following.last, titles, place, on, former
            ), 2
        return Mention(
            span=_span(words, match.first, match.last),
            kind=MentionKind.BODY,
            place=place,
            ambiguous=match.entry.adjective,
        ), 1

    def _place_after(
        self, words: list[_Word], matches: list[_Match], number: int
    ) -> tuple[Country | None, int, int]:
        """``president of Ukraine``: the place, the last word, the matches used."""
        match = matches[number]
        following = matches[number + 1] if number + 1 < len(matches) else None
        if following is not None:
            gap = " ".join(w.folded for w in words[match.last + 1 : following.first])
            place, figure = following.entry.place, following.entry.figure
            if place is None and figure is not None:
                body = figure.kind is FigureKind.INSTITUTION
                place = self._place_of(figure) if body else None
            if gap in _OF and place is not None:
                return place, following.last, 2
        return None, match.last, 1

    def _leader(
        self,
        words: list[_Word],
        first: int,
        last: int,
        place: Country,
        on: date | None,
        former: bool,
    ) -> Mention:
        first, before = _former_before(words, first)
        return Mention(
            span=_span(words, first, last),
            kind=MentionKind.ROLE,
            figure=self.leader_of(place.name, on, former=former or before),
            place=place,
            former=former or before,
            leads=True,
            named=_name_after(words, last),
        )

    def _made(
        self,
        words: list[_Word],
        first: int,
        last: int,
        titles: tuple[Title, ...],
        place: Country | None,
        on: date | None,
        former: bool = False,
    ) -> Mention:
        first, before = _former_before(words, first)
        former = former or before
        figure, title = None, titles[0]
        if place is not None:
            for candidate in titles:
                figure = self.holder(candidate.id, place.name, on, former=former)
                if figure is not None:
                    title = candidate
                    break
                if (candidate.id, place.name) in self._holders:
                    title = candidate
            if place.kind == "body" and figure is None:
                title = next((t for t in titles if t.basis in ("intl", "spox")), title)
                figure = self._head(place, words[last].folded, on, former)
        return Mention(
            span=_span(words, first, last),
            kind=MentionKind.ROLE,
            figure=figure,
            title=title,
            place=place,
            former=former,
            named=_name_after(words, last),
        )


def _after_place(words: list[_Word], at: int) -> tuple[int, bool]:
    """Where a place's genitive and ``former`` end, and whether ``former`` stands there."""
    if at + 1 < len(words) and words[at].folded in _POSSESSIVE:
        at += 2 if words[at + 1].folded == "s" else 1
    if at >= len(words) or words[at].folded not in _FORMER:
        return at, False
    at += 1
    if at < len(words) and words[at].folded in _GLUE:
        at += 1
    return at, True


def _former_before(words: list[_Word], first: int) -> tuple[int, bool]:
    at = first - 1
    if at >= 1 and words[at].folded in _GLUE:
        at -= 1
    if at >= 0 and words[at].folded in _FORMER:
        return at, True
    return first, False


def _name_after(words: list[_Word], last: int) -> Span | None:
    """The capitalised words right behind a role, within the sentence."""
    end = last
    for at in range(last + 1, min(last + 5, len(words))):
        word = words[at]
        if not word.capital and word.folded not in (
            "-",
            "de",
            "von",
            "van",
            "der",
            "al",
            "bin",
        ):
            break
        if words[at].span.start - words[at - 1].span.end > 1:
            break
        end = at
    while end > last and not words[end].capital:
        end -= 1
    return _span(words, last + 1, end) if end > last else None


def _named_holders(index: FigureIndex, mentions: list[Mention]) -> list[Mention]:
    """Roles that no day decides, given to the holder whom the text names."""
    named = {m.figure.id for m in mentions if m.kind is MentionKind.NAME and m.figure}
    decided = []
    for mention in mentions:
        if mention.kind is MentionKind.ROLE and mention.figure is None:
            here = [f for f in index.holders(mention) if f.id in named]
            if len(here) == 1:
                mention = replace(mention, figure=here[0])
        decided.append(mention)
    return decided


def _holder(terms: Iterable[tuple[Office, Figure]], on: date | None) -> Figure | None:
    """Who holds an office on a day; without a day, who held it all the time."""
    if on is None:
        return _held_throughout(terms)
    return next((figure for office, figure in terms if office.held_on(on)), None)


def _held_throughout(terms: Iterable[tuple[Office, Figure]]) -> Figure | None:
    """The one figure who held an office from ``SINCE`` on and holds it still."""
    for office, figure in terms:
        if office.until is None and (office.since is None or office.since <= SINCE):
            return figure
    return None


def _noun(form: str) -> str:
    """The noun of a title's form: 'minister' of 'minister of foreign affairs'."""
    return _PREPOSITION.split(fold(form))[0].split()[-1]


def _unique(figures: Iterable[Figure]) -> list[Figure]:
    return list({figure.id: figure for figure in figures}.values())


def _words(text: str) -> Iterator[_Word]:
    for match in _WORD.finditer(text):
        word = match[0]
        yield _Word(fold(word), Span(match.start(), match.end()), word[:1].isupper())


def _bare(name: str) -> str:
    """``the White House`` without its article; ``the bloc`` needs it to mean a name."""
    rest = name.removeprefix("The ").removeprefix("the ")
    return rest if rest[:1].isupper() else name


def _key(phrase: str) -> tuple[str, ...]:
    return tuple(word.folded for word in _words(phrase))


def _span(words: list[_Word], first: int, last: int) -> Span:
    return Span(words[first].span.start, words[last].span.end)


def fold(word: str) -> str:
    """The word in one case, without diacritics, curly apostrophes made straight."""
    if word.isascii():
        return word.lower()
    flat = unicodedata.normalize("NFKD", word.replace("’", "'"))
    return "".join(c for c in flat if not unicodedata.combining(c)).casefold()
