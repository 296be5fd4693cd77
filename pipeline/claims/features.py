"""What a statement holds, as far as a comparison needs it: no parser, no model.

Concepts with their weight and polarity, numbers with unit, dates, names, degree, and
character and word sequences for what is nearly verbatim.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any

from pipeline.claims import lexicon
from pipeline.claims.words import (
    CONCEPTS,
    Word,
    as_word,
    concept,
    plain,
    stem,
    tokens,
    unframed,
)

MAX_CHARACTERS = 4000
_CLAUSE = frozenset(".,;:!?…")
_STOPS = frozenset(".!?…")
_BREAKS = frozenset(lexicon.BREAKS.split())
_UNTIL = frozenset(lexicon.UNTIL.split())
_BY_THE_DAY = frozenset(lexicon.BY_THE_DAY.split())
_SUMMED = frozenset(lexicon.SUMMED.split())
_NEGATORS = frozenset(lexicon.NEGATORS.split())
_SENTENCE_NEGATORS = frozenset(["not", "never"])
_UNTURNED = frozenset(concept(word) for word in lexicon.UNTURNED_VERBS.split())
_AIMED = frozenset(concept(word) for word in lexicon.AIMED.split())
_NEGATIVE = frozenset(concept(word) for word in lexicon.NEGATIVE_VERBS.split())
_INSTEAD = frozenset(
    {("instead", "of"), ("rather", "than"), ("up", "from"), ("down", "from")}
)
_SCOPE = 5  # content words that a negator reaches
_CERTAIN = frozenset(lexicon.CERTAIN.split())
_POSSIBLE = frozenset(lexicon.POSSIBLE.split())


@dataclass(frozen=True, slots=True)
class Number:
    """A quantity: kind count, money, percent, duration, length, ordinal, year or date.

    ``value`` is in the kind's base unit (days, metres, ones). ``unit`` are the concepts
    of what is counted; ``about`` says that it was given as a round figure, ``around``
    are the concepts of its sentence.
    """

    value: float
    kind: str
    unit: frozenset[str]
    text: str
    about: bool = False
    around: frozenset[str] = frozenset()  # the concepts of its sentence

    def equals(self, other: Number) -> bool:
        """Whether both may be one figure: 114.3 and 114 million, about 300 and 303."""
        if self.kind != other.kind:
            return False
        if self.value == other.value:
            return True
        if self.kind == "date":  # May 25, and May: the day is 0 where none is given
            days = self.value % 100, other.value % 100
            return self.value // 100 == other.value // 100 and 0 in days
        if self.kind in ("year", "ordinal"):
            return False
        apart = abs(self.value - other.value) / max(self.value, other.value)
        if self.about or other.about:
            return apart <= 0.05
        rounded = 1 < _digits(self.text) != _digits(other.text) > 1
        return rounded and apart <= 0.01


def _digits(text: str) -> int:
    """Significant digits as written; a number in words is exact."""
    written = re.sub(r"[^\d.]", "", text)
    digits = written.replace(".", "").lstrip("0")
    return len(digits if "." in written else digits.rstrip("0")) if written else 9


@dataclass(frozen=True, slots=True)
class Clause:
    """The concepts of one clause: what it denies, and what it affirms."""

    negated: frozenset[str]
    affirmed: frozenset[str]


@dataclass(frozen=True, slots=True)
class Features:
    """A statement as it is compared. ``weights`` maps a concept to what it weighs."""

    text: str
    weights: dict[str, float]
    total: float
    negated: frozenset[str]  # concepts that stand under an odd number of negations
    affirmed: frozenset[str]  # concepts that (also) stand outside any
    clauses: tuple[Clause, ...]
    numbers: tuple[Number, ...]
    names: frozenset[str]
    places: frozenset[str]
    shown: dict[str, str]  # a concept's word as written
    degree: str  # certain, possible or ""
    extent: int  # 4 all, 3 most, 2 half, 1 some, 0 unsaid
    windows: tuple[frozenset[str], ...]  # concepts of every two sentences in a row
    grams: frozenset[str]
    shingles: frozenset[tuple[str, ...]]
    sequence: tuple[str, ...]  # all words, lower case
    stems: str  # the same as stems, a space around each
    by_the_day: bool  # a count here is one of its day
    quoted: tuple[str, ...]  # partial quotations within, as stems


@lru_cache(maxsize=4096)
def features(text: str) -> Features:
    """What a statement holds. Kept for the last 4,096 texts (some 20 KB each).

    Of a text beyond 4,000 characters, the first 4,000: whole speeches are no claims.
    """
    said = tokens(unframed(plain(text[:MAX_CHARACTERS])))
    found, taken = _numbers(said)
    words = _words(said, taken)
    weights: dict[str, float] = {}
    shown: dict[str, str] = {}
    for word in words:
        if word is not None and word.weight:
            weights[word.concept] = max(word.weight, weights.get(word.concept, 0.0))
            shown.setdefault(word.concept, word.text)
    lower = _bare(said)
    return _whole(
        text=text,
        weights=weights,
        clauses=_clauses(said, words),
        numbers=_in_their_sentences(found, said, words),
        names=frozenset(w.concept for w in words if w is not None and w.name),
        places=frozenset(w.concept for w in words if w is not None and w.place),
        shown=shown,
        degree=_degree([w.casefold() for n, w in enumerate(said) if n not in taken]),
        extent=max((lexicon.EXTENTS.get(word, 0) for word in lower), default=0),
        windows=_windows(said, words),
        sequence=lower,
        by_the_day=any(word in _BY_THE_DAY for word in lower)
        and not any(word in _SUMMED for word in lower),
        quoted=_quoted(text),
    )


def _whole(
    *,
    weights: dict[str, float],
    clauses: tuple[Clause, ...],
    sequence: tuple[str, ...],
    **others: Any,
) -> Features:
    """The features with those that follow from others."""
    letters = " ".join(sequence)
    fours = zip(letters, letters[1:], letters[2:], letters[3:], strict=False)
    return Features(
        weights=weights,
        total=sum(weights.values()),
        clauses=clauses,
        negated=frozenset(c for clause in clauses for c in clause.negated),
        affirmed=frozenset(c for clause in clauses for c in clause.affirmed),
        sequence=sequence,
        grams=frozenset(map("".join, fours)) or frozenset([letters]),
        shingles=frozenset(zip(sequence, sequence[1:], sequence[2:], strict=False)),
        stems=_stems(sequence),
        **others,
    )


# --------------------------------------------------------------------- kept on record

PREPARED = 2  # what dumped writes; anything else on record is read from the text anew


def dumped(found: Features) -> str:
    """The features as they are kept with a statement, a twentieth of the work of making."""
    order = list(found.weights)
    place = {concept: nth for nth, concept in enumerate(order)}

    def places(concepts: Iterable[str]) -> list[int]:
        return sorted(place[concept] for concept in concepts)

    return json.dumps(
        [
            PREPARED,
            [[c, found.weights[c], found.shown[c]] for c in order],
            [[places(c.negated), places(c.affirmed)] for c in found.clauses],
            [
                [n.value, n.kind, sorted(n.unit), n.text, n.about, places(n.around)]
                for n in found.numbers
            ],
            places(found.names & place.keys()),
            places(found.places & place.keys()),
            found.degree,
            found.extent,
            [places(window) for window in found.windows],
            found.sequence,
            found.by_the_day,
            found.quoted,
        ],
        ensure_ascii=False,
        separators=(",", ":"),
    )


@lru_cache(maxsize=8192)
def loaded(text: str, prepared: str) -> Features:
    """What ``dumped`` kept of a text; read from the text where an older one kept it."""
    version, *rest = json.loads(prepared) if prepared else (0,)
    if version != PREPARED:
        return features(text)
    rows, clauses, numbers, names, places, degree, extent, windows, *last = rest
    order = [row[0] for row in rows]

    def concepts(nths: Iterable[int]) -> frozenset[str]:
        return frozenset([order[nth] for nth in nths])

    return _whole(
        text=text,
        weights={concept: weight for concept, weight, _ in rows},
        shown={concept: shown for concept, _, shown in rows},
        clauses=tuple(Clause(concepts(a), concepts(b)) for a, b in clauses),
        numbers=tuple(
            Number(value, kind, frozenset(unit), words, about, concepts(around))
            for value, kind, unit, words, about, around in numbers
        ),
        names=concepts(names),
        places=concepts(places),
        degree=degree,
        extent=extent,
        windows=tuple(map(concepts, windows)),
        sequence=tuple(last[0]),
        by_the_day=last[1],
        quoted=tuple(last[2]),
    )


def _bare(said: Sequence[str]) -> tuple[str, ...]:
    return tuple(token.casefold() for token in said if token not in _CLAUSE)


_QUOTED = re.compile(r"“([^“”]{4,400})”|\"([^\"]{4,400})\"|‘([^‘’]{4,400})’(?!\w)")


def _quoted(text: str) -> tuple[str, ...]:
    """The partial quotations of a report; one word alone proves nothing."""
    found = []
    for match in _QUOTED.finditer(text[:MAX_CHARACTERS]):
        words = _bare(tokens(plain(next(filter(None, match.groups())))))
        telling = [w for w in words if as_word(w, starts=True).weight > 0.5]
        if len(words) >= 4 or len(telling) >= 2:
            found.append(_stems(words))
    return tuple(found)


def _stems(words: Sequence[str]) -> str:
    return f" {' '.join(map(stem, words))} "


# ------------------------------------------------------------------------- concepts


def _words(said: Sequence[str], taken: frozenset[int]) -> list[Word | None]:
    """The words at their places; None for marks, for numbers and for second halves."""
    words: list[Word | None] = []
    starts = True
    for place, token in enumerate(said):
        if place in taken or token in _CLAUSE or not token[0].isalpha():
            words.append(None)
        else:
            words.append(_phrase(words, as_word(token, starts=starts)))
        starts = token in (".", "!", "?", "…", ":") or (starts and token in _CLAUSE)
    return words


def _phrase(words: list[Word | None], word: Word) -> Word:
    """The word, or a phrase's meaning where the word before opens one: walk away."""
    before = words[-1] if words else None
    if before is None:
        return word
    meaning = CONCEPTS.get(f"{before.stem}-{word.stem}")
    if meaning is None:
        return word
    words[-1] = None
    return Word(f"{before.text} {word.text}", word.stem, meaning, 1.0)


