"""What a command does not need it does not load: ``--help`` is there at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PARSING = ("airflow", "duckdb", "onnxruntime", "spacy", "thinc", "tokenizers")
HEAVY = (*PARSING, "aiohttp", "numpy", "pandas", "pyarrow", "sqlalchemy", "trafilatura")

RUN = """
import sys
from pipeline.cli import main
sys.argv = ["onrecord", *sys.argv[1:]]
try:
    main()
finally:
    print("loaded", *(name for name in sys.modules if "." not in name))
"""


def loaded(*arguments: str) -> set[str]:
    """The packages that one command loads, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode in (0, 3), done.stderr
    assert "loaded" in done.stdout
    return set(done.stdout.rpartition("loaded")[2].split())


@pytest.mark.parametrize(
    "command", ["", "status", "extract", "run", "feeds", "feeds list"]
)
def test_help_loads_nothing_heavy(command: str) -> None:
    found = loaded(*command.split(), "--help")
    assert not found.intersection((*HEAVY, "rich"))


@pytest.mark.parametrize(
    ("command", "spared"),
    [
        ("status", (*PARSING, "aiohttp", "feedparser", "pandas", "trafilatura")),
        ("feeds list", (*HEAVY, "feedparser", "lxml", "warcio")),
    ],
)
def test_a_command_loads_what_it_uses(
    command: str, spared: tuple[str, ...], tmp_path: Path
) -> None:
    found = loaded(*command.split(), "--lake", str(tmp_path))

    assert "pydantic" in found
    assert not found.intersection(spared)
