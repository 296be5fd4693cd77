"""What editors ask and decide, on this lake's record."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pipeline.adapters.config import there_are
from pipeline.errors import InputError
from pipeline.model import Judgement, Partition, Verdict
from pipeline.wiring import Parts


class Editors(Parts):
    """Rules tried, claims judged, timelines read."""

    def test_rule(
        self, rule_id: str, *, since: timedelta, now: datetime
    ) -> list[dict[str, Any]]:
        """What a rule of alerts.toml would have told, switched on or not: a row each."""
        from pipeline import editing

        rules = {rule.id: rule for rule in self.rules}
        if rule_id not in rules:
            raise InputError(
                f"rule {rule_id}", f"not in alerts.toml; {there_are(rules)}"
            )
        upto, first = Partition.at(now), self.archive.first()
        return editing.would_have_told(
            self.record.histories(since=now - since, upto=upto),
            rules[rule_id],
            window=timedelta(hours=self.settings.alerts.window_hours),
            figures_since=self.record.figures_since(upto),
            lake_since=first.moment if first else None,
            quiet_first_days=self.settings.alerts.quiet_first_days,
        )

    def judge(
        self,
        verdict: Verdict,
        subject: str,
        *,
        into: str | None = None,
        by: str = "",
        note: str = "",
        now: datetime,
    ) -> Judgement:
        """Keep what an editor decided; the next pass makes the claims again with it."""
        from pipeline import editing

        judgement, since = editing.judged(
            self.record, verdict, subject, into=into, by=by, note=note, now=now
        )
        if since is not None:  # marked before, in case we are killed in between
            self.progress.stale("match", since)
        self.judgements.add(judgement)
        if since is not None:  # and after, in case a pass went by in between
            self.progress.stale("match", since)
        return judgement

    def timeline(
        self, figure_id: str, *, topic: str | None = None
    ) -> list[dict[str, Any]]:
        """A figure's claims in order, with what changed in each: a row each."""
        from pipeline import editing

        known = {figure.id: figure.name for figure in self.config.figures()}
        if figure_id not in known:
            raise InputError(
                f"--figure {figure_id}", "not tracked; see onrecord figures list"
            )
        if topic is not None:
            there = [one.id for one in self.config.topic(self.settings.topic).subtopics]
            if topic not in there:
                raise InputError(
                    f"--topic {topic}", f"no such sub-topic: {', '.join(there)}"
                )
        return editing.timeline(self.lake, figure_id, topic=topic)
