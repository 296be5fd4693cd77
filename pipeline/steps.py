"""The steps: read, call logic, write, report. What every door runs.

A step makes one partition, and first any earlier one that is stale: what a killed pass
left undone is done by the next. Before a step writes, it marks what hangs on its output
as stale; afterwards it marks its own partition as made. So a kill at any moment leaves
too much marked, never too little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from itertools import islice
from typing import TypeVar

import pyarrow as pa

from pipeline.alerts.decide import alerts_for, retractions
from pipeline.alerts.render import TEMPLATES
from pipeline.alerts.render import together as as_one
from pipeline.alerts.schedule import retry_at
from pipeline.alerts.timing import digest_id, timed, together
from pipeline.articles.duplicates import bands, group, signature
from pipeline.articles.normalise import to_draft, wants_page
from pipeline.articles.pages import PageText, page_text
from pipeline.articles.revisions import identify, seen_of
from pipeline.batch import LANGUAGE, Extractor, statements_of
from pipeline.claims.candidates import terms
from pipeline.claims.compare import MATCHER_VERSION
from pipeline.claims.grouping import relations
from pipeline.claims.judged import decisions
from pipeline.errors import (
    DamagedError,
    DeliveryError,
    FeedError,
    InputError,
    PageError,
    ParseError,
)
from pipeline.feeds.parse import parse_feed
from pipeline.feeds.schedule import due, next_state, poll_of
from pipeline.ids import stable_id
from pipeline.model import (
    BACKLOG_AFTER,
    AlertKind,
    AlertRule,
    Answer,
    Article,
    Bounds,
    Correction,
    DateSource,
    Delivery,
    DeliveryState,
    Draft,
    Entry,
    Feed,
    FeedState,
    Judgement,
    Parsed,
    Partition,
    Poll,
    Relation,
    Report,
    Response,
    Said,
    SeenArticle,
    Statement,
    WantedPage,
)
from pipeline.ports import (
    Archive,
    Channel,
    FeedStates,
    Fetcher,
    Lake,
    Outbox,
    Progress,
    Record,
    Seen,
)
from pipeline.statements.record import against_earlier
from pipeline.tables import convert
from pipeline.tables.convert import from_arrow, rows_to_table, to_arrow
from pipeline.tables.schemas import TABLES
from pipeline.tables.trends import WINDOW_DAYS, Told, claims_of, daily

Row = TypeVar("Row")
Revised = TypeVar("Revised", Statement, Article)

FOLDS = ("read", "match")
"""Steps whose output hangs on their own earlier outputs."""

CANDIDATES = 60
"""Earlier statements of a figure that a new one is compared with."""

FAILURES_A_PASS = 3
"""A channel that failed so often in a row is left for the next pass."""

LONGEST_MEMORY = timedelta(days=10)
"""Longer than any cooldown: so far back it matters when a figure was told of last."""


# --------------------------------------------------------------------------- fetch

HELD_FEEDS = 200
"""Feeds whose answers are held before they are archived and their states saved."""

HELD_PAGES = 50

Outcome = Response | FeedError


def fetch(
    feeds: Sequence[Feed],
    at: datetime,
    *,
    fetcher: Fetcher,
    states: FeedStates,
    archive: Archive,
    lake: Lake,
    progress: Progress,
    gate: Callable[[str], bool],
    bounds: Bounds,
    slowest: timedelta,
    everything: bool = False,
) -> Report:
    """Ask the feeds that are due, then the pages that their entries need.

    Answers are archived some hundred at a time under the moment of asking, each before
    its feed's state is saved: a kill between the two only makes us ask again, and what
    came before a kill is kept. ``gate`` says whether a title or summary may be worth
    its page.
    """
    partition = Partition.at(at)
    known = states.load(feeds)
    asked = [
        (feed, known[feed.id]) for feed in due(feeds, known, at, everything=everything)
    ]
    place = {feed.id: nth for nth, (feed, _) in enumerate(asked)}
    tally = _Tally()
    late = states.wanted_pages(at)

    def keep(responses: Sequence[Response]) -> None:
        if responses:
            progress.stale("read", partition)
            archive.add(partition, responses)
            tally.rows += len(responses)

    answers = (
        _asked(feed, known[feed.id], _answer(outcome), at, gate, bounds, slowest)
        for feed, outcome in fetcher.feeds(asked, now=at)
    )
    wanted = {page.key: page for page in late}
    for held in _chunks(answers, HELD_FEEDS):
        held.sort(key=lambda one: place[one.poll.feed_id])
        keep([one.response for one in held if one.response is not None])
        tally.polls(held)
        _add_polls(lake, partition, [one.poll for one in held])
        fresh = _unknown([page for one in held for page in one.wanted], states)
        states.pages_later(fresh, at)
        states.save(one.after for one in held)
        wanted.update((page.key, page) for page in fresh)
    by_url: dict[str, list[WantedPage]] = {}
    for page in wanted.values():
        by_url.setdefault(page.url, []).append(page)
    urls = [(pages[0].feed_id, url) for url, pages in by_url.items()]
    for some in _chunks(fetcher.pages(urls, now=at), HELD_PAGES):
        got = {url: _answer(outcome) for url, outcome in sorted(some, key=_by_url)}
        responses = [one for one in got.values() if isinstance(one, Response)]
        keep(responses)
        usable = {one.url for one in responses if one.status == 200}
        failed = [page for url in got if url not in usable for page in by_url[url]]
        states.pages_failed(failed, at)
        states.pages_done([page for url in sorted(usable) for page in by_url[url]])
        tally.pages(len(usable), len(got) - len(usable))
    tally.cut(len(asked), len(by_url))
    return Report(
        step="fetch",
        rows=tally.rows,
        failures=tuple(tally.failures),
        counts=tally.counts,
    )


def _by_url(answer: tuple[str, object]) -> str:
    return answer[0]


def _answer(outcome: Response | Exception) -> Outcome:
    if isinstance(outcome, Response | FeedError):
        return outcome
    raise outcome


@dataclass(slots=True)
class _Tally:
    """What a report says of a fetch, as it goes on."""

    rows: int = 0
    failures: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(
        default_factory=lambda: {"feeds": 0, "entries": 0, "pages": 0}
    )

    def polls(self, held: Sequence[_Asked]) -> None:
        polls = [one.poll for one in held]
        self.counts["feeds"] += len(polls)
        self.counts["entries"] += sum(poll.entries for poll in polls)
        self.failures += [
            f"feed {poll.feed_id}: {poll.state}: {poll.reason}"
            for poll in polls
            if poll.state not in ("ok", "unchanged", "moved")
        ]

    def pages(self, usable: int, failed: int) -> None:
        self.counts["pages"] += usable
        if failed:
            self.counts["pages failed"] = self.counts.get("pages failed", 0) + failed

    def cut(self, feeds: int, pages: int) -> None:
        """What the deadline left for the next pass."""
        pages -= self.counts["pages"] + self.counts.get("pages failed", 0)
        for name, left in {
            "feeds": feeds - self.counts["feeds"],
            "pages": pages,
        }.items():
            if left:
                self.counts[f"{name} not reached"] = left
                self.failures.append(f"the deadline came before {left} {name}")


@dataclass(frozen=True, slots=True)
class _Asked:
    """How one feed's poll ended. ``response`` is what goes to the archive."""

    response: Response | None
    poll: Poll
    after: FeedState
    wanted: list[WantedPage]


