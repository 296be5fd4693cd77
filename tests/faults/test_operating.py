"""What goes wrong on a machine: kills at random, a full disk, a clock, damage at rest.

After each, the next passes must bring the tables, the alerts and the archive to what an
undisturbed run leaves, without hands.
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from datetime import timedelta

import pytest

from pipeline.errors import BrokenDatabaseError, StoreError
from pipeline.operations.passes import STEPS
from tests.world import POLLS, an_app, hashes, passes, sent


@pytest.fixture(scope="module")
def begun(lakes):
    """The lake after the first two polls. Only read."""
    return lakes[POLLS[1]]


def left_aside(lake):
    return sorted(str(p) for p in lake.rglob("*.tmp"))


def assert_as_undisturbed(lake, whole, world, why):
    assert hashes(lake) == hashes(whole), why
    assert Counter(sent(lake)) == Counter(sent(whole)), why
    assert left_aside(lake) == [], why
    app = an_app(lake, world)
    assert app.status(app.lake.partitions("polls")[-1].moment)["waiting"] == {
        "read": 0, "extract": 0, "match": 0, "publish": 0,
    }, why  # fmt: skip
    app.close()


def in_a_child(work):
    """Run ``work`` in a child; how it ended: its signal, or 0, or 1 for an error."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except StoreError:
            code = 2
        finally:
            os._exit(code)
    return child


def ended(child):
    _, status = os.waitpid(child, 0)
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


# ------------------------------------------------------------------------ kill -9


@pytest.mark.timeout(7200)
def test_steps_killed_at_random_moments_lose_and_double_nothing(
    world, whole, tmp_path, request
):
    """Each step of each pass is started and killed, some times over, before it may end."""
    kills_wanted = 300 if request.config.getoption("--every-kill") else 14
    chance = random.Random(20260302)
    lengths = _lengths(world, tmp_path)
    killed: Counter[str] = Counter()
    early = rounds = 0
    while sum(killed.values()) < kills_wanted or (set(killed) < set(STEPS)):
        rounds += 1
        assert rounds < 2 * kills_wanted, (
            f"{set(STEPS) - set(killed)} always ends first"
        )
        lake = tmp_path / f"round-{rounds}"
        for poll in (p for p in world.polls if p.id in POLLS):
            world.show(poll.id)
            for step in STEPS:
                for _ in range(2 if kills_wanted >= 300 else 1):

                    def work(step=step, at=poll.at, lake=lake):
                        app = an_app(lake, world)
                        getattr(app, step)(at)

                    child = in_a_child(work)
                    time.sleep(chance.uniform(0, 1.1 * lengths[step]))
                    os.kill(child, signal.SIGKILL)
                    if ended(child) == -signal.SIGKILL:
                        killed[step] += 1
                    else:
                        early += 1
                app = an_app(lake, world)
                getattr(app, step)(poll.at)
                app.close()
        assert_as_undisturbed(lake, whole, world, f"round {rounds}")
        shutil.rmtree(lake)
    print(
        f"{sum(killed.values())} kills ({dict(killed)}), {early} came too late, over "
        f"{rounds} runs of {len(POLLS)} passes: 0 lost, 0 doubled, 0 stuck"
    )


def _lengths(world, tmp_path):
    """How long each step takes in a child, the longest of two passes."""
    lake, found = tmp_path / "lengths", dict.fromkeys(STEPS, 0.0)
    for poll in world.polls[:2]:
        world.show(poll.id)
        for step in STEPS:
            begun = time.monotonic()

            def work(step=step, at=poll.at):
                getattr(an_app(lake, world), step)(at)

            assert ended(in_a_child(work)) == 0
            found[step] = max(found[step], time.monotonic() - begun)
    return found


# ----------------------------------------------------------- two at once, clock, disk


def test_two_passes_at_the_same_moment_leave_what_one_leaves(world, whole, tmp_path):
    for poll in world.polls:
        world.show(poll.id)

        def work(at=poll.at):
            an_app(tmp_path, world).run(at, everything=True)

        children = [in_a_child(work) for _ in range(2)]
        assert [ended(child) for child in children] == [0, 0]
    assert_as_undisturbed(tmp_path, whole, world, "two at once")
    app = an_app(tmp_path, world)
    answers = sum(1 for p in app.archive.partitions() for _ in app.archive.read(p))
    alone = an_app(whole, world)
    once = sum(1 for p in alone.archive.partitions() for _ in alone.archive.read(p))
    assert answers > once  # both asked, and both archived what they got
    app.close()
    alone.close()


