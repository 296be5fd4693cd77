"""The step ``match``: killed at any statement of its database, it says the same, byte
for byte, in whatever order outlets came within a pass."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipeline.model import Statement
from tests.claims.test_judged import Fold
from tests.claims.test_sketch import generated, in_batches


def statements(chance: random.Random) -> list[Statement]:
    """Four passes of a dozen statements each by six outlets, some of them copies."""
    return in_batches(generated(chance, 48), of=12, apart=timedelta(minutes=15))


def links(root: Path) -> dict[str, bytes]:
    found = {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and "links" in path.parts
    }
    assert len(found) >= 4
    return found


def matched(root: Path, name: str, dies_after: int | None = None) -> bool:
    """Whether the step came to its end, over the database of that name."""
    fold = Fold(root, name)
    left = [dies_after if dies_after is not None else 1 << 30]

    @sa.event.listens_for(sa.Engine, "before_cursor_execute")
    def dying(*_: object) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt

    try:
        fold.match()
    except KeyboardInterrupt:
        return False
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", dying)
        fold.database.close()
    return True


@pytest.mark.parametrize("seed", range(3))
def test_outlets_shuffled_match_killed_and_rebuilt_the_links_are_the_same_bytes(
    seed: int, tmp_path: Path
):
    chance = random.Random(seed)
    rows = statements(chance)
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    for root in (straight, broken):
        root.mkdir()
        fold = Fold(root)
        fold.put(rows)
        fold.database.close()
        chance.shuffle(rows)
    assert matched(straight, "state")
    expected = links(straight)

    kills = 0
    while not matched(broken, "state", dies_after=chance.randint(5, 60)):
        kills += 1

    assert kills > 0
    assert links(broken) == expected
    fold = Fold(broken, "another")  # the database was lost
    fold.all_again()
    fold.database.close()
    for path in broken.rglob("*"):
        if path.is_file() and "links" in path.parts:
            path.unlink()
    while not matched(broken, "another", dies_after=chance.randint(5, 60)):
        kills += 1
    assert links(broken) == expected
