"""``alert`` and ``deliver``: what the rules want told, and sending it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from pipeline.alerts.decide import alerts_for, retractions
from pipeline.alerts.render import TEMPLATES
from pipeline.alerts.render import together as as_one
from pipeline.alerts.schedule import retry_at
from pipeline.alerts.timing import digest_id, timed, together
from pipeline.errors import (
    DeliveryError,
)
from pipeline.model import (
    AlertKind,
    AlertRule,
    Correction,
    Delivery,
    DeliveryState,
    Partition,
    Report,
)
from pipeline.ports import (
    Archive,
    Channel,
    Lake,
    Outbox,
    Progress,
    Record,
)
from pipeline.tables.values import from_arrow

FAILURES_A_PASS = 3
"""A channel that failed so often in a row is left for the next pass."""

LONGEST_MEMORY = timedelta(days=10)
"""Longer than any cooldown: so far back it matters when a figure was told of last."""


def alert(
    at: datetime,
    *,
    record: Record,
    outbox: Outbox,
    archive: Archive,
    lake: Lake,
    progress: Progress,
    rules: Sequence[AlertRule],
    window: timedelta,
    quiet_first_days: int,
    templates: Mapping[str, str] = TEMPLATES,
    site_url: str = "",
) -> Report:
    """Put what the rules want told into the outbox, once, whatever is run again.

    An alert whose claim has since lost its ground is taken back on the same thread; a
    claim that lost it before it was told is not told.
    """
    partition = Partition.at(at)
    for edited in progress.pending("alert", partition):
        table = lake.read("corrections", edited)
        record.corrected(edited, from_arrow(Correction, table) if table else [])
        progress.done("alert", edited, "")
    first = archive.first()
    if first is None:
        return Report(step="alert")
    losses = record.losses(since=at - window, upto=partition)
    lost = {loss.state.claim_id for loss in losses}
    states = record.states(since=at - window, upto=partition)
    standing = [state for state in states if state.claim_id not in lost]
    wanted = alerts_for(
        standing,
        rules,
        figures_since=record.figures_since(partition),
        lake_since=first.moment,
        now=partition.moment,
        quiet_first_days=quiet_first_days,
        templates=templates,
        site_url=site_url,
        unknown=outbox.unknown,
    )
    taken_back = retractions(
        outbox.told(sorted(lost)),
        losses,
        now=partition.moment,
        templates=templates,
        site_url=site_url,
    )
    unknown = outbox.unknown([one.alert_id for one in taken_back])
    wanted += [one for one in taken_back if one.alert_id in unknown]
    fresh = timed(wanted, rules, outbox.last_told(at - LONGEST_MEMORY))
    count = sum(1 for one in fresh if one.kind is AlertKind.RETRACTION)
    return Report(
        step="alert",
        rows=outbox.put(fresh),
        counts={"retractions": count} if count else {},
    )


def deliver(at: datetime, *, outbox: Outbox, channels: Mapping[str, Channel]) -> Report:
    """Send what is due. A dead channel blocks neither the others nor the pipeline.

    What waited for one moment goes out as one message. A channel that failed a few
    times in a row is left for the next pass: it may be hanging, and others wait.
    """
    failures: list[str] = []
    failed: dict[str, int] = {}
    sent = 0
    for batch in together(outbox.due(at)):
        members, attempt = [one for one, _ in batch], batch[0][1] + 1
        if failed.get(members[0].channel, 0) >= FAILURES_A_PASS:
            continue
        message = as_one(members, digest_id(members))
        state, reason, again = DeliveryState.SENT, "", None
        try:
            channel = channels.get(message.channel)
            if channel is None:
                raise DeliveryError(message.channel, "not in alerts.toml any more")
            channel.send(message)
            sent += len(members)
            failed[message.channel] = 0
        except DeliveryError as error:
            reason = error.reason
            again = retry_at(attempt, at, message.alert_id) if error.transient else None
            state = DeliveryState.FAILED if again else DeliveryState.DEAD
            failures.append(f"{error} (alert {message.alert_id}, {state})")
            if error.transient:
                failed[message.channel] = failed.get(message.channel, 0) + 1
        outbox.record(
            [
                Delivery(
                    alert_id=one.alert_id,
                    channel=one.channel,
                    attempt=attempt,
                    at=at,
                    state=state,
                    reason=reason,
                )
                for one in members
            ],
            again,
        )
    return Report(step="deliver", rows=sent, failures=tuple(failures))