def test_every_step_at_once_with_itself_leaves_what_one_leaves(
    world, whole, begun, tmp_path, request
):
    often = request.config.getoption("--every-kill")
    lake = tmp_path / "lake"
    shutil.copytree(begun, lake)
    for poll in world.polls[2:]:
        world.show(poll.id)
        for step in STEPS:

            def work(step=step, at=poll.at):
                getattr(an_app(lake, world), step)(at)

            children = [in_a_child(work) for _ in range(6 if often else 2)]
            assert {ended(child) for child in children} == {0}, step
    assert_as_undisturbed(lake, whole, world, "each step several times at once")


def test_a_clock_that_jumps_back_a_day_loses_nothing(world, begun, whole, tmp_path):
    """A pass is filed under a moment before the last; the next ones go on."""
    lake = shutil.copytree(begun, tmp_path / "lake")
    world.show("p2")
    app = an_app(lake, world)
    back = world.polls[1].at - timedelta(days=1)

    reports = app.run(back, everything=True)
    app.close()
    passes(lake, world, POLLS[2:])

    app, straight = an_app(lake, world), an_app(whole, world)
    assert all(report.step for report in reports)
    assert set(ids(app)) == set(ids(straight))
    assert len(ids(app)) == len(set(ids(app)))
    assert max(Counter(sent(lake)).values()) == 1
    for day in app.published_days():
        assert app.verify(day) == []
    for one in (app, straight):
        one.close()


def ids(app):
    """Every article and revision that is published."""
    return [
        (row["article_id"], row["revision"])
        for day in app.lake.published("articles")
        for row in app.lake.load("articles", day).to_pylist()
    ]


@pytest.mark.parametrize("limit", [0, 20_000])
def test_a_disk_that_is_full_fails_the_step_and_the_next_pass_makes_it_good(
    world, begun, whole, tmp_path, limit
):
    """RLIMIT_FSIZE stands for it: no file may grow beyond, the database's included."""
    lake = shutil.copytree(begun, tmp_path / "lake")
    world.show("p3")

    def work():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        an_app(lake, world).run(world.polls[2].at, everything=True)

    outcome = ended(in_a_child(work))
    passes(lake, world, POLLS[2:])

    assert outcome == 2, "a full disk is a StoreError"
    assert_as_undisturbed(lake, whole, world, f"no file over {limit} bytes")


@pytest.fixture
def small_disk(tmp_path, request):
    """A tmpfs of a given size, where we may mount one."""
    mounted = []

    def mount(name, *options):
        folder = tmp_path / name
        folder.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)],
            capture_output=True, check=False,
        )  # fmt: skip
        if done.returncode:
            needed = request.config.getoption("--every-kill")  # make test-faults
            (pytest.fail if needed else pytest.skip)("mounting needs root")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.timeout(1200)
