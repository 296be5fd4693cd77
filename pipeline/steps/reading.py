"""``read``: articles that are new, or new in their words, out of archived answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from pipeline.articles.duplicates import (
    NO_BAND,
    Bands,
    band_table,
    group,
    merges,
    signature,
)
from pipeline.articles.normalise import entry_digest, entry_of, to_draft
from pipeline.articles.pages import PageText, page_text
from pipeline.articles.revisions import (
    adds_nothing,
    identify,
    seen_of,
    shape_sha256,
)
from pipeline.errors import (
    DamagedError,
    PageError,
    ParseError,
)
from pipeline.ids import article_id
from pipeline.model import (
    BACKLOG_AFTER,
    LANGUAGE,
    Answer,
    Article,
    Bounds,
    Correction,
    Draft,
    Entry,
    Feed,
    Partition,
    ReadEntry,
    Report,
    Response,
    SeenArticle,
    Shown,
)
from pipeline.ports import (
    Archive,
    Lake,
    Progress,
    Seen,
)
from pipeline.steps.shared import each, parsed_feed
from pipeline.tables.values import from_arrow, to_arrow


def read(
    at: datetime,
    *,
    feeds: Sequence[Feed],
    archive: Archive,
    lake: Lake,
    seen: Seen,
    progress: Progress,
    bounds: Bounds,
    reader: str,
) -> Report:
    """Articles that are new, or new in their words, out of the archived answers.

    ``reader`` names the code that makes drafts: what another made of an entry that is
    shown again is not relied on.
    """
    _adopt(archive, progress, at)

    def make(partition: Partition) -> tuple[str, Report]:
        if partition in lake.expired(
            partition.day
        ):  # what would be read of it now is not all of it
            return lake.work_sha256("articles", partition)[1], Report(step="read")
        kept = _kept(partition, archive, lake)
        if kept is not None:
            return lake.write("articles", partition, kept), Report(step="read")
        made = _Reading(partition, feeds, lake, seen, bounds, reader)
        progress.stale("extract", partition)
        try:
            written = lake.write("articles", partition, made.tables(archive))
        except _KeepError as kept_as:
            failures = (*made.damaged, f"{partition}: its articles stay as they were")
            written = lake.write("articles", partition, kept_as.before)
            return written, Report(step="read", failures=failures)
        if made.merges or lake.read("merges", partition) is not None:
            lake.write("merges", partition, to_arrow(Correction, made.merges.values()))
        seen.replace(partition, made.here.own, made.here.bands(), made.read)
        return written, Report(
            step="read",
            rows=len(made.here.own),
            failures=tuple(made.failures),
            counts=made.counts,
        )

    return each("read", at, progress, make)


def _adopt(archive: Archive, progress: Progress, at: datetime) -> None:
    """Mark archived partitions that the state has never heard of: all where the database
    was lost, else none but of the last days that were read, so that no year is listed."""
    last = progress.last("read")
    since = None if last is None else last.day - timedelta(days=1)
    known = progress.known("read", since)
    for partition in archive.partitions(since):
        if partition not in known and partition <= Partition.at(at):
            progress.stale("read", partition)


def _kept(partition: Partition, archive: Archive, lake: Lake) -> pa.Table | None:
    """The articles of a partition whose archive is gone, or some of it: they are not
    made again."""
    whole = archive.holds(partition) and not archive.expired(partition)
    return None if whole else lake.read("articles", partition)


def _before(partition: Partition, lake: Lake) -> pa.Table | None:
    """What an earlier try read, when the archive was whole; None where there is none."""
    try:
        return lake.read("articles", partition)
    except DamagedError:
        return None


HELD_ENTRIES = 500
"""Entries that are looked up together."""

HELD_ARTICLES = 1_000
"""Articles that are held before they go into the lake."""


_Held = tuple[Entry, Feed, PageText | None]
_Marked = tuple[bytes, Bands]
"""Signature and bands."""


class _KeepError(Exception):
    """The archive is damaged, but what it held was read before."""

    def __init__(self, before: pa.Table) -> None:
        self.before = before


class _Reading:
    """One partition being read: feed after feed, in an order that no chance decides."""

    def __init__(
        self,
        partition: Partition,
        feeds: Sequence[Feed],
        lake: Lake,
        seen: Seen,
        bounds: Bounds,
        reader: str,
    ) -> None:
        self.at = partition.moment
        self.reader = reader
        self.feeds = {feed.id: feed for feed in feeds}
        self.lake = lake
        self.bounds = bounds
        self.here = _SeenHere(seen, partition)
        self.pages: dict[str, PageText] = {}
        self.held: list[_Held] = []
        self.read: list[ReadEntry] = []
        self.articles: list[Article] = []
        self.merges: dict[str, Correction] = {}
        self._merged = _merged_before(lake, partition)
        self.failures: list[str] = []
        self.damaged: list[str] = []
        self.counts = {"revisions": 0, "backlog": 0, "not English": 0}

    def tables(self, archive: Archive) -> Iterator[pa.Table]:
        """The articles, some thousand at a time; one empty table where there is none."""
        written = False
        for _ in self._steps(archive):
            while len(self.articles) >= HELD_ARTICLES:
                yield to_arrow(Article, self.articles[:HELD_ARTICLES])
                written, self.articles = True, self.articles[HELD_ARTICLES:]
        if self.articles or not written:
            yield to_arrow(Article, self.articles)
            self.articles = []

    def _steps(self, archive: Archive) -> Iterator[None]:
        """Read on; after each step some more articles may be there."""
        used: set[str] = set()
        refused: dict[str, PageError] = {}
        for response in archive.salvaged(self.here.partition):
            if isinstance(response, DamagedError):
                self.damaged.append(str(response))
                self.failures.append(str(response))
                before = _before(self.here.partition, self.lake)
                if before is not None:
                    raise _KeepError(before)
            elif response.kind is Answer.FEED and 200 <= response.status < 300:
                entries = self._entries(response)
                if self.pages:
                    used.update(entry.link for entry in entries)
                self._hold(response.feed_id, entries)
                if len(self.held) >= HELD_ENTRIES:
                    self._tell()
                    yield
            elif response.kind is Answer.PAGE:
                try:
                    self.pages[response.url] = page_text(response)
                except PageError as error:
                    refused[response.url] = error
        self._tell()
        yield
        for url, why in sorted(refused.items()):
            if url not in self.pages:
                self.failures.append(str(why))
                kind = f"pages with {why.reason.partition(':')[0]}"
                self.counts[kind] = self.counts.get(kind, 0) + 1
        for entry in self._entries_of_late_pages(used):
            self._hold(entry.feed_id, [entry])
        self._tell()
        yield

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
        urls = sorted(self.pages.keys() - used)
        self.here.look_at(urls)
        for url in urls:
            known = self.here.find(url=url, feed_id="", guid="")
            article = _known_article(self.lake, known[-1]) if known else None
            if article is not None:
                entries.append(entry_of(article, url))
        return entries

    def _hold(self, feed_id: str, entries: Sequence[Entry]) -> None:
        feed = self.feeds.get(feed_id) or _unconfigured(feed_id)
        for entry in entries:
            self.held.append((entry, feed, self.pages.get(entry.link)))

    def _tell(self) -> None:
        """The articles of the entries that are held; the record is looked up once."""
        held, self.held = self.held, []
        digests = [
            None if page is not None else entry_digest(entry, feed, self.reader)
            for entry, feed, page in held
        ]
        shown = self.here.shown([one for one in digests if one is not None])
        again = {  # those that need no draft, unless this partition changes their record
            nth: shown[one].article_id
            for nth, one in enumerate(digests)
            if one is not None and one in shown and adds_nothing(shown[one])
        }
        drafts = {
            nth: draft
            for nth, one in enumerate(held)
            if nth not in again and (draft := to_draft(*one, self.at)) is not None
        }
        marked = self._marked(drafts)
        for nth, (entry, feed, page) in enumerate(held):
            if nth in again:
                if not self.here.changed(again[nth], entry):
                    continue
                draft = to_draft(entry, feed, page, self.at)
                if draft is not None:
                    self.here.look([draft], more=True)
            else:
                draft = drafts.get(nth)
            if draft is not None:
                self._add(draft, feed, marked.get(nth))
                digest = digests[nth]
                if digest is not None and digest not in shown:
                    self.read.append(_read_entry(digest, draft))
        self.here.pack()

    def _marked(self, drafts: Mapping[int, Draft]) -> dict[int, _Marked]:
        """Look the drafts up; signature and bands of those that are unknown."""
        self.here.look(list(drafts.values()))
        unknown = [
            nth
            for nth, draft in drafts.items()
            if not self.here.find(url=draft.url, feed_id=draft.feed_id, guid=draft.guid)
        ]
        marks = [signature(drafts[nth].text) for nth in unknown]
        found = band_table(marks)
        self.here.look_alike(found)
        return dict(zip(unknown, zip(marks, found, strict=True), strict=True))

    def _add(self, draft: Draft, feed: Feed, marked: _Marked | None) -> None:
        """``marked``: of what was unknown when it was looked up."""
        known = self.here.find(url=draft.url, feed_id=draft.feed_id, guid=draft.guid)
        alike = [] if known or marked is None else self.here.alike(marked[1])
        joins = group(marked[0], alike) if marked is not None and alike else None
        article = identify(
            draft,
            feed,
            [*known, *alike],
            at=self.at,
            wire_group=joins,
        )
        if article is not None:
            mark, found = marked or _marks(draft)
            self.articles.append(article)
            self.counts["revisions"] += article.revision > 1
            self.counts["backlog"] += article.backlog
            self.counts["not English"] += article.language != LANGUAGE
            self.here.add(seen_of(article, mark), found)
            if joins is not None:
                self._note(merges(article, mark, alike))

    def _note(self, found: Sequence[Correction]) -> None:
        """Wire groups that are one story: told once."""
        for one in found:
            if one.correction_id not in self._merged:
                self.merges.setdefault(one.correction_id, one)


def _marks(draft: Draft) -> _Marked:
    mark = signature(draft.text)
    return mark, band_table([mark])[0]


def _read_entry(digest: bytes, draft: Draft) -> ReadEntry:
    return ReadEntry(
        digest=digest,
        feed_id=draft.feed_id,
        guid=draft.guid,
        article_id=article_id(draft.url),
        shape_sha256=shape_sha256(draft.text),
        text_source=draft.text_source,
    )


def _merged_before(lake: Lake, partition: Partition) -> set[str]:
    """What earlier partitions told of wire groups that articles may still join."""
    since = Partition.at(partition.moment - BACKLOG_AFTER)
    days = [since.day + timedelta(days=n) for n in range(BACKLOG_AFTER.days + 1)]
    tables = [
        lake.read("merges", one)
        for day in days
        for one in lake.partitions("merges", day)
        if since <= one < partition
    ]
    return {
        name
        for table in tables
        if table is not None
        for name in table.column("correction_id").to_pylist()
    }


def _known_article(lake: Lake, known: SeenArticle) -> Article | None:
    table = lake.read("articles", Partition.parse(known.partition))
    for article in from_arrow(Article, table) if table is not None else []:
        if (article.article_id, article.revision) == (known.article_id, known.revision):
            return article
    return None


def _unconfigured(feed_id: str) -> Feed:
    """A feed that was taken out of the config: its archive still tells its articles."""
    return Feed(id=feed_id, url="", outlet=feed_id)


class _SeenHere:
    """What was seen before a partition, and so far in it.

    The articles of the partition itself are held with 256 bytes of bands each: the most
    of what a large pass needs in memory.
    """

    def __init__(self, seen: Seen, partition: Partition) -> None:
        self._seen = seen
        self.partition = partition
        self.own: list[SeenArticle] = []
        self._places: dict[object, tuple[int, ...]] = {}
        self._packed: list[Bands] = []  # a row for each of ``own``
        self._added: list[Bands] = []
        self._ids: dict[object, set[str]] = {}
        self._own_ids: set[str] = set()
        self._before: dict[str, list[SeenArticle]] = {}
        self._alike: dict[int, list[SeenArticle]] = {}
        self._shared: dict[int, list[SeenArticle]] = {}

    def shown(self, digests: Sequence[bytes]) -> Mapping[bytes, Shown]:
        """Which of these entries were read before, and what earlier partitions hold."""
        return self._seen.shown(digests, before=self.partition)

    def changed(self, article: str, entry: Entry) -> bool:
        """Whether this partition has added to the article, or to what has the GUID."""
        return article in self._own_ids or (entry.feed_id, entry.guid) in self._places

    def look(self, drafts: Sequence[Draft], *, more: bool = False) -> None:
        """Ask the record for the drafts' places; ``find`` answers out of it.

        ``more``: and still knows what it was asked before.
        """
        self.look_at(
            [draft.url for draft in drafts],
            [(draft.feed_id, draft.guid) for draft in drafts if draft.guid],
            more=more,
        )

    def look_at(
        self,
        urls: Sequence[str],
        guids: Sequence[tuple[str, str]] = (),
        *,
        more: bool = False,
    ) -> None:
        if not more:
            self._before, self._ids = {}, {}
        held = set(self._before)
        for one in self._seen.find(urls=urls, guids=guids, before=self.partition):
            if one.article_id in held:
                continue
            self._before.setdefault(one.article_id, []).append(one)
            for key in (one.url, (one.feed_id, one.guid)):
                self._ids.setdefault(key, set()).add(one.article_id)

    def look_alike(self, wanted: Bands) -> None:
        """Ask for what shares a band with these; ``alike`` answers out of it."""
        keys, times = np.unique(wanted, return_counts=True)
        keys, times = keys[keys >= 0], times[keys >= 0]
        before: list[SeenArticle] = []
        if len(keys):
            since = self.partition.moment - BACKLOG_AFTER
            before = self._seen.alike(keys, since=since, before=self.partition)
        self._shared = {band: [] for band in keys[times > 1].tolist()}
        self._alike = {}
        first = 0
        for packed in self._packed:
            for row, column in np.argwhere(np.isin(packed, keys)).tolist():
                known = self._alike.setdefault(int(packed[row, column]), [])
                known.append(self.own[first + row])
            first += len(packed)
        if before:
            of_before = band_table([one.signature for one in before])
            for one, its in zip(before, of_before.tolist(), strict=True):
                for band in its:
                    self._alike.setdefault(band, []).append(one)

    def find(self, *, url: str, feed_id: str, guid: str) -> list[SeenArticle]:
        """Every revision of the articles with this URL or GUID, the earlier first."""
        ids = set(self._ids.get(url, ()))
        keys: list[object] = [url]
        if guid:
            ids |= self._ids.get((feed_id, guid), set())
            keys.append((feed_id, guid))
        keys += [("id", name) for name in ids]
        before = sorted(
            (one for name in ids for one in self._before[name]), key=_in_order
        )
        here = {nth for key in keys for nth in self._places.get(key, ())}
        return before + [self.own[nth] for nth in sorted(here)]

    def alike(self, found: Bands) -> list[SeenArticle]:
        """First revisions that share a band, in order of first sight."""
        alike: dict[str, SeenArticle] = {}
        if self._alike or self._shared:
            for band in found.tolist():
                for held in (self._alike, self._shared):
                    for one in held.get(band, ()):
                        alike[one.article_id] = one
        return sorted(alike.values(), key=_in_order)

    def add(self, article: SeenArticle, found: Bands) -> None:
        nth = len(self.own)
        self.own.append(article)
        self._own_ids.add(article.article_id)
        if article.revision > 1:
            found = np.full_like(found, NO_BAND)
        self._added.append(found)
        places: list[object] = [article.url, (article.feed_id, article.guid)]
        if article.revision > 1:  # else no earlier partition can know its id
            places.append(("id", article.article_id))
        for key in places:
            self._places[key] = (*self._places.get(key, ()), nth)
        if self._shared:
            for band in found.tolist():
                if band in self._shared:
                    self._shared[band].append(article)

    def pack(self) -> None:
        """Hold what was added as tightly as it can be."""
        if self._added:
            self._packed.append(np.stack(self._added))
            self._added = []

    def bands(self) -> Bands:
        """Those of ``own``, a row each."""
        return np.concatenate(self._packed) if self._packed else band_table([])


def _in_order(one: SeenArticle) -> tuple[datetime, str, int]:
    return one.first_seen_at, one.article_id, one.revision
