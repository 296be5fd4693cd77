"""What lies beside the data: a manifest per table, and a data package over all of them.

A manifest is sealed: canonical JSON that holds its own SHA-256, so that one changed byte
anywhere in it is found. The same table-days give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from pipeline.model import Partition, TableDay
from pipeline.ports import Archive, Lake
from pipeline.tables.schemas import MOMENT, SCHEMA_VERSION, TABLES, Field, Table

MADE_FROM: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "articles": ("articles",),
        "statements": ("statements",),
        "claim_links": ("links",),
        "corrections": ("corrections", "merges"),
        "feed_health": ("polls",),
    }
)
"""The working partitions of a day that a table's rows come from."""


def origin(name: str, day: date, *, archive: Archive, lake: Lake) -> str:
    """What a table-day is made from, as one SHA-256 over path and SHA-256 of each working
    partition, and for articles of each archived file, those that retention removed
    included; empty where it is made from no partition of its own."""
    if name not in MADE_FROM:
        return ""
    found = _sources(name, day, archive=archive, lake=lake)
    return _origin_of(found, max(found, default=None))


def published_upto(day: date, *, archive: Archive, lake: Lake) -> Partition | None:
    """The last partition that the day's tables were made of, in each of them what their
    manifest says; None where there is no such: they are of no one moment."""
    made_from, sources = {}, {}
    for name in MADE_FROM:
        entry = lake.manifest(name).get(day)
        if entry is None:
            return None
        made_from[name] = entry.made_from
        sources[name] = _sources(name, day, archive=archive, lake=lake)
    before = Partition.at(datetime.combine(day, time.min, UTC) - timedelta(seconds=1))
    there = {partition for found in sources.values() for partition in found}
    for last in (*sorted(there, reverse=True), before):
        if all(_origin_of(sources[n], last) == made_from[n] for n in MADE_FROM):
            return last
    return None


def _sources(
    name: str, day: date, *, archive: Archive, lake: Lake
) -> dict[Partition, dict[str, str]]:
    """Path and SHA-256 of what a table-day is made from, by partition."""
    found: dict[Partition, dict[str, str]] = {}
    for source in MADE_FROM[name]:
        for partition in lake.partitions(source, day):
            path, made = lake.work_sha256(source, partition)
            found.setdefault(partition, {})[path] = made
    if name == "articles":
        for partition in sorted({*archive.partitions(day, day), *found}):
            found.setdefault(partition, {}).update(archive.seals(partition))
    return found


def _origin_of(
    sources: Mapping[Partition, Mapping[str, str]], last: Partition | None
) -> str:
    """One SHA-256 over the sources of partitions up to the last."""
    held: dict[str, str] = {}
    for partition, found in sources.items():
        if last is not None and partition <= last:
            held |= found
    return digest(held)


def to_json(table: str, days: Mapping[date, TableDay]) -> bytes:
    """``_manifest.json`` of a table: an entry for each day, in order."""
    held = {str(day): asdict(days[day]) for day in sorted(days)}
    return sealed({"table": table, "days": held})


def from_json(body: bytes) -> dict[date, TableDay]:
    """The entries that ``to_json`` wrote. ValueError where a byte is another."""
    held = unsealed(body)
    return {date.fromisoformat(d): TableDay(**e) for d, e in held["days"].items()}


def months_to_json(table: str, months: Mapping[str, TableDay]) -> bytes:
    """``_manifest.json`` of a table's compacted months (``YYYY-MM``)."""
    held = {month: asdict(months[month]) for month in sorted(months)}
    return sealed({"table": table, "files": _A_FILE, "months": held})


def months_from_json(body: bytes) -> dict[str, TableDay]:
    """The entries that ``months_to_json`` wrote; none where an older version laid out the
    files in another way. ValueError where a byte is another."""
    held = unsealed(body)
    if held.get("files") != _A_FILE:
        return {}
    return {m: TableDay(**e) for m, e in held["months"].items()}


_A_FILE = "one a figure and month"


def origin_of_month(days: Mapping[date, TableDay]) -> str:
    """One SHA-256 over those of the days of a month."""
    return digest({str(day): entry.sha256 for day, entry in days.items()})


def digest(hashes: Mapping[str, str]) -> str:
    """One SHA-256 over names and their SHA-256, whatever their order."""
    return sha256(_canonical(dict(sorted(hashes.items())))).hexdigest()


def sealed(value: Mapping[str, Any]) -> bytes:
    """Canonical JSON with the SHA-256 of all the rest as its last key."""
    return _canonical({**value, "sha256": sha256(_canonical(value)).hexdigest()})


def unsealed(body: bytes) -> dict[str, Any]:
    """What ``sealed`` was given. ValueError where a byte is another."""
    value = json.loads(body)
    if not isinstance(value, dict) or "sha256" not in value:
        raise ValueError("not sealed")
    del value["sha256"]
    if sealed(value) != body:
        raise ValueError("its bytes are not those that were sealed")
    return value


def _canonical(value: object) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


# ---------------------------------------------------------------- Frictionless package


def datapackage(days: Mapping[str, Sequence[date]]) -> bytes:
    """``datapackage.json`` (Data Package 1.0, Frictionless) over the published tables.

    ``days`` are the published ones of each table; a resource lists its files. It holds
    no moment and no version of ours beyond the schema's.
    """
    return _canonical(
        {
            "profile": "data-package",
            "name": "onrecord",
            "title": "On Record: who said what, when, and what is new in it",
            "version": SCHEMA_VERSION,
            "resources": [
                _resource(TABLES[name], held) for name, held in days.items() if held
            ],
        }
    )


def _resource(table: Table, days: Sequence[date]) -> dict[str, Any]:
    keys = [
        {
            "fields": column,
            "reference": dict(
                zip(("resource", "fields"), target.split("."), strict=True)
            ),
        }
        for column, target in table.refers.items()
    ]
    return {
        "name": table.name,
        "description": table.description,
        "path": [f"{table.name}/date={day}/part-0.parquet" for day in days],
        "format": "parquet",
        "mediatype": "application/vnd.apache.parquet",
        "schema": {
            "fields": [_described(field) for field in table.fields],
            "primaryKey": list(table.key),
            **({"foreignKeys": keys} if keys else {}),
        },
    }


def _described(field: Field) -> dict[str, Any]:
    constraints = {
        **({} if field.nullable else {"required": True}),
        **({"enum": list(field.allowed)} if field.allowed else {}),
        **({} if field.least is None else {"minimum": field.least}),
        **({} if field.most is None else {"maximum": field.most}),
    }
    return {
        "name": field.name,
        "type": _TYPES[field.type],
        "description": field.description,
        **({"unit": field.unit} if field.unit else {}),
        **({"constraints": constraints} if constraints else {}),
    }


_TYPES = {
    pa.string(): "string",
    pa.int64(): "integer",
    pa.float64(): "number",
    pa.bool_(): "boolean",
    MOMENT: "datetime",
}
