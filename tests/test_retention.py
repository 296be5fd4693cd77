"""Answers and texts that are no longer kept: what is removed, what is still proved."""

from __future__ import annotations

import os
import shutil
import signal
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from pipeline.adapters import archive as archive_module
from pipeline.adapters import lake as lake_module
from pipeline.adapters.lake import FolderStore, ParquetLake
from pipeline.cli import cli
from pipeline.errors import ConfigError, InputError
from pipeline.model import Article, Partition
from pipeline.steps.shared import day_of
from pipeline.tables.values import to_arrow
from tests.builders import an_article
from tests.world import an_app, hashes, passes

FIRST, SECOND = date(2026, 3, 2), date(2026, 3, 3)
DAYS = 8
LATER = SECOND + timedelta(days=DAYS)
"""On this day the first day's texts are no longer kept, and the second's are."""


def test_a_day_whose_archive_expired_is_said_so_and_still_proved(lake, world, tmp_path):
    folder = shutil.copytree(lake, tmp_path / "lake")
    app = an_app(folder, world, archive_days=1)
    before = [app.lake.read("articles", p) for p in app.lake.partitions("articles")]

    app.close_day(SECOND)

    assert {p.day for p in app.archive.partitions()} == {SECOND}
    assert app.verify(FIRST) == []
    assert app.expired(FIRST) == "archive expired"
    assert not app.expired(SECOND)
    for partition in app.lake.partitions("articles"):
        app.progress.stale("read", partition)  # made again, where that can be
    app.read(app.lake.partitions("articles")[-1].moment)
    app.close()
    after = [app.lake.read("articles", p) for p in app.lake.partitions("articles")]
    assert all(a.equals(b) for a, b in zip(before, after, strict=True))

    said = CliRunner().invoke(cli, ["verify", "--lake", str(folder)]).stdout
    assert f"{FIRST}  ok, archive expired" in said
    assert f"{SECOND}  ok, a pass is under way" in said  # after `read` alone


def test_an_archive_that_is_missing_for_no_reason_is_a_fault(lake, world, tmp_path):
    folder = shutil.copytree(lake, tmp_path / "lake")
    app = an_app(folder, world)
    gone = app.archive.partitions()[0]
    shutil.rmtree(folder / "archive" / f"date={gone.day}")

    assert f"partition {gone}: its archive is not there" in app.verify(gone.day)
    assert not app.expired(gone.day)
    app.close()


# ------------------------------------------------------------------------ full texts


def texts(app, day):
    found = []
    for partition in app.lake.partitions("articles", day):
        found += app.lake.read("articles", partition)["text"].to_pylist()
    return found


@pytest.fixture
def expired(lake, world, tmp_path):
    """An app over a lake whose first day's texts were removed."""
    app = an_app(shutil.copytree(lake, tmp_path / "lake"), world, text_days=DAYS)
    app.clean(LATER)
    yield app
    app.close()


def test_full_texts_go_and_the_tables_stay_as_they_were(lake, expired, world):
    whole = an_app(lake, world)
    long = [text for text in texts(whole, FIRST) if len(text) > 1_000]
    whole.close()

    assert long
    assert set(texts(expired, FIRST)) == {""}
    assert {p.day for p in expired.archive.partitions()} == {SECOND}
    assert all(texts(expired, SECOND))
    assert hashes(expired.lake.root) == hashes(lake)
    kept = expired.lake.load("statements", FIRST).to_pylist()
    most = expired.settings.context_chars
    assert all(len(one["context"]) <= len(one["content"]) + most + 2 for one in kept)
    assert expired.clean(LATER)["partitions with full texts"] == 0


def test_verify_says_expired_and_not_wrong(expired):
    root = str(expired.lake.root)

    said = CliRunner().invoke(cli, ["verify", "--lake", root])

    assert said.exit_code == 0, said.stderr
    assert f"{FIRST}  ok, archive and texts expired\n" in said.stdout
    assert f"{SECOND}  ok\n" in said.stdout


@pytest.mark.parametrize("name", ["expired.json", "120000.parquet", "statements"])
def test_a_byte_of_what_is_left_of_an_expired_day_is_still_proved(expired, name):
    folder = expired.lake.root / "work" / "articles" / f"date={FIRST}"
    if name == "statements":
        folder = expired.lake.root / "work" / "statements" / f"date={FIRST}"
    suffix = ".json" if name.endswith("json") else ".parquet"
    path = sorted(folder.glob(f"*{suffix}"))[0]
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)

    assert expired.verify(FIRST)


def test_close_day_removes_them_and_keeps_what_is_not_yet_made(lake, world, tmp_path):
    app = an_app(shutil.copytree(lake, tmp_path / "lake"), world, text_days=DAYS)
    app.progress.stale("match", app.lake.partitions("links", FIRST)[0])
    told = []

    app.clean(LATER, tell=told.append)
    assert all(texts(app, FIRST))
    assert told == [f"day {FIRST}: its texts stay, for it waits to be made"]
    app.match(app.lake.partitions("links")[-1].moment)
    app.close_day(LATER - timedelta(days=1))

    assert set(texts(app, FIRST)) == {""}
    assert hashes(app.lake.root).items() >= hashes(lake).items()
    app.close()


def test_texts_that_can_not_be_proved_stay_and_are_named(lake, world, tmp_path):
    app = an_app(shutil.copytree(lake, tmp_path / "lake"), world, text_days=DAYS)
    (path, *_) = (app.lake.root / "work/statements" / f"date={FIRST}").iterdir()
    path.write_bytes(path.read_bytes() + b"x")
    told = []

    app.clean(LATER, tell=told.append)

    assert "table statements is not that of its partitions" in told[0]
    assert all(texts(app, FIRST))
    app.close()


