"""What stands close in an article belongs together, and what does not, does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.claims.grouping import relations
from pipeline.claims.passages import NEAR, Bond, bonds
from pipeline.model import RelationKind, Said, Span, Voice
from tests.claims.claim_builders import a_said

HEADLINE = "Ruritania to get tanks by spring"
LEAD = "forty of them would cross the border in April"
QUOTE = "You will see them on the road when the snow is gone"


def an_article(*parts: tuple[str, Voice, bool], gap: int = 3) -> list[Said]:
    """One figure's statements of one article, one after the other in one paragraph."""
    found, at = [], 0
    for nth, (content, voice, in_title) in enumerate(parts):
        span = Span(at, at + len(content))
        found.append(
            replace(
                a_said(content, statement_id=f"s{nth}"),
                voice=voice,
                in_title=in_title,
                spans=(span,),
                context_start=max(0, at - 100),
            )
        )
        at = span.end + gap
    return found


def the_bond(statements: list[Said]) -> Bond | None:
    return bonds(statements).get("s0", {}).get("s1")


def test_a_headline_is_bound_to_what_its_story_tells_first_and_to_nothing_else():
    title, lead, later = an_article(
        (HEADLINE, Voice.INDIRECT, True),
        (LEAD, Voice.INDIRECT, False),
        ("the harvest had been good", Voice.INDIRECT, False),
    )

    found = bonds([later, title, lead])

    assert found == {"s0": {"s1": Bond.HEADLINE}, "s1": {"s0": Bond.HEADLINE}}


def test_a_quotation_is_bound_to_the_report_before_it():
    said = an_article((LEAD, Voice.INDIRECT, False), (QUOTE, Voice.DIRECT, False))

    assert the_bond(said) is Bond.QUOTED


def test_in_the_next_paragraph_it_is_bound_less():
    report, quotation = an_article(
        (LEAD, Voice.INDIRECT, False), (QUOTE, Voice.DIRECT, False)
    )
    quotation = replace(quotation, context_start=quotation.spans[0].start - 1)

    assert the_bond([report, quotation]) is Bond.QUOTED_LATER


@pytest.mark.parametrize(
    "cue", ["added", "adding", "went on", "also said", "continued"]
)
def test_a_quotation_that_goes_on_is_not_bound(cue):
    report, quotation = an_article(
        (LEAD, Voice.INDIRECT, False), (QUOTE, Voice.DIRECT, False)
    )

    assert the_bond([report, replace(quotation, cue=cue)]) is None


def test_nothing_is_bound_that_is_far_off_or_in_another_order():
    far = an_article(
        (LEAD, Voice.INDIRECT, False), (QUOTE, Voice.DIRECT, False), gap=NEAR + 1
    )
    quoted_first = an_article(
        (QUOTE, Voice.DIRECT, False), (LEAD, Voice.INDIRECT, False)
    )

    assert the_bond(far) is None
    assert the_bond(quoted_first) is None


@pytest.mark.parametrize(
    "other", [{"article_id": "b"}, {"revision": 2}, {"figure_id": "Q2"}]
)
def test_nothing_is_bound_across_articles_revisions_and_figures(other):
    report, quotation = an_article(
        (LEAD, Voice.INDIRECT, False), (QUOTE, Voice.DIRECT, False)
    )

    assert the_bond([report, replace(quotation, **other)]) is None


def test_bound_statements_meet_though_they_share_no_term_and_join_if_alike_at_all():
    report = "the tanks would cross the border once the snow has melted"
    apart = an_article((report, Voice.INDIRECT, False), (QUOTE, Voice.DIRECT, False))
    unbound = [replace(said, article_id=said.statement_id) for said in apart]

    _, joined = relations(apart, lambda *_: [])
    _, alone = relations(unbound, lambda *_: [])

    assert joined.kind is RelationKind.REREPORTED
    assert joined.reasons[-1] == Bond.QUOTED.reason
    assert alone.kind is RelationKind.NEW


def test_where_words_stand_does_not_make_them_the_same():
    """A bond is evidence: of two subjects it makes no one claim."""
    said = an_article(
        (LEAD, Voice.INDIRECT, False),
        ("Nobody asked me about the price of bread", Voice.DIRECT, False),
    )

    _, second = relations(said, lambda *_: [])

    assert second.kind is RelationKind.NEW


@given(st.permutations(range(3)))
def test_the_order_in_which_they_come_changes_nothing(order):
    said = an_article(
        (HEADLINE, Voice.INDIRECT, True),
        (LEAD, Voice.INDIRECT, False),
        (QUOTE, Voice.DIRECT, False),
    )

    assert bonds([said[nth] for nth in order]) == bonds(said)
