"""Whom a source means, through the language model and the shipped config.

All sentences were written for the project. A case is its text and the speakers, in order.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pipeline.adapters.config import ConfigFolder
from pipeline.adapters.nlp import open_nlp
from pipeline.model import Span
from pipeline.statements.extract import extract_statements
from pipeline.statements.figures import FigureIndex
from pipeline.statements.learned import _on_line_of

pytestmark = pytest.mark.model

CONFIG = Path(__file__).parents[2] / "config"
DAY = date(2026, 3, 2)
CASES = {
    "a name behind a long office": (
        "Deputy Chairman of the Russian Security Council Dmitry Medvedev said that "
        "Ukraine would lose the war.",
        ["Dmitry Medvedev"],
    ),
    "a name behind an adverb and a title": (
        "Earlier French President Emmanuel Macron said that Ukraine would get more jets.",
        ["Emmanuel Macron"],
    ),
    "not whom a title hands on": (
        "An aide to President Emmanuel Macron said that Ukraine would get more jets.",
        [],
    ),
    "two who speak together, and a title without a stop": (
        "A truce is near, say Macron and Starmer\n"
        "Emmanuel Macron and Keir Starmer said that Ukraine would get more jets.",
        ["Emmanuel Macron", "Keir Starmer"] * 2,
    ),
    "a noun for an office": (
        "Maria Zakharova spoke of Ukraine in Moscow. “Nobody in Kyiv wants peace,” the "
        "diplomat said. Kyiv was losing the war, the spokeswoman said.",
        ["Maria Zakharova", "Maria Zakharova"],
    ),
    "a noun for an office with its house": (
        "Dmitry Peskov answered questions about Ukraine. “We want peace in Ukraine,” the "
        "Kremlin official told reporters.",
        ["Dmitry Peskov"],
    ),
    "a counterpart": (
        "Viktor Orban said that the war in Ukraine had cost too much. His Slovak "
        "counterpart said that the war in Ukraine must end.",
        ["Viktor Orbán", "Robert Fico"],
    ),
    "a ministry that the title calls by half its name": (
        "94 Ukrainian drones shot down overnight — Defense Ministry\n"
        "The Russian Defense Ministry said that 94 Ukrainian drones had been shot down.",
        ["Russian Defence Ministry", "Russian Defence Ministry"],
    ),
    "a slip of the pen behind a title": (
        "President Volodymyr Zelenksy said that Ukraine would not give up land.",
        ["Volodymyr Zelensky"],
    ),
    "a slip of the pen before an office": (
        "Ursula van der Leyen, the Commission president, said that the EU would pay for "
        "Ukraine's drones. Ukraine would win the war, she said.",
        ["Ursula von der Leyen", "Ursula von der Leyen"],
    ),
    "a headline's source behind its cue": (
        "Allies have paid for 40 tanks for Ukraine, says Rutte\n"
        "Allies met in Brussels on Monday to speak of Ukraine.",
        ["Mark Rutte"],
    ),
    "an office that the text has given somebody, then a pronoun": (
        "Keir Starmer met Emmanuel Macron to speak of Ukraine. The French president said "
        "that Ukraine would get jets. The prime minister was silent for long. “Ukraine "
        "needs tanks too,” he said.",
        ["Emmanuel Macron", "Keir Starmer"],
    ),
    "of those who left an office the one named": (
        "Boris Johnson shared the stage in Kyiv. The former British prime minister said "
        "that Ukraine should get the frozen money.",
        ["Boris Johnson"],
    ),
    "the military of the one ministry named": (
        "The Russian Defense Ministry said that 94 Ukrainian drones had been shot down. "
        "The military also said that its troops had entered Ukrainian villages.",
        ["Russian Defence Ministry", "Russian Defence Ministry"],
    ),
    "the military is nobody's where two are named": (
        "The Russian Defense Ministry said that Kyiv had lost 94 drones. Ukraine's defence "
        "ministry said that Kyiv had lost 40. The military said that Kyiv was calm.",
        ["Russian Defence Ministry", "Ukrainian Defence Ministry"],
    ),
    "not the office that only passes words on": (
        "Recep Tayyip Erdogan spoke of Ukraine. The Turkish leader said that a summit on "
        "Ukraine was near, his office reported.",
        ["Recep Tayyip Erdoğan"],
    ),
    "not those without a name who heard it": (
        "“Ukraine has lost,” Trump told his aides, according to two people who were in "
        "the room.",
        ["Donald Trump"],
    ),
    "but whoever tells what he had said": (
        "Trump had told him that Ukraine had lost, said Emmanuel Macron.",
        ["Emmanuel Macron"],
    ),
    "a town is nobody": (
        "Kyiv was quiet. She said that the war in Ukraine would end.",
        [],
    ),
}


@pytest.fixture(scope="module")
def speakers():
    folder = ConfigFolder(CONFIG)
    nlp = open_nlp()
    figures = FigureIndex(folder.figures(), folder.offices())
    topic, cues = folder.topic("ukraine-war"), folder.cues()

    def run(text: str) -> list[str]:
        found = extract_statements(nlp(text), text, DAY, figures, topic, cues)
        return [one.speaker.name for one in found if one.speaker.figure_id]

    return run


@pytest.mark.parametrize("case", CASES)
def test_a_source_means(speakers, case):
    text, expected = CASES[case]

    assert speakers(text) == expected


@pytest.mark.parametrize(
    ("cue", "source"), [("say", "Rosa and Otto"), ("said", "Rosa Berg and Otto Kern")]
)
def test_a_source_that_runs_over_a_line_keeps_the_part_nearest_its_cue(cue, source):
    text = "Peace is near, say Rosa and Otto\nRosa Berg and Otto Kern said on Sunday"
    whole = Span(text.index("Rosa"), text.index(" said on"))
    at = text.index(f"{cue} ")

    assert _on_line_of(Span(at, at + len(cue)), whole, text).of(text) == source
