"""A feed server that misbehaves: each path is one way in which servers do.

It speaks raw sockets, so that it can break any rule. ``asked`` records the head of each
request; a path may be asked with a query to make a fresh one.
"""

from __future__ import annotations

import gzip
import random
import socketserver
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import brotli
import pyarrow as pa

ITEM = (
    "<item><title>Item {n}</title><link>http://herald.example/{n}</link>"
    "<guid>guid-{n}</guid><pubDate>Mon, 02 Mar 2026 05:10:00 GMT</pubDate>"
    "<description>What was said, number {n}.</description></item>"
)


def a_feed_document(items: int = 3, title: str = "The Herald") -> bytes:
    body = "".join(ITEM.format(n=n) for n in range(items))
    return (
        f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>'
        f"<title>{title}</title>{body}</channel></rss>"
    ).encode()


def _head(status: str = "200 OK", **headers: object) -> bytes:
    headers = {"Content-Type": "application/rss+xml", **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(
        [f"HTTP/1.1 {status}", *lines, "Connection: close", "", ""]
    ).encode()


def _whole(body: bytes, status: str = "200 OK", **headers: object) -> bytes:
    return _head(status, Content_Length=len(body), **headers) + body


_Way = Callable[[Any, "Fault"], None]
_WAYS: dict[str, _Way] = {}


def _way(path: str) -> Callable[[_Way], _Way]:
    def keep(way: _Way) -> _Way:
        _WAYS[path] = way
        return way

    return keep


def _says(path: str, answer: bytes) -> None:
    def way(socket: Any, fault: Fault) -> None:
        socket.sendall(answer)

    _WAYS[path] = way


@dataclass
class Fault:
    """The running server."""

    port: int = 0
    asked: list[str] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    open: int = 0
    most_open: int = 0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    def wait(self, seconds: float) -> None:
        self.stopped.wait(seconds)


# ----------------------------------------------------------------------------- silence


@_way("/hang")
def _hang(socket: Any, fault: Fault) -> None:
    fault.wait(60)


@_way("/hang-after-head")
def _hang_after_head(socket: Any, fault: Fault) -> None:
    socket.sendall(_head())
    fault.wait(60)


@_way("/slow-head")
def _slow_head(socket: Any, fault: Fault) -> None:
    socket.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(600):
        socket.sendall(f"X-{number}: 1\r\n".encode())
        fault.wait(0.1)


@_way("/drip")
def _drip(socket: Any, fault: Fault) -> None:
    socket.sendall(_head())
    for byte in a_feed_document(1):
        socket.sendall(bytes([byte]))
        fault.wait(0.1)


@_way("/drip-after-entries")
def _drip_after_entries(socket: Any, fault: Fault) -> None:
    socket.sendall(_head() + a_feed_document(5)[:-10])
    for _ in range(600):
        socket.sendall(b" ")
        fault.wait(0.1)


@_way("/late")
def _late(socket: Any, fault: Fault) -> None:
    fault.wait(0.3)
    socket.sendall(_whole(a_feed_document()))


_says("/hang-up", b"")
_says("/hang-up-in-head", b"HTTP/1.1 200 OK\r\nContent-Ty")

# -------------------------------------------------------------------------------- size


def _endless(socket: Any, head: bytes, piece: bytes, most: int) -> None:
    socket.sendall(head)
    for _ in range(most // len(piece)):
        socket.sendall(piece)


@_way("/huge")
def _huge(socket: Any, fault: Fault) -> None:
    piece = ("<!--" + "x" * 100_000 + "-->").encode()
    _endless(socket, _head() + b"<rss><channel>", piece, 200_000_000)


@_way("/huge-with-entries")
def _huge_with_entries(socket: Any, fault: Fault) -> None:
    head = _head() + a_feed_document(10).removesuffix(b"</channel></rss>")
    _endless(
        socket,
        head,
        (ITEM.format(n=1).replace("said", "said " * 2_000)).encode() * 5,
        100_000_000,
    )


@cache
def _bombs() -> dict[str, tuple[str, bytes]]:
    """100 MB of zeros in each coding; built once, since that takes a second."""
    zeros = b"\0" * 100_000_000
    gzipped = zlib.compress(zeros, 1, 31)
    engine = brotli.Compressor(quality=1)
    return {
        "/bomb-gzip": ("gzip", gzipped),
        "/bomb-deflate": ("deflate", zlib.compress(zeros, 1)),
        "/bomb-br": ("br", engine.process(zeros) + engine.finish()),
        "/bomb-zstd": ("zstd", pa.compress(zeros, codec="zstd", asbytes=True)),
        "/bomb-nested": ("gzip, gzip", zlib.compress(gzipped, 1, 31)),
    }


def _explodes(path: str) -> None:
    def way(socket: Any, fault: Fault) -> None:
        coding, body = _bombs()[path]
        socket.sendall(_whole(body, Content_Encoding=coding))

    _WAYS[path] = way


BOMBS = ["/bomb-gzip", "/bomb-deflate", "/bomb-br", "/bomb-zstd", "/bomb-nested"]
for _path in BOMBS:
    _explodes(_path)


@_way("/bomb-many-codings")
def _bomb_many(socket: Any, fault: Fault) -> None:
    socket.sendall(_whole(b"x", Content_Encoding=", ".join(["gzip"] * 50)))


@_way("/bomb-zstd-window")
def _bomb_window(socket: Any, fault: Fault) -> None:
    frame = b"\x28\xb5\x2f\xfd\x00" + bytes([(31 - 10) << 3]) + b"\x01\x00\x00"
    socket.sendall(_whole(frame, Content_Encoding="zstd"))


@_way("/headers")
def _headers(socket: Any, fault: Fault) -> None:
    socket.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(200_000):
        socket.sendall(f"X-{number}: {'y' * 100}\r\n".encode())


@_way("/long-header")
def _long_header(socket: Any, fault: Fault) -> None:
    _endless(socket, b"HTTP/1.1 200 OK\r\nX-Long: ", b"y" * 10_000, 50_000_000)


_says("/noise", _whole(random.Random(1).randbytes(5_000_000)))
_says(
    "/laughs",
    _whole(
        b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a0 "ha">'
        + b"".join(
            b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12)
        )
        + b"]><rss><channel><item><title>&a11;</title></item></channel></rss>"
    ),
)
_says(
    "/external-entity",
    _whole(
        b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
        b"<rss><channel><item><title>x&a;</title><link>http://e.org/1</link></item>"
        b"</channel></rss>"
    ),
)

# --------------------------------------------------------------------------- redirects


def _to(place: str, status: str = "302 Found") -> bytes:
    return _whole(b"", status, Location=place)


_says("/loop", _to("/loop"))
_says("/loop-a", _to("/loop-b"))
_says("/loop-b", _to("/loop-a"))
_says("/to-metadata", _to("http://169.254.169.254/latest/meta-data/"))
_says("/to-loopback", _to("http://127.0.0.1:1/feed"))
_says("/to-decimal", _to("http://2130706433:1/feed"))
_says("/to-mapped", _to("http://[::ffff:127.0.0.1]:1/feed"))
_says("/to-private", _to("http://10.0.0.1/feed"))
_says("/to-localhost", _to("http://localhost:1/feed"))
_says("/to-file", _to("file:///etc/passwd"))
_says("/to-gopher", _to("gopher://127.0.0.1:70/_x"))
_says("/to-nothing", _whole(b"", "302 Found"))
_says("/to-garbage", _to("http://[::1/feed"))
_says("/moved", _to("/feed", "301 Moved Permanently"))
_says("/moved-308", _to("/feed", "308 Permanent Redirect"))
_says("/found", _to("/feed"))
_says("/moved-then-found", _to("/found", "301 Moved Permanently"))


@_way("/chain")
def _chain(socket: Any, fault: Fault) -> None:
    number = len([line for line in fault.asked if line.startswith("GET /chain")])
    socket.sendall(_to(f"/chain?{number}"))


# ---------------------------------------------------------------------------- statuses

_says("/404", _whole(b"nothing here", "404 Not Found", Content_Type="text/plain"))
_says("/410", _whole(b"", "410 Gone"))
_says("/429", _whole(b"", "429 Too Many Requests", Retry_After=3600))
_says(
    "/503",
    _whole(b"", "503 Service Unavailable", Retry_After="Mon, 02 Mar 2026 13:00:00 GMT"),
)
_says("/500", _whole(b"<h1>oops</h1>", "500 Internal Server Error"))
_says("/403", _whole(b"<h1>no</h1>", "403 Forbidden", Content_Type="text/html"))
_says("/999", _whole(b"", "999 Strange"))
_says("/204", _head("204 No Content"))
_says(
    "/challenge",
    _whole(
        b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>"
        b"<script>window._cf_chl_opt={}</script></body></html>",
        "403 Forbidden",
        Content_Type="text/html",
        Server="cloudflare",
        cf_mitigated="challenge",
    ),
)
_says(
    "/challenge-200",
    _whole(
        b"<html><head><title>Just a moment...</title></head><body>Enable JavaScript "
        b"and cookies to continue</body></html>",
        Content_Type="text/html",
    ),
)

# ------------------------------------------------------------------------------ bodies

_says("/feed", _whole(a_feed_document()))
_says("/empty", _whole(b""))
_says("/spaces", _whole(b" \n" * 1000))
_says("/html", _whole(b"<!DOCTYPE html><html><title>Home</title><p>Hello</p></html>"))
_says("/text", _whole(b"This is not a feed at all."))
_says("/json", _whole(b'{"error": "no"}', Content_Type="application/json"))
_says("/truncated", _whole(a_feed_document(5)[:-150]))
_says("/short-body", _head(Content_Length=10_000_000) + a_feed_document(5)[:-150])
_says("/not-gzip", _whole(a_feed_document(), Content_Encoding="gzip"))
_says("/gzip", _whole(gzip.compress(a_feed_document()), Content_Encoding="gzip"))
_says(
    "/gz-file",
    _whole(gzip.compress(a_feed_document()), Content_Type="application/gzip"),
)
_says("/deflate", _whole(zlib.compress(a_feed_document()), Content_Encoding="deflate"))
_says(
    "/deflate-raw",
    _whole(zlib.compress(a_feed_document())[2:-4], Content_Encoding="deflate"),
)
_says("/br", _whole(brotli.compress(a_feed_document()), Content_Encoding="br"))
_says(
    "/zstd",
    _whole(
        pa.compress(a_feed_document(), codec="zstd", asbytes=True),
        Content_Encoding="zstd",
    ),
)
_says(
    "/gzip-cut",
    _whole(gzip.compress(a_feed_document(2000))[:-3000], Content_Encoding="gzip"),
)
_says("/gzip-damaged", _whole(b"\x1f\x8b\x08" + b"\xff" * 200, Content_Encoding="gzip"))
_says("/coding-unknown", _whole(b"x" * 50, Content_Encoding="rot13"))
_says(
    "/chunked",
    _head(Transfer_Encoding="chunked")
    + b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in [a_feed_document()])
    + b"0\r\n\r\n",
)
_says(
    "/chunked-broken",
    _head(Transfer_Encoding="chunked") + b"zz\r\n" + a_feed_document(),
)
_says("/not-http", b"220 mail.example ESMTP ready\r\n")
_says("/http-0.9", a_feed_document())
_says(
    "/latin1-declared-utf8",
    _whole(
        a_feed_document(title="Caf\u00e9").replace("Caf\u00e9".encode(), b"Caf\xe9")
    ),
)
_says(
    "/utf8-declared-latin1",
    _whole(
        a_feed_document(title="Зеленский — “да”").replace(b"utf-8", b"iso-8859-1"),
        Content_Type="text/xml; charset=iso-8859-1",
    ),
)
_says(
    "/cp1251",
    _whole(
        a_feed_document(title="Новости")
        .decode()
        .replace("utf-8", "windows-1251")
        .encode("cp1251")
    ),
)
_says(
    "/utf16",
    _whole(a_feed_document(title="Новости").decode().encode("utf-16")),
)


