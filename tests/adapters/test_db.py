from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from pipeline.adapters.db.engine import Database
from pipeline.adapters.db.feed_states import DbFeedStates
from pipeline.adapters.db.outbox import DbOutbox
from pipeline.adapters.db.progress import DbProgress
from pipeline.adapters.db.record import DbRecord
from pipeline.adapters.db.seen import DbSeen
from pipeline.claims.candidates import MOST_READ, best
from pipeline.claims.grouping import relations
from pipeline.errors import BrokenDatabaseError, DamagedError, StoreError
from pipeline.model import (
    Delivery,
    DeliveryState,
    Partition,
    RelationKind,
    Said,
    WantedPage,
)
from tests.builders import (
    NOON,
    a_feed,
    a_relation,
    a_seen,
    a_statement,
    an_alert,
)

ONE = Partition.at(NOON)
TWO = Partition.at(NOON + timedelta(hours=1))
THREE = Partition.at(NOON + timedelta(hours=2))


def bands_of(*rows):
    return np.array(rows, dtype=np.int64)


@pytest.fixture
def db(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'state.sqlite'}")
    yield database
    database.close()


def test_a_file_that_is_no_database_is_named(tmp_path):
    path = tmp_path / "state.sqlite"
    path.write_bytes(b"this is not a database, and long enough to be looked at" * 30)

    with pytest.raises(DamagedError, match=r"state\.sqlite"):
        Database(f"sqlite:///{path}")


def test_damage_in_a_table_is_found_where_it_is_looked_for(tmp_path):
    path = tmp_path / "state.sqlite"
    Database(f"sqlite:///{path}").close()
    with closing(sqlite3.connect(path)) as plain:
        where = "SELECT rootpage FROM sqlite_master WHERE name = 'outbox'"
        (page,) = plain.execute(where).fetchone()
        (size,) = plain.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    database = Database(f"sqlite:///{path}")

    database.check(["feed_states"])
    for tables in (["feed_states", "outbox"], ()):
        with pytest.raises(BrokenDatabaseError, match="onrecord salvage"):
            database.check(tables)


# ------------------------------------------------------------------------- progress


def test_what_is_stale_is_pending_until_it_is_done(db):
    progress = DbProgress(db, ["match"])
    progress.stale("read", TWO)
    progress.stale("read", ONE)

    assert progress.pending("read", TWO) == [ONE, TWO]
    assert progress.pending("read", ONE) == [ONE]
    progress.done("read", ONE, "sha")
    assert progress.pending("read", TWO) == [TWO]


def test_the_last_that_is_made_and_what_is_known_since_a_day(db):
    progress = DbProgress(db, ["match"])
    days = [NOON + timedelta(days=n) for n in range(3)]
    partitions = [Partition.at(day) for day in days]
    assert progress.last("read") is None
    for one in partitions:
        progress.stale("read", one)
    assert progress.last("read") is None

    progress.done("read", partitions[1], "sha")
    progress.done("extract", partitions[2], "sha")

    assert progress.last("read") == partitions[1]
    assert progress.known("read", days[1].date()) == set(partitions[1:])
    assert progress.known("read") == set(partitions)


def test_what_was_marked_while_it_was_made_is_still_pending(db):
    """Another process archived an answer after this one had read the partition."""
    ours, theirs = DbProgress(db, []), DbProgress(db, [])
    theirs.stale("read", ONE)
    assert ours.pending("read", TWO) == [ONE]

    theirs.stale("read", ONE)
    ours.done("read", ONE, "half of it")

    assert ours.pending("read", TWO) == [ONE]
    ours.done("read", ONE, "all of it")
    assert ours.pending("read", TWO) == []


def test_a_room_is_held_by_one_and_given_back_however_its_holder_ends(db, tmp_path):
    other = Database(f"sqlite:///{tmp_path / 'state.sqlite'}")
    with db.alone("work"):
        with other.alone("fetch"):
            pass
        with (
            pytest.raises(StoreError, match="another run is in work"),
            other.alone("work", patience_seconds=0.2),
        ):
            pass
    child = os.fork()
    if child == 0:
        with db.alone("work"):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)

    with other.alone("work", patience_seconds=0.2):
        pass
    other.close()


