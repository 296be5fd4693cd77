"""kill -9 at each write and each commit of a pass; then the next pass makes it good."""

from __future__ import annotations

import os
import shutil
import signal
from contextlib import contextmanager

import pytest

from pipeline.adapters import archive, jsonl, lake
from pipeline.adapters.db.engine import Database
from tests.world import an_app, hashes, passes, sent

POLLS = ["p1", "p2"]


@pytest.fixture(scope="module")
def undisturbed(world, lakes, tmp_path_factory):
    """The tables and alerts of passes that nobody killed, and how many writes a pass has."""
    folder = tmp_path_factory.mktemp("counted") / "lake"
    writes = writes_of_a_pass(world, shutil.copytree(lakes[POLLS[0]], folder))
    return hashes(lakes[POLLS[1]]), sorted(sent(lakes[POLLS[1]])), writes


def killed_at(number, world, folder):
    """Run a pass in a child that kills itself before its ``number``-th write or after its
    commit; whether it got that far."""
    poll = next(p for p in world.polls if p.id == POLLS[-1])
    world.show(poll.id)  # here, where the outlets are served
    child = os.fork()
    if child == 0:
        count_writes(
            lambda n: os.kill(os.getpid(), signal.SIGKILL) if n == number else None
        )
        try:
            an_app(folder, world).run(poll.at, everything=True)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def count_writes(each):
    """Call ``each`` with the number of every write to disk and end of a transaction."""
    count = 0

    def one():
        nonlocal count
        count += 1
        each(count)

    whole = lake.write_whole

    def write_whole(path, body, **given):
        one()
        whole(path, body, **given)
        one()

    begin = Database.begin

    @contextmanager
    def counted(self):
        with begin(self) as db:
            yield db
        one()

    for module in (lake, archive, jsonl):
        module.write_whole = write_whole
    Database.begin = counted


def writes_of_a_pass(world, folder):
    """Counted in a child, so that nothing stays patched."""
    poll = next(p for p in world.polls if p.id == POLLS[-1])
    world.show(poll.id)
    here, there = os.pipe()
    child = os.fork()
    if child == 0:
        last = []
        count_writes(last.append)
        an_app(folder, world).run(poll.at, everything=True)
        os.write(there, str(last[-1]).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(there)
    with os.fdopen(here) as pipe:
        return int(pipe.read())


def test_a_pass_killed_anywhere_is_made_good_by_running_it_again(
    world, lakes, undisturbed, tmp_path, request
):
    tables, alerts, writes = undisturbed
    step = 1 if request.config.getoption("--every-kill") else max(1, writes // 14)
    tried = 0

    for number in range(1, writes + 1, step):
        folder = shutil.copytree(lakes[POLLS[0]], tmp_path / str(number))
        assert killed_at(number, world, folder), number
        passes(folder, world, POLLS[-1:])

        assert hashes(folder) == tables, f"killed at write {number} of {writes}"
        assert sorted(sent(folder)) == alerts, f"killed at write {number} of {writes}"
        tried += 1
    print(
        f"{tried} kills over {writes} writes of a pass: nothing lost, nothing doubled"
    )
    assert tried >= 10


def test_a_pass_killed_anywhere_is_made_good_by_the_next_pass(
    world, lakes, undisturbed, tmp_path
):
    """Not the same moment again, but the next one: what was archived is in the tables."""
    _, _, writes = undisturbed
    for number in range(3, writes + 1, max(1, writes // 4)):
        folder = shutil.copytree(lakes["p1"], tmp_path / str(number))
        killed_at(number, world, folder)
        passes(folder, world, ["p3"])

        app = an_app(folder, world)
        made = set(app.lake.partitions("links"))
        assert made >= set(app.archive.partitions()), f"killed at write {number}"
        for day in app.lake.published("statements"):
            assert app.verify(day) == []
        app.close()


def test_nothing_aside_is_left_by_an_undisturbed_pass(lakes):
    for folder in lakes.values():
        assert hashes(folder)
        assert list(folder.rglob("*.tmp")) == []
