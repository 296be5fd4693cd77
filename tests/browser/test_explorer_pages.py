"""The explorer as a person uses it, opened from a folder in the distribution's Chromium."""

from __future__ import annotations

import csv
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.browser.conftest import LONG, SCRIPT

AXE = Path(__file__).with_name("axe") / "axe.min.js"
EXPLORER = "explorer/index.html"
SIZES = {"phone": (390, 844), "desktop": (1280, 900)}


def heading(page) -> str:
    return page.inner_text("#count")


def shown(page) -> list[str]:
    return page.locator("#list .say").all_text_contents()


def search(page, words: str) -> None:
    page.fill("#q", words)


# --------------------------------------------------------------------- load and search


def test_it_opens_from_a_folder_with_the_latest_first(opened):
    page = opened(EXPLORER)

    assert heading(page) == "137 statements by 2 figures in 3 outlets"
    assert len(shown(page)) == 50
    assert page.locator("#list h3").first.inner_text() == "Tuesday, 3 March 2026"


def test_search_finds_words_in_any_order_whatever_their_case_and_accents(opened):
    page = opened(EXPLORER)

    search(page, "TANKS 7,000")
    assert [one.split(" ", 2)[2] for one in shown(page)] == ["“We have 7,000 tanks.”"]
    search(page, "durr")
    assert heading(page).startswith("1 statement by 1 figure")
    search(page, '"tanks again"')
    assert heading(page) == "Nothing on record fits"
    search(page, '"tanks, again"')
    assert heading(page).startswith("1 statement")


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("figure", "Q2", 1),
        ("topic", "arms", 3),
        ("act", "denies", 1),
        ("relation", "changed", 1),
        ("outlet", "State Wire", 1),
    ],
)
def test_each_filter_leaves_what_it_says(opened, name, value, found):
    page = opened(EXPLORER)

    page.select_option(f"[name={name}]", value)

    assert heading(page).startswith(f"{found} statement")
    assert f"{name}={value.replace(' ', '+')}" in page.url
    label = page.locator(f"[name={name}] option:checked").inner_text()
    assert label.endswith(f"({found})")


def test_dates_are_days_of_publication_both_ends_within(opened):
    page = opened(EXPLORER)

    page.fill("[name=from]", "2026-03-02")
    page.fill("[name=to]", "2026-03-02")

    assert heading(page).startswith("2 statements")


def test_filters_add_up_and_are_cleared_together(opened):
    page = opened(f"{EXPLORER}#topic=arms&outlet=State+Wire")

    assert heading(page) == "1 statement by 1 figure in State Wire"
    page.click("#clear")
    assert heading(page).startswith("137 statements")
    assert page.evaluate("document.activeElement.id") == "q"


def test_what_is_off_the_topic_is_shown_where_it_is_asked_for(opened):
    page = opened(f"{EXPLORER}#q=football")

    assert heading(page) == "Nothing on record fits"
    page.click(".empty a")
    assert heading(page).startswith("1 statement")
    assert page.is_checked("[name=off]")


def test_pages_of_results_go_on_where_the_last_one_ended(opened):
    page = opened(f"{EXPLORER}#q=line")
    first = shown(page)

    page.click("text=Next page →")

    assert "p=2" in page.url
    assert not set(first) & set(shown(page))
    page.go_back()
    assert shown(page) == first


# ------------------------------------------------------------------------ one statement


def test_a_statement_opens_with_its_words_marked_its_source_and_its_versions(opened):
    page = opened(f"{EXPLORER}#q=tanks")

    page.click("text=We have 7,000 tanks.")

    panel = page.locator("#detail")
    assert panel.locator("mark").inner_text() == "We have 7,000 tanks."
    assert (
        panel.locator(".source a").get_attribute("href")
        == "https://courier.example/s-3"
    )
    assert "another number: 5,000 → 7,000" in panel.inner_text()
    versions = panel.locator(".versions li")
    assert [one.split()[0] for one in versions.locator(".when").all_inner_texts()] == [
        "1",
        "3",
    ]
    assert versions.nth(1).locator("ins").inner_text() == "7,000"
    assert page.evaluate("document.activeElement.id") == "said"
    versions.nth(0).locator("a").click()
    assert "2 reports from 2 outlets, 1 later version." in panel.inner_text()


