"""Names, roles by date, bodies and governments."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model import MentionKind
from tests.statements.parses import FIGURES

THEN, NOW = date(2024, 6, 1), date(2025, 6, 1)


def named(text: str, on: date | None = NOW) -> list[tuple[str, str | None]]:
    return [
        (mention.span.of(text), mention.figure.name if mention.figure else None)
        for mention in FIGURES.mentions(text, on)
    ]


def test_the_longest_spelling_wins():
    assert named("Rudolph Elphberg met Strofzin.") == [
        ("Rudolph Elphberg", "Rudolf Elphberg"),
        ("Strofzin", "Flavia Strofzin"),
    ]


def test_a_name_needs_its_capital():
    assert named("the strofzin and the castle") == []


@pytest.mark.parametrize("role", ["The Ruritanian president", "Ruritania's president"])
def test_an_office_means_who_holds_it_on_the_day(role):
    (then,), (now,) = named(f"{role} left.", THEN), named(f"{role} left.", NOW)

    assert then[1] == "Rudolf Elphberg"
    assert now[1] == "Flavia Strofzin"


def test_the_leader_of_a_country_is_who_leads_it():
    assert named("The Bordurian leader left.")[0][1] == "Kurvi Plekszy"


def test_the_former_president_is_the_last_who_left():
    assert named("The former Ruritanian president left.")[0][1] == "Rudolf Elphberg"
    assert named("Ruritania's former president left.")[0][1] == "Rudolf Elphberg"


def test_a_phrase_of_an_office_is_no_body():
    assert named("The Castle chief left the Castle.", THEN) == [
        ("Castle chief", "Rudolf Elphberg"),
        ("Castle", "Castle"),
    ]


def test_without_a_day_an_office_means_who_held_it_all_the_time():
    assert named("The Bordurian president left.", None)[0][1] == "Kurvi Plekszy"
    assert named("The Ruritanian president left.", None)[0][1] is None


def test_without_a_day_an_office_means_the_holder_whom_the_text_names():
    text = "Strofzin spoke. The Ruritanian president left."

    assert named(text, None)[1] == ("Ruritanian president", "Flavia Strofzin")


def test_a_capital_city_is_a_place_and_nobody():
    (mention,) = FIGURES.mentions("Streslau said no.", NOW)

    assert mention.kind is MentionKind.BODY
    assert mention.figure is None
    assert mention.place is not None
    assert mention.place.name == "Ruritania"


@given(st.text(st.sampled_from("RuritanianCastle president'sof ,."), max_size=60))
def test_mentions_are_in_order_and_apart(text):
    ends = 0
    for mention in FIGURES.mentions(text, NOW):
        assert mention.span.start >= ends
        ends = mention.span.end
