"""Content codings undone while a body streams in, never more than a piece at a time.

A bomb is stopped by its reader: what comes out is counted before more is made.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import Protocol

import brotli  # type: ignore[import-untyped]
import pyarrow as pa

PIECE = 64 * 1024
MAX_CODINGS = 3
MAX_ZSTD_WINDOW = 8 * 1024 * 1024  # RFC 9659


class CodingError(Exception):
    """The bytes are not of the coding that was declared, or it is not known."""


class Decoder(Protocol):
    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What these bytes add, in pieces; CodingError where they are damaged."""
        ...

    def finish(self) -> Iterator[bytes]:
        """What the end adds; CodingError where the body ends too early."""
        ...


class Plain:
    """No coding; a body that is gzip all the same (``feed.xml.gz``) is unpacked."""

    def __init__(self) -> None:
        self._inner: Decoder | None = None
        self._begun = False

    def pieces(self, data: bytes) -> Iterator[bytes]:
        if not self._begun and data:
            self._begun = True
            if data.startswith(b"\x1f\x8b\x08"):
                self._inner = Zlib("gzip")
        if self._inner is None:
            yield data
        else:
            yield from self._inner.pieces(data)

    def finish(self) -> Iterator[bytes]:
        if self._inner is not None:
            yield from self._inner.finish()


class Zlib:
    """gzip, with several members, and deflate, with or without its header."""

    def __init__(self, coding: str) -> None:
        self._gzip = coding == "gzip"
        self._engine = zlib.decompressobj(47 if self._gzip else 15)
        self._begun = False
        self._between = b""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._engine.eof:
                if not data.startswith(b"\x1f\x8b") or not self._gzip:
                    return  # padding after the end
                self._engine = zlib.decompressobj(47)
            piece = self._one(data)
            data = self._engine.unconsumed_tail or self._engine.unused_data
            if piece:
                yield piece
            elif not self._engine.eof and not data:
                return

    def _one(self, data: bytes) -> bytes:
        try:
            piece = self._engine.decompress(data, PIECE)
        except zlib.error as error:
            if self._begun or self._gzip:
                raise CodingError(f"damaged {self._name}: {error}") from error
            self._engine = zlib.decompressobj(-15)  # deflate as some servers mean it
            self._begun = True
            return self._one(data)
        self._begun = True
        return piece

    def finish(self) -> Iterator[bytes]:
        if self._begun and not self._engine.eof:
            raise CodingError(f"the {self._name} body ends too early")
        return iter(())

    @property
    def _name(self) -> str:
        return "gzip" if self._gzip else "deflate"


class Brotli:
    def __init__(self) -> None:
        self._engine = brotli.Decompressor()
        self._begun = False

    def pieces(self, data: bytes) -> Iterator[bytes]:
        self._begun = self._begun or bool(data)
        while True:
            try:
                piece = self._engine.process(data, output_buffer_limit=PIECE)
            except brotli.error as error:
                raise CodingError(f"damaged br: {error}") from error
            if piece:
                yield piece
            data = b""
            if self._engine.is_finished() or self._engine.can_accept_more_data():
                return

    def finish(self) -> Iterator[bytes]:
        if self._begun and not self._engine.is_finished():
            raise CodingError("the br body ends too early")
        return iter(())


class Zstd:
    """Gathered first (the wire is bounded), then undone a piece at a time."""

    def __init__(self) -> None:
        self._data = bytearray()

    def pieces(self, data: bytes) -> Iterator[bytes]:
        self._data += data
        return iter(())

    def finish(self) -> Iterator[bytes]:
        if not self._data:
            return
        window = _zstd_window(self._data)
        if window is None or window > MAX_ZSTD_WINDOW:
            raise CodingError(
                "damaged zstd: not a frame"
                if window is None
                else f"zstd window of {window} bytes"
            )
        try:
            with pa.CompressedInputStream(BytesIO(self._data), "zstd") as stream:
                while piece := stream.read(PIECE):
                    yield piece
        except (OSError, pa.ArrowInvalid) as error:
            raise CodingError(f"damaged zstd: {error}") from error


def _zstd_window(data: bytes | bytearray) -> int | None:
    """Memory that a frame asks for (RFC 8878, 3.1.1.1); None for no zstd frame."""
    if len(data) < 6 or data[:4] != b"\x28\xb5\x2f\xfd":
        return None
    single, flag = bool(data[4] & 0x20), data[4] >> 6
    if not single:
        exponent, mantissa = data[5] >> 3, data[5] & 7
        base = 1 << (10 + exponent)
        return base + (base >> 3) * mantissa
    start = 5 + (0, 1, 2, 4)[data[4] & 3]
    size = (1, 2, 4, 8)[flag]
    return int.from_bytes(data[start : start + size], "little") + 256 * (size == 2)


class _Chain:
    """Several codings, the last applied undone first."""

    def __init__(self, outer: Decoder, inner: Decoder) -> None:
        self._outer, self._inner = outer, inner

    def pieces(self, data: bytes) -> Iterator[bytes]:
        for piece in self._outer.pieces(data):
            yield from self._inner.pieces(piece)

    def finish(self) -> Iterator[bytes]:
        for piece in self._outer.finish():
            yield from self._inner.pieces(piece)
        yield from self._inner.finish()


def decoder_for(header: str | None) -> Decoder:
    """The decoder for a Content-Encoding; CodingError for one that is not known."""
    names = [name.strip().lower() for name in (header or "").split(",")]
    names = [name for name in names if name and name not in ("identity", "none")]
    if len(names) > MAX_CODINGS:
        raise CodingError(f"{len(names)} content codings")
    if not names:
        return Plain()
    decoder = _decoder(names[0])
    for name in names[1:]:
        decoder = _Chain(_decoder(name), decoder)
    return decoder


def _decoder(name: str) -> Decoder:
    if name in ("gzip", "x-gzip"):
        return Zlib("gzip")
    if name == "deflate":
        return Zlib("deflate")
    if name == "br":
        return Brotli()
    if name == "zstd":
        return Zstd()
    if name in ("utf-8", "utf8", "8bit", "binary", "chunked"):
        return Plain()  # a charset or transfer coding in the wrong place
    raise CodingError(f"unknown content coding {name[:20]!r}")
