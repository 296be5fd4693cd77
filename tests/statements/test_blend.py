"""Rules and tagger together."""

from __future__ import annotations

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


def test_the_rules_words_stand_where_both_found_something():
    rule = a_finding(10, 40, cue=5)
    tagged = a_finding(10, 60, cue=70, method="tagger")

    assert blended([rule], [tagged]) == [rule]


def test_one_cue_is_one_statement():
    rule = a_finding(10, 40, cue=5)
    tagged = a_finding(50, 60, cue=5, method="tagger")

    assert blended([rule], [tagged]) == [rule]


def test_a_sure_finding_of_the_tagger_alone_is_added_in_text_order():
    rule = a_finding(50, 80, cue=45)
    sure = a_finding(10, 40, cue=5, method="tagger", sure=0.8)
    unsure = a_finding(90, 120, cue=85, method="tagger", sure=0.4)

    assert blended([rule], [sure, unsure]) == [sure, rule]
