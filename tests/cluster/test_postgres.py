"""PostgreSQL as the store: the same results, and right when several work at once."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from multiprocessing import get_context

import pytest

from pipeline.adapters.db.engine import Database
from pipeline.adapters.db.outbox import DbOutbox
from pipeline.adapters.db.progress import DbProgress
from pipeline.adapters.db.seen import DbSeen
from pipeline.errors import StoreError
from pipeline.model import Partition
from tests.adapters import test_db
from tests.adapters.test_db import bands_of
from tests.builders import NOON, a_seen, an_alert
from tests.cluster.services import answers, new_database, until
from tests.world import an_app, hashes, sent

PARTITION = Partition.at(NOON)


@pytest.fixture
def url(database):
    new_database(database, "state")
    return database.url("postgresql+psycopg", "state")


@pytest.fixture
def db(url):
    opened = Database(url)
    yield opened
    opened.close()


CONTRACT = [
    name
    for name in dir(test_db)
    if name.startswith("test_")
    and "db" in getattr(test_db, name).__code__.co_varnames
    and getattr(test_db, name).__code__.co_argcount == 1
]


@pytest.mark.parametrize("name", CONTRACT)
def test_the_contract_of_the_stores(name, db):
    getattr(test_db, name)(db)


def test_partitions_are_cut_by_code_points_whatever_the_collation(db):
    progress = DbProgress(db, [])
    early, late = Partition.at(NOON), Partition.at(NOON + timedelta(minutes=1))
    progress.stale("read", late)
    progress.stale("read", early)

    assert progress.pending("read", early) == [early]
    seen = DbSeen(db)
    for article_id in ("a-b", "aC", "ab", "B"):
        one = a_seen(article_id=article_id, partition=str(early), url=article_id)
        seen.replace(early, [one], bands_of([1]))
        assert seen.find(urls=[article_id], guids=[], before=late) == [one]


def test_eight_that_open_an_empty_database_at_once_make_it_once(url):
    with ThreadPoolExecutor(8) as pool:
        for opened in pool.map(lambda _: Database(url), range(8)):
            opened.close()


def test_a_partition_replaced_by_many_at_once_is_that_of_one(db, url):
    def replace(_):
        mine, key = Database(url), str(PARTITION)
        articles = [
            a_seen(article_id=f"{n:020}", url=str(n), partition=key) for n in range(50)
        ]
        with mine.alone("work"):
            DbSeen(mine).replace(
                PARTITION, articles, bands_of(*([n] for n in range(50)))
            )
        mine.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(replace, range(12)))

    later = Partition.at(NOON + timedelta(hours=1))
    found = DbSeen(db).find(urls=[str(n) for n in range(50)], guids=[], before=later)
    assert len(found) == 50


def test_an_alert_put_by_many_at_once_is_put_once(url):
    def put(_):
        mine = Database(url)
        count = DbOutbox(mine).put([an_alert()])
        mine.close()
        return count

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(put, range(12))) == 1


def _hold(url, ready):
    with Database(url).alone("work"):
        ready.set()
        time.sleep(60)


def test_the_lock_of_a_killed_process_is_free_at_once(db, url):
    context = get_context("spawn")
    ready = context.Event()
    holder = context.Process(target=_hold, args=(url, ready))
    holder.start()
    assert ready.wait(60)

    busy = db.alone("work", patience_seconds=0.2)
    with pytest.raises(StoreError, match="another run"), busy:
        pass
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()

    with db.alone("work", patience_seconds=5):
        pass


def test_a_lock_is_given_back_when_its_holder_fails(db, url):
    with pytest.raises(ValueError), db.alone("work"):
        raise ValueError
    other = Database(url)

    with other.alone("work", patience_seconds=1):
        pass
    other.close()


def test_who_lost_its_lock_to_a_restart_has_made_nothing(db, url, database):
    progress = DbProgress(db, [])
    progress.stale("extract", PARTITION)
    with db.alone("work"):
        assert progress.pending("extract", PARTITION) == [PARTITION]
        database.process.stop(signal.SIGINT)
        with pytest.raises(StoreError) as down:
            progress.pending("extract", PARTITION)
        database.process.start()
        until(lambda: answers(database), "PostgreSQL")
        with pytest.raises(StoreError, match="lock of extract was lost") as lost:
            progress.done("extract", PARTITION, "sha")

    assert down.value.transient
    assert lost.value.transient
    assert progress.pending("extract", PARTITION) == [PARTITION]
    with db.alone("work"):
        progress.done("extract", PARTITION, "sha")
    assert progress.pending("extract", PARTITION) == []


def test_the_sample_world_gives_the_same_tables_and_alerts(url, world, lake, tmp_path):
    for poll in world.polls:
        world.show(poll.id)
        app = an_app(tmp_path, world, database_url=url)
        app.run(poll.at, everything=True)
        app.close()

    assert hashes(tmp_path) == hashes(lake)
    assert sorted(sent(tmp_path)) == sorted(sent(lake))
