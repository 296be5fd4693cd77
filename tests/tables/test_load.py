"""Tables as data frames and in DuckDB: what is read, and what is not."""

from __future__ import annotations

import json
import shutil
from datetime import date

import pandas as pd
import pytest
from typer.testing import CliRunner

from pipeline.adapters.lake import LocalLake
from pipeline.adapters.sql import answers, open_sql
from pipeline.app import App
from pipeline.cli import cli
from pipeline.errors import InputError
from pipeline.settings import Settings
from pipeline.tables import load
from pipeline.tables.manifest import sealed, unsealed
from pipeline.tables.reading import by_figure, files, place_of
from pipeline.tables.schemas import TABLES
from tests.world import SEEDS

FIRST, SECOND = "2026-03-02", "2026-03-03"


@pytest.mark.parametrize("name", list(TABLES))
def test_a_table_loads_as_its_file_does_without_object_columns(lake, name):
    frame = load(name, lake=str(lake))
    files = sorted((lake / "tables" / name).glob("date=*/*.parquet"))
    whole = pd.concat([pd.read_parquet(path, partitioning=None) for path in files])

    assert "object" not in set(map(str, frame.dtypes))
    pd.testing.assert_frame_equal(frame, whole.reset_index(drop=True))


def test_days_figures_and_columns_are_chosen(lake):
    whole = load("statements", lake=str(lake))
    some = load(
        "statements",
        since=SECOND,
        until=SECOND,
        figure="Vladimir Putin",
        columns=["statement_id", "figure_id"],
        lake=str(lake),
    )

    wanted = whole[(whole.first_seen_at >= SECOND) & (whole.figure == "Vladimir Putin")]
    assert list(some.columns) == ["statement_id", "figure_id"]
    assert list(some.statement_id) == list(wanted.statement_id)
    assert len(some) > 3
    by_id = load("statements", figure="Q7747", since=SECOND, lake=str(lake))
    assert list(by_id.statement_id) == list(some.statement_id)


def test_files_of_other_days_are_not_opened(lake, tmp_path):
    folder = shutil.copytree(lake / "tables", tmp_path / "tables").parent
    (folder / "tables" / "statements" / f"date={FIRST}" / "part-0.parquet").write_bytes(
        b""
    )

    assert len(load("statements", since=SECOND, lake=str(folder))) > 50
    assert load("statements", until="2026-03-01", lake=str(folder)).empty


def test_the_record_as_a_past_day_left_it(lake):
    then = load("claims", as_of=FIRST, lake=str(lake)).set_index("claim_id")
    now = load("claims", as_of=SECOND, lake=str(lake)).set_index("claim_id")
    links = load("claim_links", lake=str(lake))

    assert (then.first_seen_at < SECOND).all()
    assert now.n_statements.sum() == len(links)
    assert then.n_statements.sum() == (links.first_seen_at < SECOND).sum()
    grown = now.n_statements.reindex(then.index) - then.n_statements
    assert grown.min() == 0
    assert grown.max() > 0
    assert (
        then.dtypes.to_dict()
        == load("claims", lake=str(lake)).set_index("claim_id").dtypes.to_dict()
    )


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"table": "speeches"}, "table speeches: not published; there are articles"),
        ({"table": "claims", "columns": ["mood"]}, "table claims: no column mood"),
        ({"table": "claims", "since": "2 March"}, "since '2 March': not a day"),
        (
            {"table": "articles", "figure": "Q1"},
            "articles: no column figure_id to find Q1",
        ),
        (
            {"table": "daily_figure_topic", "as_of": FIRST},
            "trends.trend reads any past",
        ),
    ],
)
def test_what_is_asked_wrongly_is_named(lake, asked, words):
    with pytest.raises(ValueError, match=words):
        load(**asked, lake=str(lake))


def test_a_folder_that_is_no_lake_is_named(tmp_path):
    with pytest.raises(ValueError, match="no folder tables in it"):
        load("claims", lake=str(tmp_path))


def test_every_table_is_a_view_with_the_same_rows(lake):
    with open_sql(lake) as opened:
        for name, table in TABLES.items():
            found = opened.sql(f'SELECT * FROM "{name}"')
            assert found.columns == [field.name for field in table.fields]
            assert len(found.fetchall()) == len(load(name, lake=str(lake)))


def test_a_lake_without_tables_gives_empty_views_of_the_same_types(lake, tmp_path):
    with open_sql(lake) as full, open_sql(tmp_path) as empty:
        for name in TABLES:
            asked = f'SELECT * FROM "{name}"'
            assert empty.sql(asked).types == full.sql(asked).types


def test_duckdb_fetches_no_extension(lake):
    with open_sql(lake) as opened:
        for setting in ("autoinstall_known_extensions", "autoload_known_extensions"):
            value = opened.sql(f"SELECT current_setting('{setting}')").fetchall()
            assert value == [(False,)]
        with pytest.raises(InputError, match="requires the extension httpfs"):
            answers(opened, "SELECT * FROM read_parquet('https://e.example/a.parquet')")


def test_sql_answers_one_query_or_those_piped_in(lake):
    run = CliRunner().invoke
    count = len(load("claims", lake=str(lake)))

    one = run(cli, ["sql", "--lake", str(lake), "select count(*) from claims"])
    two = run(
        cli,
        ["sql", "--lake", str(lake)],
        input="select count(*)\nfrom claims;\nselect 7 as seven",
    )
    bad = run(cli, ["sql", "--lake", str(lake), "select mood from claims"])

    assert (one.exit_code, two.exit_code, bad.exit_code) == (0, 0, 2)
    assert str(count) in one.stdout
    assert str(count) in two.stdout
    assert "seven" in two.stdout
    assert "mood" in bad.stderr


