from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from itertools import chain

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import ids
from pipeline.claims.grouping import relations
from pipeline.model import Relation, RelationKind, Said
from tests.claims.claim_builders import a_said, folded

TEXTS = [
    "We will send 300 trucks to the border next week",
    "We will send 500 trucks to the border next week",
    "We will not send trucks to the border",
    "the government would send 300 trucks to the border in the next week",
    "The bridge will be rebuilt before winter",
    "The bridge can be rebuilt before winter",
    "We are ready for talks without preconditions",
    "ready for negotiations with no preconditions",
    "Nobody wants this war",
    "300",
    "",
]


def kinds(*statements: Said) -> list[RelationKind]:
    return [relation.kind for relation in fold(*statements)]


def fold(*statements: Said) -> list[Relation]:
    return relations(statements, lambda *_: [])


def test_the_first_statement_opens_a_claim_and_an_utterance():
    (relation,) = fold(a_said(TEXTS[0]))

    assert relation.kind is RelationKind.NEW
    assert relation.claim_id == ids.claim_id("s000")
    assert relation.utterance_id == ids.utterance_id("s000")
    assert relation.earlier_id is None
    assert relation.earlier_claim_id is None


def test_the_same_words_in_another_outlet_are_the_same_utterance():
    first, again = fold(a_said(TEXTS[0]), a_said(TEXTS[0], nth=1, day=1))

    assert again.kind is RelationKind.REREPORTED
    assert again.claim_id == first.claim_id
    assert again.utterance_id == first.utterance_id
    assert again.earlier_id == "s000"


def test_the_same_claim_a_month_later_is_another_utterance():
    first, again = fold(a_said(TEXTS[4]), a_said(TEXTS[4], nth=1, day=31))

    assert again.kind is RelationKind.REPEATED
    assert again.claim_id == first.claim_id
    assert again.utterance_id == ids.utterance_id("s001")


def test_a_title_and_a_body_are_one_utterance_however_the_days_are_given():
    title, body = (
        a_said(TEXTS[6], article_id="a"),
        a_said(TEXTS[7], nth=1, day=30, article_id="a"),
    )

    assert kinds(title, body)[1] is RelationKind.REREPORTED


def test_another_number_is_a_new_claim_beside_the_earlier_one():
    first, changed = fold(a_said(TEXTS[0]), a_said(TEXTS[1], nth=1, day=9))

    assert changed.kind is RelationKind.CHANGED
    assert changed.claim_id == ids.claim_id("s001")
    assert changed.earlier_claim_id == first.claim_id
    assert changed.reasons == ("another number: 300 -> 500",)


def test_a_reversal_contradicts_the_earlier_claim():
    first, turned = fold(a_said(TEXTS[0]), a_said(TEXTS[2], nth=1, day=9))

    assert turned.kind is RelationKind.CONTRADICTS
    assert turned.earlier_claim_id == first.claim_id


def test_a_second_report_of_a_change_joins_the_changed_claim():
    _, changed, again = fold(
        a_said(TEXTS[0]),
        a_said(TEXTS[1], nth=1, day=9),
        a_said(TEXTS[1], nth=2, day=9.1),
    )

    assert again.kind is RelationKind.REREPORTED
    assert again.claim_id == changed.claim_id


def test_of_two_occasions_the_report_joins_its_own():
    first, second, report = fold(
        a_said(TEXTS[0]),
        a_said(TEXTS[3], nth=1, day=60),
        a_said(TEXTS[0], nth=2, day=60.1),
    )

    assert second.kind is RelationKind.REPEATED
    assert report.kind is RelationKind.REREPORTED
    assert report.utterance_id == second.utterance_id
    assert report.claim_id == first.claim_id


def test_figures_do_not_meet():
    found = kinds(a_said(TEXTS[0]), a_said(TEXTS[0], nth=1, figure_id="Q2"))

    assert found == [RelationKind.NEW, RelationKind.NEW]


