"""A record of invented statements on many days before, for the benches that need one."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from bench.news import Newsroom
from pipeline.adapters.db.seen import DbSeen
from pipeline.app import App
from pipeline.articles.duplicates import BANDS, PERMUTATIONS
from pipeline.articles.revisions import seen_of
from pipeline.claims.candidates import terms
from pipeline.claims.meaning import SIZE
from pipeline.ids import article_id, claim_id, digest, statement_id, utterance_id
from pipeline.model import (
    Act,
    Answer,
    Article,
    DateSource,
    MentionKind,
    Partition,
    Relation,
    RelationKind,
    Response,
    Span,
    Statement,
    TextSource,
    Voice,
)
from pipeline.steps.shared import day_of
from pipeline.tables.values import to_arrow

BEFORE = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 100
SAID_A_TEXT = 4
NEW = 0.6
"""Of the statements; the others report again a claim of the figure's latest."""

ARTICLE: Mapping[str, Any] = {
    "revision": 1, "feed_id": "before", "country": "", "outlet_kind": "independent",
    "text_source": TextSource.FEED, "language": "en", "author": "",
    "published_at_source": DateSource.FEED, "backlog": False,
}  # fmt: skip
STATEMENT: Mapping[str, Any] = {
    "revision": 1, "language": "en", "backlog": False, "voice": Voice.DIRECT,
    "cue": "said", "mention_kind": MentionKind.NAME, "act": Act.ASSERTS,
    "topic": "ukraine-war", "about_topic": True, "subtopics": (), "nested": (),
    "is_old": False, "in_title": False, "outlet_kind": "independent", "country": "",
    "method": "rules", "model_version": "before", "confidence": 0.9,
}  # fmt: skip


def fill(app: App, room: Newsroom, count: int) -> None:
    """``count`` statements over 100 days, a pass at noon of each, written as the steps
    write: archive, working partitions, record, what ``read`` remembers, tables, alerts.

    Wire marks and vectors are drawn, so that none of it is a copy of anything.
    """
    app.notes.put("matcher", app.matcher_version)
    draw, latest = random.Random(11), dict[str, list[Relation]]()
    marks = np.random.default_rng(11)
    for nth in range(DAYS):
        at = BEFORE - timedelta(days=DAYS - nth) + timedelta(hours=12)
        partition = Partition.at(at)
        mine = count * (nth + 1) // DAYS - count * nth // DAYS
        articles, rows = list[Article](), list[tuple[Statement, Relation]]()
        while len(rows) < mine:
            said = [room.said(draw) for _ in range(min(SAID_A_TEXT, mine - len(rows)))]
            article = an_article(f"{at:%Y-%m-%d}-{len(articles)}", said, at)
            articles.append(article)
            rows += [
                (one, related(one, latest.setdefault(one.figure_id, []), draw))
                for one in statements(article, said)
            ]
        app.archive.add(partition, [an_answer(at)])
        app.lake.write("articles", partition, to_arrow(Article, articles))
        app.lake.write(
            "statements", partition, to_arrow(Statement, [s for s, _ in rows])
        )
        app.lake.write("links", partition, to_arrow(Relation, [r for _, r in rows]))
        drawn = marks.standard_normal((len(rows), SIZE))
        drawn *= 127 / np.linalg.norm(drawn, axis=1, keepdims=True)
        vectors = np.rint(drawn).astype(np.int8)
        app.record.replace(
            partition,
            [
                (s, r, terms(s.content), vector.tobytes())
                for (s, r), vector in zip(rows, vectors, strict=True)
            ],
        )
        sketches = marks.integers(1, 2**32, (len(articles), PERMUTATIONS + 1))
        seen = [
            seen_of(article, sketch.astype(">u4").tobytes())
            for article, sketch in zip(articles, sketches, strict=True)
        ]
        found = marks.integers(0, 2**62, (len(articles), BANDS))
        DbSeen(app.database).replace(partition, seen, found)
        for step in ("read", "extract", "match"):
            app.progress.done(step, partition, "")
        app.progress.stale("publish", day_of(at.date()))
    for back in (2, 1):
        app.alert(BEFORE - timedelta(hours=24 * back - 12))
    app.deliver(BEFORE - timedelta(hours=12))
    app.publish(BEFORE - timedelta(hours=1))
    app.digest((BEFORE - timedelta(days=1)).date())
    app.close()


def an_article(
    name: str, said: list[tuple[dict[str, str], str]], at: datetime
) -> Article:
    outlet = f"Outlet {int(name.rpartition('-')[2]) % 60}"
    url = f"http://before.example/{name}"
    title = f"Report {name}"
    text = "\n".join([title, *(words for _, words in said)])
    return Article(
        **ARTICLE, article_id=article_id(url), outlet=outlet, url=url, guid=url,
        title=title, text=text, text_sha256=digest(text), published_at=at,
        first_seen_at=at, wire_group_id=article_id(url),
    )  # fmt: skip


def statements(
    article: Article, said: list[tuple[dict[str, str], str]]
) -> list[Statement]:
    found, start = [], len(article.title) + 1
    for nth, (who, words) in enumerate(said):
        found.append(
            Statement(
                **STATEMENT,
                figure_id=who["id"],
                figure=who["name"],
                statement_id=statement_id(article.article_id, who["id"], words, nth),
                article_id=article.article_id,
                outlet=article.outlet,
                wire_group_id=article.wire_group_id,
                published_at=article.published_at,
                first_seen_at=article.first_seen_at,
                content=words,
                context=words,
                spans=(Span(start, start + len(words)),),
                context_start=start,
                source=who["name"],
                said_on=article.published_at.date(),
                url=article.url,
                title=article.title,
            )
        )
        start += len(words) + 1
    return found


def related(
    statement: Statement, latest: list[Relation], draw: random.Random
) -> Relation:
    """New, or a report of one of the figure's latest 200 claims."""
    known = draw.choice(latest) if latest and draw.random() > NEW else None
    name = statement.statement_id
    relation = Relation(
        statement_id=name,
        kind=RelationKind.REPEATED if known else RelationKind.NEW,
        claim_id=known.claim_id if known else claim_id(name),
        utterance_id=utterance_id(name),
        earlier_id=known.statement_id if known else None,
        earlier_claim_id=known.claim_id if known else None,
        score=0.9,
        reasons=("the same words",) if known else (),
    )
    if known is None:
        latest.append(relation)
        del latest[:-200]
    return relation


def an_answer(at: datetime) -> Response:
    """An empty feed: what is archived of a day before."""
    body = b'<rss version="2.0"><channel><title>before</title></channel></rss>'
    url = "http://before.example/feed"
    return Response(
        kind=Answer.FEED, feed_id="before", url=url, final_url=url, status=200,
        headers={"content-type": "application/rss+xml"}, body=body, fetched_at=at,
    )  # fmt: skip