def _asked(
    feed: Feed,
    state: FeedState,
    outcome: Outcome,
    at: datetime,
    gate: Callable[[str], bool],
    bounds: Bounds,
    slowest: timedelta,
) -> _Asked:
    """An answer that is no feed counts as a failure: its validators are not kept.

    A body that is the same as before is not parsed, and archived as a reference.
    """
    response = outcome if isinstance(outcome, Response) else None
    parsed: Parsed | ParseError | None = None
    if response is not None and 200 <= response.status < 300:
        body = sha256(response.body).hexdigest()
        if response.truncated is None and body == state.body_sha256:
            response = replace(response, body=b"", repeats=body)
        else:
            parsed = _parsed(response, bounds)
    if isinstance(parsed, ParseError):
        after = next_state(feed, state, parsed, at)
    else:
        after = next_state(feed, state, outcome, at, parsed=parsed, slowest=slowest)
    wanted = _wanted(parsed, gate) if isinstance(parsed, Parsed) else []
    return _Asked(response, poll_of(feed, outcome, parsed, after, at), after, wanted)


def _parsed(response: Response, bounds: Bounds) -> Parsed | ParseError:
    try:
        return parse_feed(response, bounds)
    except ParseError as error:
        return error


def _wanted(parsed: Parsed, gate: Callable[[str], bool]) -> list[WantedPage]:
    return [
        WantedPage(key=_page_key(entry), feed_id=entry.feed_id, url=entry.link)
        for entry in parsed.entries
        if gate(f"{entry.title}\n{entry.summary_html}") and wants_page(entry)
    ]


