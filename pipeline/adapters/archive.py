"""The archive: answers as received, in WARC files (ISO 28500) written by warcio.

One file per attempt, named by the moment of the pass and the number of the attempt, so
that a second attempt adds and never replaces.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from pipeline.adapters.lake import write_whole
from pipeline.errors import DamagedError
from pipeline.ids import stable_id
from pipeline.model import Answer, Partition, Response

_LEVEL = 4
_META = "X-Onrecord"
_EXPIRED = "expired.json"
_META_LINE = re.compile(rb"^X-Onrecord: (.*)\r$", re.M)
_PIECE = 65_536
_SAME = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"


class WarcArchive:
    """``archive/date=YYYY-MM-DD/HHMMSS-NNN.warc.gz``."""

    def __init__(self, root: Path) -> None:
        self.root = root / "archive"

    def add(self, partition: Partition, responses: Sequence[Response]) -> str:
        path = (
            self._folder(partition)
            / f"{partition.part}-{self._next(partition):03}.warc.gz"
        )
        write_whole(path, _warc(responses, path.name))
        return path.name

    def read(self, partition: Partition) -> Iterator[Response]:
        for one in self.salvaged(partition):
            if isinstance(one, DamagedError):
                raise one
            yield one

    def salvaged(self, partition: Partition) -> Iterator[Response | DamagedError]:
        found = [one for path in self._files(partition) for one in _places(path)]
        yield from (one for one in found if isinstance(one, DamagedError))
        places = [one for one in found if not isinstance(one, DamagedError)]
        for _, _, path, offset in sorted(places, key=lambda one: one[:2]):
            try:
                yield _response_at(path, offset)
            except DamagedError as error:
                yield error

    def holds(self, partition: Partition) -> bool:
        return bool(self._files(partition))

    def expire(self, before: date) -> int:
        """Remove the files of the days before one; how many.

        What is removed is written down first, in ``expired.json`` of its day: a proof
        can tell what time took from what was lost.
        """
        removed = 0
        for folder in sorted(self.root.glob("date=*")):
            if date.fromisoformat(folder.name[5:]) >= before:
                continue
            files = sorted(folder.glob("*.warc.gz"))
            if files:
                known = _expired_names(folder)
                names = sorted(known | {path.name for path in files})
                write_whole(folder / _EXPIRED, json.dumps(names, indent=1).encode())
            for path in files:
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def expired(self, partition: Partition) -> bool:
        names = _expired_names(self._folder(partition))
        return any(name.startswith(f"{partition.part}-") for name in names)

    def partitions(self, since: date | None = None) -> list[Partition]:
        found = {
            Partition(date.fromisoformat(path.parent.name[5:]), path.name[:6])
            for path in self.root.glob("date=*/*.warc.gz")
            if not path.name.startswith(".")
        }
        return sorted(p for p in found if since is None or p.day >= since)

    def _folder(self, partition: Partition) -> Path:
        return self.root / f"date={partition.day}"

    def _files(self, partition: Partition) -> list[Path]:
        return sorted(self._folder(partition).glob(f"{partition.part}-*.warc.gz"))

    def _next(self, partition: Partition) -> int:
        files = self._files(partition)
        return int(files[-1].name.split("-")[1][:3]) + 1 if files else 1


def _expired_names(folder: Path) -> set[str]:
    path = folder / _EXPIRED
    try:
        return set(json.loads(path.read_bytes())) if path.exists() else set()
    except (OSError, ValueError, TypeError) as error:
        raise DamagedError(str(path), f"not a list of file names: {error}") from error


def _warc(responses: Sequence[Response], name: str) -> bytes:
    file = BytesIO()
    for nth, response in enumerate(responses):
        plain = BytesIO()
        writer = WARCWriter(plain, gzip=False)
        headers = StatusAndHeaders(
            str(response.status), list(response.headers.items()), protocol="HTTP/1.1"
        )
        meta = {
            "kind": response.kind.value,
            "feed_id": response.feed_id,
            "final_url": response.final_url,
            "seconds": response.seconds,
            "permanent_url": response.permanent_url,
            "truncated": response.truncated,
        }
        if response.repeats is not None:  # no body: WARC names the record a revisit
            meta["repeats"] = response.repeats
        record = writer.create_warc_record(
            response.url,
            "response" if response.repeats is None else "revisit",
            payload=BytesIO(response.body),
            length=len(response.body),  # else warcio spools a copy that it never closes
            http_headers=headers,
            warc_headers_dict={
                "WARC-Date": response.fetched_at.astimezone(UTC).strftime(
                    "%Y-%m-%dT%H:%M:%S.%fZ"
                ),
                "WARC-Record-ID": f"<urn:onrecord:{stable_id(name, str(nth), response.url)}>",
                _META: json.dumps(meta, sort_keys=True),
                **({} if response.repeats is None else {"WARC-Profile": _SAME}),
            },
        )
        record.payload_length = len(response.body)
        writer.write_record(record)
        # a gzip member a record; level 9, warcio's own, saves 3 % in thrice the time
        file.write(zlib.compress(plain.getvalue(), _LEVEL, zlib.MAX_WBITS + 16))
    return file.getvalue()


Place = tuple[bool, str, Path, int]


def _places(path: Path) -> Iterator[Place | DamagedError]:
    """Where each answer lies: pages first, then feeds by id, in the order of storing.

    After damage it goes on at the next record: each is a gzip member of its own.
    """
    start: int | None = 0
    while start is not None:
        last = start
        try:
            with _reading(path), path.open("rb") as file:
                for offset, head, end in _members(file, start):
                    meta = json.loads(_META_LINE.search(head)[1])  # type: ignore[index]
                    page = meta["kind"] == Answer.PAGE.value
                    yield not page, "" if page else meta["feed_id"], path, offset
                    last = end
            start = None
        except DamagedError as error:
            yield error
            start = _next_record(path, last + 1)


def _members(file: BinaryIO, offset: int) -> Iterator[tuple[int, bytes, int]]:
    """Offset, first bytes and end of each gzip member from an offset on."""
    file.seek(offset)
    data = file.read(_PIECE)
    while data:
        member = zlib.decompressobj(zlib.MAX_WBITS + 16)
        head, start = b"", offset
        while not member.eof:
            if not data:
                raise ValueError("the file ends within a record")
            plain = member.decompress(data, _PIECE)
            if len(head) < _PIECE:
                head += plain
            rest = member.unconsumed_tail or member.unused_data
            offset += len(data) - len(rest)
            data = rest or file.read(_PIECE)
        yield start, head, offset


def _next_record(path: Path, after: int) -> int | None:
    """The offset of the next gzip member that begins as a WARC record does."""
    try:
        body = path.read_bytes()
    except OSError:
        return None  # the damage is told already
    while (after := body.find(b"\x1f\x8b\x08", after)) >= 0:
        try:
            if zlib.decompressobj(31).decompress(body[after:], 5) == b"WARC/":
                return after
        except zlib.error:
            pass  # the three bytes stand within a record
        after += 1
    return None


def _response_at(path: Path, offset: int) -> Response:
    with _reading(path), path.open("rb") as file:
        file.seek(offset)
        return _response(next(iter(ArchiveIterator(file, check_digests="raise"))))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (
        OSError,
        ArchiveLoadFailed,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        StopIteration,
        zlib.error,
    ) as error:
        raise DamagedError(str(path), f"damaged archive record: {error}") from error


def _response(record: ArcWarcRecord) -> Response:
    meta = json.loads(record.rec_headers.get_header(_META))
    return Response(
        kind=Answer(meta["kind"]),
        feed_id=meta["feed_id"],
        url=record.rec_headers.get_header("WARC-Target-URI"),
        final_url=meta["final_url"],
        status=int(record.http_headers.get_statuscode()),
        headers={k.lower(): v for k, v in record.http_headers.headers},
        body=record.raw_stream.read(),  # stored decoded, headers as sent
        fetched_at=datetime.fromisoformat(record.rec_headers.get_header("WARC-Date")),
        seconds=meta["seconds"],
        permanent_url=meta["permanent_url"],
        truncated=meta["truncated"],
        repeats=meta.get("repeats"),
    )
