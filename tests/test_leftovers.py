"""What a run of the tests leaves in memory when one of them fails, or is interrupted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = Path(__file__).resolve().parents[1] / "pyproject.toml"
A_RUN = """
import json, tempfile
from tests.conftest import MADE

def test_that_passes(tmp_path):
    (tmp_path / "file").touch()
    print("MADE", json.dumps([tempfile.mkdtemp(), MADE]))

def test_that_does_not(tmp_path):
    (tmp_path / "file").touch()
    {fault}
"""


def a_run(folder: Path, fault: str) -> tuple[int, list[str], bool]:
    """The status of a run, the tests whose ``tmp_path`` stays, and whether a temporary
    folder does that one of them made beside it in memory."""
    module = folder / "test_run.py"
    module.write_text(A_RUN.format(fault=fault))
    environment = {**os.environ, "PYTEST_DEBUG_TEMPROOT": str(folder)}
    environment.pop("TMPDIR", None)
    plugins = ["-p", "tests.conftest", "-p", "no:cacheprovider"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-s", *plugins, "-c", CONFIG, str(module)],
        cwd=CONFIG.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    made, memory = json.loads(run.stdout.partition("MADE ")[2].splitlines()[0])
    stays = Path(made).exists()
    if memory is None:  # the system's folder, which nobody clears
        assert stays
        shutil.rmtree(made)
        stays = False
    left = [path.parent.name for path in folder.glob("pytest-of-*/*-[0-9]/*[0-9]/file")]
    return run.returncode, left, stays


def test_the_last_run_that_failed_leaves_the_files_of_what_failed(
    tmp_path: Path,
) -> None:
    failed, interrupted = pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED

    assert a_run(tmp_path, "assert False") == (failed, ["test_that_does_not0"], False)
    assert a_run(tmp_path, "raise KeyboardInterrupt") == (interrupted, [], False)
