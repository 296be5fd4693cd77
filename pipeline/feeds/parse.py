"""One feed document to its entries: RSS, Atom, RDF, CDF by feedparser; JSON Feed here.

A document that is not well-formed is mended where that is safe (a bare ``&``, an HTML
entity, a control character), cut after its last whole entry where it ends too early,
and left to feedparser's loose parser otherwise. Nothing is cleaned here: entries hold
what the feed says, and only text is ever taken from them.
"""

from __future__ import annotations

import html
import io
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import urljoin, urlsplit
from xml import sax
from xml.parsers import expat

from feedparser.api import LooseFeedParser, StrictFeedParser
from feedparser.sanitizer import replace_doctype
from feedparser.urls import make_safe_absolute_uri
from lxml import etree  # type: ignore[import-untyped]

from pipeline.errors import ParseError
from pipeline.feeds.dates import moment_of
from pipeline.feeds.encoding import decoded
from pipeline.feeds.jsonfeed import parse_json
from pipeline.feeds.markup import shallow
from pipeline.feeds.plain import read_plain
from pipeline.feeds.wishes import quiet_hours
from pipeline.ids import stable_id
from pipeline.model import Bounds, Entry, Parsed, Response

DEFAULT = Bounds()
MAX_SHORT_FIELD = 4_000
MAX_ATTRIBUTES = 200
MAX_LOOSE = 2_000_000
MAX_HEAD = 200_000
MAX_TTL_MINUTES = 7 * 24 * 60

_ROOT = re.compile(
    r"<(?:[\w.-]{1,40}:)?(rss|feed|rdf|channel|item|items|entry)[\s>/]", re.I
)
_HTML = re.compile(r"<(?:!doctype\s+html|html)[\s>]", re.I)
_HTML_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{1,120})", re.I)
_DECLARATION = re.compile(
    r"(^(?:\s|<!--.{0,2000}?-->)*)<\?xml\b[^>]{0,500}\?>", re.I | re.S
)
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CDATA = re.compile(r"(<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z))", re.S)
_AMPERSAND = re.compile(
    r"&(?:([A-Za-z][A-Za-z0-9]{1,31});|(#(?:\d{1,7}|[xX]\w{1,6});))?"
)
_NUMERIC = re.compile(r"#(?:(\d+)|[xX]([0-9a-fA-F]+));")
_ENTITY = re.compile(r"<!ENTITY\s+%?\s*[\w.:-]+\s+(?:\"([^\"]*)\"|'([^']*)')", re.I)
_DOCTYPE = re.compile(r"<!DOCTYPE(?:[^\[>\"']|\"[^\"]*\"|'[^']*')*(\[)?", re.I)
_SUBSET_END = re.compile(r"\]\s*>")
_XML_NAMES = {"amp", "lt", "gt", "quot", "apos"}
_PLAIN_LINK = re.compile(r"https?://[a-z0-9.-]+/[A-Za-z0-9/_-]*(?:\.[a-z]+)?")
_DANGEROUS = {"javascript", "data", "vbscript", "file", "about", "blob", "view-source"}
_WHOLE = {"item", "entry"}
_CRASHES = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    RecursionError,
    NotImplementedError,
)  # what feedparser raises on some bytes


