"""PostgreSQL, Redis and an S3 server on loopback, each with a new password, for tests.

What is missing is named with the package that has it; nothing is skipped.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parents[2]
MOTO = ROOT / ".cache" / "moto" / "bin" / "moto_server"
SPARE_USERS = ("postgres", "nobody")


class MissingError(RuntimeError):
    """A program is not installed."""


def program(name: str, package: str, *, within: str = "") -> str:
    """The path of a program. MissingError names the package that has it."""
    found = [str(p) for p in Path("/").glob(f"{within}/{name}")] if within else []
    path = shutil.which(name) if not found else max(found)
    if path is None:
        raise MissingError(f"{name} is not there: apt-get install {package}")
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


Found = TypeVar("Found")


def until(found: Callable[[], Found], what: str, seconds: float = 60) -> Found:
    """Wait for it, and give it; RuntimeError says what never came."""
    end = time.monotonic() + seconds
    while not (one := found()):
        if time.monotonic() > end:
            raise RuntimeError(f"waited {seconds:g} s for {what}")
        time.sleep(0.1)
    return one


@dataclass
class Process:
    """A server that can be stopped, killed and started again, in a group of its own."""

    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    user: str | None = None
    running: subprocess.Popen[bytes] | None = None
    starts: int = 0

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(
                self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                env=dict(self.environment), user=self.user, start_new_session=True,
                cwd="/" if self.user else ROOT,
            )  # fmt: skip
        self.starts += 1

    @property
    def pid(self) -> int:
        assert self.running is not None
        return self.running.pid

    def alive(self) -> bool:
        return self.running is not None and self.running.poll() is None

    def stop(self, how: signal.Signals = signal.SIGTERM, seconds: float = 20) -> None:
        """Tell it, wait, then kill its group."""
        if self.running is None:
            return
        if self.alive():
            self.running.send_signal(how)
            with suppress(subprocess.TimeoutExpired):
                self.running.wait(seconds)
        self.kill()
        self.running.wait()

    def kill(self) -> None:
        self._all(signal.SIGKILL)

    def pause(self) -> None:
        self._all(signal.SIGSTOP)

    def resume(self) -> None:
        self._all(signal.SIGCONT)

    def _all(self, what: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, what)

    def tail(self, size: int = 3000) -> str:
        return self.log.read_text("utf-8", errors="replace")[-size:]


@dataclass
class Server:
    """Where it listens, with its secret, and its process."""

    port: int
    password: str
    process: Process
    environment: Mapping[str, str] = field(default_factory=dict)

    def url(self, scheme: str, name: str = "") -> str:
        return f"{scheme}://onrecord:{self.password}@127.0.0.1:{self.port}/{name}"


def _spare_user() -> str | None:
    """Whom a server runs as: never root, which PostgreSQL refuses."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in SPARE_USERS if name in known)


