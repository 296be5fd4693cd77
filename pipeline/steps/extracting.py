"""``extract``: the statements of articles, and what edits undid."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain, groupby

import pyarrow as pa
import pyarrow.compute as pc

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
from pipeline.steps.shared import each, in_tables
from pipeline.tables.schemas import REVISION
from pipeline.tables.values import from_arrow, to_arrow

Key = tuple[str, int]
"""Article and revision."""


def extract(
    at: datetime,
    *,
    lake: Lake,
    found_in: Callable[[Partition], Iterable[pa.Table]],
    progress: Progress,
) -> Report:
    """The statements of the partition's articles, and what their edits undid.

    ``found_in`` gives the statements of a partition's articles, in their order, some at a
    time: ``statements_of``, here or on the workers of a bulk engine.
    """

    def make(partition: Partition) -> tuple[str, Report]:
        if partition in lake.expired(partition.day):
            kept = lake.work_sha256("statements", partition)[1]
            told = f"{partition}: its texts expired; its statements stay as they are"
            return kept, Report(step="extract", failures=(told,))
        made = _Extracting(partition, lake)
        progress.stale("match", partition)
        statements = in_tables(Statement, made.statements(found_in(partition)))
        sha256 = lake.write("statements", partition, statements)
        if made.corrections:
            progress.stale("alert", partition)
        lake.write("corrections", partition, to_arrow(Correction, made.corrections))
        made.counts["corrections"] = len(made.corrections)
        return sha256, Report(step="extract", rows=made.fresh, counts=made.counts)

    return each("extract", at, progress, make)


class _Extracting:
    """One partition's statements, none held longer than until it is written but those of
    articles that were edited."""

    def __init__(self, partition: Partition, lake: Lake) -> None:
        self._partition = partition
        self._lake = lake
        self.fresh = 0
        self.corrections: list[Correction] = []
        self.counts = {"on topic": 0}
        self._revised: dict[Key, Article] = {}
        for rows in lake.chunks("articles", partition):
            edited = rows.filter(pc.is_valid(rows["previous"]))
            for article in from_arrow(Article, edited):
                self._revised[_key(article)] = replace(article, text="")
        self._edited = {article_id for article_id, _ in self._revised}
        previous = {key: article.previous for key, article in self._revised.items()}
        self._held: dict[Partition, _Held] = {partition: ({}, previous)}

    def statements(self, found: Iterable[pa.Table]) -> Iterator[Statement]:
        """What was ``found`` in each article, in their order, held against what its
        revisions before said."""
        every = chain.from_iterable(from_arrow(Statement, rows) for rows in found)
        groups = groupby(every, _key)
        waiting = next(groups, None)
        here = self._held[self._partition][0]
        for rows in self._lake.chunks("articles", self._partition, list(REVISION)):
            for key in zip(*(rows[name].to_pylist() for name in REVISION), strict=True):
                now: list[Statement] = []
                if waiting is not None and waiting[0] == key:
                    now = list(waiting[1])
                    waiting = next(groups, None)
                if key in self._revised:
                    now = self._against_earlier(self._revised[key], now)
                if key[0] in self._edited:
                    here[key] = now
                for statement in now:
                    if not statement.known:
                        self.fresh += 1
                        self.counts["on topic"] += statement.about_topic
                    yield statement
        assert waiting is None, f"{waiting} is of no article, or out of their order"

    def _against_earlier(
        self, article: Article, now: Sequence[Statement]
    ) -> list[Statement]:
        history = list(self._history(article))
        ever = frozenset(s.statement_id for past in history for s in past)
        marked, undone = against_earlier(
            now, history[0], ever, article=article, at=self._partition.moment
        )
        self.corrections += undone
        return marked

    def _history(self, article: Article) -> Iterator[list[Statement]]:
        """The statements of each earlier revision, the latest first."""
        previous, revision = article.previous, article.revision
        while previous is not None:
            revision -= 1
            key = article.article_id, revision
            statements, before = self._in(Partition.parse(previous))
            yield statements.get(key, [])
            previous = before.get(key)

    def _in(self, partition: Partition) -> _Held:
        """What a partition holds of the edited articles; it is read once."""
        if partition not in self._held:
            statements: dict[Key, list[Statement]] = {}
            for rows in self._of_edited("statements", partition):
                for statement in from_arrow(Statement, rows):
                    statements.setdefault(_key(statement), []).append(statement)
            previous: dict[Key, str | None] = {}
            for rows in self._of_edited("articles", partition, [*REVISION, "previous"]):
                columns = (rows[name].to_pylist() for name in (*REVISION, "previous"))
                previous |= {(a, r): p for a, r, p in zip(*columns, strict=True)}
            self._held[partition] = statements, previous
        return self._held[partition]

    def _of_edited(
        self, name: str, partition: Partition, columns: Sequence[str] | None = None
    ) -> Iterator[pa.Table]:
        edited = pa.array(sorted(self._edited), pa.string())
        for rows in self._lake.chunks(name, partition, columns):
            yield rows.filter(pc.is_in(rows["article_id"], value_set=edited))


_Held = tuple[dict[Key, list[Statement]], dict[Key, str | None]]
"""The statements of articles, and the partitions of the revisions before them."""


def _key(one: Article | Statement) -> Key:
    return one.article_id, one.revision
