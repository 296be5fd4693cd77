"""The steps: read, call logic, write, report. What every door runs.

A step makes one partition, and first any earlier one that is stale: what a killed pass
left undone is done by the next. Before a step writes, it marks what hangs on its output
as stale; afterwards it marks its own partition as made. So a kill at any moment leaves
too much marked, never too little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TypeVar

import pyarrow as pa

from pipeline.alerts.decide import alerts_for
from pipeline.alerts.schedule import retry_at
from pipeline.articles.duplicates import bands, group, signature
from pipeline.articles.normalise import to_draft, wants_page
from pipeline.articles.revisions import identify, seen_of
from pipeline.batch import Extractor, statements_of
from pipeline.claims.candidates import terms
from pipeline.claims.compare import MATCHER_VERSION
from pipeline.claims.grouping import relations
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
    AlertRule,
    Answer,
    Article,
    Correction,
    DateSource,
    Delivery,
    DeliveryState,
    Entry,
    Feed,
    FeedState,
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


# --------------------------------------------------------------------------- fetch


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
    everything: bool = False,
) -> Report:
    """Ask the feeds that are due, then the pages that their entries need.

    All answers are archived under the moment of asking before any state is saved: a
    kill between the two only makes us ask again. ``gate`` says whether a title or
    summary may be worth its page.
    """
    partition = Partition.at(at)
    known = states.load(feeds)
    asked = [
        (feed, known[feed.id]) for feed in due(feeds, known, at, everything=everything)
    ]
    outcomes = dict(_in_order(asked, fetcher.feeds(asked, now=at)))
    parsed = {feed_id: _parsed(outcome) for feed_id, outcome in outcomes.items()}
    wanted = _wanted(parsed, states, gate) + states.wanted_pages(at)
    answers = dict(fetcher.pages([(page.feed_id, page.url) for page in wanted], now=at))
    usable = {
        url: answer
        for url, answer in answers.items()
        if isinstance(answer, Response) and answer.status == 200
    }

    responses = [o for o in outcomes.values() if isinstance(o, Response)]
    responses += [usable[url] for url in sorted(usable)]
    if responses:
        progress.stale("read", partition)
        archive.add(partition, responses)
    after = {
        feed.id: _after(feed, state, outcomes[feed.id], parsed[feed.id], at)
        for feed, state in asked
        if feed.id in outcomes
    }
    polls = [
        poll_of(feed, outcomes[feed.id], parsed[feed.id], after[feed.id], at)
        for feed, _ in asked
        if feed.id in outcomes
    ]
    _add_polls(lake, partition, polls)
    states.pages_failed([page for page in wanted if page.url not in usable], at)
    states.pages_done([page for page in wanted if page.url in usable])
    states.save(after.values())
    return Report(
        step="fetch",
        rows=len(responses),
        failures=tuple(
            f"feed {poll.feed_id}: {poll.state}: {poll.reason}"
            for poll in polls
            if poll.state not in ("ok", "unchanged", "moved")
        ),
        counts={
            "feeds": len(polls),
            "entries": sum(poll.entries for poll in polls),
            "pages": len(usable),
        },
    )


Outcome = Response | FeedError


def _in_order(
    asked: Sequence[tuple[Feed, FeedState]],
    outcomes: Iterable[tuple[Feed, Response | Exception]],
) -> Iterable[tuple[str, Outcome]]:
    got = {feed.id: outcome for feed, outcome in outcomes}
    for feed, _ in asked:
        outcome = got.get(feed.id)
        if isinstance(outcome, Response | FeedError):
            yield feed.id, outcome
        elif outcome is not None:
            raise outcome


def _parsed(outcome: Outcome) -> Parsed | ParseError | None:
    if not isinstance(outcome, Response) or outcome.status != 200:
        return None
    try:
        return parse_feed(outcome)
    except ParseError as error:
        return error


def _after(
    feed: Feed,
    state: FeedState,
    outcome: Outcome,
    parsed: Parsed | ParseError | None,
    at: datetime,
) -> FeedState:
    """An answer that is no feed counts as a failure: its validators are not kept."""
    if isinstance(parsed, ParseError):
        return next_state(feed, state, parsed, at)
    return next_state(feed, state, outcome, at, parsed=parsed)


def _wanted(
    parsed: Mapping[str, Parsed | ParseError | None],
    states: FeedStates,
    gate: Callable[[str], bool],
) -> list[WantedPage]:
    wanted: dict[str, WantedPage] = {}
    for feed_id, feed in parsed.items():
        if not isinstance(feed, Parsed):
            continue
        for entry in feed.entries:
            if wants_page(entry) and gate(f"{entry.title}\n{entry.summary_html}"):
                key = _page_key(entry)
                wanted[key] = WantedPage(key=key, feed_id=feed_id, url=entry.link)
    known = states.pages_known(list(wanted))
    return [page for key, page in wanted.items() if key not in known]


def _page_key(entry: Entry) -> str:
    updated = entry.updated_at.isoformat() if entry.updated_at else ""
    return stable_id("page", entry.link, entry.title, entry.summary_html, updated)


def _add_polls(lake: Lake, partition: Partition, polls: Sequence[Poll]) -> None:
    """Add an attempt's polls to the partition's; they are numbered from 1 by feed."""
    before = lake.read("polls", partition)
    held = from_arrow(Poll, before) if before is not None else []
    lake.write("polls", partition, to_arrow(Poll, [*held, *polls]))


# ---------------------------------------------------------------------------- read


def read(
    at: datetime,
    *,
    feeds: Sequence[Feed],
    archive: Archive,
    lake: Lake,
    seen: Seen,
    progress: Progress,
) -> Report:
    """Articles that are new, or new in their words, out of the archived answers."""
    _adopt(archive, progress, at)

    def make(partition: Partition) -> tuple[str, Report]:
        articles, memory, failures = _articles(partition, feeds, archive, lake, seen)
        progress.stale("extract", partition)
        sha256 = lake.write("articles", partition, to_arrow(Article, articles))
        seen.replace(partition, memory)
        counts = {
            "revisions": sum(1 for article in articles if article.revision > 1),
            "backlog": sum(1 for article in articles if article.backlog),
        }
        return sha256, Report(
            step="read", rows=len(articles), failures=tuple(failures), counts=counts
        )

    return _each("read", at, progress, make)


def _adopt(archive: Archive, progress: Progress, at: datetime) -> None:
    """Mark archived partitions that the state has never heard of (a lost database)."""
    known = progress.known("read")
    for partition in archive.partitions():
        if partition not in known and partition <= Partition.at(at):
            progress.stale("read", partition)


Memory = list[tuple[SeenArticle, Sequence[bytes]]]


def _articles(
    partition: Partition,
    feeds: Sequence[Feed],
    archive: Archive,
    lake: Lake,
    seen: Seen,
) -> tuple[list[Article], Memory, list[str]]:
    responses = archive.read(partition)
    pages = {r.url: r for r in responses if r.kind is Answer.PAGE}
    by_id = {feed.id: feed for feed in feeds}
    articles: list[Article] = []
    here = _SeenHere(seen, partition)
    failures: list[str] = []
    entries, used = _entries(responses, failures)
    entries += _entries_of_late_pages(pages, used, lake, here)
    for entry in entries:
        feed = by_id.get(entry.feed_id) or _unconfigured(entry.feed_id)
        article = _article(entry, feed, pages.get(entry.link), here, failures)
        if article is not None:
            articles.append(article)
    return articles, here.own, failures


def _entries(
    responses: Sequence[Response], failures: list[str]
) -> tuple[list[Entry], set[str]]:
    entries: list[Entry] = []
    for response in responses:
        if response.kind is not Answer.FEED or response.status != 200:
            continue
        try:
            entries += parse_feed(response).entries
        except ParseError as error:
            failures.append(str(error))
    return entries, {entry.link for entry in entries}


def _entries_of_late_pages(
    pages: Mapping[str, Response], used: set[str], lake: Lake, here: _SeenHere
) -> list[Entry]:
    """A page that came after its entry: the entry is told by the article on record."""
    entries = []
    for url in pages:
        known = here.find(url=url, feed_id="", guid="") if url not in used else []
        if known:
            article = _known_article(lake, known[-1])
            if article is not None:
                entries.append(_entry_of(article, url))
    return entries


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


def _article(
    entry: Entry,
    feed: Feed,
    page: Response | None,
    here: _SeenHere,
    failures: list[str],
) -> Article | None:
    at = here.partition.moment
    try:
        draft = to_draft(entry, feed, page, at)
    except PageError as error:
        failures.append(str(error))
        draft = to_draft(entry, feed, None, at)
    if draft is None:
        return None
    known = here.find(url=draft.url, feed_id=draft.feed_id, guid=draft.guid)
    mark = signature(draft.text)
    found = bands(mark)
    alike = [] if known else here.alike(found, since=at - BACKLOG_AFTER)
    article = identify(
        draft, feed, [*known, *alike], at=at, wire_group=group(mark, alike)
    )
    if article is not None:
        remembered = replace(seen_of(article, mark), partition=str(here.partition))
        here.own.append((remembered, found))
    return article


class _SeenHere:
    """What was seen before a partition, and so far in it."""

    def __init__(self, seen: Seen, partition: Partition) -> None:
        self._seen = seen
        self.partition = partition
        self.own: Memory = []

    def find(self, *, url: str, feed_id: str, guid: str) -> list[SeenArticle]:
        before = self._seen.find(
            url=url, feed_id=feed_id, guid=guid, before=self.partition
        )
        ids = {article.article_id for article in before}
        here = [
            article
            for article, _ in self.own
            if article.url == url
            or (guid and (article.feed_id, article.guid) == (feed_id, guid))
            or article.article_id in ids
        ]
        return before + here

    def alike(self, found: Sequence[bytes], *, since: datetime) -> list[SeenArticle]:
        mine = set(found)
        here = [
            article
            for article, keys in self.own
            if article.revision == 1 and mine & set(keys)
        ]
        return self._seen.alike(found, since=since, before=self.partition) + here


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


def match(at: datetime, *, lake: Lake, record: Record, progress: Progress) -> Report:
    """Each statement's relation to its figure's record: a fold in order of sight."""

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

        found = relations([Said.of(statement) for statement in statements], lookup)
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
    rules: Sequence[AlertRule],
    window: timedelta,
    quiet_first_days: int,
) -> Report:
    """Put what the rules want told into the outbox, once, whatever is run again."""
    partition = Partition.at(at)
    partitions = archive.partitions()
    if not partitions:
        return Report(step="alert")
    alerts = alerts_for(
        record.states(since=at - window, upto=partition),
        rules,
        figures_since=record.figures_since(partition),
        lake_since=partitions[0].moment,
        now=partition.moment,
        quiet_first_days=quiet_first_days,
    )
    return Report(step="alert", rows=outbox.put(alerts))


def deliver(at: datetime, *, outbox: Outbox, channels: Mapping[str, Channel]) -> Report:
    """Send what is due. A dead channel blocks neither the others nor the pipeline."""
    failures = []
    sent = 0
    for message, tries in outbox.due(at):
        attempt = tries + 1
        state, reason, again = DeliveryState.SENT, "", None
        try:
            channel = channels.get(message.channel)
            if channel is None:
                raise DeliveryError(message.channel, "not in alerts.toml any more")
            channel.send(message)
            sent += 1
        except DeliveryError as error:
            reason = error.reason
            again = retry_at(attempt, at, message.alert_id) if error.transient else None
            state = DeliveryState.FAILED if again else DeliveryState.DEAD
            failures.append(f"{error} (alert {message.alert_id}, {state})")
        outbox.record(
            Delivery(
                alert_id=message.alert_id,
                channel=message.channel,
                attempt=attempt,
                at=at,
                state=state,
                reason=reason,
            ),
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
    """The day and the 6 before it: late reports still count where they belong."""
    first = day - timedelta(days=WINDOW_DAYS - 1)
    window = [first + timedelta(days=n) for n in range(WINDOW_DAYS)]
    told = [one for seen_on in window for one in _told(lake, seen_on)]
    there = set(lake.published("daily_figure_topic")) | {day}
    rows = daily(told, [d for d in window if d in there])
    for one in window:
        if one in there:
            mine = [row for row in rows if row["day"] == convert.midnight(one)]
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
