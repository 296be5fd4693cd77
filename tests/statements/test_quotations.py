"""Quotation marks of every style."""

from __future__ import annotations

import gc
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.statements.quotations import quotations

MARKED = st.text(st.sampled_from("ab cZ.,!\n\"“”‘’'«»„–-1"), max_size=120)


def inners(text: str) -> list[str]:
    return [quote.inner.of(text) for quote in quotations(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('He said "yes, indeed" twice.', ["yes, indeed"]),
        ("He said “yes, indeed” twice.", ["yes, indeed"]),
        ("He said ‘yes, indeed’ twice.", ["yes, indeed"]),
        ("He said 'yes, indeed' twice.", ["yes, indeed"]),
        ("Он «да» and «нет».", ["да", "нет"]),
        ("Er sagte „ja“ dazu.", ["ja"]),
        ("''I am here,'' he said.", ["I am here,"]),
        ('“Opened so and closed so", he said.', ["Opened so and closed so"]),
        ("- These are good - he said. - And more.", ["These are good", "And more."]),
    ],
)
def test_every_style_is_found_without_its_marks(text, expected):
    assert inners(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "It's the workers' day; they don't rest.",
        "We’re here and they’re there.",
        'A 6\'2" man and a 5" nail.',
        "The '90s were the '90s",
        "- a list item",
        "",
        "\n\n",
    ],
)
def test_apostrophes_and_inch_marks_are_no_quotations(text):
    assert inners(text) == []


def test_a_quotation_inside_a_quotation_belongs_to_it():
    assert inners("“He told me ‘no’ again,” she said.") == ["He told me ‘no’ again,"]


def test_a_quotation_opened_in_each_paragraph_is_taken_up():
    text = "“One.\n\n“Two.”\n\n“Three.”"

    first, second, third = quotations(text)

    assert (first.closed, first.continues) == (False, False)
    assert (second.closed, second.continues) == (True, True)
    assert (third.closed, third.continues) == (True, False)


def test_a_mark_left_open_ends_with_its_paragraph():
    text = 'He said "this is open.\nThe next paragraph is not.'

    (quote,) = quotations(text)

    assert quote.inner.of(text) == "this is open."
    assert not quote.closed


def test_a_second_opening_mark_ends_the_first():
    assert inners('"One thing. "Another thing!" added she.') == [
        "One thing.",
        "Another thing!",
    ]


@given(MARKED)
def test_quotations_are_in_order_apart_and_inside_the_text(text):
    found = quotations(text)

    ends = [0]
    for quote in found:
        assert ends[-1] <= quote.outer.start <= quote.inner.start
        assert quote.inner.end <= quote.outer.end <= len(text)
        assert "\n" not in quote.inner.of(text)
        ends.append(quote.outer.end)


def test_the_time_is_linear_in_the_text():
    def seconds(count: int) -> float:
        """Processor time, the best of three, without the collector's walks."""
        text = "'\"“ a' " * count
        best = float("inf")
        gc.disable()
        for _ in range(3):
            begun = time.process_time()
            quotations(text)
            best = min(best, time.process_time() - begun)
        gc.enable()
        return best

    seconds(1000)

    assert seconds(40_000) < 40 * max(seconds(4_000), 0.01)
