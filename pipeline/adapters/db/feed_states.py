"""The state of each feed, and the pages that were asked for or are due for a try."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from pipeline.adapters.db.engine import Database, portions
from pipeline.adapters.db.tables import columns_of, feed_states, pages
from pipeline.model import Feed, FeedState, WantedPage

PAGE_TRIES = 4


class DbFeedStates:
    """ports.FeedStates in the database."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def load(self, feeds: Sequence[Feed]) -> dict[str, FeedState]:
        with self._db.begin() as db:
            rows = {row.feed_id: row for row in db.execute(sa.select(feed_states))}
        return {feed.id: _feed_state(feed, rows.get(feed.id)) for feed in feeds}

    def save(self, states: Iterable[FeedState]) -> None:
        rows = [columns_of(state, feed_states) for state in states]
        with self._db.begin() as db:
            self._db.upsert(db, feed_states, rows)

    def wanted_pages(self, now: datetime) -> list[WantedPage]:
        query = (
            sa.select(pages)
            .where(~pages.c.done, pages.c.due_at <= now)
            .order_by(pages.c.key)
        )
        with self._db.begin() as db:
            return [
                WantedPage(key=row.key, feed_id=row.feed_id, url=row.url)
                for row in db.execute(query)
            ]

    def pages_failed(self, wanted: Iterable[WantedPage], now: datetime) -> None:
        """Another try in 15 minutes, then 30, then 60; then given up."""
        with self._db.begin() as db:
            for page in wanted:
                known = sa.select(pages.c.tries).where(pages.c.key == page.key)
                tries = 1 + (db.scalar(known) or 0)
                wait = timedelta(minutes=15) * 2 ** (tries - 1)
                self._db.upsert(
                    db, pages, [_page_row(page, tries, tries >= PAGE_TRIES, now + wait)]
                )

    def pages_later(self, wanted: Iterable[WantedPage], now: datetime) -> None:
        with self._db.begin() as db:
            self._db.insert_new(
                db, pages, [_page_row(page, 0, False, now) for page in wanted]
            )

    def pages_done(self, wanted: Iterable[WantedPage]) -> None:
        with self._db.begin() as db:
            self._db.upsert(db, pages, [_page_row(p, 0, True, None) for p in wanted])

    def pages_known(self, keys: Sequence[str]) -> set[str]:
        with self._db.begin() as db:
            return {
                key
                for some in portions(keys)
                for key in db.scalars(
                    sa.select(pages.c.key).where(pages.c.key.in_(some))
                )
            }


def _page_row(
    page: WantedPage, tries: int, done: bool, due_at: datetime | None
) -> dict[str, Any]:
    return {
        "key": page.key,
        "url": page.url,
        "feed_id": page.feed_id,
        "tries": tries,
        "done": done,
        "due_at": due_at,
    }


def _feed_state(feed: Feed, row: Any) -> FeedState:
    if row is None or row.configured_url != feed.url:  # never asked, or moved by hand
        return FeedState(feed_id=feed.id, url=feed.url, configured_url=feed.url)
    return FeedState(**columns_of(row, feed_states))
