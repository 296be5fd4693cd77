"""What people decide, as frozen values: reporting words, offices, a topic.

Each value is made by ``from_dict`` from a plain mapping (a TOML file as read elsewhere).
A mistake raises ``ValueError`` with the key and what is allowed there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from pipeline.model import Act

FRAMES = frozenset(
    {
        "clause", "quote", "infinitive", "object", "complement", "predicate", "as",
        "preposition", "gerund",
    }
)  # fmt: skip
"""What may stand beside a cue as its content.

``clause``: says (that) P. ``quote``: "P," she says. ``infinitive``: vows to P.
``object``: denies P. ``complement``: urges A to P, accuses A of P. ``predicate``, with
``complement``: calls A P.
``as``: describes A as P. ``preposition``: calls for P. ``gerund``: denies doing P.
"""

BASES = frozenset({"hos", "hog", "fm", "dm", "spox", "intl", "vp", "other"})
"""Why an office makes a leader (see the annotation rules): head of state, of government..."""

KINDS = frozenset({"country", "body"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One reporting verb: its act, its frames and the prepositions that open its content."""

    lemma: str
    act: Act
    frames: frozenset[str]
    prepositions: frozenset[str] = frozenset()
    particle: str = ""  # 'out' in 'points out'


@dataclass(frozen=True, slots=True, kw_only=True)
class Noun:
    """One reporting noun ('claim'): its act, and what may open its content."""

    lemma: str
    act: Act
    prepositions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cues:
    """The reporting words. ``verbs`` and ``nouns`` are looked up by lemma."""

    verbs: Mapping[str, tuple[Verb, ...]]
    nouns: Mapping[str, Noun]
    phrases: tuple[str, ...] = ()  # 'according to', 'in the words of'
    pointers: frozenset[str] = frozenset()  # objects that say nothing: 'comment', 'it'
    contents: Mapping[Act, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """From ``[[verbs]]``, ``[[nouns]]``, ``phrases``, ``pointers``, ``[contents]``."""
        _known(raw, "cues", {"verbs", "nouns", "phrases", "pointers", "contents"})
        verbs: dict[str, tuple[Verb, ...]] = {}
        for place, entry in _tables(raw, "verbs"):
            _known(entry, place, {"id", "act", "frames", "prepositions", "lemmas"})
            act = _act(entry, place)
            frames = _words(entry, "frames", place, FRAMES)
            for written in _words(entry, "lemmas", place):
                lemma, _, particle = written.partition(" ")
                verb = Verb(
                    lemma=lemma,
                    act=act,
                    frames=frozenset(frames),
                    prepositions=frozenset(_words(entry, "prepositions", place)),
                    particle=particle,
                )
                verbs[lemma] = (*verbs.get(lemma, ()), verb)
        nouns: dict[str, Noun] = {}
        for place, entry in _tables(raw, "nouns"):
            _known(entry, place, {"id", "act", "prepositions", "lemmas"})
            for lemma in _words(entry, "lemmas", place):
                nouns[lemma] = Noun(
                    lemma=lemma,
                    act=_act(entry, place),
                    prepositions=frozenset(_words(entry, "prepositions", place)),
                )
        contents = raw.get("contents", {})
        if not isinstance(contents, Mapping):
            raise ValueError("contents: a table of act = [patterns] is expected")
        return cls(
            verbs=verbs,
            nouns=nouns,
            phrases=tuple(_words(raw, "phrases", "cues")),
            pointers=frozenset(_words(raw, "pointers", "cues")),
            contents={
                _act({"act": act}, f"contents.{act}"): tuple(
                    _words(contents, act, "contents")
                )
                for act in contents
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Title:
    """An office by its forms ('foreign minister'); ``leader`` says that it makes one.

    ``former`` says that it makes one also after the office was left; ``called`` holds
    nouns that mean a holder whom the text has named ('the diplomat').
    """

    id: str
    forms: tuple[str, ...]
    basis: str
    called: tuple[str, ...] = ()
    leader: bool = True
    former: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """A country, or a body treated like one ('EU'), with its adjectives and metonyms.

    ``speaks`` says that a spokesperson of this body is a leader's voice.
    """

    name: str
    adjectives: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    kind: str = "country"
    country: str = ""  # of a seat of government or a ministry
    speaks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Offices:
    """Offices that make a leader, and the countries that have them."""

    titles: tuple[Title, ...] = ()
    countries: tuple[Country, ...] = ()

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """From ``[[titles]]`` and ``[[countries]]``."""
        _known(raw, "offices", {"titles", "countries"})
        titles = []
        for place, entry in _tables(raw, "titles"):
            _known(entry, place, {"id", "forms", "basis", "called", "leader", "former"})
            basis = str(entry.get("basis", ""))
            if basis not in BASES:
                raise ValueError(
                    f"{place}.basis: {basis!r} is not one of {_list(BASES)}"
                )
            titles.append(
                Title(
                    id=_text(entry, "id", place),
                    forms=tuple(_words(entry, "forms", place)),
                    basis=basis,
                    called=tuple(_words(entry, "called", place)),
                    leader=_flag(entry, "leader", place, default=True),
                    former=_flag(entry, "former", place, default=False),
                )
            )
        countries = []
        for place, entry in _tables(raw, "countries"):
            _known(
                entry,
                place,
                {"name", "adjectives", "also", "kind", "country", "speaks"},
            )
            kind = entry.get("kind", "country")
            if kind not in KINDS:
                raise ValueError(f"{place}.kind: {kind!r} is not one of {_list(KINDS)}")
            countries.append(
                Country(
                    name=_text(entry, "name", place),
                    adjectives=tuple(_words(entry, "adjectives", place)),
                    also=tuple(_words(entry, "also", place)),
                    kind=kind,
                    country=str(entry.get("country", "")),
                    speaks=_flag(entry, "speaks", place, default=False),
                )
            )
        return cls(titles=tuple(titles), countries=tuple(countries))


@dataclass(frozen=True, slots=True, kw_only=True)
class Subtopic:
    """A part of a topic by its terms. ``tests`` are sentences that belong to it."""

    id: str
    name: str
    terms: tuple[str, ...]
    tests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What makes a statement one about the topic.

    A ``strong`` term decides alone; a ``context`` term needs a strong one nearby; an
    ``off`` term speaks of something else. A trailing ``*`` matches any ending.
    """

    id: str
    name: str
    strong: tuple[str, ...]
    context: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    subtopics: tuple[Subtopic, ...] = ()

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """From ``id``, ``name``, ``[about]`` and ``[[subtopics]]``."""
        _known(raw, "topic", {"id", "name", "about", "subtopics"})
        about = raw.get("about")
        if not isinstance(about, Mapping):
            raise ValueError(
                "topic.about: a table with strong, context, off is expected"
            )
        _known(about, "topic.about", {"strong", "context", "off"})
        subtopics = []
        for place, entry in _tables(raw, "subtopics"):
            _known(entry, place, {"id", "name", "terms", "tests"})
            subtopics.append(
                Subtopic(
                    id=_text(entry, "id", place),
                    name=str(entry.get("name", entry["id"])),
                    terms=tuple(_words(entry, "terms", place)),
                    tests=tuple(_words(entry, "tests", place)),
                )
            )
        strong = tuple(_words(about, "strong", "topic.about"))
        if not strong:
            raise ValueError("topic.about.strong: at least one term is expected")
        return cls(
            id=_text(raw, "id", "topic"),
            name=str(raw.get("name", raw["id"])),
            strong=strong,
            context=tuple(_words(about, "context", "topic.about")),
            off=tuple(_words(about, "off", "topic.about")),
            subtopics=tuple(subtopics),
        )


def _known(raw: Mapping[str, Any], place: str, allowed: set[str]) -> None:
    for key in raw:
        if key not in allowed:
            raise ValueError(
                f"{place}.{key}: unknown key; allowed are {_list(allowed)}"
            )


def _tables(raw: Mapping[str, Any], key: str) -> list[tuple[str, Mapping[str, Any]]]:
    entries = raw.get(key, [])
    if not isinstance(entries, list) or not all(
        isinstance(e, Mapping) for e in entries
    ):
        raise ValueError(f"{key}: an array of tables [[{key}]] is expected")
    return [
        (f"{key}[{e.get('id', e.get('name', n))}]", e) for n, e in enumerate(entries)
    ]


def _words(
    raw: Mapping[str, Any], key: str, place: str, allowed: Iterable[str] | None = None
) -> list[str]:
    words = raw.get(key, [])
    if not isinstance(words, list) or not all(isinstance(w, str) and w for w in words):
        raise ValueError(f"{place}.{key}: a list of non-empty strings is expected")
    for word in words:
        if allowed is not None and word not in allowed:
            raise ValueError(f"{place}.{key}: {word!r} is not one of {_list(allowed)}")
    return words


def _text(raw: Mapping[str, Any], key: str, place: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{place}.{key}: a non-empty string is expected")
    return value


def _flag(raw: Mapping[str, Any], key: str, place: str, *, default: bool) -> bool:
    value = raw.get(key, default)
    if not isinstance(value, bool):
        raise ValueError(f"{place}.{key}: true or false is expected")
    return value


def _act(raw: Mapping[str, Any], place: str) -> Act:
    try:
        return Act(raw.get("act", "asserts"))
    except ValueError:
        allowed = _list(act.value for act in Act)
        raise ValueError(
            f"{place}.act: {raw['act']!r} is not one of {allowed}"
        ) from None


def _list(allowed: Iterable[str]) -> str:
    return ", ".join(sorted(allowed))
