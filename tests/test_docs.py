"""Every command, table, column and setting is in the documents, and they are true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from pipeline.cli import cli
from pipeline.settings import Settings
from pipeline.tables.dictionary import markdown
from pipeline.tables.schemas import TABLES

ROOT = Path(__file__).resolve().parents[1]
DOCS = {path.name: path.read_text("utf-8") for path in (ROOT / "docs").glob("*.md")}
README = (ROOT / "README.md").read_text("utf-8")


def commands() -> list[str]:
    click = typer.main.get_command(cli)
    return [
        f"{name} {inner}" if inner else name
        for name, command in click.commands.items()
        for inner in (list(getattr(command, "commands", {})) or [""])
    ]


@pytest.mark.parametrize("command", commands())
def test_every_command_is_documented(command):
    text = DOCS["commands.md"]

    assert f"onrecord {command}" in text or f"`{command}`" in text


def test_the_data_dictionary_is_that_of_the_registry():
    assert DOCS["tables.md"].rstrip("\n") == markdown().rstrip("\n"), "run make docs"


@pytest.mark.parametrize("table", list(TABLES))
def test_the_readme_names_every_table(table):
    assert f"`{table}`" in README


@pytest.mark.parametrize("setting", list(Settings.model_fields))
def test_every_setting_is_documented(setting):
    assert re.search(
        rf"`{setting}[`.]|`ONRECORD_{setting.upper()}`", "".join(DOCS.values())
    )


def test_every_make_target_that_the_readme_names_is_there():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    named = set(
        re.findall(
            r"(?:^|`)make ([a-z][a-z-]+)",
            README + "\n".join(DOCS.values()),
            re.MULTILINE,
        )
    )

    assert {
        n for n in named if not re.search(rf"^{n}:", makefile, re.MULTILINE)
    } == set()


def test_every_link_in_the_readme_leads_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
