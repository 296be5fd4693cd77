"""From published tables to the static site: the page of a day, and the list of days."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipeline import __version__
from pipeline.ports import Lake
from pipeline.site.digest import counts, digest, index, page_name
from pipeline.site.rows import NEEDS
from pipeline.tables.changes import change_points
from pipeline.tables.schemas import TABLES
from pipeline.tables.trends import version_breaks
from pipeline.tables.values import midnight

HISTORY_DAYS = 14


def write_page(day: date, *, lake: Lake, names: Mapping[str, str]) -> str:
    """Write the page of a published day and the index over all days; the page's path.

    ``names`` gives topics and sub-topics their names by id. The same tables give the
    same bytes.
    """
    tables = {name: lake.load(name, day, NEEDS[name]) for name in NEEDS}
    before = [day - timedelta(days=n) for n in range(HISTORY_DAYS, 0, -1)]
    history = _history(before, lake, tables)
    made_from = {
        f"tables/{name}/date={day}/part-0.parquet": lake.table_sha256(name, day)
        for name in TABLES
        if TABLES[name].rebuilt
    }
    rates = (files("pipeline.site") / "error_rates.json").read_text("utf-8")
    page = digest(
        day,
        tables,
        history,
        version=__version__,
        made_from=made_from,
        names=names,
        error_rates=json.loads(rates),
        changes=change_points,
        breaks=_breaks([*before, day], lake),
    )
    path = lake.write_page(page_name(day), page)
    days = [one for one in lake.published("statements") if one <= day]
    lake.write_page("index.html", index(_listed(days[-90:], lake)))
    return path


def _listed(days: list[date], lake: Lake) -> list[tuple[date, Mapping[str, int]]]:
    """The numbers of each day. They are kept in ``site/days.json`` with what they were
    counted from, so that a day is counted once and not at the end of 90 days."""
    known = _kept(lake.page("days.json"))
    entries = {name: lake.manifest(name) for name in NEEDS}
    kept = {}
    for day in days:
        source = [__version__, *(entries[name][day].sha256 for name in sorted(NEEDS))]
        numbers = known.get(str(day), {})
        if numbers.get("made_from") != source:
            tables = {name: lake.load(name, day, NEEDS[name]) for name in NEEDS}
            numbers = {"made_from": source, "counts": counts(day, tables)}
        kept[str(day)] = numbers
    lake.write_page("days.json", json.dumps(kept, indent=1) + "\n")
    return [(day, kept[str(day)]["counts"]) for day in days]


def _kept(body: bytes | None) -> dict[str, dict[str, Any]]:
    """What was counted before; nothing where it cannot be read: it is counted again."""
    try:
        found = json.loads(body or b"{}")
        return {day: one for day, one in found.items() if "counts" in one}
    except (ValueError, TypeError, AttributeError):
        return {}


def _history(
    days: Sequence[date], lake: Lake, tables: Mapping[str, pa.Table]
) -> dict[str, pa.Table]:
    """What the page of a day with these tables looks up in the days before: of claims and
    statements those that it speaks of, of polls one for each state of a feed a day."""
    links, edits = tables["claim_links"], tables["corrections"]
    spoken = [links["claim_id"], links["earlier_claim_id"]]
    claims = _over(
        lake,
        "claims",
        days,
        lambda rows: _among(rows, [*spoken, tables["claims"]["earlier_claim_id"]]),
    )
    earlier = [links["earlier_statement_id"], claims["first_statement_id"]]
    told = [*earlier, edits["statement_id"], edits["new_statement_id"]]
    return {
        "daily_figure_topic": _over(lake, "daily_figure_topic", days),
        "claims": claims,
        "feed_health": _over(
            lake, "feed_health", days, lambda rows: _distinct(rows, "feed_id", "state")
        ),
        "statements": _over(lake, "statements", days, lambda rows: _among(rows, told)),
    }


def _among(rows: pa.Table, names: Sequence[pa.ChunkedArray]) -> pa.Table:
    """The rows whose first column is one of some values."""
    wanted = pa.chunked_array(
        [c for column in names for c in column.chunks], pa.string()
    )
    return rows.filter(pc.is_in(rows[0], value_set=pc.unique(wanted)))


def _distinct(rows: pa.Table, *columns: str) -> pa.Table:
    """The first row of each group that is alike in these columns."""
    at = pa.array(range(rows.num_rows), pa.int64())
    groups = rows.select(columns).append_column("row", at)
    first = groups.group_by(list(columns), use_threads=False).aggregate(
        [("row", "min")]
    )
    return rows.take(first["row_min"].sort())


def _breaks(days: Sequence[date], lake: Lake) -> list[date]:
    """The days on which another version of the extractor began."""
    columns = ["first_seen_at", "model_version", "pipeline_version"]
    said = _over(
        lake, "statements", days, lambda rows: _distinct(rows, *columns), columns
    )
    index = pd.DatetimeIndex([midnight(one) for one in days]).as_unit("us")
    marks = version_breaks(said.to_pandas(), index)
    return [one for one, marked in zip(days, marks, strict=True) if marked]


def _over(
    lake: Lake,
    name: str,
    days: Sequence[date],
    kept: Callable[[pa.Table], pa.Table] = lambda rows: rows,
    columns: Sequence[str] = (),
) -> pa.Table:
    """What is ``kept`` of a table over days, no two of which are held in full at once."""
    there = set(lake.published(name))
    wanted = columns or NEEDS[name]
    parts = [kept(lake.load(name, day, wanted)) for day in days if day in there]
    return pa.concat_tables([TABLES[name].schema.empty_table().select(wanted), *parts])
