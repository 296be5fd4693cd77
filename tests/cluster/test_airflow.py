"""Airflow with Celery, PostgreSQL, Redis and S3: the tables of one machine, come what may.

Every test makes one pass or more of the same lake, in the order of this file, and then
compares all tables with those of one machine after the same pass.
"""

from __future__ import annotations

import json
import signal
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from hashlib import sha256

import psycopg
import pytest
import redis

from pipeline.adapters.bucket import BucketStore
from tests.cluster import airflow
from tests.cluster.generated import larger_world
from tests.cluster.services import answers, before, new_database, until
from tests.world import REBUILT, SEEDS, an_app, hashes, sent, the_world

pytestmark = pytest.mark.timeout(1500)
SAMPLE = ["p1", "p2", "p3", "p4"]
ARTICLES = [400, *[60] * 7]
"""Of each poll of the large day: one of many, and one for each fault."""

BEGUN_AGAIN_SECONDS = 150
"""A minute without a heartbeat, 10 s until that is looked at, 30 s to the next try; what
is left of three minutes is for the task itself."""


@pytest.fixture(scope="module")
def larger(tmp_path_factory):
    """The sample outlets and, after their two days, a large one: a poll for each fault."""
    folder = larger_world(tmp_path_factory.mktemp("world"), ARTICLES)
    with the_world(folder) as served:
        yield served


