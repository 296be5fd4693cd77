"""Proof of a published day: from archived bytes over the article to the quoted words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from functools import reduce
from hashlib import sha256
from itertools import compress
from typing import Any

import pyarrow as pa
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
)
from pipeline.ports import Archive, Lake
from pipeline.tables import checks, convert
from pipeline.tables.counts import claims_table
from pipeline.tables.manifest import datapackage, origin
from pipeline.tables.schemas import TABLES
from pipeline.tables.told import as_of, stored, together, told_on, with_texts
from pipeline.tables.values import from_arrow

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
    for partition in archive.partitions(day, day):
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
        told = told_on(lake, day)
        misquoted: list[str] = []
        articles, spans = _texts(day, lake, archive, bounds, told, found, misquoted)
        every = together(told)
        found += _rules(day, lake)
        found += _articles(day, lake, articles)
        found += misquoted + _unbound(every)
        found += _statements(day, lake, every, spans)
        found += _claims(day, lake, every)
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
    alone = [
        line for name in TABLES for line in checks.faults(name, lake.load(name, day))
    ]
    links = {name: lake.load(name, day, checks.linking(name)) for name in TABLES}
    return alone + list(checks.day_faults(links))


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
    told: Mapping[Partition, pa.Table],
    found: list[str],
    misquoted: list[str],
) -> tuple[pa.Table, pa.Table]:
    """The rows of articles and of spans that the working partitions give. What is wrong
    with the texts goes to ``found``, with the words cut from them to ``misquoted``.

    A text is held no longer than it takes to check it and what stands in it. Where it
    expired, the published words stand for those in it.
    """
    articles = [TABLES["articles"].schema.empty_table()]
    spans = [TABLES["statement_spans"].schema.empty_table()]
    emptied = lake.expired(day)
    kept = _kept_words(day, lake) if emptied else {}
    for partition, said in told.items():
        read: list[Article] = []
        try:
            for rows, here in with_texts(lake, partition, said):
                texts: Sequence[str | None]
                if partition in emptied:
                    texts = [None] * here.num_rows
                    words = [
                        kept.get(one, []) for one in here["statement_id"].to_pylist()
                    ]
                else:
                    texts = cut_from = convert.texts_of(here, rows)
                    words = list(convert.words_of(here, cut_from))
                    values = from_arrow(Article, rows)
                    found += [
                        f"{_name(one)}: its text is not its hash"
                        for one in values
                        if ids.digest(one.text) != one.text_sha256
                    ]
                    read += [replace(one, text="") for one in values]
                misquoted += _misquoted(here, texts, words)
                articles.append(convert.articles_table(rows, ""))
                spans.append(_spans(here, words))
        except DamagedError as error:
            found.append(str(error))
        if read and archive.holds(partition) and not archive.expired(partition):
            found += _unlike_archive(partition, read, lake, archive, bounds)
    return pa.concat_tables(articles), pa.concat_tables(spans)


def _spans(told: pa.Table, words: Sequence[Sequence[str]]) -> pa.Table:
    """The rows of spans of the statements that have words for each."""
    places = pc.list_value_length(told["spans"]).to_pylist()
    whole = [len(cut) == n for cut, n in zip(words, places, strict=True)]
    held = told.filter(pa.array(whole, pa.bool_()))
    return convert.spans_table(held, compress(words, whole))


def _kept_words(day: date, lake: Lake) -> dict[str, list[str]]:
    """The published words of each statement's spans, in order."""
    words: dict[str, list[str]] = {}
    spans = lake.load("statement_spans", day, ["statement_id", "text"])
    rows = zip(*(column.to_pylist() for column in spans.columns), strict=True)
    for name, text in rows:
        words.setdefault(name, []).append(text)
    return words


