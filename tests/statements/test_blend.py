"""Rules and tagger together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.model import Attribution, Span, Voice
from pipeline.statements.blend import blended


def a_finding(
    start: int, end: int, *, cue: int, method: str = "clause", sure: float = 0.9
):
    return Attribution(
        content=(Span(start, end),),
        cue=Span(cue, cue + 4),
        source=None,
        voice=Voice.INDIRECT,
        method=method,
        confidence=sure,
    )


@pytest.mark.parametrize(("confidence", "kept"), [(0.9, "tagged"), (0.6, "quotation")])
def test_the_rules_have_the_borders_of_a_quotation_unless_the_tagger_is_sure(
    confidence, kept
):
    quotation = a_finding(10, 40, cue=5, method="quoted")
    tagged = a_finding(10, 60, cue=70, method="learned", sure=confidence)

    expected = {"tagged": tagged, "quotation": quotation}[kept]
    assert blended([quotation], [tagged]) == [expected]


def test_the_rules_know_which_quotations_are_one():
    first = a_finding(10, 40, cue=45, method="quoted")
    both = replace(first, content=(*first.content, Span(60, 90)))
    tagged = a_finding(10, 40, cue=45, method="learned")
    other = a_finding(60, 90, cue=95, method="learned")

    assert blended([both], [tagged, other]) == [both]


def test_the_tagger_has_the_borders_of_a_clause():
    clause = a_finding(10, 40, cue=5)
    tagged = a_finding(10, 60, cue=70, method="learned")

    assert blended([clause], [tagged]) == [tagged]


def test_one_cue_is_one_statement():
    clause = a_finding(10, 40, cue=5)
    tagged = a_finding(50, 75, cue=5, method="learned")

    assert blended([clause], [tagged]) == [tagged]


def test_what_only_points_yields_to_what_it_points_to():
    clause = a_finding(10, 60, cue=75)
    tagged = a_finding(62, 71, cue=75, method="learned")

    assert blended([clause], [tagged]) == [clause]


def test_what_only_one_of_them_found_stays_in_text_order_if_it_is_sure():
    clause = a_finding(50, 80, cue=45)
    sure = a_finding(10, 40, cue=5, method="learned", sure=0.6)
    unsure = a_finding(90, 120, cue=85, method="learned", sure=0.3)

    assert blended([clause], [sure, unsure]) == [sure, clause]


@pytest.mark.parametrize("method", ["quoted", "according"])
def test_what_reports_another_finding_stays_beside_it(method):
    outer = a_finding(10, 60, cue=70, method=method)
    inner = a_finding(25, 60, cue=15, method="learned")

    assert blended([outer], [inner]) == [outer, inner]


def test_what_came_through_a_channel_goes_first():
    relayed = a_finding(20, 60, cue=10, method="relayed")
    channel = a_finding(5, 60, cue=65, method="learned", sure=0.99)

    assert blended([relayed], [channel]) == [relayed]


def test_two_findings_of_the_rules_are_not_rivals():
    one, other = a_finding(10, 40, cue=5), a_finding(10, 40, cue=5)

    assert blended([one, other], []) == [one, other]
