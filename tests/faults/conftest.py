"""The sample outlets, with the models loaded before a test forks, and their whole lake."""

from __future__ import annotations

import pytest

from tests.world import an_extractor


@pytest.fixture(scope="session")
def world(world):
    an_extractor()
    return world


@pytest.fixture(scope="session")
def whole(lake):
    """The lake of passes that nothing disturbed, and what they sent. Only read."""
    return lake
