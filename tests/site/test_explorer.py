"""The explorer: what its scripts hold, when they are made anew, and that its bundle is
the one that its sources make."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64decode
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.adapters.lake import LocalLake
from pipeline.adapters.pages import PageFolder
from pipeline.explorer_page import write_explorer
from pipeline.site.explorer import (
    NEEDS,
    SEPARATOR,
    SPAN,
    Part,
    around,
    columns,
    day_table,
    held,
    index_script,
    part_scripts,
    parts,
)
from pipeline.tables.convert import rows_to_table
from pipeline.tables.schemas import TABLES
from tests.site.site_builders import DAY, claim_link, statement

ROOT = Path(__file__).resolve().parents[2]


def tables(*said, links=None, topics=(), corrections=()):
    return {
        "statements": rows_to_table("statements", list(said)),
        "claim_links": rows_to_table(
            "claim_links",
            [claim_link(one) for one in said] if links is None else links,
        ),
        "statement_topics": rows_to_table("statement_topics", list(topics)),
        "corrections": rows_to_table("corrections", list(corrections)),
    }


def rows_of(listed: dict, opened: dict, n: int) -> list[dict]:
    """The rows that a browser makes of a part's columns."""
    found: dict[str, list] = {}
    for held_ in (listed, opened):
        found |= {name: text.split(SEPARATOR) for name, text in held_["text"].items()}
        found |= held_["number"]
    for name, (values, codes) in listed["coded"].items():
        found[name] = [values[code] for code in codes]
    found["figure"] = [listed["figures"][one] for one in found["figure_id"]]
    return [{name: values[row] for name, values in found.items()} for row in range(n)]


def rows_in(scripts: tuple[str, str]) -> list[dict]:
    told = []
    for script, call in zip(scripts, ("part", "more"), strict=True):
        body = script.split("\n")[1].removeprefix(f"onrecord.{call}(")
        told.append(json.loads(f"[{body.removesuffix(');')}]"))
    listed, opened = (
        json.loads(gzip.decompress(b64decode(one[-1]))) for one in told
    )  # fmt: skip
    return rows_of(listed, opened, told[0][2])


def publish(lake: LocalLake, day, *said) -> None:
    for name, table in tables(*said).items():
        lake.publish(name, day, table)


# ------------------------------------------------------------------------- the bundle


def test_the_bundle_is_what_its_sources_make():
    """Without node: what ``make explorer`` wrote down of its sources and of its output
    is true of the files that are there."""
    told = (ROOT / "pipeline/site/explorer/BUILT.txt").read_text("utf-8")
    sources, built = told.removeprefix("# sources\n").split("# built\n")
    there = [ROOT / "explorer" / name for name in ("build.mjs", "explorer.css",
             "index.html", "package-lock.json", "package.json", "tsconfig.json")]  # fmt: skip
    there += (ROOT / "explorer" / "src").iterdir()

    assert listed(sources) == hashes(ROOT / "explorer", there), "run make explorer"
    shipped = (ROOT / "pipeline/site/explorer").iterdir()
    kept = [path for path in shipped if path.name != "BUILT.txt"]
    assert listed(built) == hashes(ROOT / "pipeline/site/explorer", kept)


def listed(lines: str) -> dict[str, str]:
    return dict(line.split(" ") for line in lines.splitlines())


def hashes(folder: Path, files) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_the_page_loads_nothing_from_elsewhere_and_allows_no_inline_script():
    page = (ROOT / "pipeline/site/explorer/index.html").read_text("utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1]

    assert re.findall(r'(?:src|href)="(?:https?:)?//', page) == []
    assert re.findall(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=", page) == []
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


# --------------------------------------------------------------------------- the data


def test_a_day_holds_each_statement_with_its_link_and_topics():
    one, two = statement("s-1"), statement("s-2", said_on=None)
    link = claim_link(one, relation="changed", earlier_claim_id="c-0")
    topic = {"statement_id": "s-1", "topic": "ukraine-war", "subtopic": "arms"}

    held_tables = tables(one, two, links=[claim_link(two), link], topics=[topic])

    first, second = rows_in(part_scripts(f"{DAY}", [held_tables], "f00"))
    assert (first["relation"], first["earlier_claim_id"]) == ("changed", "c-0")
    assert (first["subtopics"], second["subtopics"]) == ("arms", "")
    assert second["relation"] == "new"
    assert first["published_at"] == one["published_at"].timestamp() // 60
    assert first["context"] == f"Before these words. “{SPAN}” And after them."


def test_hostile_text_stays_inside_one_string_of_the_script():
    words = '</script><script>alert(1)</script> \u2028 \u202e "); alert(2); // 😀'
    said = statement("s-1", content=words, title=words)

    scripts = part_scripts(f"{DAY}", [tables(said)], "f00")

    for script, call in zip(scripts, (r"part\(\S+,\[\],1", r"more\(\S+"), strict=True):
        assert script.isascii()
        assert re.fullmatch(
            rf'// [^\n]+\nonrecord\.{call},"[A-Za-z0-9+/=]+"\);\n', script
        )
    assert rows_in(scripts)[0]["content"] == words


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=4))
def test_every_text_comes_out_as_it_went_in_but_for_the_separator(said):
    rows = [
        statement(f"s-{n}", content=content, url=url)
        for n, (content, url) in enumerate(said)
    ]
    table = day_table(tables(*rows))

    found = rows_of(*columns(table), table.num_rows)

    for row, one in zip(found, table.to_pylist(), strict=True):
        for name in ("content", "url", "context", "figure", "outlet", "act"):
            assert row[name] == one[name].replace(SEPARATOR, " ")
        assert row["said_on"] == one["said_on"]


