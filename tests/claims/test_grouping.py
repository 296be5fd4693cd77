from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import ids
from pipeline.claims.grouping import LOOSER, relation_of, relations, with_vector
from pipeline.claims.meaning import Meant
from pipeline.claims.relation import compare
from pipeline.model import Relation, RelationKind, Said, Span
from tests.claims.claim_builders import START, a_said, folded

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
    """Statements of two figures in three articles and their revisions, each seen at one
    moment as a whole; wire copies too."""
    hours = st.sampled_from([None, 0, 5, 60])  # published so long before it was seen
    published = draw(st.tuples(hours, hours, hours))
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from(TEXTS),
                st.sampled_from(["Q1", "Q2"]),
                st.sampled_from([0, 1, 2, 20, 40]),
                st.sampled_from(["w1", "w2", ""]),
                st.integers(0, 2),
                st.booleans(),
                st.integers(0, 12),
            ),
            max_size=14,
        )
    )
    found = []
    for nth, (text, figure, day, wire, article, in_title, place) in enumerate(rows):
        said = a_said(
            text, nth=nth, day=day / 3, figure_id=figure, wire_group_id=wire,
            article_id=f"a{article}", revision=day + 1, in_title=in_title,
            spans=(Span(30 * place, 30 * place + len(text)),),
        )  # fmt: skip
        before = published[article]
        if before is not None:
            at = said.first_seen_at - timedelta(hours=before)
            said = replace(said, published_at=at, said_on=at.date())
        found.append(said)
    return found


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


@pytest.mark.parametrize(("early", "late"), [(1, 9), (9, 1)])
def test_of_articles_seen_at_once_the_earlier_published_opens_the_claim(
    early: int, late: int
):
    """Whatever the ids; without a time of publication it is that of first sight."""
    first, second = (
        a_said(TEXTS[0], nth=early, published_at=START - timedelta(hours=2)),
        a_said(TEXTS[0], nth=late, published_at=START - timedelta(hours=1)),
    )
    undated = replace(second, published_at=None)

    for other in (second, undated):
        opens, joins = fold(other, first)

        assert (opens.statement_id, opens.kind) == (
            first.statement_id,
            RelationKind.NEW,
        )
        assert (joins.earlier_id, joins.claim_id) == (
            first.statement_id,
            opens.claim_id,
        )


@pytest.mark.parametrize(("first", "second"), [(1, 9), (9, 1)])
@pytest.mark.parametrize("in_title", [True, False])
def test_an_article_opens_claims_as_it_tells_them_its_headline_first(
    first: int, second: int, in_title: bool
):
    """Whatever the ids. A headline is first wherever its words stand in the text."""
    opening = a_said(
        TEXTS[6], nth=first, article_id="a", in_title=in_title,
        spans=(Span(900, 940) if in_title else Span(40, 80),),
    )  # fmt: skip
    following = a_said(TEXTS[7], nth=second, article_id="a", spans=(Span(300, 340),))

    opens, joins = fold(following, opening)

    assert (opens.statement_id, opens.kind) == (opening.statement_id, RelationKind.NEW)
    assert joins.kind is RelationKind.REREPORTED
    assert joins.earlier_id == opening.statement_id


# ------------------------------------------------------ a reversal is never lost in what
# seems to say the same

KEPT = "We will not sell the dorvane of Plimsk to the trellers"
SOLD = "We will sell the dorvane of Plimsk to the trellers"  # turned word for word
SOLD_TOO = "We sell the glimmet and the dorvane"  # turned, and hardly as like
KEPT_TOO = "We will not sell the dorvane or the glimmet, nor the old quern on the hill"
UNTIL = "We will not sell the dorvane until the glimmet comes home from Ombry"
OTHERWISE = "Whoever comes with a purse will leave our town without it"
IN_WORDS = "the dorvane of Plimsk is not for sale, he told the glimmet"
I_SELL = "I will sell dorvanes"

HERE, AWAY = bytes([127, *[0] * 127]), bytes(128)


