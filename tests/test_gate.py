"""The gate: accuracy on the frozen gold of the sample world may not fall below its floors.

``--update-gold`` raises the floors to what is measured, less two points; never lowers.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.world import (
    check_digest,
    extracted_items,
    f1,
    found_items,
    gold_items,
    pair,
    score,
    texts_of,
)
from pipeline.app import App
from pipeline.settings import Settings
from tests.world import SEEDS

FLOORS = Path(__file__).parent / "gold" / "floors.json"
MARGIN = 0.02


@pytest.fixture(scope="module", params=["rules", "learned"])
def measured(lake, request):
    """The rules as they went through the passes; the learned model on the same texts."""
    check_digest()
    texts = texts_of(lake)
    gold = gold_items(texts)
    if request.param == "rules":
        found = found_items(lake, texts)
    else:
        settings = Settings(config=SEEDS / "config", lake=str(lake), model="learned")
        found = extracted_items(App(settings).extractor, lake)
    keys = sorted({*gold, *found})
    figures = {}
    for least in (0.5, 0.8):
        for key in keys:
            pair(gold.get(key, []), found.get(key, []), least)
        count = score(keys, gold, found)
        figures[f"{request.param}: found at {least}"] = f1(count["found"], count)
        figures[f"{request.param}: end to end at {least}"] = f1(count["right"], count)
    return {name: round(value, 3) for name, value in figures.items()}


def test_accuracy_on_the_sample_world_is_above_its_floors(measured, update_gold):
    floors = json.loads(FLOORS.read_text("utf-8")) if FLOORS.exists() else {}
    if update_gold:
        raised = floors | {
            k: max(floors.get(k, 0), round(v - MARGIN, 3)) for k, v in measured.items()
        }
        FLOORS.write_text(json.dumps(raised, indent=1) + "\n", "utf-8")
        floors = raised

    assert floors, "no floors: pytest tests/test_gate.py --update-gold"
    assert {k: v for k, v in measured.items() if v < floors.get(k, 1.0)} == {}, (
        measured,
        floors,
    )


def test_a_wrong_extractor_would_fall_below_the_floors(lake):
    """The gate can fail: with every speaker swapped nothing is right."""
    texts = texts_of(lake)
    gold, found = gold_items(texts), found_items(lake, texts)
    for items in found.values():
        for item in items:
            item.speaker = "Nobody Nowhere"
    keys = sorted({*gold, *found})
    for key in keys:
        pair(gold.get(key, []), found.get(key, []), 0.5)

    assert f1(score(keys, gold, found)["right"], score(keys, gold, found)) == 0.0