def test_a_changed_output_of_a_fold_makes_what_follows_stale(db):
    progress = DbProgress(db, ["match"])
    for partition in (ONE, TWO, THREE):
        progress.done("match", partition, "first")

    assert not progress.done("match", ONE, "first")
    assert progress.pending("match", THREE) == []
    assert progress.done("match", TWO, "second")
    assert progress.pending("match", THREE) == [THREE]


def test_a_changed_output_of_another_step_does_not(db):
    progress = DbProgress(db, ["match"])
    progress.done("extract", ONE, "first")
    progress.done("extract", TWO, "first")

    progress.done("extract", ONE, "second")

    assert progress.pending("extract", TWO) == []


# ---------------------------------------------------------------------- feed states


def test_a_feed_never_asked_has_a_fresh_state_and_a_saved_one_comes_back(db):
    from dataclasses import replace

    states, feed = DbFeedStates(db), a_feed()
    fresh = states.load([feed])[feed.id]
    saved = replace(fresh, etag='"a"', failures=2, due_at=NOON, url="http://b.example/")

    states.save([saved])

    assert fresh.url == feed.url
    assert states.load([feed])[feed.id] == saved


def test_an_address_that_an_editor_changed_starts_afresh(db):
    states = DbFeedStates(db)
    states.save(states.load([a_feed()]).values())

    moved = states.load([a_feed(url="http://new.example/rss")])["herald"]

    assert moved.url == "http://new.example/rss"
    assert moved.etag is None


def test_a_page_that_fails_is_wanted_again_a_few_times(db):
    states = DbFeedStates(db)
    page = WantedPage(key="k", feed_id="herald", url="http://herald.example/p")
    now = NOON
    tries = 0
    while tries == 0 or states.wanted_pages(now):
        states.pages_failed([page], now)
        tries += 1
        assert states.wanted_pages(now) == []
        now += timedelta(days=1)

    assert tries == 4
    assert states.pages_known(["k", "other"]) == {"k"}


# ------------------------------------------------------------------------------ seen


def test_an_article_is_found_by_url_or_guid_in_earlier_partitions_only(db):
    seen = DbSeen(db)
    article = a_seen(partition=str(TWO))
    seen.replace(TWO, [article], bands_of([1]))

    def find(before, url="", guid=""):
        return seen.find(urls=[url], guids=[("herald", guid)], before=before)

    assert find(THREE, url=article.url) == [article]
    assert find(THREE, guid="g1") == [article]
    assert find(TWO, url=article.url) == []
    assert find(THREE, guid="g2") == []


def test_a_partition_made_again_replaces_what_it_remembered(db):
    seen = DbSeen(db)
    seen.replace(ONE, [a_seen(partition=str(ONE))], bands_of([1]))
    other = a_seen(
        article_id="b" * 20, url="http://herald.example/b", partition=str(ONE)
    )

    seen.replace(ONE, [other], bands_of([2]))

    since = NOON - timedelta(days=7)
    assert seen.alike(np.array([1]), since=since, before=TWO) == []
    assert seen.alike(np.array([2]), since=since, before=TWO) == [other]
    assert seen.alike(np.array([2]), since=since, before=ONE) == []
    assert seen.alike(np.array([2]), since=NOON + timedelta(days=1), before=TWO) == []


def test_what_is_alike_is_found_by_any_band_of_any_earlier_partition(db):
    seen = DbSeen(db)
    rows = np.random.default_rng(1).integers(0, 2**63, (40, 32))
    rows[7] = -1  # a text too short for a signature
    names = [f"{nth:020}" for nth in range(40)]
    for partition, part in ((ONE, slice(0, 20)), (TWO, slice(20, 40))):
        moment = partition.moment
        articles = [
            a_seen(article_id=name, partition=str(partition), first_seen_at=moment)
            for name in names[part]
        ]
        seen.replace(partition, articles, rows[part])

    def alike(*wanted, before=THREE):
        found = seen.alike(np.array(wanted), since=NOON, before=before)
        return [one.article_id for one in found]

    assert alike(rows[3, 0], rows[3, 31], rows[25, 16]) == [names[3], names[25]]
    assert alike(rows[25, 16], before=TWO) == []
    assert alike(rows[3, 0] ^ (1 << 40)) == []  # the same lowest bits, another band


