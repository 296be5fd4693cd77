"""Which claims' states are told, by which rule, on which channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from pipeline import ids
from pipeline.alerts.render import TEMPLATES, confidence, message
from pipeline.model import Act, Alert, AlertKind, AlertRule, ClaimState, Loss

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
    site_url: str = "",
    unknown: Callable[[Sequence[str]], AbstractSet[str]] = frozenset,
) -> list[Alert]:
    """The alerts that are true now; of these, the ones whose ids ``unknown`` gives back.

    The outbox keeps each once, and what was told need not be put in words again.
    One a claim, rule and channel, ordered by claim (oldest first), rule and channel.
    None for backlog, for old words told again, for what is off the topic, for claims
    older than the window; and, unless ``quiet_first_days`` is 0, none in so many first
    days of a figure on record nor on the lake's first day.
    """
    wanted: list[tuple[ClaimState, AlertRule]] = []
    for state in sorted(states, key=_age):
        if not is_news(state, now=now, window=window) or _too_early(
            state, figures_since, lake_since, quiet_first_days
        ):
            continue
        for rule in rules:
            if rule.enabled and wants(rule, state):
                wanted.append((state, rule))
    fresh = unknown([name for one in wanted for name in _alert_ids(*one).values()])
    return [
        alert
        for state, rule in wanted
        if not fresh.isdisjoint(_alert_ids(state, rule).values())
        for alert in told(state, rule, now, templates, site_url)
        if alert.alert_id in fresh
    ]


def would_tell(
    histories: Sequence[Sequence[tuple[datetime, ClaimState]]],
    rule: AlertRule,
    *,
    window: timedelta = WINDOW,
    figures_since: Mapping[str, datetime] = MappingProxyType({}),
    lake_since: datetime | None = None,
    quiet_first_days: int = 0,
) -> list[tuple[datetime, ClaimState]]:
    """When a rule would have been true first, of which state; switched on or not.

    A history is a claim's states with the moments of the passes that saw them, in
    order. Oldest first. The first days are as quiet as in ``alerts_for``.
    """
    found = []
    for history in histories:
        for at, state in history:
            early = _too_early(state, figures_since, lake_since or at, quiet_first_days)
            news = is_news(state, now=at, window=window) and not early
            if news and wants(rule, state):
                found.append((at, state))
                break
    return sorted(found, key=lambda one: (one[0], one[1].claim_id))


def retractions(
    told_before: Sequence[Alert],
    losses: Sequence[Loss],
    *,
    now: datetime,
    templates: Mapping[str, str] = TEMPLATES,
    site_url: str = "",
) -> list[Alert]:
    """What takes back each alert whose claim has lost its ground, on the same thread."""
    lost = {loss.state.claim_id: loss for loss in losses}
    found = []
    for alert in told_before:
        loss = lost.get(alert.claim_id)
        if loss is None or alert.kind is not AlertKind.ALERT:
            continue
        said = message(
            loss.state,
            rule=alert.rule_id,
            lost=loss,
            templates=templates,
            site_url=site_url,
        )
        found.append(
            replace(
                alert,
                alert_id=ids.alert_id(
                    alert.rule_id, AlertKind.RETRACTION, alert.claim_id, alert.channel
                ),
                kind=AlertKind.RETRACTION,
                created_at=now,
                subject=said.subject,
                body=said.body,
                payload=said.payload,
                forms=said.forms,
                due_at=max(alert.due_at, now) if alert.due_at else None,
                thread=alert.alert_id,
            )
        )
    return found


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


def told(
    state: ClaimState,
    rule: AlertRule,
    now: datetime,
    templates: Mapping[str, str] = TEMPLATES,
    site_url: str = "",
) -> list[Alert]:
    """The alert of a claim's state by a rule, on each of its channels."""
    said = message(state, rule=rule.id, templates=templates, site_url=site_url)
    return [
        Alert(
            alert_id=alert_id,
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
            forms=said.forms,
        )
        for channel, alert_id in _alert_ids(state, rule).items()
    ]


def _alert_ids(state: ClaimState, rule: AlertRule) -> dict[str, str]:
    """By channel."""
    return {
        channel: ids.alert_id(rule.id, AlertKind.ALERT, state.claim_id, channel)
        for channel in rule.channels
    }
