"""What kind of act a statement is."""

from __future__ import annotations

import pytest
from spacy.tokens import Doc

from pipeline.model import Act, Attribution, Span, Voice
from pipeline.statements.acts import act_of, cue_tokens
from pipeline.statements.lexicon import Cues
from tests.statements.parses import VOCAB

CUES = Cues.from_dict(
    {
        "contents": {"calls-for": ["must", "^stop"], "threatens": ["will strike"]},
        "verbs": [
            {
                "act": "asserts",
                "frames": ["clause", "quote"],
                "lemmas": ["say", "rule"],
            },
            {"act": "denies", "frames": ["gerund"], "lemmas": ["rule out"]},
            {"act": "promises", "frames": ["infinitive"], "lemmas": ["promise"]},
            {"act": "asserts", "frames": ["complement"], "lemmas": ["call"]},
            {
                "act": "calls-for",
                "frames": ["preposition"],
                "prepositions": ["for"],
                "lemmas": ["call"],
            },
            {"act": "calls-for", "frames": ["complement"], "lemmas": ["tell"]},
            {"act": "asserts", "frames": ["clause", "quote"], "lemmas": ["tell"]},
            {"act": "predicts", "frames": ["clause"], "lemmas": ["warn"]},
            {"act": "asserts", "frames": ["object"], "lemmas": ["express"]},
        ],
        "nouns": [{"act": "other", "lemmas": ["gratitude"]}],
    }
)
VERBS = {
    "said": "say", "ruled": "rule", "promised": "promise", "called": "call",
    "told": "tell", "warned": "warn", "expressed": "express", "has": "have",
}  # fmt: skip


@pytest.mark.parametrize(
    ("cue", "content", "act"),
    [
        ("said", "Zenda held", Act.ASSERTS),
        ("said", "Zenda must hold", Act.CALLS_FOR),
        ("said", "“Stop it", Act.CALLS_FOR),
        ("said", "Zenda did stop it", Act.ASSERTS),
        ("ruled", "Zenda held", Act.ASSERTS),
        ("ruled out", "leaving Zenda", Act.DENIES),
        ("has also promised", "to leave Zenda", Act.PROMISES),
        ("called for", "peace", Act.CALLS_FOR),
        ("called", "it a lie", Act.ASSERTS),
        ("told", "Zenda to hold", Act.CALLS_FOR),
        ("told", "Zenda held", Act.ASSERTS),
        ("warned", "winter comes", Act.PREDICTS),
        ("warned", "he will strike", Act.THREATENS),
        ("expressed gratitude for", "the help", Act.OTHER),
        ("said", "Will Zenda hold?", Act.OTHER),
    ],
)
def test_the_word_that_reports_decides_then_the_content(cue, content, act):
    words = f"She {cue} {content} .".split()
    doc = Doc(
        VOCAB,
        words=words,
        pos=["VERB" if w in VERBS else "NOUN" for w in words],
        lemmas=[VERBS.get(w, w) for w in words],
        deps=["ROOT" if n == 1 else "dep" for n in range(len(words))],
        heads=[1] * len(words),
    )
    at = 4 + len(cue) + 1
    found = Attribution(
        content=(Span(at, at + len(content)),),
        cue=Span(4, 4 + len(cue)),
        source=None,
        voice=Voice.INDIRECT,
        method="learned",
        confidence=0.9,
    )

    tokens = cue_tokens(doc, [token.idx for token in doc], found)

    assert act_of(found, tokens, doc.text, CUES) is act
