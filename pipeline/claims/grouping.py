"""The fold that gives each statement its claim and its utterance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType

from pipeline import ids
from pipeline.claims.candidates import (
    Found,
    Near,
    Order,
    Pool,
    best,
    nearest,
    order_of,
    terms,
)
from pipeline.claims.features import Features, loaded
from pipeline.claims.judged import NOTHING, Decisions
from pipeline.claims.meaning import (
    Meaning,
    Meant,
    Settled,
    both_ways,
    nearness,
    product,
    stacked,
)
from pipeline.claims.occasions import elsewhere
from pipeline.claims.passages import Bond, bonds
from pipeline.claims.relation import (
    RELATED,
    SAME_UTTERANCE_DAYS,
    Comparison,
    as_meant,
    compare_features,
    turned,
    worth_reading,
)
from pipeline.claims.sketch import current, most_alike, sketch_of
from pipeline.model import Relation, RelationKind, Said

CANDIDATES = 20
"""So many earlier statements are compared with a new one, those with most terms."""

Lookup = Callable[[Said, Mapping[str, int]], Sequence[Found]]
"""What is on record of a statement's figure under its terms, given how many places of
each term later statements have taken."""

Nearby = Callable[[Said, int], Sequence[Near]]
"""What is on record near in meaning, given how many later statements of its figure there
are: so many fewer of the latest on record are searched."""

AMONG_MANY = -0.5
"""The log-odds that an earlier statement is this one's, before they are read: many are
looked at. A claim lost in another is never told; one told twice costs a glance."""

CROWD, CROWDED, LESS = 3, 0.45, 4.0
"""Where the nearest statements of so many other claims are on average nearer than this,
nearness says less: so much is taken off the log-odds, times what they are beyond."""

ASKED = 2
"""The network reads a statement beside so many earlier ones of its own source, and so
many of others: the most promising."""

SURE, EDITED_BEHIND = 0.6, 0.15
"""What surely says the same goes before any edited one; what likely does, before an
edited one that is not nearer by this much."""

NEARER = 2.0
"""By so much the odds of what says the same exceed those of another report of its claim
that is edited, to stand against it."""

LOOSER = 10.0
"""What says the same may be so much looser, in odds, than what words show to be turned
round, and still stand."""

_SAME = (RelationKind.REREPORTED, RelationKind.REPEATED)

NO_BONDS: Mapping[str, Bond] = MappingProxyType({})


def relations(
    statements: Sequence[Said],
    lookup: Lookup,
    *,
    limit: int = CANDIDATES,
    decided: Decisions = NOTHING,
    known: Callable[[str], Said | None] = lambda _: None,
    meaning: Meaning | None = None,
    nearby: Nearby = lambda *_: (),
) -> list[Relation]:
    """Each statement's relation to its figure's record, in the fold's order.

    The order is that of first sight, of what was seen at once that of the days on which
    it was said, then of publication, then that of the text, whatever the order given; a
    statement given twice counts once. ``lookup`` gives the earlier statements of the figure that
    are on record, with their claims and utterances; this batch's own earlier ones are
    added here. So a cut of the statements at any moment between partitions gives the
    same relations as none. ``decided`` is what editors decided; ``known`` gives a
    statement on record by its id, for those they named. With ``meaning``, what is near
    in meaning (``nearby``, of those on record) is compared too, and the network is asked;
    a statement without its vector is a ValueError.
    """
    found: list[Relation] = []
    own: dict[str, Pool] = {}  # by figure, what this batch has matched so far
    matched: dict[str, Said] = {}
    unique = {said.statement_id: said for said in statements}
    bound = bonds(unique.values())
    for said in sorted(unique.values(), key=order_of):
        if meaning is not None and not said.vector:
            raise ValueError(f"{said.statement_id}: no vector; see with_vector")
        mine = own.setdefault(said.figure_id, Pool())
        relation = _decided(said, decided, matched, known)
        if relation is None:
            wanted = terms(said.content)
            there = lookup(said, mine.taken(wanted))
            pool = [
                one for one in (*there, *mine.find(wanted)) if _before(one[1], said)
            ]
            said = replace(said, sketch=sketch_of(said.content))
            close = bound.get(said.statement_id, {})
            here = {one.statement_id: one for one in best(pool, limit)}
            here |= {key: matched[key] for key in close if key in matched}
            if said.vector and not _told_so(said, here.values()):
                both = (*nearby(said, mine.read), *mine.near(said.vector))
                for _, one in nearest(n for n in both if _before(n[1], said)):
                    here.setdefault(one.statement_id, one)
            relation = relation_of(said, list(here.values()), close, meaning=meaning)
        found.append(relation)
        done = replace(
            said, claim_id=relation.claim_id, utterance_id=relation.utterance_id
        )
        mine.add(done)
        matched[said.statement_id] = done
    return found


def with_vector(said: Said, meaning: Meaning) -> Said:
    """The statement with the vector of what it means."""
    read = as_meant(loaded(said.content, said.prepared), denied=said.denied)
    return replace(said, vector=meaning.vector(read))


def _decided(
    said: Said,
    decided: Decisions,
    here: Mapping[str, Said],
    known: Callable[[str], Said | None],
) -> Relation | None:
    """The relation that an editor gave a statement; None where the matcher decides."""
    if said.statement_id in decided.apart:
        return replace(_new(said, 0.0), reasons=("an editor set it apart",))
    into = decided.joined.get(said.statement_id)
    if into is None:
        return None
    other = here.get(into) or known(into)
    if other is None or not _before(other, said) or not other.claim_id:
        return None  # what it was joined to is not on record any more
    again = abs((said.said_on - other.said_on).days) <= SAME_UTTERANCE_DAYS
    return Relation(
        statement_id=said.statement_id,
        kind=RelationKind.REREPORTED if again else RelationKind.REPEATED,
        claim_id=other.claim_id,
        utterance_id=other.utterance_id
        if again
        else ids.utterance_id(said.statement_id),
        earlier_id=other.statement_id,
        earlier_claim_id=None,
        score=1.0,
        reasons=("an editor joined it to this claim",),
    )


def relation_of(
    said: Said,
    earlier: Sequence[Said],
    close: Mapping[str, Bond] = NO_BONDS,
    *,
    meaning: Meaning | None = None,
) -> Relation:
    """One statement's relation to earlier ones that have their claims.

    ``close`` are those that stand close to it in its article, and how. What may be the
    most alike is compared first. What cannot be related is passed over, unless nothing
    is and it may be the nearest.
    """
    met: list[tuple[Said, Comparison]] = []
    most_like = 0.0
    near = _near(said, earlier)
    network = Asked(meaning, Crowd(earlier, near))
    for words, much, other in _promising(said, earlier, near):
        related = words >= RELATED or network.may_join(other, much)
        if not related and (met or words <= most_like):
            continue
        comparison = _compared(other, said, close.get(other.statement_id), network)
        if comparison.kind is RelationKind.NEW:
            most_like = max(most_like, comparison.near)
        else:
            met.append((other, comparison))
    if not met:
        return _new(said, most_like)
    other, comparison = _occasion(max(_unrefuted(met), key=_nearness), met)
    if comparison.kind in _SAME:
        again = comparison.kind is RelationKind.REREPORTED
        claim = other.claim_id
        utterance = other.utterance_id if again else ids.utterance_id(said.statement_id)
    else:
        claim = ids.claim_id(said.statement_id)
        utterance = ids.utterance_id(said.statement_id)
    return Relation(
        statement_id=said.statement_id,
        kind=comparison.kind,
        claim_id=claim,
        utterance_id=utterance,
        earlier_id=other.statement_id,
        earlier_claim_id=None if comparison.kind in _SAME else other.claim_id,
        score=round(comparison.score, 4),
        reasons=comparison.reasons,
    )


class Crowd:
    """What else lies near a statement, by claims: the denser, the less it is to be near.

    Known as the hubs of a space of vectors, and local scaling as their remedy (Conneau
    et al., Word translation without parallel data, 2018: the CSLS measure); by claims,
    as forty reports of one claim are no crowd.
    """

    def __init__(self, earlier: Sequence[Said], near: Sequence[float]) -> None:
        best: dict[str, float] = {}
        for one, much in zip(earlier, near, strict=True):
            best[one.claim_id] = max(best.get(one.claim_id, 0.0), much)
        order = sorted(best.items(), key=lambda claim: claim[1], reverse=True)
        self._nearest = order[: CROWD + 1]

    def prior(self, claim_id: str) -> float:
        """The log-odds before a statement of this claim is read beside the new one."""
        others = [much for claim, much in self._nearest if claim != claim_id][:CROWD]
        return AMONG_MANY - LESS * max(0.0, sum(others) / CROWD - CROWDED)


class Asked:
    """The network, asked of one statement: of a few others, where it is worth it.

    So many of its own source, and so many of others; beyond, words decide alone.
    """

    def __init__(self, meaning: Meaning | None, crowd: Crowd) -> None:
        self._meaning, self._crowd = meaning, crowd
        self._left = {True: ASKED, False: ASKED}

    def prior(self, other: Said) -> float:
        return self._crowd.prior(other.claim_id)

    def may_join(self, other: Said, near: float) -> bool:
        """Whether it will be asked of one of another source whose words are unlike."""
        asked = self._meaning is not None and self._left[False] > 0
        return asked and worth_reading(near, prior=self.prior(other))

    def of(
        self, a: Said, b: Said, *, as_denied: bool
    ) -> Callable[[Settled], Meant | None]:
        """Asks how two stand."""
        here = _one_source(a, b)

        def read(settled: Settled) -> Meant | None:
            if self._meaning is None or not self._left[here]:
                return None
            self._left[here] -= 1
            one, other = (
                as_meant(loaded(s.content, s.prepared), denied=s.denied and as_denied)
                for s in (a, b)
            )
            return both_ways(self._meaning, one, other, settled)

        return read


def _told_so(said: Said, others: Iterable[Said]) -> bool:
    """Whether one of these has the same words: copies need no more searching."""
    return any(other.content == said.content for other in others)


def _before(other: Said, said: Said) -> bool:
    return (
        other.figure_id == said.figure_id
        and other.statement_id != said.statement_id
        and order_of(other) < order_of(said)
    )


def _near(said: Said, earlier: Sequence[Said]) -> list[float]:
    """How near in meaning each is; 0 where a vector is missing."""
    with_vectors = [one for one in earlier if one.vector]
    if not said.vector or not with_vectors:
        return [0.0] * len(earlier)
    rows = stacked([one.vector for one in with_vectors])
    found = iter(nearness(stacked([said.vector]), rows)[0].tolist())
    return [next(found) if one.vector else 0.0 for one in earlier]


def _promising(
    said: Said, earlier: Sequence[Said], near: Sequence[float]
) -> list[tuple[float, float, Said]]:
    """Each with the most alike that it can be by its words, and how near in meaning: the
    most promising first, then the latest.

    What is of one article or wire story, where less alike will do, may be as like as can be.
    """
    bounds = most_alike(_sketch(said), [_sketch(other) for other in earlier])
    found = [
        (1.0 if _one_source(other, said) else bound, much, other)
        for bound, much, other in zip(bounds, near, earlier, strict=True)
    ]
    return sorted(found, key=lambda one: (max(one[:2]), order_of(one[2])), reverse=True)


def _sketch(said: Said) -> bytes:
    return said.sketch if current(said.sketch) else sketch_of(said.content)


def _one_source(one: Said, other: Said) -> bool:
    return one.article_id == other.article_id or bool(
        one.wire_group_id and one.wire_group_id == other.wire_group_id
    )


def _compared(
    earlier: Said, said: Said, close: Bond | None, network: Asked
) -> Comparison:
    """The two laid side by side, in the order in which they were spoken.

    One sentence seen twice is no news. In one article another number is another fact,
    no change of the first; and a cue of denial turns nothing: who speaks once does not
    contradict himself by how a report puts it.
    """
    if _one_place(earlier, said):
        return _SEEN_TWICE
    one_article = (earlier.article_id, earlier.revision) == (
        said.article_id,
        said.revision,
    )
    one_story = earlier.wire_group_id and earlier.wire_group_id == said.wire_group_id
    bond = close or (Bond.SOURCE if one_article or one_story else None)
    a, b = (earlier, said) if earlier.said_on <= said.said_on else (said, earlier)
    as_denied = not (bond and _only_one(a, b))
    side_by_side = partial(
        _laid_side_by_side, a, b, bond, network, prior=network.prior(earlier)
    )
    found = side_by_side(as_denied=as_denied)
    if bond and _only_one(a, b) and found.kind is RelationKind.CONTRADICTS:
        found = side_by_side(as_denied=True)
    if one_article and found.kind is RelationKind.CHANGED:
        return replace(found, kind=RelationKind.NEW, same=0.0, near=0.0)
    if close and found.kind is RelationKind.CONTRADICTS:
        return replace(found, kind=RelationKind.UNCERTAIN)
    return found


def _only_one(a: Said, b: Said) -> bool:
    """Whether one is reported as denied and the other is not."""
    return a.denied is not b.denied


def _laid_side_by_side(
    a: Said,
    b: Said,
    bond: Bond | None,
    network: Asked,
    *,
    prior: float,
    as_denied: bool,
) -> Comparison:
    return compare_features(
        _read(a, as_denied=a.denied and as_denied),
        _read(b, as_denied=b.denied and as_denied),
        a_date=a.said_on,
        b_date=b.said_on,
        bond=bond,
        elsewhere=elsewhere(a, b),
        by_vectors=product(a.vector, b.vector) if a.vector and b.vector else None,
        read=network.of(a, b, as_denied=as_denied),
        prior=prior,
    )


def _read(said: Said, *, as_denied: bool) -> Features:
    found = loaded(said.content, said.prepared)
    return turned(found) if as_denied else found


_SEEN_TWICE = Comparison(
    kind=RelationKind.REREPORTED,
    score=1.0,
    same=1.0,
    near=1.0,
    reasons=("the same sentence of the article",),
)


def _one_place(one: Said, other: Said) -> bool:
    """Whether both are cut from the same words of an article."""
    return (one.article_id, one.revision) == (other.article_id, other.revision) and any(
        mine.overlaps(yours) for mine in one.spans for yours in other.spans
    )


def _nearness(pair: tuple[Said, Comparison]) -> tuple[float, Order]:
    other, comparison = pair
    near = comparison.near
    if comparison.kind not in _SAME:
        near -= EDITED_BEHIND
    elif near >= SURE:
        near += 1.0
    return near, order_of(other)


def _unrefuted(
    met: Sequence[tuple[Said, Comparison]],
) -> list[tuple[Said, Comparison]]:
    """Without what seems the same as a claim, a nearer report of which it edits.

    A claim is told in many words; 'will not' is laid beside the report that it denies
    word for word, not beside the loosest one. Nor with what is the same by its meaning
    alone, or by much looser words, where words show the opposite of another claim: a
    reversal is never lost in that.
    """
    edited: dict[str, float] = {}
    for other, comparison in met:
        if comparison.kind in (RelationKind.CONTRADICTS, RelationKind.CHANGED):
            nearest = edited.get(other.claim_id, 0.0)
            edited[other.claim_id] = max(nearest, comparison.near)
    turned_round = max(
        (
            one.near
            for _, one in met
            if one.kind is RelationKind.CONTRADICTS and one.shown
        ),
        default=0.0,
    )

    def stands(other: Said, one: Comparison) -> bool:
        odds = _odds(one.near)
        return (
            odds > NEARER * _odds(edited.get(other.claim_id, 0.0))
            and (one.shown or turned_round < SURE)
            and odds * LOOSER > _odds(turned_round)
        )

    return [pair for pair in met if pair[1].kind not in _SAME or stands(*pair)]


def _odds(chance: float) -> float:
    return chance / max(1e-9, 1 - chance)


def _occasion(
    best: tuple[Said, Comparison], met: Sequence[tuple[Said, Comparison]]
) -> tuple[Said, Comparison]:
    """The report of the same occasion in the best one's claim, where there is one.

    The nearest words may be of long ago and yet today's occasion be on record too.
    """
    if best[1].kind is not RelationKind.REPEATED:
        return best
    reports = [
        pair
        for pair in met
        if pair[1].kind is RelationKind.REREPORTED
        and pair[0].claim_id == best[0].claim_id
    ]
    return max(reports, key=_nearness, default=best)


def _new(said: Said, nearest: float) -> Relation:
    return Relation(
        statement_id=said.statement_id,
        kind=RelationKind.NEW,
        claim_id=ids.claim_id(said.statement_id),
        utterance_id=ids.utterance_id(said.statement_id),
        earlier_id=None,
        earlier_claim_id=None,
        score=round(1 - nearest, 4),
        reasons=("nothing alike on record",),
    )
