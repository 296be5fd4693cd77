"""A database of an earlier version is brought forward, whole or not at all."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import threading

import pytest

from pipeline.adapters.db import migrations
from pipeline.adapters.db.engine import Database
from pipeline.adapters.db.feed_states import DbFeedStates
from pipeline.adapters.db.outbox import DbOutbox
from pipeline.adapters.db.progress import DbProgress
from pipeline.errors import DamagedError
from pipeline.model import Partition
from tests.builders import NOON, a_feed, an_alert
from tests.world import an_app, hashes, passes, sent

AS_OF_3 = (
    "DROP TABLE record_said",
    "DROP TABLE record_terms",
    "CREATE TABLE record_said (statement_id TEXT NOT NULL, partition TEXT NOT NULL, "
    "said TEXT NOT NULL, prepared TEXT NOT NULL, PRIMARY KEY (statement_id))",
    "CREATE INDEX ix_record_said_partition ON record_said (partition)",
    "CREATE TABLE record_terms (figure_id TEXT NOT NULL, term TEXT NOT NULL, "
    "partition TEXT NOT NULL, statement_id TEXT NOT NULL, "
    "PRIMARY KEY (figure_id, term, partition, statement_id)) WITHOUT ROWID",
    "CREATE INDEX ix_record_terms_partition ON record_terms (partition)",
    "DROP INDEX record_figure",
    "DROP INDEX progress_stale",
    "CREATE INDEX ix_record_figure_id ON record (figure_id)",
)
AS_OF_2 = (
    *AS_OF_3,
    "ALTER TABLE progress DROP COLUMN marks",
    "DROP TABLE wire_bands",
    "CREATE TABLE article_bands (partition TEXT NOT NULL, band BIGINT NOT NULL, "
    "article_id TEXT NOT NULL, PRIMARY KEY (partition, band, article_id)) WITHOUT ROWID",
    "CREATE INDEX ix_article_bands_band ON article_bands (band)",
    "DROP TABLE record_said",
    "DROP TABLE record_terms",
    "CREATE TABLE record_terms (figure_id TEXT NOT NULL, term TEXT NOT NULL, "
    "statement_id TEXT NOT NULL, partition TEXT NOT NULL, "
    "PRIMARY KEY (figure_id, term, statement_id))",
)
AS_OF_1 = (
    *AS_OF_2,
    "ALTER TABLE feed_states DROP COLUMN ttl_minutes",
    "ALTER TABLE feed_states DROP COLUMN quiet_hours",
    "DROP TABLE article_bands",
    "CREATE TABLE article_bands (band BLOB NOT NULL, article_id TEXT NOT NULL, "
    "first_seen_at DATETIME NOT NULL, partition TEXT NOT NULL)",
    "CREATE INDEX ix_article_bands_partition ON article_bands (partition)",
    "CREATE INDEX article_bands_band ON article_bands (band, first_seen_at)",
    "DROP TABLE outbox_more",
    "DROP TABLE undone",
)
AS_OF_5 = ["DROP TABLE entries_read"]
AS_OF_4 = ["DROP TABLE record_vectors", *AS_OF_5]

EARLIER = {
    1: [*AS_OF_1, *AS_OF_4],
    2: [*AS_OF_2, *AS_OF_4],
    3: [*AS_OF_3, *AS_OF_4],
    4: [*AS_OF_4, "ALTER TABLE record_said DROP COLUMN vector"],
    5: AS_OF_5,
}


def age(path, number):
    """Turn a database of this version into what the version with that number wrote."""
    with sqlite3.connect(path) as db:
        for statement in EARLIER[number]:
            db.execute(statement)
        db.execute("UPDATE about SET value = ? WHERE key = 'schema'", (str(number),))
    db.close()


def layout(path):
    """Every table and index as SQLite holds them: names, columns and their types."""
    with sqlite3.connect(path) as db:
        names = sorted(
            row[0] for row in db.execute("SELECT name FROM sqlite_master") if row[0]
        )
        columns = {
            name: sorted(row[1:4] for row in db.execute(f"PRAGMA table_info('{name}')"))
            for name in names
        }
    db.close()
    return columns


def test_every_number_but_the_last_has_its_step():
    assert sorted(migrations.STEPS) == list(range(1, migrations.SCHEMA))


@pytest.mark.parametrize("number", sorted(EARLIER))
def test_a_migrated_database_has_the_layout_of_a_new_one(tmp_path, number):
    old, new = tmp_path / "old.sqlite", tmp_path / "new.sqlite"
    for path in (old, new):
        Database(f"sqlite:///{path}").close()
    age(old, number)
    assert layout(old) != layout(new)

    Database(f"sqlite:///{old}").close()

    assert layout(old) == layout(new)


@pytest.mark.parametrize("number", sorted(EARLIER))
def test_what_is_no_cache_is_kept(tmp_path, number):
    url = f"sqlite:///{tmp_path / 'state.sqlite'}"
    database = Database(url)
    feed = a_feed()
    states = DbFeedStates(database)
    before = states.load([feed])
    states.save(before.values())
    if number > 1:
        DbOutbox(database).put([an_alert()])
    for step in ("read", "match"):
        DbProgress(database, []).done(step, Partition.at(NOON), "sha")
    database.close()
    age(tmp_path / "state.sqlite", number)

    database = Database(url)

    assert DbFeedStates(database).load([feed]) == before
    assert DbOutbox(database).counts() == ({"pending": 1} if number > 1 else {})
    stale = {
        step
        for step in ("read", "match")
        if DbProgress(database, []).pending(step, Partition.at(NOON))
    }  # their indexes are caches
    both = {"read", "match"}
    assert stale == {1: both, 2: both, 3: {"match"}, 4: {"match"}, 5: set()}[number]
    database.close()


@pytest.mark.parametrize("number", sorted(EARLIER))
def test_a_lake_of_an_earlier_version_goes_on_as_if_it_were_of_this_one(
    world, lakes, tmp_path, number
):
    lake, straight = shutil.copytree(lakes["p2"], tmp_path / "lake"), lakes["p4"]
    age(lake / "state.sqlite", number)

    passes(lake, world, ["p3", "p4"])

    assert hashes(lake) == hashes(straight)
    assert sorted(sent(lake)) == sorted(sent(straight))
    app = an_app(lake, world)
    assert all(app.verify(day) == [] for day in app.published_days())
    app.close()


@pytest.mark.parametrize("number", sorted(EARLIER))
def test_a_migration_killed_at_any_statement_is_safe(tmp_path, number):
    path = tmp_path / "state.sqlite"
    Database(f"sqlite:///{path}").close()
    current = layout(path)
    age(path, number)
    old = layout(path)
    steps = sum(len(migrations.STEPS[n]) for n in range(number, migrations.SCHEMA)) + 1

    for nth in range(1, steps + 1):
        child = os.fork()
        if child == 0:
            _die_after(nth)
            try:
                Database(f"sqlite:///{path}")
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), nth
        assert layout(path) == old

    Database(f"sqlite:///{path}").close()
    assert layout(path) == current


def _die_after(nth):
    count = 0

    def text(statement):
        nonlocal count
        if not statement.startswith("SELECT"):
            count += 1
            if count == nth:
                os.kill(os.getpid(), signal.SIGKILL)
        return whole(statement)

    whole = migrations.sa.text
    migrations.sa.text = text


def test_two_that_open_an_old_database_at_once_migrate_it_once(tmp_path):
    path = tmp_path / "state.sqlite"
    Database(f"sqlite:///{path}").close()
    current = layout(path)
    age(path, 1)
    failed = []

    def opened():
        try:
            Database(f"sqlite:///{path}").close()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=opened) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert layout(path) == current


@pytest.mark.parametrize("number", ["7", "0", "x"])
def test_a_number_that_this_version_does_not_know_is_refused(tmp_path, number):
    path = tmp_path / "state.sqlite"
    Database(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE about SET value = ? WHERE key = 'schema'", (number,))
    db.close()

    with pytest.raises(DamagedError, match=f"schema {number}, this version reads 1 to"):
        Database(f"sqlite:///{path}")
