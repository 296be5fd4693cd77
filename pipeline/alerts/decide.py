"""Which claims' states are told, by which rule, on which channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from pipeline import ids
from pipeline.alerts.render import TEMPLATES, confidence, message
from pipeline.alerts.schedule import retry_at
from pipeline.model import Act, Alert, AlertKind, AlertRule, ClaimState

WINDOW = timedelta(hours=48)
"""So long a claim is looked at again: a second outlet may yet make a rule true."""


def alerts_for(
    states: Sequence[ClaimState],
    rules: Sequence[AlertRule],
    *,
    figures_since: Mapping[str, datetime],
    lake_since: datetime,
    now: datetime,
    quiet_first_days: int,
    window: timedelta = WINDOW,
    templates: Mapping[str, str] = TEMPLATES,
) -> list[Alert]:
    """The alerts that are true now, told before or not: the outbox keeps each once.

    One a claim, rule and channel, ordered by claim (oldest first), rule and channel.
    None for backlog, for old words told again, for what is off the topic, for claims
    older than the window; and, unless ``quiet_first_days`` is 0, none in so many first
    days of a figure on record nor on the lake's first day.
    """
    alerts: list[Alert] = []
    for state in sorted(states, key=_age):
        if not is_news(state, now=now, window=window) or _too_early(
            state, figures_since, lake_since, quiet_first_days
        ):
            continue
        for rule in rules:
            if wants(rule, state):
                alerts += [
                    _alert(state, rule, channel, now, templates)
                    for channel in dict.fromkeys(rule.channels)
                ]
    return alerts


def is_news(state: ClaimState, *, now: datetime, window: timedelta = WINDOW) -> bool:
    """Whether a claim may be told at all, whatever the rules."""
    said = state.statement
    return (
        said.about_topic
        and not said.backlog
        and not said.is_old
        and now - said.first_seen_at <= window
    )


def wants(rule: AlertRule, state: ClaimState) -> bool:
    """Whether a rule is true of a claim's state.

    An empty list in a rule means all; but an attitude, which is not something said, is
    told only where the rule names it. The kind of outlet is that of the first report.
    """
    said = state.statement
    return (
        (not rule.figures or said.figure_id in rule.figures)
        and (not rule.topics or bool({said.topic, *said.subtopics} & {*rule.topics}))
        and (said.act in rule.acts if rule.acts else said.act is not Act.ATTITUDE)
        and (not rule.relations or state.relation.kind in rule.relations)
        and (not rule.outlet_kinds or said.outlet_kind in rule.outlet_kinds)
        and confidence(state) >= rule.min_confidence
        and state.n_independent >= rule.min_independent
    )


def _age(state: ClaimState) -> tuple[datetime, str]:
    return state.statement.first_seen_at, state.claim_id


def _too_early(
    state: ClaimState,
    figures_since: Mapping[str, datetime],
    lake_since: datetime,
    quiet_first_days: int,
) -> bool:
    if quiet_first_days <= 0:
        return False
    said = state.statement
    since = figures_since.get(said.figure_id, said.first_seen_at)
    return said.first_seen_at < since + timedelta(
        days=quiet_first_days
    ) or said.first_seen_at < lake_since + timedelta(days=1)


def _alert(
    state: ClaimState,
    rule: AlertRule,
    channel: str,
    now: datetime,
    templates: Mapping[str, str],
) -> Alert:
    said = message(state, rule=rule.id, templates=templates)
    return Alert(
        alert_id=ids.alert_id(rule.id, AlertKind.ALERT, state.claim_id, channel),
        kind=AlertKind.ALERT,
        rule_id=rule.id,
        channel=channel,
        claim_id=state.claim_id,
        figure_id=state.statement.figure_id,
        figure=state.statement.figure,
        relation=state.relation.kind,
        statement_id=state.statement.statement_id,
        created_at=now,
        subject=said.subject,
        body=said.body,
        payload=said.payload,
    )


__all__ = ["WINDOW", "alerts_for", "is_news", "retry_at", "wants"]
