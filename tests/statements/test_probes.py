"""Sentences that probe what must be handled, through both readers and the shipped config.

All were written for the project, none comes from a gold set. Each statement of a case is
``speaker | act | content``, the parts of a content joined by an ellipsis.
"""

from __future__ import annotations

from datetime import date
from functools import partial
from pathlib import Path

import pytest

from pipeline.adapters.config import ConfigFolder
from pipeline.adapters.nlp import open_nlp
from pipeline.adapters.tagger import open_tagger
from pipeline.batch import Extractor
from pipeline.statements import learned
from pipeline.statements.figures import FigureIndex

pytestmark = pytest.mark.model

CONFIG = Path(__file__).parents[2] / "config"
MODEL = Path(learned.__file__).parent / "model"
DAY = date(2026, 3, 5)
CASES = [
    (
        "Putin ruled out negotiating with Kyiv while the war goes on.",
        ["Vladimir Putin | denies | negotiating with Kyiv while the war goes on"],
    ),
    (
        "Russian President Vladimir Putin has ruled out returning Crimea to Ukraine.",
        ["Vladimir Putin | denies | returning Crimea to Ukraine"],
    ),
    (
        "Biden compared the siege of Mariupol to the destruction of Aleppo.",
        ["Joe Biden | accuses | the siege of Mariupol to the destruction of Aleppo"],
    ),
    (
        'In the words of Vladimir Putin, the war in Ukraine was "inevitable".',
        ['Vladimir Putin | asserts | the war in Ukraine was "inevitable"'],
    ),
    (
        'The war, in Zelensky\'s words, "cannot be frozen".',
        ["Volodymyr Zelensky | asserts | The war … cannot be frozen"],
    ),
    (
        'Lavrov warned on Tuesday of "serious consequences" if NATO troops enter Ukraine.',
        [
            'Sergei Lavrov | threatens | "serious consequences" if NATO troops enter Ukraine'
        ],
    ),
    (
        'Zelensky said "Ukraine will never surrender" and called for more sanctions on Russia.',
        [
            "Volodymyr Zelensky | promises | Ukraine will never surrender",
            "Volodymyr Zelensky | calls-for | more sanctions on Russia",
        ],
    ),
    (
        'Zelensky said the sanctions were "not enough" and urged Germany to send Taurus missiles to Kyiv.',
        [
            'Volodymyr Zelensky | asserts | the sanctions were "not enough"',
            "Volodymyr Zelensky | calls-for | Germany to send Taurus missiles to Kyiv",
        ],
    ),
    ("The Kremlin neither confirmed nor denied that Putin had met Prigozhin.", []),
    (
        "Lavrov rejected claims that Russian troops had killed civilians in Bucha.",
        [
            "Sergei Lavrov | denies | claims that Russian troops had killed civilians in Bucha"
        ],
    ),
    (
        "Peskov denied that Russia had attacked the hospital in Kyiv.",
        ["Dmitry Peskov | denies | Russia had attacked the hospital in Kyiv"],
    ),
    (
        "Peskov denied reports of talks with Kyiv.",
        ["Dmitry Peskov | denies | reports of talks with Kyiv"],
    ),
    (
        "MOSCOW, March 3. /COURIER/. Russia will not give up Crimea, Russian Foreign Minister Sergey Lavrov said.",
        ["Sergei Lavrov | asserts | Russia will not give up Crimea"],
    ),
    (
        "MOSCOW, March 3. /TASS/. Russian troops will stay in Donbass, Kremlin Spokesman Dmitry Peskov told reporters on Tuesday.",
        ["Dmitry Peskov | asserts | Russian troops will stay in Donbass"],
    ),
    (
        "KYIV (Reuters) - Ukraine will not cede territory, President Volodymyr Zelensky said on Monday.",
        ["Volodymyr Zelensky | asserts | Ukraine will not cede territory"],
    ),
    (
        "Peskov told reporters that Russia must respond to the attack on Belgorod.",
        ["Dmitry Peskov | calls-for | Russia must respond to the attack on Belgorod"],
    ),
    (
        'Peskov told reporters: "Ukraine\'s attack will not go unanswered."',
        ["Dmitry Peskov | asserts | Ukraine's attack will not go unanswered."],
    ),
    (
        "Putin told Macron to stop arming Ukraine.",
        ["Vladimir Putin | calls-for | to stop arming Ukraine"],
    ),
    (
        "Zelensky vowed to fight until March 20.",
        ["Volodymyr Zelensky | promises | to fight until March 20"],
    ),
    (
        "Zelensky said on Monday that last month's talks with Russia had failed.",
        ["Volodymyr Zelensky | asserts | last month's talks with Russia had failed"],
    ),
    (
        'In March 2022 Putin vowed to "demilitarise" Ukraine.',
        ['Vladimir Putin | promises | to "demilitarise" Ukraine'],
    ),
    (
        "Speaking on 24 February 2022, Putin said Russia would not occupy Ukraine.",
        ["Vladimir Putin | asserts | Russia would not occupy Ukraine"],
    ),
    (
        "Zelensky said the invasion that began in February 2022 must end.",
        [
            "Volodymyr Zelensky | calls-for | the invasion that began in February 2022 must end"
        ],
    ),
    (
        "Last year Putin said that Russia would never attack Ukraine.",
        ["Vladimir Putin | asserts | Russia would never attack Ukraine"],
    ),
    (
        "Putin previously said Russia was ready for talks on Ukraine.",
        ["Vladimir Putin | asserts | Russia was ready for talks on Ukraine"],
    ),
    (
        "Three years ago, Zelensky promised to end the war in Donbas.",
        ["Volodymyr Zelensky | promises | to end the war in Donbas"],
    ),
    (
        '"We will not give up our land," Zelensky said in a speech in May 2023.',
        ["Volodymyr Zelensky | promises | We will not give up our land"],
    ),
    (
        "“We did not start this war in Ukraine,” Putin said. “We are trying to end it.”",
        [
            "Vladimir Putin | denies | We did not start this war in Ukraine … We are trying to end it."
        ],
    ),
    (
        "«Ukraine will never give up Crimea», Zelensky said.",
        ["Volodymyr Zelensky | promises | Ukraine will never give up Crimea"],
    ),
    (
        "— Ukraine will never give up Crimea, — Zelensky said on Monday.",
        ["Volodymyr Zelensky | promises | Ukraine will never give up Crimea"],
    ),
    (
        "'Ukraine will never give up Crimea,' Zelensky said.",
        ["Volodymyr Zelensky | promises | Ukraine will never give up Crimea"],
    ),
    (
        "Zelensky: we will never give up Crimea",
        ["Volodymyr Zelensky | promises | we will never give up Crimea"],
    ),
    (
        "Putin: 'Ukraine is not a state'",
        ["Vladimir Putin | asserts | Ukraine is not a state"],
    ),
    (
        "Zelensky says Ukraine needs more air defence",
        ["Volodymyr Zelensky | asserts | Ukraine needs more air defence"],
    ),
    (
        "Ukraine needs more air defence, says Zelensky",
        ["Volodymyr Zelensky | asserts | Ukraine needs more air defence"],
    ),
    (
        "Ukraine is losing the war - Putin",
        ["Vladimir Putin | asserts | Ukraine is losing the war"],
    ),
    (
        "Putin spoke on Monday.The Russian leader said Ukraine was losing the war.He added that talks were possible.",
        [
            "Vladimir Putin | asserts | Ukraine was losing the war",
            "Vladimir Putin | asserts | talks were possible",
        ],
    ),
    (
        "Lukashenko said that Putin had told him the war in Ukraine would end soon.",
        [
            "Alexander Lukashenko | asserts | Putin had told him the war in Ukraine would end soon"
        ],
    ),
    (
        '"Did anyone ask Ukraine about this deal?" Zelensky asked.',
        ["Volodymyr Zelensky | other | Did anyone ask Ukraine about this deal?"],
    ),
    (
        "Zelensky asked why Germany would not send Taurus missiles to Ukraine.",
        [
            "Volodymyr Zelensky | other | why Germany would not send Taurus missiles to Ukraine"
        ],
    ),
    (
        'Russia\'s "special military operation" in Ukraine entered its fourth year on Monday as Putin visited a factory.',
        [],
    ),
    ("Putin did not say whether Russia would attack Ukraine again.", []),
    ("Zelensky declined to comment on the attack on Kursk.", []),
    ("Zelensky refused to say whether Ukraine had attacked Kursk.", []),
    ("Putin regrets the war in Ukraine.", []),
    (
        "The Kremlin said Russia was open to talks with Ukraine.",
        ["Kremlin | asserts | Russia was open to talks with Ukraine"],
    ),
    ("Moscow said Ukraine had shelled Donetsk.", []),
    (
        "The Russian defence ministry said it had shot down 12 Ukrainian drones.",
        ["Russian Defence Ministry | asserts | it had shot down 12 Ukrainian drones"],
    ),
    (
        "Putin vowed to press on with the war in Ukraine.",
        ["Vladimir Putin | promises | to press on with the war in Ukraine"],
    ),
    (
        "Zelensky accused Russia of shelling Kharkiv.",
        ["Volodymyr Zelensky | accuses | Russia of shelling Kharkiv"],
    ),
    (
        'Lavrov described the Western sanctions on Russia as "economic war".',
        ['Sergei Lavrov | asserts | the Western sanctions on Russia as "economic war"'],
    ),
    (
        'Peskov dismissed the peace plan for Ukraine as "absurd".',
        ['Dmitry Peskov | denies | the peace plan for Ukraine as "absurd"'],
    ),
    (
        "Zelensky thanked Germany for the Patriot batteries sent to Ukraine.",
        [
            "Volodymyr Zelensky | other | Germany for the Patriot batteries sent to Ukraine"
        ],
    ),
    (
        "Zelensky welcomed the new sanctions on Russia.",
        ["Volodymyr Zelensky | other | the new sanctions on Russia"],
    ),
    (
        '"Russia," Putin said, "will achieve all its goals in Ukraine."',
        ["Vladimir Putin | asserts | Russia … will achieve all its goals in Ukraine."],
    ),
    (
        "Russia, Putin said, will achieve all its goals in Ukraine.",
        ["Vladimir Putin | asserts | Russia … will achieve all its goals in Ukraine"],
    ),
    (
        "Putin said Russia was ready for talks with Ukraine, adding that Kyiv was not.",
        [
            "Vladimir Putin | asserts | Russia was ready for talks with Ukraine",
            "Vladimir Putin | asserts | Kyiv was not",
        ],
    ),
    (
        "Putin said that Russia was ready for talks with Ukraine and that Kyiv was not.",
        [
            "Vladimir Putin | asserts | Russia was ready for talks with Ukraine and that Kyiv was not"
        ],
    ),
    (
        "Zelensky, who met Biden in Washington, said Ukraine would win.",
        ["Volodymyr Zelensky | asserts | Ukraine would win"],
    ),
    ('A soldier near Bakhmut said "we are tired".', []),
    (
        '"Those are my soldiers\' boots," Zelensky said in Kharkiv near the front.',
        ["Volodymyr Zelensky | asserts | Those are my soldiers' boots"],
    ),
    (
        "Zelensky told CNN that Ukraine's counter-offensive had begun.",
        ["Volodymyr Zelensky | asserts | Ukraine's counter-offensive had begun"],
    ),
    (
        "Zelensky said: \"Putin told us, 'You are finished.' We are still fighting Russia.\"",
        [
            "Volodymyr Zelensky | asserts | Putin told us, 'You are finished.' We are still fighting Russia."
        ],
    ),
    (
        'The talks in Istanbul were "constructive", Zelensky said.',
        ['Volodymyr Zelensky | asserts | The talks in Istanbul were "constructive"'],
    ),
    (
        "Zelensky threatened to cut off the transit of Russian gas.",
        ["Volodymyr Zelensky | threatens | to cut off the transit of Russian gas"],
    ),
    (
        "The Kremlin has denied that Russia shelled Kharkiv.",
        ["Kremlin | denies | Russia shelled Kharkiv"],
    ),
    (
        "Russia never shelled Kharkiv, the Kremlin insists.",
        ["Kremlin | asserts | Russia never shelled Kharkiv"],
    ),
    (
        "In a post on X, Zelensky wrote that Russia had fired 100 drones at Kyiv.",
        ["Volodymyr Zelensky | asserts | Russia had fired 100 drones at Kyiv"],
    ),
    (
        "Zelensky’s office said Russia had fired 100 drones at Kyiv.",
        [
            "Ukrainian Presidential Office | asserts | Russia had fired 100 drones at Kyiv"
        ],
    ),
    (
        '"Ukraine will win", said Zelensky. "Russia will lose", he added.',
        ["Volodymyr Zelensky | asserts | Ukraine will win … Russia will lose"],
    ),
    (
        "Zelensky said Russia's troops 'were running' from Kherson.",
        ["Volodymyr Zelensky | asserts | Russia's troops 'were running' from Kherson"],
    ),
    (
        "Zelensky insisted on a full Russian withdrawal from Ukraine.",
        ["Volodymyr Zelensky | calls-for | a full Russian withdrawal from Ukraine"],
    ),
    (
        '"This is genocide" — Zelensky on Russia\'s attack on Bucha',
        ["Volodymyr Zelensky | accuses | This is genocide"],
    ),
    (
        "Russia attacked a hospital in Ukraine, something Putin has denied.",
        ["Vladimir Putin | denies | Russia attacked a hospital in Ukraine"],
    ),
    (
        "Peskov dismissed suggestions that Russia was losing the war in Ukraine.",
        [
            "Dmitry Peskov | denies | suggestions that Russia was losing the war in Ukraine"
        ],
    ),
    (
        "“We did not start this war in Ukraine.\n“We are trying to end it,” Putin said.",
        [
            "Vladimir Putin | denies | We did not start this war in Ukraine. … We are trying to end it"
        ],
    ),
    (
        "„Ukraine will hold the line,“ Zelensky said.",
        ["Volodymyr Zelensky | asserts | Ukraine will hold the line"],
    ),
]

