from __future__ import annotations

import gzip
import os
import random
import zlib
from datetime import date, timedelta

import pytest

from pipeline.adapters.archive import WarcArchive
from pipeline.errors import DamagedError
from pipeline.model import Answer, Partition
from tests.builders import NOON, a_response

PARTITION = Partition.at(NOON)


def test_answers_come_back_as_they_were_received(tmp_path):
    archive = WarcArchive(tmp_path)
    answers = [
        a_response(body=b"<rss>\xff\x00</rss>", seconds=0.25),
        a_response(status=304, body=b""),
        a_response(
            kind=Answer.PAGE,
            url="http://herald.example/a?b=c",
            final_url="http://herald.example/a",
            headers={"content-encoding": "gzip", "x-odd": "one; two"},
            body=b"already decoded",
            truncated="max_bytes",
        ),
    ]

    archive.add(PARTITION, answers)

    assert list(archive.read(PARTITION)) == [answers[2], *answers[:2]]  # pages first


def test_answers_are_found_wherever_in_a_file_they_begin(tmp_path):
    archive, chance = WarcArchive(tmp_path), random.Random(1)
    answers = [
        a_response(feed_id=f"f{nth:03}", body=chance.randbytes(chance.randrange(9_000)))
        for nth in range(200)
    ]

    archive.add(PARTITION, answers)

    assert list(archive.read(PARTITION)) == answers


def test_a_file_that_was_cut_is_named(tmp_path):
    archive = WarcArchive(tmp_path)
    archive.add(PARTITION, [a_response(body=b"x" * 500)])
    (path,) = tmp_path.glob("archive/*/*.warc.gz")
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(DamagedError, match="ends within a record"):
        list(archive.read(PARTITION))


def test_a_second_attempt_at_the_same_moment_adds(tmp_path):
    archive = WarcArchive(tmp_path)
    first, second = a_response(body=b"1"), a_response(body=b"2")

    archive.add(PARTITION, [first])
    archive.add(PARTITION, [second])

    assert list(archive.read(PARTITION)) == [first, second]
    assert archive.partitions() == [PARTITION]


def test_partitions_come_in_order_and_since_a_day(tmp_path):
    archive = WarcArchive(tmp_path)
    later = Partition.at(NOON + timedelta(days=1))
    for partition in (later, PARTITION):
        archive.add(partition, [a_response()])

    assert archive.partitions() == [PARTITION, later]
    assert archive.partitions(date(2026, 3, 3)) == [later]
    assert archive.partitions(PARTITION.day, PARTITION.day) == [PARTITION]


def test_the_first_partition_stays_the_day_on_which_the_archive_began(tmp_path):
    archive = WarcArchive(tmp_path)
    assert archive.first() is None
    later = Partition.at(NOON + timedelta(days=1))
    for partition in (later, PARTITION):
        archive.add(partition, [a_response()])

    assert archive.first() == PARTITION
    archive.expire(later.day)
    assert archive.first() == Partition(PARTITION.day, "000000")


def test_an_archive_does_not_begin_with_a_write_that_was_killed(tmp_path):
    archive = WarcArchive(tmp_path)
    cut = tmp_path / "archive" / f"date={PARTITION.day - timedelta(days=1)}"
    cut.mkdir(parents=True)
    (cut / ".120000-001.warc.gz.0.tmp").write_bytes(b"half")
    assert archive.first() is None
    archive.add(PARTITION, [a_response()])

    assert archive.first() == PARTITION


def test_a_disks_own_folder_in_the_archive_is_no_day_of_it(tmp_path):
    archive = WarcArchive(tmp_path)
    archive.add(PARTITION, [a_response()])
    for name in (".snap", "lost+found", "old"):
        (tmp_path / "archive" / name).mkdir()

    assert archive.partitions() == [PARTITION]
    assert archive.first() == PARTITION
    assert archive.expire(PARTITION.day) == 0


def test_one_flipped_byte_in_a_body_is_named(tmp_path):
    archive = WarcArchive(tmp_path)
    archive.add(PARTITION, [a_response(body=b"x" * 5000)])
    (path,) = tmp_path.glob("archive/*/*.warc.gz")
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 0xFF
    path.write_bytes(body)

    with pytest.raises(DamagedError, match=r"120000-001\.warc\.gz"):
        list(archive.read(PARTITION))


def test_a_body_that_repeats_is_a_revisit_without_a_body(tmp_path):
    archive = WarcArchive(tmp_path)
    answer = a_response(body=b"", repeats="0" * 64)

    archive.add(PARTITION, [answer])

    assert list(archive.read(PARTITION)) == [answer]
    (path,) = tmp_path.glob("archive/*/*.warc.gz")
    assert b"WARC-Type: revisit" in gzip.decompress(path.read_bytes())


def test_what_is_older_than_is_kept_is_removed_and_written_down(tmp_path):
    archive = WarcArchive(tmp_path)
    later = Partition.at(NOON + timedelta(days=1))
    for partition in (PARTITION, later):
        archive.add(partition, [a_response()])

    assert archive.expire(later.day) == 1
    assert archive.expire(later.day) == 0

    assert archive.partitions() == [later]
    assert [archive.holds(one) for one in (PARTITION, later)] == [False, True]
    assert [archive.expired(one) for one in (PARTITION, later)] == [True, False]


def test_feeds_come_by_id_and_each_in_the_order_of_storing(tmp_path):
    archive = WarcArchive(tmp_path)
    for bodies in ([("b", b"1"), ("a", b"2")], [("a", b"3"), ("b", b"4")]):
        archive.add(PARTITION, [a_response(feed_id=f, body=body) for f, body in bodies])

    assert [r.body for r in archive.read(PARTITION)] == [b"2", b"3", b"1", b"4"]


@pytest.mark.parametrize("nth", [0, 1, 2])
def test_a_damaged_record_is_told_and_the_others_are_read(tmp_path, nth):
    archive = WarcArchive(tmp_path)
    responses = [
        a_response(feed_id=f"f{n}", body=os.urandom(2_000)) for n in range(3)
    ]  # fmt: skip
    archive.add(PARTITION, responses)
    (path,) = tmp_path.rglob("*.warc.gz")
    body = bytearray(path.read_bytes())
    starts = [n for n in range(len(body)) if body[n : n + 3] == b"\x1f\x8b\x08"]
    begin = [n for n in starts if _begins(bytes(body[n:]))][nth]
    body[begin + 900 : begin + 904] = bytes(4)
    path.write_bytes(body)

    found = list(archive.salvaged(PARTITION))

    errors = [one for one in found if isinstance(one, DamagedError)]
    rest = {one.feed_id for one in found if not isinstance(one, DamagedError)}
    assert errors
    assert all(str(path) in str(error) for error in errors)
    assert rest == {"f0", "f1", "f2"} - {f"f{nth}"}
    with pytest.raises(DamagedError):
        list(archive.read(PARTITION))


def _begins(body):
    try:
        return zlib.decompressobj(31).decompress(body, 5) == b"WARC/"
    except zlib.error:
        return False
