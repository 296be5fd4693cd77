from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.claims.features import MAX_CHARACTERS, dumped, features, loaded
from pipeline.claims.words import concept, name_key, plain, stem, unframed


def numbers(text: str) -> list[tuple[str, float]]:
    return [(number.kind, number.value) for number in features(text).numbers]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("we lost 20,000 men", [("count", 20_000)]),
        ("we lost 20 000 men", [("count", 20_000)]),
        ("about three hundred drones", [("count", 300)]),
        ("twenty-five tanks", [("count", 25)]),
        ("two dozen jets", [("count", 24)]),
        ("half a million people", [("count", 500_000)]),
        ("$3.5bn in aid", [("money", 3.5e9)]),
        ("4.5 billion pounds", [("money", 4.5e9)]),
        ("it grew by 4.1%", [("percent", 4.1)]),
        ("it grew by four per cent", [("percent", 4)]),
        ("within two weeks", [("duration", 14)]),
        ("within 50 days", [("duration", 50)]),
        ("the 19th package", [("ordinal", 19)]),
        ("since 2022", [("year", 2022)]),
        ("on May 25", [("date", 525)]),
        ("on 25 May", [("date", 525)]),
        ("at 5:30 p.m. on Sunday", []),
        ("F-16 jets and S-300 systems", []),
        ("no one was hurt", []),
        ("30 km from the border", [("length", 30_000)]),
    ],
)
def test_numbers_are_read_with_their_kind(text: str, expected: list[tuple[str, float]]):
    assert numbers(text) == expected


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("300 drones", "three hundred drones", True),
        ("about 300 drones", "303 drones", True),
        ("$114.3 million", "$114 million", True),
        ("300 drones", "296 drones", False),
        ("about 300 drones", "350 drones", False),
        ("14 days", "two weeks", True),
        ("20 days", "20 percent", False),
        ("in 2022", "in 2023", False),
    ],
)
def test_two_numbers_are_one_figure_or_not(one: str, other: str, equal: bool):
    (a,), (b,) = features(one).numbers, features(other).numbers

    assert a.equals(b) is equal
    assert b.equals(a) is equal


@pytest.mark.parametrize(
    ("text", "negated"),
    [
        ("we will not send trucks", {"truck"}),
        ("we will never send trucks", {"truck"}),
        ("we won't send trucks", {"truck"}),
        ("no trucks will be sent", {"truck"}),
        ("without trucks", {"truck"}),
        ("we refuse to send trucks", {"truck"}),
        ("they failed to stop the trucks", set()),
        ("we will not stop the trucks", set()),
        ("trucks, not boats, will be sent", {"boat"}),
        ("trucks will be sent but boats will not", {"boat"}),
        ("we no longer send trucks", {"truck"}),
        ("a breakthrough did not occur, trucks came", {"progress"}),
        ("I don't know where the trucks are", set()),
    ],
)
def test_what_a_negation_reaches(text: str, negated: set[str]):
    watched = {concept(word) for word in ("truck", "boat", "progress")}

    found = features(text).negated & watched

    assert found == {concept(word) for word in negated}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("negotiations", "talks"),
        ("favour", "favors"),
        ("sent", "delivering"),
        ("Kyiv", "Ukrainian"),
        ("truce", "ceasefire"),
        ("defence", "defense"),
        ("provided", "supplies"),
    ],
)
def test_words_of_one_meaning_are_one_concept(one: str, other: str):
    assert concept(one.casefold()) == concept(other.casefold())


def test_a_stem_is_shared_by_the_forms_of_a_word():
    for forms in ("stop stopped stopping stops", "escalate escalation escalating"):
        assert len({stem(form) for form in forms.split()}) == 1


def test_spellings_of_a_name_share_a_key():
    spellings = ["Zelensky", "Zelenskyy", "Zelenskiy"]

    assert len({name_key(spelling) for spelling in spellings}) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Smith said that the bridge is open", "the bridge is open"),
        ("The bridge is open, Smith said", "The bridge is open"),
        ("Smith: the bridge is open", "the bridge is open"),
        ("the minister said the bridge is open", "the bridge is open"),
        ("Smith said so", "Smith said so"),
        ("the bridge is open", "the bridge is open"),
    ],
)
def test_a_frame_around_the_words_is_no_part_of_them(text: str, words: str):
    assert unframed(text) == words


def test_marks_and_contractions_are_made_plain():
    assert plain("“It’s — we can’t”") == "It , we can not"


@given(st.text(max_size=300))
def test_any_text_has_features_and_the_same_ones_again(text: str):
    found = features(text)

    assert found.total >= 0
    assert found.weights.keys() >= found.names
    assert features.__wrapped__(text) == found


def test_a_text_without_end_is_read_in_part_and_in_no_time():
    long = "word said, that A. " * 50_000

    assert len(features(long).sequence) < MAX_CHARACTERS


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300))
@example("“We will not send 12 tanks to Poland,” he said. Two allies did by May 20.")
@example("Kyiv may walk away from some 300 of the talks, but never before June 2027")
def test_what_is_kept_on_record_is_what_was_read(text: str):
    assert loaded(text, dumped(features(text))) == features(text)


def test_features_kept_by_another_version_are_read_anew():
    assert loaded("The harbour is closed", "[0]") == features("The harbour is closed")
    assert loaded("The harbour is closed", "") == features("The harbour is closed")
