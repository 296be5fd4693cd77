"""Builders for this folder: a statement on record with few words, and a record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any
from zlib import crc32

import numpy as np

from pipeline.claims import candidates
from pipeline.claims.candidates import (
    MOST_PLACES,
    Found,
    Near,
    nearest,
    order_of,
    terms,
)
from pipeline.claims.grouping import CANDIDATES, relations, with_vector
from pipeline.claims.meaning import SIZE, Meaning, Meant, nearness, stacked
from pipeline.model import Relation, Said, Voice
from pipeline.wiring import open_meaning

network: Callable[[], Meaning] = cache(open_meaning)
"""The network that is shipped."""


class Bag:
    """A ``Meaning`` of letters and words, for properties of the fold: it costs nothing."""

    def vector(self, said: str) -> bytes:
        sums = np.zeros(SIZE)
        for word in said.split():
            sums[crc32(word.encode()) % SIZE] += 1
        whole = np.rint(sums / max(1e-9, np.linalg.norm(sums)) * 127)
        return whole.astype(np.int8).tobytes()

    def stand(self, first: str, second: str) -> Meant:
        chance = crc32(f"{first}|{second}".encode()) % 100 / 100
        rest = (1 - chance) / 3
        return Meant(same=chance, new=rest, changed=rest, contradicts=rest)


BAG = Bag()

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def a_said(content: str, *, nth: int = 0, day: float = 0.0, **changes: Any) -> Said:
    at = START + timedelta(days=day)
    whole = Said(
        statement_id=f"s{nth:03}",
        figure_id="Q1",
        content=content,
        said_on=at.date(),
        is_old=False,
        about_topic=True,
        voice=Voice.INDIRECT,
        wire_group_id=f"w{nth}",
        article_id=f"a{nth}",
        first_seen_at=at,
    )
    return replace(whole, **changes)


class MemoryRecord:
    """The record of all figures; ``lookup`` shows what was put before, best first."""

    def __init__(self, limit: int = CANDIDATES) -> None:
        self._limit = limit
        self._rows: dict[str, Said] = {}

    def lookup(self, said: Said, taken: Mapping[str, int]) -> Sequence[Found]:
        mine = [row for row in self._rows.values() if row.figure_id == said.figure_id]
        latest = sorted(mine, key=order_of)
        count: Counter[str] = Counter()
        for term in terms(said.content):
            held = [row for row in latest if term in terms(row.content)]
            left = MOST_PLACES - taken[term]
            count.update(row.statement_id for row in (held[-left:] if left > 0 else ()))
        found = [(count[row.statement_id], row) for row in latest]
        return [one for one in found if one[0]]

    def nearby(self, said: Said, taken: int) -> Sequence[Near]:
        mine = [row for row in self._rows.values() if row.figure_id == said.figure_id]
        latest = sorted(mine, key=order_of)
        left = max(0, candidates.MOST_READ - taken)
        there = latest[-left:] if left else []
        if not there:
            return []
        vectors = stacked([row.vector for row in there])
        much = nearness(stacked([said.vector]), vectors)[0].tolist()
        return nearest(
            one for one in zip(much, there, strict=True) if one[0] >= candidates.NEAR
        )

    def put(self, statements: Sequence[Said], found: Sequence[Relation]) -> None:
        by_id = {relation.statement_id: relation for relation in found}
        for said in statements:
            relation = by_id[said.statement_id]
            self._rows[said.statement_id] = replace(
                said, claim_id=relation.claim_id, utterance_id=relation.utterance_id
            )


def folded(
    batches: Sequence[Sequence[Said]],
    *,
    limit: int = CANDIDATES,
    killed: Callable[[int], bool] = lambda nth: False,
) -> list[Relation]:
    """The relations of all batches. A killed batch is matched once for nothing."""
    record, found = MemoryRecord(limit), []
    for nth, batch in enumerate(batches):
        read = [with_vector(said, BAG) for said in batch]
        fold = partial(
            relations, read, record.lookup, limit=limit, meaning=BAG,
            nearby=record.nearby,
        )  # fmt: skip
        if killed(nth):
            fold()
        mine = fold()
        record.put(read, mine)
        found += mine
    return found
