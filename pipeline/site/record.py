"""A day's claims as a reader meets them: words, source, earlier position, reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pipeline.site import words
from pipeline.site.differences import Piece, pieces
from pipeline.site.rows import Frame, Row, rows

RELATIONS = ("contradicts", "changed", "uncertain", "new")
"""What opens a claim, in the order in which a reader should meet it."""

MAX_NAME, MAX_TITLE, MAX_REASON, MAX_AROUND = 80, 160, 160, 200
MAX_OTHERS = 8


@dataclass(frozen=True, slots=True)
class Source:
    """Where it stands: one article of one outlet."""

    outlet: str
    kind: str
    title: str
    url: str
    at: str


@dataclass(frozen=True, slots=True)
class Words:
    """What was said. ``voice`` is direct, mixed or indirect; ``before`` and ``after``
    stand around the figure's name in front of words that are not quoted."""

    voice: str
    before: str
    after: str
    pieces: tuple[Piece, ...]
    language: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """The statement that it was compared with, or its claim, as far as it is given."""

    words: Words | None
    source: Source | None
    first_seen: str
    claim_id: str


@dataclass(frozen=True, slots=True)
class Item:
    """One claim of the day; or, for ``repeated`` and ``rereported``, one said before."""

    claim_id: str
    statement_id: str
    article_id: str
    figure_id: str
    figure: str
    relation: str
    act: str
    cue: str
    subtopics: tuple[str, ...]
    words: Words
    short: Words
    source: Source
    others: tuple[Source, ...]
    reports: str
    confidence: str
    confidence_parts: str
    notes: tuple[str, ...]
    reasons: tuple[str, ...]
    context: tuple[Piece, ...]
    earlier: Earlier | None


@dataclass(slots=True)
class Record:
    """The tables of a day and what is given of the days before, ready to look up."""

    day: date
    tables: Mapping[str, Frame]
    history: Mapping[str, Frame]
    names: Mapping[str, str]
    statements: dict[str, Row] = field(default_factory=dict)
    claims: dict[str, Row] = field(default_factory=dict)
    links: dict[str, Row] = field(default_factory=dict)
    members: dict[str, list[Row]] = field(default_factory=dict)
    subtopics: dict[str, list[str]] = field(default_factory=dict)
    held: dict[str, list[Row]] = field(default_factory=dict)

    def rows(self, name: str) -> list[Row]:
        """The day's rows of a table, made once: a crowded page is tried a dozen times."""
        if name not in self.held:
            self.held[name] = rows(self.tables, name)
        return self.held[name]

    def __post_init__(self) -> None:
        for said, claims in (
            (rows(self.history, "statements"), rows(self.history, "claims")),
            (self.rows("statements"), self.rows("claims")),
        ):
            self.statements |= {r["statement_id"]: r for r in said}
            self.claims |= {r["claim_id"]: r for r in claims}
        today = {r["statement_id"]: r for r in self.rows("statements")}
        for link in self.rows("claim_links"):
            self.links[link["statement_id"]] = link
            if link["statement_id"] in today:
                one = today[link["statement_id"]]
                self.members.setdefault(link["claim_id"], []).append(one)
        for members in self.members.values():
            members.sort(
                key=lambda r: (r["first_seen_at"], r["published_at"], r["url"])
            )
        for row in self.rows("statement_topics"):
            self.subtopics.setdefault(row["statement_id"], []).append(row["subtopic"])

    def named(self, slug: str) -> str:
        """The name of a topic or sub-topic; its id as words where it has none."""
        return words.plain(self.names.get(slug, ""), 60) or words.slug_words(slug)


@dataclass(frozen=True, slots=True)
class Found:
    """A claim that the page may show: a report of it and what it is to the record."""

    said: Row
    claim: Mapping[str, Any]
    relation: str
    sure: float

    @property
    def claim_id(self) -> str:
        return str(self.claim["claim_id"])

    @property
    def n_independent(self) -> int:
        """0 where the claim was counted on another day."""
        opened = self.relation in RELATIONS
        return int(self.claim.get("n_independent", 0)) if opened else 0


def news(record: Record) -> list[Found]:
    """The claims opened on the day, on the topic, from no backlog: what contradicts
    first, then what changed, is uncertain, is new; within these the best carried
    first."""
    found = []
    for claim in record.rows("claims"):
        first = record.statements.get(claim["first_statement_id"])
        if first and claim["about_topic"] and not first["backlog"]:
            found.append(_found(record, first, claim, claim["opened_by"]))
    return sorted(found, key=_weight)


