from __future__ import annotations

from datetime import date

import pytest

from pipeline.claims.grouping import relations
from pipeline.claims.occasions import said_again
from pipeline.claims.passages import Bond
from pipeline.claims.relation import compare
from pipeline.model import Relation, RelationKind, Said, Span
from tests.claims.claim_builders import a_said

OFFER = "Russia is ready to halt strikes on energy facilities for a month"
LONG = (
    "We will go on working with all our partners on the bridge over the river, and we "
    "{} close the harbour to foreign ships, and the talks on fishing will go on in spring."
)


def second(*said: Said) -> Relation:
    return relations(list(said), lambda *_: [])[-1]


@pytest.mark.parametrize("cue", ["repeated", "reiterates", "reaffirmed", "said again"])
def test_what_is_reported_as_said_again_is_of_another_occasion(cue: str):
    found = second(a_said(OFFER), a_said(OFFER, nth=1, day=1, cue=cue))

    assert found.kind is RelationKind.REPEATED
    assert found.reasons[-1] == "reported as said again"


def test_two_reports_of_the_second_occasion_are_of_one():
    found = second(
        a_said(OFFER),
        a_said(OFFER, nth=1, day=1, cue="repeated"),
        a_said("Russia is ready to stop strikes on energy facilities for a month", nth=2,
               day=1, cue="reiterated"),
    )  # fmt: skip

    assert found.kind is RelationKind.REREPORTED
    assert found.earlier_id == "s001"


def test_in_one_article_what_is_repeated_is_told_once():
    found = second(
        a_said(OFFER, article_id="a"),
        a_said(OFFER, nth=1, article_id="a", cue="repeated"),
    )

    assert found.kind is RelationKind.REREPORTED


def test_a_later_day_that_the_text_names_is_another_occasion():
    monday, tuesday = date(2026, 3, 2), date(2026, 3, 3)
    again = a_said(OFFER, nth=1, day=2, said_on=tuesday)

    assert second(a_said(OFFER, said_on=monday), again).kind is RelationKind.REREPORTED
    dated = a_said(OFFER, nth=1, day=2, said_on=tuesday, dated=True)
    assert second(a_said(OFFER, said_on=monday), dated).kind is RelationKind.REPEATED


def test_speakers_tell_that_they_repeat_themselves():
    assert said_again(a_said("As I have already said, the harbour stays closed"))
    assert not said_again(a_said("They will attack the harbour again"))


@pytest.mark.parametrize("word", ["will not", "will never"])
def test_a_reversal_in_a_long_statement_is_none_of_the_same(word: str):
    there, back = LONG.format("will"), LONG.format(word)

    for a, b in ((there, back), (back, there)):
        found = compare(a, b)
        assert found.kind is RelationKind.CONTRADICTS
        now = "denied now" if b is back else "denied earlier"
        assert found.reasons[0].startswith(now)


def test_a_reversal_is_laid_beside_the_report_that_it_reverses():
    found = second(
        a_said("The harbour will be closed to foreign ships"),
        a_said("Foreign ships have to keep out, the harbour is closed", nth=1),
        a_said("The harbour will never be closed to foreign ships", nth=2, day=1),
    )

    assert found.kind is RelationKind.CONTRADICTS
    assert found.earlier_id == "s000"


def test_one_sentence_seen_twice_is_no_contradiction():
    whole = a_said(
        "the harbour will not be closed", article_id="a", spans=(Span(5, 35),)
    )
    part = a_said(
        "the harbour will be closed", nth=1, article_id="a", spans=(Span(5, 20),)
    )

    found = second(whole, part)

    assert found.kind is RelationKind.REREPORTED
    assert found.reasons == ("the same sentence of the article",)


def test_numbers_of_unrelated_sentences_are_not_laid_side_by_side():
    found = compare(
        "the other 11 allies to decide before the summit in July",
        "Yesterday it was less … Two allies, half a billion, one night.",
        bond=Bond.SOURCE,
    )

    assert not any("11" in reason for reason in found.reasons)


def test_older_words_that_are_found_later_stand_first_in_the_reason():
    late = a_said("Ukraine needs 12 batteries to protect its cities", nth=1, day=3)
    early = a_said("Ukraine needs 15 batteries to protect its cities", day=2)

    found = second(early, late)
    assert found.reasons == ("another number: 15 -> 12",)

    old = a_said(late.content, nth=1, day=3, said_on=date(2026, 3, 1), dated=True)
    assert second(early, old).reasons == ("another number: 12 -> 15",)