def _windows(
    said: Sequence[str], words: Sequence[Word | None]
) -> tuple[frozenset[str], ...]:
    """Where a short statement may stand in a long one: never all over the place."""
    sentences: list[set[str]] = [set()]
    for token, word in zip(said, words, strict=True):
        if token in _STOPS:
            sentences.append(set())
        elif word is not None and word.weight:
            sentences[-1].add(word.concept)
    held = [sentence for sentence in sentences if sentence]
    if len(held) < 2:
        return tuple(map(frozenset, held))
    return tuple(frozenset(one | two) for one, two in pairwise(held))


def _clauses(said: Sequence[str], words: Sequence[Word | None]) -> tuple[Clause, ...]:
    """The clauses that hold a concept, each with what stands under a negation.

    'Not' and 'never' turn their whole clause; 'no', 'without' and verbs of refusal turn
    the next words of it. A double negation is none.
    """
    found: list[Clause] = []
    clause: list[tuple[str, bool]] = []  # concept, turned by what stands before it
    whole = False  # the clause is turned as a whole
    reach: list[int] = []  # how many words each open negation still reaches
    before = ""  # the concept that stands before
    for token, word in zip((*said, "."), (*words, None), strict=True):
        lower = token.casefold()
        if lower in _UNTIL and whole:
            whole = False
        if token in _CLAUSE or lower in _BREAKS:
            if clause:
                negated = frozenset(c for c, turned in clause if turned is not whole)
                affirmed = frozenset(c for c, turned in clause if turned is whole)
                found.append(Clause(negated, affirmed))
            clause, whole, reach = [], False, []
            continue
        aimed = lower == "against" and before in _AIMED
        if word is not None and word.weight:
            before = word.concept
            clause.append((word.concept, len(reach) % 2 == 1))
            reach = [left - 1 for left in reach if left > 1]
        if lower in _SENTENCE_NEGATORS:
            whole = not whole
        elif word is not None and word.concept in _UNTURNED and whole:
            whole = False  # who does not know says nothing about what is known
        elif not aimed and (
            lower in _NEGATORS or (word is not None and word.concept in _NEGATIVE)
        ):
            reach.append(_SCOPE)
    return tuple(found)