class Reader:
    """A ``Meaning`` that takes one text for the same as ``KEPT``, another for its opposite,
    and all else for something new."""

    def __init__(self, same: str = "", opposite: str = "") -> None:
        self._same, self._opposite = same, opposite

    def vector(self, said: str) -> bytes:
        return HERE if said in (KEPT, self._same) else AWAY

    def stand(self, first: str, second: str) -> Meant:
        (other,) = {first, second} - {KEPT}
        if other == self._same:
            return Meant(same=0.99, new=0.01, changed=0.0, contradicts=0.0)
        if other == self._opposite:
            return Meant(same=0.02, new=0.01, changed=0.01, contradicts=0.96)
        return Meant(same=0.01, new=0.97, changed=0.01, contradicts=0.01)


def answered(*earlier: str, meaning: Reader | None = None) -> tuple[str, RelationKind]:
    """Which of these, each a claim of its own, the statement ``KEPT`` answers to, and how:
    whichever of them was first on record."""
    found = set()
    for order in (earlier, earlier[::-1]):
        said = [
            a_said(text, nth=nth, day=nth / 10, claim_id=f"claim of {text}")
            for nth, text in enumerate((*order, KEPT))
        ]
        if meaning:
            said = [with_vector(one, meaning) for one in said]
        relation = relation_of(said[-1], said[:-1], meaning=meaning)
        (text,) = (s.content for s in said if s.statement_id == relation.earlier_id)
        found.add((text, relation.kind))
    (answer,) = found
    return answer


def odds_to_kept(text: str) -> float:
    near = compare(text, KEPT).near
    return near / (1 - near)


def test_much_looser_words_give_way_to_a_reversal_that_words_show():
    assert odds_to_kept(SOLD_TOO) < LOOSER * odds_to_kept(KEPT_TOO) < odds_to_kept(SOLD)

    assert answered(KEPT_TOO) == (KEPT_TOO, RelationKind.REREPORTED)
    assert answered(KEPT_TOO, SOLD) == (SOLD, RelationKind.CONTRADICTS)


def test_words_hardly_looser_than_a_reversal_stand_against_it():
    assert odds_to_kept(KEPT_TOO) < odds_to_kept(SOLD_TOO)

    assert answered(SOLD_TOO) == (SOLD_TOO, RelationKind.CONTRADICTS)
    assert answered(KEPT_TOO, SOLD_TOO) == (KEPT_TOO, RelationKind.REREPORTED)


def test_the_same_by_its_meaning_alone_gives_way_to_a_reversal_that_words_show():
    """Though it is not much looser: the same said in words as like would stand."""
    meaning = Reader(same=OTHERWISE)
    assert odds_to_kept(I_SELL) < LOOSER * odds_to_kept(IN_WORDS)

    assert answered(OTHERWISE, meaning=meaning) == (OTHERWISE, RelationKind.REREPORTED)
    assert answered(OTHERWISE, I_SELL, meaning=meaning) == (
        I_SELL,
        RelationKind.CONTRADICTS,
    )
    assert answered(IN_WORDS, I_SELL) == (IN_WORDS, RelationKind.REREPORTED)


def test_the_same_by_its_meaning_alone_stands_against_an_opposite_of_its_kind():
    meaning = Reader(same=OTHERWISE, opposite=UNTIL)

    assert answered(UNTIL, meaning=meaning) == (UNTIL, RelationKind.CONTRADICTS)
    assert answered(OTHERWISE, UNTIL, meaning=meaning) == (
        OTHERWISE,
        RelationKind.REREPORTED,
    )


def test_in_the_fold_a_reversal_is_not_lost_in_what_means_the_same():
    meaning = Reader(same=OTHERWISE)
    said = [
        with_vector(a_said(text, nth=nth, day=nth), meaning)
        for nth, text in enumerate((I_SELL, OTHERWISE, KEPT))
    ]

    sold, otherwise, kept = relations(said, lambda *_: [], meaning=meaning)

    assert sold.kind is otherwise.kind is RelationKind.NEW
    assert kept.kind is RelationKind.CONTRADICTS
    assert kept.earlier_claim_id == sold.claim_id