# ------------------------------------------------------------- seen with fresh eyes

for _name, _place in {
    "octal": "http://0177.0.0.1:1/feed",
    "hex": "http://0x7f000001:1/feed",
    "short": "http://127.1:1/feed",
    "nat64": "http://[64:ff9b::7f00:1]:1/feed",
    "6to4": "http://[2002:7f00:1::]:1/feed",
    "unique-local": "http://[fd00:ec2::254]/latest",
    "zone": "http://[fe80::1%25eth0]/feed",
    "user": "http://news.example@127.0.0.1:1/feed",
    "fullwidth": "http://%EF%BC%91%EF%BC%92%EF%BC%97.0.0.1:1/feed",
}.items():
    _says(f"/to-{_name}", _to(_place))
_says("/to-javascript", _to("javascript:alert(1)"))
_says("/to-data", _to("data:text/xml,<rss></rss>"))
_says("/to-long", _to("/" + "x" * 7_000))
_says("/see-other", _to("/feed", "303 See Other"))
_says("/temporary", _to("/feed", "307 Temporary Redirect"))
_says("/choices", _to("/feed", "300 Multiple Choices"))
_says("/304", _head("304 Not Modified"))
_says("/206", _whole(a_feed_document(), "206 Partial Content"))
_says("/401", _whole(b"", "401 Unauthorized", WWW_Authenticate="Basic"))
_says("/451", _whole(b"", "451 Unavailable For Legal Reasons"))
_says("/429-garbage", _whole(b"", "429 Too Many Requests", Retry_After="soon"))
_says("/429-huge", _whole(b"", "429 Too Many Requests", Retry_After="9" * 60))
_says("/too-long-body", _head(Content_Length=100) + a_feed_document())
_says("/negative-length", _head(Content_Length=-5) + a_feed_document())
_says("/two-lengths", _head(Content_Length="5, 900") + a_feed_document())
_says(
    "/length-and-chunks",
    _head(Content_Length=5, Transfer_Encoding="chunked") + b"0\r\n\r\n",
)
_says("/chunk-too-large", _head(Transfer_Encoding="chunked") + b"ffffffffffffffff\r\nx")
_says(
    "/chunks-cut",
    _head(Transfer_Encoding="chunked")
    + b"%x\r\n" % (len(a_feed_document(5)) + 90)
    + a_feed_document(5)[:-20],
)