@contextmanager
def _folder(user: str | None) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="onrecord-"))
    if user:
        shutil.chown(folder, user)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postgres() -> Iterator[Server]:
    """PostgreSQL with a collation that is not that of code points, as in the field."""
    where = "usr/lib/postgresql/*/bin"
    initdb = program("initdb", "postgresql", within=where)
    server = program("postgres", "postgresql", within=where)
    user, port, password = _spare_user(), free_port(), secrets.token_urlsafe(16)
    with _folder(user) as folder:
        (folder / "pw").write_text(password)
        (folder / "pw").chmod(0o644)  # in a folder that is its owner's alone
        subprocess.run(
            [initdb, "-D", str(folder / "data"), "-U", "onrecord", "-A", "scram-sha-256",
             f"--pwfile={folder / 'pw'}", "-E", "UTF8", "--locale=C.UTF-8"],
            user=user, cwd="/", check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        options = {
            "listen_addresses": "127.0.0.1", "port": port, "max_connections": 80,
            "unix_socket_directories": folder, "shared_buffers": "32MB",
        }  # fmt: skip
        command = [server, "-D", str(folder / "data")]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        log = folder / "log"
        log.touch()
        made = Server(port, password, Process(command, log, user=user))
        made.process.start()
        try:
            until(lambda: answers(made), "PostgreSQL")
            yield made
        finally:
            made.process.stop(signal.SIGINT)


def answers(server: Server) -> bool:
    import psycopg

    try:
        with psycopg.connect(server.url("postgresql", "postgres")) as db:
            db.execute("select 1")
    except psycopg.OperationalError:
        return False
    return True


def new_database(server: Server, name: str) -> None:
    """An empty database with the collation of a language: ICU's English."""
    import psycopg

    with psycopg.connect(server.url("postgresql", "postgres"), autocommit=True) as db:
        db.execute(f"drop database if exists {name} with (force)")
        db.execute(
            f"create database {name} template template0 "
            "locale_provider icu icu_locale 'en-US' locale 'C.UTF-8'"
        )


@contextmanager
def redis() -> Iterator[Server]:
    server, port = program("redis-server", "redis-server"), free_port()
    password = secrets.token_urlsafe(16)
    with _folder(None) as folder:
        (folder / "conf").write_text(
            f'bind 127.0.0.1\nport {port}\nsave ""\ndir {folder}\nuser default off\n'
            f"user onrecord on >{password} ~* &* +@all\n"
        )
        (folder / "conf").chmod(0o600)
        process = Process([server, str(folder / "conf")], folder / "log")
        process.start()
        try:
            until(lambda: _listens(port), "Redis")
            yield Server(port, password, process)
        finally:
            process.stop()


@contextmanager
def storage() -> Iterator[Server]:
    """moto's S3, in an environment of its own, with the bucket ``lake``."""
    if not MOTO.exists():
        raise MissingError(f"{MOTO} is not there: make .cache/moto/.done")
    port = free_port()
    with _folder(None) as folder:
        command = [str(MOTO), "-H", "127.0.0.1", "-p", str(port)]
        process = Process(command, folder / "log")
        process.start()
        try:
            until(lambda: _listens(port), "moto")
            link = HTTPConnection("127.0.0.1", port)
            link.request("PUT", "/lake", headers={"Authorization": _AS_S3})
            assert link.getresponse().status == 200
            yield Server(
                port, "", process,
                {
                    "AWS_ACCESS_KEY_ID": "test",
                    "AWS_SECRET_ACCESS_KEY": secrets.token_urlsafe(16),
                    "AWS_REGION": "us-east-1",
                    "ONRECORD_LAKE_ENDPOINT": f"http://127.0.0.1:{port}",
                },
            )  # fmt: skip
        finally:
            process.stop()


class Proxy:
    """Stands before the store and does to requests what ``fault`` says of each.

    ``fault`` takes the number of the request: a status to answer with, seconds to wait
    before it is passed on, or None.
    """

    def __init__(self, port: int, behind: int) -> None:
        self.port, self.behind = port, behind
        self.fault: Callable[[int], int | float | None] | None = None
        self.refused = self.slowed = 0
        self._numbers = count()

    def trouble(self) -> int | None:
        """Wait as the fault says; the status to refuse the request with, if any."""
        found = self.fault and self.fault(next(self._numbers))
        if isinstance(found, float):
            self.slowed += 1
            time.sleep(found)
            return None
        self.refused += bool(found)
        return found


class _Forward(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def log_message(self, *_: object) -> None:
        pass

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if status := self.proxy.trouble():
            self._answer(status, b"<Error><Code>SlowDown</Code></Error>", {})
            return
        link = HTTPConnection("127.0.0.1", self.proxy.behind, timeout=60)
        link.request(self.command, self.path, body or None, dict(self.headers.items()))
        answer = link.getresponse()
        self._answer(answer.status, answer.read(), dict(answer.getheaders()))
        link.close()

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in (
                "content-length",
                "connection",
                "transfer-encoding",
            ):
                self.send_header(name, value)
        length = (
            headers.get("Content-Length", "0") if self.command == "HEAD" else len(body)
        )
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _do  # noqa: N815


@contextmanager
def before(behind: int) -> Iterator[Proxy]:
    """A proxy on loopback before the server at a port."""
    handler = type("Handler", (_Forward,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    handler.proxy = Proxy(server.server_port, behind)
    server.handle_error = lambda *_: None  # a client that has gone is none of ours
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield handler.proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


_AS_S3 = "AWS4-HMAC-SHA256 Credential=test/20260302/us-east-1/s3/aws4_request"


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
