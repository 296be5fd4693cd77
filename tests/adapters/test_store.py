"""One contract for every store; then what is a bucket's alone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pyarrow as pa
import pytest

from pipeline.adapters.archive import WarcArchive
from pipeline.adapters.bucket import BucketStore
from pipeline.adapters.config import ChannelConfig
from pipeline.adapters.judgements import JudgementFile
from pipeline.adapters.lake import FolderStore, ParquetLake
from pipeline.adapters.notify import open_channels
from pipeline.app import open_app
from pipeline.errors import DamagedError, InputError, StoreError
from pipeline.model import Judgement, Partition, Verdict
from tests.adapters.test_notify import ALERT
from tests.builders import NOON, a_response
from tests.s3 import serve_bucket
from tests.world import REBUILT, SEEDS, an_app, hashes

PARTITION = Partition.at(NOON)
ROWS = pa.table({"x": [1]})


@pytest.fixture
def bucket(monkeypatch):
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    with serve_bucket() as served:
        yield served


@pytest.fixture(params=["folder", "bucket"])
def store(request, tmp_path):
    if request.param == "folder":
        return FolderStore(tmp_path)
    served = request.getfixturevalue("bucket")
    return BucketStore("s3://lake/some/prefix", endpoint=served.endpoint)


def test_what_is_put_is_there_and_a_second_put_takes_its_place(store):
    assert store.get("a/b") is None
    store.put("a/b", b"one")
    store.put("a/b", b"two")

    assert store.get("a/b") == b"two"
    with store.open("a/b") as file:
        file.seek(1)
        assert file.read() == b"wo"


def test_a_name_is_taken_once_however_many_want_it(store):
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda n: store.add("x/one", b"%d" % n), range(16)))

    assert sum(won) == 1
    assert store.get("x/one") == b"%d" % won.index(True)


def test_names_come_in_order_and_only_those_under_the_prefix(store):
    for nth in range(20):
        store.put(f"t/date={nth:02}/p", b"")
    store.put("tt/p", b"")

    assert store.names("t/") == [f"t/date={nth:02}/p" for nth in range(20)]
    store.remove("t/date=00/p")
    store.remove("t/date=00/p")
    assert len(store.names("t/")) == 19
    assert store.names("nothing/") == []


def test_folders_are_those_directly_under_the_prefix(store):
    for name in ("t/date=02/a/p", "t/date=01/p", "t/file", "tt/date=03/p"):
        store.put(name, b"")

    assert store.folders("t/") == ["date=01", "date=02"]
    assert store.folders("nothing/") == []


def test_what_lies_beside_the_days_is_no_day(store):
    archive, lake = WarcArchive(store), ParquetLake(store)
    archive.add(PARTITION, [a_response()])
    lake.write("t", PARTITION, ROWS)
    lake.publish("t", NOON.date(), ROWS)
    for stray in ("lost+found", ".snap", "date=", "date=20260302", "2026-03-01", "a"):
        store.put(f"archive/{stray}/120000-001.warc.gz", b"another's")
        store.put(f"work/t/{stray}/120000.parquet", b"another's")
        store.put(f"tables/t/{stray}/part-0.parquet", b"another's")

    assert archive.partitions() == lake.partitions("t") == [PARTITION]
    assert archive.first() == PARTITION
    assert lake.days("t") == lake.published("t") == [PARTITION.day]
    assert archive.expire(PARTITION.day + timedelta(days=1)) == 1


def test_changes_at_once_are_all_kept(store):
    store.put("file", b"")

    def add(_):
        store.change("file", lambda there: there + b"x")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(12)))

    assert store.get("file") == b"x" * 12


def test_attempts_at_one_moment_lose_no_answer_to_each_other(store):
    archive = WarcArchive(store)

    with ThreadPoolExecutor(4) as pool:
        names = list(
            pool.map(
                lambda n: archive.add(PARTITION, [a_response(body=b"%d" % n)]), range(8)
            )
        )

    assert len(set(names)) == 8
    bodies = {answer.body for answer in archive.read(PARTITION)}
    assert bodies == {b"%d" % n for n in range(8)}


def test_a_reader_between_a_file_and_its_entry_waits_for_the_entry(bucket, monkeypatch):
    """A bucket has no lock: the writer is stopped after the first of its two puts."""
    store = BucketStore("s3://lake", endpoint=bucket.endpoint)
    lake, other = ParquetLake(store), ParquetLake(store)
    lake.publish("t", NOON.date(), ROWS)
    entry, body = lake.stands("t", NOON.date())
    more = pa.concat_tables([ROWS, ROWS])
    put = BucketStore.put
    between, read = threading.Event(), threading.Event()

    def slowly(self, name, body):
        if name.endswith("_manifest.json"):
            between.set()
            assert read.wait(10)
        put(self, name, body)

    def looks_again(seconds):
        read.set()
        writer.join(10)

    monkeypatch.setattr(BucketStore, "put", slowly)
    monkeypatch.setattr("pipeline.adapters.lake.sleep", looks_again)
    writer = threading.Thread(target=other.publish, args=("t", NOON.date(), more))
    writer.start()
    assert between.wait(10)

    now, changed = lake.stands("t", NOON.date())

    assert changed != body
    assert now is not None
    assert (now.rows, now.sha256) == (2 * entry.rows, sha256(changed).hexdigest())


def test_a_file_that_is_not_its_entrys_is_seen_after_the_last_look(bucket, monkeypatch):
    store = BucketStore("s3://lake", endpoint=bucket.endpoint)
    lake, waited = ParquetLake(store), []
    lake.publish("t", NOON.date(), ROWS)
    store.put(f"tables/t/date={NOON.date()}/part-0.parquet", b"another")
    monkeypatch.setattr("pipeline.adapters.lake.sleep", waited.append)

    entry, body = lake.stands("t", NOON.date())

    assert body == b"another"
    assert entry is not None
    assert entry.sha256 != sha256(body).hexdigest()
    assert waited == list(BucketStore.pauses)


def test_judgements_and_alerts_are_kept_in_the_lake(bucket):
    store = BucketStore("s3://lake", endpoint=bucket.endpoint)
    decided = Judgement(
        verdict=Verdict.WRONG, claim_id="c", statement_id="s", note="\u2028", at=NOON
    )
    file = JudgementFile(store)
    file.add(decided)
    file.add(decided)
    channels = open_channels(
        [
            ChannelConfig(id="log", kind="file", path="alerts.jsonl"),
            ChannelConfig(id="feed", kind="atom"),
        ],
        folder=store,
        environment={},
    )
    for channel in channels:
        channel.send(ALERT)
        channel.send(ALERT)

    assert JudgementFile(store).all() == [decided, decided]
    assert bucket.objects["alerts.jsonl"].count(b"\n") == 1
    assert bucket.objects["site/alerts.atom"].count(b"<entry>") == 1


# -------------------------------------------------------------------- a folder's own


def test_what_is_the_file_systems_is_no_name(tmp_path):
    store = FolderStore(tmp_path)
    store.put("t/date=01/p", b"")
    for folder in (".snap", "lost+found"):
        store.put(f"t/{folder}/p", b"")

    assert store.names("t/") == ["t/date=01/p"]
    assert store.folders("t/") == ["date=01"]


# ------------------------------------------------------------------- a bucket's own


def test_a_bucket_that_answers_503_for_a_while_is_asked_again(bucket):
    left = [3]

    def fault(method, name):
        left[0] -= 1
        return 503 if left[0] >= 0 else None

    bucket.fault = fault
    store = BucketStore("s3://lake", endpoint=bucket.endpoint)
    store.put("a", b"one")

    assert bucket.objects["a"] == b"one"
    assert len(bucket.asked) == 4


def test_a_bucket_that_stays_down_or_hangs_is_a_transient_error_in_time(bucket):
    bucket.fault = lambda method, name: 503
    down = BucketStore("s3://lake", endpoint=bucket.endpoint, patience_seconds=1)
    with pytest.raises(StoreError, match="s3://lake/a") as refused:
        down.put("a", b"one")
    bucket.fault = lambda method, name: 3.0
    hung = BucketStore(
        "s3://lake", endpoint=bucket.endpoint, timeout_seconds=0.3, patience_seconds=0.5
    )
    with pytest.raises(StoreError) as late:
        hung.get("a")

    assert refused.value.transient
    assert late.value.transient
    assert "\n" not in str(refused.value)


def test_a_damaged_object_is_named(bucket):
    lake = ParquetLake(BucketStore("s3://lake/p", endpoint=bucket.endpoint))
    bucket.objects["p/work/t/date=2026-03-02/120000.parquet"] = b"PAR1, or not"

    with pytest.raises(
        DamagedError, match=r"s3://lake/p/work/t/.*120000\.parquet.*rebuild"
    ):
        lake.read("t", PARTITION)


@pytest.mark.parametrize(
    ("url", "endpoint", "named"),
    [
        ("gs://lake", "", "ONRECORD_LAKE"),
        ("s3:///lake", "", "ONRECORD_LAKE"),
        ("s3://lake", "http://store.example", "ONRECORD_LAKE_ENDPOINT"),
        ("s3://lake", "127.0.0.1:9000", "ONRECORD_LAKE_ENDPOINT"),
    ],
)
def test_a_wrong_address_names_its_setting(url, endpoint, named):
    with pytest.raises(InputError, match=named):
        BucketStore(url, endpoint=endpoint)


def test_no_such_bucket_is_said(bucket):
    with pytest.raises(StoreError, match="no such bucket"):
        BucketStore("s3://other", endpoint=bucket.endpoint).get("a")


def test_a_bucket_needs_a_database_of_its_own(bucket):
    app = open_app(
        config=SEEDS / "config", lake="s3://lake", lake_endpoint=bucket.endpoint
    )

    with pytest.raises(InputError, match="ONRECORD_DATABASE_URL"):
        app.status(datetime.now(UTC))


def test_a_lake_in_a_bucket_has_the_same_tables_byte_for_byte(
    bucket, world, lake, tmp_path
):
    """The first pass whole; what the others archived is made by a rebuild, which is to
    make the same (tests/test_steps.py) and asks the bucket half as often."""
    first = world.polls[0]
    world.show(first.id)
    app = an_app(
        "s3://lake/sample",
        world,
        lake_endpoint=bucket.endpoint,
        database_url=f"sqlite:///{tmp_path / 'state.sqlite'}",
    )
    app.run(first.at, everything=True)
    for path in (lake / "archive").rglob("*.warc.gz"):
        name = f"sample/{path.relative_to(lake).as_posix()}"
        if name not in bucket.objects:
            bucket.objects[name] = path.read_bytes()
    app.rebuild(first.at.date())
    app.digest()
    here = tmp_path / "copy"
    for name, body in bucket.objects.items():
        path = here / name.removeprefix("sample/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    assert hashes(here) == hashes(lake)
    assert {name.split("/")[1] for name in hashes(here)} == set(REBUILT)
    assert (here / "alerts.jsonl").read_bytes().count(b"\n") > 0
    assert all(app.verify(day) == [] for day in app.published_days())
    app.close()
