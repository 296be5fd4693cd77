"""Proof of a published day: from archived bytes over the article to the quoted words."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from hashlib import sha256
from typing import Any, TypeVar

import pyarrow.compute as pc

from pipeline import ids
from pipeline.articles.normalise import entry_of, to_draft
from pipeline.articles.pages import PageText, page_text
from pipeline.articles.urls import same_place
from pipeline.errors import DamagedError, PageError, ParseError
from pipeline.feeds.parse import parse_feed
from pipeline.model import (
    Answer,
    Article,
    Bounds,
    Correction,
    DateSource,
    Draft,
    Entry,
    Feed,
    Partition,
    Poll,
    Relation,
    Statement,
)
from pipeline.ports import Archive, Lake
from pipeline.tables import checks, convert
from pipeline.tables.counts import Told, claims_of
from pipeline.tables.manifest import MADE_FROM, datapackage, origin
from pipeline.tables.schemas import TABLES
from pipeline.tables.values import from_arrow, midnight

DEFAULT_BOUNDS = Bounds()


def faults(
    day: date,
    *,
    lake: Lake,
    archive: Archive,
    bounds: Bounds = DEFAULT_BOUNDS,
    upto: Partition | None = None,
) -> list[str]:
    """What does not hold, a line each; empty if every row is proved.

    Checked: the archive is there, or was removed as retention has it (``expired``); its
    seals and digests; each table's manifest, the bytes of its file and of the working
    partitions it was made from; the rules of the registry; references between tables.

    Then the rows, from the archive alone: each article's text is made again of its
    archived answers, as ``read`` makes it under these ``bounds``, and its hash, its
    headline and day, the words of every span at its place, the context, and each row's
    other columns by the partition they came from. Where the answers expired, the stored
    texts stand for them; where those did, too, what was kept of each statement does.
    With ``upto`` the rows are held against the partitions up to that one: while a pass
    is under way, what was published is older than what is there. Seals are checked of all.
    """
    found: list[str] = []
    for partition in archive.partitions(day):
        if partition.day == day:
            try:
                found += archive.faults(partition)
                for _ in archive.read(partition):
                    pass
            except DamagedError as error:
                found.append(str(error))
    if upto is not None:
        lake, archive = lake.upto(upto), archive.upto(upto)
    try:
        found += _lost(day, lake, archive)
    except DamagedError as error:
        found.append(str(error))
    found += _unlisted(lake) + _months(day, lake)
    if day < _first(lake):  # what was published before the first pass saw it
        early = [n for n in TABLES if day in lake.published(n)]
        return found + [line for n in early for line in _written(n, day, lake, archive)]
    missing = [name for name in TABLES if day not in lake.published(name)]
    if missing:
        return found + [
            f"table {name}: this day's file is not there" for name in missing
        ]
    written = [line for name in TABLES for line in _written(name, day, lake, archive)]
    found += written + _package(lake)
    if written:
        return found  # what is not what was written need not be read
    try:
        told = list(_told(day, lake))
        quoted = {(one.statement.article_id, one.statement.revision) for one in told}
        articles, texts = _texts(day, lake, archive, bounds, quoted, found)
        found += _rules(day, lake)
        found += _articles(day, lake, articles)
        found += _statements(day, lake, [one.statement for one in told], texts)
        found += _claims(day, lake, told)
        found += _noted(day, lake)
        found += _references(day, lake)
    except (DamagedError, ValueError) as error:
        found.append(str(error))
    return found


def _first(lake: Lake) -> date:
    """The first day that tables go by which do not go by the day of publication."""
    names = [name for name, table in TABLES.items() if table.day != "published_at"]
    return min(
        (day for name in names for day in lake.published(name)), default=date.max
    )


def _written(name: str, day: date, lake: Lake, archive: Archive) -> list[str]:
    """Whether a table-day and what it was made from are what the manifest says."""
    try:
        entry, body = lake.stands(name, day)
        there = origin(name, day, archive=archive, lake=lake)
    except DamagedError as error:
        return [str(error)]
    if entry is None:
        return [f"table {name}: no entry for {day} in its manifest; onrecord publish"]
    if (len(body), sha256(body).hexdigest()) != (entry.bytes, entry.sha256):
        return [f"table {name}: its file of {day} is not the one in the manifest"]
    if there != entry.made_from:
        return [
            f"table {name}: the working partitions or archived files of {day} are not "
            f"those that it was made from; onrecord rebuild --from {day}"
        ]
    return []


def _unlisted(lake: Lake) -> list[str]:
    """Table-days that a manifest lists and that are not there."""
    wrong = []
    for name in TABLES:
        try:
            listed = set(lake.manifest(name))
        except DamagedError as error:
            wrong.append(str(error))
            continue
        gone = sorted(listed - set(lake.published(name)))
        wrong += [f"table {name}: its file of {day} is not there" for day in gone]
    return wrong


def _months(day: date, lake: Lake) -> list[str]:
    """Whether the compacted files of the day's month are what their manifest says."""
    wrong = []
    month = f"{day:%Y-%m}"
    for name in TABLES:
        try:
            entry = lake.months(name).get(month)
            if entry is None:
                continue
            found = lake.month_sha256(name, month)
        except DamagedError as error:
            wrong.append(str(error))
            continue
        if found != entry.sha256:
            wrong.append(
                f"table {name}: compacted {month} is not the one in its manifest"
            )
    return wrong


