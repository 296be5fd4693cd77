from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest

from pipeline.adapters.lake import LocalLake
from pipeline.errors import DamagedError
from pipeline.model import Article, Partition, Statement
from pipeline.tables.values import from_arrow, to_arrow
from tests.builders import NOON, a_statement, an_article

DAY = date(2026, 3, 2)
PARTITION = Partition.at(NOON)


def test_a_second_write_takes_the_place_of_the_first(tmp_path):
    lake = LocalLake(tmp_path)

    first = lake.write("t", PARTITION, pa.table({"x": [1, 2]}))
    second = lake.write("t", PARTITION, pa.table({"x": [3]}))

    assert first != second
    assert lake.partitions("t", DAY) == [PARTITION]
    assert lake.read("t", PARTITION).to_pydict() == {"x": [3]}


def test_the_same_rows_give_the_same_bytes(tmp_path):
    one, other = LocalLake(tmp_path / "one"), LocalLake(tmp_path / "other")
    rows = to_arrow(Statement, [a_statement(), a_statement(content="another")])

    assert one.write("t", PARTITION, rows) == other.write("t", PARTITION, rows)


def test_publishing_the_same_day_again_changes_no_file(tmp_path):
    lake = LocalLake(tmp_path)
    rows = pa.table({"x": [1]})

    assert lake.publish("t", DAY, rows)
    assert not lake.publish("t", DAY, rows)
    assert lake.published("t") == [DAY]


def test_a_truncated_partition_is_named(tmp_path):
    lake = LocalLake(tmp_path)
    lake.write("t", PARTITION, pa.table({"x": [1]}))
    (path,) = tmp_path.glob("work/t/*/*.parquet")
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(DamagedError, match=r"120000\.parquet.*rebuild"):
        lake.read("t", PARTITION)
    with pytest.raises(DamagedError, match=r"120000\.parquet.*rebuild"):
        list(lake.chunks("t", PARTITION))


def test_chunks_are_the_rows_of_a_partition_some_at_a_time(tmp_path):
    lake = LocalLake(tmp_path)
    rows = pa.table({"x": range(2_500), "y": range(2_500)})
    lake.write("t", PARTITION, rows)

    chunks = list(lake.chunks("t", PARTITION, ["x"]))

    assert [chunk.num_rows for chunk in chunks] == [1_000, 1_000, 500]
    assert pa.concat_tables(chunks).equals(rows.select(["x"]))
    assert list(lake.chunks("none", PARTITION)) == []


def test_what_a_killed_writer_left_is_swept_and_never_read(tmp_path):
    lake = LocalLake(tmp_path)
    lake.write("t", PARTITION, pa.table({"x": [1]}))
    (path,) = tmp_path.glob("work/t/*/*.parquet")
    aside = path.with_name(".120001.parquet.abc.tmp")
    aside.write_bytes(b"half")

    assert lake.partitions("t") == [PARTITION]
    assert lake.sweep() == 1
    assert not aside.exists()
    manifest = tmp_path / "tables" / "t" / "._manifest.json.abc.tmp"
    manifest.parent.mkdir(parents=True)
    manifest.write_bytes(b"half")
    assert lake.sweep() == 1


@pytest.mark.parametrize("value", [an_article(), a_statement()])
def test_values_survive_the_lake(tmp_path, value):
    lake = LocalLake(tmp_path)
    lake.write("t", PARTITION, to_arrow(type(value), [value]))

    assert from_arrow(type(value), lake.read("t", PARTITION)) == [value]


def test_an_empty_partition_keeps_its_schema(tmp_path):
    lake = LocalLake(tmp_path)
    lake.write("t", PARTITION, to_arrow(Article, []))

    assert from_arrow(Article, lake.read("t", PARTITION)) == []