def test_a_disk_that_fills_in_a_pass_loses_nothing_once_there_is_room(
    world, begun, whole, small_disk, request
):
    lake = small_disk("disk", "size=64m") / "lake"
    shutil.copytree(begun, lake)
    used = sum(p.stat().st_size for p in lake.rglob("*") if p.is_file())
    chance = random.Random(20260303)
    world.show("p3")
    outcomes: Counter[int] = Counter()
    for _ in range(40 if request.config.getoption("--every-kill") else 2):
        ballast = lake.parent / "ballast"
        room = chance.randrange(0, max(used // 3, 300_000))
        disk = shutil.disk_usage(lake)
        with ballast.open("wb") as file:
            file.truncate(0)
            os.posix_fallocate(file.fileno(), 0, max(1, disk.free - room))
        outcomes[
            ended(
                in_a_child(
                    lambda: an_app(lake, world).run(world.polls[2].at, everything=True)
                )
            )
        ] += 1
        ballast.unlink()
    passes(lake, world, POLLS[2:])

    print(f"disk full: {outcomes[2]} of {sum(outcomes.values())} passes failed")
    assert outcomes[2] >= 1
    assert outcomes[1] == 0, "a full disk is a StoreError"
    assert_as_undisturbed(lake, whole, world, "disk full")


def test_a_read_only_lake_is_named_and_goes_on_when_it_is_writable(
    world, begun, whole, small_disk
):
    disk = small_disk("disk", "size=64m")
    lake = disk / "lake"
    shutil.copytree(begun, lake)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    app = an_app(lake, world)
    with pytest.raises(StoreError, match=str(lake)):
        app.run(world.polls[2].at, everything=True)
    app.close()
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)

    passes(lake, world, POLLS[2:])

    assert_as_undisturbed(lake, whole, world, "read-only")


def test_a_lake_that_cannot_be_reached_is_named_and_nothing_is_made_up(
    world, begun, whole, tmp_path
):
    lake = shutil.copytree(begun, tmp_path / "lake")
    lake.rename(tmp_path / "away")
    lake.write_text("what stands where a mount should be")
    with pytest.raises(StoreError, match="lake"):
        an_app(lake, world)
    lake.unlink()
    (tmp_path / "away").rename(lake)

    passes(lake, world, POLLS[2:])

    assert_as_undisturbed(lake, whole, world, "unreachable")


# ------------------------------------------------------------------ damage at rest


def damaged(path, chance):
    """Truncate a file, or overwrite some of it."""
    body = bytearray(path.read_bytes())
    if chance.random() < 0.5:
        path.write_bytes(body[: chance.randrange(len(body))])
    else:
        at = chance.randrange(max(1, len(body) - 64))
        body[at : at + 64] = chance.randbytes(64)
        path.write_bytes(body)


@pytest.mark.timeout(3600)
def test_damaged_files_are_named_isolated_and_made_again(
    world, begun, whole, tmp_path, request
):
    """A file of a working partition or a table, then a pass, then ``rebuild``."""
    chance = random.Random(20260304)
    rounds = 60 if request.config.getoption("--every-kill") else 2
    named = 0
    for nth in range(rounds):
        lake = shutil.copytree(begun, tmp_path / f"lake-{nth}")
        files = sorted([*lake.glob("work/*/*/*.parquet"), *lake.glob("tables/*/*/*")])
        victim = chance.choice([f for f in files if "polls" not in str(f)])
        damaged(victim, chance)

        app = an_app(lake, world)
        before = app.verify(world.polls[0].at.date())
        app.close()
        passes(lake, world, POLLS[2:])
        app = an_app(lake, world)
        named += any(str(victim) in line for line in before) or bool(before)
        assert app.lake.published("statements")[-1] == world.polls[-1].at.date()
        reports = app.rebuild(world.polls[0].at.date(), afresh=True)
        why = f"{victim.relative_to(lake)} damaged"
        assert not [f for report in reports for f in report.failures if str(lake) in f]
        assert hashes(lake) == hashes(whole), why
        app.alert(world.polls[-1].at)  # as the next pass does: what was held back
        app.deliver(world.polls[-1].at)
        app.close()
        told, expected = Counter(sent(lake)), Counter(sent(whole))
        assert not expected - told, why
        assert set(told.values()) == {1}, why
        # what a later report told while the damaged one was held back is told already
        assert told == expected or "work/" in why, why
        shutil.rmtree(lake)
    print(f"{rounds} files damaged at rest, {named} named by verify, all made again")


@pytest.mark.timeout(3600)
def test_a_damaged_archive_record_is_named_and_costs_nothing_that_was_read(
    world, begun, whole, tmp_path, request
):
    chance = random.Random(20260305)
    for nth in range(30 if request.config.getoption("--every-kill") else 1):
        lake = shutil.copytree(begun, tmp_path / f"lake-{nth}")
        victim = chance.choice(sorted(lake.glob("archive/*/*.warc.gz")))
        body = bytearray(victim.read_bytes())
        at = chance.randrange(20, len(body) - 200)
        body[at : at + 8] = bytes(8)
        victim.write_bytes(body)

        app = an_app(lake, world)
        told = app.verify(world.polls[0].at.date())
        app.rebuild(world.polls[0].at.date(), afresh=True)
        app.close()
        passes(lake, world, POLLS[2:])

        assert any(str(victim) in line for line in told)
        assert_as_undisturbed(lake, whole, world, f"{victim.name} damaged")
        shutil.rmtree(lake)


def test_a_record_damaged_before_it_was_read_costs_its_own_articles_only(
    world, whole, tmp_path
):
    lake = tmp_path / "lake"
    world.show("p1")
    app = an_app(lake, world)
    app.fetch(world.polls[0].at, everything=True)
    victim = max(lake.glob("archive/*/*.warc.gz"), key=lambda p: p.stat().st_size)
    offsets = _offsets(victim)
    body = bytearray(victim.read_bytes())
    body[offsets[1] + 200 : offsets[1] + 208] = bytes(8)
    victim.write_bytes(body)

    report = app.read(world.polls[0].at)

    straight = an_app(whole, world)
    first = straight.lake.partitions("articles")[0]
    before = straight.lake.read("articles", first).num_rows
    assert 0 < report.rows < before
    assert any(str(victim) in failure for failure in report.failures)
    app.close()
    straight.close()


def _offsets(path):
    from pipeline.adapters.archive import _members

    with path.open("rb") as file:
        return [offset for offset, _, _ in _members(file, 0)]


def overwritten(path, chance):
    """Six random pages of the database; at times the first, which says what it is."""
    body = bytearray(path.read_bytes())
    for page in chance.sample(range(len(body) // 4096), 6):
        body[page * 4096 : (page + 1) * 4096] = chance.randbytes(4096)
    path.write_bytes(body)


def cut_off(path, chance):
    path.write_bytes(path.read_bytes()[: chance.randrange(path.stat().st_size)])


def removed(path, _):
    path.unlink()


@pytest.mark.timeout(3600)
def test_a_damaged_database_is_named_and_salvaged_and_all_is_as_it_was(
    world, begun, whole, tmp_path, request
):
    """A pass is refused before it builds on damage; then salvage and rebuild."""
    chance = random.Random(20260306)
    every = request.config.getoption("--every-kill")
    damages = [overwritten] * 30 + [cut_off] * 8 + [removed] * 2 if every else [
        overwritten, cut_off, removed
    ]  # fmt: skip
    for nth, damage in enumerate(damages):
        lake = shutil.copytree(begun, tmp_path / f"lake-{nth}")
        damage(lake / "state.sqlite", chance)
        world.show("p3")
        app = an_app(lake, world)
        with pytest.raises(
            BrokenDatabaseError, match=r"state\.sqlite: .*onrecord salvage"
        ):
            app.run(world.polls[2].at, everything=True)
        app.close()

        app = an_app(lake, world)
        app.salvage()
        app.rebuild(world.polls[0].at.date(), afresh=True)
        app.close()
        passes(lake, world, POLLS[2:])

        assert_as_undisturbed(lake, whole, world, f"{damage.__name__} {nth}")
        app, straight = an_app(lake, world), an_app(whole, world)
        for day in straight.published_days():
            assert app.outbox.alerts(day) == straight.outbox.alerts(day)
            assert app.outbox.deliveries(day) == straight.outbox.deliveries(day)
        app.close()
        straight.close()
        shutil.rmtree(lake)
    print(f"{len(damages)} databases damaged, named, salvaged, all as it was")


def test_an_alert_that_only_the_damaged_database_has_is_taken_over(
    world, begun, whole, tmp_path
):
    """The copy is that of a step before: cut off between a commit and the copy."""
    lake = shutil.copytree(begun, tmp_path / "lake")
    copy = lake / "state.kept.sqlite"
    older = copy.read_bytes()
    passes(lake, world, POLLS[2:])
    copy.write_bytes(older)
    with sqlite3.connect(lake / "state.sqlite") as db:
        db.execute("DROP TABLE record")

    app = an_app(lake, world)
    app.salvage()
    app.rebuild(world.polls[0].at.date(), afresh=True)
    app.run(world.polls[-1].at, everything=True)
    app.close()

    assert_as_undisturbed(lake, whole, world, "an older copy")


def test_a_damaged_copy_is_set_aside_and_made_again(world, begun, whole, tmp_path):
    lake = shutil.copytree(begun, tmp_path / "lake")
    copy = lake / "state.kept.sqlite"
    copy.write_bytes(os.urandom(20_000))
    world.show("p3")
    app = an_app(lake, world)
    with pytest.raises(BrokenDatabaseError, match=r"state\.kept\.sqlite"):
        app.fetch(world.polls[2].at, everything=True)
    app.salvage()
    app.rebuild(world.polls[0].at.date(), afresh=True)
    app.close()

    passes(lake, world, POLLS[2:])

    assert copy.exists()
    assert list(lake.glob("state.kept.sqlite.damaged-1"))
    assert_as_undisturbed(lake, whole, world, "a damaged copy")