# ---------------------------------------------------------------------------- record


def test_candidates_are_the_figures_own_best_first_and_earlier(db):
    record = DbRecord(db)
    near = a_statement(content="we will hold Donbas")
    far = a_statement(content="we will talk")
    foreign = a_statement(content="we will hold Donbas too", figure_id="Q2")
    rows = [
        (near, a_relation(near), ["hold", "donbas"], b""),
        (far, a_relation(far), ["talk", "hold"], b""),
        (foreign, a_relation(foreign), ["hold", "donbas"], b""),
    ]
    record.replace(ONE, rows)
    said = Said.of(a_statement(content="hold Donbas"))
    terms = ["hold", "donbas", "talk"]

    def find(before, limit=5):
        lookup = record.before(before, [(said, terms)], places=9, limit=limit)
        return lookup(said, {"hold": 0, "donbas": 8, "talk": 9})

    assert [(n, one.content) for n, one in find(TWO)] == [
        (2, near.content),
        (1, far.content),
    ]
    assert find(ONE) == []
    assert [one.content for _, one in find(TWO, limit=1)] == [near.content]
    link = a_relation(near)
    kept = Said.of(near, link.claim_id, link.utterance_id)
    assert replace(find(TWO)[0][1], prepared="", sketch=b"", vector=b"") == kept


def test_what_is_near_in_meaning_is_the_figures_own_and_earlier(db):
    record = DbRecord(db)
    vectors = np.zeros((3, 128), np.int8)
    vectors[:, 0], vectors[1, 1] = (127, 90, 127), 90
    texts = ["we will hold Donbas", "the east stays ours", "we will hold Donbas too"]
    rows = [a_statement(content=text) for text in texts]
    rows[2] = replace(rows[2], figure_id="Q2")
    record.replace(
        ONE,
        [
            (row, a_relation(row), [], vector.tobytes())
            for row, vector in zip(rows, vectors, strict=True)
        ],
    )
    said = replace(Said.of(a_statement(content="hold it")), vector=vectors[0].tobytes())

    def near(before, taken=0):
        lookup = record.before(before, [(said, [])], places=9, limit=5)
        return [(round(much, 2), one.content) for much, one in lookup.near(said, taken)]

    assert near(TWO) == [(1.0, texts[0]), (0.71, texts[1])]
    assert near(ONE) == []
    assert len(near(TWO, MOST_READ - 1)) == 1  # the latest, whichever is nearer
    moved = (rows[0], a_relation(rows[0]), [], vectors[0].tobytes())
    record.replace(TWO, [moved])  # found earlier or later by a rebuild
    record.replace(ONE, [moved])
    assert {text for _, text in near(THREE)} == {texts[0]}
    record.replace(TWO, [])
    assert near(THREE) == [(1.0, texts[0])]
    record.replace(ONE, [])
    assert near(THREE) == []


@pytest.mark.parametrize(
    "as_of_then",
    ["json_remove(said, '$.published_at')", "json_set(said, '$.published_at', null)"],
)
def test_what_was_recorded_without_a_time_of_publication_is_still_compared(
    db, tmp_path, as_of_then
):
    """It counts as published when it was first seen."""
    record, said = DbRecord(db), "we will hold the dorvane"
    old, other = (
        a_statement(
            content=said, article_id=letter * 20, published_at=NOON - timedelta(hours=h)
        )
        for letter, h in (("a", 2), ("b", 1))
    )
    terms = ["dorvane"]
    record.replace(ONE, [(one, a_relation(one), terms, b"") for one in (old, other)])
    with closing(sqlite3.connect(tmp_path / "state.sqlite")) as plain, plain:
        changed = plain.execute(
            f"UPDATE record_said SET said = {as_of_then}"
            " WHERE json_extract(said, '$.statement_id') = ?",
            [old.statement_id],
        )
        assert changed.rowcount == 1
    new = a_statement(content=said, article_id="c" * 20, first_seen_at=TWO.moment)
    again = Said.of(new)

    lookup = record.before(TWO, [(again, terms)], places=9, limit=5)
    found = lookup(again, {"dorvane": 0})
    times = {one.statement_id: one.published_at for _, one in found}
    latest_first = [one.statement_id for one in best(found, 5)]
    (relation,) = relations(
        [again], lambda *_: [one for one in found if one[1].published_at is None]
    )

    assert times == {old.statement_id: None, other.statement_id: other.published_at}
    assert latest_first == [old.statement_id, other.statement_id]
    assert relation.kind is RelationKind.REREPORTED
    assert relation.claim_id == a_relation(old).claim_id


