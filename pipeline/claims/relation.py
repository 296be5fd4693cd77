"""How one statement stands to an earlier one of the same figure, with the reasons."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date
from difflib import SequenceMatcher
from functools import partial
from math import exp
from operator import mul

from pipeline.claims.features import Clause, Features, Number, features
from pipeline.claims.meaning import (
    Meaning,
    Meant,
    Settled,
    both_ways,
    meant,
    product,
)
from pipeline.claims.passages import Bond
from pipeline.claims.words import OPPOSED, concept, name_key, opposite
from pipeline.model import RelationKind

SAME_UTTERANCE_DAYS = 2
"""Two reports of the same words within this many days are of one occasion."""

VERBATIM_WORDS, VERBATIM_DAYS = 12, 30
"""So many words in a row are not spoken twice: within this many days, a re-report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """How alike two statements are, each from 0 to 1.

    ``overlap`` is the weighted Dice of concepts, ``contained`` the part of the shorter
    that the longer holds, ``letters`` and ``letters_in`` the same for character
    4-grams, ``verbatim`` the part of the shorter's word trigrams that are in the other;
    ``quoted`` is 1 where words that one puts in quotation marks stand in the other.
    """

    overlap: float
    contained: float
    letters: float
    letters_in: float
    verbatim: float
    quoted: float
    shared: float  # weight of the shared concepts


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The decision. ``same`` is the estimated chance that both say the same thing.

    ``near`` is that chance, by the words or with the network, whichever is greater,
    before any edit is looked at: it says which of several earlier statements this one answers to. ``score`` is the
    confidence in ``kind``, 0 to 1. The reasons are for a duty editor.
    """

    kind: RelationKind
    score: float
    same: float
    near: float
    reasons: tuple[str, ...]
    shown: bool = True  # by the words; else by the meaning alone


def measures(a: Features, b: Features) -> Measures:
    """How alike the words are. Symmetric."""
    if (a.total, len(a.windows)) > (b.total, len(b.windows)):
        a, b = b, a
    both = a.weights.keys() & b.weights.keys()
    figures = _same_numbers(a, b)
    shared = held = _weight(both, a, b)
    if len(a.windows) == 1 and len(b.windows) > 1:
        held = max(_weight(both & window, a, b) for window in b.windows)
    shared, held = shared + figures, held + figures
    a_total, b_total = a.total + figures, b.total + figures
    grams = len(a.grams & b.grams)
    few = min(len(a.shingles), len(b.shingles))
    return Measures(
        overlap=2 * shared / (a_total + b_total) if shared else 0.0,
        contained=min(1.0, held / max(LITTLE, a_total)),
        letters=2 * grams / (len(a.grams) + len(b.grams)),
        letters_in=grams / min(len(a.grams), len(b.grams)),
        verbatim=len(a.shingles & b.shingles) / few if few else 0.0,
        quoted=float(
            any(words in b.stems for words in a.quoted)
            or any(words in a.stems for words in b.quoted)
        ),
        shared=shared,
    )


def _same_numbers(a: Features, b: Features) -> float:
    """What equal numbers add to what is shared; one that differs takes nothing away."""
    if not a.numbers or not b.numbers:
        return 0.0
    ours = sum(any(x.equals(y) for y in b.numbers) for x in a.numbers)
    theirs = sum(any(y.equals(x) for x in a.numbers) for y in b.numbers)
    return float(min(ours, theirs))


def _weight(concepts: Set[str], a: Features, b: Features) -> float:
    return sum(min(a.weights[c], b.weights[c]) for c in concepts)


# The chance that two statements say the same thing is a logistic function of the
# measures. The weights are set by hand, in round numbers, near those that a fit to
# labelled pairs gives; bench/novelty.py shows both.
_BIAS = -4.0
_WEIGHTS = (3.0, 4.0, 1.5, 1.0, 1.5, 1.5)
# With the network: the bias, and what these weigh: the log-odds of the words, those of
# the network, and how near the two are in meaning. Fitted once, and rounded (docs/benchmarks.md).
_READ_BIAS, _BY_WORDS, _BY_NETWORK, _BY_VECTORS = -2.4, 0.75, 0.3, 3.9
_FAR = 4.0  # log-odds of words that say no more than these
HEARD = -0.75
"""Below these log-odds by words and vectors the network is not asked: it hardly ever
joined what lay there (docs/benchmarks.md)."""
SURELY_NEW, CLEAR, UNOPPOSED = 0.9, 0.5, 0.1
"""One reading is enough: so sure that something else is said; or, of words that share
little, log-odds so far from even, and the opposite so unlikely."""
AGAINST = 0.2  # below, the network stands against what the words say
OPPOSED_SO, NEARLY_ALIKE = 0.3, 0.8
"""What the network takes for the opposite is not the same, unless nearly its words: a
reversal that passes for a report is the worst that can happen."""
READ_SO = 0.9  # the network's chance of an edit that words do not show
PLAIN = 0.97
"""Words so alike need no network; what is edited in them, they show."""

SAME, UNCERTAIN, RELATED = 0.5, 0.4, 0.3
LITTLE = 2.0  # a statement of less weight is not held by a longer one as a whole
HELD, TURNED = 0.6, 0.6
NEARLY = 0.6  # so much of the shorter stands word for word in the longer
CLAUSE, LEAST = 1.5, 0.6  # what a clause weighs that turns; among nearly the same words
ONE_CLAUSE = 0.8  # such a part two clauses share, to be one
NOTS, AMID = frozenset(["not", "never"]), 3  # alone, or among so few words that differ
SWAPPED, SWAPPED_WORDS = 0.45, 6
SAID_OF = 0.5  # so much two sentences share beside what is counted, to count one thing
ALIGNED_WORDS = 300  # longer texts are not laid side by side: it would cost too much


def likeness_values(found: Measures) -> tuple[float, ...]:
    """What the weights are for, in their order."""
    return (
        found.overlap,
        found.contained,
        found.letters,
        found.letters_in,
        found.verbatim,
        found.quoted,
    )


def likeness(found: Measures, *, bond: Bond | None = None) -> float:
    """The chance, 0 to 1, that words so alike say the same; edits are not looked at.

    In one article much is said twice, in the title, in the outlet's words and quoted:
    there, less alike will do.
    """
    return _chance(_odds_of_words(found) + (bond.odds if bond else 0.0))


def _odds_of_words(found: Measures) -> float:
    return _BIAS + float(sum(map(mul, _WEIGHTS, likeness_values(found))))


def _chance(odds: float) -> float:
    return 1 / (1 + exp(-odds))


def _before_reading(
    words: float, by_vectors: float, *, bond: Bond | None = None, prior: float = 0.0
) -> float:
    """The log-odds that both say the same, of those by words and the vectors' product.

    Words that are shared speak for it; that none are speaks against nothing.
    """
    told = _BY_WORDS * max(0.0, min(_FAR, words)) + _BY_VECTORS * by_vectors
    return _READ_BIAS + told + prior + (bond.read_odds if bond else 0.0)


def worth_reading(by_vectors: float, *, prior: float = 0.0) -> bool:
    """Whether two that share few words may prove the same, so near are their vectors."""
    return _before_reading(0.0, by_vectors, prior=prior) >= HEARD


def _settles(once: Meant, words: float, odds: float) -> bool:
    """Whether the network need not be asked the other way round as well."""
    if once.new >= SURELY_NEW:
        return True
    clear = abs(odds + _BY_NETWORK * once.odds) >= CLEAR
    return words < RELATED and clear and once.contradicts <= UNOPPOSED


def compare(
    a: str,
    b: str,
    *,
    a_date: date | None = None,
    b_date: date | None = None,
    bond: Bond | None = None,
    a_denied: bool = False,
    b_denied: bool = False,
    elsewhere: str = "",
    meaning: Meaning | None = None,
) -> Comparison:
    """How ``b`` stands to the earlier ``a``; by their words alone without ``meaning``.

    ``bond`` says that both stand in one article or one wire story, and how, ``denied``
    that the words are what was denied or ruled out ('denied that ...'), ``elsewhere``
    why they are known to be of two occasions. Without both dates, what is the same
    counts as one utterance.
    """

    texts = (
        as_meant(features(a), denied=a_denied),
        as_meant(features(b), denied=b_denied),
    )
    compared = partial(
        compare_features,
        turned(features(a)) if a_denied else features(a),
        turned(features(b)) if b_denied else features(b),
        a_date=a_date,
        b_date=b_date,
        bond=bond,
        elsewhere=elsewhere,
    )
    if meaning is None:
        return compared()
    return compared(
        by_vectors=product(*map(meaning.vector, texts)),
        read=partial(both_ways, meaning, *texts),
    )


def turned(said: Features) -> Features:
    """What is denied, as if it were said with a 'not'; left as it is where one stands."""
    if said.negated:
        return said
    return replace(
        said,
        negated=said.affirmed,
        affirmed=frozenset(),
        clauses=tuple(Clause(c.affirmed, frozenset()) for c in said.clauses),
    )


def as_meant(said: Features, *, denied: bool) -> str:
    """The words as the network reads them; a denial of what is denied is left."""
    return meant(said.text, denied=denied and not said.negated)


def compare_features(
    a: Features,
    b: Features,
    *,
    a_date: date | None = None,
    b_date: date | None = None,
    bond: Bond | None = None,
    elsewhere: str = "",
    by_vectors: float | None = None,
    read: Callable[[Settled], Meant | None] = lambda _: None,
    prior: float = 0.0,
) -> Comparison:
    """As ``compare``, of statements whose features are at hand.

    ``by_vectors`` is the product of their vectors. Where they have any, ``read`` asks the
    network if words and vectors do not say enough; it may have no answer. ``prior`` are
    the log-odds before anything is read: 0 for two that somebody laid side by side.
    """
    if a.sequence == b.sequence and a.sequence and a.negated == b.negated:
        return _same(a, b, 1.0, ("the same words",), a_date, b_date, bond, elsewhere)
    found = measures(a, b)
    words = same = near = likeness(found, bond=bond)
    edited = _edited_in_words(a, b, found, words, a_date, b_date)
    if edited is not None:
        return edited
    said, odds = None, 0.0
    if by_vectors is not None and words < PLAIN:
        by_words = _odds_of_words(found)
        odds = _before_reading(by_words, by_vectors, bond=bond, prior=prior)
        if words >= RELATED or odds >= HEARD:
            said = read(lambda once: _settles(once, words, odds))
    if said is not None:
        same = _chance(odds + _BY_NETWORK * said.odds)
        near = max(words, same)
        opposed = said.contradicts >= OPPOSED_SO and words < NEARLY_ALIKE
        same = near if same >= AGAINST and not opposed else min(same, AGAINST)
    if near < RELATED:
        return Comparison(
            kind=RelationKind.NEW,
            score=1 - near,
            same=same,
            near=near,
            reasons=(f"nothing alike enough: {_shared_words(a, b)}",),
        )
    if said is not None and words >= RELATED and same < SAME:
        if said.contradicts >= READ_SO:
            reason = "the opposite, by its meaning"
            return _edited(RelationKind.CONTRADICTS, near, (reason,), shown=False)
        if said.changed >= READ_SO:
            reason = "a detail of it, by its meaning"
            return _edited(RelationKind.CHANGED, near, (reason,), shown=False)
    if same >= SAME and _one_negated(a, b, found):
        return Comparison(
            kind=RelationKind.UNCERTAIN,
            score=1 - abs(same - 0.5),
            same=1 - same,
            near=near,
            reasons=("a 'not' in one of them, what it denies is unclear",),
        )
    if same >= SAME:
        shown = words >= SAME
        how = _how_alike(found) if shown else "the same in other words"
        alike = _same(a, b, same, (how,), a_date, b_date, bond, elsewhere)
        return replace(alike, shown=shown)
    if same >= UNCERTAIN and words >= RELATED:
        return Comparison(
            kind=RelationKind.UNCERTAIN,
            score=1 - abs(same - 0.5),
            same=same,
            near=near,
            reasons=(f"partly alike: {_shared_words(a, b)}",),
        )
    return Comparison(
        kind=RelationKind.NEW,
        score=1 - same,
        same=same,
        near=same,
        reasons=(f"on the same subject, says something else: {_shared_words(a, b)}",),
    )


def _edited_in_words(
    a: Features,
    b: Features,
    found: Measures,
    words: float,
    a_date: date | None,
    b_date: date | None,
) -> Comparison | None:
    """What words show to be turned round or changed, or counted on another day."""
    if words < RELATED:
        return None
    flips = _flips(a, b, found)
    if flips:
        return _edited(RelationKind.CONTRADICTS, words, flips)
    counts = _moved(a, b)
    if counts and _of_other_days(a, b, a_date, b_date):
        old, new = counts[0]
        return Comparison(
            kind=RelationKind.NEW,
            score=words,
            same=0.0,
            near=0.0,
            reasons=(f"the count of another day: {old.text} -> {new.text}",),
        )
    edits = _edits(a, b, words) if words >= UNCERTAIN else ()
    return _edited(RelationKind.CHANGED, words, edits) if edits else None


def _edited(
    kind: RelationKind, near: float, reasons: tuple[str, ...], *, shown: bool = True
) -> Comparison:
    sure = min(0.95, 0.5 + near / 2)
    return Comparison(
        kind=kind, score=sure, same=1 - sure, near=near, reasons=reasons, shown=shown
    )


# ----------------------------------------------------------------------------- same


def _same(
    a: Features,
    b: Features,
    same: float,
    reasons: tuple[str, ...],
    a_date: date | None,
    b_date: date | None,
    bond: Bond | None,
    elsewhere: str,
) -> Comparison:
    """Rereported or repeated: one occasion of speaking, or another."""
    kind, why = RelationKind.REREPORTED, ""
    days = abs((b_date - a_date).days) if a_date and b_date else 0
    if bond:
        why = bond.reason
    elif elsewhere:
        kind, why = RelationKind.REPEATED, elsewhere
    elif days <= SAME_UTTERANCE_DAYS:
        why = "the same day" if days == 0 else f"{_days(days)} apart"
        why = why if a_date and b_date else ""
    else:
        run = longest_run(a.sequence, b.sequence) if days <= VERBATIM_DAYS else 0
        if run >= VERBATIM_WORDS:
            why = f"{run} words in a row the same, {_days(days)} apart"
        else:
            kind, why = RelationKind.REPEATED, f"{_days(days)} apart"
    return Comparison(
        kind=kind,
        score=same,
        same=same,
        near=same,
        reasons=(*reasons, why) if why else reasons,
    )


def _days(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"


def longest_run(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    """The length of the longest run of words that both hold."""
    best = 0
    before: dict[int, int] = {}
    places: dict[str, list[int]] = {}
    for at, word in enumerate(b):
        places.setdefault(word, []).append(at)
    for word in a:
        now = {at: before.get(at - 1, 0) + 1 for at in places.get(word, ())}
        best = max(best, max(now.values(), default=0))
        before = now
    return best


def _how_alike(found: Measures) -> str:
    if found.verbatim >= 0.6:
        return f"{found.verbatim:.0%} of the shorter word for word in the other"
    if found.contained >= found.overlap + 0.15:
        return f"{found.contained:.0%} of the shorter's meaning in the longer"
    return f"{found.overlap:.0%} of the meaning shared"


def _shared_words(a: Features, b: Features) -> str:
    shared = sorted(
        (c for c in a.weights if c in b.weights), key=lambda c: (-a.weights[c], c)
    )
    if not shared:
        return "no word shared"
    return "only " + ", ".join(b.shown[c] for c in shared[:4]) + " shared"


# --------------------------------------------------------------- what was turned round


def _flips(a: Features, b: Features, found: Measures) -> tuple[str, ...]:
    """What one side denies and the other affirms; empty where the sense is kept.

    Most of what both speak of must be turned, among it a telling word that is no name,
    and the shorter must be held by the longer: else they speak of different things.
    """
    least = CLAUSE if found.verbatim < NEARLY else LEAST
    in_place = _turned_in_place(a, b, least)
    if in_place and _turned_in_place(b, a, least):
        return (_denied(a, b, in_place),)
    if found.contained < HELD or found.quoted:
        return ()  # a partial quotation leaves out what turns it
    shared = [c for c in a.weights if c in b.weights]
    flipped = [
        c
        for c in shared
        if (c in a.negated and c not in a.affirmed and c not in b.negated)
        or (c in b.negated and c not in b.affirmed and c not in a.negated)
    ]
    reasons = []
    weight = sum(a.weights[c] for c in flipped)
    telling = [c for c in flipped if _tells(c, a)]
    if telling and weight >= TURNED * sum(a.weights[c] for c in shared):
        reasons.append(_denied(a, b, telling))
    for one in sorted(OPPOSED & a.weights.keys() - b.weights.keys()):
        for other in sorted(OPPOSED & b.weights.keys() - a.weights.keys()):
            alike = (one in a.negated) == (other in b.negated)
            if alike and opposite(one, other):
                reasons.append(f"opposite: {a.shown[one]} -> {b.shown[other]}")
    return tuple(reasons)


def _turned_in_place(a: Features, b: Features, least: float) -> list[str]:
    """What a clause denies that the same clause of the other side affirms.

    However much else both say: one 'not' in a long statement turns the clause that it
    stands in. A clause that is there both ways turns nothing.
    """
    found: list[str] = []
    for ours in a.clauses:
        alike = [
            theirs for theirs in b.clauses if _one_clause(ours, theirs, a, b) >= least
        ]
        flips = [
            [
                c
                for c in a.weights
                if _tells(c, a)
                and (
                    (c in ours.negated and c in theirs.affirmed - theirs.negated)
                    or (c in ours.affirmed - ours.negated and c in theirs.negated)
                )
            ]
            for theirs in alike
        ]
        if flips and all(flips):
            found += flips[0]
    return list(dict.fromkeys(found))


def _one_negated(a: Features, b: Features, found: Measures) -> bool:
    """Whether a 'not' stands in one side amid words that are the same in both."""
    if found.verbatim < NEARLY or len(a.sequence) + len(b.sequence) > ALIGNED_WORDS:
        return False
    blocks = SequenceMatcher(None, a.sequence, b.sequence, autojunk=False)
    codes = blocks.get_opcodes()
    return any(
        tag != "equal"
        and max(j - i, m - k) <= AMID
        and _nots(a.sequence[i:j]) != _nots(b.sequence[k:m])
        and 0 < nth < len(codes) - 1
        for nth, (tag, i, j, k, m) in enumerate(codes)
    )


def _nots(words: Sequence[str]) -> bool:
    return any(word in NOTS for word in words)


def _one_clause(one: Clause, other: Clause, a: Features, b: Features) -> float:
    """The weight that two clauses share; 0 where they are not one clause."""
    ours, theirs = one.negated | one.affirmed, other.negated | other.affirmed
    shared = _weight(ours & theirs, a, b)
    whole = sum(a.weights[c] for c in ours) + sum(b.weights[c] for c in theirs)
    return shared if 2 * shared >= ONE_CLAUSE * whole else 0.0


def _tells(concept: str, features: Features) -> bool:
    return features.weights[concept] > 0.5 and concept not in features.names


def _denied(a: Features, b: Features, concepts: Sequence[str]) -> str:
    """Told by the first concept: a verb such as 'veto' turns what follows it as well."""
    before = concepts[0] in a.negated
    denied = "earlier" if before else "now"
    alike = [c for c in concepts if (c in a.negated) == before]
    words = ", ".join(b.shown[c] for c in alike[:3])
    return f"denied {denied}, affirmed {_other(denied)}: {words}"


def _other(when: str) -> str:
    return "now" if when == "earlier" else "earlier"


def _moved(a: Features, b: Features) -> list[tuple[Number, Number]]:
    """The numbers that stand for one another, differ, and are said of the same thing.

    Two sentences that share no more than what is counted ('two allies', 'the other 11
    allies') say two things; unless they say nothing else.
    """
    return [
        (old, new)
        for old, new in other_numbers(a.numbers, b.numbers)
        if a.weights.keys() == b.weights.keys()
        or _weight((old.around & new.around) - (old.unit | new.unit), a, b) >= SAID_OF
    ]


def _of_other_days(
    a: Features, b: Features, a_date: date | None, b_date: date | None
) -> bool:
    return bool(
        a_date and b_date and a_date != b_date and (a.by_the_day or b.by_the_day)
    )


# ------------------------------------------------------------------- what was changed


def _edits(a: Features, b: Features, same: float) -> tuple[str, ...]:
    """Another number, date, name, place or degree; empty where none differs."""
    reasons = [
        f"another {_NOUNS.get(old.kind, 'number')}: {old.text} -> {new.text}"
        for old, new in _moved(a, b)
    ]
    swaps = _swaps(a, b)
    for old, new in swaps:
        word = _other_name(a, b, old, new)
        if word:
            reasons.append(f"another {word}: {_shown(a, old)} -> {_shown(b, new)}")
    if not reasons and _much(a, b, swaps):
        reasons += [
            f"other words there: {_shown(a, old)} -> {_shown(b, new)}"
            for old, new in swaps
        ]
    if same >= 0.8:
        if {a.degree, b.degree} == {"certain", "possible"}:
            reasons.append(f"another degree: {a.degree} -> {b.degree}")
        if a.extent and b.extent and a.extent != b.extent:
            before, now = _EXTENTS[a.extent], _EXTENTS[b.extent]
            reasons.append(f"another extent: {before} -> {now}")
    return tuple(reasons)


Swap = tuple[frozenset[str], frozenset[str]]


def _swaps(a: Features, b: Features) -> list[Swap]:
    """What stands in the place of what, where the words around it are the same.

    Concepts that the other side has anywhere, and synonyms, are no swap.
    """
    if not a.shingles & b.shingles or len(a.sequence) + len(b.sequence) > ALIGNED_WORDS:
        return []
    blocks = SequenceMatcher(None, a.sequence, b.sequence, autojunk=False)
    found = []
    for tag, i, j, k, m in blocks.get_opcodes():
        if tag == "replace":
            old = _lacking(a.sequence[i:j], a, b)
            new = _lacking(b.sequence[k:m], b, a)
            if old and new and max(j - i, m - k) <= SWAPPED_WORDS:
                found.append((old, new))
    return found


def _lacking(words: Sequence[str], mine: Features, other: Features) -> frozenset[str]:
    """The concepts of these words that the other side lacks."""
    meant = {concept(word) for word in words} | {"#" + name_key(word) for word in words}
    return frozenset(c for c in meant & mine.weights.keys() if c not in other.weights)


def _named(features: Features, concepts: Set[str]) -> bool:
    """Whether these are names, above all."""
    weights = features.weights
    names = sum(weights[c] for c in concepts & features.names)
    return names > 0.5 * sum(weights[c] for c in concepts)


def _other_name(a: Features, b: Features, old: Set[str], new: Set[str]) -> str:
    """name or place, where the one stands for another of its kind; else nothing.

    A person for a country is neither: who speaks for whom is not known here.
    """
    if not _named(a, old) or not _named(b, new) or _one_name(a, b, old, new):
        return ""
    places = old <= a.places, new <= b.places
    return {(True, True): "place", (False, False): "name"}.get(places, "")


def _one_name(a: Features, b: Features, old: Set[str], new: Set[str]) -> bool:
    """Whether the names are one name written in two ways: Colo. and Colorado, UN."""
    ours = [a.shown[c] for c in sorted(old & a.names)]
    theirs = [b.shown[c] for c in sorted(new & b.names)]
    initials = [{name[0] for name in names} for names in (ours, theirs)]
    return (
        any(
            one[:4].casefold() == other[:4].casefold()
            for one in ours
            for other in theirs
        )
        or any(name.isupper() and initials[1] == set(name) for name in ours)
        or any(name.isupper() and initials[0] == set(name) for name in theirs)
    )


def _much(a: Features, b: Features, swaps: Sequence[Swap]) -> bool:
    """Whether what is swapped is half of what both say."""
    lost = sum(a.weights[c] for old, _ in swaps for c in old)
    gained = sum(b.weights[c] for _, new in swaps for c in new)
    return bool(swaps) and lost >= SWAPPED * a.total and gained >= SWAPPED * b.total


def _shown(features: Features, concepts: Set[str]) -> str:
    return ", ".join(sorted(features.shown[c] for c in concepts))


_EXTENTS = {4: "all", 3: "most", 2: "half", 1: "some"}
_NOUNS = {"date": "date", "year": "year", "percent": "percentage", "money": "sum"}


def other_numbers(
    a: tuple[Number, ...], b: tuple[Number, ...]
) -> list[tuple[Number, Number]]:
    """Numbers that stand for one another and differ, in order.

    A number that is on both sides is at rest; one that only one side has is detail.
    """
    left = [x for x in a if not any(x.equals(y) for y in b)]
    right = [y for y in b if not any(y.equals(x) for x in a)]
    found: list[tuple[Number, Number]] = []
    for old in left:
        for new in right:
            if old.kind == new.kind and _counts_alike(old, new):
                found.append((old, new))
                right.remove(new)
                break
    return found


def _counts_alike(one: Number, other: Number) -> bool:
    if one.kind != "count":
        return True
    if one.unit and other.unit:
        return bool(one.unit & other.unit)
    return max(one.value, other.value) <= 3 * min(one.value, other.value)
