"""What all tests share: the gold switch."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--every-kill", action="store_true", help="kill at every write, not at some"
    )
    parser.addoption(
        "--update-gold", action="store_true", help="write expected outputs anew"
    )


@pytest.fixture
def update_gold(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-gold"))
