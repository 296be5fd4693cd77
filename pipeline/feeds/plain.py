"""The plain majority of feeds, read in one pass: well-formed RSS 2.0 and Atom 1.0.

A document with anything out of the ordinary (another root, ``xml:base``, inline XHTML,
a second title, an element that is not known here, a bound that is hit) is left to the
careful parser: ``read_plain`` says None. What it does read is what feedparser gives,
several times faster.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

_ATOM = "http://www.w3.org/2005/Atom"
_CONTENT = "http://purl.org/rss/1.0/modules/content/"
_DC = "http://purl.org/dc/elements/1.1/"
_SY = "http://purl.org/rss/1.0/modules/syndication/"
_XML = "http://www.w3.org/XML/1998/namespace"

_RSS_ITEM = {
    "title": "title",
    "link": "link",
    "guid": "id",
    "pubDate": "published",
    "description": "summary",
    "author": "author",
    f"{_CONTENT} encoded": "content",
    f"{_DC} creator": "author",
    f"{_DC} date": "updated",
    "http://rssnamespace.org/feedburner/ext/1.0 origLink": "feedburner_origlink",
}
_ATOM_ENTRY = {
    f"{_ATOM} title": "title",
    f"{_ATOM} id": "id",
    f"{_ATOM} published": "published",
    f"{_ATOM} updated": "updated",
    f"{_ATOM} summary": "summary",
    f"{_ATOM} content": "content",
    "http://rssnamespace.org/feedburner/ext/1.0 origLink": "feedburner_origlink",
}
_CHANNEL = {
    "title": "title",
    "language": "language",
    "ttl": "ttl",
    f"{_DC} language": "language",
    f"{_SY} updatePeriod": "sy_updateperiod",
    f"{_SY} updateFrequency": "sy_updatefrequency",
}
_FEED = {
    f"{_ATOM} title": "title",
    f"{_SY} updatePeriod": "sy_updateperiod",
    f"{_SY} updateFrequency": "sy_updatefrequency",
}
_MEDIA = "http://search.yahoo.com/mrss/"
_PASSED_OVER = {
    "category", "comments", "enclosure", f"{_ATOM} category", f"{_DC} subject",
    f"{_DC} publisher", f"{_DC} rights", f"{_ATOM} rights",
    *(f"{_MEDIA} {name}" for name in (
        "content", "thumbnail", "credit", "keywords", "rating", "copyright", "group",
    )),
    *(f"http://purl.org/rss/1.0/modules/slash/ {name}" for name in (
        "comments", "section", "department", "hit_parade",
    )),
    *(f"http://wellformedweb.org/CommentAPI/ {name}" for name in (
        "comment", "commentRss", "commentRSS",
    )),
}  # fmt: skip
_TYPED = {"title", "summary", "content"}
_HTML_TYPES = {"html": "text/html", "text": "text/plain", "": "text/plain"}
_VERSIONS = {"0.91": "rss091u", "0.92": "rss092", "0.93": "rss093", "0.94": "rss094"}
_WINDOWS = {
    chr(byte): bytes([byte]).decode("cp1252")
    for byte in range(0x80, 0xA0)
    if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
}
_OF_WINDOWS = re.compile(f"[{''.join(_WINDOWS)}]")


class _UnusualError(Exception):
    """The document is not for this reader."""


@dataclass(frozen=True, slots=True)
class PlainFeed:
    """Fields by feedparser's names, for the feed and for each entry."""

    version: str
    feed: Mapping[str, object]
    entries: list[dict[str, object]]


def read_plain(
    data: bytes, *, max_entries: int, max_depth: int, max_attributes: int
) -> PlainFeed | None:
    """The feed; None where it is not plain, not well-formed or beyond a bound."""
    reader = _Reader(max_entries, max_depth, 2 * max_attributes)
    parser = expat.ParserCreate("utf-8", " ")
    parser.buffer_text = True
    parser.ordered_attributes = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _unusual
    try:
        parser.Parse(data, True)
    except (_UnusualError, expat.ExpatError):
        return None
    return PlainFeed(reader.version, reader.feed, reader.entries)


def _unusual(*_: object) -> NoReturn:
    raise _UnusualError


