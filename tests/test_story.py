"""The story of the sample outlet: each right answer, and exactly the right alerts."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from pipeline.model import RelationKind

OFFERED = "Russia ready for 30-day moratorium on energy strikes"
REVERSED = "There will be no moratorium on energy strikes"
NEEDED = "Ukraine needs 12 more air defence batteries"
CHANGED = "Ukraine now needs 15 air defence batteries"
WIRE = "Grain is not a weapon and hunger is not a strategy"


@pytest.fixture(scope="module")
def told(lake: Path) -> pd.DataFrame:
    """Every statement with its relation; ``alerts``: how often its claim was told."""
    tables = lake / "tables"
    links = pd.read_parquet(tables / "claim_links").drop(columns="figure_id")
    statements = pd.read_parquet(tables / "statements").drop_duplicates("statement_id")
    sent = pd.read_parquet(tables / "alerts").query("kind == 'alert'")
    found = statements.merge(links, on="statement_id", suffixes=("", "_link"))
    counts = sent.claim_id.value_counts()
    return found.assign(alerts=found.claim_id.map(counts).fillna(0).astype(int))


def of(told: pd.DataFrame, words: str, article: str = "") -> pd.Series:
    """The statement whose words begin so, in the article whose address holds that."""
    found = told[
        told.content.str.startswith(words) & told.url.str.contains(article, regex=False)
    ]
    assert len(found), f"not found: {words}"
    return found.sort_values(["first_seen_at", "content"]).iloc[0]


def test_a_claim_is_new_once_and_told_once(told):
    first = of(told, NEEDED)

    assert (first.relation, first.alerts) == (RelationKind.NEW, 1)


def test_said_again_elsewhere_it_is_repeated_and_not_told_again(told):
    again = of(told, "his country needed 12 more", "finland-generators")

    assert again.relation == RelationKind.REPEATED
    assert again.claim_id == of(told, NEEDED).claim_id
    assert again.utterance_id != of(told, NEEDED).utterance_id
    assert again.alerts == 1


def test_reported_late_by_another_outlet_it_is_a_report_of_the_same_words(told):
    late = told[
        told.url.str.contains("batteries-plea") & told.content.str.contains("atteries")
    ]

    assert set(late.relation) == {RelationKind.REREPORTED}
    assert set(late.claim_id) == {of(told, NEEDED).claim_id}


def test_with_another_number_it_is_changed_and_told_with_the_number_before(told, lake):
    changed = of(told, CHANGED)

    assert (changed.relation, changed.alerts) == (RelationKind.CHANGED, 1)
    assert changed.earlier_claim_id == of(told, NEEDED).claim_id
    assert "another number: 12 -> 15" in changed.reasons
    assert "12" in message(lake, changed.claim_id)["data"]["earlier"]["words"]


def test_a_reversal_contradicts_the_offer_and_is_told_with_it(told, lake):
    turned = of(told, REVERSED)

    assert (turned.relation, turned.alerts) == (RelationKind.CONTRADICTS, 1)
    assert turned.earlier_claim_id == of(told, OFFERED).claim_id
    again = of(told, "there will be no moratorium on strikes against")
    assert again.claim_id == turned.claim_id
    assert "ready" in message(lake, turned.claim_id)["data"]["earlier"]["words"]


def test_a_wire_story_in_two_outlets_is_one_report(told, lake):
    copies = told[told.content == WIRE]
    claims = pd.read_parquet(lake / "tables" / "claims")
    (claim,) = claims[claims.claim_id.isin(copies.claim_id)].to_dict("records")

    assert sorted(copies.relation) == [RelationKind.NEW, RelationKind.REREPORTED]
    assert (claim["n_outlets"], claim["n_independent"]) == (2, 1)
    assert set(copies.alerts) == {1}


def test_the_story_is_told_in_exactly_these_alerts(told, lake):
    subjects = told.content.str.contains("batteries|moratorium on|Grain is not")
    figures = told.figure.isin(
        ["Volodymyr Zelensky", "Vladimir Putin", "António Guterres"]
    )
    alerts = pd.read_parquet(lake / "tables" / "alerts").query("kind == 'alert'")
    story = told[subjects & figures]

    sent = story[story.statement_id.isin(alerts.statement_id)]

    assert sorted(sent.content.unique()) == sorted(
        [NEEDED, CHANGED, OFFERED, REVERSED, WIRE]
    )
    assert not alerts.duplicated(["rule_id", "claim_id", "channel"]).any()


def message(lake: Path, claim_id: str) -> dict:
    lines = (lake / "alerts.jsonl").read_text("utf-8").splitlines()
    (found,) = [
        one for one in map(json.loads, lines) if one["data"]["claim_id"] == claim_id
    ]
    return found
