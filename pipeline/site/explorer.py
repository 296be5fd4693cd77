"""The explorer's data: each published day or past month as scripts that a page reads from a
disk, too.

Browsers let a page that was opened from a folder load scripts beside it, and nothing
else. So a part of the record, a month that is over or a day, is its columns in JSON, gzip,
Base64, in a call of one function, and the explorer needs no server. A second script of each
part holds what only an opened statement or a download shows. The list of parts is a script
of the same kind.
"""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

FORMAT = "2"
"""Of the scripts; another one makes every script anew."""

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

SEPARATOR = "\x1f"
"""Between the texts of a column, which are one string: a browser cuts it when needed."""

_LISTED = ("statement_id", "claim_id", "content", "cue", "title", "earlier_statement_id",
           "earlier_claim_id")  # fmt: skip
_OPENED = ("article_id", "context", "nested", "url", "reasons")
_CODED = ("figure_id", "act", "relation", "outlet", "outlet_kind", "voice", "language",
          "subtopics")  # fmt: skip
_NUMBERS = ("published_at", "first_seen_at", "about_topic", "backlog")
_NUMBERS_OPENED = ("said_on", "revision", "is_old", "in_title", "confidence", "score")

_HEAD = re.compile(r"// On Record, explorer (\S+): (\d+) statements, from (\S+)")
_FLAGS = ("about_topic", "is_old", "in_title", "backlog")
_MOMENTS = ("published_at", "first_seen_at", "said_on")


@dataclass(frozen=True, slots=True)
class Part:
    """A line of the list of parts; ``made_from`` is that of its scripts."""

    name: str
    statements: int
    made_from: str


def parts(days: Iterable[date]) -> dict[str, list[date]]:
    """The days of each part, in order: those of the last month alone, others by month.

    A browser pays for each script, and a day that closes changes one script, not a month.
    """
    found: dict[str, list[date]] = {}
    days = sorted(days)
    for day in days:
        last = (day.year, day.month) == (days[-1].year, days[-1].month)
        found.setdefault(f"{day}" if last else f"{day:%Y-%m}", []).append(day)
    return found


def made_from(hashes: Mapping[str, str]) -> str:
    """What a part's scripts were made from: SHA-256 over days and table names, their
    files' SHA-256, and the format of the scripts."""
    lines = [FORMAT, *(f"{name} {hashes[name]}" for name in sorted(hashes))]
    return sha256("\n".join(lines).encode()).hexdigest()


def head(source: str, statements: int) -> str:
    """The first line of a script: what it was made from, and how many it holds."""
    return f"// On Record, explorer {FORMAT}: {statements} statements, from {source}"


def held(first_line: str, source: str) -> int | None:
    """How many statements a script holds by its first line; None where it was not made
    from ``source``."""
    found = _HEAD.fullmatch(first_line)
    return int(found[2]) if found and found.group(1, 3) == (FORMAT, source) else None


def part_scripts(
    name: str, days: Sequence[Mapping[str, pa.Table]], source: str
) -> tuple[str, str]:
    """The script of a part and that of what is opened; ``days`` are the tables of
    ``NEEDS`` of each of its days. ValueError names a column that is missing."""
    rows = pa.concat_tables([day_table(tables) for tables in days])
    corrections = [
        [row["statement_id"], row["kind"], row["new_statement_id"], _minutes(row["at"])]
        for tables in days
        for row in _held(tables, "corrections").to_pylist()
        if row["kind"] != "wire_merged"  # of no statement
    ]
    told = _json([name, corrections, rows.num_rows])[1:-1]
    first = head(source, rows.num_rows)
    listed, opened = map(_packed, columns(rows))
    return (
        f'{first}\nonrecord.part({told},"{listed}");\n',
        f'{first}\nonrecord.more({_json(name)},"{opened}");\n',
    )


def index_script(
    there: Sequence[Part],
    *,
    days: Sequence[date],
    names: Mapping[str, str],
    version: str,
    digests: Sequence[date],
) -> str:
    """The list of parts, the latest first, and the names of sub-topics.

    ``days`` are the published ones, ``digests`` those whose page lies in the folder
    above."""
    told = {
        "version": version,
        "format": FORMAT,
        "names": dict(sorted(names.items())),
        "digests": [day.isoformat() for day in sorted(digests)],
        "days": [len(days), *(str(f(days)) for f in (min, max) if days)],
        "parts": [
            [one.name, one.statements, one.made_from[:16]]
            for one in sorted(there, key=lambda one: one.name, reverse=True)
        ],
    }
    return f"onrecord.index({_json(told)});\n"


def columns(rows: pa.Table) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a list needs of the rows, and what an opened statement does.

    A text column is one string, its rows joined by ``SEPARATOR``; a coded one has its
    values, and their places in that list by row; the names of figures go by their ids.
    """

    def joined(name: str) -> str:
        texts = (text or "" for text in rows[name].to_pylist())
        return SEPARATOR.join(text.replace(SEPARATOR, " ") for text in texts)

    def coded(name: str) -> list[Any]:
        held = rows[name].combine_chunks().dictionary_encode()
        return [held.dictionary.to_pylist(), held.indices.to_pylist()]

    ids, names = rows["figure_id"].to_pylist(), rows["figure"].to_pylist()
    listed = {
        "text": {name: joined(name) for name in _LISTED},
        "coded": {name: coded(name) for name in _CODED},
        "number": {name: rows[name].to_pylist() for name in _NUMBERS},
        "figures": dict(zip(ids, names, strict=True)),
    }
    opened = {
        "text": {name: joined(name) for name in _OPENED},
        "number": {
            name: [one if one is None else round(one, 4) for one in rows[name].to_pylist()]
            for name in _NUMBERS_OPENED
        },
    }  # fmt: skip
    return listed, opened


def _packed(value: Any) -> str:
    body = gzip.compress(
        json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(),
        6,
        mtime=0,
    )
    return b64encode(body).decode("ascii")


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
    made = {name: said[name] for name in NEEDS["statements"]}
    made |= {name: made[name].cast(pa.int32()) for name in (*_FLAGS, "revision")}
    made |= {name: _minutes_of(made[name]) for name in _MOMENTS}
    made["context"] = pa.array(
        map(around, said["context"].to_pylist(), said["content"].to_pylist()),
        pa.string(),
    )
    for name in NEEDS["claim_links"][1:]:
        made[name] = links[name].take(place)
    made["subtopics"] = pa.array(
        (" ".join(sorted(topics.get(one, []))) for one in said["statement_id"].to_pylist()),
        pa.string(),
    )  # fmt: skip
    return pa.table(made)


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
