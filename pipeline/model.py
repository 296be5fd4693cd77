"""The words of the project: frozen values that every room shares.

Offsets are code points, half open. Moments end in ``_at`` and are aware and UTC; a day
is a ``date``. Nothing here does any work beyond reading its own fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Self

LANGUAGE = "en"
"""What the language model reads; articles in other languages are stored, not read."""

# ---------------------------------------------------------------- places and moments


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open range of code points."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"not a span: [{self.start}, {self.end})")

    def __len__(self) -> int:
        return self.end - self.start

    def of(self, text: str) -> str:
        """The words at this place."""
        return text[self.start : self.end]

    def overlaps(self, other: Span) -> bool:
        return self.start < other.end and other.start < self.end

    def holds(self, other: Span) -> bool:
        return self.start <= other.start and other.end <= self.end

    def shift(self, by: int) -> Span:
        return Span(self.start + by, self.end + by)


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """The unit of writing and of running again: a UTC day and the moment within it.

    ``part`` is ``HHMMSS``, so that partitions sort as their moments do.
    """

    day: date
    part: str

    @classmethod
    def at(cls, moment: datetime) -> Self:
        moment = moment.astimezone(UTC)
        return cls(moment.date(), f"{moment:%H%M%S}")

    @classmethod
    def parse(cls, key: str) -> Self:
        """The partition of ``YYYY-MM-DDTHHMMSSZ``."""
        return cls.at(datetime.strptime(key, "%Y-%m-%dT%H%M%SZ").replace(tzinfo=UTC))

    @property
    def moment(self) -> datetime:
        return datetime.strptime(f"{self.day}{self.part}", "%Y-%m-%d%H%M%S").replace(
            tzinfo=UTC
        )

    def __str__(self) -> str:
        return f"{self.day}T{self.part}Z"


# ------------------------------------------------------------------------ collecting


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A source of entries, as an editor configured it."""

    id: str
    url: str
    outlet: str
    country: str = ""
    kind: str = "independent"  # independent, public, state, official
    language: str = "en"
    every_minutes: int = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much of one document is read; beyond it is damage with a name."""

    max_entries: int = 60_000
    max_field: int = 1_000_000  # characters
    max_depth: int = 200  # elements within each other, of a feed or of an entry's HTML


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """What is remembered of a feed between two requests."""

    feed_id: str
    url: str  # where it is asked now; a permanent redirect moves it
    etag: str | None = None
    last_modified: str | None = None
    body_sha256: str | None = None
    failures: int = 0
    due_at: datetime | None = None  # None: at once
    gone: bool = False
    moved_to: str | None = None  # a permanent redirect seen, not yet proved stable
    moved_seen: int = 0
    unchanged_in_row: int = 0
    ttl_minutes: int | None = None  # what the feed last asked for
    quiet_hours: frozenset[int] = frozenset()
    configured_url: str = (
        ""  # as in feeds.toml when it was asked; another starts afresh
    )


class Answer(StrEnum):
    """What a stored response is."""

    FEED = "feed"
    PAGE = "page"
    ROBOTS = "robots"


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One answer, its body as received after transfer and content decoding.

    ``url`` is what was asked, ``final_url`` what answered after redirects. ``feed_id``
    names the feed on whose behalf it was asked. ``truncated`` says that a bound cut it.
    """

    kind: Answer
    feed_id: str
    url: str
    final_url: str
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    fetched_at: datetime
    seconds: float = 0.0
    permanent_url: str | None = None  # target of an unbroken chain of 301 and 308
    truncated: str | None = None  # the bound that cut the body
    repeats: str | None = (
        None  # SHA-256 of the same body archived before; body is empty
    )

    def header(self, name: str) -> str | None:
        return self.headers.get(name.lower())


class PollState(StrEnum):
    """How a poll of a feed ended."""

    OK = "ok"
    UNCHANGED = "unchanged"
    MOVED = "moved"
    GONE = "gone"
    BACKOFF = "backoff"
    DAMAGED = "damaged"
    CHALLENGE = "challenge"
    BLOCKED = "blocked"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """One poll of one feed: a row of ``feed_health``."""

    feed_id: str
    at: datetime
    state: PollState
    http_status: int | None
    reason: str
    entries: int
    bytes: int
    seconds: float
    next_due_at: datetime | None
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One RSS item, Atom entry or JSON Feed item, before cleaning.

    ``html`` is the fullest content the feed gives, ``summary_html`` its short form.
    """

    feed_id: str
    guid: str
    link: str
    title: str
    summary_html: str
    html: str
    author: str = ""
    language: str = ""
    published_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPage:
    """An article page to ask for. ``key`` changes when the entry that wants it does."""

    key: str
    feed_id: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What a feed document holds. ``damage`` names what made it readable only in part."""

    title: str
    entries: tuple[Entry, ...]
    version: str  # rss20, atom10, rss10, json11, ...
    damage: str | None = None
    ttl_minutes: int | None = None
    quiet_hours: frozenset[int] = frozenset()  # of the week, from Monday 00:00 UTC


