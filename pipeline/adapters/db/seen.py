"""What ``read`` remembers of articles: their keys, and the MinHash bands of their texts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from pipeline.adapters.db.engine import Database, portions
from pipeline.adapters.db.tables import bands, columns_of, entries, seen
from pipeline.model import (
    DateSource,
    Partition,
    ReadEntry,
    SeenArticle,
    Shown,
    TextSource,
)

FORGOTTEN_AFTER = timedelta(days=30)
"""How long an entry is known; one that is still shown then is read once more."""


class DbSeen:
    """ports.Seen in the database."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def find(
        self,
        *,
        urls: Sequence[str],
        guids: Sequence[tuple[str, str]],
        before: Partition,
    ) -> list[SeenArticle]:
        guid = sa.tuple_(seen.c.feed_id, seen.c.guid)
        places = [seen.c.url.in_(some) for some in portions(urls)]
        places += [guid.in_(some) for some in portions(guids)]
        found: dict[tuple[str, int], SeenArticle] = {}
        with self._db.begin() as db:
            if not db.scalar(sa.select(sa.exists().where(_earlier(before)))):
                return []
            for place in places:
                same = sa.select(seen.c.article_id).where(place, _earlier(before))
                query = sa.select(seen).where(
                    seen.c.article_id.in_(same), _earlier(before)
                )
                for row in db.execute(query):
                    found[row.article_id, row.revision] = _seen_article(row)
        return sorted(
            found.values(), key=lambda a: (a.first_seen_at, a.article_id, a.revision)
        )

    def alike(
        self, wanted: npt.NDArray[np.int64], *, since: datetime, before: Partition
    ) -> list[SeenArticle]:
        query = (
            sa.select(bands.c.bands, bands.c.article_ids)
            .where(bands.c.partition >= str(Partition.at(since)))
            .where(bands.c.partition < str(before))
            .order_by(bands.c.partition)
            .execution_options(yield_per=8)
        )
        sieve = np.zeros(_SIEVE, dtype=bool)
        sieve[wanted & (_SIEVE - 1)] = True
        ids: set[str] = set()
        found: dict[str, SeenArticle] = {}
        with self._db.begin() as db:
            for blob, names in db.execute(query):
                held = np.frombuffer(blob, "<i8")
                maybe = np.flatnonzero(sieve[held & (_SIEVE - 1)])
                hits = maybe[np.isin(held[maybe], wanted)]
                if len(hits):
                    listed = names.split()
                    width = len(held) // len(listed)
                    ids.update(listed[nth] for nth in (hits // width).tolist())
            for some in portions(sorted(ids)):
                first = (
                    sa.select(seen)
                    .where(seen.c.article_id.in_(some), seen.c.revision == 1)
                    .where(seen.c.first_seen_at >= since, _earlier(before))
                )
                for row in db.execute(first):
                    found[row.article_id] = _seen_article(row)
        return sorted(found.values(), key=lambda a: (a.first_seen_at, a.article_id))

    def shown(
        self, digests: Sequence[bytes], *, before: Partition
    ) -> dict[bytes, Shown]:
        last, later, other = (seen.alias(name) for name in ("last", "later", "other"))
        edited = sa.exists().where(
            later.c.article_id == last.c.article_id,
            later.c.revision > last.c.revision,
            later.c.partition < str(before),
        )
        contested = sa.exists().where(
            other.c.feed_id == entries.c.feed_id,
            other.c.guid == entries.c.guid,
            other.c.article_id != entries.c.article_id,
            other.c.partition < str(before),
        )
        is_last = sa.and_(
            last.c.article_id == entries.c.article_id,
            last.c.partition < str(before),
            ~edited,
        )
        query = sa.select(
            entries.c.digest,
            entries.c.article_id,
            entries.c.shape_sha256,
            entries.c.text_source,
            last.c.shape_sha256,
            last.c.text_source,
            contested,
        ).select_from(entries.outerjoin(last, is_last))
        found: dict[bytes, Shown] = {}
        with self._db.begin() as db:
            for some in portions(digests):
                for row in db.execute(query.where(entries.c.digest.in_(some))):
                    digest, article, shape, source, latest, its_source, more = row
                    found[bytes(digest)] = Shown(
                        article_id=article,
                        shape_sha256=shape,
                        text_source=TextSource(source),
                        latest_shape=latest,
                        latest_source=TextSource(its_source) if its_source else None,
                        contested=bool(more),
                    )
        return found

    def replace(
        self,
        partition: Partition,
        articles: Sequence[SeenArticle],
        found: npt.NDArray[np.int64],
        read: Sequence[ReadEntry] = (),
    ) -> None:
        firsts = [
            nth
            for nth, one in enumerate(articles)
            if one.revision == 1 and found[nth, 0] >= 0
        ]
        with self._db.begin() as db:
            for table in (seen, bands):
                db.execute(sa.delete(table).where(table.c.partition == str(partition)))
            self._db.upsert(db, seen, [columns_of(one, seen) for one in articles])
            if firsts:
                values = {
                    "partition": str(partition),
                    "bands": found[firsts].astype("<i8").tobytes(),
                    "article_ids": " ".join(articles[nth].article_id for nth in firsts),
                }
                db.execute(sa.insert(bands), values)
            old = str(Partition.at(partition.moment - FORGOTTEN_AFTER))
            db.execute(sa.delete(entries).where(entries.c.partition < old))
            given = {"partition": str(partition)}
            its = [columns_of(one, entries, given) | given for one in read]
            self._db.upsert(db, entries, its)


_SIEVE = 1 << 20  # a table of the lowest bits, so that nearly all bands are passed over


def _earlier(before: Partition) -> sa.ColumnElement[bool]:
    return seen.c.partition < str(before)


def _seen_article(row: Any) -> SeenArticle:
    values = columns_of(row, seen)
    values["text_source"] = TextSource(values["text_source"])
    values["published_at_source"] = DateSource(values["published_at_source"])
    return SeenArticle(**values)