@_way("/chunk-extension")
def _chunk_extension(socket: Any, fault: Fault) -> None:
    head = _head(Transfer_Encoding="chunked") + b"1;"
    _endless(socket, head, b"x" * 10_000, 50_000_000)


@_way("/trailers")
def _trailers(socket: Any, fault: Fault) -> None:
    head = _head(Transfer_Encoding="chunked") + b"0\r\n"
    _endless(socket, head, b"X-Trailer: " + b"y" * 1_000 + b"\r\n", 50_000_000)


@_way("/one-byte-chunks")
def _one_byte_chunks(socket: Any, fault: Fault) -> None:
    piece = b"1\r\n \r\n" * 1_000
    _endless(socket, _head(Transfer_Encoding="chunked"), piece, 50_000_000)


@_way("/continue")
def _continue(socket: Any, fault: Fault) -> None:
    _endless(socket, b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100, 50_000_000)


@_way("/second-answer")
def _second_answer(socket: Any, fault: Fault) -> None:
    whole = _whole(a_feed_document()).replace(b"Connection: close\r\n", b"")
    socket.sendall(whole + _whole(a_feed_document(9, title="Smuggled")))


_says("/cookies", _whole(a_feed_document(), Set_Cookie="a=" + "b" * 6_000))
_says("/null-header", b"HTTP/1.1 200 OK\r\nX-Odd: a\x00b\r\n\r\n" + a_feed_document())
_says("/status-text", b"HTTP/1.1 abc OK\r\n\r\n" + a_feed_document())
_says("/upgrade", _head("101 Switching Protocols", Upgrade="websocket"))
_says("/x-gzip", _whole(gzip.compress(a_feed_document()), Content_Encoding="x-gzip"))
_says("/identity", _whole(a_feed_document(), Content_Encoding="identity"))
_says(
    "/two-members",
    _whole(
        gzip.compress(a_feed_document()[:200]) + gzip.compress(a_feed_document()[200:]),
        Content_Encoding="gzip",
    ),
)
_says(
    "/gzip-with-tail",
    _whole(gzip.compress(a_feed_document()) + b"\0" * 500, Content_Encoding="gzip"),
)
_says("/br-damaged", _whole(b"\xff" * 300, Content_Encoding="br"))
_says(
    "/zstd-damaged", _whole(b"\x28\xb5\x2f\xfd" + b"\xff" * 90, Content_Encoding="zstd")
)
_says(
    "/utf32",
    _whole(a_feed_document(title="Новости").decode().encode("utf-32")),
)
_says(
    "/utf16-declared-utf8",
    _whole(
        a_feed_document(title="Новости").decode().encode("utf-16-le"),
        Content_Type="text/xml; charset=utf-8",
    ),
)
_says(
    "/charset-unknown",
    _whole(a_feed_document(), Content_Type="text/xml; charset=klingon"),
)
_says(
    "/charset-utf7", _whole(a_feed_document(), Content_Type="text/xml; charset=utf-7")
)
_says(
    "/invalid-bytes",
    _whole(a_feed_document(title="XYZ").replace(b"XYZ", b"a\xff\xfeb")),
)
_says("/nulls", _whole(a_feed_document(title="XYZ").replace(b"XYZ", b"a\0\0b")))
_says("/deep", _whole(b"<rss><channel>" + b"<a>" * 200_000))
_says(
    "/deep-html",
    _whole(
        a_feed_document().replace(
            b"What was said", b"&lt;div&gt;" * 3_000 + b"What was said"
        )
    ),
)
_says(
    "/attributes",
    _whole(b"<rss " + b"".join(b'a%d="" ' % n for n in range(90_000)) + b">"),
)
_says("/feed-in-html", _whole(b"<html><body>" + a_feed_document() + b"</body></html>"))
_says(
    "/quadratic",
    _whole(
        b'<!DOCTYPE r [<!ENTITY a "'
        + b"x" * 50_000
        + b'">]><rss><channel><item><title>'
        + b"&a;" * 50_000
        + b"</title></item></channel></rss>"
    ),
)
_says(
    "/parameter-entity",
    _whole(
        b'<!DOCTYPE r [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x.dtd">%p;]>'
        + a_feed_document().partition(b"?>")[2]
    ),
)
_says(
    "/consent",
    _whole(
        b"<!DOCTYPE html><html><title>Before you continue</title><p>We value your privacy."
        b"</p></html>",
        Content_Type="text/html",
    ),
)
_says(
    "/json-cut",
    _whole(
        b'{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "content_text":'
        b' "One."}, {"id": "2", "conte',
        Content_Type="application/feed+json",
    ),
)
_says("/json-deep", _whole(b"[" * 200_000))


