"""The learned tagger: its pure parts on answers made by hand, and the shipped model."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.adapters.tagger import open_tagger
from pipeline.model import Attribution, Voice
from pipeline.statements import learned
from pipeline.statements.learned import (
    Encoder,
    Ints,
    Options,
    Reading,
    attributions,
    quotes,
)

MODEL = Path(learned.__file__).parent / "model"
LIMIT = 40 * 1024 * 1024
TEXTS = st.text(st.sampled_from("ab Z.,'\"“”‘’\n1é"), max_size=80)


@dataclass
class Scripted:
    """An encoder whose pieces are words and marks and whose answers are given by hand.

    Each claim is (cue, content parts, source) as words of the text, found in order.
    """

    text: str
    claims: Sequence[tuple[str, Sequence[str], str]]
    sureness: Sequence[float] = ()
    options: Options = field(default_factory=Options)

    def pieces(self, text: str) -> tuple[Ints, Ints]:
        spans = [m.span() for m in re.finditer(r"\w+|[^\w\s]", text)]
        ids = np.arange(1000, 1000 + len(spans), dtype=np.int64)
        return ids, np.array(spans, dtype=np.int64).reshape(-1, 2)

    def read(self, rows: Ints) -> Reading:
        _, offsets = self.pieces(self.text)

        def place(words: str) -> tuple[int, int]:
            start = self.text.index(words)
            within = (offsets[:, 0] >= start) & (offsets[:, 1] <= start + len(words))
            at = np.flatnonzero(within)
            return int(at[0]) + 1, int(at[-1]) + 2

        cue = np.full((len(rows), 3), -9.0, dtype=np.float32)
        cue[:, 0] = 0.0
        starts = [0]
        links = np.full((1 + len(self.claims), len(rows), 6), -9.0, dtype=np.float32)
        links[:, :, 0] = 0.0
        for k, (word, parts, source) in enumerate(self.claims, 1):
            a, b = place(word)
            sure = self.sureness[k - 1] if self.sureness else 9.0
            cue[a, 1] = sure
            cue[a + 1 : b, 2] = 9.0
            starts.append(a)
            for part in parts:
                p, q = place(part)
                links[k, p:q, 2] = 9.0
                links[k, p, :] = (-9, 9, -9, -9, -9, -9)
                links[k, q - 1, :] = (-9, -9, -9, 9, -9, -9)
            if source:
                p, q = place(source)
                links[k, p:q, 5] = 9.0
                links[k, p, :] = (-9, -9, -9, -9, 9, -9)
        return Reading(cue=cue, starts=np.array(starts), links=links)


def found_in(text: str, *claims: tuple[str, Sequence[str], str]) -> list[Attribution]:
    return attributions([text], Scripted(text, claims))[0]


def words_of(text: str, attribution: Attribution) -> list[str]:
    return [span.of(text) for span in attribution.content]


# ------------------------------------------------------------------ quotation marks


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ('He said "we will win" today', ["we will win"]),
        ("“A,” he said. “B.”", ["A,", "B."]),
        ("He «will go» there", ["will go"]),
        ("The ‘special operation’ isn’t one", ["special operation"]),
        ("Putin 'regrets' it, he's sure", ["regrets"]),
        ("the soldiers' and the sailors' wives", []),
        ('"Never closed\nanother paragraph', ["Never closed"]),
        ('"One. "Two," she said', ["One. ", "Two,"]),
    ],
)
def test_quotes_of_every_style_are_found(text, inside):
    found = quotes(text)

    assert [text[q.start + 1 : q.end] for q in found] == inside


@given(TEXTS)
def test_the_normalised_text_is_as_long_as_the_text(text):
    marks = quotes(text)

    plain = learned.normalised(text, marks)

    assert len(plain) == len(text)
    assert all(q.start < q.end or not q.closed for q in marks)
    assert not set(plain) & set("“”‘’")


# ------------------------------------------------------------------------- windows


@given(
    st.lists(st.booleans(), max_size=400),
    st.integers(8, 200),
    st.integers(0, 40),
)
def test_the_cores_of_the_windows_are_the_text(heads, core, context):
    rows = np.zeros((len(heads), 4), dtype=np.int64)
    rows[:, 3] = heads

    cuts = learned.windows(rows, core=core, context=context)

    covered = [at for _, first, last, _ in cuts for at in range(first, last)]
    assert covered == list(range(len(rows)))
    assert all(end - begin <= core + 2 * context for begin, _, _, end in cuts)


# ------------------------------------------------------------------------ decoding


def test_parts_that_one_cue_claims_are_one_attribution():
    text = '"We will win," he said. "We have no choice."'

    (one,) = found_in(text, ("said", ['"We will win,"', '"We have no choice."'], "he"))

    assert words_of(text, one) == ["We will win", "We have no choice."]
    assert one.voice is Voice.DIRECT
    assert one.cue is not None
    assert one.cue.of(text) == "said"
    assert one.source is not None
    assert one.source.of(text) == "he"
    assert one.method == "learned"
    assert 0.5 < one.confidence <= 1


def test_a_tag_in_the_title_has_nothing_of_the_text_below():
    text = "Aid is late, Rosa admits\nTwo trucks will come in June, Rosa said"

    assert found_in(text, ("admits", ["Two trucks will come in June"], "Rosa")) == []


def test_an_indirect_content_goes_without_that_and_final_stop():
    text = "Scholz said that Berlin would wait."

    (one,) = found_in(text, ("said", ["that Berlin would wait."], "Scholz"))

    assert words_of(text, one) == ["Berlin would wait"]
    assert one.voice is Voice.INDIRECT


def test_a_mixed_content_keeps_the_marks_that_it_holds():
    text = 'He called the war "a tragedy".'

    (one,) = found_in(text, ("called", ['the war "a tragedy".'], "He"))

    assert words_of(text, one) == ['the war "a tragedy"']
    assert one.voice is Voice.MIXED


def test_a_content_that_is_nearly_a_quotation_is_the_quotation():
    text = '"And so we will fight on to the end," Zelensky said.'

    (one,) = found_in(text, ("said", ["so we will fight on to the end"], "Zelensky"))

    assert words_of(text, one) == ["And so we will fight on to the end"]


def test_of_two_claims_to_the_same_words_the_surer_wins():
    text = "Biden warned and said they would come."
    claims = [
        ("warned", ["they would come"], "Biden"),
        ("said", ["they would come"], "Biden"),
    ]

    (one,) = attributions([text], Scripted(text, claims, sureness=(2.0, 5.0)))[0]

    assert one.cue is not None
    assert one.cue.of(text) == "said"


def test_a_cue_without_content_is_no_attribution():
    assert found_in("He said nothing.", ("said", [], "He")) == []


@pytest.mark.parametrize("text", ["", " \n ", "?", "“", "\n\n\"'"])
def test_a_text_without_words_has_no_attributions(text):
    assert attributions([text], Scripted(text, [])) == [[]]


# --------------------------------------------------------------- the shipped model


@pytest.fixture(scope="module")
def tagger() -> Encoder:
    return open_tagger(MODEL)


ARTICLES = (
    "Ukrainian President Volodymyr Zelensky said on Monday that Russia was preparing a new"
    ' offensive.\n\n"We are ready for everything," he told reporters in Kyiv. "We will hold'
    ' our positions."\n\nThe Kremlin dismissed the claim.',
    "Stoltenberg urged allies to send more ammunition. According to the Kremlin, talks with"
    " the United States will go on next week.",
    "‘This is a war of choice,’ the prime minister said.",
    "Nothing is attributed here. The train left at noon.",
)


def test_the_shipped_files_are_small_and_are_what_their_description_says():
    data = (MODEL / "tagger.onnx").read_bytes()
    meta = json.loads((MODEL / "meta.json").read_text("utf-8"))

    assert len(data) <= LIMIT
    assert hashlib.sha256(data).hexdigest() == meta["sha256"]


def test_the_shipped_model_finds_plain_attributions(tagger):
    first, second, third, _ = attributions(ARTICLES, tagger)

    said = [
        (words_of(ARTICLES[0], a), a.source and a.source.of(ARTICLES[0])) for a in first
    ]
    assert (
        ["We are ready for everything", "We will hold our positions."],
        "he",
    ) in said
    assert first[0].source is not None
    assert "Zelensky" in first[0].source.of(ARTICLES[0])
    assert ["talks with the United States will go on next week"] in [
        words_of(ARTICLES[1], a) for a in second
    ]
    assert [a.voice for a in third] == [Voice.DIRECT]


def test_a_text_gives_the_same_alone_and_among_others(tagger):
    together = attributions(ARTICLES * 8, tagger)

    alone = [attributions([text], tagger)[0] for text in ARTICLES]

    assert together == alone * 8


def test_a_text_longer_than_a_window_is_read_to_its_end(tagger):
    text = " ".join(["The river was calm and the town was quiet."] * 80)
    text += ' "We shall return to the negotiating table," Erdogan said.'

    (found,) = attributions([text], tagger)

    assert ["We shall return to the negotiating table"] in [
        words_of(text, a) for a in found
    ]
