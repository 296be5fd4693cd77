"""What may not be published: each rule broken once, and what the error says."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pytest

from pipeline.model import Article, Partition, Relation, Statement
from pipeline.tables.checks import conformed, day_faults, faults
from pipeline.tables.convert import (
    articles_table,
    links_table,
    rows_to_table,
    spans_table,
    statements_table,
    told_table,
    words_of,
)
from pipeline.tables.reading import load
from pipeline.tables.schemas import TABLES
from pipeline.tables.values import from_arrow, to_arrow
from tests.builders import NOON, a_relation, a_statement, an_article
from tests.world import an_app, hashes

ARTICLE = an_article()
STATEMENT = a_statement(article_id=ARTICLE.article_id)
TOLD = told_table(
    to_arrow(Statement, [STATEMENT]), to_arrow(Relation, [a_relation(STATEMENT)])
)


def a_row(**values):
    return statements_table(TOLD, "0.1.0").to_pylist()[0] | values


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            {"voice": "shouted"},
            "column voice, row statement_id=.*'shouted' is none of dir",
        ),
        ({"figure": None}, "column figure, row .*: None is missing"),
        ({"confidence": 1.5}, "column confidence, row .*: 1.5 is over 1"),
        ({"confidence": float("nan")}, "column confidence, row .*: nan is"),
        ({"start": -1}, "column start, row .*: -1 is under 0"),
        ({"start": 99, "end": 98}, "column start, row .*: 99 is after end"),
        (
            {"published_at": NOON + timedelta(days=1)},
            "column published_at.*is after first_seen_at",
        ),
    ],
)
def test_a_row_that_breaks_a_rule_is_named_with_its_key_and_value(values, words):
    with pytest.raises(ValueError, match=f"table statements, {words}"):
        rows_to_table("statements", [a_row(**values), a_row(statement_id="other")])


def test_a_missing_value_that_may_be_missing_passes():
    assert rows_to_table("statements", [a_row(said_on=None)]).num_rows == 1


def test_two_rows_with_one_key_are_named():
    with pytest.raises(
        ValueError, match=r"row statement_id=\w+: 2 rows share this key"
    ):
        rows_to_table("statements", [a_row(), a_row(content="else")])


def test_a_column_too_many_is_refused():
    rows = rows_to_table("statements", [a_row()])
    with pytest.raises(ValueError, match=r"columns .* are not its own"):
        conformed("statements", rows.append_column("mood", pa.array(["glad"])))


def test_rows_are_sorted_as_the_registry_says():
    rows = [
        a_row(figure_id="Q2", statement_id="a"),
        a_row(figure_id="Q1", statement_id="b"),
    ]

    table = rows_to_table("statements", rows)

    assert table["figure_id"].to_pylist() == ["Q1", "Q2"]
    assert list(faults("statements", table)) == []


def a_day(**spans):
    row = spans_table(TOLD, words_of(TOLD, [ARTICLE.text])).to_pylist()[0] | spans
    return {
        "articles": articles_table(to_arrow(Article, [ARTICLE]), "0.1.0"),
        "statements": rows_to_table("statements", [a_row()]),
        "statement_spans": rows_to_table("statement_spans", [row]),
        "claim_links": links_table(TOLD, "1"),
    }


def test_a_whole_day_passes():
    assert list(day_faults(a_day())) == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"end": 10_000}, "column end, row .*span=0: 10000 is beyond articles.n_chars"),
        ({"revision": 7}, "column end, .* is beyond articles.n_chars"),
        ({"statement_id": "gone"}, "'gone' is in no row of statements.statement_id"),
    ],
)
def test_what_breaks_between_tables_is_named(values, words):
    (fault,) = day_faults(a_day(**values))

    assert re.search(words, fault)


def test_a_failing_check_leaves_what_is_published(lake, world, tmp_path):
    folder = shutil.copytree(lake, tmp_path / "lake")
    app = an_app(folder, world)
    partition = app.lake.partitions("statements")[0]
    held = from_arrow(Statement, app.lake.read("statements", partition))
    wrong = [replace(held[0], confidence=7.0), *held[1:]]
    app.lake.write("statements", partition, to_arrow(Statement, wrong))
    before = hashes(folder)

    report = app.publish(Partition.parse(str(partition)).moment)

    assert re.search(r"confidence.*7\.0 is over 1; nothing of it", report.failures[0])
    assert hashes(folder) == before
    app.close()


def test_the_data_package_says_what_the_registry_says(lake):
    package = json.loads((lake / "tables" / "datapackage.json").read_text("utf-8"))
    statements = next(r for r in package["resources"] if r["name"] == "statements")
    fields = {field["name"]: field for field in statements["schema"]["fields"]}

    assert len(package["resources"]) == len(TABLES)
    assert statements["schema"]["primaryKey"] == ["statement_id"]
    assert fields["voice"]["constraints"]["enum"] == ["direct", "indirect", "mixed"]
    assert fields["confidence"]["constraints"]["maximum"] == 1
    for path in statements["path"]:
        assert (lake / "tables" / path).exists()


def author_of(article, named):
    return articles_table(to_arrow(Article, [article]), "1", named)["author"][0].as_py()


def nested_of(told, named):
    return statements_table(told, "1", named)["nested"][0].as_py()


def test_only_tracked_figures_are_named_unless_asked():
    article = an_article(author="Jane Roe")
    statement = a_statement(nested=("Volodymyr Zelensky", "John Doe"))
    named = frozenset({"Volodymyr Zelensky"})
    told = to_arrow(Statement, [statement])

    assert author_of(article, named) == ""
    assert nested_of(told, named) == "Volodymyr Zelensky"
    assert author_of(article, None) == "Jane Roe"
    assert nested_of(told, None) == "Volodymyr Zelensky; John Doe"


def test_no_more_than_the_context_is_published_beside_the_words(lake):
    rows = load(
        "statements", columns=["content", "context", "start", "end"], lake=str(lake)
    )

    beside = rows.context.str.len() - (rows.end - rows.start)
    assert beside.max() <= 200
    assert "text" not in {field.name for field in TABLES["articles"].fields}
