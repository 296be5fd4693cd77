"""Alerts, retractions and editors' decisions over the sample world, by steps and doors."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from pipeline import steps
from pipeline.adapters.db.engine import Database
from pipeline.adapters.db.outbox import DbOutbox
from pipeline.cli import cli
from pipeline.errors import DeliveryError, InputError
from pipeline.model import Alert
from pipeline.steps import telling
from tests.adapters.test_notify import receiver, webhook
from tests.builders import NOON, an_alert
from tests.world import SEEDS, an_app, hashes

LATE = datetime(2026, 3, 3, 23, tzinfo=UTC)


def onrecord(*args: str, lake: Path) -> tuple[int, str]:
    done = CliRunner().invoke(
        cli, [*args, "--config", str(SEEDS / "config"), "--lake", str(lake)]
    )
    return done.exit_code, done.output


def outgoing(lake: Path) -> list[dict]:
    lines = (lake / "alerts.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


# ---------------------------------------------------------------------- retractions


def test_words_that_an_edit_withdrew_are_taken_back_after_they_were_told(lake):
    rows = outgoing(lake)
    places = {row["alert_id"]: nth for nth, row in enumerate(rows)}
    told = {
        row["data"]["claim_id"]: row for row in rows if row["type"] == "claim.alert"
    }
    back = [row for row in rows if row["type"] == "claim.retraction"]
    corrections = pd.read_parquet(lake / "tables" / "corrections")

    assert back
    for row in back:
        claim = row["data"]["claim_id"]
        assert row["data"]["correction"]["id"] in set(corrections.correction_id)
        assert places[row["alert_id"]] > places[told[claim]["alert_id"]]
    alerts = pd.read_parquet(lake / "tables" / "alerts")
    assert (alerts.kind == "retraction").sum() == len(back)


# --------------------------------------------------------------------- trying a rule


def test_a_rule_tried_over_the_past_finds_what_it_told(lake, world):
    app = an_app(lake, world)

    rows = app.test_rule("new-claim", since=timedelta(days=30), now=LATE)
    app.close()

    told = {
        row["data"]["claim_id"]
        for row in outgoing(lake)
        if row["type"] == "claim.alert"
    }
    assert {row["claim"] for row in rows} == told
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)


def test_the_command_that_tries_a_rule(lake):
    at = ["--at", LATE.isoformat()]

    code, said = onrecord(
        "alerts", "test", "new-claim", "--since", "3d", *at, lake=lake
    )
    wrong, missing = onrecord("alerts", "test", "nope", lake=lake)
    bad, span = onrecord("alerts", "test", "new-claim", "--since", "soon", lake=lake)

    assert code == 0
    assert "alerts of new-claim in 3d" in said
    assert (wrong, "there are new-claim" in missing) == (2, True)
    assert (bad, "30d or 48h" in span) == (2, True)


# ------------------------------------------------------------------------- timeline


def test_a_figures_timeline_tells_in_order_what_changed(lake):
    code, said = onrecord("timeline", "--figure", "Q3874799", "--json", lake=lake)
    rows = json.loads(said)

    assert code == 0
    assert [r["first_seen_at"] for r in rows] == sorted(
        r["first_seen_at"] for r in rows
    )
    changed = [row for row in rows if row["relation"] in ("changed", "contradicts")]
    assert changed
    assert all(row["before"] and row["changed"] for row in changed)


def test_a_timeline_is_cut_to_a_sub_topic(lake, world):
    app = an_app(lake, world)
    everything = app.timeline("Q3874799")
    topic = app.config.topic("ukraine-war").subtopics[0].id

    some = [app.timeline("Q3874799", topic=t.id) for t in
            app.config.topic("ukraine-war").subtopics]  # fmt: skip

    ids = [row["claim"] for row in everything]
    assert any(some)
    assert all([r["claim"] for r in rows] == [
        i for i in ids if i in {r["claim"] for r in rows}] for rows in some)  # fmt: skip
    with pytest.raises(InputError, match="no such sub-topic"):
        app.timeline("Q3874799", topic="the-moon")
    with pytest.raises(InputError, match="not tracked"):
        app.timeline("Q1", topic=topic)
    app.close()


# ----------------------------------------------------------------------- judgements


def test_what_an_editor_decides_is_applied_counted_and_survives_a_lost_database(
    lake, world, tmp_path
):
    mine = shutil.copytree(lake, tmp_path / "mine")
    claims = pd.read_parquet(mine / "tables" / "claims").sort_values("first_seen_at")
    own = claims[claims.figure_id == claims.figure_id.mode()[0]]
    first, last = own.claim_id.iloc[0], own.claim_id.iloc[-1]
    alerts = len(outgoing(mine))

    code, said = onrecord("claims", "merge", last, first, "--by", "anna", lake=mine)
    onrecord("claims", "mark", first, "wrong", "--note", "not his words", lake=mine)
    wrong, reason = onrecord("claims", "split", "nothing", lake=mine)
    app = an_app(mine, world)
    app.match(LATE)
    app.alert(LATE)
    app.publish(LATE)
    status = app.status(LATE)
    app.close()

    assert (code, wrong) == (0, 2), said
    assert "statement nothing: not on record" in reason
    after = pd.read_parquet(mine / "tables" / "claims")
    assert last not in set(after.claim_id)
    links = pd.read_parquet(mine / "tables" / "claim_links")
    assert "an editor joined it to this claim" in set(links.reasons)
    assert status["judgements"] == {"merge": 1, "wrong": 1}
    assert status["alerts in error"] == "1 of 1 (100%): 1 wrong, 0 duplicate"
    assert len(outgoing(mine)) == alerts
    bare = tmp_path / "bare"
    shutil.copytree(mine / "archive", bare / "archive")
    shutil.copy(mine / "judgements.jsonl", bare)
    app = an_app(bare, world)
    app.rebuild(LATE.date() - timedelta(days=1))
    app.close()
    assert hashes(bare, ("claims", "claim_links")) == hashes(
        mine, ("claims", "claim_links")
    )


def test_a_mark_is_one_of_three(lake):
    code, said = onrecord("claims", "mark", "c", "perhaps", lake=lake)

    assert code == 2
    assert "wrong, duplicate or right" in said


# ------------------------------------------------------------------------- delivery


class Way:
    """A channel that remembers; ``dead`` says that it never answers."""

    def __init__(self, id: str, *, dead: bool = False) -> None:
        self.id = id
        self.dead = dead
        self.got: list[Alert] = []

    def send(self, alert: Alert) -> None:
        self.got.append(alert)
        if self.dead:
            raise DeliveryError(self.id, "no answer within 20 s")


@pytest.fixture
def outbox(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'state.sqlite'}")
    yield DbOutbox(database)
    database.close()


def some(channels: Iterable[str], count: int, **changes: object) -> list[Alert]:
    return [
        an_alert(
            alert_id=f"{channel}{nth}", channel=channel, claim_id=f"c{nth}", **changes
        )
        for channel in channels
        for nth in range(count)
    ]


def test_a_dead_channel_is_left_after_a_few_tries_and_blocks_no_other(outbox):
    dead, live = Way("dead", dead=True), Way("live")
    outbox.put(some(["dead", "live"], 9))

    report = steps.deliver(NOON, outbox=outbox, channels={"dead": dead, "live": live})

    assert len(live.got) == report.rows == 9
    assert len(dead.got) == len(report.failures) == telling.FAILURES_A_PASS
    assert outbox.channels() == {
        "dead": {"failed": 3, "pending": 6},
        "live": {"sent": 9},
    }


def test_what_waits_goes_out_together_and_fails_together(outbox):
    way = Way("log", dead=True)
    due = NOON + timedelta(hours=2)
    outbox.put(some(["log"], 3, due_at=due))

    steps.deliver(NOON, outbox=outbox, channels={"log": way})
    assert way.got == []
    steps.deliver(due, outbox=outbox, channels={"log": way})
    way.dead = False
    steps.deliver(due + timedelta(hours=1), outbox=outbox, channels={"log": way})

    first, again = way.got
    assert first == again
    assert len(first.payload["alerts"]) == 3
    assert outbox.counts() == {"sent": 3}


def test_an_alert_comes_back_from_the_store_as_it_was_put(outbox):
    alert = an_alert(
        due_at=NOON + timedelta(hours=1), thread="t", forms={"html": "<p>ä</p>"}
    )

    assert outbox.unknown([alert.alert_id]) == {alert.alert_id}
    outbox.put([alert])

    assert outbox.unknown([alert.alert_id]) == set()
    assert outbox.told([alert.claim_id]) == [alert]
    assert outbox.last_told(NOON) == {
        ("new-claim", "log", "Q7747"): NOON + timedelta(hours=1)
    }
    assert outbox.due(NOON) == []
    assert replace(outbox.due(NOON + timedelta(hours=1))[0][0]) == alert


def test_a_receiver_that_fails_in_every_way_gets_it_in_the_end(outbox):
    """503, no answer in time, an answer that is lost; then 200: one alert, one id."""
    outbox.put(some(["hook"], 1))
    at = NOON
    with receiver(503, 0, -1, 200) as seen:
        way = {"hook": webhook(seen.url, timeout_seconds=0.3)}
        while outbox.due(at + timedelta(days=1)):
            steps.deliver(at, outbox=outbox, channels=way)
            at += timedelta(minutes=15)

    tries = outbox.deliveries(NOON.date())
    assert [one.state for one in tries] == ["failed", "failed", "failed", "sent"]
    assert "503" in tries[0].reason
    assert "no answer within" in tries[1].reason
    assert {headers["webhook-id"] for headers, _ in seen.got} == {"hook0"}


def test_a_receiver_that_is_gone_for_good_is_asked_once_and_seen(outbox):
    outbox.put(some(["hook"], 1))

    with receiver(410) as seen:
        way = {"hook": webhook(seen.url)}
        for hour in range(3):
            now = NOON + timedelta(hours=hour)
            steps.deliver(now, outbox=outbox, channels=way)

    assert len(seen.got) == 1
    assert outbox.channels() == {"hook": {"dead": 1}}
    assert "410" in outbox.deliveries(NOON.date())[0].reason
