"""A site with hostile text in it, and the distribution's Chromium."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.adapters.lake import LocalLake
from pipeline.adapters.pages import PageFolder
from pipeline.daily_page import write_page
from pipeline.explorer_page import write_explorer
from pipeline.tables.convert import rows_to_table
from pipeline.tables.schemas import TABLES
from tests.browser.chromium import FLAGS, chromium
from tests.site.site_builders import (
    DAY,
    at,
    claim,
    claim_link,
    counted,
    poll,
    sha,
    statement,
)

SCRIPT = "<script>document.title='owned'</script><img src=x onerror=alert(1)>"
STEERED = "\u202eevil\u202c \u2067right\u2069 \u200fשלום"
LONG = "endless " * 1250
NAMES = {"ukraine-war": "The war in Ukraine", "arms": "Arms <b>deliveries</b>"}


def said(number: int, back: int = 0, **given):
    moment = at(9, number % 60, DAY - timedelta(days=back))
    return statement(
        f"s-{number}", published_at=moment, first_seen_at=moment, **given
    )  # fmt: skip


def world():
    """The statements of three days with their links, and what they are there for."""
    first = said(1, 2, content="We have 5,000 tanks.", act="asserts")
    again = said(2, 1, content="We have 5,000 tanks, again.", outlet="State Wire",
                 outlet_kind="state")  # fmt: skip
    changed = said(3, 0, content="We have 7,000 tanks.")
    hostile = said(4, 0, content=SCRIPT, title=SCRIPT, figure_id="Q2",
                   figure="Rémi <b>Dürr</b>", cue="said<i>", context=f"a {SCRIPT} b",
                   url="javascript:alert(1)", outlet="Evil <u>Outlet</u>")  # fmt: skip
    steered = said(
        5, 0, content=STEERED, context=f"before {STEERED} after", voice="mixed"
    )
    long = said(6, 0, content=LONG.strip(), voice="indirect", act="denies")
    off = said(7, 0, content="I like football.", about_topic=False, figure_id="Q2",
               figure="Rémi <b>Dürr</b>")  # fmt: skip
    gone = said(8, 1, content="This was never said.")
    many = [said(100 + n, 2, content=f"Line {n} of many.") for n in range(130)]
    rows = [first, again, changed, hostile, steered, long, off, gone, *many]
    links = {one["statement_id"]: claim_link(one) for one in rows}
    before = {"earlier_statement_id": "s-1", "earlier_claim_id": "c-s-1"}
    links["s-2"] |= before | {"relation": "repeated", "claim_id": "c-s-1"}
    links["s-3"] |= before | {"relation": "changed", "reasons": "another number: 5,000 -> 7,000"}  # fmt: skip
    return rows, links


def publish(lake: LocalLake) -> None:
    rows, links = world()
    for back in (2, 1, 0):
        day = DAY - timedelta(days=back)
        mine = [one for one in rows if one["first_seen_at"].date() == day]
        held = {name: [] for name in TABLES} | {
            "statements": mine,
            "claim_links": [links[one["statement_id"]] for one in mine],
            "claims": [
                claim(one, opened_by=links[one["statement_id"]]["relation"],
                      earlier_claim_id=links[one["statement_id"]]["earlier_claim_id"])
                for one in mine if links[one["statement_id"]]["relation"] != "repeated"
            ],
            "statement_topics": [
                {"statement_id": one["statement_id"], "topic": "ukraine-war", "subtopic": "arms"}
                for one in mine if "tanks" in one["content"]
            ],
            "feed_health": [poll("courier-world", at=at(23, 45, day))],
            "daily_figure_topic": [counted(day, "Q1", "Olena Kovalenko", len(mine))],
        }  # fmt: skip
        if back == 0:
            held["corrections"] = [{
                "correction_id": "k-1", "kind": "withdrawn", "article_id": "a-s-8",
                "revision": 2, "statement_id": "s-8", "new_statement_id": None,
                "old_sha256": sha("old"), "new_sha256": None, "at": at(12),
                "wire_group_id": None, "merged_into": None,
            }]  # fmt: skip
        for name, some in held.items():
            lake.publish(name, day, rows_to_table(name, some))


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of the pages of three days, the explorer beside them."""
    root = tmp_path_factory.mktemp("lake")
    lake = LocalLake(root)
    publish(lake)
    days = [DAY - timedelta(days=back) for back in (2, 1, 0)]
    for day in days:
        write_page(day, lake=lake, names=NAMES)
    pages = PageFolder(root / "site" / "explorer")
    write_explorer(lake=lake, pages=pages, names=NAMES, digests=days)
    return root / "site"


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    path = chromium()  # fails here, with what to install
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def opened(browser, site):
    """Opens a page of the site and watches it: no fault in the console, no request
    beyond the folder."""
    contexts, faults = [], []

    def watched(url: str, *, base: str = "", width=1280, height=900, **given):
        base = base or site.as_uri()
        context = browser.new_context(
            viewport={"width": width, "height": height}, accept_downloads=True, **given
        )
        contexts.append(context)
        page = context.new_page()
        page.on(
            "console",
            lambda m: m.type in ("error", "warning") and faults.append(m.text),
        )
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("requestfailed", lambda one: faults.append(f"failed: {one.url}"))
        page.on("request", lambda one: one.url.startswith((base, "data:", "blob:"))
                or faults.append(f"beyond the folder: {one.url}"))  # fmt: skip
        page.goto(f"{base}/{url}")
        if url.startswith("explorer"):
            page.wait_for_selector("html[data-ready]", timeout=20_000)
        return page

    yield watched
    for context in contexts:
        context.close()
    assert faults == []