def test_the_state_of_a_claim_is_that_as_of_a_partition(db):
    record = DbRecord(db)
    first = a_statement()
    again = a_statement(article_id="b" * 20, outlet="Courier", wire_group_id="w")
    link = a_relation(first)
    record.replace(ONE, [(first, link, [], b"")])
    record.replace(
        TWO,
        [(again, a_relation(again, kind=RelationKind.REPEATED, claim_id=link.claim_id,
                            earlier_id=first.statement_id), [], b"")],
    )  # fmt: skip

    (early,) = record.states(since=NOON, upto=ONE)
    (late,) = record.states(since=NOON, upto=TWO)

    assert (early.n_independent, early.outlets) == (1, ("The Herald",))
    assert (late.n_independent, late.outlets) == (2, ("The Herald", "Courier"))
    assert late.statement == first
    assert record.states(since=NOON + timedelta(seconds=1), upto=TWO) == []


# ---------------------------------------------------------------------------- outbox


def test_since_when_each_figure_is_on_record(db):
    record = DbRecord(db)
    old = NOON - timedelta(days=9)
    rows = [
        a_statement(figure_id="Q1", first_seen_at=old, content="one"),
        a_statement(figure_id="Q1", first_seen_at=NOON, content="two"),
        a_statement(figure_id="Q2", first_seen_at=NOON, content="three"),
    ]
    late = a_statement(figure_id="Q3", first_seen_at=NOON, content="four")
    record.replace(ONE, [(said, a_relation(said), [], b"") for said in rows])
    record.replace(TWO, [(late, a_relation(late), [], b"")])

    assert record.figures_since(ONE) == {"Q1": old, "Q2": NOON}
    assert record.figures_since(TWO) == {"Q1": old, "Q2": NOON, "Q3": NOON}


def test_the_first_that_are_stale_can_be_asked_for_alone(db):
    progress = DbProgress(db, ["match"])
    for one in (TWO, ONE):
        progress.stale("read", one)

    assert progress.pending("read", TWO, first=1) == [ONE]
    assert progress.pending("read", TWO) == [ONE, TWO]


def test_an_alert_is_put_once(db):
    outbox = DbOutbox(db)

    assert outbox.put([an_alert()]) == 1
    assert outbox.put([an_alert(created_at=NOON + timedelta(hours=1))]) == 0
    assert outbox.alerts(NOON.date()) == [an_alert()]


def test_an_alert_is_due_until_it_is_sent_or_dead(db):
    outbox = DbOutbox(db)
    outbox.put([an_alert()])
    again = NOON + timedelta(minutes=5)

    def tried(attempt, state, reason, next_try_at):
        delivery = Delivery(
            alert_id="f" * 20,
            channel="log",
            attempt=attempt,
            at=NOON,
            state=state,
            reason=reason,
        )
        outbox.record(delivery, next_try_at)

    tried(1, DeliveryState.FAILED, "503", again)
    assert outbox.due(NOON) == []
    assert outbox.due(again) == [(an_alert(), 1)]
    tried(2, DeliveryState.SENT, "", None)

    assert outbox.due(again + timedelta(days=9)) == []
    assert [d.state for d in outbox.deliveries(NOON.date())] == ["failed", "sent"]