# ---------------------------------------------------------------------- articles


class DateSource(StrEnum):
    FEED = "feed"
    PAGE = "page"
    FIRST_SEEN = "first_seen"


class TextSource(StrEnum):
    FEED = "feed"
    PAGE = "page"
    SUMMARY = "summary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An article before it has an identity: what one entry and its page say.

    ``text`` is the title, then one paragraph a line, NFC, without markup. ``url`` is
    canonical. ``published_at`` is None where neither feed nor page gives a usable date.
    ``declared`` are the languages that entry, page and feed name, in this order.
    """

    feed_id: str
    url: str
    guid: str
    title: str
    text: str
    text_sha256: str
    text_source: TextSource
    declared: tuple[str, ...]
    author: str
    published_at: datetime | None
    published_at_source: DateSource


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenArticle:
    """What ``read`` remembers of one revision of one article.

    ``shape_sha256`` is the hash of the text without case, marks and spacing: a cosmetic
    edit keeps it. ``signature`` is its MinHash, for finding wire copies.
    """

    article_id: str
    revision: int
    feed_id: str
    url: str
    guid: str
    text_sha256: str
    shape_sha256: str
    text_source: TextSource
    published_at: datetime
    published_at_source: DateSource
    first_seen_at: datetime
    wire_group_id: str
    signature: bytes
    partition: str
    outlet: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadEntry:
    """What ``to_draft`` makes of an entry without its page, under the entry's digest.

    ``article_id`` is that of the draft's URL, whether or not there is such an article.
    """

    digest: bytes
    feed_id: str
    guid: str
    article_id: str
    shape_sha256: str
    text_source: TextSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An entry that was read before, and what is on record where it belongs.

    ``latest_shape`` and ``latest_source`` are of the last revision of its article, None
    where there is none. ``contested`` says that its GUID led to another article, too.
    """

    article_id: str
    shape_sha256: str
    text_source: TextSource
    latest_shape: str | None
    latest_source: TextSource | None
    contested: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """An entry made uniform: ``text`` is the title, then one paragraph a line, NFC.

    ``article_id`` is given at first sight and never changes; an edited text is a new
    ``revision`` (from 1). ``first_seen_at`` is the moment of this revision's partition.
    """

    article_id: str
    revision: int
    feed_id: str
    outlet: str
    country: str
    outlet_kind: str
    url: str  # canonical
    guid: str
    title: str
    text: str
    text_sha256: str
    text_source: TextSource
    language: str
    author: str
    published_at: datetime
    published_at_source: DateSource
    first_seen_at: datetime
    backlog: bool
    wire_group_id: str
    previous: str | None = None  # partition that holds the revision before this one


# -------------------------------------------------------------------- statements


