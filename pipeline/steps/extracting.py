"""``extract``: the statements of articles, and what edits undid."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import pyarrow as pa

from pipeline.model import (
    Article,
    Correction,
    Partition,
    Report,
    Statement,
)
from pipeline.ports import (
    Lake,
    Progress,
)
from pipeline.statements.record import against_earlier
from pipeline.steps.shared import each
from pipeline.tables.values import from_arrow, to_arrow

Revised = TypeVar("Revised", Statement, Article)


def extract(
    at: datetime,
    *,
    lake: Lake,
    found_in: Callable[[Partition, pa.Table], pa.Table],
    progress: Progress,
) -> Report:
    """The statements of the partition's articles, and what their edits undid.

    ``found_in`` gives the statements of a partition's articles: ``statements_of``, here
    or on the workers of a bulk engine.
    """

    def make(partition: Partition) -> tuple[str, Report]:
        if partition in lake.expired(partition.day):
            kept = lake.work_sha256("statements", partition)[1]
            told = f"{partition}: its texts expired; its statements stay as they are"
            return kept, Report(step="extract", failures=(told,))
        table = lake.read("articles", partition)
        articles = from_arrow(Article, table) if table is not None else []
        found = (
            from_arrow(Statement, found_in(partition, table))
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

    return each("extract", at, progress, make)


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
