"""The published tables as rows: exactly the columns that a page reads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, TypeAlias

import pandas as pd
import pyarrow as pa

Frame: TypeAlias = pa.Table | pd.DataFrame
Row: TypeAlias = dict[str, Any]

NEEDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "articles": (
            "article_id", "revision", "feed_id", "outlet", "url", "text_sha256",
        ),
        "statements": (
            "statement_id", "article_id", "revision", "figure_id", "figure", "content",
            "voice", "act", "cue", "about_topic", "is_old", "said_on", "in_title",
            "nested", "context", "outlet", "outlet_kind", "language", "title", "url",
            "published_at", "first_seen_at", "backlog", "confidence", "model_version",
        ),
        "statement_topics": ("statement_id", "subtopic"),
        "claims": (
            "claim_id", "figure_id", "figure", "content", "topic", "about_topic", "act",
            "opened_by", "earlier_claim_id", "first_statement_id", "first_seen_at",
            "n_statements", "n_utterances", "n_outlets", "n_independent", "as_of",
        ),
        "claim_links": (
            "statement_id", "claim_id", "relation", "earlier_statement_id",
            "earlier_claim_id", "score", "reasons", "matcher_version",
        ),
        "daily_figure_topic": (
            "day", "figure_id", "figure", "subtopic", "n_statements", "n_new_claims",
        ),
        "feed_health": (
            "feed_id", "at", "state", "http_status", "reason", "entries",
            "next_due_at", "attempt",
        ),
        "corrections": (
            "correction_id", "kind", "article_id", "revision", "statement_id",
            "new_statement_id", "old_sha256", "new_sha256", "at",
        ),
    }
)  # fmt: skip
"""What the digest reads of each table; other tables and columns are not looked at."""


def rows(tables: Mapping[str, Frame], name: str) -> list[Row]:
    """The rows of a table, in its order, moments in UTC; a table not given has none.

    ValueError names a column that is missing.
    """
    frame = tables.get(name)
    if frame is None or len(frame) == 0:
        return []
    columns = list(NEEDS[name])
    there = frame.column_names if isinstance(frame, pa.Table) else list(frame.columns)
    for column in columns:
        if column not in there:
            raise ValueError(f"{name}.{column}: missing in the table given")
    if isinstance(frame, pd.DataFrame):
        held = pa.Table.from_pandas(frame[columns], preserve_index=False)
    else:
        held = frame.select(columns)
    return [{k: _utc(v) for k, v in row.items()} for row in held.to_pylist()]


def _utc(value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
