"""What an operator asks for: how things stand, room on the disk, a database saved."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path
from time import monotonic
from typing import Any

from pipeline.adapters import disk
from pipeline.errors import InputError
from pipeline.operations.passes import STEPS, Passes, Tell, silently
from pipeline.wiring import DATABASE_URL


class Upkeep(Passes):
    """What keeps it running."""

    def status(self, now: datetime) -> dict[str, Any]:
        from pipeline import health
        from pipeline.claims.judged import counted, error_rate

        self.check_config()
        states = self.feed_states.load(self.feeds)
        root = Path(self.settings.lake) if self.bucket is None else None
        counts = self.outbox.channels()
        found = health.status(
            now,
            feeds=self.feeds,
            states=states,
            lake=self.lake,
            progress=self.progress,
            steps=self._last_runs(),
            outbox=self.outbox.counts(),
            waiting_since=self.outbox.waiting_since(),
            disk=disk.usage(root) if root else {},
        )
        configured = {channel.id for channel in self.configured_channels}
        found["faults"] += [
            f"channel {name}: its alerts wait, and alerts.toml has no such channel"
            for name, states_ in counts.items()
            if name not in configured and states_.keys() & {"pending", "failed"}
        ] + (disk.readable(root) if root else [])
        return found | {
            "channels": counts,
            "judgements": counted(self.judgements.all()),
            "alerts in error": error_rate(self.judgements.all()),
        }

    def _last_runs(self) -> dict[str, dict[str, Any]]:
        last = self.runs.last()
        return {step: last[step] for step in (*STEPS, "close_day") if step in last}

    def late(self, step: str, reason: str) -> None:
        """Let ``status`` say that something was not over in time."""
        self._ended(step, datetime.now(UTC), monotonic(), error=reason)

    def clean(self, today: date, *, tell: Tell = silently) -> dict[str, int]:
        """Remove what need not be kept: expired answers and texts, what killed writers
        left. Texts that must wait for something are told by ``tell``."""
        expired = self.expire(today)
        texts = self.expire_texts(datetime.combine(today, time.min, UTC))
        for reason in texts.failures:
            tell(reason)
        with self.database.alone("fetch"), self.database.alone("work"):
            return {
                "archived files": expired,
                "partitions with full texts": texts.rows,
                "left aside": self.lake.sweep(),
            }

    def salvage(self) -> dict[str, int]:
        """Make a new database in the place of a damaged or lost SQLite one.

        ``rebuild`` from the first archived day then makes its caches again.
        """
        from pipeline.adapters.db.engine import sqlite_file
        from pipeline.adapters.db.salvage import salvaged

        file = sqlite_file(self._database_url)
        if file is None:
            raise InputError(DATABASE_URL, "only SQLite can be salvaged")
        self.close()
        for name in ("database", "progress"):
            self.__dict__.pop(name, None)  # of the old one
        return salvaged(file)
