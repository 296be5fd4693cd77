"""What is watched: feeds tried, found and added; figures that the roster lacks.

What reads feeds is imported where it is used: to list them takes none of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from pipeline.model import Feed, FeedState
from pipeline.wiring import Parts


class Watch(Parts):
    """What is asked of feeds and figures; nothing of it goes into the lake."""

    def check_feeds(self, now: datetime) -> list[dict[str, Any]]:
        """Every feed asked once, nothing stored: a row each."""
        from pipeline import overview

        fresh = [(f, FeedState(feed_id=f.id, url=f.url)) for f in self.feeds]
        answers = {
            feed.id: answer for feed, answer in self.fetcher.feeds(fresh, now=now)
        }
        return [
            overview.checked(feed, answers.get(feed.id), now) for feed in self.feeds
        ]

    def discover(
        self, url: str, now: datetime
    ) -> tuple[list[Feed], list[dict[str, Any]]]:
        """Feeds at an address or named by its page, and how each answered when tried.

        Those that work and are not configured yet come back as feeds to add.
        """
        from pipeline import overview

        ask = partial(self._asked, now=now)
        return overview.discovered(url, ask=ask, known=self.feeds, now=now)

    def _asked(self, urls: Sequence[str], *, now: datetime) -> dict[str, object]:
        """The answer of each address, as that of a feed."""
        feeds = [Feed(id=url, url=url, outlet="") for url in urls]
        fresh = [(feed, FeedState(feed_id=feed.id, url=feed.url)) for feed in feeds]
        return {feed.id: answer for feed, answer in self.fetcher.feeds(fresh, now=now)}

    def imported(self, file: Path) -> list[Feed]:
        """The feeds of an OPML file that are not configured yet."""
        from pipeline import overview
        from pipeline.feeds.discovery import outlines

        try:
            listed = outlines(file.read_bytes())
        except (OSError, ValueError) as error:
            raise InputError(str(file), str(error)) from error
        return overview.unlisted(listed, self.feeds)

    def add_feeds(self, feeds: Sequence[Feed]) -> Path:
        """Append feeds to feeds.toml of the config folder, whole or not at all."""
        from pipeline.adapters.lake import write_whole
        from pipeline.feeds.discovery import block

        path = self.config.folder / "feeds.toml"
        before = path.read_text("utf-8").rstrip("\n") + "\n\n" if path.exists() else ""
        write_whole(path, (before + "\n".join(map(block, feeds))).encode())
        return path

    def unknown_figures(self) -> list[dict[str, Any]]:
        """Office-holders whom stored articles name and the roster does not track."""
        from pipeline import overview

        return overview.unknown(self.lake, self.figures)
