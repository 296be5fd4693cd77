"""From published tables to the static site: the page of a day, and the list of days."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

import pandas as pd
import pyarrow as pa

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
    tables = {name: lake.load(name, day) for name in TABLES}
    before = [day - timedelta(days=n) for n in range(HISTORY_DAYS, 0, -1)]
    history = {
        name: _over(lake, name, before)
        for name in ("daily_figure_topic", "claims", "feed_health", "statements")
    }
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
        breaks=_breaks([*before, day], history["statements"], tables["statements"]),
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
            tables = {name: lake.load(name, day) for name in NEEDS}
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


def _breaks(days: Sequence[date], *statements: pa.Table) -> list[date]:
    """The days on which another version of the extractor began."""
    columns = ["first_seen_at", "model_version", "pipeline_version"]
    said = pa.concat_tables([one.select(columns) for one in statements]).to_pandas()
    index = pd.DatetimeIndex([midnight(one) for one in days]).as_unit("us")
    marks = version_breaks(said, index)
    return [one for one, marked in zip(days, marks, strict=True) if marked]


def _over(lake: Lake, name: str, days: list[date]) -> pa.Table:
    there = set(lake.published(name))
    parts = [lake.load(name, day) for day in days if day in there]
    return pa.concat_tables([TABLES[name].schema.empty_table(), *parts])
