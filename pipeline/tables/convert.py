"""Values to the rows of published tables: the flat projections of ``schemas``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.model import Claim, Poll, Relation, Statement
from pipeline.tables.checks import conformed
from pipeline.tables.schemas import TABLES
from pipeline.tables.values import midnight, plain, schema_of


def rows_to_table(name: str, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows as the published table ``name``: its columns, its order, its types.

    ValueError names table, column, row key and value of what breaks the registry.
    """
    columns = TABLES[name].schema.names
    kept = [{column: row[column] for column in columns} for row in rows]
    return conformed(name, pa.Table.from_pylist(kept, TABLES[name].schema))


Names = frozenset[str] | None
"""Whom columns may name; None: anyone."""


def articles_table(articles: pa.Table, version: str, named: Names = None) -> pa.Table:
    """The published table ``articles``, not yet checked, out of working partitions' rows.

    A column at a time: a day has more articles than anything else.
    """
    author = articles["author"]
    if named is not None:
        known = pc.is_in(author, value_set=pa.array(sorted(named), pa.string()))
        author = pc.if_else(known, author, "")
    made = {
        "author": author,
        "n_chars": pc.utf8_length(articles["text"]).cast(pa.int64()),
        "pipeline_version": pa.repeat(pa.scalar(version), articles.num_rows),
    }
    schema = TABLES["articles"].schema
    columns = [made[n] if n in made else articles[n] for n in schema.names]
    return pa.Table.from_arrays(columns, schema=schema)


def statement_row(
    statement: Statement, version: str, named: Names = None
) -> dict[str, Any]:
    row = {n: plain(getattr(statement, n)) for n in schema_of(Statement).names}
    return row | {
        "start": statement.spans[0].start,
        "end": statement.spans[-1].end,
        "n_spans": len(statement.spans),
        "nested": "; ".join(
            name for name in statement.nested if named is None or name in named
        ),
        "said_on": midnight(statement.said_on) if statement.said_on else None,
        "pipeline_version": version,
    }


def span_rows(statement: Statement, text: str) -> list[dict[str, Any]]:
    """One row per span, its words cut from the text of the article's revision."""
    return [
        {
            "statement_id": statement.statement_id,
            "span": nth,
            "article_id": statement.article_id,
            "revision": statement.revision,
            "start": span.start,
            "end": span.end,
            "text": span.of(text),
        }
        for nth, span in enumerate(statement.spans)
    ]


def topic_rows(statement: Statement) -> list[dict[str, Any]]:
    return [
        {
            "statement_id": statement.statement_id,
            "topic": statement.topic,
            "subtopic": subtopic,
        }
        for subtopic in sorted(set(statement.subtopics))
    ]


def link_row(
    relation: Relation, statement: Statement, matcher_version: str
) -> dict[str, Any]:
    return {
        "statement_id": relation.statement_id,
        "claim_id": relation.claim_id,
        "utterance_id": relation.utterance_id,
        "figure_id": statement.figure_id,
        "relation": relation.kind.value,
        "earlier_statement_id": relation.earlier_id,
        "earlier_claim_id": relation.earlier_claim_id,
        "score": relation.score,
        "reasons": "; ".join(relation.reasons),
        "first_seen_at": statement.first_seen_at,
        "matcher_version": matcher_version,
    }


def claim_row(claim: Claim) -> dict[str, Any]:
    return {n: plain(getattr(claim, n)) for n in schema_of(Claim).names}


def plain_row(value: Any) -> dict[str, Any]:
    """Any frozen value with plain fields, as a row."""
    return {n: plain(getattr(value, n)) for n in schema_of(type(value)).names}


def poll_rows(polls: Iterable[Poll]) -> list[dict[str, Any]]:
    """One row per poll, those of one feed and moment numbered in their order."""
    times: dict[tuple[str, datetime], int] = {}
    rows = []
    for poll in polls:
        key = poll.feed_id, poll.at
        times[key] = times.get(key, 0) + 1
        rows.append(plain_row(poll) | {"attempt": times[key]})
    return rows
