"""Answers that are no longer kept: what is removed, and what is still proved."""

from __future__ import annotations

import shutil
from datetime import date

from typer.testing import CliRunner

from pipeline.cli import cli
from tests.world import an_app

FIRST, SECOND = date(2026, 3, 2), date(2026, 3, 3)


def test_a_day_whose_archive_expired_is_said_so_and_still_proved(lake, world, tmp_path):
    folder = shutil.copytree(lake, tmp_path / "lake")
    app = an_app(folder, world, archive_days=1)
    before = [app.lake.read("articles", p) for p in app.lake.partitions("articles")]

    app.close_day(SECOND)

    assert {p.day for p in app.archive.partitions()} == {SECOND}
    assert app.verify(FIRST) == []
    assert app.expired(FIRST)
    assert not app.expired(SECOND)
    for partition in app.lake.partitions("articles"):
        app.progress.stale("read", partition)  # made again, where that can be
    app.read(app.lake.partitions("articles")[-1].moment)
    app.close()
    after = [app.lake.read("articles", p) for p in app.lake.partitions("articles")]
    assert all(a.equals(b) for a, b in zip(before, after, strict=True))

    said = CliRunner().invoke(cli, ["verify", "--lake", str(folder)]).stdout
    assert f"{FIRST}  ok, archive expired" in said
    assert f"{SECOND}  ok\n" in said


def test_an_archive_that_is_missing_for_no_reason_is_a_fault(lake, world, tmp_path):
    folder = shutil.copytree(lake, tmp_path / "lake")
    app = an_app(folder, world)
    gone = app.archive.partitions()[0]
    shutil.rmtree(folder / "archive" / f"date={gone.day}")

    assert f"partition {gone}: its archive is not there" in app.verify(gone.day)
    assert not app.expired(gone.day)
    app.close()