def parse_feed(response: Response, bounds: Bounds = DEFAULT) -> Parsed:
    """The entries of a feed in document order, or a ParseError with the reason.

    ``damage`` is set where only a part could be read: the answer was cut, the document
    ends too early, or a bound was hit. Links are absolute; those that are not for a
    reader's browser (``javascript:``, ``data:``) are dropped.
    """
    feed_id = response.feed_id
    text = decoded(response.body, response.header("content-type"))
    text = _ILLEGAL.sub("", text).lstrip("\ufeff \t\r\n")
    if not text:
        raise ParseError(feed_id, "empty", status=response.status)
    if text.startswith(("{", "[")):
        return _with_cut(parse_json(text, response, bounds), response)
    start = text.find("<")
    if start < 0 or not _has_root(text):
        raise ParseError(feed_id, _what_it_is(text), status=response.status)
    whole = _DECLARATION.sub(r"\1", text[start:], count=1)
    found = _plainly(whole, bounds)
    if found is not None:
        return _with_cut(_parsed(found, None, response, whole, bounds), response)
    document = _mended(whole, bounds)
    found = _plainly(document.text, bounds) if document.text != whole else None
    found = found or _feedparsed(document.text, response)
    if not found.entries and not found.version:
        reason = document.damage if not document.text else None
        raise ParseError(feed_id, reason or _what_it_is(text), status=response.status)
    parsed = _parsed(found, document.damage, response, whole, bounds)
    return _with_cut(parsed, response)


def _has_root(text: str) -> bool:
    """Whether a feed's element comes up, before that of an HTML page."""
    root = _ROOT.search(text)
    page = _HTML.search(text, 0, 2_000)
    return root is not None and (page is None or root.start() < page.start())


def _with_cut(parsed: Parsed, response: Response) -> Parsed:
    if response.truncated is None:
        return parsed
    return replace(parsed, damage=f"truncated: {response.truncated}")


def _what_it_is(text: str) -> str:
    """Why a document is no feed, in words for an operator."""
    head = text[:20_000]
    if _HTML.search(head):
        title = _HTML_TITLE.search(head)
        name = " ".join(html.unescape(title[1]).split()) if title else ""
        return f"not a feed: HTML page {name!r}" if name else "not a feed: HTML page"
    if not text.startswith("<"):
        return "not XML"
    root = re.search(r"<([A-Za-z_][\w.:-]{0,60})", head)
    return f"not a feed: <{root[1]}>" if root else "not XML"


# ---------------------------------------------------------------- mending a document


@dataclass(frozen=True, slots=True)
class _Document:
    text: str
    damage: str | None


@dataclass(slots=True)
class _Walk:
    """What a look over the document finds: how far it is sound, where entries end."""

    open: list[str] = field(default_factory=list)
    entries: int = 0
    entry_end: int = -1  # byte offset of the last whole entry's end tag
    entry_open: list[str] = field(default_factory=list)
    stop: str | None = None
    error: str | None = None
    at_end: bool = False


class _BoundError(Exception):
    """A bound was hit while looking over a document."""


def _mended(text: str, bounds: Bounds) -> _Document:
    """The document as well-formed as it can be made without a guess."""
    text = _without_bombs(text.lstrip())
    walk = _walked(text, bounds)
    if walk.error is not None and walk.stop is None:
        mended = _CDATA.split(text)
        mended[::2] = [_AMPERSAND.sub(_entity, part) for part in mended[::2]]
        text = "".join(mended)
        walk = _walked(text, bounds)
    if walk.stop is not None:
        return _cut(text, walk, walk.stop)
    if walk.error is None:
        return _Document(text, None)
    if walk.at_end:
        return _cut(text, walk, "truncated")
    if len(text) > MAX_LOOSE:  # the loose parser takes a minute for what is larger
        return _Document(_recovered(text), walk.error)
    return _Document(text, walk.error)


