"""What the network reads: vectors and how two statements stand."""

from __future__ import annotations

import json
from hashlib import sha256

import numpy as np
import pytest

from pipeline.adapters.matcher import open_matcher
from pipeline.claims.meaning import SIZE, both_ways, product
from pipeline.claims.relation import compare
from pipeline.errors import ModelError
from pipeline.model import RelationKind
from pipeline.wiring import MATCHER, network_at
from tests.claims.claim_builders import network

LAND = "We shall not buy quiet with a single village of ours"
CEDED = "the president ruled out giving up territory in return for a ceasefire"
SOLD = "some districts may have to be left to Moscow if that ends the war"
TRAINS = "Rail traffic to the port of Izmail will be doubled by the autumn"


def near(one: str, other: str) -> float:
    vectors = [network().vector(text) for text in (one, other)]
    return product(*vectors)


def test_a_vector_is_signed_bytes_of_length_one():
    vector = np.frombuffer(network().vector(LAND), np.int8).astype(float)

    assert vector.shape == (SIZE,)
    assert np.linalg.norm(vector) == pytest.approx(127, rel=0.02)
    assert near(LAND, LAND) == pytest.approx(1, abs=0.02)


def test_one_claim_in_other_words_is_nearer_than_another_claim():
    assert near(LAND, CEDED) > 0.5 > near(LAND, TRAINS)


def test_the_chances_are_of_all_there_is_and_the_same_both_ways():
    found = both_ways(network(), LAND, CEDED, lambda _: False)
    back = both_ways(network(), CEDED, LAND, lambda _: False)
    total = found.same + found.new + found.changed + found.contradicts

    assert total == pytest.approx(1, abs=1e-3)
    assert found == back


def test_without_a_shared_word_one_claim_is_the_same_with_the_network_alone():
    words, read = compare(LAND, CEDED), compare(LAND, CEDED, meaning=network())

    assert words.kind is RelationKind.NEW
    assert read.kind is RelationKind.REREPORTED
    assert read.reasons == ("the same in other words",)


@pytest.mark.parametrize("other", [SOLD, TRAINS])
def test_what_says_the_opposite_or_something_else_is_never_the_same(other):
    found = compare(LAND, other, meaning=network())

    assert found.kind not in (RelationKind.REREPORTED, RelationKind.REPEATED)


def test_a_denial_is_read_as_what_it_denies():
    found = compare(
        CEDED.replace("ruled out", "is open to"),
        "giving up territory in return for a ceasefire",
        b_denied=True,
        meaning=network(),
    )

    assert found.kind not in (RelationKind.REREPORTED, RelationKind.REPEATED)


def test_a_speech_without_end_is_read_in_part_and_in_no_time():
    assert network().vector(LAND * 5000) == network().vector(LAND * 50)
    assert len(network().vector("")) == SIZE


def test_a_folder_without_the_network_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"matcher\.onnx"):
        open_matcher(tmp_path, tmp_path / "tokenizer.json")


def test_the_network_is_the_one_that_is_published_as_the_matchers_version():
    meta = json.loads((MATCHER / "meta.json").read_text("utf-8"))
    digest = sha256((MATCHER / "matcher.onnx").read_bytes()).hexdigest()

    assert meta["sha256"] == digest
    assert network_at(MATCHER) == digest[:8]