@pytest.fixture(scope="module")
def store_proxy(bucket):
    with before(bucket.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def running(database, broker, bucket, store_proxy, larger):
    """The cluster over an empty lake; the world is served from here."""
    for name in ("airflow", "state"):
        new_database(database, name)
    more = {
        **bucket.environment,
        "ONRECORD_LAKE_ENDPOINT": f"http://127.0.0.1:{store_proxy.port}",
        "ONRECORD_CONFIG": str(SEEDS / "config"),
        "ONRECORD_LAKE": "s3://lake/cluster",
        "ONRECORD_DATABASE_URL": database.url("postgresql+psycopg", "state"),
        "ONRECORD_MODEL": "rules",
        "ONRECORD_FETCH__HOSTS": json.dumps(dict(larger.hosts())),
        "ONRECORD_FETCH__PAGE_PAUSE_SECONDS": "0",
        "ONRECORD_FETCH__EVERYTHING": "true",
    }
    with airflow.cluster(database, broker, more) as made:
        yield made


class Passes:
    """The same passes on one machine and on the cluster, and what both made."""

    def __init__(self, running, world, database, bucket, alone):
        self.running, self.world, self.alone = running, world, alone
        self.store = BucketStore(
            "s3://lake/cluster", endpoint=bucket.environment["ONRECORD_LAKE_ENDPOINT"]
        )
        self.state = database.url("postgresql", "state")
        self.owed = []  # polls that the cluster was asked for, and one machine not yet

    def begin(self, poll_id):
        """Turn the world to a poll and ask for a pass; its run."""
        until(self.running.idle, "the end of the passes before", 600)
        poll = self.world.show(poll_id)
        self.owed.append(poll)
        self.begun = time.monotonic()
        return self.running.monitor(poll.at)

    def assert_as_alone(self, run, what):
        """The run ends well, and the tables are those of one machine; the run's tasks."""
        tasks = self.running.ended(run)
        took = time.monotonic() - self.begun
        while self.owed:
            poll = self.world.show(self.owed.pop(0).id)
            straight = an_app(self.alone, self.world)
            reports = straight.run(poll.at, everything=True)
            straight.close()
        articles = next(one.rows for one in reports if one.step == "read")
        each = ", ".join(f"{n} {t['duration'] or 0:.0f}" for n, t in _in_order(tasks))
        print(f"{what}: {articles} articles, {took:.0f} s ({each})")
        assert self.tables() == hashes(self.alone)
        lines = (self.store.get("alerts.jsonl") or b"").decode().splitlines()
        told = [json.loads(line)["alert_id"] for line in lines]
        assert Counter(told) == Counter(sent(self.alone))
        return tasks

    def tables(self):
        return {
            name: sha256(self.store.get(name) or b"").hexdigest()
            for table in REBUILT
            for name in self.store.names(f"tables/{table}/")
            if name.endswith(".parquet")
        }

    def in_mid_step(self):
        """Wait until a step holds the lock of the state: it is past its imports."""

        def held():
            query = "select count(*) from pg_locks where locktype = 'advisory'"
            with psycopg.connect(self.state) as db:
                return db.execute(query).fetchone()[0]

        until(held, "a step at work", 120)


def _in_order(tasks):
    return sorted(tasks.items(), key=lambda one: one[1]["start_date"] or "")


def assert_made_good(task, since, what):
    """Begun again in time, with the settings that we ship; how long all of it took."""
    begun, ended = (
        (datetime.fromisoformat(task[name]) - since).total_seconds()
        for name in ("start_date", "end_date")
    )
    print(
        f"{what}: try {task['try_number']} began {begun:.0f} s later, ended {ended:.0f}"
    )
    assert begun < BEGUN_AGAIN_SECONDS


@pytest.fixture(scope="module")
def passes(running, larger, database, bucket, tmp_path_factory):
    alone = tmp_path_factory.mktemp("alone")
    return Passes(running, larger, database, bucket, alone)


def test_the_sample_world(passes, lake):
    """Its tables are those of the lake that all other tests use, too."""
    for poll_id in SAMPLE:
        passes.assert_as_alone(passes.begin(poll_id), poll_id)

    assert passes.tables() == hashes(lake)


def test_many_articles_in_one_pass(passes):
    passes.assert_as_alone(passes.begin("g1"), "large")


@pytest.mark.parametrize(("step", "poll_id"), [("fetch", "g2"), ("extract", "g3")])
def test_a_worker_killed_in_mid_task(passes, running, step, poll_id):
    run = passes.begin(poll_id)
    work = running.at_work(run, step)
    if step == "extract":  # fetch takes less than a second: killed as it is seen
        passes.in_mid_step()
    work.kill()
    killed = datetime.now(UTC)

    tasks = passes.assert_as_alone(run, f"worker killed in {step}")

    assert tasks[step]["try_number"] > 1, f"{step} had ended before its worker"
    assert_made_good(tasks[step], killed, f"worker killed in {step}")


def test_an_orphaned_task_and_its_second_try(passes, running, store_proxy):
    """All above a task is killed; the store lets it go on when its second try has begun."""
    run = passes.begin("g4")
    work = running.at_work(run, "extract")
    passes.in_mid_step()
    held = threading.Event()
    store_proxy.fault = lambda _: None if held.wait(300) else 503
    work.orphan()
    killed = datetime.now(UTC)
    try:
        second = running.at_work(run, "extract", seconds=300)
        while second.process == work.process:
            second = running.at_work(run, "extract", seconds=300)
        time.sleep(5)  # it stands at the lock that the first one holds
        held.set()
        until(work.ended, "the end of the orphan", 180)
    finally:
        held.set()
        store_proxy.fault = None
        if not work.ended():
            work.process.kill()

    tasks = passes.assert_as_alone(run, "a task orphaned")

    rows = running.returned(run, "extract")
    print(f"a task orphaned: its second try wrote {rows} rows")
    assert tasks["extract"]["try_number"] > 1
    assert_made_good(tasks["extract"], killed, "a task orphaned")


def test_redis_flushed_with_a_task_in_its_queue(passes, running, broker):
    workers = [running.processes[name] for name in ("worker-1", "worker-2")]
    with redis.Redis(
        port=broker.port, username="onrecord", password=broker.password
    ) as link:
        for worker in workers:
            worker.pause()
        try:
            run = passes.begin("g5")
            until(lambda: link.llen("default"), "a task in the queue", 120)
            link.flushall()
            flushed = datetime.now(UTC)
        finally:
            for worker in workers:
                worker.resume()

    tasks = passes.assert_as_alone(run, "Redis flushed")

    assert_made_good(tasks["fetch"], flushed, "Redis flushed")


def test_postgresql_killed_and_started_again_in_mid_task(passes, running, database):
    run = passes.begin("g6")
    running.at_work(run, "extract")
    passes.in_mid_step()
    database.process.stop(signal.SIGQUIT)
    time.sleep(3)
    database.process.start()
    back = datetime.now(UTC)
    until(lambda: answers(database), "PostgreSQL's answer", 60)

    tasks = passes.assert_as_alone(run, "PostgreSQL killed")

    assert_made_good(tasks["extract"], back, "PostgreSQL killed")


def test_one_of_two_schedulers_killed_in_mid_pass(passes, running):
    run = passes.begin("g7")
    running.at_work(run, "read")
    running.processes["scheduler-1"].kill()

    passes.assert_as_alone(run, "a scheduler killed")


def test_a_store_that_answers_503_and_is_slow(passes, running, store_proxy):
    store_proxy.fault = lambda number: (503, 0.3, 0.1, 0.1, 503)[number % 5]
    run = passes.begin("g8")
    running.at_work(run, "extract")
    passes.in_mid_step()
    store_proxy.fault = lambda number: 503
    time.sleep(20)
    store_proxy.fault = lambda number: (503, 0.3, 0.1, 0.1, 503)[number % 5]
    try:
        tasks = running.ended(run)
    finally:
        store_proxy.fault = None

    passes.assert_as_alone(run, "a store in trouble")
    print(
        f"the store refused {store_proxy.refused} requests and was slow in "
        f"{store_proxy.slowed}; tries: {[t['try_number'] for t in tasks.values()]}"
    )


def test_nothing_is_left_to_do_and_every_day_is_proved(
    passes, larger, bucket, database
):
    app = an_app(
        "s3://lake/cluster",
        larger,
        lake_endpoint=bucket.environment["ONRECORD_LAKE_ENDPOINT"],
        database_url=database.url("postgresql+psycopg", "state"),
    )
    assert app.status(larger.polls[-1].at)["waiting"] == {
        "read": 0, "extract": 0, "match": 0, "publish": 0,
    }  # fmt: skip
    assert [fault for day in app.published_days() for fault in app.verify(day)] == []
    app.close()