@_way("/conditional")
def _conditional(socket: Any, fault: Fault) -> None:
    if 'if-none-match: "v1"' in fault.asked[-1].lower():
        socket.sendall(_head("304 Not Modified", ETag='"v1"'))
    else:
        socket.sendall(_whole(a_feed_document(), ETag='"v1"'))


@_way("/robots.txt")
def _robots(socket: Any, fault: Fault) -> None:
    host = [
        line
        for line in fault.asked[-1].split("\r\n")
        if line.lower().startswith("host:")
    ]
    if any("broken.example" in line for line in host):
        socket.sendall(_whole(b"", "500 Internal Server Error"))
    elif any("open.example" in line for line in host):
        socket.sendall(_whole(b"", "404 Not Found"))
    else:
        body = b"User-agent: *\nDisallow: /private\nAllow: /private/open\n"
        socket.sendall(_whole(body, Content_Type="text/plain"))


_PAGE = b"<html><title>A page</title><p>" + b"Words of a page. " * 40 + b"</p></html>"
for _path in ("/page", "/page-2", "/private/page", "/private/open"):
    _says(_path, _whole(_PAGE, Content_Type="text/html"))

PATHS = sorted(_WAYS)


@contextmanager
def faulty() -> Iterator[Fault]:
    """The server on loopback while it is open; its slow ways end with it."""
    fault, lock = Fault(), threading.Lock()
    _bombs()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with lock:
                fault.open += 1
                fault.most_open = max(fault.most_open, fault.open)
            try:
                self._answer()
            except OSError:
                pass  # the other side has had enough
            finally:
                with lock:
                    fault.open -= 1

        def _answer(self) -> None:
            head = b""
            while b"\r\n\r\n" not in head and len(head) < 65536:
                piece = self.request.recv(65536)
                if not piece:
                    return
                head += piece
            text = head.decode("latin-1")
            fault.asked.append(text)
            path = text.split(" ")[1].partition("?")[0]
            way = _WAYS.get(path, _WAYS["/404"])
            way(self.request, fault)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    fault.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield fault
    finally:
        fault.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()
        time.sleep(0.05)
