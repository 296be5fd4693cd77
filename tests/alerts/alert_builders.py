"""Builders for this folder: a claim's state with few words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from pipeline.model import (
    Act,
    AlertRule,
    ClaimState,
    MentionKind,
    Relation,
    RelationKind,
    Span,
    Statement,
    Voice,
)

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def a_statement(**changes: Any) -> Statement:
    whole = Statement(
        statement_id="s1",
        article_id="a1",
        revision=1,
        figure_id="Q1",
        figure="Ada Example",
        outlet="Herald",
        wire_group_id="w1",
        language="en",
        published_at=NOW,
        first_seen_at=NOW,
        backlog=False,
        spans=(Span(0, 10),),
        content="We will send 300 trucks",
        voice=Voice.DIRECT,
        cue="said",
        source="Example",
        mention_kind=MentionKind.NAME,
        act=Act.PROMISES,
        topic="ukraine-war",
        about_topic=True,
        subtopics=("arms",),
        nested=(),
        said_on=date(2026, 3, 1),
        is_old=False,
        in_title=False,
        context="",
        context_start=0,
        url="https://herald.example/1",
        title="Trucks to be sent",
        outlet_kind="independent",
        country="GB",
        method="test",
        model_version="1",
        confidence=0.9,
    )
    return replace(whole, **changes)


def a_state(
    *,
    claim_id: str = "c1",
    kind: RelationKind = RelationKind.NEW,
    score: float = 0.8,
    reasons: tuple[str, ...] = (),
    earlier: Statement | None = None,
    outlets: tuple[str, ...] = ("Herald",),
    links: tuple[str, ...] = (),
    n_independent: int = 1,
    **changes: Any,
) -> ClaimState:
    statement = a_statement(**changes)
    return ClaimState(
        claim_id=claim_id,
        relation=Relation(
            statement_id=statement.statement_id,
            kind=kind,
            claim_id=claim_id,
            utterance_id="u1",
            earlier_id=earlier.statement_id if earlier else None,
            earlier_claim_id="c0" if earlier else None,
            score=score,
            reasons=reasons,
        ),
        statement=statement,
        earlier=earlier,
        outlets=outlets,
        n_independent=n_independent,
        links=links,
    )


def a_rule(**changes: Any) -> AlertRule:
    return replace(AlertRule(id="r1", channels=("log",)), **changes)