def _package(lake: Lake) -> list[str]:
    days = {name: lake.published(name) for name in TABLES}
    if lake.package() == datapackage(days):
        return []
    return ["datapackage.json is not that of these tables; onrecord publish"]


def _rules(day: date, lake: Lake) -> list[str]:
    """The checks on write, once more: an older version may have let something pass."""
    tables = {name: lake.load(name, day) for name in TABLES}
    alone = [
        line for name, rows in tables.items() for line in checks.faults(name, rows)
    ]
    return alone + list(checks.day_faults(tables))


def expired(day: date, *, lake: Lake, archive: Archive) -> str:
    """What of the day was removed since it is older than is kept; empty if nothing."""
    if lake.expired(day):
        return "archive and texts expired"
    gone = any(archive.expired(one) for one in lake.partitions("articles", day))
    return "archive expired" if gone else ""


def _lost(day: date, lake: Lake, archive: Archive) -> list[str]:
    """Partitions with articles whose answers are neither there nor expired."""
    return [
        f"partition {one}: its archive is not there"
        for one in lake.partitions("articles", day)
        if not archive.holds(one) and not archive.expired(one)
        if (table := lake.read("articles", one)) is not None and table.num_rows
    ]


Key = tuple[str, int]
"""Article and revision."""

Row = Mapping[str, Any]

# ------------------------------------------------------ texts, again from the archive


def _texts(
    day: date,
    lake: Lake,
    archive: Archive,
    bounds: Bounds,
    quoted: Container[Key],
    found: list[str],
) -> tuple[dict[Key, Row], dict[Key, str | None]]:
    """Of each stored article its published row; and of each that is ``quoted`` the text
    that its answers give: the stored one where they expired, None where that did, too.

    The other texts of a partition are held no longer than it takes to check them.
    """
    stored: dict[Key, Row] = {}
    texts: dict[Key, str | None] = {}
    emptied = lake.expired(day)
    for partition in lake.partitions("articles", day):
        table = lake.read("articles", partition)
        if table is None:
            continue
        here = from_arrow(Article, table)
        rows = convert.articles_table(table, "").to_pylist()
        stored |= {(row["article_id"], row["revision"]): row for row in rows}
        held = {key: a.text for a in here if (key := _key(a)) in quoted}
        if partition in emptied:
            texts |= dict.fromkeys(held)
            continue
        texts |= held
        for article in here:
            if ids.digest(article.text) != article.text_sha256:
                found.append(f"{_name(article)}: its text is not its hash")
        if here and archive.holds(partition) and not archive.expired(partition):
            drafts = _drafts(partition, here, lake, archive, bounds)
            for article in here:
                draft = _own(article, drafts.get(_key(article), []))
                if draft is None:
                    found.append(
                        f"{_name(article)}: its text is not what its archived answers say"
                    )
                else:
                    if _key(article) in quoted:
                        texts[_key(article)] = draft.text
                    found += _headed(article, draft, partition)
    return stored, texts


def _drafts(
    partition: Partition,
    articles: Sequence[Article],
    lake: Lake,
    archive: Archive,
    bounds: Bounds,
) -> dict[Key, list[Draft]]:
    """What a partition's answers say of each of its articles, made as ``read`` does.

    Only feeds that brought one of them are parsed, and only their entries normalised.
    """
    wanted: dict[tuple[str, str], list[Article]] = {}
    for article in articles:
        wanted.setdefault((article.feed_id, article.guid), []).append(article)
    feeds = {feed_id for feed_id, _ in wanted}
    pages: dict[str, PageText] = {}
    entries: list[Entry] = []
    for answer in archive.salvaged(partition):
        if isinstance(answer, DamagedError):
            continue  # told already
        if answer.kind is Answer.PAGE:
            with suppress(PageError):
                pages[answer.url] = page_text(answer)
        elif 200 <= answer.status < 300 and answer.repeats is None:
            if answer.kind is Answer.FEED and answer.feed_id in feeds:
                with suppress(ParseError):
                    entries += parse_feed(answer, bounds).entries
    found: dict[Key, list[Draft]] = {}

    def add(article: Article, entry: Entry, page: PageText | None) -> None:
        feed = Feed(id=article.feed_id, url="", outlet=article.outlet)
        draft = to_draft(entry, feed, page, partition.moment)
        if draft is not None:
            found.setdefault(_key(article), []).append(draft)

    for entry in entries:
        for article in wanted.get((entry.feed_id, entry.guid), ()):
            add(article, entry, pages.get(entry.link))
    for article in articles:
        if article.previous is not None:  # a page may have come after its entry
            for url, page in pages.items():
                if same_place(page.url, article.url) or same_place(url, article.url):
                    before = _before(article, lake)
                    if before is not None:
                        add(article, entry_of(before, url), page)
    return found


