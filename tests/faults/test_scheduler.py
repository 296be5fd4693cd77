"""kill -9 of Airflow's scheduler or triggerer in the midst of a run; ``--every-kill``."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.world import SEEDS, an_app, the_world

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def live(tmp_path, request):
    """Start ``make live`` on a lake of its own; called again, start it again."""
    if not request.config.getoption("--every-kill"):
        pytest.skip("minutes; make test-faults")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with the_world() as world:
        env = {k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW")} | {
            "AIRFLOW_HOME": str(tmp_path / "airflow"),
            "ONRECORD_PORT": str(port),
            "ONRECORD_SCHEDULE": "* * * * *",
            "ONRECORD_CONFIG": str(SEEDS / "config"),
            "ONRECORD_LAKE": str(tmp_path / "lake"),
            "ONRECORD_MODEL": "rules",
            "ONRECORD_FETCH__HOSTS": json.dumps(dict(world.hosts())),
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
        }
        started = []

        def start():
            with (tmp_path / f"live-{len(started)}.log").open("wb") as log:
                process = subprocess.Popen(
                    [sys.executable, "-m", "deploy.live"], cwd=ROOT, env=env,
                    stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                )  # fmt: skip
            started.append(process)
            return psutil.Process(process.pid)

        yield start, world, tmp_path
        for process in started:
            if process.poll() is None:
                process.terminate()
                process.wait(60)


def runs(home):
    """Airflow's runs of ``monitor``: state by run id."""
    if not (home / "airflow.db").exists():
        return {}
    with sqlite3.connect(f"file:{home / 'airflow.db'}?mode=ro", uri=True) as db:
        try:
            rows = db.execute(
                "SELECT run_id, state FROM dag_run WHERE dag_id='monitor'"
            )
            return dict(rows.fetchall())
        except sqlite3.OperationalError:
            return {}


def until(true, seconds, what, folder):
    """Wait for it; where it never comes, say so, and how ``make live`` stands."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(1)
    logs = "\n".join(p.read_text()[-2000:] for p in sorted(folder.glob("live-*.log")))
    raise AssertionError(
        f"waited {seconds} s for {what}; runs {runs(folder / 'airflow')}\n{logs}"
    )


def family(process, look):
    """What ``look`` finds of each process below; those that end meanwhile are left out."""
    found = []
    for one in process.children(recursive=True):
        with suppress(psutil.Error):
            if one.status() != psutil.STATUS_ZOMBIE:
                found.append((one, look(one)))
    return found


def running(process, name):
    """Airflow's process of this name: the eldest, for a scheduler has its like below it."""
    found = [
        one for one, words in family(process, psutil.Process.cmdline) if name in words
    ]
    return min(found, key=psutil.Process.create_time, default=None)


def addresses(process):
    """Where one of them listens."""
    found = family(process, lambda one: one.net_connections("inet"))
    return {
        link.laddr.ip
        for _, links in found
        for link in links
        if link.status == psutil.CONN_LISTEN
    }


@pytest.mark.timeout(2500)
@pytest.mark.parametrize("name", ["scheduler", "triggerer"])
def test_one_killed_in_mid_run_is_made_good_by_the_next_start(live, name):
    """The runner ends the other three with it; what starts it again starts all."""
    start, world, folder = live
    home, lake = folder / "airflow", folder / "lake"
    begun = time.monotonic()
    process = start()
    until(lambda: "running" in runs(home).values(), 600, "a run to begin", folder)
    until(lambda: list(lake.glob("archive/*/*.warc.gz")), 200, "an archive", folder)
    victim = until(lambda: running(process, name), 60, f"the {name}", folder)
    print(
        f"make live: answers archived {time.monotonic() - begun:.0f} s after the start"
    )
    listening = addresses(process)
    cut = {run for run, state in runs(home).items() if state == "running"}

    victim.send_signal(signal.SIGKILL)
    process.wait(90)
    begun = time.monotonic()
    start()

    until(
        lambda: {runs(home)[run] for run in cut} <= {"success", "failed"}
        and "success" in runs(home).values(),
        600, "the run that was cut to end, and one to succeed", folder,
    )  # fmt: skip
    seconds = time.monotonic() - begun
    assert cut
    assert listening == {"127.0.0.1"}
    app = an_app(lake, world)
    done = set(app.lake.partitions("links"))
    assert set(app.archive.partitions()[:-1]) <= done
    until(  # the next run may be between reading and publishing
        lambda: not any(app.verify(day) for day in app.published_days()),
        200, "every day to be proved", folder,
    )  # fmt: skip
    app.close()
    states = [runs(home)[run] for run in cut]
    print(f"{name} killed: the cut run ended {states} {seconds:.0f} s after the start")
