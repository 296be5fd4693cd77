"""The tables and the types of their columns."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa


class UtcDateTime(sa.TypeDecorator[datetime]):
    """Aware and UTC on both sides; SQLite would lose the zone."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(
        self, value: datetime | None, dialect: sa.Dialect
    ) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a moment without a zone: {value}")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(
        self, value: datetime | None, dialect: sa.Dialect
    ) -> datetime | None:
        return value.replace(tzinfo=UTC) if value else None


class HourSet(sa.TypeDecorator[frozenset[int]]):
    """Hours of the week as a number in hexadecimal: bit n is hour n."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(
        self, value: frozenset[int] | None, dialect: sa.Dialect
    ) -> str:
        return f"{sum(1 << hour for hour in value or ()):x}"

    def process_result_value(
        self, value: str | None, dialect: sa.Dialect
    ) -> frozenset[int]:
        number = int(value or "0", 16)
        return frozenset(hour for hour in range(168) if number >> hour & 1)


META = sa.MetaData()


def _table(name: str, *columns: Any, **options: Any) -> sa.Table:
    return sa.Table(name, META, *columns, **options)


TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Compared by code points, as SQLite does: partitions are cut by ``<`` and sorted."""


def _text(name: str, **options: Any) -> sa.Column[str]:
    return sa.Column(name, TEXT, nullable=options.pop("nullable", False), **options)


def _moment(name: str, **options: Any) -> sa.Column[datetime]:
    return sa.Column(
        name, UtcDateTime, nullable=options.pop("nullable", False), **options
    )


def _number(name: str, **options: Any) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, **options)


about = _table("about", _text("key", primary_key=True), _text("value"))

progress = _table(
    "progress",
    _text("step", primary_key=True),
    _text("partition", primary_key=True),
    sa.Column("stale", sa.Boolean, nullable=False),
    _text("sha256", nullable=True),
    _number("marks", server_default="0"),
    sa.Index("progress_stale", "step", "stale", "partition"),
)

feed_states = _table(
    "feed_states",
    _text("feed_id", primary_key=True),
    _text("url"),
    _text("etag", nullable=True),
    _text("last_modified", nullable=True),
    _text("body_sha256", nullable=True),
    _number("failures"),
    _moment("due_at", nullable=True),
    sa.Column("gone", sa.Boolean, nullable=False),
    _text("moved_to", nullable=True),
    _number("moved_seen"),
    _number("unchanged_in_row"),
    sa.Column("ttl_minutes", sa.Integer, nullable=True),
    sa.Column("quiet_hours", HourSet, nullable=False),
    _text("configured_url"),
)

pages = _table(
    "pages",
    _text("key", primary_key=True),
    _text("url"),
    _text("feed_id"),
    _number("tries"),
    sa.Column("done", sa.Boolean, nullable=False),
    _moment("due_at", nullable=True),
)

seen = _table(
    "articles_seen",
    _text("article_id", primary_key=True),
    _number("revision", primary_key=True),
    _text("feed_id"),
    _text("url", index=True),
    _text("guid"),
    _text("text_sha256"),
    _text("shape_sha256"),
    _text("text_source"),
    _moment("published_at"),
    _text("published_at_source"),
    _moment("first_seen_at"),
    _text("wire_group_id"),
    sa.Column("signature", sa.LargeBinary, nullable=False),
    _text("partition", index=True),
    _text("outlet"),
    sa.Index("articles_seen_guid", "feed_id", "guid"),
)

bands = _table(
    "wire_bands",
    _text("partition", primary_key=True),
    sa.Column("bands", sa.LargeBinary, nullable=False),  # 32 int64 an article
    _text("article_ids"),
)

entries = _table(
    "entries_read",
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    _text("feed_id"),
    _text("guid"),
    _text("article_id"),
    _text("shape_sha256"),
    _text("text_source"),
    _text("partition", index=True),  # that read it first; old ones are forgotten
)

record = _table(
    "record",
    _text("statement_id", primary_key=True),
    _text("partition", index=True),
    _text("figure_id"),
    _text("claim_id", index=True),
    _text("utterance_id"),
    _text("kind"),
    _text("earlier_id", nullable=True),
    _text("earlier_claim_id", nullable=True),
    sa.Column("score", sa.Float, nullable=False),
    _text("reasons"),
    _moment("first_seen_at", index=True),
    _text("statement"),
    sa.Index("record_figure", "figure_id", "first_seen_at"),
)

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")

record_terms = _table(
    "record_terms",
    sa.Column("term", _BIG, primary_key=True, autoincrement=False),  # hash, with figure
    sa.Column("place", _BIG, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

record_said = _table(
    "record_said",
    sa.Column("place", _BIG, primary_key=True, autoincrement=False),
    _text("said"),
    _text("prepared"),
    sa.Column("sketch", sa.LargeBinary, nullable=False),
    sa.Column("vector", sa.LargeBinary, nullable=False),  # 128 signed bytes
    sa.Column("terms", sa.LargeBinary, nullable=False),  # int64 each, to remove them by
)

record_vectors = _table(
    "record_vectors",
    _text("figure_id", primary_key=True),
    sa.Column("place", _BIG, primary_key=True, autoincrement=False),
    sa.Column("vector", sa.LargeBinary, nullable=False),  # once more, to be searched
    sa.Index("record_vectors_place", "place"),
    sqlite_with_rowid=False,
)

outbox = _table(
    "outbox",
    _text("alert_id", primary_key=True),
    _text("kind"),
    _text("rule_id"),
    _text("channel"),
    _text("claim_id"),
    _text("figure_id"),
    _text("figure"),
    _text("relation"),
    _text("statement_id"),
    _moment("created_at", index=True),
    _text("subject"),
    _text("body"),
    _text("payload"),
    _text("state"),
    _number("tries"),
    _moment("next_try_at", nullable=True),
)

outbox_more = _table(
    "outbox_more",
    _text("alert_id", primary_key=True),
    _moment("due_at", nullable=True),
    _text("thread", nullable=True),
    _text("forms"),
)

undone = _table(
    "undone",
    _text("statement_id", primary_key=True),
    _text("partition", primary_key=True),
    _text("correction_id"),
    _text("kind"),
    _text("article_id"),
    _number("revision"),
    _text("new_statement_id", nullable=True),
    _text("old_sha256"),
    _text("new_sha256", nullable=True),
    _moment("at", index=True),
)

deliveries = _table(
    "deliveries",
    _text("alert_id", primary_key=True),
    _number("attempt", primary_key=True),
    _text("channel"),
    _moment("at", index=True),
    _text("state"),
    _text("reason"),
)

runs = _table(
    "runs",
    _text("step", primary_key=True),
    _moment("at"),
    _moment("ended_at"),
    sa.Column("seconds", sa.Float, nullable=False),
    _number("rows"),
    _number("failures"),
    _text("error", nullable=True),
    _moment("succeeded_at", nullable=True),
)


def columns_of(
    value: Any, table: sa.Table, leave: Iterable[str] = ()
) -> dict[str, Any]:
    """The table's columns of a row, or of a value with attributes of these names."""
    names = (column.name for column in table.columns)
    return {name: getattr(value, name) for name in names if name not in leave}