def _unknown(wanted: Sequence[WantedPage], states: FeedStates) -> list[WantedPage]:
    by_key = {page.key: page for page in wanted}
    known = states.pages_known(list(by_key))
    return [page for key, page in by_key.items() if key not in known]


def _page_key(entry: Entry) -> str:
    updated = entry.updated_at.isoformat() if entry.updated_at else ""
    return stable_id("page", entry.link, entry.title, entry.summary_html, updated)


def _add_polls(lake: Lake, partition: Partition, polls: Sequence[Poll]) -> None:
    """Add an attempt's polls to the partition's; they are numbered from 1 by feed."""
    before = lake.read("polls", partition)
    held = from_arrow(Poll, before) if before is not None else []
    lake.write("polls", partition, to_arrow(Poll, [*held, *polls]))


def _chunks(values: Iterable[Row], size: int) -> Iterable[list[Row]]:
    """Lists of at most ``size`` values, as they come."""
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk


# ---------------------------------------------------------------------------- read


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
        progress.stale("extract", partition)
        written = lake.write("articles", partition, made.table())
        seen.replace(partition, made.here.own)
        return written, Report(
            step="read",
            rows=len(made.here.own),
            failures=tuple(made.failures),
            counts=made.counts,
        )

    return _each("read", at, progress, make)


def _adopt(archive: Archive, progress: Progress, at: datetime) -> None:
    """Mark archived partitions that the state has never heard of (a lost database)."""
    known = progress.known("read")
    for partition in archive.partitions():
        if partition not in known and partition <= Partition.at(at):
            progress.stale("read", partition)


def _kept(partition: Partition, archive: Archive, lake: Lake) -> pa.Table | None:
    """The articles of a partition whose archive is gone: they are not made again."""
    return None if archive.holds(partition) else lake.read("articles", partition)


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
        self.counts = {"revisions": 0, "backlog": 0, "not English": 0}

    def read(self, archive: Archive) -> None:
        used: set[str] = set()
        refused: dict[str, PageError] = {}
        for response in archive.read(self.here.partition):
            if response.kind is Answer.FEED and 200 <= response.status < 300:
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
        parsed = _parsed(response, self.bounds)
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


# ------------------------------------------------------------------------- extract


def extract(
    at: datetime, *, lake: Lake, extractor: Extractor, progress: Progress
) -> Report:
    """The statements of the partition's articles, and what their edits undid."""

    def make(partition: Partition) -> tuple[str, Report]:
        table = lake.read("articles", partition)
        articles = from_arrow(Article, table) if table is not None else []
        found = (
            from_arrow(Statement, statements_of(table, extractor=extractor))
            if table is not None
            else []
        )
        statements, corrections = _revised(articles, found, lake, partition)
        progress.stale("match", partition)
        if corrections:
            progress.stale("alert", partition)
        lake.write("corrections", partition, to_arrow(Correction, corrections))
        sha256 = lake.write("statements", partition, to_arrow(Statement, statements))
        fresh = [statement for statement in statements if not statement.known]
        counts = {
            "on topic": sum(1 for s in fresh if s.about_topic),
            "corrections": len(corrections),
        }
        return sha256, Report(step="extract", rows=len(fresh), counts=counts)

    return _each("extract", at, progress, make)


def _revised(
    articles: Sequence[Article],
    found: Sequence[Statement],
    lake: Lake,
    partition: Partition,
) -> tuple[list[Statement], list[Correction]]:
    by_revision: dict[tuple[str, int], list[Statement]] = {}
    for statement in found:
        key = statement.article_id, statement.revision
        by_revision.setdefault(key, []).append(statement)
    statements: list[Statement] = []
    corrections: list[Correction] = []
    made: dict[tuple[str, int], list[Statement]] = {}
    for article in articles:
        key = article.article_id, article.revision
        now = by_revision.get(key, [])
        history = list(_history(article, made, lake, partition))
        if history:
            ever = frozenset(s.statement_id for past in history for s in past)
            now, undone = against_earlier(
                now, history[0], ever, article=article, at=partition.moment
            )
            corrections += undone
        made[key] = now
        statements += now
    return statements, corrections


