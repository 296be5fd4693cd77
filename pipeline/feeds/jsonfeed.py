"""JSON Feed 1.0 and 1.1 (jsonfeed.org), also where the document was cut."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from pipeline.errors import ParseError
from pipeline.feeds.dates import moment_of
from pipeline.feeds.markup import shallow
from pipeline.ids import stable_id
from pipeline.model import Bounds, Entry, Parsed, Response

MAX_SHORT_FIELD = 4_000

_ITEMS = re.compile(r'"items"\s*:\s*\[')
_SURROGATES = re.compile("[\ud800-\udfff\x00-\x08\x0b\x0c\x0e-\x1f]")
_BETWEEN = re.compile(r"[\s,]*")


def parse_json(text: str, response: Response, bounds: Bounds) -> Parsed:
    """The entries of a JSON Feed; a ParseError where the JSON is none."""
    document, damage = _loaded(text, response, bounds)
    version = _text(document, "version")
    items = document.get("items")
    if not isinstance(items, list) or not ("jsonfeed" in version or _alike(items)):
        raise ParseError(
            response.feed_id, "not a feed: JSON without items", status=response.status
        )
    author = _author(document)
    language = _text(document, "language")
    beyond: list[str] = []
    if len(items) > bounds.max_entries:
        beyond.append(f"more than {bounds.max_entries} entries")
    entries = tuple(
        _entry(item, response, author, language, bounds, beyond)
        for item in items[: bounds.max_entries]
        if isinstance(item, Mapping)
    )
    return Parsed(
        title=_text(document, "title")[:MAX_SHORT_FIELD],
        entries=entries,
        version="json11" if version.endswith("1.1") else "json10",
        damage=damage or next(iter(beyond), None),
    )


def _loaded(
    text: str, response: Response, bounds: Bounds
) -> tuple[Mapping[str, Any], str | None]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        items = _whole_items(text, bounds.max_entries)
        if items is None:
            raise ParseError(
                response.feed_id, f"not JSON: {error}"[:200], status=response.status
            ) from error
        version = "https://jsonfeed.org/version/1.1" if "jsonfeed.org" in text else ""
        return {"version": version, "items": items}, "truncated"
    if not isinstance(document, dict):
        raise ParseError(
            response.feed_id, "not a feed: JSON without items", status=response.status
        )
    return document, None


def _whole_items(text: str, most: int) -> list[object] | None:
    """The items before the place where the JSON breaks off."""
    start = _ITEMS.search(text)
    if start is None:
        return None
    items: list[object] = []
    decoder, at = json.JSONDecoder(), start.end()
    while len(items) <= most:
        between = _BETWEEN.match(text, at)
        at = between.end() if between else at
        try:
            item, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        items.append(item)
    return items


def _alike(items: list[object]) -> bool:
    """Items of a feed that forgot its version."""
    return bool(items) and all(
        isinstance(item, dict)
        and "id" in item
        and ("content_html" in item or "content_text" in item)
        for item in items[:5]
    )


def _entry(
    item: Mapping[str, Any],
    response: Response,
    author: str,
    language: str,
    bounds: Bounds,
    beyond: list[str],
) -> Entry:
    link = _link(item, response.final_url)
    title = _text(item, "title")
    summary = html.escape(_text(item, "summary"), quote=False)
    full = _text(item, "content_html") or html.escape(
        _text(item, "content_text"), quote=False
    )
    guid = _text(item, "id") or link or stable_id("guid", title, summary, full)
    return Entry(
        feed_id=response.feed_id,
        guid=guid[:MAX_SHORT_FIELD],
        link=link,
        title=title[:MAX_SHORT_FIELD],
        summary_html=shallow(summary or full, bounds, beyond),
        html=shallow(full or summary, bounds, beyond),
        author=(_author(item) or author)[:200],
        language=(_text(item, "language") or language)[:40],
        published_at=moment_of(_text(item, "date_published")),
        updated_at=moment_of(_text(item, "date_modified")),
    )


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    try:
        return _SURROGATES.sub("", str(value)).strip()
    except ValueError:  # an integer of thousands of digits
        return ""


def _link(item: Mapping[str, Any], base: str) -> str:
    link = _text(item, "url") or _text(item, "external_url")
    if not link:
        return ""
    try:
        link = urljoin(base, link)
        scheme = urlsplit(link).scheme.lower()
    except ValueError:
        return ""
    return link if scheme in ("http", "https") and len(link) <= MAX_SHORT_FIELD else ""


def _author(values: Mapping[str, Any]) -> str:
    authors = values.get("authors")
    if not isinstance(authors, list):
        authors = [values.get("author")]
    names = [_text(one, "name") for one in authors[:5] if isinstance(one, Mapping)]
    return ", ".join(name for name in names if name)
