"""Bytes to text as browsers do it, and a little kinder where a declaration lies."""

from __future__ import annotations

import codecs
import re

from w3lib.encoding import http_content_type_encoding, resolve_encoding

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SHAPES = (  # the first characters of a document without a byte order mark
    (b"\x3c\x00\x00\x00", "utf-32-le"),
    (b"\x00\x00\x00\x3c", "utf-32-be"),
    (b"\x3c\x00", "utf-16-le"),
    (b"\x00\x3c", "utf-16-be"),
)
_EBCDIC = b"\x4c\x6f\xa7\x94"  # '<?xm'
_DECLARED = re.compile(
    rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']\s*([A-Za-z0-9._:-]{1,40})\s*[\"']"
)
_META = re.compile(
    rb"<meta[^>]{0,300}?charset\s*=\s*[\"']?\s*([A-Za-z0-9._:-]{1,40})", re.I
)
_UNSAFE = {"utf-7", "utf_7", "unicode_escape", "raw_unicode_escape", "idna", "punycode"}


def decoded(body: bytes, content_type: str | None) -> str:
    """The text of a document, without its byte order mark.

    The order is the browsers': byte order mark, HTTP, the document's own declaration,
    UTF-8. Bytes that are valid UTF-8 and hold a character beyond ASCII are UTF-8
    whatever was declared; bytes that do not fit are read as windows-1252, or as a
    Cyrillic page where they mostly are letters.
    """
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    for start, name in _SHAPES:
        if body.startswith(start):
            return body.decode(name, "replace")
    if body.startswith(_EBCDIC):
        return _ebcdic(body)
    if not body.isascii():
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError:
            pass
    for name in _names(body, content_type):
        text = _read(body, name)
        if text is not None:
            return text
    return _guessed(body)


def _names(body: bytes, content_type: str | None) -> list[str]:
    """Declared encodings that Python knows, by their browser names."""
    declared = [http_content_type_encoding(content_type) if content_type else None]
    for pattern in (_DECLARED, _META):
        found = pattern.search(body[:4096])
        declared.append(found[1].decode("ascii") if found else None)
    names = []
    for label in declared:
        name = _codec(label) if label else None
        if name is not None and name not in names:
            names.append(name)
    return names


def _codec(label: str) -> str | None:
    name = resolve_encoding(label)
    if name is None or name in _UNSAFE:
        return None
    try:
        return (
            codecs.lookup(name).name if codecs.lookup(name)._is_text_encoding else None
        )
    except (LookupError, ValueError):
        return None


def _read(body: bytes, name: str) -> str | None:
    """Strictly; a few stray bytes in a legacy encoding are forgiven."""
    if name == "utf-8":
        return body.decode() if body.isascii() else None  # valid UTF-8 was tried
    if name.startswith(("utf-16", "utf-32")):
        return None  # declared in single bytes, so it cannot be
    text = body.decode(name, "replace")
    return text if text.count("�") * 200 <= len(text) else None


def _ebcdic(body: bytes) -> str:
    """EBCDIC, in the code page that its declaration names."""
    text = body.decode("cp037", "replace")
    found = _DECLARED.search(text[:500].encode("ascii", "replace"))
    name = _codec(found[1].decode("ascii")) if found else None
    return body.decode(name, "replace") if name else text


def _guessed(body: bytes) -> str:
    """Text whose declaration is missing or wrong."""
    if sum(map(len, _MULTIBYTE.findall(body))) * 5 >= 4 * len(_HIGH.findall(body)):
        return body.decode("utf-8", "onrecord.windows1252")
    letters = sum(map(body.count, _CYRILLIC_LOWER)), sum(map(body.count, _KOI8_LOWER))
    latin = len(re.findall(rb"[a-z]", _TAG.sub(b"", body)))
    if max(letters) > latin // 2:
        name = "cp1251" if letters[0] >= letters[1] else "koi8-r"
        return body.decode(name, "replace")
    return body.decode("cp1252", "onrecord.windows1252")


_MULTIBYTE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_HIGH = re.compile(rb"[\x80-\xff]")
_TAG = re.compile(rb"<[^<>]{0,500}>")
_CYRILLIC_LOWER = [bytes([byte]) for byte in range(0xE0, 0x100)]
_KOI8_LOWER = [bytes([byte]) for byte in range(0xC0, 0xE0)]


def _as_windows1252(error: UnicodeError) -> tuple[str, int]:
    """A stray byte is read as windows-1252 has it, as desks paste it."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    stray = error.object[error.start : error.end]
    return stray.decode("cp1252", "replace"), error.end


codecs.register_error("onrecord.windows1252", _as_windows1252)
