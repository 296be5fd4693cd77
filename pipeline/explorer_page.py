"""From published tables to the explorer: its page, and the scripts of each part."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from importlib.resources import files

from pipeline import __version__
from pipeline.ports import Lake, Pages
from pipeline.site.explorer import (
    NEEDS,
    Part,
    held,
    index_script,
    made_from,
    part_scripts,
    parts,
)

ASSETS = ("index.html", "explorer.js", "explorer.css")
"""What ``make explorer`` built; shipped with the package."""


def write_explorer(
    *, lake: Lake, pages: Pages, names: Mapping[str, str], digests: list[date]
) -> int:
    """Write the explorer over all published days; how many files were new or changed.

    ``names`` gives sub-topics their names by id, ``digests`` are the days whose page
    lies in the folder above. A part whose tables are the same is not made again; one
    that is no longer there is removed. The list of parts comes last: it never names a
    script that is not there.
    """
    built = files("pipeline.site") / "explorer"
    written = sum(pages.write(one, (built / one).read_bytes()) for one in ASSETS)
    there = {name: set(lake.published(name)) for name in NEEDS}
    days = sorted(set.intersection(*there.values()))
    kept: set[str] = {"days/index.js"}
    made = []
    for part, held_days in parts(days).items():
        source = made_from(
            {
                f"{day} {name}": lake.table_sha256(name, day)
                for day in held_days
                for name in NEEDS
            }
        )
        scripts = f"days/{part}.js", f"days/{part}.more.js"
        number, more = (held(pages.first_line(script), source) for script in scripts)
        if number is None or more is None:
            tables = [
                {name: lake.load(name, day) for name in NEEDS} for day in held_days
            ]
            bodies = part_scripts(part, tables, source)
            for script, body in zip(scripts, bodies, strict=True):
                written += pages.write(script, body.encode("ascii"))
            number = sum(one["statements"].num_rows for one in tables)
        made.append(Part(part, number, source))
        kept.update(scripts)
    index = index_script(
        made, days=days, names=names, version=__version__, digests=digests
    )
    written += pages.write("days/index.js", index.encode("ascii"))
    for name in pages.names("days/*.js"):
        if name not in kept:
            pages.remove(name)
    return written