def _walked(text: str, bounds: Bounds) -> _Walk:
    """One pass of expat; entities are not expanded and nothing is kept."""
    walk, parser = _Walk(), expat.ParserCreate("utf-8")
    parser.ordered_attributes = True

    def start(name: str, attributes: Sequence[str]) -> None:
        walk.open.append(name)
        if len(attributes) > 2 * MAX_ATTRIBUTES:
            walk.stop = f"an element with more than {MAX_ATTRIBUTES} attributes"
            raise _BoundError
        if len(walk.open) > bounds.max_depth:
            walk.stop = f"nested deeper than {bounds.max_depth}"
            raise _BoundError

    def end(name: str) -> None:
        walk.open.pop()
        if name.rpartition(":")[2] in _WHOLE:
            walk.entries += 1
            walk.entry_end = parser.CurrentByteIndex
            walk.entry_open = walk.open.copy()
            if walk.entries >= bounds.max_entries:
                walk.stop = f"more than {bounds.max_entries} entries"
                raise _BoundError

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    data = text.encode("utf-8", "replace")
    try:
        parser.Parse(data, True)
    except _BoundError:
        pass
    except expat.ExpatError as error:
        walk.error = f"not well-formed: {error}"
        walk.at_end = parser.ErrorByteIndex >= len(data) - 1 or _runs_out(data, parser)
    return walk


def _runs_out(data: bytes, parser: expat.XMLParserType) -> bool:
    """Whether the error is a token that never ends, so that the text was cut in it."""
    if parser.ErrorCode == expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS]:
        return True
    rest = data[parser.ErrorByteIndex :]
    unclosed = expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN]
    in_cdata = expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION]
    return parser.ErrorCode in (unclosed, in_cdata) or (
        rest.startswith(b"<") and b">" not in rest
    )


def _cut(text: str, walk: _Walk, damage: str) -> _Document:
    """The document up to its last whole entry, with what is open closed."""
    data = text.encode("utf-8", "replace")
    if walk.entry_end < 0:
        return _Document("" if walk.stop else _closed(text), damage)
    end = data.find(b">", walk.entry_end) + 1
    tail = "".join(f"</{name}>" for name in reversed(walk.entry_open))
    return _Document(data[:end].decode("utf-8", "replace") + tail, damage)


def _recovered(text: str) -> str:
    """What libxml2 makes of a large broken document, without network or entities."""
    root = _rooted(text)
    return "" if root is None else str(etree.tostring(root, encoding="unicode"))


def _rooted(text: str) -> Any:
    parser = etree.XMLParser(
        recover=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=True,
    )
    try:
        return etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.LxmlError:
        return None


def _closed(text: str) -> str:
    """The head of a cut document without a whole entry."""
    root = _rooted(text[:MAX_HEAD])
    if root is None:
        return ""
    for partial in root.xpath("//*[local-name()='item' or local-name()='entry']"):
        parent = partial.getparent()
        if parent is not None:
            parent.remove(partial)
    return str(etree.tostring(root, encoding="unicode"))


def _entity(found: re.Match[str]) -> str:
    """An ``&`` that XML takes: HTML names become characters, a bare one ``&amp;``."""
    name, number = found[1], found[2]
    if name in _XML_NAMES:
        return found[0]
    if name:
        char = html.unescape(f"&{name};")
        if char != f"&{name};" and not _ILLEGAL.search(char):
            return html.escape(char, quote=False)
        return f"&amp;{name};"
    if number:
        digits = _NUMERIC.fullmatch(number)
        code = (int(digits[1]) if digits[1] else int(digits[2], 16)) if digits else 0
        if code in (9, 10, 13) or 32 <= code < 0xD800 or 0xE000 <= code < 0xFFFE:
            return f"&#{code};"
        return f"&#{code};" if 0x10000 <= code <= 0x10FFFF else "\ufffd"
    return "&amp;"


def _without_bombs(text: str) -> str:
    """Without a document type whose entities could grow into something large.

    A few short entities stay, since old feeds use them.
    """
    found = _DOCTYPE.search(text, 0, 2000)
    if found is None:
        return text
    end = found.end()
    if found[1]:
        close = _SUBSET_END.search(text, end)
        end = close.end() if close else len(text)
    else:
        end = text.find(">", end) + 1 or len(text)
    subset = text[found.start() : end]
    values = [one or two for one, two in _ENTITY.findall(subset)]
    grown = max(map(len, values), default=0) * text.count("&", end)
    nested = any("&" in re.sub(r"&#\w+;", "", value) for value in values)
    if len(values) > 300 or nested or grown > 4 * len(text) or "SYSTEM" in subset:
        return text[: found.start()] + text[end:]
    return text


