"""Values with everything filled in, so that a test names only what it is about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pipeline import ids
from pipeline.model import (
    Act,
    Alert,
    AlertKind,
    Answer,
    Article,
    DateSource,
    Feed,
    MentionKind,
    Relation,
    RelationKind,
    Response,
    SeenArticle,
    Span,
    Statement,
    TextSource,
    Voice,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def a_feed(**values: Any) -> Feed:
    return Feed(**{"id": "herald", "url": "http://herald.example/rss", "outlet": "The Herald"} | values)  # fmt: skip


def a_response(**values: Any) -> Response:
    url = values.get("url", "http://herald.example/rss")
    return Response(
        **{
            "kind": Answer.FEED,
            "feed_id": "herald",
            "url": url,
            "final_url": url,
            "status": 200,
            "headers": {"content-type": "application/rss+xml"},
            "body": b"<rss/>",
            "fetched_at": NOON,
        }
        | values
    )


def an_article(**values: Any) -> Article:
    text = values.get(
        "text", "Putin says no\nVladimir Putin said Russia would not stop."
    )
    url = values.get("url", "http://herald.example/a")
    made = {
        "article_id": ids.article_id(url),
        "revision": 1,
        "feed_id": "herald",
        "outlet": "The Herald",
        "country": "United Kingdom",
        "outlet_kind": "independent",
        "url": url,
        "guid": url,
        "title": text.split("\n")[0],
        "text": text,
        "text_sha256": ids.digest(text),
        "text_source": TextSource.FEED,
        "language": "en",
        "author": "",
        "published_at": NOON,
        "published_at_source": DateSource.FEED,
        "first_seen_at": NOON,
        "backlog": False,
        "wire_group_id": ids.article_id(url),
    } | values
    return Article(**made)


def a_statement(**values: Any) -> Statement:
    content = values.get("content", "Russia would not stop")
    article = values.get("article_id", "a" * 20)
    figure = values.get("figure_id", "Q7747")
    made = {
        "statement_id": ids.statement_id(article, figure, content, 0),
        "article_id": article,
        "revision": 1,
        "figure_id": figure,
        "figure": "Vladimir Putin",
        "outlet": "The Herald",
        "wire_group_id": article,
        "language": "en",
        "published_at": NOON,
        "first_seen_at": NOON,
        "backlog": False,
        "spans": (Span(10, 10 + len(content)),),
        "content": content,
        "voice": Voice.INDIRECT,
        "cue": "said",
        "source": "Putin",
        "mention_kind": MentionKind.NAME,
        "act": Act.ASSERTS,
        "topic": "ukraine-war",
        "about_topic": True,
        "subtopics": ("territory",),
        "nested": (),
        "said_on": None,
        "is_old": False,
        "in_title": False,
        "context": content,
        "context_start": 10,
        "url": "http://herald.example/a",
        "title": "Putin says no",
        "outlet_kind": "independent",
        "country": "United Kingdom",
        "method": "test",
        "model_version": "none",
        "confidence": 0.9,
    } | values
    return Statement(**made)


def a_relation(statement: Statement, **values: Any) -> Relation:
    return Relation(
        **{
            "statement_id": statement.statement_id,
            "kind": RelationKind.NEW,
            "claim_id": ids.claim_id(statement.statement_id),
            "utterance_id": ids.utterance_id(statement.statement_id),
            "earlier_id": None,
            "earlier_claim_id": None,
            "score": 0.9,
            "reasons": ("nothing alike on record",),
        }
        | values
    )


def a_seen(**values: Any) -> SeenArticle:
    made = {
        "article_id": "a" * 20,
        "revision": 1,
        "feed_id": "herald",
        "url": "http://herald.example/a",
        "guid": "g1",
        "text_sha256": "0" * 64,
        "shape_sha256": "1" * 64,
        "text_source": TextSource.FEED,
        "published_at": NOON,
        "published_at_source": DateSource.FEED,
        "first_seen_at": NOON,
        "wire_group_id": "a" * 20,
        "signature": b"\x00\x01",
        "partition": "2026-03-02T120000Z",
        "outlet": "The Herald",
    } | values
    return SeenArticle(**made)


def an_alert(**values: Any) -> Alert:
    made = {
        "alert_id": "f" * 20,
        "kind": AlertKind.ALERT,
        "rule_id": "new-claim",
        "channel": "log",
        "claim_id": "c" * 20,
        "figure_id": "Q7747",
        "figure": "Vladimir Putin",
        "relation": RelationKind.NEW,
        "statement_id": "s" * 20,
        "created_at": NOON,
        "subject": "Vladimir Putin: new",
        "body": "Reported by The Herald.",
        "payload": {"claim_id": "c" * 20},
    } | values
    return Alert(**made)
