"""Which earlier statements are worth comparing: terms for an inverted index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache

import numpy as np

from pipeline.claims.features import features
from pipeline.claims.meaning import SIZE, nearness, stacked
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


MOST_PLACES = 128
"""A term leads to the latest so many statements of a figure that hold it: what a figure
says every day is found among the last days, at a cost that does not grow."""

MOST_READ, NEAREST, NEAR = 4096, 8, 0.4
"""Of the latest so many statements of a figure, so many are found by their meaning: those
nearest, if so near."""

Found = tuple[int, Said]
"""By how many terms a statement was found, and the statement."""

Near = tuple[float, Said]
"""How near in meaning, -1 to 1, and the statement."""


Order = tuple[datetime, date, datetime, str, int, str]


def order_of(said: Said) -> Order:
    """The order of the fold: of first sight, of speaking, of publication, then as each
    article tells it, its headline first."""
    place = said.spans[0].start + 1 if said.spans and not said.in_title else 0
    return (
        said.first_seen_at,
        said.said_on,
        said.published_at or said.first_seen_at,
        said.article_id,
        place,
        said.statement_id,
    )


class Pool:
    """Statements of one figure, added in the fold's order, found by their terms."""

    def __init__(self) -> None:
        self._places: dict[str, list[Said]] = {}
        self._read: list[Said] = []  # those with a vector
        self._rows = np.zeros((0, SIZE), np.float32)  # their vectors, and room

    def add(self, said: Said) -> None:
        if said.vector:
            if len(self._read) == len(self._rows):
                room = np.zeros((len(self._rows) + 256, SIZE), np.float32)
                self._rows = np.concatenate((self._rows, room))
            self._rows[len(self._read)] = stacked([said.vector])
            self._read.append(said)
        for term in _terms(said.content):
            self._places.setdefault(term, []).append(said)

    def taken(self, wanted: Iterable[str]) -> dict[str, int]:
        """How many places of each term are taken by what is here."""
        return {term: len(self._places.get(term, ())) for term in wanted}

    def find(self, wanted: Iterable[str]) -> list[Found]:
        """All that is found, in no order."""
        latest = {
            said.statement_id: said
            for term in wanted
            for said in self._places.get(term, ())[-MOST_PLACES:]
        }
        count = Counter(
            said.statement_id
            for term in wanted
            for said in self._places.get(term, ())[-MOST_PLACES:]
        )
        return [(count[key], said) for key, said in latest.items()]

    @property
    def read(self) -> int:
        """How many of the latest statements that are searched by meaning are here."""
        return min(MOST_READ, len(self._read))

    def near(self, vector: bytes) -> list[Near]:
        """Those nearest in meaning, nearest first."""
        first = len(self._read) - self.read
        (found,) = nearness(stacked([vector]), self._rows[first : len(self._read)])
        return nearest(
            (float(found[nth]), self._read[first + nth])
            for nth in np.flatnonzero(found >= NEAR).tolist()
        )


def nearest(found: Iterable[Near]) -> list[Near]:
    """The nearest in meaning, each once; of equals the latest first.

    As with ``best``, the nearest of a store's and of a batch's are the nearest of all.
    """
    once = {said.statement_id: (near, said) for near, said in found}
    return sorted(
        once.values(),
        key=lambda one: (one[0], order_of(one[1])),
        reverse=True,
    )[:NEAREST]


def best(found: Iterable[Found], limit: int) -> list[Said]:
    """Those found by most terms, then the latest; each once.

    This is the order that ``ports.Record.before`` promises, so that the best of a
    store's best and of a batch's own are the best of all.
    """
    once = {said.statement_id: (count, said) for count, said in found}
    order = sorted(
        once.values(),
        key=lambda one: (one[0], order_of(one[1])),
        reverse=True,
    )
    return [said for _, said in order[:limit]]
