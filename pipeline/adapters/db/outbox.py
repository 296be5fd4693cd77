"""Alerts and their deliveries: a transactional outbox, one row per alert."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from pipeline.adapters.db.engine import Database, portions
from pipeline.adapters.db.tables import (
    UtcDateTime,
    columns_of,
    deliveries,
    outbox,
    outbox_more,
)
from pipeline.model import (
    Alert,
    AlertKind,
    Delivery,
    DeliveryState,
    RelationKind,
)


class DbOutbox:
    """ports.Outbox in the database."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def put(self, alerts: Sequence[Alert]) -> int:
        rows = [
            {
                **{
                    name: getattr(alert, name)
                    for name in alert.__slots__
                    if name in outbox.columns
                },
                "kind": alert.kind.value,
                "relation": alert.relation.value,
                "payload": json.dumps(dict(alert.payload), ensure_ascii=False),
                "state": DeliveryState.PENDING.value,
                "tries": 0,
                "next_try_at": alert.due_at or alert.created_at,
            }
            for alert in alerts
        ]
        more = [
            {
                "alert_id": alert.alert_id,
                "due_at": alert.due_at,
                "thread": alert.thread,
                "forms": json.dumps(dict(alert.forms), ensure_ascii=False),
            }
            for alert in alerts
        ]
        with self._db.begin() as db:
            self._db.insert_new(db, outbox_more, more)
            return self._db.insert_new(db, outbox, rows)

    def unknown(self, alert_ids: Sequence[str]) -> set[str]:
        missing = set(alert_ids)
        with self._db.begin() as db:
            for some in portions(sorted(missing)):
                known = outbox.c.alert_id.in_(some)
                missing.difference_update(
                    db.scalars(sa.select(outbox.c.alert_id).where(known))
                )
        return missing

    def told(self, claim_ids: Sequence[str]) -> list[Alert]:
        with self._db.begin() as db:
            return [
                _alert(row)
                for some in portions(claim_ids)
                for row in db.execute(
                    _OUTBOX.where(
                        outbox.c.claim_id.in_(some),
                        outbox.c.kind == AlertKind.ALERT.value,
                    ).order_by(outbox.c.created_at, outbox.c.alert_id)
                )
            ]

    def last_told(self, since: datetime) -> dict[tuple[str, str, str], datetime]:
        due = sa.func.max(
            sa.func.coalesce(outbox_more.c.due_at, outbox.c.created_at),
            type_=UtcDateTime,
        )
        keys = outbox.c.rule_id, outbox.c.channel, outbox.c.figure_id
        query = (
            sa.select(*keys, due)
            .select_from(_BOTH)
            .where(outbox.c.created_at >= since)
            .where(outbox.c.kind == AlertKind.ALERT.value)
            .group_by(*keys)
        )
        with self._db.begin() as db:
            return {
                (rule, channel, figure): moment
                for rule, channel, figure, moment in db.execute(query)
            }

    def due(self, now: datetime) -> list[tuple[Alert, int]]:
        query = _OUTBOX.where(
            outbox.c.state.in_(["pending", "failed"]), outbox.c.next_try_at <= now
        ).order_by(outbox.c.created_at, outbox.c.alert_id)
        with self._db.begin() as db:
            return [(_alert(row), row.tries) for row in db.execute(query)]

    def record(
        self, tried: Delivery | Sequence[Delivery], next_try_at: datetime | None
    ) -> None:
        made = [tried] if isinstance(tried, Delivery) else tried
        rows = [
            columns_of(delivery, deliveries) | {"state": delivery.state.value}
            for delivery in made
        ]
        with self._db.begin() as db:
            self._db.upsert(db, deliveries, rows)
            for delivery in made:
                db.execute(
                    sa.update(outbox)
                    .where(outbox.c.alert_id == delivery.alert_id)
                    .values(
                        state=delivery.state.value,
                        tries=delivery.attempt,
                        next_try_at=next_try_at,
                    )
                )

    def alerts(self, day: date) -> list[Alert]:
        query = _OUTBOX.where(_on(outbox.c.created_at, day)).order_by(
            outbox.c.created_at, outbox.c.alert_id
        )
        with self._db.begin() as db:
            return [_alert(row) for row in db.execute(query)]

    def deliveries(self, day: date) -> list[Delivery]:
        query = (
            sa.select(deliveries)
            .where(_on(deliveries.c.at, day))
            .order_by(deliveries.c.alert_id, deliveries.c.attempt)
        )
        with self._db.begin() as db:
            return [
                Delivery(
                    **columns_of(row, deliveries, leave=["state"]),
                    state=DeliveryState(row.state),
                )
                for row in db.execute(query)
            ]

    def counts(self) -> dict[str, int]:
        """How many alerts are in each state."""
        query = sa.select(outbox.c.state, sa.func.count()).group_by(outbox.c.state)
        with self._db.begin() as db:
            return {state: int(count) for state, count in db.execute(query)}

    def waiting_since(self) -> datetime | None:
        """When the oldest alert that still waits for its channel was due."""
        due = sa.func.min(
            sa.func.coalesce(outbox_more.c.due_at, outbox.c.created_at),
            type_=UtcDateTime,
        )
        query = (
            sa.select(due)
            .select_from(_BOTH)
            .where(outbox.c.state.in_(["pending", "failed"]))
        )
        with self._db.begin() as db:
            found: datetime | None = db.scalar(query)
            return found

    def channels(self) -> dict[str, dict[str, int]]:
        """How many alerts of each channel are in each state."""
        keys = outbox.c.channel, outbox.c.state
        query = sa.select(*keys, sa.func.count()).group_by(*keys).order_by(*keys)
        found: dict[str, dict[str, int]] = {}
        with self._db.begin() as db:
            for channel, state, count in db.execute(query):
                found.setdefault(channel, {})[state] = int(count)
        return found


_BOTH = outbox.outerjoin(outbox_more, outbox_more.c.alert_id == outbox.c.alert_id)
_OUTBOX = sa.select(
    outbox, outbox_more.c.due_at, outbox_more.c.thread, outbox_more.c.forms
).select_from(_BOTH)


def _on(column: sa.Column[datetime], day: date) -> sa.ColumnElement[bool]:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return sa.and_(column >= start, column < start + timedelta(days=1))


def _alert(row: Any) -> Alert:
    return Alert(
        alert_id=row.alert_id,
        kind=AlertKind(row.kind),
        rule_id=row.rule_id,
        channel=row.channel,
        claim_id=row.claim_id,
        figure_id=row.figure_id,
        figure=row.figure,
        relation=RelationKind(row.relation),
        statement_id=row.statement_id,
        created_at=row.created_at,
        subject=row.subject,
        body=row.body,
        payload=json.loads(row.payload),
        due_at=row.due_at,
        thread=row.thread,
        forms=json.loads(row.forms) if row.forms else {},
    )