def _unlike_archive(
    partition: Partition,
    articles: Sequence[Article],
    lake: Lake,
    archive: Archive,
    bounds: Bounds,
) -> Iterator[str]:
    """What a partition's answers do not say of its articles, made as ``read`` makes them.

    Only feeds that brought one of them are parsed, and only their entries normalised;
    of what they give no text is held, since it is known by its hash.
    """
    wanted: dict[tuple[str, str], list[Article]] = {}
    for article in articles:
        wanted.setdefault((article.feed_id, article.guid), []).append(article)
    feeds = {feed_id for feed_id, _ in wanted}
    pages: dict[str, PageText] = {}
    own: dict[Key, Draft] = {}

    def offer(article: Article, entry: Entry, page: PageText | None) -> None:
        feed = Feed(id=article.feed_id, url="", outlet=article.outlet)
        draft = to_draft(entry, feed, page, partition.moment)
        if draft is not None and draft.text_sha256 == article.text_sha256:
            held = own.get(_key(article))
            if held is None or held.title != article.title == draft.title:
                own[_key(article)] = replace(draft, text="")

    for answer in archive.salvaged(partition):
        if isinstance(answer, DamagedError):
            continue  # told already
        if answer.kind is Answer.PAGE:
            with suppress(PageError):
                pages[answer.url] = page_text(answer)
        elif 200 <= answer.status < 300 and answer.repeats is None:
            if answer.kind is Answer.FEED and answer.feed_id in feeds:
                with suppress(ParseError):
                    for entry in parse_feed(answer, bounds).entries:
                        for article in wanted.get((entry.feed_id, entry.guid), ()):
                            offer(article, entry, pages.get(entry.link))
    for article in articles:
        held = own.get(_key(article))
        if article.previous is not None and (
            held is None or held.title != article.title
        ):
            for url, page in pages.items():  # one may have come after its entry
                if same_place(page.url, article.url) or same_place(url, article.url):
                    before = _before(article, lake)
                    if before is not None:
                        offer(article, entry_of(before, url), page)
    for article in articles:
        draft = own.get(_key(article))
        if draft is None:
            yield f"{_name(article)}: its text is not what its archived answers say"
        else:
            yield from _headed(article, draft, partition)


def _before(article: Article, lake: Lake) -> Article | None:
    """The revision before this one."""
    assert article.previous is not None
    table = lake.read("articles", Partition.parse(article.previous))
    key = article.article_id, article.revision - 1
    stored = from_arrow(Article, table) if table is not None else []
    return next((a for a in stored if _key(a) == key), None)


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


def _articles(day: date, lake: Lake, made: pa.Table) -> list[str]:
    """Published rows of articles that are not those that are stored."""
    free = ["pipeline_version", *(["n_chars"] if lake.expired(day) else [])]

    def instead(rows: pa.Table, place: pa.ChunkedArray) -> dict[str, Any]:
        hidden = pc.equal(rows["author"], "")  # as of people who are not tracked
        author = pc.if_else(hidden, "", made["author"].take(place))
        return {"author": author} | {name: rows[name] for name in free}

    return _differing("articles", day, lake, made, instead)


def _misquoted(
    told: pa.Table, texts: Sequence[str | None], words: Sequence[Sequence[str]]
) -> Iterator[str]:
    """Statements that are not the words at their place; None for a text that expired."""
    names = ["statement_id", "content", "cue", "source", "context", "context_start"]
    columns = [told[name].to_pylist() for name in names]
    for row, text, cut in zip(zip(*columns, strict=True), texts, words, strict=True):
        name, content, cue, source, context, start = row
        if text is not None:
            if not text.startswith(context, start):
                yield f"statement {name}: its context is not the words around it"
            if cue not in text or source not in text:
                yield f"statement {name}: its cue or source is not in the text"
        if " … ".join(cut) != content:
            yield f"statement {name}: content is not the words at its place"


def _statements(day: date, lake: Lake, told: pa.Table, spans: pa.Table) -> list[str]:
    """Rows of statements, their spans and topics that are not those that are stored."""

    def instead(rows: pa.Table, place: pa.ChunkedArray) -> dict[str, Any]:
        given = zip(
            told["nested"].take(place).to_pylist(),
            rows["nested"].to_pylist(),
            strict=True,
        )
        nested = [  # people who are not tracked were left out
            convert.shown(names, frozenset(named.split("; "))) for names, named in given
        ]
        version = rows["pipeline_version"]
        return {
            "nested": pa.array(nested, pa.string()),
            "pipeline_version": version,
        }

    made = convert.statements_table(told, "")
    return [
        *_differing("statements", day, lake, made, instead),
        *_differing("statement_spans", day, lake, spans),
        *_differing("statement_topics", day, lake, convert.topics_table(told)),
    ]


MOST_TIMES = 1_000
"""That one article has the same words of one figure."""