def test_months_that_are_over_are_one_part_each():
    days = [date(2026, 2, 28), date(2026, 1, 5), date(2026, 3, 1), date(2026, 2, 2)]

    assert parts([*days, date(2026, 3, 2)]) == {
        "2026-01": [days[1]],
        "2026-02": [days[3], days[0]],
        "2026-03-01": [days[2]],
        "2026-03-02": [date(2026, 3, 2)],
    }
    assert parts([]) == {}


def test_a_month_holds_the_rows_of_its_days(tmp_path):
    lake, pages = LocalLake(tmp_path), PageFolder(tmp_path / "out")
    before = DAY.replace(day=1) - timedelta(days=1)
    publish(lake, before, statement("s-1"))
    publish(lake, DAY, statement("s-3"))
    write_explorer(lake=lake, pages=pages, names={}, digests=[])
    publish(lake, before - timedelta(days=1), statement("s-0"))

    written = write_explorer(lake=lake, pages=pages, names={}, digests=[])

    scripts = [(tmp_path / f"out/days/{before:%Y-%m}{end}.js").read_text() for end in ("", ".more")]  # fmt: skip
    assert [one["statement_id"] for one in rows_in(scripts)] == ["s-0", "s-1"]
    assert written == 3


def test_names_of_topics_cannot_break_the_list_of_days():
    script = index_script(
        [Part(f"{DAY}", 3, "f00")],
        days=[DAY],
        names={"a": "\u2028</script>"},
        version="1",
        digests=[DAY],
    )

    told = json.loads(script.removeprefix("onrecord.index(").removesuffix(");\n"))
    assert script.isascii()
    assert told["names"] == {"a": "\u2028</script>"}
    assert told["days"] == [1, str(DAY), str(DAY)]
    assert told["parts"] == [[str(DAY), 3, "f00"]]


def test_a_statement_without_a_link_is_refused():
    with pytest.raises(ValueError, match="claim_links: none of statement s-1"):
        part_scripts("a", [tables(statement("s-1"), links=[])], "f00")


def test_a_missing_column_is_named():
    held_tables = tables(statement("s-1"))
    held_tables["statements"] = held_tables["statements"].drop_columns(["cue"])

    with pytest.raises(ValueError, match=r"statements\.cue: missing"):
        part_scripts("a", [held_tables], "f00")


TEXT = st.text(st.characters(exclude_characters=SPAN, exclude_categories=["Cs"]))


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4), TEXT)
def test_a_context_with_its_spans_put_back_is_the_context(parts, end):
    context = "".join(gap + span for gap, span in parts) + end
    spans = [span for _, span in parts]

    told = around(context, " … ".join(spans))

    pieces = told.split(SPAN)
    whole = " … ".join(spans).split(" … ")
    if len(pieces) == 1:
        assert told == context
    else:
        assert len(pieces) == len(whole) + 1
        assert (
            "".join(a + b for a, b in zip(pieces, [*whole, ""], strict=True)) == context
        )


@given(TEXT, st.integers(min_value=0))
def test_only_a_script_of_this_source_counts_as_made(line, number):
    assert held(line, "f00") is None
    assert (
        held(f"// On Record, explorer 2: {number} statements, from f00", "f00")
        == number
    )
    assert (
        held(f"// On Record, explorer 2: {number} statements, from f00", "f01") is None
    )
    assert (
        held(f"// On Record, explorer 0: {number} statements, from f00", "f00") is None
    )


# -------------------------------------------------------------------------- the folder


def test_what_has_not_changed_is_not_written_again(tmp_path):
    lake, pages = LocalLake(tmp_path), PageFolder(tmp_path / "out")
    publish(lake, DAY, statement("s-1"))
    publish(lake, DAY + timedelta(days=1), statement("s-2"))

    first = write_explorer(lake=lake, pages=pages, names={}, digests=[])
    again = write_explorer(lake=lake, pages=pages, names={}, digests=[])
    publish(lake, DAY, statement("s-1"), statement("s-3"))
    mended = write_explorer(lake=lake, pages=pages, names={}, digests=[])

    assert (first, again, mended) == (3 + 2 * 2 + 1, 0, 2 + 1)
    assert (tmp_path / f"out/days/{DAY}.js").read_text().startswith(
        "// On Record, explorer 2: 2 statements, from "
    )  # fmt: skip


def test_a_day_that_is_no_longer_published_leaves_the_explorer(tmp_path):
    lake, pages = LocalLake(tmp_path), PageFolder(tmp_path / "out")
    publish(lake, DAY, statement("s-1"))
    pages.write("days/2020-01-01.js", b"// of another lake")

    write_explorer(lake=lake, pages=pages, names={}, digests=[])

    assert pages.names("days/*.js") == [
        f"days/{DAY}.js", f"days/{DAY}.more.js", "days/index.js"
    ]  # fmt: skip


def test_two_lakes_of_the_same_tables_give_the_same_explorer(tmp_path):
    for name in ("a", "b"):
        lake = LocalLake(tmp_path / name)
        publish(lake, DAY, statement("s-1"), statement("s-2", act="denies"))
        pages = PageFolder(tmp_path / name / "out")
        write_explorer(lake=lake, pages=pages, names={}, digests=[DAY])

    for path in (tmp_path / "a" / "out").rglob("*.*"):
        other = tmp_path / "b" / path.relative_to(tmp_path / "a")
        assert path.read_bytes() == other.read_bytes(), path.name


def test_every_column_that_is_read_is_in_the_registry():
    for name, read in NEEDS.items():
        assert set(read) <= {one.name for one in TABLES[name].fields}


def test_a_day_without_statements_is_a_script_without_rows():
    scripts = part_scripts(f"{DAY}", [tables()], "f00")

    assert rows_in(scripts) == []
    assert isinstance(tables()["statements"], pa.Table)
