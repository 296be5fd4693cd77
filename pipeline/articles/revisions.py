"""Which article a draft is, and whether it says anything that was not known."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from pipeline.articles.duplicates import likeness, signature
from pipeline.articles.language import language_of
from pipeline.articles.urls import same_place
from pipeline.ids import article_id, digest
from pipeline.model import (
    BACKLOG_AFTER,
    Article,
    DateSource,
    Draft,
    Feed,
    Partition,
    SeenArticle,
    Shown,
    TextSource,
)

REWRITTEN = 0.2  # containment under which a reused GUID names another article
SAME_STORY = 0.9  # similarity over which an outlet's second URL is the same article

_QUOTES = re.compile("[\"'`´‘’‚‛“”„‟«»‹›＂＇]+")
_APOSTROPHE = re.compile(r"'(?<=\w')(?=\w)")
_NUMBER_MARK = re.compile(r"[.,](?<=\d.)(?=\d)")
_MARK = re.compile(r"[^\w'%$€£¥\uE000\uE001+]|_")
_ASCII_MARK = {code: None for code in range(128) if _MARK.match(chr(code))}


@lru_cache(maxsize=16)
def shape_sha256(text: str) -> str:
    """The hash of a text without case, marks and spacing: cosmetic edits keep it.

    Kept are marks that mean something: a point or comma within a number, per cent and
    money, and where quotation begins and ends (but not which marks are used).
    """
    if text.isascii():
        text = text.lower()
    else:
        text = unicodedata.normalize("NFKC", text).casefold()
    text = _APOSTROPHE.sub("", _QUOTES.sub("'", text))
    text = _NUMBER_MARK.sub("\ue000", text)
    if text.isascii():  # as the expression does, many times faster
        return digest(text.translate(_ASCII_MARK))
    return digest(_MARK.sub("", text))


def identify(
    draft: Draft,
    feed: Feed,
    known: Sequence[SeenArticle],
    *,
    at: datetime,
    wire_group: str | None,
) -> Article | None:
    """The article, or the revision of one, that a draft is; None if nothing is new.

    ``known`` are the revisions found by URL and GUID, and may hold alike articles too:
    a text that the same outlet already has at another URL is nothing new. Nothing new
    is also a cosmetic edit, and a summary of what was stored in full.
    """
    revisions = _revisions(draft, known)
    if revisions:
        return _revision(draft, feed, revisions, at)
    shape = shape_sha256(draft.text)
    if any(seen.shape_sha256 == shape and _same_outlet(seen, feed) for seen in known):
        return None
    return _first(draft, feed, at, wire_group)


def adds_nothing(shown: Shown) -> bool:
    """Whether ``identify`` would find nothing new in an entry that comes without a page.

    So it is where the only article with its URL or GUID has the entry's URL, and this
    article's last revision either has the entry's words, cosmetic edits apart, or is the
    story of which the entry is the summary. Neither dates nor the author count.
    """
    if shown.contested or shown.latest_shape is None:
        return False
    return shown.shape_sha256 == shown.latest_shape or (
        shown.text_source is TextSource.SUMMARY
        and shown.latest_source is not TextSource.SUMMARY
    )


def seen_of(article: Article, signature: bytes) -> SeenArticle:
    """What is remembered of one revision."""
    return SeenArticle(
        article_id=article.article_id,
        revision=article.revision,
        feed_id=article.feed_id,
        url=article.url,
        guid=article.guid,
        text_sha256=article.text_sha256,
        shape_sha256=shape_sha256(article.text),
        text_source=article.text_source,
        published_at=article.published_at,
        published_at_source=article.published_at_source,
        first_seen_at=article.first_seen_at,
        wire_group_id=article.wire_group_id,
        signature=signature,
        partition=str(Partition.at(article.first_seen_at)),
        outlet=article.outlet,
    )


def _same_outlet(seen: SeenArticle, feed: Feed) -> bool:
    return seen.feed_id == feed.id or bool(seen.outlet and seen.outlet == feed.outlet)


def _revisions(draft: Draft, known: Sequence[SeenArticle]) -> list[SeenArticle]:
    """The known revisions of the draft's article, in order; none if it is new."""
    by_url = {
        seen.article_id for seen in known if same_place(seen.url, draft.url)
    } or _by_guid(draft, known)
    if not by_url:
        return []
    first = min(
        (seen for seen in known if seen.article_id in by_url),
        key=lambda seen: (seen.first_seen_at, seen.article_id),
    )
    found = [seen for seen in known if seen.article_id == first.article_id]
    return sorted(found, key=lambda seen: seen.revision)


def _by_guid(draft: Draft, known: Sequence[SeenArticle]) -> set[str]:
    """Articles with the draft's GUID, unless the GUID was given to other words."""
    named = [
        seen
        for seen in known
        if draft.guid and (seen.feed_id, seen.guid) == (draft.feed_id, draft.guid)
    ]
    if not named:
        return set()
    sketch, shape = signature(draft.text), shape_sha256(draft.text)
    return {
        seen.article_id
        for seen in named
        if seen.shape_sha256 == shape
        or likeness(sketch, seen.signature)[1] >= REWRITTEN
    }


def _revision(
    draft: Draft, feed: Feed, revisions: Sequence[SeenArticle], at: datetime
) -> Article | None:
    first, latest = revisions[0], revisions[-1]
    if draft.text_sha256 == latest.text_sha256:  # most of what a feed shows
        return None
    shape = shape_sha256(draft.text)
    if shape == latest.shape_sha256:
        return None
    if draft.guid != latest.guid and any(
        seen.shape_sha256 == shape for seen in revisions
    ):
        return None  # two entries of one page take turns: a live blog
    if (
        draft.text_source is TextSource.SUMMARY
        and latest.text_source is not TextSource.SUMMARY
    ):
        return None
    return _article(
        draft,
        feed,
        article=first.article_id,
        revision=latest.revision + 1,
        url=first.url,
        published_at=first.published_at,
        source=first.published_at_source,
        at=at,
        backlog=first.first_seen_at - first.published_at > BACKLOG_AFTER,
        wire_group=first.wire_group_id,
        previous=latest.partition,
    )


def _first(draft: Draft, feed: Feed, at: datetime, wire_group: str | None) -> Article:
    name = article_id(draft.url)
    published, source = draft.published_at, draft.published_at_source
    if published is None or published > at:
        published, source = at, DateSource.FIRST_SEEN
    return _article(
        draft,
        feed,
        article=name,
        revision=1,
        url=draft.url,
        published_at=published,
        source=source,
        at=at,
        backlog=at - published > BACKLOG_AFTER,
        wire_group=wire_group or name,
        previous=None,
    )


def _article(
    draft: Draft,
    feed: Feed,
    *,
    article: str,
    revision: int,
    url: str,
    published_at: datetime,
    source: DateSource,
    at: datetime,
    backlog: bool,
    wire_group: str,
    previous: str | None,
) -> Article:
    return Article(
        article_id=article,
        revision=revision,
        feed_id=feed.id,
        outlet=feed.outlet,
        country=feed.country,
        outlet_kind=feed.kind,
        url=url,
        guid=draft.guid,
        title=draft.title,
        text=draft.text,
        text_sha256=draft.text_sha256,
        text_source=draft.text_source,
        language=language_of(draft.text, draft.declared),
        author=draft.author,
        published_at=published_at,
        published_at_source=source,
        first_seen_at=at,
        backlog=backlog,
        wire_group_id=wire_group,
        previous=previous,
    )
