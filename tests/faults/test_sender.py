"""kill -9 at any moment of the sender: every alert arrives, none twice where ids allow."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pipeline import steps
from pipeline.adapters.atom import AtomChannel
from pipeline.adapters.db.engine import Database
from pipeline.adapters.db.outbox import DbOutbox
from pipeline.adapters.mail import EmailChannel
from pipeline.adapters.notify import FileChannel, WebhookChannel
from pipeline.model import Alert
from tests.adapters.test_mail import Mailbox, a_server
from tests.adapters.test_notify import receiver
from tests.builders import NOON, an_alert

CHANNELS = ("file", "atom", "hook", "mail")


def alerts_of(nth: int) -> list[Alert]:
    """Two alerts on each channel; those of every third round wait to go out together."""
    due = NOON + timedelta(hours=8 * nth) if nth % 3 == 0 else None
    return [
        an_alert(
            alert_id=f"{channel}-{nth}-{each}",
            channel=channel,
            claim_id=f"{nth}-{each}",
            created_at=NOON + timedelta(hours=8 * nth, minutes=-1),
            due_at=due,
        )
        for channel in CHANNELS
        for each in range(2)
    ]


def ways(folder: Path, url: str, port: int) -> dict[str, object]:
    return {
        "file": FileChannel("file", folder / "alerts.jsonl"),
        "atom": AtomChannel("atom", folder / "alerts.atom"),
        "hook": WebhookChannel("hook", url, timeout_seconds=5.0),
        "mail": EmailChannel(
            "mail", "127.0.0.1", sender="a@news.example", recipients=["b@news.example"],
            tls="none", port=port, timeout_seconds=5.0,
        ),
    }  # fmt: skip


def sent_until_killed(
    url: str, folder: Path, at, hook: str, port: int, life: float
) -> bool:
    """Deliver in a child that is killed after so many seconds; whether it was."""
    child = os.fork()
    if child == 0:
        try:
            outbox = DbOutbox(Database(url))
            steps.deliver(at, outbox=outbox, channels=ways(folder, hook, port))
        finally:
            os._exit(0)
    time.sleep(life)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def members(alert_id: str, payload: dict[str, object]) -> list[str]:
    """The alerts that a message holds: itself, or those of a digest."""
    held = payload.get("alerts")
    return [one["alert_id"] for one in held] if isinstance(held, list) else [alert_id]


@pytest.mark.timeout(900)
def test_senders_killed_at_random_lose_nothing_and_double_nothing_with_an_id(
    tmp_path: Path, request: pytest.FixtureRequest
):
    rounds = 200 if request.config.getoption("--every-kill") else 25
    chance = random.Random(20260301)
    url = f"sqlite:///{tmp_path / 'state.sqlite'}"
    bad = [503, -1, 200, 200, 500, 200, -1, *[200] * 13]
    answers = [*bad * (rounds // 5), 200]
    mails = ["250 ok", "451 later", "drop", *["250 ok"] * 9] * (rounds // 3)
    killed = 0
    with receiver(*answers) as seen, a_server(Mailbox([*mails, "250 ok"])) as box:
        for nth in range(rounds):
            database = Database(url)
            DbOutbox(database).put(alerts_of(nth))
            database.close()
            at = NOON + timedelta(hours=8 * nth)
            life = chance.uniform(0.0, 0.25)
            killed += sent_until_killed(url, tmp_path, at, seen.url, box.port, life)

        database = Database(url)
        outbox = DbOutbox(database)
        at = NOON + timedelta(hours=8 * rounds)
        while outbox.due(at + timedelta(days=1)):
            at += timedelta(hours=8)
            steps.deliver(
                at, outbox=outbox, channels=ways(tmp_path, seen.url, box.port)
            )

    wanted = {a.alert_id for nth in range(rounds) for a in alerts_of(nth)}
    assert outbox.counts() == {"sent": len(wanted)}
    database.close()
    assert killed > rounds // 2
    arrived = Counter[str]()
    for line in (tmp_path / "alerts.jsonl").read_text().splitlines():
        row = json.loads(line)
        arrived.update(members(row["alert_id"], row["data"]))
    posted = {headers["webhook-id"]: json.loads(body) for headers, body in seen.got}
    for alert_id, body in posted.items():  # what a receiver keeps that knows ids
        arrived.update(members(alert_id, body["data"]))
    mailed = {mail["message-id"]: mail for mail in box.got}
    for message_id, mail in mailed.items():
        threads = str(mail["references"] or message_id).split()
        arrived.update(one.strip("<>").split("@")[0] for one in threads)
    expected = {id for id in wanted if not id.startswith("atom")}
    assert set(arrived) == expected
    assert set(arrived.values()) == {1}
    feed = ET.parse(tmp_path / "alerts.atom").getroot()
    ids = [e.text for e in feed.iter("{http://www.w3.org/2005/Atom}id")][1:]
    assert len(ids) == len(set(ids)) == min(200, len(ids))
    print(
        f"{killed} kills in {rounds} rounds, {len(wanted)} alerts; "
        f"{len(seen.got) - len(posted)} posts and {len(box.got) - len(mailed)} mails "
        "came twice, under the same id"
    )
