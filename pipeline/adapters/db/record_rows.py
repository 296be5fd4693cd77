"""From rows of the record to the statements, relations and claims that they hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from pipeline.adapters.db.tables import columns_of, undone
from pipeline.model import (
    Act,
    ClaimState,
    Correction,
    CorrectionKind,
    MentionKind,
    Partition,
    Relation,
    RelationKind,
    Said,
    Span,
    Statement,
    Voice,
)


def record_row(
    partition: Partition, statement: Statement, relation: Relation
) -> dict[str, Any]:
    return {
        "statement_id": statement.statement_id,
        "partition": str(partition),
        "figure_id": statement.figure_id,
        "claim_id": relation.claim_id,
        "utterance_id": relation.utterance_id,
        "kind": relation.kind.value,
        "earlier_id": relation.earlier_id,
        "earlier_claim_id": relation.earlier_claim_id,
        "score": relation.score,
        "reasons": json.dumps(relation.reasons, ensure_ascii=False),
        "first_seen_at": statement.first_seen_at,
        "statement": as_json(statement),
    }


def correction_of(row: Any) -> Correction:
    values = columns_of(row, undone, leave=["partition", "kind"])
    return Correction(**values, kind=CorrectionKind(row.kind))


def on_record(row: Any) -> tuple[Partition, Statement, Relation]:
    return Partition.parse(row.partition), statement_of(row.statement), _relation(row)


def opener_first(row: Any) -> bool:
    """Of what was seen at once, the fold's first need not have the first id."""
    return row.kind in _SAME


_SAME = (RelationKind.REREPORTED.value, RelationKind.REPEATED.value)


def claim_states(
    rows: Sequence[Any],
    earlier: Mapping[str | None, Statement],
    since: datetime | None,
) -> list[ClaimState]:
    groups: dict[str, list[Any]] = {}
    for row in rows:
        groups.setdefault(row.claim_id, []).append(row)
    states = []
    for members in groups.values():
        members.sort(key=opener_first)
        first = members[0]
        if since is not None and first.first_seen_at < since:
            continue
        statements = [statement_of(row.statement) for row in members]
        first_of = {s.outlet: s.url for s in reversed(statements)}
        outlets = tuple(dict.fromkeys(s.outlet for s in statements))
        states.append(
            ClaimState(
                claim_id=first.claim_id,
                relation=_relation(first),
                statement=statements[0],
                earlier=earlier.get(first.earlier_id) if first.earlier_id else None,
                outlets=outlets,
                links=tuple(first_of[outlet] for outlet in outlets),
                n_independent=len({s.wire_group_id for s in statements}),
            )
        )
    return states


def _relation(row: Any) -> Relation:
    return Relation(
        statement_id=row.statement_id,
        kind=RelationKind(row.kind),
        claim_id=row.claim_id,
        utterance_id=row.utterance_id,
        earlier_id=row.earlier_id,
        earlier_claim_id=row.earlier_claim_id,
        score=row.score,
        reasons=tuple(json.loads(row.reasons)),
    )


def statement_of(text: str) -> Statement:
    return Statement(**from_json(text))


_RICH: Mapping[str, Callable[[Any], Any]] = {
    "published_at": lambda value: datetime.fromisoformat(value) if value else None,
    "first_seen_at": datetime.fromisoformat,
    "said_on": lambda value: date.fromisoformat(value) if value else None,
    "spans": lambda value: tuple(Span(*pair) for pair in value),
    "voice": Voice,
    "mention_kind": MentionKind,
    "act": Act,
    "subtopics": tuple,
    "nested": tuple,
}


def as_json(value: Statement | Said, leave: Sequence[str] = ()) -> str:
    """The fields of a value but those left out, for ``from_json``."""
    names = [name for name in value.__slots__ if name not in leave]
    values = {name: getattr(value, name) for name in names}
    values["spans"] = [[span.start, span.end] for span in value.spans]
    return json.dumps(values, ensure_ascii=False, default=lambda v: v.isoformat())


def from_json(text: str) -> dict[str, Any]:
    values = json.loads(text)
    return {k: _RICH[k](v) if k in _RICH else v for k, v in values.items()}
