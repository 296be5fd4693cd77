"""News by the hundred thousand, made anew of texts that are at hand; the same every time.

``python -m bench.news --data DIR [--articles 5000]`` says what it is like. A tenth is about
the war: paragraphs of the sample world and of ``DIR/war``, and its statements put into
other leaders' mouths. The rest is American politics (``DIR/polnear``) and world, business and
sports news (``DIR/novelty``, the paraphrase corpus), sentence by sentence in new order.
Numbers, names that are nobody's on the roster, and in the war days, places and arms are drawn
anew for each article, so that no paragraph stands twice. 30 % are copies of wire stories,
cut and respelled as desks do. ``DIR`` is laid out as in ``bench.accuracy``.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path

from tests.articles.article_builders import desk_edit

ROOT = Path(__file__).resolve().parents[1]
WAR, COPIES = 0.1, 0.3
WIRE_EVERY = 15
"""One article in so many is a wire story; one wire story in 20 is told everywhere."""

SENTENCES = re.compile(
    r"(?<=[.!?][\"”’]) +(?=[A-Z“\"])|(?<=[a-z0-9)][.!?]) +(?=[A-Z“\"])"
)
SLOT = re.compile(r"(\d+(?:[.,]\d+)*|(?<=[a-z,] )[A-Z][a-z]{3,})")
KINDS = (
    "Kyiv Kharkiv Odesa Kherson Sumy Dnipro Lviv Poltava Chernihiv Mykolaiv Zhytomyr",
    "Donetsk Luhansk Zaporizhzhia Pokrovsk Bakhmut Avdiivka Kupiansk Toretsk Lyman",
    "missiles drones shells rockets bombs launchers mortars howitzers",
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "January February April June July August September October November December",
    "ceasefire truce armistice pause",
    "talks negotiations meetings consultations",
    "attack strike assault raid", "attacks strikes assaults raids",
    "soldiers troops fighters conscripts", "weeks months years days",
    "Poland Lithuania Norway Romania Finland Latvia Estonia Denmark Sweden Portugal",
    "bridge port depot refinery airfield substation railway dam",
    "villages towns districts settlements",
)  # fmt: skip
ALIKE = {word: kind.split() for kind in KINDS for word in kind.split()}
LIKE = re.compile(rf"\b({'|'.join(sorted(ALIKE))})\b")
SAID = ("said", "told reporters", "insisted", "warned", "claimed", "argued")
WHERE = ("in parliament", "after the meeting", "in an interview", "at a briefing",
         "on the sidelines of the summit", "in an evening address")  # fmt: skip

Pieces = tuple[str, ...]
"""A sentence: what stands, what may be drawn anew, what stands, ..."""


@dataclass(frozen=True, slots=True)
class News:
    """One article. ``place`` is how far into the day it came, 0 to 1."""

    number: int
    war: bool
    title: str
    paragraphs: tuple[str, ...]
    place: float
    copy_of: int | None = None

    @property
    def text(self) -> str:
        return "\n".join((self.title, *self.paragraphs))


class Newsroom:
    """Makes article ``n`` of ``count``, from the texts and ``n`` alone."""

    def __init__(self, data: Path, count: int, seed: int = 7) -> None:
        self.count, self.seed = count, seed
        for folder in ("polnear", "novelty", "war"):
            if not (data / folder).is_dir():
                raise SystemExit(f"{data}/{folder} is not there; see bench.news")
        prose = [tuple(SLOT.split(text)) for text in _prose(data)]
        seen = Counter(slot for pieces in prose for slot in pieces[1::2])
        self._common = {word for word, times in seen.items() if times >= 30}
        self._plain = [pieces for pieces in prose if self._varied(pieces)]
        self._war = _war_paragraphs(data)
        self._contents = _contents(data)
        with (ROOT / "config" / "figures.toml").open("rb") as file:
            figures = tomllib.load(file)["figures"]
        self.figures = [one for one in figures if one["kind"] == "person"]
        self._weights = list(
            accumulate(1 / rank for rank in range(1, len(self.figures) + 1))
        )
        for one in figures:
            for name in [one["name"], *one["names"]]:
                self._common.update(name.split())

    def _varied(self, pieces: Pieces) -> bool:
        """Whether so much of a sentence is drawn anew that it hardly comes twice."""
        own = [slot for slot in pieces[1::2] if slot not in self._common]
        digits = sum(char.isdigit() for slot in own for char in slot)
        return digits >= 3 or any(not slot[0].isdigit() for slot in own)

    def article(self, n: int) -> News:
        """Article ``n``; a wire copy is made of an article before it."""
        draw = random.Random(f"{self.seed}/{n}")
        place = (n + draw.random()) / self.count
        copied = draw.random() < COPIES and n % WIRE_EVERY != 0 and n > WIRE_EVERY
        if copied:
            base = self.article(_wire_story(n, draw))
            title, *body = desk_edit(base.text, n).split("\n")
            title = f"{base.title.rstrip('.')}, {title.lower()}"
            return News(n, base.war, title, tuple(body), place, base.number)
        war = draw.random() < WAR
        names: dict[str, str] = {}
        body = [
            self._war_paragraph(draw, names)
            if war
            else " ".join(
                self._drawn(draw.choice(self._plain), draw, names)
                for _ in range(draw.choice((1, 2, 2, 3)))
            )
            for _ in range(draw.randint(6, 14))
        ]
        first = " ".join(body[0].split()[:11]).rstrip(".,")
        return News(n, war, first, tuple(body), place)

    def said(self, draw: random.Random) -> tuple[dict[str, str], str]:
        """A figure, the first ones more often, and words of the war; for a record."""
        who = draw.choices(self.figures, cum_weights=self._weights)[0]
        return who, self._like(self._drawn(draw.choice(self._contents), draw, {}), draw)

    def _war_paragraph(self, draw: random.Random, names: dict[str, str]) -> str:
        if draw.random() < 0.4:
            who, words = self.said(draw)
            name, verb, words = who["name"], draw.choice(SAID), words.rstrip(" .,")
            where = draw.choice(WHERE)
            tail = f"{draw.randint(2, 900)} days into the year"
            if draw.random() < 0.5:
                return f"“{words},” {name} {verb} {where}, {tail}."
            low = words[0].lower() + words[1:] if words[1:2].islower() else words
            return f"{name} {verb} {where} that {low}, {tail}."
        text = self._drawn(draw.choice(self._war), draw, names)
        text = self._like(text, draw)
        return (
            f"{text} It was report {draw.randint(2, 99_999)} from {self._name(draw)}."
        )

    def _drawn(self, pieces: Pieces, draw: random.Random, names: dict[str, str]) -> str:
        out = list(pieces)
        for nth in range(1, len(out), 2):
            slot = out[nth]
            if slot[0].isdigit():
                out[nth] = re.sub(
                    r"\d", lambda found: str(draw.randint(found.start() == 0, 9)), slot
                )
            elif slot not in self._common:
                out[nth] = names.setdefault(slot, self._name(draw))
        return "".join(out)

    @staticmethod
    def _like(text: str, draw: random.Random) -> str:
        return LIKE.sub(lambda found: draw.choice(ALIKE[found[0]]), text)

    @staticmethod
    def _name(draw: random.Random) -> str:
        ends = ("son", "ley", "man", "ova", "etti", "berg", "wick", "ard", "eau", "ini")
        return (
            draw.choice("BCDFGHKLMNPRSTVW")
            + draw.choice(("a", "e", "i", "o", "u", "ar", "el", "in", "or", "al"))
            + draw.choice("bdfgklmnprstvz")
            + draw.choice(("a", "e", "i", "o", "", ""))
            + draw.choice(ends)
        )


def _wire_story(n: int, draw: random.Random) -> int:
    """A wire story before ``n``: the one that is told everywhere, or one of the last."""
    latest = (n - 1) // WIRE_EVERY
    if draw.random() < 0.4:
        return latest // 20 * 20 * WIRE_EVERY
    return max(0, latest - int(40 * draw.random() ** 2)) * WIRE_EVERY


def _prose(data: Path) -> Iterator[str]:
    for part in ("train", "dev"):
        for text in _texts(data / "polnear" / f"polnear-{part}.jsonl"):
            for line in text.split("\n"):
                found = SENTENCES.split(line.strip())
                yield from (one for one in found if 40 < len(one) < 400)
    with (data / "novelty" / "mrpc_train.tsv").open(encoding="utf-8-sig") as file:
        for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield from row[3:5]


def _texts(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)["text"]


def _war_paragraphs(data: Path) -> list[Pieces]:
    texts = [*_texts(data / "war" / "articles.jsonl"), *_sample()]
    lines = (line.strip() for text in texts for line in text.split("\n")[1:])
    return [tuple(SLOT.split(line)) for line in lines if len(line) > 60]


def _contents(data: Path) -> list[Pieces]:
    pairs = (data / "war" / "pairs.jsonl").read_text("utf-8").splitlines()
    words = [one[side]["text"] for one in map(json.loads, pairs) for side in "ab"]
    return [tuple(SLOT.split(" ".join(one.replace('"', "").split()))) for one in words]


def _sample() -> Iterator[str]:
    """The articles of the sample world's feeds."""
    from pipeline.articles.normalise import to_draft
    from pipeline.feeds.parse import parse_feed
    from pipeline.model import Answer, Bounds, Feed, Response

    at = datetime(2026, 3, 3, 14, tzinfo=UTC)
    feed = Feed(id="sample", url="", outlet="")
    for name in ("world.xml", "atom.xml", "news.rdf"):
        for path in sorted((ROOT / "seeds" / "world").rglob(name)):
            response = Response(
                kind=Answer.FEED, feed_id=feed.id, url="http://x/", status=200,
                final_url="http://x/", headers={"content-type": "application/xml"},
                body=path.read_bytes(), fetched_at=at,
            )  # fmt: skip
            for entry in parse_feed(response, Bounds()).entries:
                draft = to_draft(entry, feed, None, at)
                if draft is not None and "Ukrain" in draft.text:
                    yield draft.text


def likeness(news: Sequence[News]) -> str:
    """What a day is like, in a line."""
    own = [one for one in news if one.copy_of is None]
    lines = Counter(line for one in own for line in one.paragraphs)
    copies = Counter(one.copy_of for one in news if one.copy_of is not None)
    words = sum(len(one.text.split()) for one in news)
    return (
        f"{len(news):,} articles of {words / len(news):.0f} words; about the war "
        f"{sum(one.war for one in news) / len(news):.1%}; wire copies "
        f"{copies.total() / len(news):.1%}, of one story at most {max(copies.values())}; "
        f"paragraphs that stand twice in others: {lines.total() - len(lines)} of "
        f"{lines.total():,}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--articles", type=int, default=5_000)
    parser.add_argument("--show", type=int, default=0, help="print so many of them")
    given = parser.parse_args()
    room = Newsroom(given.data, given.articles)
    news = [room.article(n) for n in range(given.articles)]
    print(likeness(news))
    for one in news[: given.show]:
        print(f"\n--- {one.number}, war: {one.war}, copy of {one.copy_of}\n{one.text}")


if __name__ == "__main__":
    main()