def _degree(lower: Sequence[str]) -> str:
    if any(word in _POSSIBLE for word in lower):
        return "possible"
    return "certain" if any(word in _CERTAIN for word in lower) else ""


# -------------------------------------------------------------------------- numbers


_ENDS = frozenset(["st", "nd", "rd", "th"])
_OF_A_MONTH = frozenset(lexicon.OF_A_MONTH.split())
_CLOCK = frozenset({"am", "pm", "gmt", "utc", "o"})


def _numbers(
    said: Sequence[str],
) -> tuple[list[tuple[int, Number]], frozenset[int]]:
    """The quantities in order, each with its place, and the tokens that they took."""
    found: list[tuple[int, Number]] = []
    taken: set[int] = set()
    at = 0
    while at < len(said):
        number, end = _date(said, at) or _figure(said, at)
        taken.update(range(at, end))
        if number is not None and not _replaced(said, at):
            found.append((at, number))
        at = max(end, at + 1)
    return found, frozenset(taken)


def _replaced(said: Sequence[str], at: int) -> bool:
    """Whether the number before which this stands is the one that is no more: not 12."""
    before = tuple(word.casefold() for word in said[max(0, at - 2) : at])
    return before[-1:] == ("not",) or before in _INSTEAD


def _in_their_sentences(
    found: Sequence[tuple[int, Number]],
    said: Sequence[str],
    words: Sequence[Word | None],
) -> tuple[Number, ...]:
    """The quantities, each with the concepts of the sentence that it stands in."""
    if not found:
        return ()
    places: list[int] = []
    sentences: list[set[str]] = [set()]
    for token, word in zip(said, words, strict=True):
        places.append(len(sentences) - 1)
        if token in _STOPS:
            sentences.append(set())
        elif word is not None and word.weight:
            sentences[-1].add(word.concept)
    return tuple(
        replace(number, around=frozenset(sentences[places[at]])) for at, number in found
    )


