"""The earlier statements that a figure's new one may answer to, found by their terms."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pipeline.adapters.db.engine import Database, portions
from pipeline.adapters.db.record_rows import as_json, from_json
from pipeline.adapters.db.tables import record_said
from pipeline.claims.candidates import MOST_READ, NEAR, NEAREST, order_of
from pipeline.claims.features import dumped, features
from pipeline.claims.meaning import Vectors, nearness, stacked
from pipeline.claims.sketch import sketch_of
from pipeline.model import Partition, Relation, Said, Statement

PLACES = 1 << 20
"""So many places a partition has. A statement's place is the second of its partition
since 1970, times this, and its rank there in the fold's order: places sort as it runs."""


def first_place(partition: Partition) -> int:
    return int(partition.moment.timestamp()) * PLACES


def term_keys(figure_id: str, terms: Iterable[str]) -> list[int]:
    """A hash of each term with its figure: that two share one is one in 10^12.

    Were it to happen, a statement would be compared in vain, or miss one comparison.
    """
    return [
        int.from_bytes(
            blake2b(f"{figure_id} {term}".encode(), digest_size=8).digest(), "big"
        )
        >> 1
        for term in sorted(set(terms))
    ]


_POSTINGS = {
    "sqlite": """SELECT asked.value, (SELECT group_concat(place) FROM (
        SELECT place FROM record_terms WHERE term = asked.value AND place < :before
        ORDER BY place DESC LIMIT :places)) FROM json_each(:terms) AS asked""",
    "postgresql": """SELECT asked.value, (SELECT string_agg(place::text, ',') FROM (
        SELECT place FROM record_terms WHERE term = asked.value AND place < :before
        ORDER BY place DESC LIMIT :places) AS latest)
        FROM unnest(CAST(string_to_array(btrim(:terms, '[]'), ',') AS bigint[]))
        AS asked(value)""",
}
"""The latest places of many terms at once: one statement of the database for a portion
of a partition, not one for each of its statements."""

_VECTORS = {
    "sqlite": """SELECT group_concat(place), group_concat(hex(vector), '') FROM (
        SELECT place, vector FROM record_vectors WHERE figure_id = :figure
        AND place < :before ORDER BY place DESC LIMIT :most)""",
    "postgresql": """SELECT string_agg(place::text, ',' ORDER BY place DESC),
        string_agg(encode(vector, 'hex'), '' ORDER BY place DESC) FROM (
        SELECT place, vector FROM record_vectors WHERE figure_id = :figure
        AND place < :before ORDER BY place DESC LIMIT :most) AS latest""",
}
"""A figure's latest vectors in one row: thousands of rows would cost five times that."""

_SAID_AT = sa.select(
    record_said.c.place,
    record_said.c.said,
    record_said.c.prepared,
    record_said.c.sketch,
    record_said.c.vector,
).where(
    record_said.c.place.in_(
        sa.bindparam("places", expanding=True, literal_execute=True)
    )
)

_PORTION = 200  # statements that are looked up together: their candidates are held