def _history(
    article: Article,
    made: Mapping[tuple[str, int], Sequence[Statement]],
    lake: Lake,
    partition: Partition,
) -> Iterable[list[Statement]]:
    """The statements of each earlier revision, the latest first."""
    current: Article | None = article
    while current is not None and current.previous is not None:
        key = current.article_id, current.revision - 1
        earlier = Partition.parse(current.previous)
        if earlier == partition:
            yield list(made.get(key, []))
        else:
            yield _stored(lake, "statements", earlier, Statement, key)
        found = _stored(lake, "articles", earlier, Article, key)
        current = found[0] if found else None


def _stored(
    lake: Lake,
    name: str,
    partition: Partition,
    kind: type[Revised],
    key: tuple[str, int],
) -> list[Revised]:
    table = lake.read(name, partition)
    rows = from_arrow(kind, table) if table is not None else []
    return [row for row in rows if (row.article_id, row.revision) == key]


# --------------------------------------------------------------------------- match


def match(
    at: datetime,
    *,
    lake: Lake,
    record: Record,
    progress: Progress,
    judgements: Sequence[Judgement] = (),
) -> Report:
    """Each statement's relation to its figure's record: a fold in order of sight.

    What an editor decided stands above what the matcher finds.
    """
    decided = decisions(judgements)

    def make(partition: Partition) -> tuple[str, Report]:
        statements = _fresh(lake, partition)
        found_terms = {s.statement_id: terms(s.content) for s in statements}

        def lookup(said: Said) -> Sequence[Said]:
            return record.candidates(
                said,
                terms=found_terms[said.statement_id],
                limit=CANDIDATES,
                before=partition,
            )

        def known(statement_id: str) -> Said | None:
            there = record.find(statement_id)
            return _said(*there[1:]) if there and there[0] < partition else None

        found = relations(
            [Said.of(statement) for statement in statements],
            lookup,
            decided=decided,
            known=known,
        )
        by_id = {relation.statement_id: relation for relation in found}
        record.replace(
            partition,
            [
                (s, by_id[s.statement_id], found_terms[s.statement_id])
                for s in statements
            ],
        )
        progress.stale("publish", _day(partition.day))
        sha256 = lake.write("links", partition, to_arrow(Relation, found))
        counts: dict[str, int] = {}
        for relation in found:
            counts[relation.kind.value] = counts.get(relation.kind.value, 0) + 1
        return sha256, Report(step="match", rows=len(found), counts=counts)

    return _each("match", at, progress, make)


def _said(statement: Statement, relation: Relation) -> Said:
    return Said.of(statement, relation.claim_id, relation.utterance_id)


def _fresh(lake: Lake, partition: Partition) -> list[Statement]:
    """The partition's statements that were not on record, in the order of the fold."""
    table = lake.read("statements", partition)
    statements = from_arrow(Statement, table) if table is not None else []
    return sorted(
        (statement for statement in statements if not statement.known),
        key=lambda statement: (statement.first_seen_at, statement.statement_id),
    )


def _day(day: date) -> Partition:
    return Partition(day, "000000")


# ------------------------------------------------------------------ alert, deliver


def alert(
    at: datetime,
    *,
    record: Record,
    outbox: Outbox,
    archive: Archive,
    lake: Lake,
    progress: Progress,
    rules: Sequence[AlertRule],
    window: timedelta,
    quiet_first_days: int,
    templates: Mapping[str, str] = TEMPLATES,
    site_url: str = "",
) -> Report:
    """Put what the rules want told into the outbox, once, whatever is run again.

    An alert whose claim has since lost its ground is taken back on the same thread; a
    claim that lost it before it was told is not told.
    """
    partition = Partition.at(at)
    for edited in progress.pending("alert", partition):
        table = lake.read("corrections", edited)
        record.corrected(edited, from_arrow(Correction, table) if table else [])
        progress.done("alert", edited, "")
    partitions = archive.partitions()
    if not partitions:
        return Report(step="alert")
    losses = record.losses(since=at - window, upto=partition)
    lost = {loss.state.claim_id for loss in losses}
    states = record.states(since=at - window, upto=partition)
    wanted = alerts_for(
        [state for state in states if state.claim_id not in lost],
        rules,
        figures_since=record.figures_since(partition),
        lake_since=partitions[0].moment,
        now=partition.moment,
        quiet_first_days=quiet_first_days,
        templates=templates,
        site_url=site_url,
    )
    wanted += retractions(
        outbox.told(sorted(lost)),
        losses,
        now=partition.moment,
        templates=templates,
        site_url=site_url,
    )
    last = outbox.last_told(at - LONGEST_MEMORY)
    fresh = timed(outbox.unknown(wanted), rules, last)
    count = sum(1 for one in fresh if one.kind is AlertKind.RETRACTION)
    return Report(
        step="alert",
        rows=outbox.put(fresh),
        counts={"retractions": count} if count else {},
    )


