"""The archive: answers as received, in WARC files (ISO 28500) written by warcio.

One file per attempt, named by the moment of the pass and the number of the attempt, so
that a second attempt adds and never replaces.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from pipeline.adapters.lake import write_whole
from pipeline.errors import DamagedError
from pipeline.ids import stable_id
from pipeline.model import Answer, Partition, Response

_META = "X-Onrecord"


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

    def read(self, partition: Partition) -> list[Response]:
        return [
            response for path in self._files(partition) for response in _responses(path)
        ]

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
        record = writer.create_warc_record(
            response.url,
            "response",
            payload=BytesIO(response.body),
            length=len(response.body),  # else warcio spools a copy that it never closes
            http_headers=headers,
            warc_headers_dict={
                "WARC-Date": response.fetched_at.astimezone(UTC).strftime(
                    "%Y-%m-%dT%H:%M:%S.%fZ"
                ),
                "WARC-Record-ID": f"<urn:onrecord:{stable_id(name, str(nth), response.url)}>",
                _META: json.dumps(meta, sort_keys=True),
            },
        )
        record.payload_length = len(response.body)
        writer.write_record(record)
    return file.getvalue()


def _responses(path: Path) -> Iterator[Response]:
    try:
        with path.open("rb") as file:
            for record in ArchiveIterator(file, check_digests="raise"):
                meta = json.loads(record.rec_headers.get_header(_META))
                yield Response(
                    kind=Answer(meta["kind"]),
                    feed_id=meta["feed_id"],
                    url=record.rec_headers.get_header("WARC-Target-URI"),
                    final_url=meta["final_url"],
                    status=int(record.http_headers.get_statuscode()),
                    headers={k.lower(): v for k, v in record.http_headers.headers},
                    body=record.raw_stream.read(),  # stored decoded, headers as sent
                    fetched_at=datetime.fromisoformat(
                        record.rec_headers.get_header("WARC-Date")
                    ),
                    seconds=meta["seconds"],
                    permanent_url=meta["permanent_url"],
                    truncated=meta["truncated"],
                )
    except (OSError, ArchiveLoadFailed, ValueError, KeyError, TypeError) as error:
        raise DamagedError(str(path), f"damaged archive record: {error}") from error
