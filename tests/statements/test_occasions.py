"""When words were spoken, and whether they are old."""

from __future__ import annotations

from datetime import date

import pytest

from pipeline.statements.occasions import said_on

DAY = date(2026, 3, 3)  # a Tuesday


@pytest.mark.parametrize(
    ("before", "cue", "after", "day", "old"),
    [
        ("Rosa ", "said", " on Sunday", None, False),
        ("On Sunday Rosa had ", "declared", "", date(2026, 3, 1), True),
        ("On Sunday Rosa ", "had declared", "", date(2026, 3, 1), True),
        ("Rosa ", "had said", "", None, False),
        ("a day after ", "saying", "", date(2026, 3, 2), True),
        ("two weeks after ", "telling", " reporters", date(2026, 2, 17), True),
        ("A day earlier she ", "put", "", date(2026, 3, 2), True),
        ("Three days before the vote she ", "said", "", None, False),
        ("A day before talks in Zenda, Rosa ", "said", "", None, False),
        ("", "said", " on Sunday, a day before talks with envoys", None, False),
        ("", "said", " a week before Easter", None, False),
        ("A day before, Rosa had ", "said", "", date(2026, 3, 2), True),
        ("Rosa, who took office two years earlier, ", "said", "", None, False),
        ("Rosa ", "had said", " earlier on Tuesday", None, False),
        ("Rosa, who ", "has promised", "", None, True),
        ("Rosa, who has ", "promised", "", None, True),
        ("Rosa ", "has promised", "", None, False),
        ("In March 2022 Rosa ", "vowed", "", date(2022, 3, 1), True),
    ],
)
def test_the_day_of_speaking(before, cue, after, day, old):
    assert said_on(before, after, DAY, cue=cue) == (day, old)
