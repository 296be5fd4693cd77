"""Proof of a published day: from archived bytes over the article to the quoted words."""

from __future__ import annotations

from datetime import date
from hashlib import sha256

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import DamagedError
from pipeline.ids import digest
from pipeline.model import Partition
from pipeline.ports import Archive, Lake
from pipeline.tables import checks
from pipeline.tables.manifest import datapackage, origin
from pipeline.tables.schemas import TABLES


def faults(day: date, *, lake: Lake, archive: Archive) -> list[str]:
    """What does not hold, a line each; empty if every row is proved.

    Checked: the archive is there, or was removed as retention has it (``expired``); its
    seals and digests; each table's manifest, the bytes of its file and of the working
    partitions it was made from; the rules of the registry; the hash of each stored text
    and of its published row; each span's words at its place; references between tables.
    """
    found: list[str] = []
    for partition in archive.partitions(day):
        if partition.day == day:
            try:
                found += archive.faults(partition)
                for _ in archive.read(partition):
                    pass
            except DamagedError as error:
                found.append(str(error))
    try:
        found += _lost(day, lake, archive)
    except DamagedError as error:
        found.append(str(error))
    found += _unlisted(lake) + _months(day, lake)
    if day < _first(lake):  # what was published before the first pass saw it
        early = [n for n in TABLES if day in lake.published(n)]
        return found + [line for n in early for line in _written(n, day, lake, archive)]
    missing = [name for name in TABLES if day not in lake.published(name)]
    if missing:
        return found + [
            f"table {name}: this day's file is not there" for name in missing
        ]
    written = [line for name in TABLES for line in _written(name, day, lake, archive)]
    found += written + _package(lake)
    if written:
        return found  # what is not what was written need not be read
    try:
        hashes, texts = _texts(day, lake, found)
        found += _rules(day, lake)
        found += _articles(day, lake, hashes)
        found += _spans(day, lake, texts)
        found += _references(day, lake)
    except DamagedError as error:
        found.append(str(error))
    return found


def _first(lake: Lake) -> date:
    """The first day that tables go by which do not go by the day of publication."""
    names = [name for name, table in TABLES.items() if table.day != "published_at"]
    return min(
        (day for name in names for day in lake.published(name)), default=date.max
    )


def _written(name: str, day: date, lake: Lake, archive: Archive) -> list[str]:
    """Whether a table-day and what it was made from are what the manifest says."""
    try:
        entry, body = lake.stands(name, day)
        there = origin(name, day, archive=archive, lake=lake)
    except DamagedError as error:
        return [str(error)]
    if entry is None:
        return [f"table {name}: no entry for {day} in its manifest; onrecord publish"]
    if (len(body), sha256(body).hexdigest()) != (entry.bytes, entry.sha256):
        return [f"table {name}: its file of {day} is not the one in the manifest"]
    if there != entry.made_from:
        return [
            f"table {name}: the working partitions or archived files of {day} are not "
            f"those that it was made from; onrecord rebuild --from {day}"
        ]
    return []


def _unlisted(lake: Lake) -> list[str]:
    """Table-days that a manifest lists and that are not there."""
    wrong = []
    for name in TABLES:
        try:
            listed = set(lake.manifest(name))
        except DamagedError as error:
            wrong.append(str(error))
            continue
        gone = sorted(listed - set(lake.published(name)))
        wrong += [f"table {name}: its file of {day} is not there" for day in gone]
    return wrong


def _months(day: date, lake: Lake) -> list[str]:
    """Whether the compacted files of the day's month are what their manifest says."""
    wrong = []
    month = f"{day:%Y-%m}"
    for name in TABLES:
        try:
            entry = lake.months(name).get(month)
            if entry is None:
                continue
            body = lake.month_bytes(name, month)
        except DamagedError as error:
            wrong.append(str(error))
            continue
        if (len(body), sha256(body).hexdigest()) != (entry.bytes, entry.sha256):
            wrong.append(
                f"table {name}: compacted {month} is not the one in its manifest"
            )
    return wrong


def _package(lake: Lake) -> list[str]:
    days = {name: lake.published(name) for name in TABLES}
    if lake.package() == datapackage(days):
        return []
    return ["datapackage.json is not that of these tables; onrecord publish"]


def _rules(day: date, lake: Lake) -> list[str]:
    """The checks on write, once more: an older version may have let something pass."""
    tables = {name: lake.load(name, day) for name in TABLES}
    alone = [
        line for name, rows in tables.items() for line in checks.faults(name, rows)
    ]
    return alone + list(checks.day_faults(tables))


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


Texts = dict[tuple[str, int], str]


def _texts(day: date, lake: Lake, found: list[str]) -> tuple[Texts, Texts]:
    """The hash of each text in the store, which must be that of its words; and the texts
    that hold a statement."""
    quoted = lake.load("statement_spans", day)["article_id"].combine_chunks()
    hashes: Texts = {}
    texts: Texts = {}
    for partition in lake.partitions("articles", day):
        for rows in _batches(lake, partition):
            held = pc.is_in(rows["article_id"], value_set=quoted).to_pylist()
            for row, is_quoted in zip(rows.to_pylist(), held, strict=True):
                key = row["article_id"], row["revision"]
                hashes[key] = row["text_sha256"]
                if is_quoted:
                    texts[key] = row["text"]
                if digest(row["text"]) != row["text_sha256"]:
                    found.append(f"article {key[0]}: its text is not its hash")
    return hashes, texts


def _batches(lake: Lake, partition: Partition) -> list[pa.RecordBatch]:
    columns = ["article_id", "revision", "text", "text_sha256"]
    table = lake.read("articles", partition, columns)
    return table.to_batches(max_chunksize=1_000) if table is not None else []


def _articles(day: date, lake: Lake, hashes: Texts) -> list[str]:
    rows = lake.load("articles", day)
    published = {
        (name, revision): text_sha256
        for name, revision, text_sha256 in zip(
            *(
                rows[column].to_pylist()
                for column in ("article_id", "revision", "text_sha256")
            ),
            strict=True,
        )
    }
    wrong = [
        f"article {key[0]} revision {key[1]}: published hash is not that of the text"
        for key, text_sha256 in hashes.items()
        if published.get(key) != text_sha256
    ]
    extra = set(published) - set(hashes)
    return wrong + [f"article {key[0]}: published, not in the store" for key in extra]


def _spans(day: date, lake: Lake, texts: Texts) -> list[str]:
    wrong = []
    words: dict[str, list[str]] = {}
    for row in lake.load("statement_spans", day).to_pylist():
        text = texts.get((row["article_id"], row["revision"]))
        if text is None or text[row["start"] : row["end"]] != row["text"]:
            wrong.append(
                f"statement {row['statement_id']} span {row['span']}: not the words"
            )
        words.setdefault(row["statement_id"], []).append(row["text"])
    said = lake.load("statements", day)
    for name, content in zip(
        said["statement_id"].to_pylist(), said["content"].to_pylist(), strict=True
    ):
        if " … ".join(words.get(name, [])) != content:
            wrong.append(f"statement {name}: content is not its spans")
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
