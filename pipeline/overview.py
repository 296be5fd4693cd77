"""What people ask of feeds and figures: which work, what is there, whom we lack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pipeline.errors import FeedError, InputError, ParseError
from pipeline.feeds.discovery import feed_links, proposed
from pipeline.feeds.parse import parse_feed
from pipeline.feeds.schedule import next_state, poll_of
from pipeline.model import (
    LANGUAGE,
    Article,
    Feed,
    FeedState,
    Parsed,
    Response,
)
from pipeline.ports import Lake
from pipeline.statements.figures import FigureIndex
from pipeline.statements.strangers import Stranger, strangers
from pipeline.tables.values import from_arrow


def checked(feed: Feed, answer: object, now: datetime) -> dict[str, Any]:
    """What one answer says of a feed: a row of ``onrecord feeds check``."""
    if not isinstance(answer, Response | FeedError):
        return {"feed": feed.id, "state": "error", "reason": "no answer", "entries": 0}
    parsed: Parsed | ParseError | None = None
    if isinstance(answer, Response) and answer.status == 200:
        try:
            parsed = parse_feed(answer)
        except ParseError as error:
            parsed = error
    judged = parsed if isinstance(parsed, ParseError) else answer
    state = next_state(feed, FeedState(feed_id=feed.id, url=feed.url), judged, now)
    poll = poll_of(feed, answer, parsed, state, now)
    return {
        "feed": feed.id,
        "state": poll.state.value,
        "http": poll.http_status,
        "entries": poll.entries,
        "seconds": round(poll.seconds, 2),
        "reason": poll.reason,
    }


def discovered(
    url: str,
    *,
    ask: Callable[[Sequence[str]], Mapping[str, object]],
    known: Sequence[Feed],
    now: datetime,
) -> tuple[list[Feed], list[dict[str, Any]]]:
    """The feeds at an address, or that its page names, and a row on each trial."""
    address = url if "://" in url else f"https://{url}"
    answers = dict(ask([address]))
    answer = answers.get(address)
    if isinstance(answer, FeedError):
        raise InputError(url, answer.reason)
    if isinstance(answer, Response) and _title(answer) is None:
        answers = dict(ask(feed_links(answer)))
    listed, rows = [], []
    for one, found in answers.items():
        row = checked(Feed(id=one, url=one, outlet=""), found, now)
        rows.append({"url": row.pop("feed"), **row})
        title = _title(found) if isinstance(found, Response) else None
        if title is not None and isinstance(found, Response):
            listed.append((title, found.permanent_url or one))
    return unlisted(listed, known), rows


def _title(answer: Response) -> str | None:
    try:
        return parse_feed(answer).title if 200 <= answer.status < 300 else None
    except ParseError:
        return None


def unlisted(listed: Iterable[tuple[str, str]], known: Sequence[Feed]) -> list[Feed]:
    """Feeds to add, of (title, URL): those whose address no feed has yet."""
    ids, urls = {feed.id for feed in known}, {feed.url for feed in known}
    fresh = []
    for title, url in listed:
        if url not in urls:
            fresh.append(proposed(url, title, ids))
            ids.add(fresh[-1].id)
            urls.add(url)
    return fresh


def unknown(lake: Lake, figures: FigureIndex) -> list[dict[str, Any]]:
    """Office-holders whom stored articles name and the roster lacks, the most named first.

    ``roster`` says whom the roster has in that office on the day, if anybody.
    """
    named: Counter[Stranger] = Counter()
    for partition in lake.partitions("articles"):
        if partition in lake.expired(partition.day):
            continue
        table = lake.read("articles", partition)
        for article in from_arrow(Article, table) if table is not None else []:
            if article.language == LANGUAGE:
                on = article.published_at.date()
                named.update(strangers(article.text, figures, on))
    ordered = sorted(named.items(), key=lambda item: (-item[1], item[0]))
    return [
        {"name": one.name, "introduced as": one.office, "roster": one.roster or None,
         "articles": count}
        for one, count in ordered
    ]  # fmt: skip
