"""From published tables to the explorer: its page, and a script for each day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from importlib.resources import files

from pipeline import __version__
from pipeline.ports import Lake, Pages
from pipeline.site.explorer import (
    NEEDS,
    Day,
    day_script,
    held,
    index_script,
    made_from,
)

ASSETS = ("index.html", "explorer.js", "explorer.css", "LICENSES.txt")
"""What ``make explorer`` built; shipped with the package."""


def write_explorer(
    *, lake: Lake, pages: Pages, names: Mapping[str, str], digests: list[date]
) -> int:
    """Write the explorer over all published days; how many files were new or changed.

    ``names`` gives sub-topics their names by id, ``digests`` are the days whose page
    lies in the folder above. A day whose tables are the same is not made again; one
    that is no longer published is removed. The list of days comes last: it never names
    a script that is not there.
    """
    built = files("pipeline.site") / "explorer"
    written = sum(pages.write(one, (built / one).read_bytes()) for one in ASSETS)
    there = {name: set(lake.published(name)) for name in NEEDS}
    days = []
    for day in sorted(set.intersection(*there.values())):
        source = made_from({name: lake.table_sha256(name, day) for name in NEEDS})
        script = f"days/{day}.js"
        number = held(pages.first_line(script), source)
        if number is None:
            tables = {name: lake.load(name, day) for name in NEEDS}
            body = day_script(day, tables, source).encode("ascii")
            written += pages.write(script, body)
            number = tables["statements"].num_rows
        days.append(Day(day, number, source))
    index = index_script(days, names=names, version=__version__, digests=digests)
    written += pages.write("days/index.js", index.encode("ascii"))
    kept = {f"days/{one.day}.js" for one in days}
    for name in pages.names("days/????-??-??.js"):
        if name not in kept:
            pages.remove(name)
    return written
