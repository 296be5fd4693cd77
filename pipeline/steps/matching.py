"""``match``: each statement's relation to its figure's record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pipeline.claims.candidates import MOST_PLACES, terms
from pipeline.claims.grouping import CANDIDATES, relations, with_vector
from pipeline.claims.judged import decisions
from pipeline.claims.meaning import Meaning
from pipeline.model import (
    Judgement,
    Partition,
    Relation,
    Report,
    Said,
    Statement,
)
from pipeline.ports import (
    Lake,
    Progress,
    Record,
)
from pipeline.steps.shared import day_of, each, fresh
from pipeline.tables.values import to_arrow


def match(
    at: datetime,
    *,
    lake: Lake,
    record: Record,
    progress: Progress,
    meaning: Meaning,
    judgements: Sequence[Judgement] = (),
) -> Report:
    """Each statement's relation to its figure's record: a fold in order of sight.

    What an editor decided stands above what the matcher finds.
    """
    decided = decisions(judgements)

    def make(partition: Partition) -> tuple[str, Report]:
        statements = fresh(lake, partition)
        found_terms = {s.statement_id: terms(s.content) for s in statements}

        def known(statement_id: str) -> Said | None:
            there = record.find(statement_id)
            return _said(*there[1:]) if there and there[0] < partition else None

        said = [with_vector(Said.of(one), meaning) for one in statements]
        vectors = {one.statement_id: one.vector for one in said}
        lookup = record.before(
            partition,
            [(one, found_terms[one.statement_id]) for one in said],
            places=MOST_PLACES,
            limit=CANDIDATES,
        )
        found = relations(
            said,
            lookup,
            decided=decided,
            known=known,
            meaning=meaning,
            nearby=lookup.near,
        )
        by_id = {relation.statement_id: relation for relation in found}
        record.replace(
            partition,
            [
                (s, by_id[key], found_terms[key], vectors[key])
                for s in statements
                for key in [s.statement_id]
            ],
        )
        progress.stale("publish", day_of(partition.day))
        sha256 = lake.write("links", partition, to_arrow(Relation, found))
        counts: dict[str, int] = {}
        for relation in found:
            counts[relation.kind.value] = counts.get(relation.kind.value, 0) + 1
        return sha256, Report(step="match", rows=len(found), counts=counts)

    return each("match", at, progress, make)


def _said(statement: Statement, relation: Relation) -> Said:
    return Said.of(statement, relation.claim_id, relation.utterance_id)
