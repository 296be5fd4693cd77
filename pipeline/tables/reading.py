"""Published tables as data frames, for notebooks: only what is asked for is read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyarrow import fs

from pipeline.tables.manifest import from_json, months_from_json, origin_of_month
from pipeline.tables.schemas import SCHEMA_VERSION, TABLES, Table

if TYPE_CHECKING:
    import pandas as pd

_ISO = re.compile(r"\d{4}-\d\d-\d\d")
_ID = re.compile(r"Q\d+|x-.+")

LOOPBACK = ("127.0.0.1", "::1", "localhost")

Day = date | str


def load(
    table: str,
    *,
    since: Day | None = None,
    until: Day | None = None,
    figure: str | None = None,
    columns: Sequence[str] | None = None,
    as_of: Day | None = None,
    lake: str = "data",
    endpoint: str = "",
) -> pd.DataFrame:
    """Rows of a published table, in the order of its days; no column is ``object``.

    ``since`` and ``until``, both included, are days of ``date=`` (docs/tables.md says of
    what). ``figure`` is an id or a canonical name. ``as_of`` reads the record as it stood
    at the end of that day: nothing first seen later, and claims counted by then.
    ``lake`` is what ``onrecord --lake`` names: a folder, or ``s3://bucket/prefix`` with key,
    secret and region in AWS_... variables, of which ``endpoint`` is the address where it
    is not Amazon's.

    Files of other days and other columns are not read, nor those of other figures in
    months that are compacted and asked for whole.
    OSError where a bucket does not answer; ValueError names a table or column that is not published, or a day that is none.
    """
    if table not in TABLES:
        raise ValueError(f"table {table}: not published; there are {', '.join(TABLES)}")
    one = TABLES[table]
    wanted = list(columns) if columns is not None else one.schema.names
    for name in wanted:
        if name not in one.schema.names:
            raise ValueError(f"table {table}: no column {name}")
    first, last, seen = _day(since, "since"), _day(until, "until"), _day(as_of, "as_of")
    if seen is not None and one.day == "published_at":
        raise ValueError(
            f"table {table}: goes by the day of publication; "
            "pipeline.tables.trends.trend reads any past day"
        )
    last = min((day for day in (last, seen) if day is not None), default=None)
    place = place_of(lake, endpoint)
    who = _who(place, one, figure)
    if table != "claims" or seen is None:
        return _frame(_read(place, one, first, last, who, wanted))
    claims = _read(place, one, first, last, who, one.schema.names)
    counted = _counted(claims, place, seen, who)
    return _frame(counted.select(wanted))


def _frame(rows: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = rows.to_pandas()
    return frame


@dataclass(frozen=True, slots=True)
class Place:
    """Where a lake lies: a file system, and the folder in it."""

    lake: str
    disk: fs.FileSystem
    root: str


def place_of(lake: str, endpoint: str = "") -> Place:
    """The place that a folder's path or ``s3://bucket/prefix`` names. ValueError if it
    names none.

    A bucket is read by Arrow's own S3 client, which asks for ranges of bytes: what is
    not needed of a file is not fetched, and nothing is installed for it.
    """
    if "://" not in lake:
        return Place(lake, fs.LocalFileSystem(), lake)
    parts, at = urlsplit(lake), urlsplit(endpoint)
    if parts.scheme != "s3" or not parts.netloc:
        raise ValueError(f"lake {lake}: a folder or s3://bucket/prefix")
    if endpoint and not (
        at.scheme == "https" or (at.scheme == "http" and at.hostname in LOOPBACK)
    ):
        raise ValueError(
            f"endpoint {endpoint}: https://host, or http:// on loopback alone"
        )
    there = {"endpoint_override": at.netloc, "scheme": at.scheme} if endpoint else {}
    root = f"{parts.netloc}{parts.path}".rstrip("/")
    return Place(lake, fs.S3FileSystem(**there), root)


@dataclass(frozen=True, slots=True)
class Who:
    """Whose rows are asked for: by what condition, and in whose compacted files."""

    rows: ds.Expression | None = None
    figure_id: str | None = None


EVERYONE = Who()


def _read(
    place: Place,
    table: Table,
    first: date | None,
    last: date | None,
    who: Who,
    columns: Sequence[str],
) -> pa.Table:
    found = dataset(place, table.name, first, last, who.figure_id)
    return found.to_table(columns=list(columns), filter=who.rows)


def dataset(
    place: Place,
    name: str,
    first: date | None = None,
    last: date | None = None,
    figure_id: str | None = None,
) -> ds.Dataset:
    """The days of a published table as one data set, which reads what is asked of it."""
    paths = files(place, name, first, last, figure_id)
    schema = TABLES[name].schema
    return ds.dataset(paths, schema=schema, format="parquet", filesystem=place.disk)


def is_published(place: Place) -> bool:
    """Whether the lake has a folder of tables."""
    return bool(
        place.disk.get_file_info(f"{place.root}/tables").type == fs.FileType.Directory
    )


def files(
    place: Place,
    name: str,
    first: date | None = None,
    last: date | None = None,
    figure_id: str | None = None,
) -> list[str]:
    """The files that hold the days of a published table, in order; of one figure those
    of its own for whole months that are compacted. ValueError where the lake has no
    published table."""
    days = [
        day
        for day in _days(place, name)
        if (first is None or first <= day) and (last is None or day <= last)
    ]
    own = {} if figure_id is None else _compacted(place, TABLES[name], figure_id)
    found: list[str] = []
    for day in days:
        starts = day.replace(day=1)
        ends = (starts + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        whole = (first is None or first <= starts) and (last is None or ends <= last)
        path = f"{place.root}/tables/{name}/date={day}/part-0.parquet"
        found += own.get(f"{day:%Y-%m}", [path]) if whole else [path]
    return list(dict.fromkeys(found))


def by_figure(place: Place, name: str) -> tuple[list[str], list[str]]:
    """The files that hold all rows of a published table: those of days whose month is
    not compacted, and those of figures in months that are."""
    months = _compacted(place, TABLES[name])
    days = [path for path in files(place, name) if path[-25:-18] not in months]
    return days, sorted(path for paths in months.values() for path in paths)


def _days(place: Place, name: str) -> list[date]:
    if not is_published(place):
        raise ValueError(
            f"lake {place.lake}: no folder tables in it; make run makes a sample"
        )
    chosen = fs.FileSelector(f"{place.root}/tables/{name}", allow_not_found=True)
    found = [one.base_name[5:] for one in place.disk.get_file_info(chosen)]
    return sorted(date.fromisoformat(d) for d in found if _ISO.fullmatch(d))


def _compacted(
    place: Place, table: Table, figure_id: str | None = None
) -> dict[str, list[str]]:
    """The files, of one figure or all, of each month that was compacted from the days as
    they are now."""
    folder = f"{place.root}/compact/{table.name}"
    there = [
        f"{folder}/_manifest.json",
        f"{place.root}/tables/{table.name}/_manifest.json",
    ]
    found = place.disk.get_file_info(there)
    if not all(one.type == fs.FileType.File for one in found):
        return {}
    bodies = []
    for path in there:
        with place.disk.open_input_stream(path) as file:
            bodies.append(file.read())
    months, days = months_from_json(bodies[0]), from_json(bodies[1])
    own: dict[str, list[str]] = {
        month: []
        for month, entry in months.items()
        if entry.schema_version == SCHEMA_VERSION
        and entry.made_from
        == origin_of_month({d: e for d, e in days.items() if f"{d:%Y-%m}" == month})
    }
    if figure_id is not None:
        folder = f"{folder}/{table.group}={figure_id}"
    chosen = fs.FileSelector(folder, allow_not_found=True, recursive=True)
    for one in place.disk.get_file_info(chosen):
        if one.base_name.removesuffix(".parquet") in own:
            own[one.base_name.removesuffix(".parquet")].append(one.path)
    return own


def _day(given: Day | None, name: str) -> date | None:
    if isinstance(given, str):
        try:
            return date.fromisoformat(given)
        except ValueError as error:
            raise ValueError(
                f"{name} {given!r}: not a day; write 2026-03-02"
            ) from error
    return given.date() if isinstance(given, datetime) else given


def _who(place: Place, table: Table, figure: str | None) -> Who:
    if figure is None:
        return EVERYONE
    figure_id = figure if _ID.fullmatch(figure) else _id_of(place, figure)
    column = "figure" if figure_id is None else "figure_id"
    if column not in table.schema.names:
        raise ValueError(f"table {table.name}: no column {column} to find {figure} by")
    return Who(ds.field(column) == (figure_id or figure), figure_id)


def _id_of(place: Place, figure: str) -> str | None:
    """The id that goes with a name on the last published day; None if no figure has it."""
    name = "daily_figure_topic_act"  # every tracked figure is in each of its days
    last = max(_days(place, name), default=None)
    told = dataset(place, name, last, last)
    chosen = ds.field("figure") == figure
    ids = told.to_table(columns=["figure_id"], filter=chosen)["figure_id"].unique()
    return str(ids[0]) if len(ids) == 1 else None


def _counted(claims: pa.Table, place: Place, seen: date, who: Who) -> pa.Table:
    """The claims counted over what was first seen by the end of a day."""
    said, linked = TABLES["statements"], TABLES["claim_links"]
    who = who if who.figure_id else EVERYONE  # links have no names
    names = ["statement_id", "outlet", "wire_group_id"]
    statements = _read(place, said, None, seen, who, names).to_pandas()
    names = ["statement_id", "claim_id", "utterance_id", "first_seen_at"]
    links = _read(place, linked, None, seen, who, names).to_pandas()
    by_claim = links.merge(statements, on="statement_id").groupby("claim_id")
    counts = by_claim.agg(
        last_seen_at=("first_seen_at", "max"),
        n_statements=("statement_id", "nunique"),
        n_utterances=("utterance_id", "nunique"),
        n_outlets=("outlet", "nunique"),
        n_independent=("wire_group_id", "nunique"),
    ).reindex(claims["claim_id"].to_pylist())  # fmt: skip
    end = datetime.combine(seen + timedelta(days=1), time(), UTC)
    new: dict[str, Any] = {
        n: counts[n].to_numpy() for n in counts if n != "last_seen_at"
    }
    new["last_seen_at"] = pa.array(counts["last_seen_at"], from_pandas=True)
    new["as_of"] = pa.repeat(
        pa.scalar(end, claims.schema.field("as_of").type), len(claims)
    )
    for name, values in new.items():
        at = claims.schema.get_field_index(name)
        claims = claims.set_column(at, claims.schema.field(at), pa.array(values))
    return claims.filter(pc.greater(claims["n_statements"], 0))