def test_what_surely_says_the_same_goes_before_a_nearer_edit():
    *_, report = fold(
        a_said("Air defences destroyed 94 drones", day=0),
        a_said("The army destroyed 121 drones, it says", nth=1, day=0.5),
        a_said("Air defences destroyed 121 drones", nth=2, day=0.6),
    )

    assert report.earlier_id == "s001"
    assert report.kind is RelationKind.REREPORTED


def test_old_words_are_matched_by_the_day_they_were_said_on():
    first, old = fold(
        a_said(TEXTS[4]),
        a_said(TEXTS[4], nth=1, day=300, said_on=a_said("").said_on, is_old=True),
    )

    assert old.kind is RelationKind.REREPORTED
    assert old.utterance_id == first.utterance_id


def test_a_statement_is_not_its_own_earlier_one():
    said = a_said(TEXTS[0], claim_id="c", utterance_id="u")

    (relation,) = relations([said, said], lambda *_: [(1, said)])

    assert relation.kind is RelationKind.NEW


# ------------------------------------------------------------------------ the fold


@st.composite
def records(draw: st.DrawFn) -> list[Said]:
    """Statements of two figures over days and quarters of an hour, wire copies too."""
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from(TEXTS),
                st.sampled_from(["Q1", "Q2"]),
                st.integers(0, 40),
                st.sampled_from(["w1", "w2", ""]),
            ),
            max_size=14,
        )
    )
    return [
        a_said(text, nth=nth, day=day / 3, figure_id=figure, wire_group_id=wire)
        for nth, (text, figure, day, wire) in enumerate(rows)
    ]


def by_moment(statements: list[Said]) -> list[list[Said]]:
    moments = sorted({said.first_seen_at for said in statements})
    return [[s for s in statements if s.first_seen_at == m] for m in moments]


@settings(max_examples=60, deadline=None)
@given(records(), st.randoms(use_true_random=False), st.integers(1, 20))
def test_any_cut_between_partitions_gives_the_same_relations(
    statements: list[Said], chance: random.Random, limit: int
):
    moments = by_moment(statements)
    cut = chance.randint(0, len(moments))
    halves = [list(chain(*moments[:cut])), list(chain(*moments[cut:]))]

    whole = folded([statements], limit=limit)

    assert folded(moments, limit=limit) == whole
    assert folded(halves, limit=limit) == whole


@settings(max_examples=40, deadline=None)
@given(records(), st.randoms(use_true_random=False))
def test_shuffled_or_killed_on_the_way_it_says_the_same(
    statements: list[Said], chance: random.Random
):
    whole = folded(by_moment(statements))
    shuffled = list(statements)
    chance.shuffle(shuffled)

    assert folded(by_moment(shuffled), killed=lambda _: chance.random() < 0.5) == whole


@settings(max_examples=40, deadline=None)
@given(records())
def test_each_statement_has_a_claim_that_an_earlier_one_or_itself_opened(
    statements: list[Said],
):
    opened: set[str] = set()
    for relation in folded([statements]):
        own = relation.claim_id == ids.claim_id(relation.statement_id)
        joins = relation.kind in (RelationKind.REREPORTED, RelationKind.REPEATED)

        assert own is not joins
        assert own or relation.claim_id in opened
        assert relation.earlier_claim_id in (None, *opened)
        assert 0 <= relation.score <= 1
        opened.add(relation.claim_id)


def test_of_what_is_seen_at_once_the_earlier_said_comes_first():
    """A first pass sees days of news: ids say nothing of which came first."""
    early = a_said("We need 12 buses for the city", nth=9)
    late = a_said("We need 15 buses for the city", nth=1)
    late = replace(late, said_on=late.said_on + timedelta(days=1))

    first, second = relations([late, early], lambda *_: [])

    assert (first.statement_id, first.kind) == ("s009", RelationKind.NEW)
    assert (second.kind, second.reasons) == (
        RelationKind.CHANGED,
        ("another number: 12 -> 15",),
    )
