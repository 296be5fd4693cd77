"""The explorer's data: each published day as a script that a page reads from a disk, too.

Browsers let a page that was opened from a folder load scripts beside it, and nothing
else. So a day is a Parquet file, gzip, Base64, in a call of one function, and the explorer
needs no server. The list of days is a script of the same kind.
"""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from io import BytesIO
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

FORMAT = "1"
"""Of the scripts; another one makes every day's script anew."""

SPAN = "\x1a"
"""Stands in ``context`` where a span of the words stands: they are there already."""

NEEDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "statements": (
            "statement_id", "article_id", "revision", "figure_id", "figure", "content",
            "voice", "act", "cue", "about_topic", "is_old", "said_on", "in_title",
            "nested", "context", "outlet", "outlet_kind", "language", "title", "url",
            "published_at", "first_seen_at", "backlog", "confidence",
        ),
        "claim_links": (
            "statement_id", "claim_id", "relation", "earlier_statement_id",
            "earlier_claim_id", "score", "reasons",
        ),
        "statement_topics": ("statement_id", "subtopic"),
        "corrections": ("kind", "statement_id", "new_statement_id", "at"),
    }
)  # fmt: skip
"""What is read of each published table."""

_HEAD = re.compile(r"// On Record, explorer (\S+): (\d+) statements, from (\S+)")
_FLAGS = ("about_topic", "is_old", "in_title", "backlog")
_MOMENTS = ("published_at", "first_seen_at", "said_on")


@dataclass(frozen=True, slots=True)
class Day:
    """A line of the list of days; ``made_from`` is that of its script."""

    day: date
    statements: int
    made_from: str


def made_from(hashes: Mapping[str, str]) -> str:
    """What a day's script was made from: SHA-256 over table names, their files' SHA-256,
    and the format of the script."""
    lines = [FORMAT, *(f"{name} {hashes[name]}" for name in sorted(hashes))]
    return sha256("\n".join(lines).encode()).hexdigest()


def head(source: str, statements: int) -> str:
    """The first line of a day's script: what it was made from, and how many it holds."""
    return f"// On Record, explorer {FORMAT}: {statements} statements, from {source}"


def held(first_line: str, source: str) -> int | None:
    """How many statements a script holds by its first line; None where it was not made
    from ``source``."""
    found = _HEAD.fullmatch(first_line)
    return int(found[2]) if found and found.group(1, 3) == (FORMAT, source) else None


def day_script(day: date, tables: Mapping[str, pa.Table], source: str) -> str:
    """The script of a day; ``tables`` are those of ``NEEDS``. ValueError names a column
    that is missing."""
    rows, file = day_table(tables), BytesIO()
    pq.write_table(
        rows,
        file,
        compression="none",  # the whole is: a browser has gzip of its own
        write_statistics=False,
        store_schema=False,
    )
    corrections = [
        [row["statement_id"], row["kind"], row["new_statement_id"], _minutes(row["at"])]
        for row in _held(tables, "corrections").to_pylist()
        if row["kind"] != "wire_merged"  # of no statement
    ]
    told = _json([day.isoformat(), corrections])
    body = b64encode(gzip.compress(file.getvalue(), 9, mtime=0)).decode("ascii")
    return f'{head(source, rows.num_rows)}\nonrecord.day({told[1:-1]},"{body}");\n'


def index_script(
    days: Sequence[Day],
    *,
    names: Mapping[str, str],
    version: str,
    digests: Sequence[date],
) -> str:
    """The list of days, the latest first, and the names of sub-topics.

    ``digests`` are the days whose page lies in the folder above."""
    told = {
        "version": version,
        "format": FORMAT,
        "names": dict(sorted(names.items())),
        "digests": [day.isoformat() for day in sorted(digests)],
        "days": [
            [one.day.isoformat(), one.statements, one.made_from[:16]]
            for one in sorted(days, key=lambda one: one.day, reverse=True)
        ],
    }
    return f"onrecord.index({_json(told)});\n"


def day_table(tables: Mapping[str, pa.Table]) -> pa.Table:
    """A row a statement, in the order of the table: its columns, those of its link to a
    claim, its sub-topics joined by blanks. ValueError names a statement without a link.

    Moments are minutes since 1970, flags 0 or 1: numbers that JavaScript holds as they
    are.
    """
    said = _held(tables, "statements")
    links = _held(tables, "claim_links")
    place = pc.index_in(said["statement_id"], value_set=links["statement_id"])
    if place.null_count:
        lost = said["statement_id"].filter(pc.is_null(place))[0]
        raise ValueError(f"claim_links: none of statement {lost}")
    topics: dict[str, list[str]] = {}
    for row in _held(tables, "statement_topics").to_pylist():
        topics.setdefault(row["statement_id"], []).append(row["subtopic"])
    columns = {name: said[name] for name in NEEDS["statements"]}
    columns |= {name: columns[name].cast(pa.int32()) for name in (*_FLAGS, "revision")}
    columns |= {name: _minutes_of(columns[name]) for name in _MOMENTS}
    columns["context"] = pa.array(
        map(around, said["context"].to_pylist(), said["content"].to_pylist()),
        pa.string(),
    )
    columns["confidence"] = columns["confidence"].cast(pa.float32())
    for name in NEEDS["claim_links"][1:]:
        columns[name] = links[name].take(place)
    columns["score"] = columns["score"].cast(pa.float32())
    columns["subtopics"] = pa.array(
        (" ".join(sorted(topics.get(one, []))) for one in said["statement_id"].to_pylist()),
        pa.string(),
    )  # fmt: skip
    return pa.table(columns)


def around(context: str, content: str) -> str:
    """The context with ``SPAN`` in the place of each span of the words; as it is where a
    span is not found in it, in order."""
    context = context.replace(SPAN, " ")
    shown, at = "", 0
    for span in content.split(" … "):
        start = context.find(span, at) if span else -1
        if start < 0:
            return context
        shown += context[at:start] + SPAN
        at = start + len(span)
    return shown + context[at:]


def _held(tables: Mapping[str, pa.Table], name: str) -> pa.Table:
    table = tables[name]
    for column in NEEDS[name]:
        if column not in table.column_names:
            raise ValueError(f"{name}.{column}: missing in the table given")
    return table.select(list(NEEDS[name])).combine_chunks()


def _minutes_of(column: pa.ChunkedArray) -> pa.ChunkedArray:
    seconds = column.cast(pa.timestamp("s", "UTC"), safe=False).cast(pa.int64())
    return pc.floor(pc.divide(seconds.cast(pa.float64()), 60)).cast(pa.int32())


def _minutes(moment: Any) -> int:
    return int(moment.timestamp() // 60)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))
