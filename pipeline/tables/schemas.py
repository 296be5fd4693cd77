"""The registry of fields: the one place where a published column is defined.

Arrow schemas, the data dictionary (docs/tables.md) and the checks on write come from
it. Published tables are flat: lists are bridge tables, days are midnights in UTC, so
that pandas needs no object column. Fields are only ever added, at the end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

import pyarrow as pa

STRING = pa.string()
INT = pa.int64()
FLOAT = pa.float64()
BOOL = pa.bool_()
MOMENT = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True, slots=True)
class Field:
    """A column. ``allowed`` lists an enumeration; ``unit`` is said where a type is not
    enough; ``least`` and ``most`` bound a number, both inclusive.

    ``nature`` says of strings that hardly repeat what they are, ``prose`` or ``hash``:
    Parquet then writes no dictionary, and bounds only where the table is sorted by it.
    """

    name: str
    type: pa.DataType
    description: str
    nullable: bool = False
    unit: str = ""
    allowed: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    nature: str = ""

    @property
    def range(self) -> str:
        """The bounds of a number in words; empty where there are none."""
        if self.least is None:
            return ""
        most = " or more" if self.most is None else f" to {self.most:g}"
        return f"{self.least:g}{most}"


@dataclass(frozen=True)
class Table:
    """A published table. ``day`` says what its partition date is the day of.

    ``refers`` are foreign keys within the day. ``ordered`` are pairs of columns of which
    the first is never after the second. ``within`` bounds an offset by the length of the
    text that the row's article and revision name. ``group`` is the first column of the
    order, at whose changes row groups end.
    """

    name: str
    description: str
    key: tuple[str, ...]
    day: str
    fields: tuple[Field, ...]
    sort: tuple[str, ...] = ()
    rebuilt: bool = True  # byte-identical when rebuilt from the same archive
    refers: Mapping[str, str] = field(default_factory=dict)  # column -> table.column
    ordered: tuple[tuple[str, str], ...] = ()
    within: Mapping[str, str] = field(default_factory=dict)  # column -> table.column
    group: str | None = None

    @cached_property
    def schema(self) -> pa.Schema:
        """The Arrow schema, descriptions in its metadata."""
        return pa.schema(
            [
                pa.field(
                    f.name,
                    f.type,
                    nullable=f.nullable,
                    metadata={"description": f.description}
                    | ({"unit": f.unit} if f.unit else {})
                    | ({"allowed": ", ".join(f.allowed)} if f.allowed else {})
                    | ({"range": f.range} if f.range else {}),
                )
                for f in self.fields
            ],
            metadata={
                "table": self.name,
                "description": self.description,
                "key": ", ".join(self.key),
                "schema_version": SCHEMA_VERSION,
                "pandas": json.dumps(self._pandas),
            },
        )

    @property
    def _pandas(self) -> dict[str, Any]:
        """What pandas reads first: a whole number that may be missing stays whole."""
        return {
            "index_columns": [],
            "column_indexes": [],
            "columns": [
                {
                    "name": f.name,
                    "field_name": f.name,
                    "pandas_type": "int64",
                    "numpy_type": "Int64",
                    "metadata": None,
                }
                for f in self.fields
                if f.nullable and f.type == INT
            ],
        }

    @property
    def repeating(self) -> list[str]:
        """Columns that Parquet writes with a dictionary."""
        return [f.name for f in self.fields if f.type == STRING and not f.nature]

    @property
    def bounded(self) -> list[str]:
        """Columns of which Parquet keeps the least and the greatest value."""
        order = self.sort or self.key
        return [f.name for f in self.fields if not f.nature or f.name in order]

    @property
    def order(self) -> list[tuple[str, str]]:
        return [(name, "ascending") for name in (self.sort or self.key)]


SCHEMA_VERSION = "1"

REVISION = ("article_id", "revision")
"""The key of a text."""

VOICES = ("direct", "indirect", "mixed")
ACTS = (
    "asserts", "denies", "threatens", "promises", "calls-for", "accuses", "predicts",
    "other", "attitude",
)  # fmt: skip
RELATIONS = (
    "new", "rereported", "repeated", "changed", "contradicts", "uncertain",
)  # fmt: skip
KINDS = ("independent", "public", "state-funded", "state", "official")

_ARTICLE = Field(
    "article_id", STRING, "The article; hash of its canonical URL.", nature="hash"
)
_STATEMENT = Field(
    "statement_id",
    STRING,
    "The statement; hash of article, figure, normalised content and n-th occurrence.",
    nature="hash",
)
_FIGURE = Field(
    "figure_id", STRING, "Wikidata item of the figure, or x-... where none."
)
_NAME = Field("figure", STRING, "Canonical name of the figure.")
_SEEN = Field("first_seen_at", MOMENT, "Moment of the pass that first saw it.")
_PUBLISHED = Field(
    "published_at", MOMENT, "Moment of publication, never after it was first seen."
)
_OUTLET = Field("outlet", STRING, "Name of the outlet.")
_KIND = Field("outlet_kind", STRING, "Who stands behind the outlet.", allowed=KINDS)
_COUNTRY = Field("country", STRING, "Country of the outlet.")
_LANGUAGE = Field("language", STRING, "Language of the text, ISO 639-1; 'und' unknown.")
_URL = Field("url", STRING, "Canonical URL of the article.", nature="prose")
_WIRE = Field(
    "wire_group_id",
    STRING,
    "Articles that carry one wire story share this id.",
    nature="hash",
)
_CLAIM = Field(
    "claim_id", STRING, "The claim; hash of its first statement's id.", nature="hash"
)
_UTTERANCE = Field(
    "utterance_id",
    STRING,
    "One occasion of speaking, over all reports of it.",
    nature="hash",
)
_RELATION = Field(
    "relation",
    STRING,
    "To what the figure said before: new, rereported (same occasion), repeated "
    "(another occasion), changed (another number, date, place, degree), contradicts, "
    "uncertain.",
    allowed=RELATIONS,
)
_VERSION = Field("pipeline_version", STRING, "Version of onrecord that wrote the row.")

_DAILY = (
    Field("day", MOMENT, "Day of publication, midnight UTC."),
    _FIGURE,
    _NAME,
    Field("topic", STRING, "The topic file."),
    Field("subtopic", STRING, "Sub-topic, or 'all' for the whole topic."),
)
_COUNTED = (
    Field("n_statements", INT, "Reports, wire copies included.", least=0),
    Field("n_utterances", INT, "Occasions of speaking.", least=0),
    Field("n_outlets", INT, "Outlets that reported.", least=0),
    Field(
        "n_direct",
        INT,
        "Direct quotations among the statements.",
        least=0,
    ),
    Field(
        "n_new_claims",
        INT,
        "Claims opened by these statements.",
        least=0,
    ),
    Field(
        "n_contradictions",
        INT,
        "Of these, contradicting earlier ones.",
        least=0,
    ),
    Field(
        "n_late",
        INT,
        "Seen on this day, published over 7 days before.",
        least=0,
    ),
)

TABLES: Mapping[str, Table] = MappingProxyType(
    {
        table.name: table
        for table in (
            Table(
                "articles",
                "One row per article and revision. The full text stays in the private "
                "store; text_sha256 proves it.",
                REVISION,
                "first_seen_at",
                (
                    _ARTICLE,
                    Field(
                        "revision",
                        INT,
                        "1 at first sight, one more at each edit.",
                        least=1,
                    ),
                    _WIRE,
                    Field("feed_id", STRING, "The feed that brought it."),
                    _OUTLET,
                    _KIND,
                    _COUNTRY,
                    _LANGUAGE,
                    Field("title", STRING, "The headline.", nature="prose"),
                    _URL,
                    Field(
                        "author",
                        STRING,
                        "As the feed gives it; empty unless setting `names` is all.",
                    ),
                    _PUBLISHED,
                    Field(
                        "published_at_source",
                        STRING,
                        "Where published_at comes from.",
                        allowed=("feed", "page", "first_seen"),
                    ),
                    _SEEN,
                    Field(
                        "backlog",
                        BOOL,
                        "Older than 7 days at first sight: history, never news.",
                    ),
                    Field(
                        "text_source",
                        STRING,
                        "Where the text comes from.",
                        allowed=("feed", "page", "summary"),
                    ),
                    Field(
                        "text_sha256",
                        STRING,
                        "SHA-256 of the text in UTF-8.",
                        nature="hash",
                    ),
                    Field(
                        "n_chars",
                        INT,
                        "Length of the text.",
                        unit="code points",
                        least=0,
                    ),
                    _VERSION,
                ),
                ordered=(("published_at", "first_seen_at"),),
            ),
            Table(
                "statements",
                "One row per statement of a tracked figure, on and off the topic.",
                ("statement_id",),
                "first_seen_at",
                (
                    _STATEMENT,
                    _ARTICLE,
                    Field(
                        "revision",
                        INT,
                        "Revision of the article that offsets count in.",
                        least=1,
                    ),
                    _FIGURE,
                    _NAME,
                    Field(
                        "content",
                        STRING,
                        "The words; several spans joined by ' … '.",
                        nature="prose",
                    ),
                    Field("voice", STRING, "Kind of quotation.", allowed=VOICES),
                    Field("act", STRING, "What the attribution does.", allowed=ACTS),
                    Field("cue", STRING, "The reporting words; empty if none."),
                    Field("source", STRING, "The speaker as written at the cue."),
                    Field(
                        "mention_kind",
                        STRING,
                        "How the speaker is named there.",
                        allowed=("name", "role", "pronoun", "body", "group", "none"),
                    ),
                    Field("start", INT, "First code point of the first span.", least=0),
                    Field(
                        "end",
                        INT,
                        "After the last code point of the last span.",
                        least=0,
                    ),
                    Field("n_spans", INT, "Rows in statement_spans.", least=1),
                    Field("topic", STRING, "Topic file that about_topic speaks of."),
                    Field(
                        "about_topic", BOOL, "Whether the statement is on the topic."
                    ),
                    Field("is_old", BOOL, "The text says that the words are old."),
                    Field(
                        "said_on",
                        MOMENT,
                        "Day on which the words were spoken, where the text says it.",
                        nullable=True,
                    ),
                    Field("in_title", BOOL, "Whether it stands in the headline."),
                    Field(
                        "nested",
                        STRING,
                        "Inner speakers who are tracked, joined by '; '.",
                    ),
                    Field(
                        "context",
                        STRING,
                        "The words around it, shortened.",
                        nature="prose",
                    ),
                    _OUTLET,
                    _KIND,
                    _COUNTRY,
                    _LANGUAGE,
                    Field(
                        "title", STRING, "The headline of the article.", nature="prose"
                    ),
                    _URL,
                    _WIRE,
                    _PUBLISHED,
                    _SEEN,
                    Field("backlog", BOOL, "From an article that is history."),
                    Field(
                        "confidence",
                        FLOAT,
                        "How sure the extractor is of content and speaker.",
                        least=0,
                        most=1,
                    ),
                    Field("method", STRING, "The rule or model that found it."),
                    Field("model_version", STRING, "Version of the language model."),
                    _VERSION,
                ),
                refers={"article_id": "articles.article_id"},
                sort=("figure_id", "first_seen_at", "statement_id"),
                group="figure_id",
                ordered=(("start", "end"), ("published_at", "first_seen_at")),
            ),
            Table(
                "statement_spans",
                "The places of each statement in the text of its article's revision.",
                ("statement_id", "span"),
                "first_seen_at",
                (
                    _STATEMENT,
                    Field("span", INT, "From 0, in text order.", least=0),
                    _ARTICLE,
                    Field(
                        "revision", INT, "Revision that the offsets count in.", least=1
                    ),
                    Field(
                        "start", INT, "First code point.", unit="code points", least=0
                    ),
                    Field(
                        "end",
                        INT,
                        "After the last code point.",
                        unit="code points",
                        least=0,
                    ),
                    Field("text", STRING, "Exactly text[start:end].", nature="prose"),
                ),
                refers={"statement_id": "statements.statement_id"},
                ordered=(("start", "end"),),
                within={"end": "articles.n_chars"},
            ),
            Table(
                "statement_topics",
                "The sub-topics of each statement.",
                ("statement_id", "topic", "subtopic"),
                "first_seen_at",
                (
                    _STATEMENT,
                    Field("topic", STRING, "The topic file."),
                    Field("subtopic", STRING, "Its sub-topic."),
                ),
                refers={"statement_id": "statements.statement_id"},
            ),
            Table(
                "claims",
                "What figures said, over all utterances; those first seen on the day, "
                "counted as of the day's last pass.",
                ("claim_id",),
                "first_seen_at",
                (
                    _CLAIM,
                    _FIGURE,
                    _NAME,
                    Field(
                        "content",
                        STRING,
                        "The words of its first statement.",
                        nature="prose",
                    ),
                    Field("topic", STRING, "The topic file."),
                    Field("about_topic", BOOL, "Whether its first statement is on it."),
                    Field("act", STRING, "Act of its first statement.", allowed=ACTS),
                    Field(
                        "opened_by",
                        STRING,
                        "Relation of its first statement to the record.",
                        allowed=("new", "changed", "contradicts", "uncertain"),
                    ),
                    Field(
                        "earlier_claim_id",
                        STRING,
                        "The claim that it changes or contradicts.",
                        nullable=True,
                        nature="hash",
                    ),
                    Field(
                        "first_statement_id",
                        STRING,
                        "The statement that opened it.",
                        nature="hash",
                    ),
                    _SEEN,
                    Field(
                        "last_seen_at", MOMENT, "Pass that last saw it, up to as_of."
                    ),
                    Field("n_statements", INT, "Statements that make it.", least=0),
                    Field(
                        "n_utterances", INT, "Occasions on which it was said.", least=0
                    ),
                    Field("n_outlets", INT, "Outlets that carried it.", least=0),
                    Field(
                        "n_independent", INT, "Wire groups that carried it.", least=1
                    ),
                    Field("as_of", MOMENT, "The pass at which it was counted."),
                ),
                refers={"first_statement_id": "statements.statement_id"},
                sort=("figure_id", "first_seen_at", "claim_id"),
                group="figure_id",
                ordered=(("first_seen_at", "last_seen_at"), ("last_seen_at", "as_of")),
            ),
            Table(
                "claim_links",
                "One row per statement: the claim it makes and why.",
                ("statement_id",),
                "first_seen_at",
                (
                    _STATEMENT,
                    _CLAIM,
                    _UTTERANCE,
                    _FIGURE,
                    _RELATION,
                    Field(
                        "earlier_statement_id",
                        STRING,
                        "The statement that it was compared with.",
                        nullable=True,
                        nature="hash",
                    ),
                    Field(
                        "earlier_claim_id",
                        STRING,
                        "That one's claim.",
                        nullable=True,
                        nature="hash",
                    ),
                    Field(
                        "score",
                        FLOAT,
                        "How sure the matcher is.",
                        least=0,
                        most=1,
                    ),
                    Field("reasons", STRING, "Why, joined by '; '.", nature="prose"),
                    _SEEN,
                    Field(
                        "matcher_version",
                        STRING,
                        "Version of the matching rules, and its network's digest.",
                    ),
                ),
                refers={"statement_id": "statements.statement_id"},
                sort=("figure_id", "first_seen_at", "statement_id"),
                group="figure_id",
            ),
            Table(
                "daily_figure_topic",
                "Per day of publication, figure and sub-topic: how often and what is new. "
                "The last 7 days are written again; what comes later counts as late on "
                "the day it is seen.",
                ("day", "figure_id", "subtopic"),
                "published_at",
                (
                    *_DAILY,
                    *_COUNTED,
                ),
            ),
            Table(
                "daily_figure_topic_act",
                "The same by act too, with a zero for every tracked figure who said nothing "
                "(sub-topic and act 'all', on days with a pass). Where feed_health shows that "
                "feeds did not answer, a zero is no silence: pipeline.tables.trends.trend "
                "leaves a gap there and fills every cell.",
                ("day", "figure_id", "subtopic", "act"),
                "published_at",
                (
                    *_DAILY,
                    Field(
                        "act",
                        STRING,
                        "What the attributions do, or 'all'.",
                        allowed=("all", *ACTS),
                    ),
                    *_COUNTED,
                ),
                sort=("figure_id", "day", "subtopic", "act"),
                group="figure_id",
            ),
            Table(
                "alerts",
                "One row per rule, claim and channel that was to be told.",
                ("alert_id",),
                "created_at",
                (
                    Field(
                        "alert_id",
                        STRING,
                        "Hash of rule, kind, claim and channel.",
                        nature="hash",
                    ),
                    Field(
                        "kind", STRING, "What it is.", allowed=("alert", "retraction")
                    ),
                    Field("rule_id", STRING, "Rule in alerts.toml."),
                    Field("channel", STRING, "Channel in alerts.toml."),
                    _CLAIM,
                    _STATEMENT,
                    _FIGURE,
                    _NAME,
                    _RELATION,
                    Field("created_at", MOMENT, "Moment of the pass that decided it."),
                    Field(
                        "subject", STRING, "First line of the message.", nature="prose"
                    ),
                    Field("body", STRING, "The message.", nature="prose"),
                ),
                rebuilt=False,
            ),
            Table(
                "deliveries",
                "One row per attempt to send an alert.",
                ("alert_id", "attempt"),
                "at",
                (
                    Field("alert_id", STRING, "The alert.", nature="hash"),
                    Field("channel", STRING, "The channel."),
                    Field("attempt", INT, "From 1.", least=1),
                    Field("at", MOMENT, "Moment of the attempt."),
                    Field(
                        "state",
                        STRING,
                        "How it ended; dead will not be tried again.",
                        allowed=("sent", "failed", "dead"),
                    ),
                    Field("reason", STRING, "Why it failed; empty if sent."),
                ),
                rebuilt=False,
            ),
            Table(
                "feed_health",
                "One row per feed and poll.",
                ("feed_id", "at", "attempt"),
                "at",
                (
                    Field("feed_id", STRING, "The feed in feeds.toml."),
                    Field("at", MOMENT, "Moment of the pass."),
                    Field(
                        "state",
                        STRING,
                        "How the poll ended.",
                        allowed=(
                            "ok",
                            "unchanged",
                            "moved",
                            "gone",
                            "backoff",
                            "damaged",
                            "challenge",
                            "blocked",
                            "error",
                        ),
                    ),
                    Field(
                        "http_status",
                        INT,
                        "Status of the answer.",
                        nullable=True,
                        least=100,
                        most=599,
                    ),
                    Field("reason", STRING, "What was wrong; empty if nothing."),
                    Field("entries", INT, "Entries in the answer.", least=0),
                    Field(
                        "bytes",
                        INT,
                        "Length of the body, decompressed.",
                        unit="bytes",
                        least=0,
                    ),
                    Field(
                        "seconds",
                        FLOAT,
                        "Time until the answer was whole.",
                        unit="s",
                        least=0,
                    ),
                    Field(
                        "next_due_at", MOMENT, "When it is asked again.", nullable=True
                    ),
                    Field("url", STRING, "Address that was asked."),
                    Field(
                        "attempt",
                        INT,
                        "From 1; more if a pass was made again.",
                        least=1,
                    ),
                ),
                rebuilt=False,
            ),
            Table(
                "corrections",
                "What edits did to statements that were already on record, and wire groups that "
                "were found to be one (no statement, no words). Append only.",
                ("correction_id",),
                "at",
                (
                    Field(
                        "correction_id",
                        STRING,
                        "Hash of statement, revision and kind, or of two groups.",
                        nature="hash",
                    ),
                    Field(
                        "kind",
                        STRING,
                        "What happened to the statement.",
                        allowed=("changed", "withdrawn", "wire_merged"),
                    ),
                    _ARTICLE,
                    Field(
                        "revision", INT, "Revision that brought the change.", least=1
                    ),
                    _STATEMENT,
                    Field(
                        "new_statement_id",
                        STRING,
                        "What stands in its place.",
                        nullable=True,
                        nature="hash",
                    ),
                    Field(
                        "old_sha256",
                        STRING,
                        "SHA-256 of the words before.",
                        nature="hash",
                    ),
                    Field(
                        "new_sha256", STRING, "And after.", nullable=True, nature="hash"
                    ),
                    Field("at", MOMENT, "Moment of the pass that saw it."),
                    Field(
                        "wire_group_id",
                        STRING,
                        "Of wire_merged: a group that was found to be part of another.",
                        nullable=True,
                    ),
                    Field(
                        "merged_into",
                        STRING,
                        "And that other group, the earlier one.",
                        nullable=True,
                    ),
                ),
                refers={"article_id": "articles.article_id"},
            ),
        )
    }
)
"""Every published table, in the order in which the documentation lists them."""
