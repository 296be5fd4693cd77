"""The DAGs load, are thin, say how to run them again, and run."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from tests.dags.conftest import DAGS
from tests.world import SEEDS, an_app, hashes, passes, the_world

FILES = sorted(DAGS.glob("*.py"))
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_dag_file_imports_nothing_heavy_at_its_top(path):
    tops = {
        name.split(".")[0]
        for node in ast.parse(path.read_text("utf-8")).body
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert tops <= {"__future__", "airflow", "datetime", "logging", "os"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_dag_file_is_thin(path):
    lines = [x for x in path.read_text("utf-8").splitlines() if x.strip()]

    assert len(lines) <= 100


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_runbook_says_how_to_run_it_again(path):
    runbook = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""

    assert "again" in runbook
    assert len(runbook) > 300


def test_the_tasks_of_make_live_are_forked_from_a_process_that_has_the_model(
    monkeypatch, tmp_path
):
    from airflow.executors.local_executor import LocalExecutor

    from deploy.executor import WarmExecutor
    from deploy.live import _defaults
    from pipeline.adapters.nlp import open_nlp

    open_nlp.cache_clear()
    held = []
    monkeypatch.setenv("ONRECORD_LAKE", str(tmp_path / "lake"))
    monkeypatch.setattr(
        LocalExecutor, "start", lambda _: held.append(open_nlp.cache_info().currsize)
    )

    WarmExecutor(parallelism=1).start()

    assert held == [1]
    named = _defaults(tmp_path, "8080")["AIRFLOW__CORE__EXECUTOR"]
    assert named == f"{WarmExecutor.__module__}.{WarmExecutor.__name__}"


RUN = """
import json, sys, warnings
warnings.simplefilter("ignore")
import logging; logging.disable(logging.WARNING)
from airflow.utils.db import initdb
initdb()
from airflow.models.pool import Pool
Pool.create_or_update_pool("feeds", slots=1, description="", include_deferred=False)
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
assert not bag.import_errors, bag.import_errors
out = {
    name: {
        "owner": dag.owner, "tags": sorted(dag.tags), "catchup": dag.catchup,
        "tasks": list(dag.task_dict), "doc": bool(dag.doc_md),
        "retries": [t.retries for t in dag.tasks],
        "timeouts": [t.execution_timeout is not None for t in dag.tasks],
        "pools": [t.pool for t in dag.tasks],
        "runs": dag.max_active_runs,
        "assets": sorted(a.name for t in dag.tasks for a in t.outlets),
        "params": {
            k: {**v.schema, "description": v.description}
            for k, v in dag.params._ParamsDict__dict.items()
        } if hasattr(dag.params, "_ParamsDict__dict") else {},
        "deadline": [
            (type(d.reference).__name__, d.interval.total_seconds(), d.callback.path)
            for d in dag.deadline or ()
        ],
    }
    for name, dag in bag.dags.items()
}
for dag in bag.dags.values():
    dag.deadline = None  # dag.test() fails on one that was met (apache/airflow#73428)
from datetime import datetime, UTC
run = bag.dags["monitor"].test(run_after=datetime(2026, 3, 2, 6, tzinfo=UTC), logical_date=None)
out["monitor"]["state"] = str(run.state)
run = bag.dags["close_day"].test(logical_date=None, run_conf={"day": "2026-03-02"})
out["close_day"]["state"] = str(run.state)
run = bag.dags["rebuild"].test(logical_date=None, run_conf={"since": "2026-03-02", "alert": False})
out["rebuild"]["state"] = str(run.state)
import os, pathlib
def reasons(dag, conf):
    for t in dag.tasks:
        t.retries, t.retry_delay = 1, __import__("datetime").timedelta(seconds=0)
    run = dag.test(run_after=datetime(2026, 3, 2, 7, tzinfo=UTC), logical_date=None, run_conf=conf)
    return {ti.task_id: [str(ti.state), ti.try_number] for ti in run.get_task_instances()}
from sqlalchemy import select
from airflow.models.asset import AssetEvent, AssetModel
from airflow.utils.session import create_session
with create_session() as session:
    rows = session.execute(select(AssetModel.name, AssetEvent.extra).join(AssetEvent, AssetEvent.asset_id == AssetModel.id))
    out["events"] = [[name, extra] for name, extra in rows]
