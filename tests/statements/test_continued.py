"""Where under one tag another statement begins."""

from __future__ import annotations

import pytest
from spacy.tokens import Doc

from pipeline.model import Attribution, Span, Voice
from pipeline.statements.continued import parted
from tests.statements.parses import VOCAB


@pytest.mark.parametrize(
    ("quote", "verb", "expected"),
    [
        (
            "“We hit a boat there.”",
            "VBD",
            ["a strike on Zenda", "We hit a boat there."],
        ),
        ("“A boat, a boat there.”", "NN", None),
        ("“We hit a boat", "VBD", None),
        ("“We hit it.”", "VBD", None),
    ],
)
def test_a_sentence_quoted_behind_a_colon_is_its_own(quote, verb, expected):
    text = f"He denied a strike on Zenda: {quote}"
    words = text.replace(":", " :").replace("“", "“ ").replace("”", " ”").split()
    spaces = [
        word not in "“”" and following not in (":", "”")
        for word, following in zip(words, [*words[1:], ""], strict=True)
    ]
    doc = Doc(VOCAB, words=words, spaces=spaces, tags=[verb] * len(words))
    one = Attribution(
        content=(Span(text.index("a strike"), len(text)),),
        cue=Span(3, 9),
        source=Span(0, 2),
        voice=Voice.MIXED,
        method="learned",
    )

    found = list(parted([one], doc, text))

    contents = [part.content[0].of(text) for part in found]
    assert contents == (expected or [one.content[0].of(text)])
