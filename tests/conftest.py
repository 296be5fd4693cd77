"""What all tests share: switches, and the sample world run once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.world import POLLS, passes, the_world


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
def lake(world, tmp_path_factory):
    """A lake after the passes of all four polls. Tests copy it before they change it."""
    folder = tmp_path_factory.mktemp("lake")
    passes(folder, world, POLLS)
    return folder