class FigureKind(StrEnum):
    PERSON = "person"
    INSTITUTION = "institution"


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """An office that a figure holds or held, with its dates (``until`` is exclusive).

    ``also`` are phrases that mean whoever holds this office ('Kremlin chief');
    ``leads`` says that the holder is called 'the <adjective> leader'.
    """

    title: str
    of: str = ""
    since: date | None = None
    until: date | None = None
    leads: bool = False
    also: tuple[str, ...] = ()

    def held_on(self, day: date) -> bool:
        return (self.since is None or self.since <= day) and (
            self.until is None or day < self.until
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A tracked person or institution. ``id`` is its Wikidata item, or ``x-...``.

    ``names`` are all spellings, the canonical one first. ``speaks_for`` names the
    figure whose spokesperson this is.
    """

    id: str
    name: str
    kind: FigureKind
    names: tuple[str, ...]
    pronoun: str = ""  # he, she, it, they
    country: str = ""
    offices: tuple[Office, ...] = ()
    speaks_for: str | None = None
    wikidata: str | None = None
    ambiguous: tuple[str, ...] = ()  # spellings that need an introduction in the text


class Voice(StrEnum):
    DIRECT = "direct"
    INDIRECT = "indirect"
    MIXED = "mixed"


class Act(StrEnum):
    """What kind of act the attribution is; ``attitude`` marks what was not said."""

    ASSERTS = "asserts"
    DENIES = "denies"
    THREATENS = "threatens"
    PROMISES = "promises"
    CALLS_FOR = "calls-for"
    ACCUSES = "accuses"
    PREDICTS = "predicts"
    OTHER = "other"
    ATTITUDE = "attitude"


class MentionKind(StrEnum):
    NAME = "name"
    ROLE = "role"
    PRONOUN = "pronoun"
    BODY = "body"
    GROUP = "group"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Source, cue and content as found in the text, before anyone is recognised.

    The terms are those of PARC 3.0 (Pareti 2016): ``content`` may be several spans, in
    text order; ``cue`` is the reporting word; ``source`` is the speaker as written at
    the cue. ``method`` names the rule or model that found it.
    """

    content: tuple[Span, ...]
    cue: Span | None
    source: Span | None
    voice: Voice
    method: str
    confidence: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Whose words they are. ``figure_id`` is None for people who are not tracked."""

    name: str
    figure_id: str | None
    wikidata: str | None
    leader: bool
    mention: Span | None
    mention_kind: MentionKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """A statement as extraction finds it: an attribution with its speaker.

    ``about_topic`` and ``subtopics`` are of one topic file. ``said_on`` is the day on
    which the words were spoken, where the text says that they are old.
    """

    attribution: Attribution
    speaker: Speaker
    act: Act
    about_topic: bool
    subtopics: tuple[str, ...]
    nested: tuple[str, ...]
    said_on: date | None
    is_old: bool
    in_title: bool
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A tracked figure's statement on record: the row that everything later speaks of.

    ``content`` is the text of all spans joined by ' … '. ``statement_id`` depends on
    the article, speaker, normalised content and n-th occurrence only.
    """

    statement_id: str
    article_id: str
    revision: int
    figure_id: str
    figure: str
    outlet: str
    wire_group_id: str
    language: str
    published_at: datetime
    first_seen_at: datetime
    backlog: bool
    spans: tuple[Span, ...]
    content: str
    voice: Voice
    cue: str
    source: str
    mention_kind: MentionKind
    act: Act
    topic: str
    about_topic: bool
    subtopics: tuple[str, ...]
    nested: tuple[str, ...]
    said_on: date | None
    is_old: bool
    in_title: bool
    context: str
    context_start: int
    url: str
    title: str
    outlet_kind: str
    country: str
    method: str
    model_version: str
    confidence: float
    known: bool = False  # on record already, from an earlier revision of this article


class CorrectionKind(StrEnum):
    CHANGED = "changed"
    WITHDRAWN = "withdrawn"
    WIRE_MERGED = "wire_merged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What an edit did to a statement that was already on record.

    Of ``wire_merged`` there is no statement: the article is a copy of articles in two
    wire groups, ``wire_group_id`` and the earlier one, ``merged_into``.
    """

    correction_id: str
    kind: CorrectionKind
    article_id: str
    revision: int
    statement_id: str
    new_statement_id: str | None
    old_sha256: str
    new_sha256: str | None
    at: datetime
    wire_group_id: str | None = None
    merged_into: str | None = None


# ------------------------------------------------------------------------- claims


class RelationKind(StrEnum):
    NEW = "new"
    REREPORTED = "rereported"
    REPEATED = "repeated"
    CHANGED = "changed"
    CONTRADICTS = "contradicts"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What matching needs of one statement: the words, the day, the place."""

    statement_id: str
    figure_id: str
    content: str
    said_on: date
    is_old: bool
    about_topic: bool
    voice: Voice
    wire_group_id: str
    article_id: str
    first_seen_at: datetime
    claim_id: str = ""  # empty until matched
    utterance_id: str = ""
    denied: bool = False  # reported as denied: the words are what was not so
    dated: bool = False  # the text itself says on which day it was said
    cue: str = ""  # how it was reported: 'repeated' says that it is not the first time
    prepared: str = ""  # its features, as they are kept on record
    sketch: bytes = b""  # hashes of them, likewise: how alike it can be to another
    vector: bytes = b""  # what it means, in signed bytes; empty where nobody reads it
    revision: int = 1  # of the article that the spans are of
    spans: tuple[Span, ...] = ()
    in_title: bool = False
    context_start: int = -1  # where the kept part of its paragraph begins, if known
    published_at: datetime | None = None  # its article; None on records of long ago

    @classmethod
    def of(
        cls, statement: Statement, claim_id: str = "", utterance_id: str = ""
    ) -> Self:
        """Of a statement; its day is the one the text says, else that of publication."""
        return cls(
            statement_id=statement.statement_id,
            figure_id=statement.figure_id,
            content=statement.content,
            said_on=statement.said_on or statement.published_at.date(),
            is_old=statement.is_old,
            about_topic=statement.about_topic,
            voice=statement.voice,
            wire_group_id=statement.wire_group_id,
            article_id=statement.article_id,
            first_seen_at=statement.first_seen_at,
            claim_id=claim_id,
            utterance_id=utterance_id,
            denied=statement.act is Act.DENIES and statement.voice is not Voice.DIRECT,
            dated=statement.said_on is not None,
            cue=statement.cue,
            revision=statement.revision,
            spans=statement.spans,
            in_title=statement.in_title,
            context_start=statement.context_start,
            published_at=statement.published_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A statement's relation to the figure's record, with the reasons for it.

    ``earlier_id`` is the statement it was compared with; None when ``new`` met nothing
    alike. ``score`` is the matcher's confidence in ``kind``, 0 to 1.
    """

    statement_id: str
    kind: RelationKind
    claim_id: str
    utterance_id: str
    earlier_id: str | None
    earlier_claim_id: str | None
    score: float
    reasons: tuple[str, ...]


# ------------------------------------------------------------------------- tables


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDay:
    """A published table-day as it was written: an entry of its table's manifest.

    ``made_from`` is one SHA-256 over those of the working partitions that it was made
    from, for articles of the archive's files too.
    """

    rows: int
    bytes: int
    sha256: str
    schema_version: str
    code_version: str
    made_from: str


# ------------------------------------------------------------------------- alerts


class AlertKind(StrEnum):
    ALERT = "alert"
    RETRACTION = "retraction"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """Which claims a newsroom wants told, and where to."""

    id: str
    channels: tuple[str, ...]
    figures: tuple[str, ...] = ()  # empty: every tracked figure
    topics: tuple[str, ...] = ()  # sub-topics; empty: anything on the topic
    acts: tuple[str, ...] = ()
    relations: tuple[str, ...] = ("new", "changed", "contradicts")
    min_confidence: float = 0.0
    min_independent: int = 1
    outlet_kinds: tuple[str, ...] = ()
    enabled: bool = True  # one that is switched off can still be tested
    time_zone: str = "UTC"  # of quiet_hours and digest_at
    quiet_hours: tuple[time, time] | None = None  # from, to; past midnight if from > to
    cooldown: timedelta = timedelta()  # after telling of a figure, this long nothing
    digest_at: tuple[time, ...] = ()  # empty: each at once


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimState:
    """A claim as rules and messages see it: its first report, what came before, counts."""

    claim_id: str
    relation: Relation
    statement: Statement
    earlier: Statement | None
    outlets: tuple[str, ...]
    n_independent: int
    links: tuple[str, ...] = ()  # one an outlet, in the same order; or none at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A claim's state that a rule wants told on one channel. ``alert_id`` is its key.

    ``due_at`` is when it may go out, None at once; what is due for one rule and channel
    at one such moment goes out together. ``thread`` is the alert that a retraction
    takes back.
    """

    alert_id: str
    kind: AlertKind
    rule_id: str
    channel: str
    claim_id: str
    figure_id: str
    figure: str
    relation: RelationKind
    statement_id: str
    created_at: datetime
    subject: str
    body: str
    payload: Mapping[str, object]
    due_at: datetime | None = None
    thread: str | None = None
    forms: Mapping[str, str] = field(default_factory=dict)  # html, slack, telegram


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A claim none of whose reports stands any more, and the edit that took the last.

    ``now`` are the words that stand in its place; None where they were withdrawn.
    """

    state: ClaimState
    correction: Correction
    now: Statement | None


class Verdict(StrEnum):
    """What an editor decided about a claim."""

    MERGE = "merge"  # it is the same as another one
    SPLIT = "split"  # a statement was joined to it and is a claim of its own
    WRONG = "wrong"  # its alert was wrong
    DUPLICATE = "duplicate"  # its alert told what was told before
    RIGHT = "right"  # its alert was right; takes an earlier mark back


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """An editor's decision, kept as data and applied again whenever claims are made.

    ``statement_id`` is the statement that is joined or set apart; for a mark, the first
    of the claim. ``into`` is the statement whose claim it joins. Statements are named,
    for their ids outlive any regrouping.
    """

    verdict: Verdict
    claim_id: str
    statement_id: str
    into: str | None = None
    by: str = ""
    note: str = ""
    at: datetime


class DeliveryState(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"  # will be tried again
    DEAD = "dead"  # will not


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One attempt to send one alert."""

    alert_id: str
    channel: str
    attempt: int
    at: datetime
    state: DeliveryState
    reason: str


# ------------------------------------------------------------------------ reports


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Rows written and failures of one step; failures are lines a person can read."""

    step: str
    rows: int = 0
    failures: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)


BACKLOG_AFTER = timedelta(days=7)
"""An entry older than this at first sight is history, never news."""