def deliver(at: datetime, *, outbox: Outbox, channels: Mapping[str, Channel]) -> Report:
    """Send what is due. A dead channel blocks neither the others nor the pipeline.

    What waited for one moment goes out as one message. A channel that failed a few
    times in a row is left for the next pass: it may be hanging, and others wait.
    """
    failures: list[str] = []
    failed: dict[str, int] = {}
    sent = 0
    for batch in together(outbox.due(at)):
        members, attempt = [one for one, _ in batch], batch[0][1] + 1
        if failed.get(members[0].channel, 0) >= FAILURES_A_PASS:
            continue
        message = as_one(members, digest_id(members))
        state, reason, again = DeliveryState.SENT, "", None
        try:
            channel = channels.get(message.channel)
            if channel is None:
                raise DeliveryError(message.channel, "not in alerts.toml any more")
            channel.send(message)
            sent += len(members)
            failed[message.channel] = 0
        except DeliveryError as error:
            reason = error.reason
            again = retry_at(attempt, at, message.alert_id) if error.transient else None
            state = DeliveryState.FAILED if again else DeliveryState.DEAD
            failures.append(f"{error} (alert {message.alert_id}, {state})")
            if error.transient:
                failed[message.channel] = failed.get(message.channel, 0) + 1
        outbox.record(
            [
                Delivery(
                    alert_id=one.alert_id,
                    channel=one.channel,
                    attempt=attempt,
                    at=at,
                    state=state,
                    reason=reason,
                )
                for one in members
            ],
            again,
        )
    return Report(step="deliver", rows=sent, failures=tuple(failures))


# ------------------------------------------------------------------------- publish


def publish(
    at: datetime,
    *,
    lake: Lake,
    outbox: Outbox,
    progress: Progress,
    version: str,
) -> Report:
    """The tables of the day, of days that changed, and of days on which nothing came.

    A day is written whole from its working partitions; only ``daily_figure_topic`` is
    also written again for the 6 days before.
    """
    today = at.date()
    days = {partition.day for partition in progress.pending("publish", _day(today))}
    days |= {today, *_unpublished(lake, today)}
    written = 0
    for day in sorted(days):
        written += _publish_day(day, lake, outbox, version)
        progress.done("publish", _day(day), "")
    return Report(step="publish", rows=written, counts={"days": len(days)})


def _unpublished(lake: Lake, today: date) -> set[date]:
    """Days since the first one on which no pass was made: their tables are empty."""
    there = lake.published("articles")
    first = min([*there, *(p.day for p in lake.partitions("articles"))], default=today)
    every = {first + timedelta(days=n) for n in range((today - first).days + 1)}
    return every - set(there)


def _publish_day(day: date, lake: Lake, outbox: Outbox, version: str) -> int:
    articles = _rows_of(lake, "articles", day, Article)
    told = _told(lake, day)
    texts = {(a.article_id, a.revision): a.text for a in articles}
    statements = [one.statement for one in told]
    partitions = lake.partitions("articles", day)
    as_of = partitions[-1].moment if partitions else convert.midnight(day)
    rows: dict[str, list[dict[str, object]]] = {
        "articles": [convert.article_row(article, version) for article in articles],
        "statements": [convert.statement_row(s, version) for s in statements],
        "statement_spans": [
            row
            for s in statements
            for row in convert.span_rows(s, texts[s.article_id, s.revision])
        ],
        "statement_topics": [row for s in statements for row in convert.topic_rows(s)],
        "claims": [convert.claim_row(claim) for claim in claims_of(told, as_of)],
        "claim_links": [
            convert.link_row(one.relation, one.statement, MATCHER_VERSION)
            for one in told
        ],
        "corrections": [
            convert.plain_row(correction)
            for correction in _rows_of(lake, "corrections", day, Correction)
        ],
        "alerts": [_alert_row(message) for message in outbox.alerts(day)],
        "deliveries": [convert.plain_row(d) for d in outbox.deliveries(day)],
        "feed_health": _poll_rows(_rows_of(lake, "polls", day, Poll)),
    }
    for name, held in rows.items():
        lake.publish(name, day, _checked(name, held, lake))
    _publish_daily(day, lake)
    return sum(len(held) for held in rows.values())


