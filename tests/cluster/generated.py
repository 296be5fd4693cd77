"""The sample world with a large day after it: hundreds of articles put together at random.

Paragraphs are those of the sample's articles, their figures drawn anew, so that each text
has quotations to find and is none of the others' copy.
"""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.world import SEEDS

FIRST = datetime(2026, 3, 4, 6, 0, tzinfo=UTC)
_BODY = re.compile(r"<content:encoded><!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_ITEM = """<item><title>{title}</title><link>http://herald.example/{poll}/{nth}</link>
<guid isPermaLink="false">{poll}-{nth}</guid><pubDate>{at:%a, %d %b %Y %H:%M:%S} GMT</pubDate>
<content:encoded><![CDATA[{body}]]></content:encoded></item>
"""


def larger_world(folder: Path, articles: Sequence[int], *, seed: int = 1) -> Path:
    """A copy of the sample world with more polls, an hour apart, each with so many new
    articles of one outlet; the folder, for ``serve_world``."""
    chance = random.Random(seed)
    shutil.copytree(SEEDS / "world", folder / "world")
    listed = (SEEDS / "world.toml").read_text("utf-8")
    paragraphs = sorted(set(_paragraphs()))
    for number, many in enumerate(articles, 1):
        poll, at = f"g{number}", FIRST + timedelta(hours=number - 1)
        listed += f'\n[[polls]]\nid = "{poll}"\nat = {at:%Y-%m-%dT%H:%M:%SZ}\n'
        items = "".join(
            _ITEM.format(poll=poll, nth=nth, at=at, **_article(chance, paragraphs))
            for nth in range(many)
        )
        path = folder / "world" / poll / "herald.example" / "rss" / "world.xml"
        path.parent.mkdir(parents=True)
        path.write_text(
            '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/">'
            f"<channel><title>The Herald: World</title>{items}</channel></rss>",
            "utf-8",
        )
    (folder / "world.toml").write_text(listed, "utf-8")
    return folder


def _paragraphs() -> Iterator[str]:
    for path in sorted((SEEDS / "world").rglob("world.xml")):
        for body in _BODY.findall(path.read_text("utf-8")):
            yield from re.findall(r"<p>(.*?)</p>", body, re.DOTALL)


def _article(chance: random.Random, paragraphs: list[str]) -> dict[str, str]:
    chosen = [
        re.sub(r"\b\d\d?\b", lambda _: str(chance.randrange(2, 99)), one)
        for one in chance.sample(paragraphs, chance.randrange(6, 10))
    ]
    title = re.sub(r"<[^>]*>", "", chosen[0])[:70].rsplit(" ", 1)[0]
    return {"title": title, "body": "".join(f"<p>{one}</p>" for one in chosen)}
