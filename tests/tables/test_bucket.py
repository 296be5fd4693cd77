"""Tables of a lake in a bucket: as those of a folder, and no more of them read."""

from __future__ import annotations

import pandas as pd
import pytest
from typer.testing import CliRunner

from pipeline.adapters.sql import open_sql
from pipeline.cli import cli
from pipeline.tables import load
from pipeline.tables.schemas import TABLES
from pipeline.tables.trends import trend
from tests.s3 import serve_bucket

LAKE = "s3://lake/some/prefix"


@pytest.fixture
def bucket(lake, monkeypatch):
    """The tables of the sample in a bucket."""
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with serve_bucket() as served:
        for path in (lake / "tables").rglob("*.*"):
            if path.is_file() and not path.name.startswith("."):
                name = path.relative_to(lake).as_posix()
                served.objects[f"some/prefix/{name}"] = path.read_bytes()
        yield served


@pytest.mark.parametrize("name", list(TABLES))
def test_a_table_loads_as_from_a_folder(bucket, lake, name):
    there = load(name, lake=LAKE, endpoint=bucket.endpoint)

    pd.testing.assert_frame_equal(there, load(name, lake=str(lake)))


def test_choices_and_past_days_are_the_same_and_less_is_fetched(bucket, lake):
    asked = {"figure": "Q7747", "columns": ["statement_id", "content"]}
    of_day = {"table": "claims", "as_of": "2026-03-02"}
    before = bucket.sent

    some = load("statements", **asked, lake=LAKE, endpoint=bucket.endpoint)
    fetched, whole = bucket.sent - before, sum(map(len, bucket.objects.values()))

    pd.testing.assert_frame_equal(some, load("statements", **asked, lake=str(lake)))
    then = load(**of_day, lake=LAKE, endpoint=bucket.endpoint)
    pd.testing.assert_frame_equal(then, load(**of_day, lake=str(lake)))
    assert 0 < fetched < whole / 2


def test_trends_are_the_same(bucket, lake):
    by = ["figure", "act"]

    there = trend(by, lake=LAKE, endpoint=bucket.endpoint)

    pd.testing.assert_frame_equal(there, trend(by, lake=str(lake)))


def test_sql_has_every_table_as_a_view_of_the_same_types_and_rows(bucket, lake):
    with open_sql(LAKE, bucket.endpoint) as there, open_sql(lake) as here:
        for name in TABLES:
            asked = f'SELECT * FROM "{name}" ORDER BY ALL'
            assert there.sql(asked).types == here.sql(asked).types
            assert there.sql(asked).fetchall() == here.sql(asked).fetchall()
        joined = """SELECT s.figure, l.relation, count(*) FROM statements s
            JOIN claim_links l USING (statement_id)
            WHERE s.about_topic AND s.first_seen_at >= TIMESTAMPTZ '2026-03-03 00:00:00Z'
            GROUP BY ALL ORDER BY ALL"""
        assert there.sql(joined).fetchall() == here.sql(joined).fetchall()


def test_the_commands_read_the_bucket_of_the_settings(bucket, lake, monkeypatch):
    monkeypatch.setenv("ONRECORD_LAKE", LAKE)
    monkeypatch.setenv("ONRECORD_LAKE_ENDPOINT", bucket.endpoint)
    monkeypatch.setenv("ONRECORD_DATABASE_URL", "sqlite://")
    asked = "select count(*) as n from claims"

    found = CliRunner().invoke(cli, ["sql", asked])
    told = CliRunner().invoke(cli, ["trends", "--act", "asserts"])

    assert str(len(load("claims", lake=str(lake)))) in found.stdout
    here = trend(["figure", "act"], act="asserts", lake=str(lake))
    assert told.stdout == here.to_csv(index=False)


def test_a_bucket_without_tables_has_empty_views(bucket, lake):
    bucket.objects.clear()

    with open_sql(LAKE, bucket.endpoint) as empty, open_sql(lake) as full:
        for name in TABLES:
            asked = f'SELECT * FROM "{name}"'
            assert empty.sql(asked).types == full.sql(asked).types
    with pytest.raises(ValueError, match="no folder tables in it"):
        load("claims", lake=LAKE, endpoint=bucket.endpoint)


@pytest.mark.parametrize(
    ("lake_", "endpoint", "named"),
    [
        ("gs://lake", "", "gs://lake: a folder or s3://bucket"),
        ("s3:///prefix", "", "a folder or s3://bucket"),
        (LAKE, "http://store.example", "http:// on loopback alone"),
    ],
)
def test_a_wrong_place_is_named(lake_, endpoint, named):
    with pytest.raises(ValueError, match=named):
        load("claims", lake=lake_, endpoint=endpoint)


def test_a_bucket_that_does_not_answer_ends_the_command_with_its_name(
    bucket, monkeypatch
):
    bucket.fault = lambda method, name: 403
    monkeypatch.setenv("ONRECORD_LAKE", LAKE)
    monkeypatch.setenv("ONRECORD_LAKE_ENDPOINT", bucket.endpoint)
    monkeypatch.setenv("ONRECORD_DATABASE_URL", "sqlite://")

    found = CliRunner().invoke(cli, ["sql", "select 1"])

    assert found.exit_code == 1
    assert f"onrecord: {LAKE}" in found.stderr