def _date(said: Sequence[str], at: int) -> tuple[Number, int] | None:
    """A day or a month that begins at ``at``, and where it ends; the day may be 0."""
    after = at + 2 if at + 1 < len(said) and said[at + 1] in _ENDS else at + 1
    if _is_day(said, at) and _is_month(said, after):
        return _day(said[after], said[at]), after + 1
    if _is_month(said, at):
        if _is_day(said, at + 1):
            return _day(said[at], said[at + 1]), at + 2
        if at and said[at - 1].casefold() in _OF_A_MONTH:
            return _day(said[at], ""), at + 1
    return None


def _is_day(said: Sequence[str], at: int) -> bool:
    return at < len(said) and said[at].isdecimal() and 0 < int(said[at]) < 32


def _is_month(said: Sequence[str], at: int) -> bool:
    return (
        at < len(said)
        and said[at][0].isupper()
        and said[at].casefold() in lexicon.MONTHS
    )


def _day(month: str, day: str) -> Number:
    value = lexicon.MONTHS[month.casefold()] * 100 + int(day or 0)
    return Number(value, "date", frozenset(), f"{month} {day}".strip())


def _figure(said: Sequence[str], at: int) -> tuple[Number | None, int]:
    """The number that begins at ``at`` with what it counts; None where none does."""
    end, value = _value(said, at)
    return (None, at) if value is None else _quantity(said, at, end, value)


def _value(said: Sequence[str], at: int) -> tuple[int, float | None]:
    """The number written from ``at`` on, and where it ends; None where there is none."""
    token = said[at].casefold()
    if token[0].isdigit():
        value = float(token.replace(",", ""))
        end = at + 1
    elif token in lexicon.SMALL_NUMBERS and token not in ("one", "zero"):
        value, end = float(lexicon.SMALL_NUMBERS[token]), at + 1
        if value >= 20 and end < len(said):
            ones = lexicon.SMALL_NUMBERS.get(said[end].casefold(), 0)
            if 0 < ones < 10:
                value, end = value + ones, end + 1
    elif token == "half" and [w.casefold() for w in said[at + 1 : at + 2]] == ["a"]:
        end, whole = _value(said, at + 1)
        return end, whole and whole / 2
    elif (
        token in ("one", "a", "half")
        and at + 1 < len(said)
        and said[at + 1].casefold() in lexicon.SCALES
        and len(said[at + 1]) > 2
    ):
        value, end = 0.5 if token == "half" else 1.0, at + 1
    else:
        return at, None
    while end < len(said):
        scale = lexicon.SCALES.get(said[end].casefold())
        if scale is None:
            break
        value, end = value * scale, end + 1
    return end, value


def _quantity(
    said: Sequence[str], at: int, end: int, value: float
) -> tuple[Number | None, int]:
    """The number with what it counts; None for a time of day."""
    before = said[at - 1].casefold() if at else ""
    after = said[end].casefold() if end < len(said) else ""
    about = before in lexicon.ABOUT
    text = " ".join(said[at:end])
    if before in lexicon.CURRENCY_SIGNS:
        unit = frozenset({lexicon.CURRENCY_SIGNS[before]})
        return Number(value, "money", unit, before + text, about), end
    if after == "%":
        return Number(value, "percent", frozenset(), text + "%", about), end + 1
    if after in _ENDS:
        return Number(value, "ordinal", _counted(said, end + 1), text + after), end + 1
    if after in _CLOCK or before == ":" or after == ":":
        return None, end + 1
    if text.isdigit() and len(text) == 4 and 1900 <= value < 2100:
        return Number(value, "year", frozenset(), text), end
    unit_word = _singular(after)
    if unit_word in lexicon.UNITS:
        kind, size = lexicon.UNITS[unit_word]
        unit = frozenset({unit_word} if kind == "money" else ())
        return Number(value * size, kind, unit, f"{text} {after}", about), end + 1
    return Number(value, "count", _counted(said, end), text, about), end


def _singular(word: str) -> str:
    return word[:-1] if word.endswith("s") and len(word) > 3 else word


def _counted(said: Sequence[str], start: int) -> frozenset[str]:
    """The concepts of the next words of the clause: what is counted, roughly."""
    unit: set[str] = set()
    for token in said[start : start + 4]:
        lower = token.casefold()
        if token in _CLAUSE or not token[0].isalpha() or lower in ("and", "or"):
            break
        word = as_word(token, starts=False)
        if word.weight:
            unit.add(word.concept)
        elif unit and lower not in ("of",):
            break
    return frozenset(unit)


__all__ = ["Features", "Number", "concept", "features"]