def _found(record: Record, said: Row, claim: Mapping[str, Any], relation: str) -> Found:
    link = record.links.get(said["statement_id"], {})
    sure = min(said["confidence"], link.get("score", said["confidence"]))
    return Found(said, claim, relation, sure)


def _weight(one: Found) -> tuple[int, int, float, str]:
    return (
        RELATIONS.index(one.relation),
        -one.n_independent,
        -one.sure,
        one.claim_id,
    )


def said_again(record: Record) -> list[Found]:
    """Claims of earlier days that came again, by figure, one a claim; ``relation`` is
    repeated if any report of the day is of another occasion."""
    opened = {row["claim_id"] for row in record.rows("claims")}
    found = []
    for claim_id, members in record.members.items():
        told = [m for m in members if m["about_topic"] and not m["backlog"]]
        if claim_id in opened or not told:
            continue
        kinds = {m["statement_id"]: _relation(record, m) for m in told}
        first = next(
            (m for m in told if kinds[m["statement_id"]] == "repeated"), told[0]
        )
        claim = record.claims.get(claim_id, {"claim_id": claim_id})
        found.append(_found(record, first, claim, kinds[first["statement_id"]]))
    return sorted(
        found,
        key=lambda one: (
            words.plain(one.said["figure"], MAX_NAME),
            one.relation != "repeated",
            one.claim_id,
        ),
    )


def _relation(record: Record, statement: Row) -> str:
    return str(record.links[statement["statement_id"]]["relation"])


def item_of(record: Record, found: Found, limit: int) -> Item:
    """A claim as the page shows it; ``limit`` bounds the characters of its words."""
    said, claim, relation = found.said, found.claim, found.relation
    link = record.links.get(said["statement_id"], {})
    figure = words.plain(said["figure"], MAX_NAME)
    content = words.plain(said["content"], limit)
    earlier, mine = _earlier(record, said, link, claim, relation, content)
    reports = record.members.get(claim["claim_id"], []) or [said]
    sources = _sources(record.day, said, reports)
    score = link.get("score", said["confidence"])
    n_outlets = max(len(sources), int(claim.get("n_outlets", 0)))
    if relation not in RELATIONS:  # its claim was counted on another day
        n_outlets = len(sources)
    return Item(
        claim_id=claim["claim_id"],
        statement_id=said["statement_id"],
        article_id=said["article_id"],
        figure_id=said["figure_id"],
        figure=figure,
        relation=relation,
        act=words.ACTS.get(said["act"], "says"),
        cue=words.plain(said["cue"], 40),
        subtopics=tuple(map(record.named, _topics(record, said))),
        words=_words(said, figure, mine, content),
        short=_words(said, figure, [Piece(words.plain(content, 140))], content),
        source=sources[0],
        others=tuple(sources[1 : MAX_OTHERS + 1]),
        reports=_reports(n_outlets, found.n_independent, claim.get("n_utterances", 1)),
        confidence=words.confidence(found.sure),
        confidence_parts=f"extraction {said['confidence']:.2f}, relation {score:.2f}",
        notes=_notes(record.day, said),
        reasons=_reasons(link),
        context=_context(said["context"], said["content"]),
        earlier=earlier,
    )


def _topics(record: Record, said: Row) -> list[str]:
    return sorted(record.subtopics.get(said["statement_id"], []))[:4]


def _words(said: Row, figure: str, parts: Sequence[Piece], content: str) -> Words:
    direct = said["voice"] == "direct"
    language = words.plain(said["language"], 12)
    before, after = words.lead(figure, said["cue"], content, said["language"])
    return Words(
        voice=said["voice"],
        before="" if direct else before,
        after="" if direct else after,
        pieces=tuple(parts),
        language="" if language in ("", "und") else language,
    )


