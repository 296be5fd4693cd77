"""Stories for tests, made by hand and by edits as desks make them."""

from __future__ import annotations

import random
from datetime import datetime
from typing import Any

from pipeline.articles.duplicates import signature
from pipeline.articles.revisions import identify, seen_of
from pipeline.ids import digest
from pipeline.model import Article, DateSource, Draft, Entry, SeenArticle, TextSource
from tests.builders import NOON, a_feed

PARAGRAPHS = (
    "Volodymyr Zelensky has raised his estimate of the air defences that Ukraine "
    "needs, telling a newspaper that 15 batteries, not 12, were now required.",
    "In an interview published on Monday, he blamed the change on the loss of two "
    "launchers in February and on the growing range of Russian glide bombs.",
    "“On Saturday I said twelve. Today it is fifteen, and if we wait until summer it "
    "will be twenty,” he said.",
    "The president also suggested that he would be willing to meet Vladimir Putin "
    "anywhere but in Moscow or Minsk.",
    "The chancellor, who has promised Kyiv two more systems by the end of April, did "
    "not respond to the new figure.",
)
HTML = "".join(f"<p>{one}</p>" for one in PARAGRAPHS)
TITLE = "Ukraine now needs 15 batteries, says Zelensky"


def an_entry(**values: Any) -> Entry:
    made = {
        "feed_id": "herald",
        "guid": "herald-1",
        "link": "http://herald.example/2026/batteries?utm_source=rss",
        "title": TITLE,
        "summary_html": PARAGRAPHS[0],
        "html": HTML,
        "published_at": NOON,
    } | values
    return Entry(**made)


def a_draft(text: str = "\n".join((TITLE, *PARAGRAPHS)), **values: Any) -> Draft:
    made = {
        "feed_id": "herald",
        "url": "http://herald.example/2026/batteries",
        "guid": "herald-1",
        "title": text.partition("\n")[0],
        "text": text,
        "text_sha256": digest(text),
        "text_source": TextSource.FEED,
        "declared": ("en",),
        "author": "",
        "published_at": NOON,
        "published_at_source": DateSource.FEED,
    } | values
    return Draft(**made)


class Memory:
    """What ``read`` remembers, as the steps keep it."""

    def __init__(self) -> None:
        self.seen: list[SeenArticle] = []

    def tell(
        self, draft: Draft, *, at: datetime = NOON, wire_group: str | None = None
    ) -> Article | None:
        feed = a_feed(id=draft.feed_id)
        article = identify(draft, feed, self.seen, at=at, wire_group=wire_group)
        if article is not None:
            self.seen.append(seen_of(article, signature(article.text)))
        return article


def a_story(seed: int, sentences: int = 24) -> str:
    """A story of invented sentences, six paragraphs under a headline."""
    chance = random.Random(seed)
    names = [
        f"{a}{b}" for a in ("Mar", "Vel", "Tor", "Kas") for b in ("in", "ov", "ek")
    ]
    nouns = [
        "fuel",
        "grain",
        "bridge",
        "harbour",
        "treaty",
        "budget",
        "convoy",
        "border",
        "court",
        "strike",
    ]
    verbs = [
        "delayed",
        "rejected",
        "approved",
        "described",
        "visited",
        "repaired",
        "closed",
        "counted",
    ]
    ends = [
        "on Monday",
        "at dawn",
        "without notice",
        "for the third time",
        "after the vote",
    ]
    lines = [
        f"{chance.choice(names)} {chance.choice(verbs)} the {chance.choice(nouns)} "
        f"{chance.choice(ends)} and the {chance.choice(nouns)} was "
        f"{chance.choice(verbs)} by {chance.randint(3, 900)} people near "
        f"{chance.choice(names)}."
        for _ in range(sentences)
    ]
    size = max(1, sentences // 6)
    body = [" ".join(lines[n : n + size]) for n in range(0, sentences, size)]
    return "\n".join([f"Headline {seed}", *body])


def desk_edit(text: str, seed: int) -> str:
    """The story as another desk prints it: retitled, cut, respelled, added to."""
    chance = random.Random(f"desk {seed}")
    _, *body = text.split("\n")
    kind = seed % 5
    if kind == 1:
        body = body[: max(2, round(len(body) * 0.6))]
    elif kind == 2:
        own = a_story(seed + 70_000, 8).split("\n")[1:]
        body.insert(chance.randrange(len(body) + 1), " ".join(own))
    elif kind == 3:
        body = body[: max(2, round(len(body) * 0.5))]
        body.append(" ".join(a_story(seed + 80_000, 4).split("\n")[1:]))
    elif kind == 4:
        body = [line.replace(" the ", " a ", 1).replace("ou", "o") for line in body]
    words = [line.split(" ") for line in body]
    for line in words:
        for _ in range(len(line) // 40):
            line[chance.randrange(len(line))] = chance.choice(["said", "late", "new"])
    return "\n".join([f"Another headline {seed}", *(" ".join(line) for line in words)])
