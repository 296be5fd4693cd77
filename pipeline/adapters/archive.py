"""The archive: answers as received, in WARC files (ISO 28500) written by warcio.

One file per attempt, named by the moment of the pass and the number of the attempt, so
that a second attempt adds and never replaces.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from pipeline.adapters.lake import FolderStore, Store
from pipeline.errors import DamagedError
from pipeline.ids import stable_id
from pipeline.model import Answer, Partition, Response

_LEVEL = 4
_META = "X-Onrecord"
_EXPIRED = "expired.json"
_META_LINE = re.compile(rb"^X-Onrecord: (.*)\r$", re.M)
_PIECE = 65_536
_WARC = ".warc.gz"
_SAME = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"


class WarcArchive:
    """``archive/date=YYYY-MM-DD/HHMMSS-NNN.warc.gz``."""

    def __init__(self, place: Path | Store) -> None:
        self._store = FolderStore(place) if isinstance(place, Path) else place

    def add(self, partition: Partition, responses: Sequence[Response]) -> str:
        number = self._next(partition)
        while True:  # another attempt at the same moment may take the number first
            name = f"{partition.part}-{number:03}.warc.gz"
            path = f"{_folder(partition)}{name}"
            if self._store.add(path, _warc(responses, name)):
                return name
            number += 1

    def read(self, partition: Partition) -> Iterator[Response]:
        for one in self.salvaged(partition):
            if isinstance(one, DamagedError):
                raise one
            yield one

    def salvaged(self, partition: Partition) -> Iterator[Response | DamagedError]:
        with ExitStack() as stack:
            files: dict[str, BinaryIO] = {}
            places: list[Place] = []
            for name in self._files(partition):
                try:
                    with self._reading(name):
                        files[name] = stack.enter_context(self._store.open(name))
                except DamagedError as error:
                    yield error
                    continue
                for one in self._places(name, files[name]):
                    if isinstance(one, DamagedError):
                        yield one
                    else:
                        places.append(one)
            for _, _, name, offset in sorted(places, key=lambda one: one[:2]):
                try:
                    with self._reading(name):
                        response = _response_at(files[name], offset)
                except DamagedError as error:
                    yield error
                else:
                    yield response

    def holds(self, partition: Partition) -> bool:
        return bool(self._files(partition))

    def expire(self, before: date) -> int:
        """Remove the files of the days before one; how many.

        What is removed is written down first, in ``expired.json`` of its day: a proof
        can tell what time took from what was lost.
        """
        old: dict[str, list[str]] = {}
        for name in self._store.names("archive/"):
            folder, _, file = name.rpartition("/")
            if file.endswith(_WARC) and date.fromisoformat(folder[-10:]) < before:
                old.setdefault(f"{folder}/", []).append(file)
        for folder, files in old.items():
            names = sorted(self._expired_names(folder) | set(files))
            self._store.put(folder + _EXPIRED, json.dumps(names, indent=1).encode())
            for file in files:
                self._store.remove(folder + file)
        return sum(map(len, old.values()))

    def expired(self, partition: Partition) -> bool:
        names = self._expired_names(_folder(partition))
        return any(name.startswith(f"{partition.part}-") for name in names)

    def partitions(self, since: date | None = None) -> list[Partition]:
        found = {
            Partition(
                date.fromisoformat(name.split("/")[1][5:]), name.split("/")[2][:6]
            )
            for name in self._store.names("archive/")
            if name.endswith(_WARC)
        }
        return sorted(p for p in found if since is None or p.day >= since)

    def _files(self, partition: Partition) -> list[str]:
        start = f"{_folder(partition)}{partition.part}-"
        there = self._store.names(_folder(partition))
        return [x for x in there if x.startswith(start) and x.endswith(_WARC)]

    def _next(self, partition: Partition) -> int:
        files = self._files(partition)
        return int(files[-1][-len(_WARC) - 3 : -len(_WARC)]) + 1 if files else 1

    def _expired_names(self, folder: str) -> set[str]:
        name = folder + _EXPIRED
        try:
            return set(json.loads(self._store.get(name) or b"[]"))
        except (OSError, ValueError, TypeError) as error:
            raise DamagedError(
                f"{self._store.where}/{name}", f"not a list of file names: {error}"
            ) from error

    def _places(self, name: str, file: BinaryIO) -> Iterator[Place | DamagedError]:
        """Where each answer lies: pages first, then feeds by id, in the order of storing.

        After damage it goes on at the next record: each is a gzip member of its own.
        """
        start: int | None = 0
        while start is not None:
            last = start
            try:
                with self._reading(name):
                    for offset, head, end in _members(file, start):
                        meta = json.loads(_META_LINE.search(head)[1])  # type: ignore[index]
                        page = meta["kind"] == Answer.PAGE.value
                        yield not page, "" if page else meta["feed_id"], name, offset
                        last = end
                start = None
            except DamagedError as error:
                yield error
                file.seek(0)
                start = _next_record(file.read(), last + 1)

    @contextmanager
    def _reading(self, name: str) -> Iterator[None]:
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
            raise DamagedError(
                f"{self._store.where}/{name}", f"damaged archive record: {error}"
            ) from error


def _folder(partition: Partition) -> str:
    return f"archive/date={partition.day}/"


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


Place = tuple[bool, str, str, int]


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


def _next_record(body: bytes, after: int) -> int | None:
    """The offset of the next gzip member that begins as a WARC record does."""
    while (after := body.find(b"\x1f\x8b\x08", after)) >= 0:
        try:
            if zlib.decompressobj(31).decompress(body[after:], 5) == b"WARC/":
                return after
        except zlib.error:
            pass  # the three bytes stand within a record
        after += 1
    return None


def _response_at(file: BinaryIO, offset: int) -> Response:
    file.seek(offset)
    return _response(next(iter(ArchiveIterator(file, check_digests="raise"))))


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