def _earlier(
    record: Record,
    said: Row,
    link: Mapping[str, Any],
    claim: Mapping[str, Any],
    relation: str,
    content: str,
) -> tuple[Earlier | None, list[Piece]]:
    """The earlier position with its words in pieces, and the words of now in pieces."""
    alone = [Piece(_inner(said, content))]
    statement_id = link.get("earlier_statement_id")
    claim_id = link.get("earlier_claim_id") or claim.get("earlier_claim_id") or ""
    if relation == "new" or not (statement_id or claim_id):
        return None, alone
    old = record.statements.get(statement_id or "")
    whole = record.claims.get(claim_id)
    if old is None and whole is not None:
        old = record.statements.get(whole["first_statement_id"])
    if old is None and whole is None:
        return Earlier(None, None, "", claim_id), alone
    known: Row = old or whole or {}
    text = words.plain(known["content"], max(len(content), 300))
    before, now = pieces(_inner(known, text), _inner(said, content))
    figure = words.plain(known["figure"], MAX_NAME)
    if old is None:  # only the claim is given: whether it was a quotation is not known
        shown = Words("unknown", "", "", tuple(before), "")
    else:
        shown = _words(old, figure, before, text)
    seen = words.short_day(known["first_seen_at"].date(), record.day)
    source = _source(record.day, old) if old else None
    return Earlier(shown, source, seen, claim_id), now


def _inner(said: Row, content: str) -> str:
    return words.unquoted(content) if said.get("voice") == "direct" else content


def _sources(day: date, said: Row, reports: Sequence[Row]) -> list[Source]:
    """One an outlet, the statement's own first, then in order of appearance."""
    found = {said["outlet"]: _source(day, said)}
    for report in reports:
        if report["outlet"] not in found:
            found[report["outlet"]] = _source(day, report)
    return list(found.values())


def _source(day: date, said: Row) -> Source:
    return Source(
        outlet=words.plain(said["outlet"], MAX_NAME) or "an unnamed outlet",
        kind=words.OUTLET_KINDS.get(said["outlet_kind"], ""),
        title=words.plain(said["title"], MAX_TITLE) or "untitled article",
        url=words.link(said["url"]),
        at=words.moment(said["published_at"], day),
    )


def _reports(n_outlets: int, n_independent: int, n_utterances: int) -> str:
    parts = [words.count(n_outlets, "outlet")]
    if n_independent and n_outlets > 1:
        parts.append(f"{n_independent} independent")
    if n_utterances > 1:
        parts.append(f"on {n_utterances} occasions")
    return ", ".join(parts)


def _notes(day: date, said: Row) -> tuple[str, ...]:
    notes = []
    if said["said_on"]:
        notes.append(f"words of {words.short_day(said['said_on'].date(), day)}")
    elif said["is_old"]:
        notes.append("older words, says the article")
    if said["nested"]:
        notes.append(f"citing {words.plain(said['nested'], MAX_NAME)}")
    if said["in_title"]:
        notes.append("in the headline")
    if said["act"] == "attitude":
        notes.append("an attitude reported, not words spoken")
    return tuple(notes)


def _reasons(link: Mapping[str, Any]) -> tuple[str, ...]:
    reasons = str(link.get("reasons", "")).replace("->", "→").split("; ")
    return tuple(words.plain(reason, MAX_REASON) for reason in reasons[:4] if reason)


def _context(context: str, content: str) -> tuple[Piece, ...]:
    """What stands around the words, at most 200 characters, the words marked in their
    place and shortened."""
    found, at = [], 0
    for part in content.split(" … "):
        start = context.find(part, at)
        if start < 0 or not part:
            return (Piece(words.plain(context, MAX_AROUND)),)
        found += [Piece(context[at:start]), Piece(part, True)]
        at = start + len(part)
    found.append(Piece(context[at:]))
    if all(piece.differs or not piece.text.strip() for piece in found):
        return ()
    room, shown = MAX_AROUND, []
    for piece in found:
        if piece.differs:
            shown.append(Piece(_short(piece.text), True))
        elif piece.text and room:
            cut = _near(piece.text, room, last=piece is found[0])
            room -= len(cut)
            left = " " if piece.text[:1].isspace() else ""
            right = " " if piece.text[-1:].isspace() else ""
            shown.append(Piece(f"{left}{cut}{right}"))
    return tuple(shown)


def _near(text: str, room: int, *, last: bool) -> str:
    """The part next to the words: the last or the first so many characters."""
    near = words.plain(text[-2 * room :] if last else text[: 2 * room], 2 * room)
    return near[-room:] if last else near[:room]


def _short(text: str) -> str:
    if len(text) <= 90:
        return words.plain(text, 90)
    return f"{words.plain(text[:45], 45)} … {words.plain(text[-40:], 40)}"
