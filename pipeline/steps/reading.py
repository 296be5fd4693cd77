"""``read``: articles that are new, or new in their words, out of archived answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pyarrow as pa

from pipeline.articles.duplicates import bands, group, signature
from pipeline.articles.normalise import to_draft
from pipeline.articles.pages import PageText, page_text
from pipeline.articles.revisions import identify, seen_of
from pipeline.batch import LANGUAGE
from pipeline.errors import (
    DamagedError,
    PageError,
    ParseError,
)
from pipeline.model import (
    BACKLOG_AFTER,
    Answer,
    Article,
    Bounds,
    DateSource,
    Draft,
    Entry,
    Feed,
    Partition,
    Report,
    Response,
    SeenArticle,
)
from pipeline.ports import (
    Archive,
    Lake,
    Progress,
    Seen,
)
from pipeline.steps.shared import each, parsed_feed
from pipeline.tables.convert import from_arrow, to_arrow


def read(
    at: datetime,
    *,
    feeds: Sequence[Feed],
    archive: Archive,
    lake: Lake,
    seen: Seen,
    progress: Progress,
    bounds: Bounds,
) -> Report:
    """Articles that are new, or new in their words, out of the archived answers."""
    _adopt(archive, progress, at)

    def make(partition: Partition) -> tuple[str, Report]:
        kept = _kept(partition, archive, lake)
        if kept is not None:
            return lake.write("articles", partition, kept), Report(step="read")
        made = _Reading(partition, feeds, lake, seen, bounds)
        made.read(archive)
        if made.damaged and (before := _before(partition, lake)) is not None:
            failures = (*made.damaged, f"{partition}: its articles stay as they were")
            sha256 = lake.write("articles", partition, before)
            return sha256, Report(step="read", failures=failures)
        progress.stale("extract", partition)
        written = lake.write("articles", partition, made.table())
        seen.replace(partition, made.here.own)
        return written, Report(
            step="read",
            rows=len(made.here.own),
            failures=tuple(made.failures),
            counts=made.counts,
        )

    return each("read", at, progress, make)


def _adopt(archive: Archive, progress: Progress, at: datetime) -> None:
    """Mark archived partitions that the state has never heard of (a lost database)."""
    known = progress.known("read")
    for partition in archive.partitions():
        if partition not in known and partition <= Partition.at(at):
            progress.stale("read", partition)


def _kept(partition: Partition, archive: Archive, lake: Lake) -> pa.Table | None:
    """The articles of a partition whose archive is gone: they are not made again."""
    return None if archive.holds(partition) else lake.read("articles", partition)


def _before(partition: Partition, lake: Lake) -> pa.Table | None:
    """What an earlier try read, when the archive was whole; None where there is none."""
    try:
        return lake.read("articles", partition)
    except DamagedError:
        return None


HELD_ARTICLES = 2_000

Memory = list[tuple[SeenArticle, Sequence[int]]]


class _Reading:
    """One partition being read: a feed at a time, in an order that no chance decides."""

    def __init__(
        self,
        partition: Partition,
        feeds: Sequence[Feed],
        lake: Lake,
        seen: Seen,
        bounds: Bounds,
    ) -> None:
        self.at = partition.moment
        self.feeds = {feed.id: feed for feed in feeds}
        self.lake = lake
        self.bounds = bounds
        self.here = _SeenHere(seen, partition)
        self.pages: dict[str, PageText] = {}
        self.articles: list[Article] = []
        self.tables: list[pa.Table] = []
        self.failures: list[str] = []
        self.damaged: list[str] = []
        self.counts = {"revisions": 0, "backlog": 0, "not English": 0}

    def read(self, archive: Archive) -> None:
        used: set[str] = set()
        refused: dict[str, PageError] = {}
        for response in archive.salvaged(self.here.partition):
            if isinstance(response, DamagedError):
                self.damaged.append(str(response))
                self.failures.append(str(response))
            elif response.kind is Answer.FEED and 200 <= response.status < 300:
                entries = self._entries(response)
                used.update(entry.link for entry in entries)
                self._tell(response.feed_id, entries)
            elif response.kind is Answer.PAGE:
                try:
                    self.pages[response.url] = page_text(response)
                except PageError as error:
                    refused[response.url] = error
        for url, why in sorted(refused.items()):
            if url not in self.pages:
                self.failures.append(str(why))
                kind = f"pages with {why.reason.partition(':')[0]}"
                self.counts[kind] = self.counts.get(kind, 0) + 1
        for entry in self._entries_of_late_pages(used):
            self._tell(entry.feed_id, [entry])

    def table(self) -> pa.Table:
        """The articles as a table; they are held as such, some thousand at a time."""
        self._pack()
        self.pages.clear()
        tables, self.tables = self.tables, []
        return pa.concat_tables(tables)

    def _pack(self) -> None:
        self.tables.append(to_arrow(Article, self.articles))
        self.articles = []

    def _entries(self, response: Response) -> Sequence[Entry]:
        if response.repeats is not None:
            return ()
        parsed = parsed_feed(response, self.bounds)
        if isinstance(parsed, ParseError):
            self.failures.append(str(parsed))
            return ()
        return parsed.entries

    def _entries_of_late_pages(self, used: set[str]) -> list[Entry]:
        """A page that came after its entry: the entry is told by the article on record."""
        entries = []
        for url in sorted(self.pages.keys() - used):
            self.here.look([url], "", [])
            known = self.here.find(url=url, feed_id="", guid="")
            article = _known_article(self.lake, known[-1]) if known else None
            if article is not None:
                entries.append(_entry_of(article, url))
        return entries

    def _tell(self, feed_id: str, entries: Sequence[Entry]) -> None:
        """The articles of one feed's entries; its part of the record is looked up once."""
        feed = self.feeds.get(feed_id) or _unconfigured(feed_id)
        drafts: list[tuple[Draft, bytes, list[int]]] = []
        for entry in entries:
            draft = to_draft(entry, feed, self.pages.get(entry.link), self.at)
            if draft is not None:
                mark = signature(draft.text)
                drafts.append((draft, mark, bands(mark)))
        self.here.look(
            [draft.url for draft, _, _ in drafts],
            feed_id,
            [draft.guid for draft, _, _ in drafts],
        )
        fresh = [
            found
            for draft, _, found in drafts
            if not self.here.find(url=draft.url, feed_id=feed_id, guid=draft.guid)
        ]
        self.here.look_alike([band for found in fresh for band in found])
        for draft, mark, found in drafts:
            self._add(draft, feed, mark, found)

    def _add(self, draft: Draft, feed: Feed, mark: bytes, found: Sequence[int]) -> None:
        known = self.here.find(url=draft.url, feed_id=draft.feed_id, guid=draft.guid)
        alike = [] if known else self.here.alike(found)
        article = identify(
            draft,
            feed,
            [*known, *alike],
            at=self.at,
            wire_group=group(mark, alike) if alike else None,
        )
        if article is not None:
            self.articles.append(article)
            self.counts["revisions"] += article.revision > 1
            self.counts["backlog"] += article.backlog
            self.counts["not English"] += article.language != LANGUAGE
            if len(self.articles) >= HELD_ARTICLES:
                self._pack()
            remembered = seen_of(article, mark)
            self.here.add(
                replace(remembered, partition=str(self.here.partition)), found
            )


