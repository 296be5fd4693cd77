"""The quickened parse against spaCy's own: every annotation of every token."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from pipeline.adapters.nlp import open_nlp, package_of
from pipeline.adapters.quick import ATTRIBUTES, ENTITIES
from pipeline.statements.paragraphs import with_paragraphs

GOLD = Path(__file__).parents[1] / "gold" / "world" / "statements.jsonl"
ODD = (
    "",
    "\n",
    " \t ",
    "Kyiv",
    "In Kyiv",
    "Ain't gonna let's gotta",
    "Volodymyr Zelenskyy.\nRussian President Vladimir\nPutin said on Monday",
    "“I'd've told 'em,” he said—“$3.5 billion, 40% of N.A.T.O.'s 2%.”",
)


def texts() -> list[str]:
    lines = GOLD.read_text("utf-8").splitlines()
    contents = [
        " ".join(p if isinstance(p, str) else p["text"] for p in one["content"])
        for line in lines
        for one in json.loads(line)["statements"]
    ]
    return [
        *ODD,
        *("\n".join(contents[n : n + 9]) for n in range(0, len(contents), 45)),
    ]


def annotations(doc: Doc) -> list[tuple[object, ...]]:
    return [
        (
            *(token.tag_, token.pos_, str(token.morph), token.dep_, token.head.i),
            *(token.lemma_, token.ent_type_, token.ent_iob_, token.is_sent_start),
        )
        for token in doc
    ]


@pytest.fixture(scope="module")
def quick() -> Language:
    return open_nlp()


def test_the_quick_parse_is_spacys_own(quick: Language) -> None:
    """On the sample world's statements and on texts with an edge."""
    plain = with_paragraphs(spacy.load(package_of(quick)))
    given = texts()
    assert len(given) > 15
    for ours, theirs in zip(
        quick.pipe(given, batch_size=7), plain.pipe(given), strict=True
    ):
        assert annotations(ours) == annotations(theirs)


def test_one_document_is_read_as_in_a_batch(quick: Language) -> None:
    for text in texts()[:12]:
        [in_batch] = quick.pipe([text])
        assert annotations(quick(text)) == annotations(in_batch)


def test_spacys_own_parts_are_replaced(quick: Language) -> None:
    assert {ENTITIES, ATTRIBUTES} <= set(quick.pipe_names)
    assert not {"ner", "attribute_ruler"} & set(quick.pipe_names)
