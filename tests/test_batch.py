"""A batch at a time: what is read, and how often."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

from tests.world import an_extractor

TEXT = "Putin on war\nVladimir Putin said the war in Ukraine would end in March."
OTHER = "Talks\nVladimir Putin said Russia would not leave Crimea, which it occupies."
DAY = date(2026, 3, 1)


class Counting:
    """A parser that remembers what it was given."""

    def __init__(self, nlp: Any) -> None:
        self._nlp = nlp
        self.given: list[str] = []

    def pipe(self, texts: Iterable[str], *, batch_size: int) -> Iterator[Any]:
        for text in texts:
            self.given.append(text)
            yield self._nlp(text)


def test_a_wire_story_is_read_once() -> None:
    extractor = an_extractor()._extractor
    nlp = Counting(extractor.nlp)
    counting = replace(extractor, nlp=nlp)
    found = counting.quoted([(TEXT, DAY), (OTHER, DAY), *[(TEXT, DAY)] * 3])
    assert nlp.given == [TEXT, OTHER]
    assert found[0]
    assert found[0] == found[2] == found[3] == found[4]
    assert found[1] != found[0]


def test_a_story_of_an_earlier_batch_is_not_read_again() -> None:
    extractor = an_extractor()._extractor
    nlp = Counting(extractor.nlp)
    counting, memory = replace(extractor, nlp=nlp), {}
    first = counting.quoted([(TEXT, DAY)], memory=memory)
    again = counting.quoted([(OTHER, DAY), (TEXT, DAY)], memory=memory)
    next_day = counting.quoted([(TEXT, date(2026, 3, 2))], memory=memory)
    assert nlp.given == [TEXT, OTHER, TEXT]
    assert first[0] == again[1]
    assert first[0]
    assert next_day[0]


def test_what_tracked_figures_said_is_not_taken_for_what_everyone_said() -> None:
    extractor, memory = an_extractor()._extractor, {}
    text = f"{TEXT} Jane Roe said the war in Ukraine would end in April."
    tracked = extractor.quoted([(text, DAY)], memory=memory)
    everyone = extractor.quoted([(text, DAY)], everyone=True, memory=memory)
    assert [len(found) for (found,) in (tracked, everyone)] == [1, 2]
    assert extractor.quoted([(text, DAY)], memory=memory) == tracked
