"""The archive: answers as received, in WARC files (ISO 28500) written by warcio.

One file per attempt, named by the moment of the pass and the number of the attempt, so
that a second attempt adds and never replaces. Its last record seals the bytes before it.
"""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from pipeline.adapters.lake import write_whole
from pipeline.errors import DamagedError
from pipeline.ids import stable_id
from pipeline.model import Answer, Partition, Response
from pipeline.tables.manifest import sealed, unsealed

_META = "X-Onrecord"
_EXPIRED = "expired.json"
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
        body = _warc(responses, path.name)
        write_whole(path, body + _seal(partition, path.name, body))
        return path.name

    def read(self, partition: Partition) -> Iterator[Response]:
        places = [one for path in self._files(partition) for one in _places(path)]
        for _, _, path, offset in sorted(places, key=lambda one: one[:2]):
            yield _response_at(path, offset)

    def seals(self, partition: Partition) -> dict[str, str]:
        folder = self._folder(partition)
        held = _expired(folder) | {p.name: _sealed(p) for p in self._files(partition)}
        return {
            (folder / name).relative_to(self.root.parent).as_posix(): digest
            for name, digest in sorted(held.items())
            if name.startswith(f"{partition.part}-")
        }

    def faults(self, partition: Partition) -> list[str]:
        found = []
        for path in self._files(partition):
            with _reading(path):
                held = path.read_bytes()
            body = held[:-_SEAL]
            if held[len(body) :] != _seal(partition, path.name, body):
                found.append(f"{path}: its bytes are not those that were sealed")
        return found

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
                known = _expired(folder) | {path.name: _sealed(path) for path in files}
                gone = dict(sorted(known.items()))
                write_whole(folder / _EXPIRED, sealed({"removed": gone}))
            for path in files:
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def expired(self, partition: Partition) -> bool:
        names = _expired(self._folder(partition))
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


def _expired(folder: Path) -> dict[str, str]:
    """The removed files of a day, with the SHA-256 under which each was sealed."""
    path = folder / _EXPIRED
    try:
        return dict(unsealed(path.read_bytes())["removed"]) if path.exists() else {}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DamagedError(str(path), f"not a list of file names: {error}") from error


def _sealed(path: Path) -> str:
    """The SHA-256 under which a file is sealed; ``none`` if it is not."""
    with _reading(path), path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _SEAL))
        digest = _SEALED.search(file.read())
    return digest[1].decode() if digest else "none"


def _warc(responses: Sequence[Response], name: str) -> bytes:
    file = BytesIO()
    writer = WARCWriter(file, gzip=True)
    for nth, response in enumerate(responses):
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
_SEALED = re.compile(rb"sha256: ([0-9a-f]{64})\r\n")


def _places(path: Path) -> Iterator[tuple[bool, str, Path, int]]:
    """Where each answer lies: pages first, then feeds by id, in the order of storing."""
    with _reading(path), path.open("rb") as file:
        records = ArchiveIterator(file)
        for record in records:
            if record.rec_type == "metadata":
                continue
            meta = json.loads(record.rec_headers.get_header(_META))
            page = meta["kind"] == Answer.PAGE.value
            feed_id = "" if page else meta["feed_id"]
            yield not page, feed_id, path, records.get_record_offset()


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
