"""A day's statements beside the texts that they stand in."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.adapters.lake import LocalLake
from pipeline.errors import DamagedError
from pipeline.model import Article, Partition, Relation, Statement
from pipeline.tables.told import as_of, together, told_on, with_texts
from pipeline.tables.values import midnight, to_arrow
from tests.builders import NOON, a_relation, a_statement, an_article

PARTITION, LATER = Partition.at(NOON), Partition.at(NOON + timedelta(hours=1))


@pytest.fixture
def lake(tmp_path):
    """Two partitions of an article each, the second not yet matched."""
    lake, article = LocalLake(tmp_path), an_article()
    said = a_statement(article_id=article.article_id, revision=article.revision)
    for partition in (PARTITION, LATER):
        lake.write("articles", partition, to_arrow(Article, [article]))
        lake.write("statements", partition, to_arrow(Statement, [said]))
    lake.write("links", PARTITION, to_arrow(Relation, [a_relation(said)]))
    return lake


def test_what_is_not_yet_matched_is_not_told(lake):
    told = told_on(lake, NOON.date())

    assert [(one, rows.num_rows) for one, rows in told.items()] == [
        (PARTITION, 1),
        (LATER, 0),
    ]
    assert together(told).num_rows == 1
    assert together({}).schema == together(told).schema


def test_a_day_is_as_of_its_last_articles(lake):
    assert as_of(lake, NOON.date()) == LATER.moment
    before = NOON.date() - timedelta(days=1)
    assert as_of(lake, before) == midnight(before)


def test_a_statement_whose_text_is_gone_is_said_after_all_articles_were_given(lake):
    told = told_on(lake, NOON.date())[PARTITION]
    ((_, here),) = with_texts(lake, PARTITION, told)
    assert here == told

    other = an_article(article_id="another")
    lake.write("articles", PARTITION, to_arrow(Article, [other]))
    given = with_texts(lake, PARTITION, told)

    assert next(given)[1].num_rows == 0
    with pytest.raises(DamagedError, match=rf"{PARTITION}.*text is not among"):
        next(given)