LEARNED = {
    'Lavrov warned on Tuesday of "serious consequences"': [
        'Sergei Lavrov | threatens | of "serious consequences" if NATO troops enter Ukraine'
    ],
    "Lavrov rejected claims that Russian troops": [
        "Sergei Lavrov | denies | Russian troops had killed civilians in Bucha"
    ],
    "The war, in Zelensky's words": ["Volodymyr Zelensky | asserts | cannot be frozen"],
}
"""Where the learned model draws another border: by how a case begins."""


@pytest.fixture(scope="module", params=["rules", "learned"])
def found(request):
    """What each case's text says, read as one batch."""
    folder = ConfigFolder(CONFIG)
    tagger = None
    if request.param == "learned":
        tagger = partial(learned.attributions, encoder=open_tagger(MODEL))
    extractor = Extractor(
        nlp=open_nlp(),
        figures=FigureIndex(folder.figures(), folder.offices()),
        topic=folder.topic("ukraine-war"),
        cues=folder.cues(),
        version="",
        tagger=tagger,
    )
    texts = [text for text, _ in CASES]
    read = extractor.quoted([(text, DAY) for text in texts])
    return request.param, dict(zip(texts, read, strict=True))


@pytest.mark.parametrize(("text", "expected"), CASES, ids=[c[0][:40] for c in CASES])
def test_probe(found, text, expected):
    model, said = found
    others = (want for start, want in LEARNED.items() if text.startswith(start))
    if model == "learned":
        expected = next(others, expected)

    assert [
        f"{one.speaker.name} | {one.act.value} | "
        + " … ".join(span.of(text) for span in one.attribution.content)
        for one in said[text]
    ] == expected
