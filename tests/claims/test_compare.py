from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.claims.compare import compare_pair, label
from pipeline.model import RelationKind
from tests.claims.claim_builders import network


def a_pair(a: str, b: str) -> dict[str, Any]:
    return {
        "pair_id": "p1",
        "speaker": None,
        "a": {"text": a, "date": None},
        "b": {"text": b, "date": None},
    }


def test_every_relation_has_a_label():
    labels = {str(kind): label(kind) for kind in RelationKind}

    assert labels == {
        "new": "new",
        "rereported": "same",
        "repeated": "same",
        "changed": "new",
        "contradicts": "contradicts",
        "uncertain": "new",
    }
    assert label(RelationKind.UNCERTAIN, same=0.6) == "same"


def test_the_answer_has_the_keys_of_the_contract_and_is_json():
    answer = compare_pair(
        a_pair("We will close the harbour", "We won't close it"), network()
    )

    assert list(answer) == ["pair_id", "label", "relation", "score", "reasons"]
    assert json.loads(json.dumps(answer)) == answer


def test_the_earlier_date_stands_first():
    pair = a_pair("We will build 35,000 houses", "We will build 20,000 houses")
    pair["a"]["date"], pair["b"]["date"] = "2026-03-09", "2026-03-01T10:00:00Z"

    answer = compare_pair(pair, network())

    assert answer["relation"] == "changed"
    assert answer["reasons"] == ["another number: 20,000 -> 35,000"]


def test_dates_far_apart_make_a_repetition():
    pair = a_pair("We will close the harbour", "We will close the harbour")
    pair["a"]["date"], pair["b"]["date"] = "2025-01-01", "2026-03-01"

    assert compare_pair(pair, network())["relation"] == "repeated"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"a": None}, "a: an object with a text"),
        ({"b": {"date": None}}, "b: an object with a text"),
        ({"b": {"text": "x", "date": "soon"}}, "b.date: not an ISO 8601 date"),
    ],
    ids=str,
)
def test_a_line_that_is_wrong_is_named_by_its_key(changes: dict[str, Any], words: str):
    with pytest.raises(ValueError, match=words):
        compare_pair(a_pair("x", "y") | changes, network())
