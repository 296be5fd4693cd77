"""Dask finds the same statements, byte for byte, and a worker that dies is made good."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time

import pytest

from pipeline import bulk
from pipeline.app import open_app
from pipeline.bulk import dask_workers, found_by
from pipeline.errors import InputError
from tests.world import SEEDS, hashes

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_dask_makes_the_same_tables_though_a_worker_is_killed(
    lake, tmp_path, monkeypatch
):
    monkeypatch.setattr(bulk, "BATCH_ARTICLES", 7)
    copy = shutil.copytree(lake, tmp_path / "lake")
    for path in [
        *copy.glob("work/statements/*/*"),
        *copy.glob("tables/statements/*/*"),
    ]:
        path.write_bytes(b"lost")
    app = open_app(config=SEEDS / "config", lake=str(copy), model="rules")
    since = app.archive.partitions()[0].day

    with dask_workers(2) as client:
        pids = list(client.run(os.getpid).values())

        def kill():
            time.sleep(3)
            os.kill(pids[0], signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        app.rebuild(since, engine=lambda one, some: found_by(client, one, some, 2))
        killer.join()
        after = set(client.run(os.getpid).values())
    app.close()

    assert pids[0] not in after
    assert hashes(copy) == hashes(lake)


def test_what_a_worker_is_told_holds_no_secret(tmp_path):
    app = open_app(
        config=SEEDS / "config",
        lake=str(tmp_path),
        database_url="postgresql://u:hush@db.example/x",
    )

    assert "hush" not in bulk.dumped(app.settings)


def test_a_missing_engine_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)

    with pytest.raises(InputError, match="extra bulk"), dask_workers(1):
        pass
