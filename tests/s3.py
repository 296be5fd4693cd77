"""An object store for tests: the part of S3 that the lake uses, with faults at will."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape, unescape

PAGE = 7
"""Names in one answer to a listing: few, so that every listing has several."""

Fault = Callable[[str, str], int | float | None]
"""From method and name: a status to answer with, seconds to wait (float), or None."""


class Bucket:
    """What the server holds, what it was asked, and how it misbehaves."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.asked: list[tuple[str, str]] = []
        self.sent = 0  # bytes of objects
        self.fault: Fault | None = None
        self.lock = threading.Lock()
        self.endpoint = ""


def _tag(body: bytes) -> str:
    return f'"{md5(body, usedforsecurity=False).hexdigest()}"'


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = (
        True  # or a body waits 40 ms for its head to be acknowledged
    )
    bucket: Bucket

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _refuse(self, status: int, code: str) -> None:
        self._answer(status, f"<Error><Code>{code}</Code></Error>".encode())

    def _do(self) -> None:
        parts = urlsplit(self.path)
        bucket, _, name = unquote(parts.path).lstrip("/").partition("/")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.bucket.asked.append((self.command, name))
        trouble = self.bucket.fault and self.bucket.fault(self.command, name)
        if isinstance(trouble, float):
            time.sleep(trouble)
        elif trouble:
            return self._refuse(trouble, "SlowDown")
        if bucket != "lake":
            return self._refuse(404, "NoSuchBucket")
        if self.command == "GET" and not name:
            return self._list(parse_qs(parts.query))
        with self.bucket.lock:
            if self.command == "POST" and parts.query == "delete":
                return self._remove(re.findall(r"<Key>(.*?)</Key>", body.decode()))
            return self._object(name, body)

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _do  # noqa: N815

    def _object(self, name: str, body: bytes) -> None:
        held = self.bucket.objects
        if self.command == "PUT":
            if self.headers.get("If-None-Match") == "*" and name in held:
                return self._refuse(412, "PreconditionFailed")
            wanted = self.headers.get("If-Match")
            if wanted and (name not in held or _tag(held[name]) != wanted):
                return self._refuse(412, "PreconditionFailed")
            held[name] = body
            return self._answer(200, ETag=_tag(body))
        if name not in held:
            return self._refuse(404, "NoSuchKey")
        whole = held[name]
        given = {"ETag": _tag(whole), "Last_Modified": "Mon, 02 Mar 2026 12:00:00 GMT"}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or "")
        if not wanted:
            self.bucket.sent += len(whole) * (self.command == "GET")
            return self._answer(200, whole, **given)
        first, last = int(wanted[1]), min(int(wanted[2]), len(whole) - 1)
        given["Content_Range"] = f"bytes {first}-{last}/{len(whole)}"
        self.bucket.sent += last + 1 - first
        return self._answer(206, whole[first : last + 1], **given)

    def _remove(self, names: list[str]) -> None:
        for name in names:
            self.bucket.objects.pop(unescape(name), None)
        rows = "".join(f"<Deleted><Key>{name}</Key></Deleted>" for name in names)
        self._answer(200, f"<DeleteResult>{rows}</DeleteResult>".encode())

    def _list(self, query: dict[str, list[str]]) -> None:
        prefix = query.get("prefix", [""])[0]
        after = query.get("continuation-token", [""])[0]
        ends = query.get("delimiter", ["\0"])[0]
        folded = {  # a name, or the folder that it lies in under the prefix
            prefix + head + cut
            for n in self.bucket.objects
            if n.startswith(prefix)
            for head, cut, _ in [n[len(prefix) :].partition(ends)]
        }
        rest = [name for name in sorted(folded) if name > after]
        rows = "".join(
            f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>"
            if name.endswith(ends)
            else f"<Contents><Key>{escape(name)}</Key><Size>1</Size><ETag>x</ETag>"
            "<LastModified>2026-03-02T12:00:00.000Z</LastModified></Contents>"
            for name in rest[:PAGE]
        )
        more = len(rest) > PAGE
        last = escape(rest[PAGE - 1]) if more else ""
        token = f"<NextContinuationToken>{last}</NextContinuationToken>"
        self._answer(
            200,
            f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{rows}"
            f"{token if more else ''}</ListBucketResult>".encode(),
            Content_Type="application/xml",
        )


@contextmanager
def serve_bucket() -> Iterator[Bucket]:
    """The bucket ``lake`` on loopback."""
    bucket = Bucket()
    handler = type("Handler", (_Handler,), {"bucket": bucket})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    bucket.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield bucket
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
