"""The hot paths may not grow by a fifth: ratios and counts, never seconds.

Extraction is compared with spaCy's own parse of the same text, by processor time, turn
by turn in one process: what else runs on the machine falls on both. ``read`` and
``match`` are Python, so their calls are counted: the same number on every machine.
After a change that is meant to cost or to save, set SHARES and CALLS to what is printed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from itertools import product
from pathlib import Path
from time import process_time
from types import FrameType

import pytest
import spacy

from pipeline.adapters.nlp import package_of
from pipeline.app import open_app
from pipeline.articles.duplicates import signature
from pipeline.articles.normalise import to_draft
from pipeline.claims.grouping import relations
from pipeline.feeds.parse import parse_feed
from pipeline.statements.paragraphs import with_paragraphs
from tests.builders import a_feed, a_response
from tests.claims.claim_builders import a_said

SEEDS = Path(__file__).parents[1] / "seeds"
MORE = 1.2
"""What a path may cost of what it cost when the figures here were written."""

SHARES = {"rules": 0.60, "learned": 1.95}
"""Processor time of extraction with each model, of that of spaCy's own parse of the same
text: the least of ROUNDS."""

CALLS = {"read": 126_149, "match": 145_730}
"""Calls of Python and C functions."""

ROUNDS = 5
DAY = date(2026, 3, 1)


def seconds(work: Callable[[], object]) -> float:
    begun = process_time()
    work()
    return process_time() - begun


def shares(yardstick: Callable[[], object], work: Callable[[], object]) -> list[float]:
    """What the work takes of the yardstick, each round between two of these."""
    measured = [seconds(one) for _ in range(ROUNDS) for one in (yardstick, work)]
    measured.append(seconds(yardstick))
    before, after = measured[0:-1:2], measured[2::2]
    return sorted(
        2 * mine / (a + b)
        for mine, a, b in zip(measured[1::2], before, after, strict=True)
    )


@pytest.mark.parametrize("model", SHARES)
def test_extraction_is_as_fast_as_it_was(model: str, tmp_path: Path) -> None:
    extractor = open_app(
        config=SEEDS / "config", lake=str(tmp_path), model=model
    ).extractor
    nlp = with_paragraphs(spacy.load(package_of(extractor.nlp)))
    [path] = SEEDS.glob("*.txt")
    text = path.read_text("utf-8")
    assert extractor.quoted([(text, DAY)])[0], "nothing is extracted"
    assert len(nlp(text)) > 300
    found = shares(lambda: nlp(text), lambda: extractor.quoted([(text, DAY)]))
    print(f"{model}: {found[0]:.2f} {found[len(found) // 2]:.2f} {found[-1]:.2f}")
    assert found[0] <= MORE * SHARES[model], found


def calls(work: Callable[[], object]) -> int:
    """How many functions are called, once what is remembered is remembered."""
    work()
    count = 0

    def called(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def reading() -> object:
    """The sample outlets' first feeds, to drafts and signatures."""
    made = []
    for path in sorted((SEEDS / "world").glob("p*/*.example/**/*.xml")):
        response = a_response(body=path.read_bytes())
        for entry in parse_feed(response).entries:
            draft = to_draft(entry, a_feed(), None, response.fetched_at)
            assert draft is not None
            made.append(signature(draft.text))
    assert len(made) > 10
    return made


def matching() -> object:
    """Fifteen statements of one figure beside fifteen earlier ones."""
    said = [
        a_said(
            f"Russia will {verb} {number} {what} in {place} before the end of March",
            nth=number,
            day=number / 12,
        )
        for number, (verb, what, place) in enumerate(
            product(
                ("strike", "leave", "hold", "rebuild"),
                ("bridges", "power plants", "villages"),
                ("Kharkiv", "Odesa", "Crimea", "Kherson", "Sumy"),
            )
        )
    ]
    earlier = [replace(one, claim_id=one.statement_id) for one in said[:15]]
    found = relations(said[15:30], lambda _, taken: [(3, one) for one in earlier])
    assert len(found) == 15
    return found


@pytest.mark.parametrize(("step", "work"), [("read", reading), ("match", matching)])
def test_a_step_calls_no_more_than_it_did(
    step: str, work: Callable[[], object]
) -> None:
    count = calls(work)
    print(f"{step}: {count}")
    assert count <= MORE * CALLS[step]
