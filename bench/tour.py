"""The screenshots of the README, from the sample's lake.

``python -m bench.tour [--lake data/sample]`` after ``make run`` and ``make browser``.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

import pandas as pd
from playwright.sync_api import sync_playwright

from tests.browser.chromium import FLAGS, chromium

OUT = Path(__file__).resolve().parents[1] / "docs" / "tour"
MOST_BYTES = 300_000
DESKTOP, PHONE = (1280, 860), (390, 844)


def shots(lake: Path) -> list[tuple[str, str, tuple[int, int], str]]:
    """Name, address below the site, size of the window, colour scheme."""
    statements = pd.read_parquet(lake / "tables" / "statements")
    links = pd.read_parquet(lake / "tables" / "claim_links")
    war = statements[statements.about_topic].merge(
        links[["statement_id", "relation"]], on="statement_id"
    )
    days = sorted(path.name[5:] for path in (lake / "tables/statements").glob("date=*"))
    page = f"{date.fromisoformat(days[-1])}.html"
    changed = war[war.relation == "changed"].sort_values("statement_id")
    most = changed.figure_id.value_counts().sort_index(kind="stable").idxmax()
    one = changed[changed.figure_id == most].statement_id.iloc[0]
    moved = war[war.relation.isin(["changed", "contradicts"])].figure_id
    mover = moved.value_counts().sort_index(kind="stable").idxmax()
    explorer = "explorer/index.html"
    return [
        ("digest-desktop", page, DESKTOP, "light"),
        ("digest-phone", page, PHONE, "dark"),
        ("explorer-statement", f"{explorer}#figure={most}&s={one}", DESKTOP, "light"),
        ("explorer-claims", f"{explorer}#figure={mover}&view=claims", DESKTOP, "dark"),
        ("explorer-phone", f"{explorer}#figure={mover}&view=claims", PHONE, "light"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lake", type=Path, default=Path("data/sample"))
    given = parser.parse_args()
    site = (given.lake / "site").resolve()
    if not (site / "explorer" / "index.html").exists():
        sys.exit(f"bench.tour: no pages in {given.lake}; make run writes them")
    OUT.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=FLAGS)
        for name, address, (width, height), scheme in shots(given.lake):
            page = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme=scheme
            )
            page.goto(f"{site.as_uri()}/{address}")
            if address.startswith("explorer"):
                page.wait_for_selector("html[data-ready]")
            path = OUT / f"{name}.png"
            page.screenshot(path=path)
            size = path.stat().st_size
            print(f"{path.name:24} {size / 1000:6.0f} kB")
            if size > MOST_BYTES:
                sys.exit(f"bench.tour: {path.name} is over {MOST_BYTES} bytes")
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