def _before(article: Article, lake: Lake) -> Article | None:
    """The revision before this one."""
    assert article.previous is not None
    table = lake.read("articles", Partition.parse(article.previous))
    key = article.article_id, article.revision - 1
    stored = from_arrow(Article, table) if table is not None else []
    return next((a for a in stored if _key(a) == key), None)


def _own(article: Article, drafts: Sequence[Draft]) -> Draft | None:
    """The draft that became the article."""
    same = [one for one in drafts if one.text_sha256 == article.text_sha256]
    titled = [one for one in same if one.title == article.title]
    return next(iter(titled or same), None)


def _headed(article: Article, draft: Draft, partition: Partition) -> list[str]:
    """What stands beside the text of an article and is not what its answers say."""
    pairs: dict[str, tuple[object, object]] = {
        "title": (article.title, draft.title),
        "text_source": (article.text_source, draft.text_source),
        "author": (article.author, draft.author),
        "first_seen_at": (article.first_seen_at, partition.moment),
    }
    if article.revision == 1:
        when = draft.published_at or partition.moment
        source = draft.published_at_source if draft.published_at else "first_seen"
        pairs["published_at"] = article.published_at, when
        pairs["published_at_source"] = (article.published_at_source, DateSource(source))
        pairs["url"] = article.article_id, ids.article_id(article.url)
    return [
        f"{_name(article)}: its {name} is not what its archived answers say"
        for name, (stored, derived) in pairs.items()
        if stored != derived
    ]


def _key(article: Article) -> Key:
    return article.article_id, article.revision


def _name(article: Article) -> str:
    return f"article {article.article_id} revision {article.revision}"


# ------------------------------------------------------------- rows, by what they say


def _articles(day: date, lake: Lake, own: Mapping[Key, Row]) -> list[str]:
    """Published rows of articles that are not those that are stored."""
    emptied = bool(lake.expired(day))

    def expected(row: Row) -> Row | None:
        stored = own.get((row["article_id"], row["revision"]))
        if stored is None:
            return None
        made = {**stored, "pipeline_version": row["pipeline_version"]}
        if emptied:
            made["n_chars"] = row["n_chars"]
        if not row["author"]:  # left out where people who are not tracked are
            made["author"] = ""
        return made

    return _differing("articles", day, lake, expected, len(own))


def _statements(
    day: date,
    lake: Lake,
    stored: Sequence[Statement],
    texts: Mapping[Key, str | None],
) -> list[str]:
    """Rows of statements and spans that are not the words at their place."""
    own = {statement.statement_id: statement for statement in stored}
    wrong: list[str] = []
    spans: list[dict[str, Any]] = []
    published: dict[str, list[str]] = {}
    for row in lake.load("statement_spans", day).to_pylist():
        published.setdefault(row["statement_id"], []).append(row["text"])
    for statement in stored:
        name = f"statement {statement.statement_id}"
        words = published.get(statement.statement_id, [])
        text = texts.get((statement.article_id, statement.revision), "")
        if text is not None:
            words = [span.of(text) for span in statement.spans]
            start = statement.context_start
            if not text.startswith(statement.context, start):
                wrong.append(f"{name}: its context is not the words around it")
            if statement.cue not in text or statement.source not in text:
                wrong.append(f"{name}: its cue or source is not in the text")
        if " … ".join(words) != statement.content:
            wrong.append(f"{name}: content is not the words at its place")
        if len(words) == len(statement.spans):
            rows = convert.span_rows(statement, "")
            spans += [r | {"text": w} for r, w in zip(rows, words, strict=True)]

    def of_statement(row: Mapping[str, Any]) -> dict[str, Any] | None:
        statement = own.get(row["statement_id"])
        if statement is None:
            return None
        named = frozenset(row["nested"].split("; "))  # the rest was left out
        return convert.statement_row(statement, row["pipeline_version"], named)

    topics = [row for one in stored for row in convert.topic_rows(one)]
    return [
        *wrong,
        *_unbound(stored),
        *_differing("statements", day, lake, of_statement, len(own)),
        *_unlike("statement_spans", day, lake, spans),
        *_unlike("statement_topics", day, lake, topics),
    ]


