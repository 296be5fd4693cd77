"""One entry, and its page where it needs one, to a draft of an article."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256

from pipeline.articles.pages import PageText, page_text
from pipeline.articles.texts import (
    body_of,
    ends_whole,
    is_cut_off,
    paragraphs,
    plain,
    title_of,
)
from pipeline.articles.urls import canonical
from pipeline.errors import PageError
from pipeline.ids import digest, stable_id
from pipeline.model import (
    Article,
    DateSource,
    Draft,
    Entry,
    Feed,
    Response,
    TextSource,
)

FULL_ALONE = 700  # characters of a description that counts as a full text
FULL_BESIDE = 250  # of a content that stands beside a shorter description
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
MAX_TEXT = 500_000


def wants_page(entry: Entry) -> bool:
    """Whether the feed gives a summary only, so that the page must be asked."""
    if not canonical(entry.link):
        return False
    return not _is_full(entry, _body(entry.html, ""), _body(entry.summary_html, ""))


def to_draft(
    entry: Entry, feed: Feed, page: Response | PageText | None, now: datetime
) -> Draft | None:
    """What an entry and its page say; None where there is neither title nor text.

    The text is the feed's where that is full, else the page's, else the summary. A
    page that holds no article (PageError) counts as none. A date after ``now`` or
    before 1990 is unknown.
    """
    title = _without_outlet(title_of(entry.title), feed.outlet)
    full, summary = _body(entry.html, title), _body(entry.summary_html, title)
    found = None if _is_full(entry, full, summary) else _page_text(page)
    if found is not None and found.paragraphs:
        title = title or _without_outlet(found.title, feed.outlet)
        source, lines = TextSource.PAGE, body_of(found.paragraphs, title)
        if len("".join(full)) > len("".join(lines)):
            source, lines = TextSource.FEED, full
    elif _is_full(entry, full, summary):
        source, lines = TextSource.FEED, full
    else:
        source, lines = TextSource.SUMMARY, full or summary
    if not title and not lines:
        return None
    if not title:
        title, lines = _first_sentence(lines[0]), lines
    text = "\n".join([title, *lines])[:MAX_TEXT].rstrip()
    published, date_source = _published(entry, found, now)
    return Draft(
        feed_id=feed.id,
        url=_url(entry, feed, found),
        guid=entry.guid,
        title=title,
        text=text,
        text_sha256=digest(text),
        text_source=source,
        declared=(entry.language, found.language if found else "", feed.language),
        author=_author(entry.author or (found.author if found else "")),
        published_at=published,
        published_at_source=date_source,
    )


def entry_digest(entry: Entry, feed: Feed, reader: str) -> bytes:
    """Sixteen bytes of SHA-256 over all that the words and the URL of a draft come from.

    Entries that share it have drafts (without a page) that share URL, GUID, text and its
    source; only dates, author and language may differ. ``reader`` names the code.
    """
    parts = (reader, feed.id, feed.outlet, feed.url, entry.guid, entry.link)
    whole = sha256()
    for part in (*parts, entry.title, entry.summary_html, entry.html):
        held = part.encode("utf-8", "surrogatepass")
        whole.update(b"%d:" % len(held))
        whole.update(held)
    return whole.digest()[:16]


def entry_of(article: Article, url: str) -> Entry:
    """The entry of an article on record, for a page of it that came later."""
    dated = article.published_at_source is DateSource.FEED
    return Entry(
        feed_id=article.feed_id,
        guid=article.guid,
        link=url,
        title=article.title,
        summary_html="",
        html="",
        author=article.author,
        language=article.language,
        published_at=article.published_at if dated else None,
    )


@lru_cache(maxsize=64)
def _bodied(markup: str, title: str) -> tuple[str, ...]:
    return tuple(body_of(_paragraphs(markup), title))


def _body(markup: str, title: str) -> list[str]:
    return list(_bodied(markup, title)) if markup else []


@lru_cache(maxsize=64)
def _paragraphs(markup: str) -> tuple[str, ...]:
    return tuple(paragraphs(markup))


def _is_full(entry: Entry, full: list[str], summary: list[str]) -> bool:
    """Whether the feed's content is the article and not a teaser of it."""
    text, short = "\n".join(full), "\n".join(summary)
    last = _paragraphs(entry.html)[-1:]
    if not text or is_cut_off(text) or any(is_cut_off(line) for line in last):
        return False
    if len(text) >= 1.3 * len(short) and len(text) >= FULL_BESIDE:
        return ends_whole(text) or len(text) >= FULL_ALONE
    return len(text) >= FULL_ALONE and (len(full) > 1 or len(text) >= 2 * FULL_ALONE)


def _page_text(page: Response | PageText | None) -> PageText | None:
    if isinstance(page, Response):
        try:
            return page_text(page)
        except PageError:
            return None
    return page


def _without_outlet(title: str, outlet: str) -> str:
    """A headline without ' - The Herald' at its end."""
    if not outlet:
        return title
    found = re.search(rf"\s+[-–—|·•:»]\s+(?:the\s+)?{_name(outlet)}$", title, re.I)
    return title[: found.start()] if found and found.start() > 10 else title


def _name(outlet: str) -> str:
    return re.escape(re.sub(r"^the\s+", "", outlet, flags=re.I))


def _first_sentence(text: str) -> str:
    found = re.match(r".{10,160}?[.!?…](?=\s|$)", text)
    return found[0] if found else text[:160]


def _url(entry: Entry, feed: Feed, found: PageText | None) -> str:
    """The canonical URL; an entry without one of its own gets its feed's and a mark."""
    link = canonical(entry.link, feed.url) if entry.link else ""
    if not link and entry.guid.startswith(("http://", "https://")):
        link = canonical(entry.guid)
    if found is not None and link:
        return found.url or link
    if link and not re.fullmatch(r"https?://[^/]+/", link):
        return link
    mark = stable_id("entry", entry.guid)
    return f"{link or canonical(feed.url) or feed.url}#{mark}"


def _published(
    entry: Entry, found: PageText | None, now: datetime
) -> tuple[datetime | None, DateSource]:
    for moment in (entry.published_at, entry.updated_at):
        if moment is not None and EARLIEST <= moment <= now:
            return moment, DateSource.FEED
    moment = found.published_at if found is not None else None
    if moment is not None and EARLIEST <= moment <= now:
        return moment, DateSource.PAGE
    return None, DateSource.FIRST_SEEN


def _author(author: str) -> str:
    """A byline: no address, no 'By'."""
    author = title_of(author)
    mail = re.fullmatch(r"\S+@\S+\s*\(([^)]+)\)", author)
    author = mail[1] if mail else re.sub(r"\s*[<(]?\S+@\S+[>)]?\s*", " ", author)
    return plain(re.sub(r"^by\s+", "", author, flags=re.I))[:200]
