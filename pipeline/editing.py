"""What editors ask and decide: what a rule would tell, which claims are one, who said
what when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from pipeline.alerts.decide import told, would_tell
from pipeline.alerts.timing import timed, together
from pipeline.errors import InputError
from pipeline.model import (
    Alert,
    AlertRule,
    ClaimState,
    Judgement,
    Partition,
    Said,
    Verdict,
)
from pipeline.ports import Lake, Record

# ------------------------------------------------------------------ what a rule would tell


def would_have_told(
    histories: Sequence[Sequence[tuple[datetime, ClaimState]]],
    rule: AlertRule,
    **how: Any,
) -> list[dict[str, Any]]:
    """A row for each claim that the rule would have told, in the order of going out.

    ``at`` is when the rule was true first, ``out`` when the message would have left:
    after quiet hours, cooldown and digest, by the functions that time real alerts. Rows
    of one ``message`` go out together. ``how`` is what ``would_tell`` takes.
    """
    wanted = would_tell(histories, rule, **how)
    one_channel = replace(rule, channels=rule.channels[:1])  # all wait alike
    alerts = [alert for at, state in wanted for alert in told(state, one_channel, at)]
    waiting = [(alert, 0) for alert in timed(alerts, [rule], {})]
    states = {state.claim_id: state for _, state in wanted}
    rows = []
    groups = sorted(together(waiting), key=lambda group: _out(group[0][0]))
    for message, group in enumerate(groups, start=1):
        for alert, _ in group:
            state = states[alert.claim_id]
            rows.append(
                {
                    "at": alert.created_at,
                    "out": _out(alert),
                    "message": message,
                    "figure": state.statement.figure,
                    "relation": state.relation.kind.value,
                    "act": state.statement.act.value,
                    "words": state.statement.content,
                    "outlet": state.statement.outlet,
                    "independent": state.n_independent,
                    "confidence": round(
                        min(state.statement.confidence, state.relation.score), 2
                    ),
                    "claim": state.claim_id,
                }
            )
    return rows


def _out(alert: Alert) -> datetime:
    return alert.due_at or alert.created_at


# -------------------------------------------------------------------------- judgements


def judged(
    record: Record,
    verdict: Verdict,
    subject: str,
    *,
    into: str | None,
    by: str,
    note: str,
    now: datetime,
) -> tuple[Judgement, Partition | None]:
    """The judgement, and the partition from which claims are to be made again.

    ``subject`` is a statement to split off, else a claim; ``into`` is the claim that it
    is merged with: of the two, the later one joins the earlier. InputError where there
    is no such thing on record.
    """
    if verdict is Verdict.SPLIT:
        found = record.find(subject)
        if found is None:
            raise InputError(f"statement {subject}", "not on record")
        partition, statement, relation = found
        if record.of_claim(relation.claim_id)[0][1] == statement:
            raise InputError(
                f"statement {subject}", "opened its claim: nothing to split off"
            )
        made = Judgement(
            verdict=verdict,
            claim_id=relation.claim_id,
            statement_id=subject,
            by=by,
            note=note,
            at=now,
        )
        return made, partition
    first = _first(record, subject)
    if verdict is not Verdict.MERGE:
        made = Judgement(
            verdict=verdict,
            claim_id=subject,
            statement_id=first[1].statement_id,
            by=by,
            note=note,
            at=now,
        )
        return made, None
    other = _first(record, into or "")
    if other[1].figure_id != first[1].figure_id:
        raise InputError(
            f"claim {into}", f"of {other[1].figure}, not of {first[1].figure}"
        )
    if into == subject:
        raise InputError(f"claim {into}", "is the same claim")
    earlier, later = sorted((first, other), key=_order)
    made = Judgement(
        verdict=verdict,
        claim_id=later[2].claim_id,
        statement_id=later[1].statement_id,
        into=earlier[1].statement_id,
        by=by,
        note=note,
        at=now,
    )
    return made, later[0]


Member = tuple[Partition, Any, Any]


def _first(record: Record, claim_id: str) -> Member:
    members = record.of_claim(claim_id)
    if not members:
        raise InputError(f"claim {claim_id}", "not on record")
    return members[0]


def _order(member: Member) -> tuple[datetime, date, str]:
    """The fold's, in which what joins must come behind what it joins."""
    said = Said.of(member[1])
    return said.first_seen_at, said.said_on, said.statement_id


# ---------------------------------------------------------------------------- timeline


def timeline(
    lake: Lake, figure_id: str, *, topic: str | None = None
) -> list[dict[str, Any]]:
    """A figure's published claims on the topic, in order of first sight: a row each.

    ``changed`` says what is other than in the claim it answers to, whose words stand in
    ``before``; ``occasions`` counts utterances over all days.
    """
    claims = _rows(lake, "claims", figure_id)
    links = _rows(lake, "claim_links", figure_id)
    wanted = _on(lake, topic) if topic else None
    by_id = {claim["claim_id"]: claim for claim in claims}
    opened = {link["statement_id"]: link for link in links}
    occasions: dict[str, set[str]] = {}
    for link in links:
        occasions.setdefault(link["claim_id"], set()).add(link["utterance_id"])
    found = []
    for claim in sorted(claims, key=lambda c: (c["first_seen_at"], c["claim_id"])):
        first = claim["first_statement_id"]
        if not claim["about_topic"] or (wanted is not None and first not in wanted):
            continue
        before = by_id.get(claim["earlier_claim_id"] or "")
        link = opened.get(first, {})
        found.append(
            {
                "first_seen_at": claim["first_seen_at"],
                "relation": claim["opened_by"],
                "act": claim["act"],
                "words": claim["content"],
                "changed": link.get("reasons", "") if before else "",
                "before": before["content"] if before else None,
                "occasions": len(occasions.get(claim["claim_id"], ())),
                "claim": claim["claim_id"],
                "statement": first,
            }
        )
    return found


def _rows(lake: Lake, table: str, figure_id: str) -> list[dict[str, Any]]:
    return [
        row
        for day in lake.published(table)
        for row in lake.load(table, day).to_pylist()
        if row["figure_id"] == figure_id
    ]


def _on(lake: Lake, subtopic: str) -> set[str]:
    return {
        row["statement_id"]
        for day in lake.published("statement_topics")
        for row in lake.load("statement_topics", day).to_pylist()
        if row["subtopic"] == subtopic
    }
