"""The web, asked politely and within bounds: aiohttp behind the fetcher's promise.

One thread runs an event loop for one round; answers come out as they arrive. A host is
asked one thing at a time, with a pause between pages, except where an operator opened
its ``host:port``: that is a machine of ours. Every hop is checked by the guard, by name
before and by address while connecting. What a bound cuts is kept where it still holds
a whole entry.
"""

from __future__ import annotations

import asyncio
import queue
import re
import socket
import threading
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from urllib.parse import urljoin

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import AddrInfoType
from w3lib.url import safe_url_string
from yarl import URL

from pipeline.adapters.decoding import CodingError, Plain, decoder_for
from pipeline.adapters.guard import Guard, RefusedAddressError, join, place
from pipeline.adapters.robots import MAX_BYTES as MAX_ROBOTS_BYTES
from pipeline.adapters.robots import Robots, parse_robots
from pipeline.errors import BlockedError, FeedError, FetchError
from pipeline.model import Answer, Feed, FeedState, Response

_K = TypeVar("_K")

_ACCEPT = {
    Answer.FEED: "application/atom+xml, application/rss+xml, application/feed+json, "
    "application/rdf+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5",
    Answer.PAGE: "text/html, application/xhtml+xml;q=0.9, */*;q=0.5",
    Answer.ROBOTS: "text/plain, */*;q=0.5",
}
_REDIRECTS = {301, 302, 303, 307, 308}
_PERMANENT = {301, 308}
_WHOLE_ENTRY = re.compile(rb"</(?:\w+:)?(?:item|entry)\s*>|\"items\"\s*:")
_MAX_HEADERS = 200
_QUEUED = 64
_PATIENCE_SECONDS = 2.0  # without a word from it, a host's slot goes to another
_WAITING = 8  # times the workers: hosts that may be waited for beside them
_DNS_SECONDS = 300


