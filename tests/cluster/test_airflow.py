"""Airflow with Celery, PostgreSQL, Redis and S3: the tables of one machine, come what may."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from pipeline.adapters.bucket import BucketStore
from tests.cluster import airflow
from tests.cluster.services import new_database
from tests.world import REBUILT, SEEDS, hashes

pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def running(database, broker, bucket, world):
    """The cluster over an empty lake; the world is served from here."""
    for name in ("airflow", "state"):
        new_database(database, name)
    more = {
        **bucket.environment,
        "ONRECORD_CONFIG": str(SEEDS / "config"),
        "ONRECORD_LAKE": "s3://lake/cluster",
        "ONRECORD_DATABASE_URL": database.url("postgresql+psycopg", "state"),
        "ONRECORD_MODEL": "rules",
        "ONRECORD_FETCH__HOSTS": json.dumps(dict(world.hosts())),
        "ONRECORD_FETCH__PAGE_PAUSE_SECONDS": "0",
        "ONRECORD_FETCH__EVERYTHING": "true",
    }
    with airflow.cluster(database, broker, more) as made:
        yield made


def test_the_same_tables_though_workers_redis_and_schedulers_fall(
    running, broker, bucket, world, lake
):
    polls = world.polls
    world.show(polls[0].id)
    running.ended(running.monitor(polls[0].at))

    world.show(polls[1].id)
    run = running.monitor(polls[1].at)
    airflow.kill(running.busy())
    killed = datetime.now(UTC)
    again = [t for t in running.ended(run, 900).values() if t["try_number"] > 1]
    ended = [datetime.fromisoformat(task["end_date"]) for task in again]
    took = max((end - killed for end in ended), default=timedelta()).total_seconds()
    print(
        f"a worker killed in {[t['task_id'] for t in again]}: made {took:.0f} s later"
    )

    world.show(polls[2].id)
    run = running.monitor(polls[2].at)
    running.busy()
    _redis(broker, "FLUSHALL")
    airflow.kill(running.processes["scheduler-1"])
    flushed = time.monotonic()
    running.ended(run)
    print(
        f"Redis flushed, a scheduler killed: made {time.monotonic() - flushed:.0f} s later"
    )

    world.show(polls[3].id)
    running.ended(running.monitor(polls[3].at))

    store = BucketStore(
        "s3://lake/cluster", endpoint=bucket.environment["ONRECORD_LAKE_ENDPOINT"]
    )
    found = {
        name: sha256(store.get(name) or b"").hexdigest()
        for table in REBUILT
        for name in store.names(f"tables/{table}/")
    }
    assert found == hashes(lake)
    assert again, "no task was at work when its worker was killed"
    assert took < 180


def _redis(server, command):
    import redis

    with redis.Redis(
        port=server.port, username="onrecord", password=server.password
    ) as link:
        link.execute_command(command)
