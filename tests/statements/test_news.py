"""Sentences as newspapers write them, through the language model and the shipped config.

All were written for the project. Each line of a case is ``speaker | act | content``.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pipeline.adapters.config import ConfigFolder
from pipeline.adapters.nlp import open_nlp
from pipeline.statements.extract import extract_statements
from pipeline.statements.figures import FigureIndex
from pipeline.statements.paragraphs import with_paragraphs

pytestmark = pytest.mark.model

CONFIG = Path(__file__).parents[2] / "config"
CASES = [
    (
        "2025-05-02",
        "“We will not give up our land,” Ukraine's president was quoted as saying.",
        ["Volodymyr Zelensky | promises | We will not give up our land"],
    ),
    (
        "2025-05-02",
        "Putin did not say whether Russia would accept a ceasefire in Ukraine.",
        [],
    ),
    ("2025-05-02", "The Kremlin declined to comment on the war in Ukraine.", []),
    ("2025-05-02", "Moscow said its forces had seized the village of Toretsk.", []),
    ("2025-05-02", "A soldier near Bakhmut said that morale was low.", []),
    ("2025-05-02", "Trump believes that Putin wants peace in Ukraine.", []),
    (
        "2025-05-02",
        "“Ukraine will get its land back before the winter”, Trump believes.",
        ["Donald Trump | asserts | Ukraine will get its land back before the winter"],
    ),
    ("2025-05-02", "Peskov refused to be drawn on the strike on Odesa.", []),
    (
        "2025-05-02",
        "Peskov tried to explain the aims of the strike on Odesa.",
        [],
    ),
    (
        "2025-05-02",
        "Peskov referred questions about Ukraine to the army and the defence ministry.",
        [],
    ),
    (
        "2025-05-02",
        "Putin ruled out a meeting with Zelensky until Ukraine withdraws, a day later.",
        ["Vladimir Putin | denies | a meeting with Zelensky until Ukraine withdraws"],
    ),
    (
        "2025-05-02",
        "Zelensky said Ukraine had waited too long, while Putin said Russia was ready for "
        "talks. He would not give up Crimea.",
        [
            "Volodymyr Zelensky | asserts | Ukraine had waited too long",
            "Vladimir Putin | asserts | Russia was ready for talks",
        ],
    ),
    (
        "2025-05-02",
        "Zelensky said Ukraine had expected nothing else. It would go on repairing. Kyiv "
        "would be bright at night.",
        [
            "Volodymyr Zelensky | asserts | Ukraine had expected nothing else … It would go "
            "on repairing"
        ],
    ),
    (
        "2022-05-02",
        "The Kremlin chief warned that Western arms for Ukraine would prolong the conflict. "
        "The former US president said he could end the war in 24 hours.",
        [
            "Vladimir Putin | predicts | Western arms for Ukraine would prolong the conflict",
            "Donald Trump | asserts | he could end the war in 24 hours",
        ],
    ),
    (
        "2023-05-02",
        "The US president told reporters that F-16 jets would be sent to Ukraine, "
        "adding: “We will stand with Kyiv.”",
        [
            "Joe Biden | asserts | F-16 jets would be sent to Ukraine",
            "Joe Biden | promises | We will stand with Kyiv.",
        ],
    ),
    (
        "2025-05-02",
        "Lavrov, who met his counterpart, accused the West of waging war in Ukraine and "
        "said the sanctions had failed.",
        [
            "Sergei Lavrov | accuses | the West of waging war in Ukraine",
            "Sergei Lavrov | asserts | the sanctions had failed",
        ],
    ),
    (
        "2025-05-02",
        "“Russia has no plans to leave Ukraine,” Peskov said. “These claims are absurd.”",
        [
            "Dmitry Peskov | denies | Russia has no plans to leave Ukraine … These claims are absurd."
        ],
    ),
    (
        "2025-05-02",
        "Zelensky's claim that North Korean troops were fighting in Kursk was rejected by Moscow.",
        ["Volodymyr Zelensky | asserts | North Korean troops were fighting in Kursk"],
    ),
    (
        "2025-05-02",
        "According to the Russian Defence Ministry, 120 drones were shot down over Belgorod.",
        [
            "Russian Defence Ministry | asserts | 120 drones were shot down over Belgorod"
        ],
    ),
    (
        "2025-05-02",
        "Russia will achieve all its goals in Ukraine - Lavrov",
        ["Sergei Lavrov | asserts | Russia will achieve all its goals in Ukraine"],
    ),
    (
        "2025-05-02",
        "Putin: Russia will achieve all its goals in Ukraine",
        ["Vladimir Putin | asserts | Russia will achieve all its goals in Ukraine"],
    ),
    (
        "2025-05-02",
        "Zelensky spoke in Kyiv on Friday.\nHe urged Moscow to agree to a truce in Ukraine.",
        ["Volodymyr Zelensky | calls-for | Moscow to agree to a truce in Ukraine"],
    ),
]


@pytest.fixture(scope="module")
def extract():
    folder = ConfigFolder(CONFIG)
    nlp = with_paragraphs(open_nlp())
    figures = FigureIndex(folder.figures(), folder.offices())
    topic, cues = folder.topic("ukraine-war"), folder.cues()

    def run(text: str, day: date):
        return extract_statements(nlp(text), text, day, figures, topic, cues)

    return run


@pytest.mark.parametrize(
    ("day", "text", "expected"), CASES, ids=[c[1][:40] for c in CASES]
)
def test_news(extract, day, text, expected):
    found = extract(text, date.fromisoformat(day))

    assert [
        f"{one.speaker.name} | {one.act.value} | "
        + " … ".join(span.of(text) for span in one.attribution.content)
        for one in found
        if one.about_topic
    ] == expected