class Earlier:
    """What ``ports.Record.before`` gives: it reads for a portion of statements at once."""

    def __init__(
        self,
        db: Database,
        partition: Partition,
        wanted: Sequence[tuple[Said, Sequence[str]]],
        *,
        places: int,
        limit: int,
    ) -> None:
        self._db, self._before = db, first_place(partition)
        self._wanted = sorted(wanted, key=lambda one: order_of(one[0]))  # as asked
        self._places, self._limit = places, limit
        self._nth = {
            said.statement_id: nth for nth, (said, _) in enumerate(self._wanted)
        }
        self._keys: dict[str, dict[str, int]] = {}  # by statement, of each term
        self._postings: dict[int, npt.NDArray[np.int64]] = {}  # the latest first
        self._said: dict[int, Said] = {}  # by place
        self._vectors: dict[str, tuple[list[int], Vectors]] = {}  # by figure
        self._meant: dict[str, npt.NDArray[np.float32]] = {}  # by statement: how near

    def __call__(self, said: Said, taken: Mapping[str, int]) -> list[tuple[int, Said]]:
        self._read_with(said)
        best = self._best(said.statement_id, taken)
        return list(zip(best.values(), self._at(best), strict=True))

    def near(self, said: Said, taken: int) -> list[tuple[float, Said]]:
        self._read_with(said)
        nearest = self._nearest(said, taken)
        return list(zip(nearest.values(), self._at(nearest), strict=True))

    def _at(self, places: Collection[int]) -> list[Said]:
        if any(place not in self._said for place in places):
            with self._db.begin() as db:
                self._fetch(db, places)
        return [self._said[place] for place in places]

    def _read_with(self, said: Said) -> None:
        """Reads for the portion that begins with the statement, if it was not read."""
        if said.statement_id not in self._keys:
            nth = self._nth[said.statement_id]
            self._read(self._wanted[nth : nth + _PORTION])

    def _nearest(self, said: Said, taken: int) -> dict[int, float]:
        """The places of the nearest in meaning, and how near they are."""
        much = self._meant[said.statement_id][: max(0, MOST_READ - taken)]
        near = np.flatnonzero(much >= NEAR)
        chosen = near[np.argsort(-much[near], kind="stable")[:NEAREST]]
        places, _ = self._vectors[said.figure_id]
        return {places[nth]: float(much[nth]) for nth in chosen}

    def _vectors_of(self, db: Connection, figure_id: str) -> tuple[list[int], Vectors]:
        """The places of the figure's latest statements, the latest first; the vectors."""
        values = {"figure": figure_id, "before": self._before, "most": MOST_READ}
        query = sa.text(_VECTORS[db.dialect.name])
        places, vectors = db.execute(query, values).one()
        if not places:
            return [], stacked([])
        at = np.fromstring(places, np.int64, sep=",")
        latest = np.argsort(-at)
        return at[latest].tolist(), stacked([bytes.fromhex(vectors)])[latest]

    def _read(self, portion: Sequence[tuple[Said, Sequence[str]]]) -> None:
        self._keys = {
            said.statement_id: dict(
                zip(sorted(set(terms)), term_keys(said.figure_id, terms), strict=True)
            )
            for said, terms in portion
        }
        asked = sorted({key for keys in self._keys.values() for key in keys.values()})
        values = {
            "terms": json.dumps(asked, separators=(",", ":")),
            "before": self._before,
            "places": self._places,
        }
        with self._db.begin() as db:
            query = sa.text(_POSTINGS[db.dialect.name])
            self._postings = {
                key: np.sort(np.fromstring(places, np.int64, sep=","))[::-1]
                for key, places in db.execute(query, values)
                if places
            }
            self._said, self._meant = (
                {},
                self._nearness(db, [said for said, _ in portion]),
            )
            best = (self._best(key, {}) for key in self._keys)
            near = (self._nearest(said, 0) for said, _ in portion if said.vector)
            self._fetch(db, set(chain(*best, *near)))

    def _nearness(
        self, db: Connection, portion: Sequence[Said]
    ) -> dict[str, npt.NDArray[np.float32]]:
        """Of each statement, how near it is to its figure's latest, the latest first."""
        of: dict[str, list[Said]] = {}
        for said in portion:
            if said.vector:
                of.setdefault(said.figure_id, []).append(said)
        found: dict[str, npt.NDArray[np.float32]] = {}
        for figure, mine in of.items():
            if figure not in self._vectors:
                self._vectors[figure] = self._vectors_of(db, figure)
            rows = nearness(stacked([s.vector for s in mine]), self._vectors[figure][1])
            found.update(zip((s.statement_id for s in mine), rows, strict=True))
        return found

    def _best(self, statement_id: str, taken: Mapping[str, int]) -> dict[int, int]:
        """The places under most of the terms, then the latest; by how many terms."""
        held = [
            self._postings[key][: max(0, self._places - taken.get(term, 0))]
            for term, key in self._keys[statement_id].items()
            if key in self._postings
        ]
        if not held:
            return {}
        places, counts = np.unique(np.concatenate(held), return_counts=True)
        order = np.argsort(-counts[::-1], kind="stable")[: self._limit]
        return dict(
            zip(places[::-1][order].tolist(), counts[::-1][order].tolist(), strict=True)
        )

    def _fetch(self, db: Connection, places: Iterable[int]) -> None:
        for some in portions([at for at in places if at not in self._said]):
            for row in db.execute(_SAID_AT, {"places": some}):
                self._said[row.place] = _load_said(row)


def said_row(
    place: int,
    statement: Statement,
    relation: Relation,
    keys: Sequence[int],
    vector: bytes,
) -> dict[str, Any]:
    said = Said.of(statement, relation.claim_id, relation.utterance_id)
    return {
        "place": place,
        "said": as_json(said, leave=("prepared", "sketch", "vector")),
        "prepared": dumped(features(statement.content)),
        "sketch": sketch_of(statement.content),
        "vector": vector,
        "terms": np.array(keys, "<i8").tobytes(),
    }


def _load_said(row: Any) -> Said:
    return Said(
        **from_json(row.said),
        prepared=row.prepared,
        sketch=row.sketch,
        vector=row.vector,
    )
