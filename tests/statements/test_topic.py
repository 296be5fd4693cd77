"""On the topic or not, by a topic file alone."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model import Span
from pipeline.statements.gate import may_hold
from pipeline.statements.lexicon import Cues, Offices, Topic
from pipeline.statements.occasions import said_on
from pipeline.statements.topic import TopicJudge, paragraph
from tests.statements.parses import FIGURES, TOPIC

JUDGE = TopicJudge(TOPIC)


def test_a_strong_term_decides_alone():
    assert JUDGE.about("the fall of Zenda", "", article_is=False)


def test_a_context_term_needs_a_topic_around_it():
    assert not JUDGE.about("our troops are ready", "", article_is=False)
    assert JUDGE.about("our troops are ready", "", article_is=True)
    assert JUDGE.about("our troops are ready", "Zenda fell.", article_is=False)


def test_another_subject_is_off_even_in_such_an_article():
    assert not JUDGE.about("the harvests were good", "", article_is=True)


def test_words_without_terms_follow_their_article():
    assert JUDGE.about("we hope for the best", "", article_is=True)
    assert not JUDGE.about("we hope for the best", "", article_is=False)
    assert not JUDGE.about("admiration for a friend", "", article_is=True, bare=True)


def test_a_trailing_star_is_any_ending():
    assert JUDGE.strong("the Ruritanian army")
    assert not JUDGE.strong("Zendas")


@given(
    st.lists(
        st.sampled_from(
            [
                *TOPIC.strong,
                *TOPIC.context,
                "un",
                "-",
                "\u2019",
                "ings",
                "Zend",
                "\u017f",
            ]
        ),
        max_size=5,
    ),
    st.sampled_from(["", " ", "\n", "-", ", "]),
    st.sampled_from([str, str.upper, str.lower, str.title]),
)
def test_the_fast_look_passes_over_nothing_that_the_terms_find(terms, between, case):
    text = case(between.join(terms).replace("*", ""))
    plainly = any(p.search(text) for p in (JUDGE._strong, JUDGE._context))

    assert JUDGE.touches(text) == plainly
    assert JUDGE._strong is not None
    assert JUDGE.strong(text) == (JUDGE._strong.search(text) is not None)


def test_subtopics_come_by_their_terms():
    assert JUDGE.subtopics("talks on a truce, then talks on cannons") == (
        "talks",
        "arms",
    )


def test_the_title_alone_makes_an_article_one_on_the_topic():
    assert JUDGE.article("Zenda falls\nNobody saw it.")
    assert not JUDGE.article("News\nSomebody once saw Zenda." + " More." * 900)


def test_two_context_terms_in_the_title_make_it_one_where_the_text_names_the_topic():
    rest = " More." * 900

    assert JUDGE.article("Troops stay out of the war\nZenda fell." + rest)
    assert not JUDGE.article("Troops stay out of the war\nNothing fell." + rest)
    assert not JUDGE.article("Troops at the opera, war of words\nZenda." + rest)


def test_a_paragraph_is_the_lines_own_text():
    text = "One.\nTwo three.\nFour."

    assert paragraph(text, Span(5, 8)) == "Two three."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Elphberg spoke of Zenda.", True),
        ("The president spoke of Zenda.", True),
        ("Elphberg spoke of the opera.", False),
        ("A farmer spoke of Zenda.", False),
    ],
)
def test_the_gate_asks_for_a_strong_term_and_somebody(text, expected):
    assert may_hold(text, FIGURES, TOPIC) is expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("In March 2022 he ", "", date(2022, 3, 1)),
        ("he ", " in October", date(2024, 10, 1)),
        ("he ", " on 5 April 2023", date(2023, 4, 5)),
        ("Last year she ", "", date(2024, 1, 1)),
        ("two months ago she ", "", date(2025, 4, 2)),
        ("Speaking in Zenda on April 5, he ", "", date(2025, 4, 5)),
        ("she ", " in a May 2023 interview", date(2023, 5, 1)),
        ("he ", " on Sunday", None),
        ("he ", " on 30 May", None),
        ("he ", " until March 20", None),
        ("he ", " of last month's talks", None),
        ("he ", " of last month’s talks", None),
        ("The queen, elected in 2019, ", "", None),
        ("The queen, who took office in 2019, ", "", None),
        ("The war began in 2019 and he ", "", None),
        ("he ", " on Monday, a year before the vote of May 2023", None),
    ],
)
def test_old_words_get_the_day_that_their_tag_names(before, after, expected):
    day, old = said_on(before, after, date(2025, 6, 1))

    assert day == expected
    assert old is (expected is not None)


def test_that_year_is_the_last_one_named():
    earlier = "They met in 2019 and in 2021. "

    day, old = said_on("In March of that year she ", "", date(2025, 6, 1), earlier)

    assert (day, old) == (date(2021, 3, 1), True)


def test_a_month_without_a_year_needs_a_day_of_publication():
    assert said_on("in October he ", "", None) == (None, False)
    assert said_on("he had previously ", "", None) == (None, True)


@pytest.mark.parametrize(
    ("make", "raw", "words"),
    [
        (
            Cues.from_dict,
            {"verbs": [{"id": "say", "frames": ["claus"]}]},
            "verbs[say].frames",
        ),
        (Cues.from_dict, {"verbs": [{"id": "say", "act": "sings"}]}, "asserts"),
        (Cues.from_dict, {"verb": []}, "allowed are"),
        (Offices.from_dict, {"titles": [{"id": "x", "basis": "king"}]}, "hos"),
        (Offices.from_dict, {"countries": [{"name": "X", "kind": "moon"}]}, "country"),
        (
            Offices.from_dict,
            {"titles": [{"id": "x", "basis": "hos", "leader": 1}]},
            "true or",
        ),
        (Topic.from_dict, {"id": "x"}, "topic.about"),
        (Topic.from_dict, {"id": "x", "about": {"strong": []}}, "at least one"),
        (Topic.from_dict, {"about": {"strong": ["x"]}}, "topic.id"),
    ],
)
def test_a_mistake_names_its_key_and_what_is_allowed(make, raw, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        make(raw)