def test_a_rebuild_of_an_expired_day_is_refused_and_names_the_first_that_can(
    expired, lake
):
    with pytest.raises(
        InputError, match=rf"removed .text_days.; {SECOND} is the first"
    ):
        expired.rebuild(FIRST)
    expired.rebuild(SECOND)

    assert hashes(expired.lake.root) == hashes(lake)


def test_no_step_makes_an_expired_day_empty(expired, lake):
    last = expired.lake.partitions("articles")[-1].moment
    for partition in expired.lake.partitions("articles", FIRST):
        for step in ("read", "extract", "match"):
            expired.progress.stale(step, partition)
    expired.progress.stale("publish", day_of(FIRST))

    expired.read(last)
    report = expired.extract(last)
    expired.match(last)
    expired.publish(last)

    assert all("its texts expired" in line for line in report.failures)
    assert len(report.failures) == len(expired.lake.partitions("articles", FIRST))
    assert hashes(expired.lake.root) == hashes(lake)
    assert expired.verify(FIRST) == []


def test_an_expired_day_whose_tables_are_lost_is_not_published_empty(expired):
    path = expired.lake.root / "tables/statement_spans" / f"date={FIRST}/part-0.parquet"
    path.unlink()
    expired.progress.stale("publish", day_of(FIRST))

    report = expired.publish(datetime.combine(SECOND, datetime.max.time(), UTC))

    assert "statement_spans" in report.failures[0]
    assert not path.exists()


def test_what_comes_later_is_made_as_if_nothing_had_been_removed(lake, world, tmp_path):
    """Revisions, wire copies and claims of the second day look back to the first."""
    polls = {poll.id: poll.at.date() for poll in world.polls}
    folder = tmp_path / "lake"
    passes(folder, world, [one for one, day in polls.items() if day == FIRST])
    app = an_app(folder, world, text_days=DAYS)
    app.clean(LATER)
    assert set(texts(app, FIRST)) == {""}
    app.close()

    passes(folder, world, [one for one, day in polls.items() if day == SECOND])

    assert hashes(folder) == hashes(lake)


def killed_at(number, folder, world):
    """Remove texts in a child that kills itself before or after its ``number``-th write
    or removal; whether it got that far."""
    child = os.fork()
    if child == 0:
        count = 0

        def one():
            nonlocal count
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)

        whole, remove = lake_module.write_whole, FolderStore.remove

        def write_whole(path, body, **given):
            one()
            whole(path, body, **given)
            one()

        def removed(self, name):
            remove(self, name)
            one()

        for module in (lake_module, archive_module):
            module.write_whole = write_whole
        FolderStore.remove = removed
        try:
            an_app(folder, world, text_days=DAYS).clean(LATER)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def test_killed_anywhere_nothing_is_wrong_and_the_next_removal_ends_it(
    lake, world, tmp_path
):
    at, tried = 1, 0

    while True:
        folder = shutil.copytree(lake, tmp_path / f"killed{at}")
        got_there = killed_at(at, folder, world)
        app = an_app(folder, world, text_days=DAYS)
        assert app.verify(FIRST) == [], f"killed at write {at}"
        app.clean(LATER)
        assert set(texts(app, FIRST)) == {""}
        assert app.verify(FIRST) == []
        app.close()
        assert hashes(folder) == hashes(lake)
        if not got_there:
            break
        at, tried = at + 1, tried + 1
    assert tried >= 6


class CutError(Exception):
    """The store went away."""


class Flaky(FolderStore):
    """Stops at its ``left``-th write, before or after it."""

    left = 10**6
    after = False

    def put(self, name, body):
        self.left -= 1
        if self.left < 0 and not self.after:
            raise CutError
        super().put(name, body)
        if self.left < 0:
            raise CutError


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    sizes=st.lists(st.integers(0, 3), max_size=4),
    cut=st.integers(0, 7),
    after=st.booleans(),
    words=st.text(max_size=40),
)
def test_whatever_is_cut_off_all_but_the_text_is_kept(
    sizes, cut, after, words, tmp_path_factory
):
    store = Flaky(tmp_path_factory.mktemp("lake"))
    held = ParquetLake(store)
    for nth, size in enumerate(sizes):
        rows = [an_article(url=f"https://e.org/{n}", text=words) for n in range(size)]
        held.write(
            "articles", Partition(FIRST, f"{nth:02}0000"), to_arrow(Article, rows)
        )
    there = held.partitions("articles", FIRST)
    before = {p: held.read("articles", p) for p in there}
    seals = {p: held.work_sha256("articles", p) for p in there}

    store.left, store.after = cut, after
    for _ in range(2):
        with suppress(CutError):
            held.expire(FIRST)
        assert {p: held.work_sha256("articles", p) for p in there} == seals
        store.left = 10**6

    assert not there or not held.has_texts(FIRST)
    assert held.expired(FIRST) == set(there)
    for partition, rows in before.items():
        left = held.read("articles", partition)
        assert set(left["text"].to_pylist()) <= {""}
        assert left.drop_columns("text").equals(rows.drop_columns("text"))


@pytest.mark.parametrize(
    ("given_", "named"),
    [
        ({"text_days": 5}, "text_days.*0 .for ever., or 8 days"),
        ({"text_days": 30, "archive_days": 400}, "archive_days is 400"),
        ({"text_days": -1}, "text_days"),
    ],
)
def test_a_text_days_that_can_not_be_is_refused(world, tmp_path, given_, named):
    with pytest.raises(ConfigError, match=f"(?is){named}"):
        an_app(tmp_path / "lake", world, **given_)