def _checked(name: str, rows: Sequence[Mapping[str, object]], lake: Lake) -> pa.Table:
    try:
        return rows_to_table(name, rows)
    except ValueError as error:
        raise DamagedError(f"table {name}", str(error)) from error


def _publish_daily(day: date, lake: Lake) -> None:
    """The day and the 6 before it: late reports still count where they belong.

    They may lie before the lake's first day, for what was published before it was seen.
    """
    first = day - timedelta(days=WINDOW_DAYS - 1)
    window = [first + timedelta(days=n) for n in range(WINDOW_DAYS)]
    rows = daily([one for seen_on in window for one in _told(lake, seen_on)], window)
    by_day: dict[object, list[dict[str, object]]] = {}
    for row in rows:
        by_day.setdefault(row["day"], []).append(row)
    there = {*lake.published("daily_figure_topic"), day}
    since = min([convert.midnight(one) for one in there] + [row["day"] for row in rows])
    for one in window:
        if convert.midnight(one) >= since:
            mine = by_day.get(convert.midnight(one), [])
            lake.publish(
                "daily_figure_topic", one, _checked("daily_figure_topic", mine, lake)
            )


def _rows_of(lake: Lake, name: str, day: date, kind: type[Row]) -> list[Row]:
    rows: list[Row] = []
    for partition in lake.partitions(name, day):
        table = lake.read(name, partition)
        if table is not None:
            rows += from_arrow(kind, table)
    return rows


def _told(lake: Lake, day: date) -> list[Told]:
    """The day's statements with their relations, in the order of the fold."""
    told = []
    for partition in lake.partitions("links", day):
        table = lake.read("links", partition)
        links = from_arrow(Relation, table) if table is not None else []
        by_id = {relation.statement_id: relation for relation in links}
        told += [
            Told(statement, by_id[statement.statement_id])
            for statement in _fresh(lake, partition)
            if statement.statement_id in by_id
        ]
    return told


def _alert_row(message: object) -> dict[str, object]:
    return {
        field.name: getattr(value, "value", value)
        for field in TABLES["alerts"].fields
        for value in [getattr(message, field.name)]
    }


def _poll_rows(polls: Sequence[Poll]) -> list[dict[str, object]]:
    times: dict[tuple[str, datetime], int] = {}
    rows = []
    for poll in polls:
        key = poll.feed_id, poll.at
        times[key] = times.get(key, 0) + 1
        rows.append(convert.plain_row(poll) | {"attempt": times[key]})
    return rows


# ------------------------------------------------------------------------- rebuild


def stale_since(
    day: date, *, archive: Archive, progress: Progress, now: datetime
) -> int:
    """Mark every archived partition since a day to be made again; how many.

    Nothing is removed: each partition is replaced whole as it is made.
    """
    partitions = [p for p in archive.partitions(day) if p <= Partition.at(now)]
    if not partitions:
        raise InputError(f"--from {day}", "nothing is archived since that day")
    for step in ("read", "extract", "match"):
        for partition in partitions:
            progress.stale(step, partition)
    for one in sorted({partition.day for partition in partitions}):
        progress.stale("publish", _day(one))
    return len(partitions)


# ------------------------------------------------------------------ what steps share


def _each(
    step: str,
    at: datetime,
    progress: Progress,
    make: Callable[[Partition], tuple[str, Report]],
) -> Report:
    """Make the stale partitions up to a moment, in order; one report over all."""
    rows = 0
    failures: list[str] = []
    counts: dict[str, int] = {}
    while pending := progress.pending(step, Partition.at(at)):
        sha256, report = make(pending[0])
        progress.done(step, pending[0], sha256)
        rows += report.rows
        failures += report.failures
        for name, count in report.counts.items():
            counts[name] = counts.get(name, 0) + count
    return Report(step=step, rows=rows, failures=tuple(failures), counts=counts)
