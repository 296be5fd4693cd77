"""The DAGs load, are thin, say how to run them again, and run."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from tests.dags.conftest import DAGS
from tests.world import SEEDS, hashes, passes, the_world

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

    assert len(lines) < 100


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_runbook_says_how_to_run_it_again(path):
    runbook = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""

    assert "again" in runbook
    assert len(runbook) > 300


RUN = """
import json, sys, warnings
warnings.simplefilter("ignore")
import logging; logging.disable(logging.WARNING)
from airflow.utils.db import initdb
initdb()
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
assert not bag.import_errors, bag.import_errors
out = {
    name: {
        "owner": dag.owner, "tags": sorted(dag.tags), "catchup": dag.catchup,
        "tasks": list(dag.task_dict), "doc": bool(dag.doc_md),
        "retries": [t.retries for t in dag.tasks],
        "timeouts": [t.execution_timeout is not None for t in dag.tasks],
    }
    for name, dag in bag.dags.items()
}
from datetime import datetime, UTC
run = bag.dags["monitor"].test(run_after=datetime(2026, 3, 2, 6, tzinfo=UTC), logical_date=None)
out["monitor"]["state"] = str(run.state)
run = bag.dags["close_day"].test(logical_date=None, run_conf={"day": "2026-03-02"})
out["close_day"]["state"] = str(run.state)
run = bag.dags["rebuild"].test(logical_date=None, run_conf={"since": "2026-03-02", "alert": False})
out["rebuild"]["state"] = str(run.state)
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


def test_every_dag_has_owner_tags_runbook_retries_and_timeouts(made):
    dags, _, _ = made

    assert set(dags) == {"monitor", "close_day", "rebuild"}
    for dag in dags.values():
        assert dag["owner"] == "onrecord"
        assert "onrecord" in dag["tags"]
        assert dag["doc"]
        assert not dag["catchup"]
        assert all(count >= 1 for count in dag["retries"])
        assert all(dag["timeouts"])


def test_the_monitor_has_the_steps_in_their_order(made):
    from pipeline.app import STEPS

    dags, _, _ = made

    assert dags["monitor"]["tasks"] == list(STEPS)


def test_every_dag_runs_through_airflow(made):
    dags, lake, _ = made

    assert {dag["state"] for dag in dags.values()} == {"success"}
    assert (lake / "site" / "2026-03-02.html").exists()
    assert Path(lake / "alerts.jsonl").exists()


def test_airflow_makes_the_same_tables_as_the_command_line(made):
    _, lake, plain = made

    assert hashes(lake) == hashes(plain)
