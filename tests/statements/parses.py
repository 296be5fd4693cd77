"""Parses by hand, and small config values of a world of its own, for these tests."""

from __future__ import annotations

from datetime import date

import spacy
from spacy.tokens import Doc

from pipeline.model import Attribution, Figure, FigureKind, Office
from pipeline.statements.attribution import attributions
from pipeline.statements.figures import FigureIndex
from pipeline.statements.lexicon import Cues, Offices, Topic

VOCAB = spacy.blank("en").vocab

CUES = Cues.from_dict(
    {
        "phrases": ["according to"],
        "pointers": ["this", "it", "comment", "us"],
        "contents": {"promises": ["we will"], "calls-for": ["must", "should"]},
        "verbs": [
            {
                "act": "asserts",
                "frames": ["clause", "quote"],
                "lemmas": ["say", "add", "suggest"],
            },
            {
                "act": "denies",
                "frames": ["clause", "quote", "object"],
                "lemmas": ["deny"],
            },
            {"act": "accuses", "frames": ["complement", "quote"], "lemmas": ["accuse"]},
            {"act": "calls-for", "frames": ["complement"], "lemmas": ["urge"]},
            {
                "act": "calls-for",
                "frames": ["preposition"],
                "prepositions": ["for", "on"],
                "lemmas": ["call"],
            },
            {"act": "promises", "frames": ["infinitive", "clause"], "lemmas": ["vow"]},
            {"act": "attitude", "frames": ["clause"], "lemmas": ["believe"]},
        ],
        "nouns": [{"act": "asserts", "lemmas": ["claim"]}],
    }
)

OFFICES = Offices.from_dict(
    {
        "titles": [
            {"id": "president", "forms": ["president"], "basis": "hos", "former": True},
            {"id": "foreign-minister", "forms": ["foreign minister"], "basis": "fm"},
            {
                "id": "spokesperson",
                "forms": ["spokesman", "spokeswoman"],
                "basis": "spox",
            },
        ],
        "countries": [
            {"name": "Ruritania", "adjectives": ["Ruritanian"], "also": ["Streslau"]},
            {"name": "Borduria", "adjectives": ["Bordurian"]},
        ],
    }
)

RUDOLF = Figure(
    id="x-rudolf",
    name="Rudolf Elphberg",
    kind=FigureKind.PERSON,
    names=("Rudolf Elphberg", "Rudolph Elphberg", "Elphberg"),
    pronoun="he",
    country="Ruritania",
    wikidata="Q1",
    offices=(
        Office(
            title="president",
            of="Ruritania",
            since=date(2020, 1, 1),
            until=date(2025, 1, 1),
            leads=True,
            also=("Castle chief",),
        ),
    ),
)
FLAVIA = Figure(
    id="x-flavia",
    name="Flavia Strofzin",
    kind=FigureKind.PERSON,
    names=("Flavia Strofzin", "Strofzin"),
    pronoun="she",
    country="Ruritania",
    offices=(
        Office(title="president", of="Ruritania", since=date(2025, 1, 1), leads=True),
    ),
)
PLEKSZY = Figure(
    id="x-plekszy",
    name="Kurvi Plekszy",
    kind=FigureKind.PERSON,
    names=("Kurvi Plekszy",),
    ambiguous=("Plekszy",),
    pronoun="he",
    country="Borduria",
    offices=(
        Office(title="president", of="Borduria", since=date(2019, 1, 1), leads=True),
    ),
)
CASTLE = Figure(
    id="x-castle",
    name="Castle",
    kind=FigureKind.INSTITUTION,
    names=("Castle", "The Castle"),
    pronoun="it",
    country="Ruritania",
)
FIGURES = FigureIndex([RUDOLF, FLAVIA, PLEKSZY, CASTLE], OFFICES)

TOPIC = Topic.from_dict(
    {
        "id": "border-war",
        "name": "The war on the border",
        "about": {
            "strong": ["Ruritania*", "Zenda"],
            "context": ["war", "troops", "talks"],
            "off": ["opera", "harvest*"],
        },
        "subtopics": [
            {"id": "talks", "name": "Talks", "terms": ["talks", "truce*"]},
            {"id": "arms", "name": "Arms", "terms": ["cannon*"]},
        ],
    }
)


def parsed(*rows: str) -> Doc:
    """A parse from rows of ``word lemma tag head label``, head counted from 0.

    A trailing ``_`` of the word means that no space follows. The coarse tag comes from
    the fine one.
    """
    cells = [row.split() for row in rows]
    words = [
        cell[0].removesuffix("_") if len(cell[0]) > 1 else cell[0] for cell in cells
    ]
    return Doc(
        VOCAB,
        words=words,
        spaces=[not cell[0].endswith("_") for cell in cells[:-1]] + [False],
        lemmas=[cell[1] for cell in cells],
        tags=[cell[2] for cell in cells],
        pos=[_COARSE.get(cell[2], "X") for cell in cells],
        heads=[int(cell[3]) for cell in cells],
        deps=[cell[4] for cell in cells],
    )


def found_in(doc: Doc) -> list[tuple[str, str, list[str], str]]:
    """Source, cue, contents and voice of each attribution, as words."""
    text = doc.text
    return [_words(one, text) for one in attributions(doc, text, CUES)]


def _words(one: Attribution, text: str) -> tuple[str, str, list[str], str]:
    return (
        one.source.of(text) if one.source else "",
        one.cue.of(text) if one.cue else "",
        [span.of(text) for span in one.content],
        one.voice.value,
    )


_COARSE = {
    "NNP": "PROPN", "NN": "NOUN", "NNS": "NOUN", "PRP": "PRON", "VBD": "VERB", "VBZ": "VERB",
    "VBN": "VERB", "VBG": "VERB", "VB": "VERB", "VBP": "VERB", "MD": "AUX", "IN": "SCONJ",
    "RB": "ADV", "DT": "DET", "JJ": "ADJ", "CC": "CCONJ", "TO": "PART", ".": "PUNCT",
    ",": "PUNCT", "``": "PUNCT", "''": "PUNCT", ":": "PUNCT", "PART": "PART", "ADP": "ADP",
    "POS": "PART",
}  # fmt: skip