class HttpFetcher:
    """The ``Fetcher`` of ports, over HTTP/1.1.

    ``allow`` opens exact ``host:port`` pairs to inside addresses, ``hosts`` maps fixed
    names to the ``address:port`` that answers for them. Sizes are in bytes.
    """

    def __init__(
        self,
        *,
        connect_seconds: float = 8.0,
        read_seconds: float = 15.0,
        total_seconds: float = 30.0,
        deadline_seconds: float = 480.0,
        workers: int = 16,
        max_bytes: int = 10_000_000,
        max_wire_bytes: int = 5_000_000,
        max_redirects: int = 5,
        user_agent: str = "onrecord/0.1",
        allow: Iterable[str] = (),
        hosts: Mapping[str, str] | None = None,
        page_pause_seconds: float = 1.0,
    ) -> None:
        self._guard = Guard(
            frozenset(pair.lower() for pair in allow),
            {name.lower(): place for name, place in (hosts or {}).items()},
        )
        self._bounds = _Bounds(
            connect_seconds=connect_seconds,
            read_seconds=read_seconds,
            total_seconds=total_seconds,
            max_bytes=max_bytes,
            max_wire_bytes=max_wire_bytes,
            max_redirects=max_redirects,
        )
        self._deadline_seconds = deadline_seconds
        self._workers = workers
        self._user_agent = user_agent
        self._page_pause_seconds = page_pause_seconds

    def feeds(
        self, asked: Sequence[tuple[Feed, FeedState]], *, now: datetime
    ) -> Iterator[tuple[Feed, Response | Exception]]:
        """Each feed's answer, as they come; a FeedError where there is none."""

        def job(feed: Feed, state: FeedState) -> _Job:
            request = _Request(
                Answer.FEED, feed.id, state.url or feed.url, now, _validators(state)
            )
            return lambda round_: round_.ask(request)

        return self._run([(feed, job(feed, state)) for feed, state in asked], 0.0)

    def pages(
        self, urls: Sequence[tuple[str, str]], *, now: datetime
    ) -> Iterator[tuple[str, Response | Exception]]:
        """The page of each (feed_id, url), where the host's robots.txt lets us."""

        def job(feed_id: str, url: str) -> _Job:
            request = _Request(Answer.PAGE, feed_id, url, now)
            return lambda round_: round_.ask_page(request)

        jobs = [(url, job(feed_id, url)) for feed_id, url in urls]
        return self._run(jobs, self._page_pause_seconds)

    def _run(
        self, jobs: Sequence[tuple[_K, _Job]], pause_seconds: float
    ) -> Iterator[tuple[_K, Response | Exception]]:
        """Run a round in a thread of its own; its answers, as they come."""
        if not jobs:
            return
        found: queue.SimpleQueue[tuple[_K, Response | Exception] | None]
        found = queue.SimpleQueue()
        loop = asyncio.new_event_loop()
        room = asyncio.Semaphore(_QUEUED)
        done = asyncio.Event()

        async def work() -> None:
            session = _session(self._guard, self._bounds, self._workers)
            async with session:
                round_ = _Round(
                    session,
                    self._guard,
                    self._bounds,
                    _Turns(self._guard, pause_seconds, self._workers),
                    self._user_agent,
                )
                tasks = [
                    asyncio.create_task(_one(round_, key, job)) for key, job in jobs
                ]
                stop = asyncio.create_task(done.wait())
                whole = asyncio.create_task(asyncio.wait(tasks))
                await asyncio.wait(
                    [whole, stop],
                    timeout=self._deadline_seconds,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                for task in (*tasks, whole, stop):
                    task.cancel()
                await asyncio.gather(*tasks, whole, stop, return_exceptions=True)

        async def _one(round_: _Round, key: _K, job: _Job) -> None:
            outcome: Response | Exception
            try:
                outcome = await job(round_)
            except FeedError as error:
                outcome = error
            await room.acquire()  # a slow reader holds the round back, not the memory
            found.put((key, outcome))

        def main() -> None:
            try:
                with asyncio.Runner(loop_factory=lambda: loop) as runner:
                    runner.run(work())
            finally:
                found.put(None)

        thread = threading.Thread(target=main, name="fetch", daemon=True)
        thread.start()
        try:
            while (one := found.get()) is not None:
                _call(loop, room.release)
                yield one
        finally:
            _call(loop, done.set)
            thread.join()


def _call(loop: asyncio.AbstractEventLoop, what: Callable[[], object]) -> None:
    with suppress(RuntimeError):  # the loop has ended: there is nothing left to tell it
        loop.call_soon_threadsafe(what)


def _validators(state: FeedState) -> dict[str, str]:
    """The headers of a conditional request."""
    headers = {}
    if state.etag:
        headers["If-None-Match"] = _header_text(state.etag)
    if state.last_modified:
        headers["If-Modified-Since"] = _header_text(state.last_modified)
    return headers


def _header_text(value: str) -> str:
    return re.sub(r"[\r\n\0]", "", value)


# ------------------------------------------------------------------ one round's state


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounds:
    connect_seconds: float
    read_seconds: float
    total_seconds: float
    max_bytes: int
    max_wire_bytes: int
    max_redirects: int


@dataclass(frozen=True, slots=True)
class _Request:
    kind: Answer
    feed_id: str
    url: str
    now: datetime
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Body:
    """What has arrived, kept outside the request so that a cut leaves it in reach."""

    data: bytearray = field(default_factory=bytearray)
    wire: int = 0
    cut: str | None = None
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Hops:
    """The way of one request so far."""

    url: str
    left: float
    seen: set[str] = field(default_factory=set)
    permanent: str | None = None
    broken: bool = False
    seconds: float = 0.0


class _Turns:
    """One thing at a time for each host, with a pause; the whole within the workers."""

    def __init__(self, guard: Guard, pause_seconds: float, workers: int) -> None:
        self._guard = guard
        self._pause = pause_seconds
        self._slots = asyncio.Semaphore(workers)
        self._waiting = asyncio.Semaphore(_WAITING * workers)
        self._locks: dict[str, asyncio.Lock] = {}
        self._free_at: dict[str, float] = {}
        self.delays: dict[str, float] = {}

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[Callable[[], None]]:
        """A worker's slot. A host that says nothing gives it back after a while.

        Call what is given when the answer begins: from then on it is a worker's work.
        """
        async with self._waiting:
            await self._slots.acquire()
            held = True

            def release() -> None:
                nonlocal held
                if held:
                    held = False
                    self._slots.release()

            timer = asyncio.get_running_loop().call_later(_PATIENCE_SECONDS, release)
            try:
                yield timer.cancel
            finally:
                timer.cancel()
                release()

    @asynccontextmanager
    async def turn(self, url: str) -> AsyncIterator[Callable[[], None]]:
        """A time in which this host is ours; call what is given when it answers."""
        host, port = place(url)
        key = join(host, port)
        if key in self._guard.allow:
            async with self._slot() as begun:
                yield begun
            return
        async with self._locks.setdefault(host, asyncio.Lock()):
            clock = asyncio.get_running_loop().time
            await asyncio.sleep(self._free_at.get(host, 0.0) - clock())
            try:
                async with self._slot() as begun:
                    yield begun
            finally:
                pause = max(self._pause, self.delays.get(host, 0.0))
                self._free_at[host] = clock() + pause


class _Round:
    """Everything that the requests of one round share."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        guard: Guard,
        bounds: _Bounds,
        turns: _Turns,
        user_agent: str,
    ) -> None:
        self._session = session
        self._guard = guard
        self._bounds = bounds
        self._turns = turns
        self._user_agent = user_agent
        self._robots: dict[str, asyncio.Future[Robots | FeedError]] = {}

    async def ask_page(self, request: _Request) -> Response:
        """The page, if robots.txt lets us; BlockedError where it does not."""
        url = _safe(request)
        try:
            self._guard.check(url)
            robots = await self._robots_of(url, request)
        except RefusedAddressError as error:
            raise BlockedError(request.feed_id, error.reason) from error
        if not robots.allows(url):
            raise BlockedError(request.feed_id, "robots.txt forbids the page")
        return await self.ask(request)

    async def ask(self, request: _Request) -> Response:
        """The answer after redirects; a FeedError where there is none."""
        hops = _Hops(_safe(request), self._bounds.total_seconds)
        while True:
            body = _Body()
            try:
                target = await self._hop(request, hops, body)
            except RefusedAddressError as error:
                raise BlockedError(request.feed_id, error.reason) from error
            if target is None:
                return self._response(request, hops, body)
            self._follow(request, hops, target, body.status)

    def _follow(self, request: _Request, hops: _Hops, target: str, status: int) -> None:
        hops.seen.add(hops.url)
        if status not in _PERMANENT:
            hops.broken = True
        if not hops.broken:
            hops.permanent = target
        if target in hops.seen:
            raise FetchError(request.feed_id, f"a redirect loop at {target[:200]}")
        if len(hops.seen) > self._bounds.max_redirects:
            most = self._bounds.max_redirects
            raise FetchError(request.feed_id, f"more than {most} redirects")
        hops.url = target

    async def _hop(self, request: _Request, hops: _Hops, body: _Body) -> str | None:
        """Ask one address: where it sends us, or None when ``body`` is the answer."""
        self._guard.check(hops.url)
        clock = asyncio.get_running_loop().time
        async with self._turns.turn(hops.url) as begun:
            began = clock()
            try:
                async with asyncio.timeout(hops.left):
                    return await self._get(request, hops.url, body, begun)
            except TimeoutError as error:
                reason = self._too_slow(error)
                self._salvage(request, body, reason, error)
            except (aiohttp.ClientError, OSError, ValueError) as error:
                refused = _refusal(error)
                if refused is not None:
                    raise refused from error
                self._salvage(request, body, _reason(error), error)
            finally:
                hops.seconds += clock() - began
                hops.left = max(0.01, hops.left - (clock() - began))
        return None

    def _too_slow(self, error: BaseException) -> str:
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            return f"no connection within {self._bounds.connect_seconds:g} s"
        if isinstance(error, aiohttp.SocketTimeoutError):
            return f"silent for {self._bounds.read_seconds:g} s"
        return f"not whole within {self._bounds.total_seconds:g} s"

    def _salvage(
        self, request: _Request, body: _Body, reason: str, error: BaseException
    ) -> None:
        """Keep what came before a cut where it holds an entry; else raise."""
        if _usable(request, body):
            body.cut = reason
            return
        status = body.status or None
        raise FetchError(request.feed_id, reason, status=status) from error

    async def _get(
        self, request: _Request, url: str, body: _Body, begun: Callable[[], None]
    ) -> str | None:
        headers = {
            "User-Agent": self._user_agent,
            "Accept": _ACCEPT[request.kind],
            "Accept-Encoding": "gzip, deflate, br",
            **request.headers,
        }
        async with self._session.get(
            URL(url, encoded=True), headers=headers, allow_redirects=False
        ) as answer:
            begun()
            body.status = answer.status
            body.headers = _headers(answer)
            location = body.headers.get("location")
            if answer.status in _REDIRECTS and location:
                answer.close()
                return _safe_url(location, request.feed_id, base=url)
            if answer.status not in (204, 304):
                await self._read(request, answer, body)
        return None

    async def _read(
        self, request: _Request, answer: aiohttp.ClientResponse, body: _Body
    ) -> None:
        """The body, undone as it streams, up to the bounds."""
        try:
            decoder = decoder_for(body.headers.get("content-encoding"))
        except CodingError as error:
            raise FetchError(request.feed_id, str(error)) from error
        most = MAX_ROBOTS_BYTES if request.kind is Answer.ROBOTS else None
        most = most or self._bounds.max_bytes
        try:
            async for chunk in answer.content.iter_any():
                if not body.wire and _plain_after_all(chunk, body.headers):
                    decoder = Plain()
                body.wire += len(chunk)
                self._add(body, decoder.pieces(chunk), most)
                if body.wire > self._bounds.max_wire_bytes and body.cut is None:
                    body.cut = f"more than {self._bounds.max_wire_bytes} bytes sent"
                if body.cut is not None:
                    break
            else:
                self._add(body, decoder.finish(), most)
        except CodingError as error:
            body.cut = str(error)
        if body.cut is not None:
            answer.close()
            if not _usable(request, body):
                raise FetchError(request.feed_id, body.cut, status=body.status)

    def _add(self, body: _Body, pieces: Iterator[bytes], most: int) -> None:
        for piece in pieces:
            body.data += piece[: most - len(body.data) + 1]
            if len(body.data) > most:
                del body.data[most:]
                body.cut = f"more than {most} bytes"
                return

    def _response(self, request: _Request, hops: _Hops, body: _Body) -> Response:
        return Response(
            kind=request.kind,
            feed_id=request.feed_id,
            url=request.url,
            final_url=hops.url,
            status=body.status,
            headers=body.headers,
            body=bytes(body.data),
            fetched_at=request.now,
            seconds=round(hops.seconds, 3),
            permanent_url=hops.permanent,
            truncated=body.cut,
        )

    async def _robots_of(self, url: str, request: _Request) -> Robots:
        """The host's rules, asked once a round. Without an answer nothing is asked."""
        host, port = place(url)
        scheme = url.partition(":")[0]
        key = f"{scheme}://{join(host, port)}"
        if key not in self._robots:
            asked = _Request(
                Answer.ROBOTS, request.feed_id, urljoin(url, "/robots.txt"), request.now
            )
            self._robots[key] = asyncio.ensure_future(self._ask_robots(asked, host))
        found = await asyncio.shield(self._robots[key])
        if isinstance(found, BlockedError):
            raise BlockedError(request.feed_id, found.reason)
        if isinstance(found, FeedError):
            reason = f"robots.txt could not be read: {found.reason}"
            raise FetchError(request.feed_id, reason)
        return found

    async def _ask_robots(self, request: _Request, host: str) -> Robots | FeedError:
        try:
            answer = await self.ask(request)
        except FeedError as error:
            return error
        if answer.status >= 500:
            return FetchError(request.feed_id, f"HTTP {answer.status}")
        if not 200 <= answer.status < 300:
            return Robots()
        robots = parse_robots(answer.body.decode("utf-8", "replace"), self._agent_token)
        self._turns.delays[host] = robots.delay_seconds
        return robots

    @property
    def _agent_token(self) -> str:
        """The product token of the User-Agent, which robots.txt names."""
        return re.split(r"[/\s(]", self._user_agent, maxsplit=1)[0]


_Job = Callable[[_Round], Awaitable[Response]]


# ----------------------------------------------------------------- the guarded session


def _session(guard: Guard, bounds: _Bounds, workers: int) -> aiohttp.ClientSession:
    resolver = _Resolver(guard)
    connector = aiohttp.TCPConnector(
        resolver=resolver,
        socket_factory=resolver.socket,
        limit=_WAITING * workers + 4,
        ttl_dns_cache=_DNS_SECONDS,
        dns_cache_max_size=10_000,
    )
    return aiohttp.ClientSession(
        connector=connector,
        auto_decompress=False,
        trust_env=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(
            total=None,
            sock_connect=bounds.connect_seconds,
            sock_read=bounds.read_seconds,
        ),
    )


class _Resolver(AbstractResolver):
    """Names to addresses that the guard admits; the last check is on the socket."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._admitted: set[tuple[str, int]] = set()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        name = host.rstrip(".").lower()
        mapped = self._guard.mapped(name)
        if mapped is not None:
            self._admitted.add(mapped)
            return [_resolved(host, *mapped)]
        refused: RefusedAddressError | None = None
        found = []
        for address in await _lookup(host, port):
            try:
                self._guard.admit(name, port, address, port)
            except RefusedAddressError as error:
                refused = error
                continue
            self._admitted.add((address, port))
            found.append(_resolved(host, address, port))
        if not found:
            raise refused or OSError(f"{host} has no address")
        return found

    def socket(self, info: AddrInfoType) -> socket.socket:
        """A socket for an address, refused where nobody admitted it."""
        family, kind, protocol, _, where = info
        address, port = str(where[0]), int(where[1])
        if (address, port) not in self._admitted:
            self._guard.admit(address, port, address, port)
        return socket.socket(family, kind, protocol)

    async def close(self) -> None:
        pass


def _resolved(host: str, address: str, port: int) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=socket.AF_INET6 if ":" in address else socket.AF_INET,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )


async def _lookup(host: str, port: int) -> list[str]:
    """Addresses of a name, in a thread that no deadline has to wait for."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[list[str]] = loop.create_future()

    def tell(found: list[str] | None, error: OSError | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(found or [])

    def look() -> None:
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            _call(loop, lambda error=error: tell(None, error))  # type: ignore[misc]
            return
        except UnicodeError:
            _call(loop, lambda: tell(None, OSError(f"{host[:80]} is not a host name")))
            return
        found = list(dict.fromkeys(str(info[4][0]) for info in infos))
        _call(loop, lambda: tell(found, None))

    threading.Thread(target=look, name="resolve", daemon=True).start()
    return await future


# ----------------------------------------------------------------------- small things


def _safe(request: _Request) -> str:
    return _safe_url(request.url, request.feed_id)


def _safe_url(url: str, feed_id: str, *, base: str = "") -> str:
    """A URL in ASCII without fragment or password; FetchError where it is none."""
    try:
        url = urljoin(base, url) if base else url
        url = safe_url_string(url.strip()).partition("#")[0]
        parsed = URL(url, encoded=True)
        if parsed.user is not None or parsed.password is not None:
            parsed = parsed.with_user(None)
        return str(parsed)
    except (ValueError, TypeError) as error:
        raise FetchError(feed_id, f"not a URL: {url[:200]!r}") from error


def _headers(answer: aiohttp.ClientResponse) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in list(answer.headers.items())[:_MAX_HEADERS]:
        value = value.encode("utf-8", "replace").decode("utf-8", "replace")
        name = name.lower()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _plain_after_all(chunk: bytes, headers: Mapping[str, str]) -> bool:
    """Whether a body is text although a coding is declared."""
    start = chunk.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    return "content-encoding" in headers and start in (b"<", b"{") and chunk.isascii()


def _usable(request: _Request, body: _Body) -> bool:
    """Whether a body that was cut still holds a whole entry."""
    if request.kind is Answer.ROBOTS:
        return bool(body.data)
    if request.kind is not Answer.FEED or not 200 <= body.status < 300:
        return False
    return _WHOLE_ENTRY.search(body.data) is not None


def _refusal(error: BaseException | None) -> RefusedAddressError | None:
    """The guard's word within what a connector made of it."""
    seen = 0
    while error is not None and seen < 10:
        if isinstance(error, RefusedAddressError):
            return error
        inner = getattr(error, "os_error", None)
        error = inner or error.__cause__ or error.__context__
        seen += 1
    return None


def _reason(error: BaseException) -> str:
    """One line for an operator."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"its certificate is not valid: {error.certificate_error}"[:300]
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"no such host: {error.host}"
    if isinstance(error, aiohttp.ClientSSLError):
        return f"no TLS: {error}"[:300]
    if isinstance(error, aiohttp.ClientConnectorError):
        cause = error.os_error
        return f"no connection: {cause.strerror or cause}"[:300]
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the server hung up without an answer"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the body ended too early"
    if isinstance(error, aiohttp.InvalidURL):
        return f"not a URL: {error}"[:300]
    if isinstance(error, aiohttp.ClientResponseError):
        return f"not HTTP: {error.message.partition(chr(10))[0].rstrip(':')}"[:120]
    return f"{type(error).__name__}: {error}"[:300]