def test_a_withdrawn_statement_says_so(opened):
    page = opened(f"{EXPLORER}#s=s-8")

    assert (
        "Withdrawn. The outlet edited the article; seen on 3 Mar 2026."
        in page.inner_text("#detail")
    )


def test_the_page_of_the_day_is_one_click_away_and_back(opened):
    page = opened(f"{EXPLORER}#s=s-3")

    page.click("text=the page of 3 Mar 2026")

    assert page.url.endswith("/2026-03-03.html#c-c-s-3")
    page.click("nav >> text=Explorer")
    assert page.url.endswith("/explorer/index.html")
    page.wait_for_selector("html[data-ready]")


def test_a_view_is_its_address(opened):
    page = opened(EXPLORER)
    search(page, "tanks")
    page.select_option("[name=figure]", "Q1")
    page.click("text=Claims in time")
    page.locator("#list .say").first.click()

    other = opened(page.url.split("/site/")[1])

    assert other.locator("main").inner_text() == page.locator("main").inner_text()
    page.go_back()
    assert page.is_hidden("#detail")


def test_claims_are_told_in_time_with_what_changed(opened):
    page = opened(f"{EXPLORER}#q=tanks&view=claims&sort=old")

    assert heading(page) == "2 claims by 1 figure in 2 outlets"
    assert page.locator("#list del").inner_text() == "5,000"
    assert page.locator("#list ins").inner_text() == "7,000"


def test_an_unknown_statement_and_damaged_addresses_are_told_not_thrown(opened):
    page = opened(f"{EXPLORER}#s=nothing&p=9999999&from=tomorrow&figure=Q0&%E0%A4")

    assert heading(page) == "Nothing on record fits"
    assert "No published day has the statement nothing." in page.inner_text("#detail")


def test_csv_holds_what_is_shown_and_no_formula(opened):
    page = opened(f"{EXPLORER}#q=tanks&sort=old")

    with page.expect_download() as download:
        page.click("#csv")

    text = Path(download.value.path()).read_text("utf-8-sig")
    rows = list(csv.DictReader(text.splitlines()))
    assert [row["content"] for row in rows] == [
        "We have 5,000 tanks.", "We have 5,000 tanks, again.", "We have 7,000 tanks.",
    ]  # fmt: skip
    assert rows[2]["relation"] == "changed"
    assert rows[2]["published_at"] == "2026-03-03T09:03Z"


# -------------------------------------------------------------------------- hostile text


def test_markup_in_names_titles_and_words_is_text(opened):
    page = opened(f"{EXPLORER}#s=s-4")

    assert page.title() == "On Record: explorer"
    assert SCRIPT in page.inner_text("#detail .quote")
    assert page.inner_text("#detail mark") == SCRIPT
    assert "(no usable link)" in page.inner_text("#detail .source")
    assert page.locator("main").locator("script, img, u, [onerror]").count() == 0
    assert page.locator("#detail h2").inner_text() == "Rémi <b>Dürr</b>"