def _unbound(told: pa.Table) -> list[str]:
    """Statements whose id is not the hash of their article, figure and words."""
    names = ["statement_id", "article_id", "figure_id", "content"]
    rows = zip(*(told[name].to_pylist() for name in names), strict=True)
    return [
        f"statement {own}: its id is not that of its words"
        for own, article, figure, content in rows
        if all(
            own != ids.statement_id(article, figure, content, nth)
            for nth in range(MOST_TIMES)
        )
    ]


def _claims(day: date, lake: Lake, told: pa.Table) -> list[str]:
    """Rows of claims and links that are not what the day's statements make."""
    links = convert.links_table(told, "")

    def instead(rows: pa.Table, _: pa.ChunkedArray) -> dict[str, Any]:
        return {"matcher_version": rows["matcher_version"]}

    return [
        *_differing("claim_links", day, lake, links, instead),
        *_differing("claims", day, lake, claims_table(told, as_of(lake, day))),
    ]


def _noted(day: date, lake: Lake) -> list[str]:
    """Rows of corrections and polls that are not those that were noted."""
    corrections = stored(lake, "corrections", day, Correction)
    polls = convert.polls_table(stored(lake, "feed_health", day, Poll))
    return [
        *_differing("corrections", day, lake, corrections),
        *_differing("feed_health", day, lake, polls),
    ]


COMPARED = 1 << 15
"""Rows that are held beside what they were made from."""


def _as_made(_: pa.Table, __: pa.ChunkedArray) -> dict[str, Any]:
    return {}


def _differing(
    name: str,
    day: date,
    lake: Lake,
    made: pa.Table,
    instead: Callable[[pa.Table, pa.ChunkedArray], Mapping[str, Any]] = _as_made,
) -> list[str]:
    """Rows of a table-day that are not what they were made from, and how many lack.

    ``instead`` gives columns that stand for those of ``made``, from some published rows
    and their places in it.
    """
    key = TABLES[name].key
    there = lake.load(name, day)
    wrong = []
    for start in range(0, there.num_rows, COMPARED):
        rows = there.slice(start, COMPARED)
        place = convert.row_index(rows, made, key)
        wrong += [
            f"table {name}, row {_named(row)}: nothing is stored that it comes from"
            for row in rows.filter(pc.is_null(place)).select(key).to_pylist()
        ]
        rows, place = rows.filter(pc.is_valid(place)), place.drop_null()
        stands_for = instead(rows, place)
        unlike = {
            column: _unlike(
                rows[column],
                stands_for[column]
                if column in stands_for
                else made[column].take(place),
            )
            for column in rows.schema.names
        }
        some = reduce(pc.or_, unlike.values())
        marks = pa.table(unlike).filter(some).to_pylist()
        keys = rows.filter(some).select(key).to_pylist()
        for row, marked in zip(keys, marks, strict=True):
            columns = ", ".join(column for column, is_ in marked.items() if is_)
            wrong.append(
                f"table {name}, row {_named(row)}: {columns} not as it is stored"
            )
    lacking = made.num_rows - there.num_rows
    return wrong + (
        [f"table {name}: {lacking} rows are missing"] if lacking > 0 else []
    )


def _named(key: Row) -> str:
    return ", ".join(map(str, key.values()))


def _unlike(one: pa.ChunkedArray, other: pa.ChunkedArray) -> pa.ChunkedArray:
    """Where two columns differ; a value that is missing in both is the same."""
    values = pc.fill_null(pc.not_equal(one, other), False)
    return pc.or_(values, pc.xor(pc.is_null(one), pc.is_null(other)))


def _references(day: date, lake: Lake) -> list[str]:
    """Bridge tables and links name statements of the same day, and all of them."""
    wrong = []

    def statements_in(name: str) -> set[str]:
        return set(lake.load(name, day, ["statement_id"])["statement_id"].to_pylist())

    known = statements_in("statements")
    for table in TABLES.values():
        if table.refers.get("statement_id") == "statements.statement_id":
            alien = statements_in(table.name) - known
            wrong += [f"{table.name}: no statement {one}" for one in sorted(alien)]
    linked = statements_in("claim_links")
    return wrong + [
        f"claim_links: statement {one} is missing" for one in sorted(known - linked)
    ]
