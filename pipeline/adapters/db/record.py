"""Each figure's record: what was said, in which claim, and what edits took away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pipeline.adapters.db.earlier import (
    PLACES,
    Earlier,
    first_place,
    said_row,
    term_keys,
)
from pipeline.adapters.db.engine import Database, portions
from pipeline.adapters.db.record_rows import (
    claim_states,
    correction_of,
    on_record,
    opener_first,
    record_row,
    statement_of,
)
from pipeline.adapters.db.tables import (
    TEXT,
    UtcDateTime,
    columns_of,
    record,
    record_said,
    record_terms,
    record_vectors,
    undone,
)
from pipeline.claims.candidates import order_of
from pipeline.errors import StoreError
from pipeline.model import (
    ClaimState,
    Correction,
    CorrectionKind,
    Loss,
    Partition,
    Relation,
    Said,
    Statement,
)

_TAKES_AWAY = (CorrectionKind.CHANGED, CorrectionKind.WITHDRAWN)


class DbRecord:
    """ports.Record in the database."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def before(
        self,
        partition: Partition,
        wanted: Sequence[tuple[Said, Sequence[str]]],
        *,
        places: int,
        limit: int,
    ) -> Earlier:
        return Earlier(self._db, partition, wanted, places=places, limit=limit)

    def replace(
        self,
        partition: Partition,
        rows: Sequence[tuple[Statement, Relation, Sequence[str], bytes]],
    ) -> None:
        first = first_place(partition)
        order = sorted(rows, key=lambda row: order_of(Said.of(row[0])))
        if len(order) > PLACES:
            raise StoreError(self._db.where, f"{partition}: over {PLACES} statements")
        placed = [
            (first + nth, row, term_keys(row[0].figure_id, row[2]))
            for nth, row in enumerate(order)
        ]
        with self._db.begin() as db:
            self._remove(db, partition)
            self._db.upsert(
                db, record, [record_row(partition, s, r) for s, r, *_ in rows]
            )
            self._insert(
                db,
                record_said,
                [
                    said_row(at, s, r, keys, vector)
                    for at, (s, r, _, vector), keys in placed
                ],
            )
            held = sorted((key, place) for place, _, keys in placed for key in keys)
            self._insert(
                db, record_terms, [{"term": key, "place": at} for key, at in held]
            )
            self._insert(
                db,
                record_vectors,
                [
                    {"figure_id": row[0].figure_id, "place": at, "vector": row[3]}
                    for at, row, _ in placed
                ],
            )

    def _insert(
        self, db: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]
    ) -> None:
        if rows:  # of none, SQLAlchemy would insert one row of defaults
            db.execute(sa.insert(table), list(rows))

    def _remove(self, db: Connection, partition: Partition) -> None:
        first = first_place(partition)
        mine = record_said.c.place.between(first, first + PLACES - 1)
        gone = [
            {"key": key, "at": place}
            for place, keys in db.execute(
                sa.select(record_said.c.place, record_said.c.terms).where(mine)
            )
            for key in np.frombuffer(keys, "<i8").tolist()
        ]
        if gone:
            one = record_terms.c.term == sa.bindparam("key")
            at = record_terms.c.place == sa.bindparam("at")
            db.execute(sa.delete(record_terms).where(one, at), gone)
        db.execute(sa.delete(record_said).where(mine))
        there = record_vectors.c.place.between(first, first + PLACES - 1)
        db.execute(sa.delete(record_vectors).where(there))
        db.execute(sa.delete(record).where(record.c.partition == str(partition)))

    def states(self, *, since: datetime, upto: Partition) -> list[ClaimState]:
        rows, earlier = self._opened(since, upto)
        return claim_states(rows, earlier, since)

    def _opened(
        self, since: datetime, upto: Partition
    ) -> tuple[list[Any], dict[str | None, Statement]]:
        """The members of claims opened since a moment; what they were compared with."""
        opened = sa.select(record.c.claim_id).where(
            record.c.first_seen_at >= since,
            record.c.partition <= str(upto),
            record.c.kind.in_(["new", "changed", "contradicts", "uncertain"]),
        )
        query = (
            sa.select(record)
            .where(record.c.claim_id.in_(opened), record.c.partition <= str(upto))
            .order_by(record.c.first_seen_at, record.c.statement_id)
        )
        with self._db.begin() as db:
            rows = list(db.execute(query))
            return rows, self._statements(db, [row.earlier_id for row in rows])

    def _statements(
        self, db: Connection, ids: Iterable[str | None]
    ) -> dict[str | None, Statement]:
        return {
            row.statement_id: statement_of(row.statement)
            for some in portions(sorted({id for id in ids if id}))
            for row in db.execute(
                sa.select(record).where(record.c.statement_id.in_(some))
            )
        }

    def histories(
        self, *, since: datetime, upto: Partition
    ) -> list[list[tuple[datetime, ClaimState]]]:
        rows, earlier = self._opened(since, upto)
        groups: dict[str, list[Any]] = {}
        for row in rows:
            groups.setdefault(row.claim_id, []).append(row)
        found = []
        for members in groups.values():
            history = []
            for moment in dict.fromkeys(row.partition for row in members):
                there = [row for row in members if row.partition <= moment]
                history += [
                    (Partition.parse(moment).moment, state)
                    for state in claim_states(there, earlier, since)
                ]
            found.append(history)
        return [history for history in found if history]

    def corrected(
        self, partition: Partition, corrections: Sequence[Correction]
    ) -> None:
        rows = [
            {"partition": str(partition), "kind": correction.kind.value}
            | columns_of(correction, undone, leave=("partition", "kind"))
            for correction in corrections
            if correction.kind in _TAKES_AWAY
        ]
        with self._db.begin() as db:
            db.execute(sa.delete(undone).where(undone.c.partition == str(partition)))
            self._db.upsert(db, undone, rows)

    def losses(self, *, since: datetime, upto: Partition) -> list[Loss]:
        fallen = sa.select(undone.c.statement_id).where(undone.c.partition <= str(upto))
        touched = sa.select(record.c.claim_id).where(
            record.c.statement_id.in_(fallen.where(undone.c.at >= since))
        )
        stands = ~sa.exists().where(
            undone.c.statement_id == record.c.statement_id,
            undone.c.partition <= str(upto),
        )
        standing = sa.select(record.c.claim_id).where(
            record.c.claim_id.in_(touched), record.c.partition <= str(upto), stands
        )
        query = (
            sa.select(record)
            .where(record.c.claim_id.in_(touched), record.c.claim_id.not_in(standing))
            .where(record.c.partition <= str(upto))
            .order_by(record.c.first_seen_at, record.c.statement_id)
        )
        with self._db.begin() as db:
            rows = list(db.execute(query))
            edits = self._edits(db, [row.statement_id for row in rows], upto)
            earlier = self._statements(db, [row.earlier_id for row in rows])
            now = self._statements(db, [edit.new_statement_id for edit in edits])
        claims = {row.statement_id: row.claim_id for row in rows}
        last = {claims[edit.statement_id]: edit for edit in edits}
        return [
            Loss(
                state=state,
                correction=correction_of(last[state.claim_id]),
                now=now.get(last[state.claim_id].new_statement_id),
            )
            for state in claim_states(rows, earlier, None)
            if state.claim_id in last
        ]

    def _edits(self, db: Connection, ids: Sequence[str], upto: Partition) -> list[Any]:
        """What undid these statements, the latest last."""
        found = [
            row
            for some in portions(ids)
            for row in db.execute(
                sa.select(undone)
                .where(undone.c.statement_id.in_(some))
                .where(undone.c.partition <= str(upto))
            )
        ]
        return sorted(found, key=lambda row: (row.at, row.statement_id))

    def of_claim(self, claim_id: str) -> list[tuple[Partition, Statement, Relation]]:
        query = (
            sa.select(record)
            .where(record.c.claim_id == claim_id)
            .order_by(record.c.first_seen_at, record.c.statement_id)
        )
        with self._db.begin() as db:
            rows = sorted(db.execute(query), key=opener_first)
        return [on_record(row) for row in rows]

    def find(self, statement_id: str) -> tuple[Partition, Statement, Relation] | None:
        query = sa.select(record).where(record.c.statement_id == statement_id)
        with self._db.begin() as db:
            row = db.execute(query).first()
        return on_record(row) if row else None

    def figures_since(self, upto: Partition) -> dict[str, datetime]:
        with self._db.begin() as db:
            found = db.execute(_FIRST, {"upto": str(upto)})
            return {figure: moment for figure, moment in found if moment}


_FIRST = sa.text(
    """WITH RECURSIVE figures(id) AS (
        SELECT min(figure_id) FROM record
        UNION ALL
        SELECT (SELECT min(figure_id) FROM record WHERE figure_id > figures.id)
        FROM figures WHERE figures.id IS NOT NULL)
    SELECT id, (SELECT first_seen_at FROM record
        WHERE figure_id = id AND partition <= :upto ORDER BY first_seen_at LIMIT 1)
    FROM figures WHERE id IS NOT NULL"""
).columns(sa.column("id", TEXT), sa.column("moment", UtcDateTime))
"""From figure to figure along the index: as many steps as figures, not as statements."""
