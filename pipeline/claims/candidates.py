"""Which earlier statements are worth comparing: terms for an inverted index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from pipeline.claims.features import features
from pipeline.ids import normalised
from pipeline.model import Said

MOST_TERMS = 24
_TELLING = 0.6  # what a telling concept weighs at least; countries weigh less


def terms(content: str) -> list[str]:
    """The concepts under which a statement is found again, the same for its edits.

    Numbers are left out, so that a changed number still meets; synonyms share a term.
    Countries and light words only serve where fewer than three telling ones are there.
    At most 24, in a fixed order; what has no concept at all is found by its very words.
    """
    return list(_terms(content))


@lru_cache(maxsize=16384)
def _terms(content: str) -> tuple[str, ...]:
    weights = features(content).weights
    telling = [term for term, weight in weights.items() if weight >= _TELLING]
    if len(telling) < 3:
        telling = list(weights)
    if not telling:
        return ("=" + normalised(content)[:80],)
    return tuple(sorted(telling, key=lambda term: (-len(term), term))[:MOST_TERMS])


def ranked(said: Said, pool: Iterable[Said], limit: int) -> list[Said]:
    """Those of the pool that share a term, most shared first, then the latest.

    This is the order that ``ports.Record.candidates`` promises, so that the best of a
    store's best and of a batch's own are the best of all.
    """
    wanted = frozenset(terms(said.content))
    shared = (
        (len(wanted.intersection(_terms(other.content))), other) for other in pool
    )
    best = sorted(
        ((count, other.first_seen_at, other.statement_id, other) for count, other in shared
         if count),
        key=lambda row: row[:3],
        reverse=True,
    )  # fmt: skip
    return [other for *_, other in best[:limit]]


def merged(*pools: Sequence[Said]) -> list[Said]:
    """The pools as one, each statement once."""
    seen = {said.statement_id: said for pool in reversed(pools) for said in pool}
    return list(seen.values())