# ----------------------------------------------------------- feedparser's words to ours


@dataclass(frozen=True, slots=True)
class _Found:
    """feedparser's dictionaries."""

    feed: Mapping[str, Any]
    entries: Sequence[Mapping[str, Any]]
    version: str


class _Strict(StrictFeedParser):  # type: ignore[misc]
    """feedparser's reader of well-formed XML; a GUID stays as it is written."""

    can_be_relative_uri = StrictFeedParser.can_be_relative_uri - {"id"}


class _Loose(LooseFeedParser):  # type: ignore[misc]
    """feedparser's reader of anything else."""

    can_be_relative_uri = LooseFeedParser.can_be_relative_uri - {"id"}


def _plainly(text: str, bounds: Bounds) -> _Found | None:
    """What the fast reader makes of a document; None where it is not for it."""
    plain = read_plain(
        text.encode("utf-8", "replace"),
        max_entries=bounds.max_entries,
        max_depth=bounds.max_depth,
        max_attributes=MAX_ATTRIBUTES,
    )
    return None if plain is None else _Found(plain.feed, plain.entries, plain.version)


def _feedparsed(text: str, response: Response) -> _Found:
    """What feedparser makes of a document: the text as it is, nothing sanitised."""
    version, data, entities = replace_doctype(text.encode("utf-8", "replace"))
    base = make_safe_absolute_uri(response.final_url) or ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parser = _strictly(data, base) or _loosely(data, base, entities)
    except _CRASHES as error:
        reason = f"not readable: {type(error).__name__}: {error}"
        raise ParseError(response.feed_id, reason[:200]) from error
    return _Found(parser.feeddata, parser.entries, version or parser.version)


def _strictly(data: bytes, base: str) -> _Strict | None:
    parser = _Strict(base, None, "utf-8")
    parser.sanitize_html = parser.resolve_relative_uris = False
    reader = sax.make_parser()  # noqa: S317 - entities are cut before, see the tests
    reader.setFeature(sax.handler.feature_namespaces, 1)
    reader.setFeature(sax.handler.feature_external_ges, 0)
    reader.setContentHandler(parser)
    reader.setErrorHandler(parser)
    source = sax.xmlreader.InputSource()
    source.setByteStream(io.BytesIO(data))
    try:
        reader.parse(source)
    except sax.SAXException:
        return None
    return parser


def _loosely(data: bytes, base: str, entities: Mapping[str, str]) -> _Loose:
    parser = _Loose(base, None, "utf-8", entities)
    parser.sanitize_html = parser.resolve_relative_uris = False
    parser.feed(data.decode("utf-8", "replace"))
    return parser


def _parsed(
    found: _Found, damage: str | None, response: Response, text: str, bounds: Bounds
) -> Parsed:
    feed = found.feed
    language = _text(feed, "language")
    beyond: list[str] = []
    entries = tuple(
        _entry(entry, response, language, bounds, beyond)
        for entry in found.entries[: bounds.max_entries]
    )
    return Parsed(
        title=_text(feed, "title")[:MAX_SHORT_FIELD],
        entries=entries,
        version=found.version or "unknown",
        damage=damage or next(iter(beyond), None),
        ttl_minutes=_ttl(feed),
        quiet_hours=quiet_hours(text),
    )