def test_marks_that_steer_direction_steer_nothing_outside(opened):
    page = opened(f"{EXPLORER}#s=s-5")

    words = page.inner_text("#detail .quote")
    assert not set(words) & set(
        "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    )
    assert "שלום" in words
    boxes = page.locator("#detail .quote bdi")
    assert boxes.count() >= 1


@pytest.mark.parametrize("size", SIZES)
def test_ten_thousand_characters_break_no_layout(opened, size):
    width, height = SIZES[size]
    page = opened(f"{EXPLORER}#q=endless", width=width, height=height)

    assert len(shown(page)[0]) < 500
    page.locator(".say").first.click()
    assert LONG.strip() in page.inner_text("#detail .quote")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


# -------------------------------------------------------------------------- keyboard only


def test_everything_can_be_done_with_the_keyboard_alone(opened):
    page = opened(EXPLORER)

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "skip"
    while page.evaluate("document.activeElement.id") != "q":
        page.keyboard.press("Tab")
    page.keyboard.type("tanks")
    assert heading(page).startswith("3 statements")
    page.keyboard.press("Tab")  # to the filter of figures
    assert page.evaluate("document.activeElement.name") == "figure"
    page.keyboard.press("ArrowDown")
    assert "figure=Q1" in page.url
    for _ in range(40):
        if page.evaluate("document.activeElement.className") == "say":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.is_visible("#detail")
    assert page.evaluate("document.activeElement.id") == "said"
    page.keyboard.press("Escape")
    assert page.is_hidden("#detail")
    assert page.evaluate("document.activeElement.className") == "say"


# ------------------------------------------------------------------------------- faults


def test_a_day_that_cannot_be_read_is_named_and_the_rest_is_shown(
    browser, site, tmp_path
):
    import shutil

    broken = tmp_path / "explorer"
    shutil.copytree(site / "explorer", broken)
    (broken / "days/2026-03-02.js").unlink()
    (broken / "days/2026-03-01.js").write_text(
        'onrecord.part("2026-03-01",[],1,"H4sI");\n'
    )
    page = browser.new_page()

    page.goto((broken / "index.html").as_uri())
    page.wait_for_selector("html[data-ready]")

    told = page.inner_text("#fault")
    assert told.startswith("2 days could not be read and are missing below: ")
    assert "2026-03-02" in told
    assert "2026-03-01" in told
    assert heading(page).startswith("4 statements")
    page.close()


def test_a_statement_whose_context_cannot_be_read_says_so_and_shows_its_words(
    browser, site, tmp_path
):
    import shutil

    broken = tmp_path / "explorer"
    shutil.copytree(site / "explorer", broken)
    (broken / "days/2026-03-03.more.js").unlink()
    page = browser.new_page()

    page.goto((broken / "index.html").as_uri() + "#s=s-3")

    page.wait_for_selector("#fault:not([hidden])")
    assert "2026-03-03.more.js" in page.inner_text("#fault")
    assert "7,000 tanks" in page.inner_text("#detail .quote")
    page.close()


def test_without_the_list_of_days_it_says_what_is_missing(browser, site, tmp_path):
    import shutil

    broken = tmp_path / "explorer"
    shutil.copytree(site / "explorer", broken)
    (broken / "days/index.js").unlink()
    page = browser.new_page()

    page.goto((broken / "index.html").as_uri())

    page.wait_for_selector("#fault:not([hidden])")
    assert "days/index.js, could not be read" in page.inner_text("#fault")
    page.close()


def test_it_works_the_same_from_a_web_server(opened, site):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        page = opened(
            f"{EXPLORER}#q=tanks", base=f"http://127.0.0.1:{server.server_port}"
        )
        assert heading(page).startswith("3 statements")
    finally:
        server.shutdown()
        server.server_close()


# ------------------------------------------------------------------------- accessibility

VIEWS = {
    "list": EXPLORER,
    "claims": f"{EXPLORER}#q=tanks&view=claims",
    "statement": f"{EXPLORER}#q=tanks&s=s-3",
    "hostile": f"{EXPLORER}#s=s-4",
    "nothing": f"{EXPLORER}#q=nowhere",
    "digest": "2026-03-03.html",
    "days": "index.html",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_no_violation(opened, view, size, scheme):
    width, height = SIZES[size]
    # The pages' own policy forbids any script but theirs: axe stands outside of it.
    page = opened(
        VIEWS[view], width=width, height=height, color_scheme=scheme, bypass_csp=True
    )
    page.evaluate(
        "document.querySelectorAll('details').forEach(one => one.open = true)"
    )

    page.add_script_tag(content=AXE.read_text("utf-8"))
    found = page.evaluate("axe.run({preload: false})")

    assert len(found["passes"]) > 10
    assert [
        (one["id"], [node["html"][:120] for node in one["nodes"]][:3])
        for one in found["violations"]
    ] == []


@pytest.mark.parametrize("view", ["digest", "days"])
def test_the_daily_pages_need_no_script(opened, view):
    page = opened(VIEWS[view], java_script_enabled=False)

    assert page.locator("h1").count() == 1
    assert page.locator("script").count() == 0
