"""A proof while a pass is at work: what is published is held against what it was made of."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest

from pipeline.model import Partition
from tests.world import an_app, passes

STEPS = ("read", "extract", "match", "alert", "publish")


@pytest.fixture
def begun(world, tmp_path):
    """A lake after the first pass of a day, and the moment of the second."""
    folder = tmp_path / "lake"
    first, second = world.polls[:2]
    assert first.at.date() == second.at.date()
    passes(folder, world, [first.id])
    world.show(second.id)
    return folder, second.at


def test_a_day_is_proved_after_each_step_of_a_pass_that_is_under_way(begun, world):
    folder, at = begun
    app = an_app(folder, world)
    day = at.date()
    assert app.under_way(day) == ""

    told = {}
    app.fetch(at, everything=True)
    told["fetch"] = app.verify(day), app.under_way(day)
    for step in STEPS:
        getattr(app, step)(at)
        told[step] = app.verify(day), app.under_way(day)
    app.close()

    assert all(wrong == [] for wrong, _ in told.values()), told
    assert told.pop("publish")[1] == ""
    assert all("under way" in words for _, words in told.values()), told


def test_what_is_really_wrong_is_named_while_a_pass_is_under_way(begun, world):
    folder, at = begun
    app = an_app(folder, world)
    day = at.date()
    app.fetch(at, everything=True)
    app.read(at)
    app.extract(at)
    (first,) = [p for p in app.lake.partitions("links", day) if p < Partition.at(at)]
    places = {
        "a published file": folder / f"tables/statements/date={day}/part-0.parquet",
        "a partition it was made of": folder
        / f"work/statements/date={day}/{first.part}.parquet",
        "an answer of the pass before": next(
            (folder / f"archive/date={day}").glob(f"{first.part}-*")
        ),
        "an answer of this pass": next(
            (folder / f"archive/date={day}").glob(f"{Partition.at(at).part}-*")
        ),
    }

    for what, path in places.items():
        body = path.read_bytes()
        path.write_bytes(body[:-9] + bytes([body[-9] ^ 1]) + body[-8:])
        assert app.verify(day), what
        path.write_bytes(body)

    assert app.verify(day) == []
    app.close()


def test_a_partition_that_nobody_waits_for_is_a_fault_not_a_pass(lake, world, tmp_path):
    folder = shutil.copytree(lake, tmp_path / "lake")
    app = an_app(folder, world)
    day = world.polls[0].at.date()
    partition = app.lake.partitions("articles", day)[-1]
    later = Partition.at(partition.moment + timedelta(minutes=1))
    for name in ("articles", "statements", "links"):
        app.lake.write(name, later, app.lake.read(name, partition))

    wrong = app.verify(day)
    app.close()

    assert any("not those that it was made from" in line for line in wrong)


def test_a_rebuild_that_has_only_begun_leaves_its_days_proved(lake, world, tmp_path):
    folder = shutil.copytree(lake, tmp_path / "lake")
    app = an_app(folder, world)
    day = world.polls[0].at.date()
    for partition in app.archive.partitions(day):
        app.progress.stale("read", partition)

    app.read(world.polls[-1].at)

    assert app.verify(day) == []
    assert "under way" in app.under_way(day)
    app.close()


def test_a_publication_beside_a_proof_is_no_fault(begun, world, monkeypatch):
    """It comes when the proof has read the manifests, and before it reads the rows."""
    folder, at = begun
    app, beside = an_app(folder, world), an_app(folder, world)
    app.fetch(at, everything=True)
    for step in STEPS[:-1]:
        getattr(app, step)(at)
    load, published = app.lake.load, []

    def loads(table, day, columns=None):
        if not published:
            published.append(beside.publish(at))
        return load(table, day, columns)

    monkeypatch.setattr(type(app.lake), "load", lambda _, *given: loads(*given))

    wrong = app.verify(at.date())

    assert published
    assert wrong == []
    app.close()
    beside.close()


def test_a_lake_without_its_database_is_proved_and_none_is_made(lake, world, tmp_path):
    folder = shutil.copytree(lake, tmp_path / "lake")
    for path in folder.glob("state.*"):
        path.unlink()
    app = an_app(folder, world)
    day = world.polls[0].at.date()
    path = folder / f"tables/claims/date={day}/part-0.parquet"
    path.write_bytes(path.read_bytes()[:-1])

    assert app.verify(day)
    assert app.under_way(day) == ""
    assert not list(folder.glob("state.*"))
    app.close()