def _known_article(lake: Lake, known: SeenArticle) -> Article | None:
    table = lake.read("articles", Partition.parse(known.partition))
    for article in from_arrow(Article, table) if table is not None else []:
        if (article.article_id, article.revision) == (known.article_id, known.revision):
            return article
    return None


def _entry_of(article: Article, url: str) -> Entry:
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


def _unconfigured(feed_id: str) -> Feed:
    """A feed that was taken out of the config: its archive still tells its articles."""
    return Feed(id=feed_id, url="", outlet=feed_id)


class _SeenHere:
    """What was seen before a partition, and so far in it."""

    def __init__(self, seen: Seen, partition: Partition) -> None:
        self._seen = seen
        self.partition = partition
        self.own: Memory = []
        self._before: list[SeenArticle] = []
        self._alike_before: list[tuple[SeenArticle, frozenset[int]]] = []
        self._places: dict[object, list[int]] = {}
        self._bands: dict[int, int | list[int]] = {}

    def look(self, urls: Sequence[str], feed_id: str, guids: Sequence[str]) -> None:
        """Ask the record for what is at these places; ``find`` answers out of it."""
        self._before = self._seen.find(
            urls=urls, feed_id=feed_id, guids=guids, before=self.partition
        )

    def look_alike(self, found: Sequence[int]) -> None:
        since = self.partition.moment - BACKLOG_AFTER
        before = (
            self._seen.alike(found, since=since, before=self.partition) if found else []
        )
        self._alike_before = [(one, frozenset(bands(one.signature))) for one in before]

    def find(self, *, url: str, feed_id: str, guid: str) -> list[SeenArticle]:
        """Every revision of the articles with this URL or GUID, the earlier first."""
        ids = {
            one.article_id
            for one in self._before
            if one.url == url or (guid and (one.feed_id, one.guid) == (feed_id, guid))
        }
        before = [one for one in self._before if one.article_id in ids]
        keys: list[object] = [url, *(("id", name) for name in ids)]
        if guid:
            keys.append((feed_id, guid))
        here = {nth for key in keys for nth in self._places.get(key, ())}
        return before + [self.own[nth][0] for nth in sorted(here)]

    def alike(self, found: Sequence[int]) -> list[SeenArticle]:
        """First revisions that share a band."""
        mine = set(found)
        before = [one for one, keys in self._alike_before if mine & keys]
        here: set[int] = set()
        for band in found:
            known = self._bands.get(band, ())
            here.update((known,) if isinstance(known, int) else known)
        return before + [self.own[nth][0] for nth in sorted(here)]

    def add(self, article: SeenArticle, found: Sequence[int]) -> None:
        nth = len(self.own)
        self.own.append((article, found))
        places: tuple[object, ...] = (
            article.url,
            (article.feed_id, article.guid),
            ("id", article.article_id),
        )
        for key in places:
            self._places.setdefault(key, []).append(nth)
        if article.revision == 1:
            for band in found:  # nearly all are of one article: a list each is large
                known = self._bands.setdefault(band, nth)
                if isinstance(known, list):
                    known.append(nth)
                elif known != nth:
                    self._bands[band] = [known, nth]