def _entry(
    entry: Mapping[str, Any],
    response: Response,
    language: str,
    bounds: Bounds,
    beyond: list[str],
) -> Entry:
    """An entry; the names of bounds that one of its fields hit go to ``beyond``."""
    link = _link(entry, response.final_url)
    title = _text(entry, "title")
    summary, full = _bodies(entry)
    published, updated = _moments(entry)
    if len(title) > bounds.max_field:
        beyond.append(f"a field longer than {bounds.max_field} characters")
    guid = _text(entry, "id") or link or stable_id("guid", title, summary)
    alike = full is summary
    summary = shallow(summary, bounds, beyond)
    return Entry(
        feed_id=response.feed_id,
        guid=guid[:MAX_SHORT_FIELD],
        link=link,
        title=title[:MAX_SHORT_FIELD],
        summary_html=summary,
        html=summary if alike else shallow(full, bounds, beyond),
        author=_text(entry, "author")[:200],
        language=(_own_language(entry) or language)[:40],
        published_at=published,
        updated_at=updated,
    )


def _text(values: Mapping[str, Any], name: str) -> str:
    """A field as text; feedparser's fallbacks from one field to another are off."""
    value = _raw(values, name)
    return value.strip() if isinstance(value, str) else ""


def _raw(values: Mapping[str, Any], name: str) -> Any:
    return dict.get(values, name) if isinstance(values, dict) else values.get(name)


def _link(entry: Mapping[str, Any], base: str) -> str:
    """Where the article is: FeedBurner's original, else the entry's own link."""
    for name in ("feedburner_origlink", "link"):
        link = _text(entry, name)
        if link:
            break
    else:
        return ""
    if len(link) < MAX_SHORT_FIELD and _PLAIN_LINK.fullmatch(link):
        return link
    try:
        link = urljoin(base, link) if base else link
        scheme = urlsplit(link).scheme.lower()
    except ValueError:
        return ""
    if scheme in _DANGEROUS or len(link) > MAX_SHORT_FIELD:
        return ""
    return link


def _contents(entry: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(value, media type) of each content element."""
    found = _raw(entry, "content") or ()
    return [
        (one.get("value") or "", one.get("type") or "text/html")
        for one in found
        if isinstance(one.get("value"), str)
    ]


def _bodies(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Short form and fullest content, as HTML."""
    detail = _raw(entry, "summary_detail") or {}
    summary = _as_html(_text(entry, "summary"), detail.get("type") or "text/html")
    contents = [
        _as_html(value, kind)
        for value, kind in _contents(entry)
        if kind.startswith("text/") or "html" in kind
    ]
    full = max(contents, key=len, default="")
    return summary, full if len(full) > len(summary) else summary or full


def _as_html(value: str, kind: str) -> str:
    return html.escape(value, quote=False) if kind == "text/plain" else value


def _moments(entry: Mapping[str, Any]) -> tuple[datetime | None, datetime | None]:
    """When it was published and last changed, as the feed says."""
    published = moment_of(_text(entry, "published")) or moment_of(
        _text(entry, "created")
    )
    return published, moment_of(_text(entry, "updated"))


def _own_language(entry: Mapping[str, Any]) -> str:
    for name in ("summary_detail", "title_detail"):
        detail = _raw(entry, name) or {}
        if isinstance(detail.get("language"), str):
            return str(detail["language"])
    return _text(entry, "language")


_PERIODS = {
    "hourly": 60,
    "daily": 24 * 60,
    "weekly": 7 * 24 * 60,
    "monthly": 30 * 24 * 60,
    "yearly": 365 * 24 * 60,
}


def _ttl(feed: Mapping[str, Any]) -> int | None:
    """Minutes between requests that the feed asks for: ``ttl``, or syndication."""
    ttl = _text(feed, "ttl")
    if ttl.isascii() and ttl.isdigit() and len(ttl) < 9 and int(ttl) > 0:
        return min(int(ttl), MAX_TTL_MINUTES)
    period = _PERIODS.get(_text(feed, "sy_updateperiod").casefold())
    if period is None:
        return None
    times = _text(feed, "sy_updatefrequency") or "1"
    if not (times.isascii() and times.isdigit() and 0 < int(times[:6]) <= period):
        return None
    return min(period // int(times[:6]), MAX_TTL_MINUTES)
