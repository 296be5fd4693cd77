"""These tests start services: ``make test-cluster`` runs them, ``make test`` does not."""

from __future__ import annotations

import pytest

from tests.cluster.services import postgres, redis, storage


def pytest_ignore_collect(collection_path, config):
    return None if config.getoption("--cluster") else True


@pytest.fixture(scope="session")
def database():
    with postgres() as server:
        yield server


@pytest.fixture(scope="session")
def broker():
    with redis() as server:
        yield server


@pytest.fixture(scope="session")
def bucket():
    with storage() as served, pytest.MonkeyPatch.context() as patch:
        for name, value in served.environment.items():
            patch.setenv(name, value)
        yield served
