"""The archive: answers as received, in WARC files (ISO 28500) written by warcio.

One file per attempt, named by the moment of the pass and the number of the attempt, so
that a second attempt adds and never replaces.
"""

from __future__ import annotations

import json
import os
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from copy import copy
from datetime import UTC, date, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from pipeline.adapters.lake import FolderStore, Store, day_in, days_in
from pipeline.errors import DamagedError
from pipeline.ids import stable_id
from pipeline.model import Answer, Partition, Response
from pipeline.tables.manifest import sealed, unsealed

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
        self._last: Partition | None = None

    def add(self, partition: Partition, responses: Sequence[Response]) -> str:
        number = self._next(partition)
        while True:  # another attempt at the same moment may take the number first
            name = f"{partition.part}-{number:03}.warc.gz"
            path = f"{_folder(partition)}{name}"
            body = _warc(responses, name)
            if self._store.add(path, body + _seal(partition, name, body)):
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

    def seals(self, partition: Partition) -> dict[str, str]:
        folder = _folder(partition)
        held = {folder + name: was for name, was in self._expired(folder).items()}
        held |= {name: self._sealed(name) for name in self._files(partition)}
        start = f"{folder}{partition.part}-"
        return {n: held[n] for n in sorted(held) if n.startswith(start)}

    def faults(self, partition: Partition) -> list[str]:
        found = []
        for name in self._files(partition):
            with self._reading(name):
                held = self._store.get(name) or b""
            body = held[:-_SEAL]
            if not any(mark in held[len(body) :] for mark in _MARKS):
                continue  # of a version that did not seal; the manifest knows its files
            if held[len(body) :] != _seal(partition, name.rpartition("/")[2], body):
                where = f"{self._store.where}/{name}"
                found.append(f"{where}: its bytes are not those that were sealed")
        return found

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
            day = day_in(folder.removeprefix("archive/"))
            if file.endswith(_WARC) and day is not None and day < before:
                old.setdefault(f"{folder}/", []).append(file)
        for folder, files in old.items():
            known = self._expired(folder)
            known |= {file: self._sealed(folder + file) for file in files}
            gone = dict(sorted(known.items()))
            self._store.put(folder + _EXPIRED, sealed({"removed": gone}))
            for file in files:
                self._store.remove(folder + file)
        return sum(map(len, old.values()))

    def expired(self, partition: Partition) -> bool:
        names = self._expired(_folder(partition))
        return any(name.startswith(f"{partition.part}-") for name in names)

    def partitions(
        self, since: date | None = None, until: date | None = None
    ) -> list[Partition]:
        listed = (
            one
            for day in days_in(self._store, "archive/")
            if (since is None or day >= since) and (until is None or day <= until)
            for one in self._on(day)
        )
        return [one for one in listed if self._last is None or one <= self._last]

    def first(self) -> Partition | None:
        for day in days_in(self._store, "archive/"):  # a killed write leaves one empty
            if there := self._on(day):
                return there[0]
            if self._store.get(f"archive/date={day}/{_EXPIRED}") is not None:
                return Partition(day, "000000")
        return None

    def _on(self, day: date) -> list[Partition]:
        names = self._store.names(f"archive/date={day}/")
        parts = {name.split("/")[2][:6] for name in names if name.endswith(_WARC)}
        return [Partition(day, part) for part in sorted(parts)]

    def upto(self, last: Partition) -> WarcArchive:
        shown = copy(self)
        shown._last = last
        return shown

    def _files(self, partition: Partition) -> list[str]:
        start = f"{_folder(partition)}{partition.part}-"
        there = self._store.names(_folder(partition))
        return [x for x in there if x.startswith(start) and x.endswith(_WARC)]

    def _next(self, partition: Partition) -> int:
        files = self._files(partition)
        return int(files[-1][-len(_WARC) - 3 : -len(_WARC)]) + 1 if files else 1

    def _expired(self, folder: str) -> dict[str, str]:
        """The removed files of a day, with the SHA-256 under which each was sealed."""
        name = folder + _EXPIRED
        try:
            held = self._store.get(name)
            return {} if held is None else dict(unsealed(held)["removed"])
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise DamagedError(
                f"{self._store.where}/{name}", f"not a list of file names: {error}"
            ) from error

    def _sealed(self, name: str) -> str:
        """The SHA-256 under which a file is sealed; ``none`` if it is not."""
        with self._reading(name), self._store.open(name) as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _SEAL))
            digest = _SEALED.search(file.read())
        return digest[1].decode() if digest else "none"

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
                        last = offset
                        if b"\r\nWARC-Type: metadata\r\n" not in head[:200]:
                            meta = json.loads(_META_LINE.search(head)[1])  # type: ignore[index]
                            page = meta["kind"] == Answer.PAGE.value
                            feed_id = "" if page else meta["feed_id"]
                            yield not page, feed_id, name, offset
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


def _seal(partition: Partition, name: str, body: bytes) -> bytes:
    """The last record of a file, a ``metadata`` one: the SHA-256 of all before it.

    WARC's own digests cover bodies, not headers. A gzip member that is stored, not
    deflated (RFC 1951, 3.2.4), so that its bytes hang on no version of zlib.
    """
    fields = f"sha256: {sha256(body).hexdigest()}\r\n"
    plain = (
        "WARC/1.0\r\nWARC-Type: metadata\r\n"
        f"WARC-Record-ID: <urn:onrecord:{stable_id(name, 'seal')}>\r\n"
        f"WARC-Date: {partition.moment:%Y-%m-%dT%H:%M:%SZ}\r\n"
        "Content-Type: application/warc-fields\r\n"
        f"Content-Length: {len(fields)}\r\n\r\n{fields}\r\n\r\n"
    ).encode()
    return (
        b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
        + struct.pack("<BHH", 1, len(plain), len(plain) ^ 0xFFFF)
        + plain
        + struct.pack("<II", zlib.crc32(plain), len(plain))
    )


_SEAL = len(_seal(Partition(date(2000, 1, 1), "000000"), "", b""))
_MARKS = (b"WARC-Type: metadata", b"urn:onrecord:", b"application/warc-fields")
_SEALED = re.compile(rb"sha256: ([0-9a-f]{64})\r\n")


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
