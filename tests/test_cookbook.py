"""The cookbook and the notebook run as they stand, on the sample's tables."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pandas as pd
import pytest

from pipeline.adapters.sql import open_sql

DOCS = Path(__file__).resolve().parents[1] / "docs"
COOKBOOK = (DOCS / "cookbook.md").read_text("utf-8")
NOTEBOOK = DOCS / "notebooks" / "first-look.ipynb"


def recipes() -> dict[str, str]:
    parts = re.split(r"^## ", COOKBOOK, flags=re.MULTILINE)
    found = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
    return {part.splitlines()[0]: "\n".join(found.findall(part)) for part in parts}


@pytest.fixture(scope="module")
def asked(lake):
    """What the recipes leave behind: one after the other, as a reader would."""
    names: dict[str, object] = {}
    answers = {}
    for title, code in recipes().items():
        names.pop("answer", None)
        exec(compile(code.replace("data/sample", str(lake)), title, "exec"), names)
        answers[title] = names.get("answer")
    return answers


def test_there_are_ten():
    assert [title[:2].strip(".") for title in recipes()][1:11] == [
        str(n) for n in range(1, 11)
    ]


@pytest.mark.parametrize("title", list(recipes())[1:11])
def test_a_recipe_has_an_answer(asked, title):
    answer = asked[title]

    assert isinstance(answer, pd.DataFrame)
    assert len(answer) > 0
    assert not answer.isna().all(axis=None)


def test_what_the_answers_say_of_the_sample(asked):
    by_title = {title.split(".")[0]: answer for title, answer in asked.items()}

    assert (by_title["2"]["next_after"] >= pd.Timedelta(0)).all()
    assert (by_title["4"]["reasons"] != "").all()
    assert (by_title["10"]["now"] >= by_title["10"]["then"]).all()
    assert set(by_title["9"]["kind"]) <= {"changed", "withdrawn", "wire_merged"}


def test_the_query_in_sql_runs(lake):
    (query,) = re.findall(r"^```sql\n(.*?)^```", COOKBOOK, re.MULTILINE | re.DOTALL)
    with open_sql(lake) as opened:
        assert len(opened.sql(query).fetchall()) == 10


def test_every_cell_of_the_notebook_runs_and_shows_something(lake):
    held = json.loads(NOTEBOOK.read_text("utf-8"))
    names: dict[str, object] = {}
    shown = [
        _run("".join(cell["source"]).replace("data/sample", str(lake)), names)
        for cell in held["cells"]
        if cell["cell_type"] == "code"
    ]

    assert held["nbformat"] == 4
    assert len(shown) == 5
    for html in shown:
        assert html.count("<tr") > 1


def _run(source: str, names: dict[str, object]) -> str:
    """A cell as Jupyter runs it: its last expression is what it shows, here as HTML."""
    tree = ast.parse(source)
    last = tree.body.pop()
    assert isinstance(last, ast.Expr)
    exec(compile(tree, "cell", "exec"), names)
    value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    return value._repr_html_()
