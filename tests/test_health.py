"""What status says of a running system, and how it says it to machines."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from typer.testing import CliRunner

from pipeline import health
from pipeline.adapters import disk
from pipeline.cli import cli
from pipeline.errors import StoreError
from tests.world import an_app

LAST = datetime(2026, 3, 3, 18, tzinfo=UTC)
DAYS = [date(2026, 3, 1) + timedelta(days=n) for n in range(8)]
USUAL = {"The Herald": (20, 16, 2400.0), "The Wire": (30, 30, 900.0)}


def week(**last):
    """Seven usual days and one on which some outlets did otherwise."""
    names = {"herald": "The Herald", "wire": "The Wire"}
    return dict.fromkeys(DAYS[:-1], USUAL) | {
        DAYS[-1]: USUAL | {names[name]: value for name, value in last.items()}
    }


# ----------------------------------------------------------------------------- volume


def test_a_usual_day_is_no_fall():
    assert health.fallen(week()) == []
    assert health.fallen(week(herald=(6, 5, 700.0))) == []


@pytest.mark.parametrize(
    ("herald", "said"),
    [
        ((1, 0, 2400.0), r"outlet The Herald: 1 articles on 2026-03-08, usually 20"),
        ((20, 3, 2400.0), r"The Herald: 3 statements in 20 articles .* layout change"),
        (
            (20, 0, 120.0),
            r"The Herald: texts of 120 characters .* usually 2400; did its",
        ),
    ],
)
def test_an_outlet_that_fell_is_named_and_the_others_are_not(herald, said):
    (found,) = health.fallen(week(herald=herald))

    assert re.search(said, found)


def test_an_outlet_that_is_missing_altogether_is_named():
    days = week()
    days[DAYS[-1]] = {"The Wire": USUAL["The Wire"]}

    assert health.fallen(days) == [
        "outlet The Herald: 0 articles on 2026-03-08, usually 20"
    ]


def test_a_fall_of_the_whole_is_told_once_for_articles_and_once_for_statements():
    found = health.fallen(week(herald=(2, 1, 2400.0), wire=(2, 2, 900.0)))

    assert "2026-03-08: 4 articles, usually 50" in found
    assert "2026-03-08: 3 statements, usually 46" in found


def test_too_few_days_or_too_small_an_outlet_tell_nothing():
    days = week(herald=(0, 0, 0.0))
    small = {day: {"Tiny": (8, 4, 900.0)} for day in DAYS[:-1]} | {DAYS[-1]: {}}

    assert health.fallen({day: days[day] for day in DAYS[-4:]}) == []
    assert health.fallen(small) == []
    assert health.fallen({}) == []


# ------------------------------------------------------------------------------- feeds


def test_a_failing_feed_is_named_with_since_when_and_why(lake, world, tmp_path):
    mine = shutil.copytree(lake, tmp_path / "mine")
    world.show("p4")
    app = an_app(mine, world)
    feed = app.feeds[0]
    app.__dict__["feeds"] = [
        replace(one, url="http://127.0.0.1:1/feed") if one is feed else one
        for one in app.feeds
    ]
    moments = [LAST + timedelta(minutes=15 * n) for n in range(1, 4)]
    for at in moments:
        app.run(at, everything=True)

    found = app.status(moments[-1])
    app.close()

    one = found["feeds failing"][feed.id]
    assert one["failures"] == 3
    assert one["since"] == moments[0]
    assert one["reason"]
    assert any(
        f"feed {feed.id}: 3 failures in a row since" in x for x in found["faults"]
    )


# -------------------------------------------------------------------------------- runs


def test_the_last_run_of_each_step_is_told_and_a_failed_one_is_a_fault(
    lake, world, tmp_path
):
    mine = shutil.copytree(lake, tmp_path / "mine")
    app = an_app(mine, world)
    shutil.rmtree(mine / "work" / "corrections")
    (mine / "work" / "corrections").write_bytes(b"in the way")
    app.progress.stale("extract", app.lake.partitions("articles")[-1])
    before = app.status(LAST)
    with pytest.raises(StoreError):
        app.extract(LAST)

    found = app.status(LAST)
    app.close()

    assert set(before["steps"]) == {
        "fetch", "read", "extract", "match", "alert", "deliver", "publish",
    }  # fmt: skip
    assert all(one["error"] is None for one in before["steps"].values())
    assert found["steps"]["extract"]["error"]
    kept = before["steps"]["extract"]["succeeded_at"]
    assert found["steps"]["extract"]["succeeded_at"] == kept
    assert any("extract: the last run failed at" in fault for fault in found["faults"])


def test_alerts_of_a_channel_that_was_taken_out_are_a_fault(lake, world, tmp_path):
    mine = shutil.copytree(lake, tmp_path / "mine")
    app = an_app(mine, world)
    with app.database.begin() as db:
        db.exec_driver_sql("UPDATE outbox SET state = 'pending', channel = 'gone'")

    faults = app.status(LAST)["faults"]
    app.close()

    assert any("channel gone: its alerts wait" in fault for fault in faults)
    assert any(fault.startswith("alerts wait since 2026-03-0") for fault in faults)


# -------------------------------------------------------------------------------- disk


def test_the_disk_is_measured_by_room_and_day(lake):
    found = disk.usage(lake)

    sizes = [p.stat().st_size for p in (lake / "archive").rglob("*") if p.is_file()]
    assert found["archive bytes"] == sum(sizes)
    assert found["days left"] == round(found["free bytes"] / found["bytes a day"], 1)


@pytest.mark.parametrize(
    ("free", "daily", "said"),
    [
        (10_000_000_000, 1_000_000_000, ["disk: full in 10 days"]),
        (500_000_000, 1_000, ["disk: 500 MB free"]),
        (90_000_000_000, 1_000_000_000, []),
    ],
)
def test_a_disk_that_fills_is_a_fault(free, daily, said):
    found = health._full({"free bytes": free, "days left": free / daily})

    assert [x[: len(y)] for x, y in zip(found, said, strict=True)] == said


def test_folders_that_others_may_read_are_told(lake, tmp_path):
    mine = shutil.copytree(lake, tmp_path / "mine")
    assert disk.readable(mine) == []
    (mine / "work").chmod(0o755)

    (found,) = disk.readable(mine)

    assert found == "work/: others may read it (mode 755); chmod 700 it"


def test_old_files_go_and_what_is_new_stays(tmp_path):
    old, new = tmp_path / "a" / "old.log", tmp_path / "b" / "new.log"
    for path in (old, new):
        path.parent.mkdir()
        path.write_text("line\n")
    os.utime(old, (time.time() - 40 * 86400,) * 2)

    removed = disk.remove_older(tmp_path, datetime.now(UTC).date() - timedelta(days=30))

    assert removed == (1, 5)
    assert not old.parent.exists()
    assert new.exists()


# ------------------------------------------------------------------------ to machines


def command(lake, *args):
    return CliRunner().invoke(
        cli, [*args, "--config", "seeds/config", "--lake", str(lake)]
    )


def test_the_exit_status_tells_a_monitor_and_json_has_every_key(lake):
    result = command(lake, "status", "--json")

    found = json.loads(result.stdout)
    assert result.exit_code == 3  # the sample world's last pass is long ago
    assert any("no pass since" in fault for fault in found["faults"])
    assert {"last pass", "lag seconds", "steps", "feeds failing", "waiting", "outbox",
            "articles by day", "statements by day", "usual", "disk", "channels",
            } <= set(found)  # fmt: skip


METRIC = re.compile(
    r'[a-z_]+(\{[a-z]+="(?:[^"\\\n]|\\.)*"(,[a-z]+="(?:[^"\\\n]|\\.)*")*\})? '
    r"-?[0-9.]+(e[+-]?[0-9]+)?$"
)


def test_metrics_are_openmetrics(lake):
    result = command(lake, "metrics")

    lines = result.stdout.splitlines()
    assert result.exit_code == 0, result.output
    assert lines[-1] == "# EOF"
    families = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(families) == len(set(families))
    for line in lines[:-1]:
        if line.startswith("#"):
            assert line.split()[1] in ("TYPE", "UNIT", "HELP")
            assert line.split()[2] in families
        else:
            assert METRIC.match(line), line
            assert re.split(r"[{ ]", line)[0] in families
    for unit in (line.split() for line in lines if line.startswith("# UNIT")):
        assert unit[2].endswith(f"_{unit[3]}")
    assert 'onrecord_step_failed{step="match"} 0' in lines


def test_a_label_is_escaped():
    found = {
        "last pass": None, "steps": {}, "feeds": 1, "failed in last pass": [],
        "feeds failing": {'a"\\\nb': {"failures": 3, "since": None}}, "waiting": {},
        "articles by day": {}, "statements by day": {}, "usual": {}, "disk": {},
        "faults": [],
    }  # fmt: skip

    assert r'onrecord_feed_failures{feed="a\"\\\nb"} 3' in health.metrics(found)


def test_clean_removes_what_killed_writers_left(lake, tmp_path):
    mine = shutil.copytree(lake, tmp_path / "mine")
    left = mine / "work" / "articles" / "date=2026-03-02" / ".x.parquet.1.tmp"
    left.write_bytes(b"half")

    result = command(mine, "clean")

    assert result.exit_code == 0
    assert "1 left aside removed" in result.stdout
    assert not left.exists()