MOST_TIMES = 1_000
"""That one article has the same words of one figure."""


def _unbound(stored: Sequence[Statement]) -> list[str]:
    """Statements whose id is not the hash of their article, figure and words."""
    return [
        f"statement {one.statement_id}: its id is not that of its words"
        for one in stored
        if not any(
            one.statement_id
            == ids.statement_id(one.article_id, one.figure_id, one.content, nth)
            for nth in range(MOST_TIMES)
        )
    ]


def _told(day: date, lake: Lake) -> Iterator[Told]:
    """The day's statements with their relations, in the order of the fold."""
    for partition in lake.partitions("links", day):
        links, said = (lake.read(n, partition) for n in ("links", "statements"))
        by_id = {
            relation.statement_id: relation
            for relation in (from_arrow(Relation, links) if links is not None else [])
        }
        fresh = from_arrow(Statement, said) if said is not None else []
        for one in sorted(fresh, key=lambda s: (s.first_seen_at, s.statement_id)):
            if not one.known and one.statement_id in by_id:
                yield Told(one, by_id[one.statement_id])


def _claims(day: date, lake: Lake, told: Sequence[Told]) -> list[str]:
    """Rows of claims and links that are not what the day's statements make."""
    partitions = lake.partitions("articles", day)
    as_of = partitions[-1].moment if partitions else midnight(day)
    claims = map(convert.claim_row, claims_of(told, as_of))
    by_id = {one.relation.statement_id: one for one in told}

    def of_link(row: Mapping[str, Any]) -> dict[str, Any] | None:
        one = by_id.get(row["statement_id"])
        if one is None:
            return None
        return convert.link_row(one.relation, one.statement, row["matcher_version"])

    return [
        *_differing("claim_links", day, lake, of_link, len(by_id)),
        *_unlike("claims", day, lake, claims),
    ]


def _noted(day: date, lake: Lake) -> list[str]:
    """Rows of corrections and polls that are not those that were noted."""
    names = MADE_FROM["corrections"]
    corrections = [row for n in names for row in _stored(n, day, lake, Correction)]
    polls = [
        row for n in MADE_FROM["feed_health"] for row in _stored(n, day, lake, Poll)
    ]
    return [
        *_unlike("corrections", day, lake, map(convert.plain_row, corrections)),
        *_unlike("feed_health", day, lake, convert.poll_rows(polls)),
    ]


Value = TypeVar("Value")


def _stored(name: str, day: date, lake: Lake, kind: type[Value]) -> list[Value]:
    """The values of a day's working partitions, in order."""
    tables = [lake.read(name, one) for one in lake.partitions(name, day)]
    return [
        one for table in tables if table is not None for one in from_arrow(kind, table)
    ]


def _unlike(
    name: str, day: date, lake: Lake, rows: Iterable[Mapping[str, Any]]
) -> list[str]:
    """Rows of a table-day that are not these."""
    key = TABLES[name].key
    own = {tuple(row[column] for column in key): row for row in rows}
    return _differing(
        name, day, lake, lambda row: own.get(tuple(row[c] for c in key)), len(own)
    )


def _differing(
    name: str,
    day: date,
    lake: Lake,
    expected: Callable[[Mapping[str, Any]], Mapping[str, Any] | None],
    count: int,
) -> list[str]:
    """Rows of a table-day that are not what they were made from, and how many lack."""
    table = TABLES[name]
    rows = lake.load(name, day).to_pylist()
    wrong = []
    for row in rows:
        made = expected(row)
        key = ", ".join(str(row[column]) for column in table.key)
        if made is None:
            wrong.append(
                f"table {name}, row {key}: nothing is stored that it comes from"
            )
            continue
        columns = [column for column in row if row[column] != made[column]]
        if columns:
            wrong.append(
                f"table {name}, row {key}: {', '.join(columns)} not as it is stored"
            )
    lacking = count - len(rows)
    return wrong + (
        [f"table {name}: {lacking} rows are missing"] if lacking > 0 else []
    )


def _references(day: date, lake: Lake) -> list[str]:
    """Bridge tables and links name statements of the same day, and all of them."""
    wrong = []
    known = set(lake.load("statements", day)["statement_id"].to_pylist())
    for table in TABLES.values():
        if table.refers.get("statement_id") == "statements.statement_id":
            ids = set(pc.unique(lake.load(table.name, day)["statement_id"]).to_pylist())
            wrong += [
                f"{table.name}: no statement {one}" for one in sorted(ids - known)
            ]
    linked = set(lake.load("claim_links", day)["statement_id"].to_pylist())
    return wrong + [
        f"claim_links: statement {one} is missing" for one in sorted(known - linked)
    ]
