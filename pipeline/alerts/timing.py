"""When an alert goes out: at once, after the quiet hours, after a cooldown, in a digest.

Nothing is dropped: what may not go out yet waits, and goes out together with what waits
for the same moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from pipeline import ids
from pipeline.model import Alert, AlertKind, AlertRule

Told = tuple[str, str, str]
"""Rule, channel and figure: what a cooldown goes by."""


def told_key(alert: Alert) -> Told:
    return alert.rule_id, alert.channel, alert.figure_id


def timed(
    alerts: Sequence[Alert], rules: Sequence[AlertRule], last: Mapping[Told, datetime]
) -> list[Alert]:
    """The alerts with the moment at which each may go out, in the order given.

    ``last`` is when each rule last told, or is going to tell, of a figure on a channel.
    A retraction waits for the quiet hours only, and never overtakes what it takes back.
    """
    by_id = {rule.id: rule for rule in rules}
    latest = dict(last)
    found = []
    for alert in alerts:
        rule = by_id.get(alert.rule_id)
        if rule is None:
            found.append(alert)
            continue
        due = alert.due_at or alert.created_at
        if alert.kind is AlertKind.ALERT:
            due = _cooled(due, latest.get(told_key(alert)), rule.cooldown)
            due = _digested(due, rule)
        due = _waking(due, rule)
        if alert.kind is AlertKind.ALERT:
            latest[told_key(alert)] = max(due, latest.get(told_key(alert), due))
        waits = due > alert.created_at
        found.append(replace(alert, due_at=due if waits else None))
    return found


def _cooled(due: datetime, last: datetime | None, cooldown: timedelta) -> datetime:
    """The end of the cooldown; what is going to be told then takes the rest along."""
    if last is None or not cooldown:
        return due
    return last if last > due else max(due, last + cooldown)


def _digested(due: datetime, rule: AlertRule) -> datetime:
    """The next time of a digest, strictly after ``due``."""
    if not rule.digest_at:
        return due
    zone = ZoneInfo(rule.time_zone)
    day = due.astimezone(zone).date()
    moments = (
        datetime.combine(day + timedelta(days=n), at, zone).astimezone(UTC)
        for n in range(3)
        for at in rule.digest_at
    )
    return min(moment for moment in moments if moment > due)


def _waking(due: datetime, rule: AlertRule) -> datetime:
    """The end of the quiet hours that ``due`` falls into; else ``due``."""
    if rule.quiet_hours is None:
        return due
    begin, end = rule.quiet_hours
    zone = ZoneInfo(rule.time_zone)
    local = due.astimezone(zone)
    clock = local.time()
    if begin < end:
        quiet, days = begin <= clock < end, 0
    else:
        quiet, days = clock >= begin or clock < end, 1 if clock >= begin else 0
    if not quiet:
        return due
    day = local.date() + timedelta(days=days)
    return max(due, datetime.combine(day, end, zone).astimezone(UTC))


# ------------------------------------------------------------------------ together

Waiting = tuple[Alert, int]
"""An alert and the tries that were made so far."""


def together(due: Sequence[Waiting]) -> list[list[Waiting]]:
    """What goes out in one message, in the order of the first of each.

    Alerts that waited for the same moment, by the same rule, on the same channel, and
    were tried as often: so a second try sends exactly what the first one sent.
    """
    found = [[one] for one in due if one[0].due_at is None]
    rest = sorted((one for one in due if one[0].due_at is not None), key=_batch)
    found += [list(group) for _, group in groupby(rest, key=_batch)]
    places = {alert.alert_id: nth for nth, (alert, _) in enumerate(due)}
    for group in found:
        group.sort(key=lambda one: places[one[0].alert_id])
    return sorted(found, key=lambda group: places[group[0][0].alert_id])


def _batch(one: Waiting) -> tuple[str, str, str, int]:
    alert, tries = one
    return alert.channel, alert.rule_id, str(alert.due_at), tries


def digest_id(members: Sequence[Alert]) -> str:
    """Of a message that tells several alerts: the same for the same ones."""
    return ids.stable_id("digest", *sorted(alert.alert_id for alert in members))