out["bad day"] = reasons(bag.dags["close_day"], {"day": "yesterday"})
os.environ["ONRECORD_TOPIC"] = "nonsense"
out["bad config"] = reasons(bag.dags["monitor"], {})
del os.environ["ONRECORD_TOPIC"]
path = pathlib.Path(os.environ["ONRECORD_LAKE"]) / "archive" / "date=2026-03-02"
os.environ["ONRECORD_LAKE"] = "/dev/null/lake"
out["no lake"] = reasons(bag.dags["monitor"], {})
print("RESULT" + json.dumps(out))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The DAGs' properties after a run of each on the sample world, and the lake."""
    lake = tmp_path_factory.mktemp("lake")
    with the_world() as world, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        world.show("p1")
        env = os.environ | {
            "ONRECORD_CONFIG": str(SEEDS / "config"),
            "ONRECORD_LAKE": str(lake),
            "ONRECORD_MODEL": "rules",
            "ONRECORD_POOL": "feeds",
            "ONRECORD_FETCH__HOSTS": json.dumps(dict(world.hosts())),
        }
        done = subprocess.run(
            [sys.executable, "-c", RUN, str(DAGS)],
            env=env, capture_output=True, text=True, timeout=280, check=False,
        )  # fmt: skip
        found = [x for x in done.stdout.splitlines() if x.startswith("RESULT")]
        assert found, done.stdout[-3000:] + done.stderr[-3000:]
        plain = tmp_path_factory.mktemp("plain")
        passes(plain, world, ["p1"])
    return json.loads(found[0][len("RESULT") :]), lake, plain


NAMES = {"monitor", "close_day", "rebuild"}


def test_every_dag_has_owner_tags_runbook_retries_and_timeouts(made):
    dags, _, _ = made

    assert set(dags) >= NAMES
    for dag in (dags[name] for name in NAMES):
        assert dag["owner"] == "onrecord"
        assert "onrecord" in dag["tags"]
        assert dag["doc"]
        assert not dag["catchup"]
        assert all(count >= 1 for count in dag["retries"])
        assert all(dag["timeouts"])


def test_the_monitor_has_the_steps_in_their_order(made):
    from pipeline.operations.passes import STEPS

    dags, _, _ = made

    assert dags["monitor"]["tasks"] == list(STEPS)


def test_every_dag_runs_through_airflow(made):
    dags, lake, _ = made

    assert {dags[name]["state"] for name in NAMES} == {"success"}
    assert (lake / "site" / "2026-03-02.html").exists()
    assert Path(lake / "alerts.jsonl").exists()


def test_airflow_makes_the_same_tables_as_the_command_line(made):
    _, lake, plain = made

    assert hashes(lake) == hashes(plain)


def test_every_table_is_announced_with_its_day(made):
    from pipeline.tables.schemas import TABLES

    dags, _, _ = made

    assert dags["monitor"]["assets"] == sorted(f"onrecord_{name}" for name in TABLES)
    assert {
        name: extra for name, extra in dags["events"] if name != "onrecord_days"
    } == {f"onrecord_{name}": {"day": "2026-03-02"} for name in TABLES}
    assert dags["close_day"]["assets"] == dags["rebuild"]["assets"] == ["onrecord_days"]


def test_a_day_that_is_not_closed_in_time_misses_a_deadline(made):
    dags, _, _ = made
    ((reference, seconds, callback),) = dags["close_day"]["deadline"]

    assert (reference, seconds) == ("DagRunQueuedAtDeadline", 7200)
    assert callback.endswith(".late")


def test_the_form_of_rebuild_says_what_each_field_is(made):
    dags, _, _ = made
    params = dags["rebuild"]["params"]

    assert params["since"]["format"] == "date"
    assert {name: one["type"] for name, one in params.items()} == {
        "since": "string", "alert": "boolean", "afresh": "boolean",
    }  # fmt: skip
    assert all(one["title"] and one["description"] for one in params.values())


def test_feeds_are_asked_in_a_pool_and_runs_do_not_overlap(made):
    dags, _, _ = made

    assert dags["monitor"]["pools"] == ["feeds", *["default_pool"] * 6]
    assert {dags[name]["runs"] for name in NAMES} == {1}


def test_a_permanent_error_is_not_tried_again_and_a_transient_one_is(made):
    dags, _, _ = made

    assert dags["bad day"] == {"close": ["failed", 1]}
    assert dags["bad config"]["fetch"] == ["failed", 1]
    assert dags["no lake"]["fetch"] == ["failed", 2]


def test_a_missed_deadline_is_a_fault_of_status(lake, world, tmp_path):
    from datetime import UTC, datetime

    mine = shutil.copytree(lake, tmp_path / "mine")
    done = subprocess.run(
        [sys.executable, "-c", LATE], env=os.environ | {
            "ONRECORD_CONFIG": str(SEEDS / "config"), "ONRECORD_LAKE": str(mine),
        }, cwd=DAGS, capture_output=True, text=True, check=False,
    )  # fmt: skip
    app = an_app(mine, world)

    faults = app.status(datetime(2026, 3, 3, 18, tzinfo=UTC))["faults"]
    app.close()

    assert done.returncode == 0, done.stderr[-2000:]
    assert any("close_day: the last run failed" in fault for fault in faults)
    assert any("run r1 was not over 2:00:00 after it was queued" in f for f in faults)


LATE = """
import warnings
warnings.simplefilter("ignore")
import close_day
close_day.late(context={"dag_run": {"dag_run_id": "r1"}})
"""
