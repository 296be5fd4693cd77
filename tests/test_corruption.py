"""One changed byte anywhere in the lake, and what `verify` makes of it."""

from __future__ import annotations

import random
import shutil

import pytest

from pipeline.adapters.lake import LocalLake
from pipeline.errors import PipelineError
from tests.world import an_app

KINDS = {
    "tables": "tables/*/date=*/*.parquet",
    "manifests": "tables/*/_manifest.json",
    "package": "tables/datapackage.json",
    "archive": "archive/date=*/*.warc.gz",
    "texts": "work/articles/date=*/*.parquet",
    "months": "compact/*/month=*/*.parquet",
    "work": "work/*/date=*/*.parquet",
}
TRIES = 100


@pytest.fixture(scope="module")
def copy(lake, tmp_path_factory):
    folder = shutil.copytree(lake, tmp_path_factory.mktemp("damaged") / "lake")
    for name in ("statements", "claims"):
        LocalLake(folder).compact(name, "2026-03")
    return folder


def found(app):
    """The faults of the first day that has any; what cannot be read counts as one."""
    try:
        wrong = (app.verify(day) for day in app.published_days())
        return next((lines for lines in wrong if lines), [])
    except PipelineError as error:
        return [str(error)]


def test_each_of_100_random_corruptions_is_found(copy, world):
    app = an_app(copy, world)
    chance = random.Random(20260302)
    assert found(app) == []

    missed, tried = [], dict.fromkeys(KINDS, 0)
    for number in range(TRIES):
        kind = list(KINDS)[number % len(KINDS)]
        path = chance.choice(sorted(copy.glob(KINDS[kind])))
        whole = path.read_bytes()
        place, flip = chance.randrange(len(whole)), chance.randrange(1, 256)
        changed = bytearray(whole)
        changed[place] ^= flip
        path.write_bytes(changed)
        if not found(app):
            missed.append(f"{path.relative_to(copy)} byte {place} of {len(whole)}")
        path.write_bytes(whole)
        tried[kind] += 1

    assert missed == []
    assert min(tried.values()) >= TRIES // len(KINDS)
    assert found(app) == []
    app.close()


def test_a_lost_byte_and_a_lost_file_are_found(copy, world):
    app = an_app(copy, world)
    for pattern in KINDS.values():
        path = sorted(copy.glob(pattern))[0]
        whole = path.read_bytes()

        path.write_bytes(whole[:-1])
        assert found(app), f"{path.relative_to(copy)} cut"
        path.unlink()
        assert found(app), f"{path.relative_to(copy)} lost"
        path.write_bytes(whole)
    assert found(app) == []
    app.close()


def test_the_next_publish_makes_a_damaged_manifest_anew(lake, world, tmp_path):
    folder = shutil.copytree(lake, tmp_path / "lake")
    app = an_app(folder, world)
    path = folder / "tables" / "statements" / "_manifest.json"
    before = path.read_bytes()
    path.write_bytes(before.replace(b'"rows"', b'"rowz"', 1))

    app.publish(world.polls[-1].at)

    assert path.read_bytes() == before
    app.close()
