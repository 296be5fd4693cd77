"""What the network reads: vectors and how two statements stand."""

from __future__ import annotations

import json
from hashlib import sha256

import numpy as np
import pytest

from pipeline.adapters.matcher import open_matcher
from pipeline.claims.grouping import AMONG_MANY, CROWDED, LESS, Asked, Crowd
from pipeline.claims.meaning import SIZE, Meant, both_ways, product
from pipeline.claims.relation import compare
from pipeline.errors import ModelError
from pipeline.model import RelationKind, Said
from pipeline.wiring import MATCHER, network_at
from tests.claims.claim_builders import a_said, network

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


def chances(found: Meant) -> list[float]:
    return [found.same, found.new, found.changed, found.contradicts]


def test_the_chances_are_of_all_there_is_and_the_mean_of_both_orders():
    one, other = network().stand(LAND, CEDED), network().stand(CEDED, LAND)
    mean = [(a + b) / 2 for a, b in zip(chances(one), chances(other), strict=True)]
    assert one != other

    for texts in ((LAND, CEDED), (CEDED, LAND)):
        found = both_ways(network(), *texts, lambda _: False)

        assert sum(chances(found)) == pytest.approx(1, abs=1e-3)
        assert chances(found) == pytest.approx(mean, abs=6e-5)  # of four decimals
        assert both_ways(network(), *texts, lambda _: True) == one


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


class Counted:
    """A ``Meaning`` that answers as told, and notes what it was asked."""

    def __init__(self, *answers: Meant) -> None:
        self._answers, self.asked = list(answers), list[tuple[str, str]]()

    def vector(self, said: str) -> bytes:
        return bytes(SIZE)

    def stand(self, first: str, second: str) -> Meant:
        self.asked.append((first, second))
        return self._answers.pop(0)


SAME, OTHER = Meant(0.8, 0.1, 0.1, 0.0), Meant(0.4, 0.5, 0.1, 0.0)


def test_what_one_way_settles_is_not_read_the_other_way_round():
    once, twice = Counted(SAME, OTHER), Counted(SAME, OTHER)

    assert both_ways(once, "b", "a", lambda found: found.same > 0.5) == SAME
    assert once.asked == [("a", "b")]
    assert both_ways(twice, "b", "a", lambda _: False) == Meant(0.6, 0.3, 0.1, 0.0)
    assert twice.asked == [("a", "b"), ("b", "a")]


def of_claims(*claims: str) -> list[Said]:
    return [a_said("", nth=nth, claim_id=claim) for nth, claim in enumerate(claims)]


def test_as_near_as_many_other_claims_says_less():
    crowd = Crowd(of_claims("mine", "x", "y", "z"), [0.7, 0.65, 0.6, 0.55])

    assert crowd.prior("mine") == pytest.approx(AMONG_MANY - LESS * (0.6 - CROWDED))
    assert crowd.prior("x") < crowd.prior("mine")  # what it stands among is nearer


def test_forty_reports_of_one_claim_are_no_crowd():
    reports = Crowd(of_claims(*["mine"] * 40), [0.9] * 40)
    of_another = Crowd(of_claims("mine", *["x"] * 40), [0.9] * 41)

    assert reports.prior("mine") == AMONG_MANY
    assert of_another.prior("mine") == AMONG_MANY  # one other claim is not many


def test_words_unlike_are_worth_reading_where_vectors_are_near_and_nothing_else_is():
    near, far = Asked(Counted(), Crowd([], [])), Asked(None, Crowd([], []))
    (one,) = of_claims("mine")

    assert near.may_join(one, 0.6)
    assert not near.may_join(one, 0.3)
    assert not far.may_join(one, 0.9)  # no network
