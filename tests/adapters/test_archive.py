from __future__ import annotations

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


def test_one_flipped_byte_in_a_body_is_named(tmp_path):
    archive = WarcArchive(tmp_path)
    archive.add(PARTITION, [a_response(body=b"x" * 5000)])
    (path,) = tmp_path.glob("archive/*/*.warc.gz")
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 0xFF
    path.write_bytes(body)

    with pytest.raises(DamagedError, match=r"120000-001\.warc\.gz"):
        list(archive.read(PARTITION))
