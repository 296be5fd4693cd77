"""The sample world under test: one lake, its passes, and what its tables hash to."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp

from pipeline.adapters.outlet import World, serve_world
from pipeline.app import App, open_app
from pipeline.batch import Extractor
from pipeline.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
SEEDS = ROOT / "seeds"
POLLS = ["p1", "p2", "p3", "p4"]
REBUILT = (
    "articles", "statements", "statement_spans", "statement_topics", "claims",
    "claim_links", "daily_figure_topic", "daily_figure_topic_act", "corrections",
)  # fmt: skip


class Remembering:
    """An extractor that reads each text once, however many passes a test makes."""

    def __init__(self, extractor: Extractor) -> None:
        self._extractor = extractor
        self._known: dict[object, object] = {}

    def __getattr__(self, name: str) -> object:
        return getattr(self._extractor, name)

    def quoted(self, texts, *, everyone=False, memory=None):
        asked = dict.fromkeys(texts)
        missing = [text for text in asked if (text, everyone) not in self._known]
        found = self._extractor.quoted(missing, everyone=everyone)
        for text, one in zip(missing, found, strict=True):
            self._known[text, everyone] = one
        return [self._known[text, everyone] for text in texts]


@cache
def an_extractor() -> Remembering:
    """The rules over the default config."""
    app = App(Settings(config=SEEDS / "config", lake=mkdtemp(), model="rules"))
    return Remembering(app.extractor)


def an_app(lake: Path, world: World, **settings: object) -> App:
    """An app over a lake, the world's hosts mapped, the model shared."""
    app = open_app(
        config=SEEDS / "config",
        lake=str(lake),
        model="rules",
        fetch={
            "hosts": dict(world.hosts()),
            "page_pause_seconds": 0,
            "everything": True,
        },
        **settings,
    )
    share_models(app)
    return app


def share_models(app: App) -> None:
    """Give an app over the default config the extractor and figures of the others."""
    app.__dict__["extractor"] = an_extractor()
    app.__dict__["figures"] = an_extractor().figures


@contextmanager
def the_world(folder: Path = SEEDS) -> Iterator[World]:
    for name in [n for n in os.environ if n.startswith("ONRECORD_")]:
        del os.environ[name]
    with serve_world(folder) as world:
        yield world


def passes(lake: Path, world: World, polls: list[str]) -> None:
    """One pass at each of these polls."""
    for poll in world.polls:
        if poll.id in polls:
            world.show(poll.id)
            app = an_app(lake, world)
            app.run(poll.at, everything=True)
            app.close()


def hashes(lake: Path, tables: tuple[str, ...] = REBUILT) -> dict[str, str]:
    """The SHA-256 of each published file of these tables, by its relative path."""
    return {
        str(path.relative_to(lake)): sha256(path.read_bytes()).hexdigest()
        for table in tables
        for path in sorted((lake / "tables" / table).rglob("*.parquet"))
    }


def sent(lake: Path) -> list[str]:
    """The ids of the alerts that reached the file channel, in order."""
    path = lake / "alerts.jsonl"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return [json.loads(line)["alert_id"] for line in lines]
