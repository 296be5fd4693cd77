"""How far the work is: what is made and what is stale, how each step's last run ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pipeline.adapters.db.engine import Database
from pipeline.adapters.db.tables import about, progress, runs
from pipeline.errors import StoreError
from pipeline.model import Partition, Report


class DbProgress:
    """ports.Progress in the database.

    ``marks`` counts how often a partition was marked: what another process marked while
    this one was making it is still stale when this one is done.
    """

    def __init__(self, db: Database, folds: Iterable[str]) -> None:
        self._db = db
        self._folds = frozenset(folds)
        self._named: dict[tuple[str, str], int] = {}

    def pending(
        self, step: str, upto: Partition, *, first: int | None = None
    ) -> list[Partition]:
        query = (
            sa.select(progress.c.partition, progress.c.marks)
            .where(progress.c.step == step, progress.c.stale)
            .where(progress.c.partition <= str(upto))
            .order_by(progress.c.partition)
            .limit(first)
        )
        with self._db.begin() as db:
            found = [(row.partition, row.marks) for row in db.execute(query)]
        self._named |= {(step, key): marks for key, marks in found}
        return [Partition.parse(key) for key, _ in found]

    def stale(self, step: str, since: Partition, *, only: bool = True) -> None:
        key = {"step": step, "partition": str(since)}
        with self._db.begin() as db:
            first = {**key, "stale": True, "sha256": None, "marks": 1}
            if not self._db.insert_new(db, progress, [first]):
                db.execute(
                    sa.update(progress)
                    .where(*_at(key))
                    .values(stale=True, marks=progress.c.marks + 1)
                )
            if not only:
                self._stale_after(db, step, since)

    def done(self, step: str, partition: Partition, sha256: str) -> bool:
        key = {"step": step, "partition": str(partition)}
        named = self._named.get((step, str(partition)))
        with self._db.begin() as db:
            first = {**key, "stale": False, "sha256": None, "marks": 0}
            self._db.insert_new(db, progress, [first])
            known = sa.select(progress.c.sha256, progress.c.marks).where(*_at(key))
            before = db.execute(known.with_for_update()).one()
            changed: bool = before.sha256 != sha256
            since_marked = named is not None and before.marks != named
            alone = self._db.still_alone()
            db.execute(
                sa.update(progress)
                .where(*_at(key))
                .values(stale=since_marked or not alone, sha256=sha256)
            )
            if changed and step in self._folds:
                self._stale_after(db, step, partition)
        if not alone:
            raise StoreError(
                self._db.where,
                f"the lock of {step} was lost; {partition} is made again",
            )
        return changed

    def known(self, step: str, since: date | None = None) -> set[Partition]:
        query = sa.select(progress.c.partition).where(progress.c.step == step)
        if since is not None:
            query = query.where(progress.c.partition >= str(since))
        with self._db.begin() as db:
            return {Partition.parse(key) for key in db.scalars(query)}

    def last(self, step: str) -> Partition | None:
        query = (
            sa.select(progress.c.partition)
            .where(progress.c.step == step, sa.not_(progress.c.stale))
            .order_by(progress.c.partition.desc())
            .limit(1)
        )
        with self._db.begin() as db:
            key = db.scalar(query)
        return None if key is None else Partition.parse(key)

    def _stale_after(self, db: Connection, step: str, partition: Partition) -> None:
        db.execute(
            sa.update(progress)
            .where(progress.c.step == step, progress.c.partition > str(partition))
            .values(stale=True, marks=progress.c.marks + 1)
        )


def _at(key: Mapping[str, str]) -> list[sa.ColumnElement[bool]]:
    return [progress.c[name] == value for name, value in key.items()]


class DbRuns:
    """The last run of each step, for ``onrecord status``; nothing else reads it."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def put(
        self,
        step: str,
        at: datetime,
        *,
        ended_at: datetime,
        seconds: float,
        report: Report | None = None,
        error: str | None = None,
    ) -> None:
        """``report`` of a run that ended well, ``error`` of one that did not."""
        with self._db.begin() as db:
            known = sa.select(runs.c.succeeded_at).where(runs.c.step == step)
            row = {
                "step": step,
                "at": at,
                "ended_at": ended_at,
                "seconds": seconds,
                "rows": report.rows if report else 0,
                "failures": len(report.failures) if report else 0,
                "error": error,
                "succeeded_at": db.scalar(known) if error else ended_at,
            }
            self._db.upsert(db, runs, [row])

    def last(self) -> dict[str, dict[str, Any]]:
        """By step: at, ended_at, seconds, rows, failures, error, succeeded_at."""
        with self._db.begin() as db:
            rows = [dict(row._mapping) for row in db.execute(sa.select(runs))]
        return {row.pop("step"): row for row in rows}


class DbNotes:
    """What a job notes for the one that goes on with it."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def get(self, key: str) -> str:
        """The note; empty where there is none."""
        query = sa.select(about.c.value).where(about.c.key == f"note {key}")
        with self._db.begin() as db:
            return str(db.scalar(query) or "")

    def put(self, key: str, value: str) -> None:
        with self._db.begin() as db:
            row = {"key": f"note {key}", "value": value}
            self._db.upsert(db, about, [row])