def test_the_manifest_says_what_the_files_hold(lake):
    for name in TABLES:
        body = (lake / "tables" / name / "_manifest.json").read_text("utf-8")
        days = json.loads(body)["days"]
        assert sum(day["rows"] for day in days.values()) == len(
            load(name, lake=str(lake))
        )
        assert {day["schema_version"] for day in days.values()} == {"1"}


def test_a_day_of_the_next_month_compacts_the_one_before(lake, tmp_path):
    folder = shutil.copytree(lake, tmp_path / "lake")
    settings = Settings(config=SEEDS / "config", lake=str(folder))

    App(settings).close_day(date(2026, 4, 1))

    assert {
        (path.parts[-3], path.name) for path in (folder / "compact").rglob("*.parquet")
    } == {(name, "2026-03.parquet") for name, table in TABLES.items() if table.group}


def test_a_compacted_month_is_read_in_place_of_its_days(lake, tmp_path):
    folder = shutil.copytree(lake, tmp_path / "lake")
    asked = ["compact", "--month", "2026-03", "--lake", str(folder)]
    tables = [name for name, table in TABLES.items() if table.group]

    first, again = (CliRunner().invoke(cli, asked).stdout for _ in range(2))

    other = CliRunner().invoke(cli, [*asked[:2], "2020-01", *asked[3:]])

    assert first == f"compact  {len(tables)} months of tables\n"
    assert again == "compact  0 months of tables\n"
    assert (other.exit_code, "2020-01" in other.stderr) == (2, True)
    place = place_of(str(folder))
    for name in tables:
        there = sorted((folder / "compact" / name).rglob("*.parquet"))
        assert by_figure(place, name) == ([], [str(path) for path in there])
        for path in there:
            who = path.parent.name.removeprefix("figure_id=")
            assert files(place, name, figure_id=who) == [str(path)]
            late = files(place, name, first=date(2026, 3, 2), figure_id=who)
            assert str(path) not in late
            compacted, days = (
                load(name, lake=str(one), figure=who) for one in (folder, lake)
            )
            key = list(TABLES[name].key)
            pd.testing.assert_frame_equal(
                compacted.sort_values(key, ignore_index=True),
                days.sort_values(key, ignore_index=True),
            )
    with open_sql(folder) as opened:
        assert len(opened.sql("FROM claims").fetchall()) == len(
            load("claims", lake=str(lake))
        )


def test_a_month_whose_days_changed_is_not_read_and_is_made_again(lake, tmp_path):
    folder = shutil.copytree(lake, tmp_path / "lake")
    store = LocalLake(folder)
    store.compact("claims", "2026-03")
    rows = store.load("claims", date(2026, 3, 3))
    who = rows["figure_id"][0].as_py()
    path = folder / "compact" / "claims" / f"figure_id={who}" / "2026-03.parquet"
    before = path.read_bytes()

    store.publish("claims", date(2026, 3, 3), rows.slice(1))
    assert by_figure(place_of(str(folder)), "claims")[1] == []
    assert store.compact("claims", "2026-03")
    assert not path.exists() or path.read_bytes() != before
    store.publish("claims", date(2026, 3, 3), rows)
    assert store.compact("claims", "2026-03")

    assert path.read_bytes() == before


def test_a_figure_is_found_by_name_in_its_compacted_files(lake, tmp_path):
    folder = shutil.copytree(lake, tmp_path / "lake")
    LocalLake(folder).compact("claim_links", "2026-03")
    named = load("statements", lake=str(folder))[["figure_id", "figure"]].iloc[0]
    (folder / "tables/claim_links/date=2026-03-02/part-0.parquet").unlink()  # not read

    by_name, by_id = (
        load("claim_links", figure=one, lake=str(folder))
        for one in (named.figure, named.figure_id)
    )

    assert len(by_id) > 0
    pd.testing.assert_frame_equal(by_name, by_id)
    with open_sql(folder) as opened:
        ((count,),) = opened.sql(
            f"SELECT count(*) FROM claim_links WHERE figure_id = '{named.figure_id}'"
        ).fetchall()
    assert count == len(by_id)


def test_what_a_month_no_longer_holds_is_removed_and_damage_mended(lake, tmp_path):
    folder = shutil.copytree(lake, tmp_path / "lake")
    store = LocalLake(folder)
    store.compact("claims", "2026-03")
    (one, *_) = sorted((folder / "compact/claims").glob("*/2026-03.parquet"))
    more = one.parents[1] / "figure_id=x-none" / one.name
    more.parent.mkdir()
    shutil.copy(one, more)
    body = one.read_bytes()
    one.write_bytes(body[:-9] + b"?" + body[-8:])

    assert store.compact("claims", "2026-03")
    assert not store.compact("claims", "2026-03")
    assert (one.read_bytes(), more.exists()) == (body, False)


def test_months_that_an_older_version_compacted_are_not_read(lake, tmp_path):
    folder = shutil.copytree(lake, tmp_path / "lake")
    store = LocalLake(folder)
    store.compact("claims", "2026-03")
    path = folder / "compact/claims/_manifest.json"
    told = unsealed(path.read_bytes())
    del told["files"]
    path.write_bytes(sealed(told))

    assert by_figure(place_of(str(folder)), "claims")[1] == []
    assert store.compact("claims", "2026-03")
    assert by_figure(place_of(str(folder)), "claims")[0] == []
