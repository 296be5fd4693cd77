"""What all tests share: switches, and the sample world run once."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.world import POLLS, passes, the_world

MEMORY, ROOM = Path("/dev/shm"), 4 << 30
DEAD_SECONDS = 3 * 86_400  # after which pytest, too, takes a run for killed


def _in_memory() -> Path | None:
    """A folder in memory for what tests write: no test needs its files to outlive a
    power cut, and each write of a lake is synced. One for all runs, so that pytest
    prunes what earlier ones left.

    None (the system's folder for temporary files) where one is named, where memory is
    short, and for the long runs, whose kills and full disks are those of a real disk.
    """
    if os.environ.get("TMPDIR") or {"--every-kill", "--cluster"} & set(sys.argv):
        return None
    root = MEMORY / f"onrecord-tests-{os.getuid()}"
    try:
        if shutil.disk_usage(MEMORY).free < ROOM:
            return None
        root.mkdir(mode=0o700, exist_ok=True)
        return root if root.lstat().st_uid == os.getuid() else None
    except OSError:
        return None


ROOT = _in_memory()
MADE = tempfile.mkdtemp(prefix="run-", dir=ROOT) if ROOT else None
if ROOT and MADE:  # before any test's module asks for a temporary folder
    os.environ["TMPDIR"] = tempfile.tempdir = MADE
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(ROOT))
    for run in ROOT.glob("run-*"):
        if run.stat().st_mtime < time.time() - DEAD_SECONDS:
            shutil.rmtree(run, ignore_errors=True)


def pytest_unconfigure(config: pytest.Config) -> None:
    """``tmp_path`` of what failed stays (``tmp_path_retention_policy``), no other file."""
    gc.unfreeze()  # see ``lakes``
    if MADE:
        shutil.rmtree(MADE, ignore_errors=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--every-kill", action="store_true", help="kill at every write, not at some"
    )
    parser.addoption(
        "--cluster", action="store_true", help="start PostgreSQL, Redis, S3, Celery"
    )
    parser.addoption(
        "--update-gold", action="store_true", help="write expected outputs anew"
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """``tests/browser`` needs a browser: it runs where it is named, and only there."""
    named = any("browser" in argument for argument in config.args)
    return True if collection_path.name == "browser" and not named else None


@pytest.fixture
def update_gold(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-gold"))


@pytest.fixture(scope="session")
def world():
    """The sample outlets, served on loopback."""
    with the_world() as served:
        yield served


@pytest.fixture(scope="session")
def lakes(world, tmp_path_factory):
    """By poll, the lake after the passes up to it. Tests copy one before they change it."""
    made, folder = {}, tmp_path_factory.mktemp("lakes")
    for before, poll in zip([None, *POLLS], POLLS, strict=False):
        made[poll] = folder / poll / "lake"
        if before:
            shutil.copytree(made[before], made[poll])
        passes(made[poll], world, [poll])
    gc.collect()
    gc.freeze()  # the models, loaded by now, stay: no collection need walk them
    yield made
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def lake(lakes):
    """The lake after the passes of all four polls."""
    return lakes[POLLS[-1]]