@dataclass(slots=True)
class _Reader:
    """What has been read, and what is being read."""

    max_entries: int
    max_depth: int
    max_attributes: int
    version: str = ""
    feed: dict[str, object] = field(default_factory=dict)
    entries: list[dict[str, object]] = field(default_factory=list)
    atom: bool = False
    depth: int = 0
    entry: dict[str, object] | None = None
    entry_depth: int = 0
    keeping: str = ""  # field of the element whose text is being kept
    pieces: list[str] = field(default_factory=list)
    kind: str = ""
    guid_is_link: bool = True
    in_author: bool = False

    def start(self, name: str, attributes: list[str]) -> None:
        self.depth += 1
        if self.keeping or self.depth > self.max_depth:
            raise _UnusualError  # markup within text
        if attributes and self.depth > 1:
            if len(attributes) > self.max_attributes:
                raise _UnusualError
            for key in attributes[::2]:
                if key.startswith(_XML) or key == "base" or key == "lang":
                    raise _UnusualError
        if self.depth == 1:
            self._root(name, attributes)
        elif self.entry is not None:
            self._within(name, attributes, self.entry)
        elif self.depth == self.entry_depth and name == (
            f"{_ATOM} entry" if self.atom else "item"
        ):
            if attributes or len(self.entries) >= self.max_entries:
                raise _UnusualError
            self.entry = {}
        elif name.rpartition(" ")[2] in ("item", "entry"):
            raise _UnusualError
        elif self.depth == self.entry_depth:
            known = (_FEED if self.atom else _CHANNEL).get(name)
            if known is not None and known not in self.feed:
                if attributes:
                    self._type(attributes)
                self._keep(known)
            elif name.lower().endswith("title"):
                raise _UnusualError  # a title by another name, or a second one
        elif self.depth == 2 and (name != "channel" or attributes):
            raise _UnusualError

    def _root(self, name: str, attributes: list[str]) -> None:
        given = dict(zip(attributes[::2], attributes[1::2], strict=True))
        if name == "rss":
            version = given.pop("version", "")
            self.version = _VERSIONS.get(version) or (
                "rss20" if version.startswith("2.") else "rss"
            )
            self.entry_depth = 3
        elif name == f"{_ATOM} feed":
            self.atom, self.version, self.entry_depth = True, "atom10", 2
            language = given.pop(f"{_XML} lang", "")
            if language:
                self.feed["language"] = language.replace("_", "-")
        else:
            raise _UnusualError
        if any(key.startswith(_XML) or key in ("base", "lang") for key in given):
            raise _UnusualError

    def _within(
        self, name: str, attributes: list[str], entry: dict[str, object]
    ) -> None:
        """A child of an entry, or an element that is passed over."""
        if self.atom and self._atom_child(name, attributes, entry):
            return
        known = (_ATOM_ENTRY if self.atom else _RSS_ITEM).get(name)
        if known is None or self.depth != self.entry_depth + 1:
            if name not in _PASSED_OVER:
                raise _UnusualError
            return
        if known in entry:
            raise _UnusualError
        self.kind = ""
        if known == "id":
            self.guid_is_link = self._is_permalink(attributes)
        elif self.atom and known in _TYPED:
            self.kind = self._type(attributes)
        elif attributes and attributes != ["rel", "alternate"]:
            raise _UnusualError
        self._keep(known)

    def _is_permalink(self, attributes: list[str]) -> bool:
        if not attributes:
            return True
        if len(attributes) != 2 or attributes[0].lower() != "ispermalink":
            raise _UnusualError
        return attributes[1] == "true"

    def _type(self, attributes: list[str]) -> str:
        given = dict(zip(attributes[::2], attributes[1::2], strict=True))
        kind = _HTML_TYPES.get(given.pop("type", ""))
        if kind is None or given:
            raise _UnusualError
        return kind

    def _atom_child(
        self, name: str, attributes: list[str], entry: dict[str, object]
    ) -> bool:
        """Links and authors of Atom; whether this element is one."""
        if name == f"{_ATOM} link":
            self._atom_link(attributes, entry)
            return True
        if name == f"{_ATOM} author" and self.depth == self.entry_depth + 1:
            if "author" in entry or attributes:
                raise _UnusualError
            self.in_author = True
            return True
        if self.in_author:
            if name == f"{_ATOM} uri":
                return True
            if name != f"{_ATOM} name" or "author" in entry:
                raise _UnusualError
            self._keep("author")
            return True
        return False

    def _atom_link(self, attributes: list[str], entry: dict[str, object]) -> None:
        given = dict(zip(attributes[::2], attributes[1::2], strict=True))
        href = given.get("href")
        if href is None or self.depth != self.entry_depth + 1:
            raise _UnusualError
        if given.get("rel", "alternate") != "alternate":
            return
        if given.get("type", "text/html") != "text/html" or "link" in entry:
            raise _UnusualError
        entry["link"] = href

    def _keep(self, name: str) -> None:
        self.keeping = name
        self.pieces.clear()

    def text(self, data: str) -> None:
        if self.keeping:
            self.pieces.append(data)

    def end(self, name: str) -> None:
        if self.keeping:
            self._finish(_mended("".join(self.pieces).strip()))
            self.keeping = ""
        elif self.in_author and self.depth == self.entry_depth + 1:
            self.in_author = False
        elif self.entry is not None and self.depth == self.entry_depth:
            if self.guid_is_link and "id" in self.entry:
                self.entry.setdefault("link", self.entry["id"])
            self.entries.append(self.entry)
            self.entry = None
        self.depth -= 1

    def _finish(self, value: str) -> None:
        entry = self.entry
        if entry is None:
            self.feed[self.keeping] = value
            return
        if self.keeping == "content":
            kind = self.kind or "text/html"
            entry["content"] = [{"value": value, "type": kind}]
            entry.setdefault("summary", value)
            return
        if self.keeping == "summary" and self.kind:
            entry["summary_detail"] = {"type": self.kind}
        if self.keeping == "link":
            value = value.replace("&amp;", "&")
        entry[self.keeping] = value


def _mended(value: str) -> str:
    """Text that was encoded twice, and windows-1252 in place of Latin-1."""
    if value.isascii():
        return value
    with suppress(UnicodeError):
        value = value.encode("iso-8859-1").decode("utf-8")
    return _OF_WINDOWS.sub(lambda found: _WINDOWS[found[0]], value)
