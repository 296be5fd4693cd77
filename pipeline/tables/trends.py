"""Counts over statements: claims as of a pass, and the day by figure and sub-topic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd

from pipeline.model import BACKLOG_AFTER, Claim, Relation, RelationKind, Statement
from pipeline.tables.convert import midnight

WINDOW_DAYS = BACKLOG_AFTER.days
ALL = "all"

_COUNTS = [
    "n_statements", "n_utterances", "n_outlets", "n_direct", "n_new_claims",
    "n_contradictions", "n_late",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """A statement with its relation: what every count starts from."""

    statement: Statement
    relation: Relation


_OPENS = frozenset(
    {
        RelationKind.NEW,
        RelationKind.CHANGED,
        RelationKind.CONTRADICTS,
        RelationKind.UNCERTAIN,
    }
)


def claims_of(told: Sequence[Told], as_of: datetime) -> list[Claim]:
    """The claims that these statements open, counted over these statements.

    ``told`` is in the order of the fold. A claim opened before them is left out.
    """
    groups: dict[str, list[Told]] = {}
    for one in told:
        groups.setdefault(one.relation.claim_id, []).append(one)
    return [
        _claim(members, as_of)
        for members in groups.values()
        if members[0].relation.kind in _OPENS
    ]


def _claim(members: Sequence[Told], as_of: datetime) -> Claim:
    first, relation = members[0].statement, members[0].relation
    statements = [member.statement for member in members]
    return Claim(
        claim_id=relation.claim_id,
        figure_id=first.figure_id,
        figure=first.figure,
        content=first.content,
        topic=first.topic,
        about_topic=first.about_topic,
        act=first.act,
        opened_by=relation.kind,
        earlier_claim_id=relation.earlier_claim_id,
        first_statement_id=first.statement_id,
        first_seen_at=first.first_seen_at,
        last_seen_at=max(s.first_seen_at for s in statements),
        n_statements=len(members),
        n_utterances=len({member.relation.utterance_id for member in members}),
        n_outlets=len({s.outlet for s in statements}),
        n_independent=len({s.wire_group_id for s in statements}),
        as_of=as_of,
    )


def daily(told: Iterable[Told], days: Sequence[date]) -> list[dict[str, Any]]:
    """Rows of ``daily_figure_topic`` for these days of publication, sorted by key.

    A statement counts on the day its article was published; if that was more than
    7 days before it was seen, as late on the day it was seen. Off-topic statements are
    left out. Days without a statement give no row (their table is written empty).
    """
    rows = [row for one in told for row in _daily_rows(one)]
    if not rows:
        return []
    frame = pd.DataFrame(rows)
    frame = frame[frame["on"].isin(list(days))]
    if frame.empty:
        return []
    heads = ["on", "figure_id", "figure", "topic", "subtopic"]
    on_time = frame[~frame["late"]]
    counted = on_time.groupby(heads, sort=True).agg(
        n_statements=("statement_id", "nunique"),
        n_utterances=("utterance_id", "nunique"),
        n_outlets=("outlet", "nunique"),
        n_direct=("direct", "sum"),
        n_new_claims=("opens", "sum"),
        n_contradictions=("contradicts", "sum"),
    )
    late = (
        frame[frame["late"]]
        .groupby(heads, sort=True)
        .agg(n_late=("statement_id", "nunique"))
    )
    both = counted.join(late, how="outer").fillna(0).astype("int64").reset_index()
    return [
        {
            "day": midnight(row["on"]),
            **{name: row[name] for name in heads[1:]},
            **{name: int(row[name]) for name in _COUNTS},
        }
        for row in both.to_dict("records")
    ]


def _daily_rows(one: Told) -> list[dict[str, Any]]:
    statement, relation = one.statement, one.relation
    if not statement.about_topic:
        return []
    seen, published = statement.first_seen_at.date(), statement.published_at.date()
    late = seen - published >= timedelta(days=WINDOW_DAYS)
    row = {
        "on": seen if late else published,
        "late": late,
        "figure_id": statement.figure_id,
        "figure": statement.figure,
        "topic": statement.topic,
        "statement_id": statement.statement_id,
        "utterance_id": relation.utterance_id,
        "outlet": statement.outlet,
        "direct": int(statement.voice == "direct"),
        "opens": int(relation.kind in _OPENS),
        "contradicts": int(relation.kind is RelationKind.CONTRADICTS),
    }
    return [
        row | {"subtopic": subtopic} for subtopic in sorted({ALL, *statement.subtopics})
    ]
