"""Working partitions to published tables, a column at a time: the flat projections of
``schemas``, not yet checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.tables.checks import conformed
from pipeline.tables.schemas import REVISION, TABLES
from pipeline.tables.values import plain, schema_of


def rows_to_table(name: str, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows as the published table ``name``: its columns, its order, its types.

    ValueError names table, column, row key and value of what breaks the registry.
    """
    return conformed(name, unchecked(name, rows))


def unchecked(name: str, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows with the columns and types of the table ``name``, as they come."""
    schema = TABLES[name].schema
    kept = [{column: row[column] for column in schema.names} for row in rows]
    return pa.Table.from_pylist(kept, schema)


def with_columns(name: str, rows: pa.Table, **made: Any) -> pa.Table:
    """The table ``name`` of these columns of its own, the others those of ``rows``; one
    value stands for a column that has it in each row."""
    schema = TABLES[name].schema
    columns = [made[n] if n in made else rows[n] for n in schema.names]
    return pa.Table.from_arrays(
        [
            column
            if isinstance(column, pa.Array | pa.ChunkedArray)
            else pa.repeat(pa.scalar(column, field.type), rows.num_rows)
            for column, field in zip(columns, schema, strict=True)
        ],
        schema=schema,
    )


Names = frozenset[str] | None
"""Whom columns may name; None: anyone."""


def articles_table(articles: pa.Table, version: str, named: Names = None) -> pa.Table:
    """``articles``, of rows of working partitions with their texts."""
    author = articles["author"]
    if named is not None:
        known = pc.is_in(author, value_set=pa.array(sorted(named), pa.string()))
        author = pc.if_else(known, author, "")
    return with_columns(
        "articles",
        articles,
        author=author,
        n_chars=pc.utf8_length(articles["text"]).cast(pa.int64()),
        pipeline_version=version,
    )


def told_table(statements: pa.Table, links: pa.Table) -> pa.Table:
    """Of a partition, the statements that were not on record, with what ``match`` linked
    each to: the columns of both."""
    linked = links["statement_id"].combine_chunks()
    place = pc.index_in(statements["statement_id"], value_set=linked)
    told = pc.and_not(pc.is_valid(place), statements["known"])
    beside = links.drop_columns("statement_id").take(place.filter(told))
    fresh = statements.filter(told)
    return pa.Table.from_arrays(
        [*fresh.columns, *beside.columns],
        schema=pa.unify_schemas([fresh.schema, beside.schema]),
    )


def statements_table(told: pa.Table, version: str, named: Names = None) -> pa.Table:
    """``statements``; of inner speakers those who are ``named``."""
    spans, counts = _spans(told)
    after = np.cumsum(counts)
    return with_columns(
        "statements",
        told,
        start=spans.field("start").take(pa.array(after - counts)),
        end=spans.field("end").take(pa.array(after - 1)),
        n_spans=pa.array(counts),
        nested=pa.array(
            [shown(some, named) for some in told["nested"].to_pylist()], pa.string()
        ),
        said_on=told["said_on"].cast(TABLES["statements"].schema.field("said_on").type),
        pipeline_version=version,
    )


def shown(nested: Iterable[str], named: Names) -> str:
    """Inner speakers as a column gives them."""
    return "; ".join(name for name in nested if named is None or name in named)


def texts_of(told: pa.Table, articles: pa.Table) -> list[str]:
    """The text that each statement stands in; all of them are among the ``articles``."""
    place = row_index(told, articles, REVISION).to_pylist()
    texts = articles["text"].to_pylist()
    return [texts[at] for at in place]


def words_of(told: pa.Table, texts: Iterable[str]) -> Iterator[list[str]]:
    """The words of each statement's spans, cut from its text."""
    for text, spans in zip(texts, told["spans"].to_pylist(), strict=True):
        yield [text[span["start"] : span["end"]] for span in spans]


def spans_table(told: pa.Table, words: Iterable[Sequence[str]]) -> pa.Table:
    """``statement_spans``: one row a span, with its words."""
    spans, counts = _spans(told)
    of = np.repeat(np.arange(len(counts)), counts)
    rows = told.select(["statement_id", *REVISION]).take(pa.array(of))
    first = np.cumsum(counts) - counts
    return with_columns(
        "statement_spans",
        rows,
        span=pa.array(np.arange(len(of)) - first[of]),
        start=spans.field("start"),
        end=spans.field("end"),
        text=pa.array(list(chain.from_iterable(words)), pa.string()),
    )


def topics_table(told: pa.Table) -> pa.Table:
    """``statement_topics``: one row a sub-topic of a statement."""
    topics = [sorted(set(some)) for some in told["subtopics"].to_pylist()]
    of = np.repeat(np.arange(len(topics)), [len(some) for some in topics])
    rows = told.select(["statement_id", "topic"]).take(pa.array(of, pa.int64()))
    every = pa.array(list(chain.from_iterable(topics)), pa.string())
    return with_columns("statement_topics", rows, subtopic=every)


def links_table(told: pa.Table, matcher_version: str) -> pa.Table:
    """``claim_links``."""
    return with_columns(
        "claim_links",
        told,
        relation=told["kind"],
        earlier_statement_id=told["earlier_id"],
        reasons=pc.binary_join(told["reasons"], "; "),
        matcher_version=matcher_version,
    )


def polls_table(polls: pa.Table) -> pa.Table:
    """``feed_health``: the polls of one feed and moment numbered in their order."""
    by = ["feed_id", "at"]
    times = polls.select(by).to_pandas().groupby(by, sort=False).cumcount() + 1
    return with_columns("feed_health", polls, attempt=pa.array(times, pa.int64()))


def plain_row(value: Any) -> dict[str, Any]:
    """Any frozen value with plain fields, as a row."""
    return {n: plain(getattr(value, n)) for n in schema_of(type(value)).names}


def row_index(rows: pa.Table, among: pa.Table, key: Sequence[str]) -> pa.ChunkedArray:
    """Where each of some rows stands ``among`` others, by its key; null where it does
    not, the first place where it does more than once."""
    mine, theirs = (_joined(table, key) for table in (rows, among))
    return pc.index_in(mine, value_set=theirs.combine_chunks())


def _joined(rows: pa.Table, key: Sequence[str]) -> pa.ChunkedArray:
    """The values of a key in one."""
    plain = [
        rows[name].cast(pa.int64())
        if pa.types.is_timestamp(rows[name].type)
        else rows[name]
        for name in key
    ]
    return pc.binary_join_element_wise(*(p.cast(pa.string()) for p in plain), "\x1f")


def _spans(told: pa.Table) -> tuple[pa.StructArray, npt.NDArray[np.int64]]:
    """The spans of all statements one after another, and how many each has."""
    lists = told["spans"].combine_chunks()
    return lists.flatten(), pc.list_value_length(lists).to_numpy().astype(np.int64)
