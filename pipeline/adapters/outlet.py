"""The sample outlets: a small server of the seed world, on loopback, by Host header.

``world.toml`` lists polls and outlets; ``world/<poll>/<host>/<path>`` holds what a host
answers from that poll on. It shows that a feed is asked with validators: ETag and 304.
"""

from __future__ import annotations

import threading
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pipeline.errors import ConfigError

_TYPES = {
    ".xml": "application/rss+xml; charset=utf-8",
    ".rss": "application/rss+xml; charset=utf-8",
    ".atom": "application/atom+xml; charset=utf-8",
    ".rdf": "application/rdf+xml; charset=utf-8",
    ".json": "application/feed+json; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    "": "text/html; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class PollOf:
    """One moment of the sample world."""

    id: str
    at: datetime


@dataclass(slots=True)
class World:
    """The running server, at its first poll until ``show`` turns it to another."""

    folder: Path
    polls: Sequence[PollOf]
    outlets: Sequence[Mapping[str, object]]
    port: int = 0
    _shown: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def show(self, poll_id: str) -> PollOf:
        """Answer as of this poll from now on."""
        for number, poll in enumerate(self.polls):
            if poll.id == poll_id:
                with self._lock:
                    self._shown = number
                return poll
        known = ", ".join(poll.id for poll in self.polls)
        raise ValueError(f"no poll {poll_id!r}; there are {known}")

    def hosts(self) -> dict[str, str]:
        """Where each outlet's name is answered, as the fetcher's ``hosts`` takes it."""
        return {str(one["host"]): f"127.0.0.1:{self.port}" for one in self.outlets}

    def find(self, host: str, path: str) -> Path | None:
        """The newest file for a path, at or before the poll that is shown."""
        names = [name for name in unquote(path).split("/") if name]
        if host not in self.hosts() or any(name in (".", "..") for name in names):
            return None
        with self._lock:
            shown = self._shown
        for poll in reversed(self.polls[: shown + 1]):
            file = self.folder.joinpath(poll.id, host, *names)
            for one in (file, file / "index.html"):
                if one.is_file():
                    return one
        return None


@contextmanager
def serve_world(folder: Path) -> Iterator[World]:
    """Serve ``folder`` (which holds ``world.toml`` and ``world/``) while it is open."""
    world = _load(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(world))
    server.daemon_threads = True
    world.port = server.server_address[1]
    thread = threading.Thread(
        target=server.serve_forever, args=(0.05,), name="outlet", daemon=True
    )
    thread.start()
    try:
        yield world
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _load(folder: Path) -> World:
    path = folder / "world.toml"
    try:
        data = tomllib.loads(path.read_text("utf-8"))
        polls = [
            PollOf(str(one["id"]), one["at"].astimezone(UTC)) for one in data["polls"]
        ]
        outlets = [{**one, "host": str(one["host"])} for one in data["outlets"]]
    except (OSError, ValueError) as error:
        raise ConfigError(path, None, str(error)) from error
    except (KeyError, TypeError, AttributeError) as error:
        reason = "needs [[polls]] with id and at, and [[outlets]] with host"
        raise ConfigError(path, None, reason) from error
    if not polls:
        raise ConfigError(path, None, "no polls")
    return World(folder / "world", polls, outlets)


def _handler(world: World) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = (
            True  # a body need not wait for its head to be acknowledged
        )
        timeout = 10

        def do_GET(self) -> None:
            host = (self.headers.get("Host") or "").partition(":")[0].lower()
            file = world.find(host, urlsplit(self.path).path)
            if file is None:
                self._answer(HTTPStatus.NOT_FOUND, b"not found\n", "text/plain", None)
                return
            body = file.read_bytes()
            etag = f'"{sha256(body).hexdigest()[:32]}"'
            if self.headers.get("If-None-Match") == etag:
                self._answer(HTTPStatus.NOT_MODIFIED, b"", "", etag)
                return
            kind = _TYPES.get(file.suffix, "application/octet-stream")
            self._answer(HTTPStatus.OK, body, kind, etag)

        def do_HEAD(self) -> None:
            self.do_GET()

        def _answer(
            self, status: HTTPStatus, body: bytes, kind: str, etag: str | None
        ) -> None:
            self.send_response(status)
            if kind:
                self.send_header("Content-Type", kind)
            if etag:
                self.send_header("ETag", etag)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def version_string(self) -> str:
            return "sample-outlet"

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
