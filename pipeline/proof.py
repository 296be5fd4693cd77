"""Proof of a published day: from archived bytes over the article to the quoted words."""

from __future__ import annotations

from datetime import date

import pyarrow.compute as pc

from pipeline.errors import DamagedError
from pipeline.ids import digest
from pipeline.model import Article
from pipeline.ports import Archive, Lake
from pipeline.tables.convert import from_arrow
from pipeline.tables.schemas import TABLES


def faults(day: date, *, lake: Lake, archive: Archive) -> list[str]:
    """What does not hold, a line each; empty if every row is proved.

    Checked: the archive is there, or was removed as retention has it (``expired``); its
    own digests; the hash of each stored text and of its
    published row; each span's words at its place; references between tables.
    """
    found: list[str] = []
    for partition in archive.partitions(day):
        if partition.day == day:
            try:
                for _ in archive.read(partition):
                    pass
            except DamagedError as error:
                found.append(str(error))
    found += _lost(day, lake, archive)
    missing = [name for name in TABLES if day not in lake.published(name)]
    if missing:
        return found + [
            f"table {name}: this day's file is not there" for name in missing
        ]
    try:
        texts = _texts(day, lake, found)
        found += _articles(day, lake, texts)
        found += _spans(day, lake, texts)
        found += _references(day, lake)
    except DamagedError as error:
        found.append(str(error))
    return found


def expired(day: date, *, lake: Lake, archive: Archive) -> bool:
    """Whether answers of the day were removed since they are older than is kept."""
    return any(archive.expired(one) for one in lake.partitions("articles", day))


def _lost(day: date, lake: Lake, archive: Archive) -> list[str]:
    """Partitions with articles whose answers are neither there nor expired."""
    return [
        f"partition {one}: its archive is not there"
        for one in lake.partitions("articles", day)
        if not archive.holds(one) and not archive.expired(one)
        if (table := lake.read("articles", one)) is not None and table.num_rows
    ]


Texts = dict[tuple[str, int], Article]


def _texts(day: date, lake: Lake, found: list[str]) -> Texts:
    texts: Texts = {}
    for partition in lake.partitions("articles", day):
        table = lake.read("articles", partition)
        for article in from_arrow(Article, table) if table is not None else []:
            texts[article.article_id, article.revision] = article
            if digest(article.text) != article.text_sha256:
                found.append(f"article {article.article_id}: its text is not its hash")
    return texts


def _articles(day: date, lake: Lake, texts: Texts) -> list[str]:
    rows = lake.load("articles", day).to_pylist()
    published = {
        (row["article_id"], row["revision"]): row["text_sha256"] for row in rows
    }
    wrong = [
        f"article {key[0]} revision {key[1]}: published hash is not that of the text"
        for key, article in texts.items()
        if published.get(key) != article.text_sha256
    ]
    extra = set(published) - set(texts)
    return wrong + [f"article {key[0]}: published, not in the store" for key in extra]


def _spans(day: date, lake: Lake, texts: Texts) -> list[str]:
    wrong = []
    words: dict[str, list[str]] = {}
    for row in lake.load("statement_spans", day).to_pylist():
        article = texts.get((row["article_id"], row["revision"]))
        if article is None or article.text[row["start"] : row["end"]] != row["text"]:
            wrong.append(
                f"statement {row['statement_id']} span {row['span']}: not the words"
            )
        words.setdefault(row["statement_id"], []).append(row["text"])
    for row in lake.load("statements", day).to_pylist():
        if " … ".join(words.get(row["statement_id"], [])) != row["content"]:
            wrong.append(f"statement {row['statement_id']}: content is not its spans")
    return wrong


def _references(day: date, lake: Lake) -> list[str]:
    """Bridge tables and links name statements of the same day, and all of them."""
    wrong = []
    known = set(lake.load("statements", day)["statement_id"].to_pylist())
    for table in TABLES.values():
        if table.refers.get("statement_id") == "statements.statement_id":
            ids = set(pc.unique(lake.load(table.name, day)["statement_id"]).to_pylist())
            wrong += [
                f"{table.name}: no statement {one}" for one in sorted(ids - known)
            ]
    linked = set(lake.load("claim_links", day)["statement_id"].to_pylist())
    return wrong + [
        f"claim_links: statement {one} is missing" for one in sorted(known - linked)
    ]
