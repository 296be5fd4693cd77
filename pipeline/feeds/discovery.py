"""Feeds that are not configured yet: named by a web page, or listed in an OPML file."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Iterator
from urllib.parse import urljoin, urlsplit

from lxml import etree  # type: ignore[import-untyped]
from lxml import html as lxml_html

from pipeline.model import Feed, Response

MAX_LINKS = 20
MAX_OUTLINES = 10_000
GUESSES = ("/feed", "/rss", "/rss.xml", "/feed.xml", "/atom.xml", "/feed.json")

_TYPES = re.compile(
    r"application/(?:rss|atom|rdf|feed)\+(?:xml|json)|application/json|text/xml", re.I
)
_COMMENTS = re.compile(r"comment", re.I)
_NOT_ID = re.compile(r"[^a-z0-9]+")


def feed_links(page: Response) -> list[str]:
    """The feeds that a page names (``<link rel=alternate>``), comments' feeds last.

    Of a page that names none, the addresses where feeds often lie.
    """
    try:
        tree = lxml_html.document_fromstring(page.body[:2_000_000])
    except (etree.LxmlError, ValueError):
        return [urljoin(page.final_url, path) for path in GUESSES]
    bases = [node.get("href") or "" for node in tree.iter("base")]
    base = urljoin(page.final_url, next(iter(bases), ""))
    named: dict[str, bool] = {}
    for node in tree.iter("link"):
        rel = (node.get("rel") or "").lower().split()
        if "alternate" in rel and _TYPES.search(node.get("type") or ""):
            url = _absolute(node.get("href") or "", base)
            if url:
                words = f"{node.get('title') or ''} {url}"
                named.setdefault(url, _COMMENTS.search(words) is not None)
    found = sorted(named, key=lambda url: named[url])[:MAX_LINKS]
    return found or [urljoin(page.final_url, path) for path in GUESSES]


def outlines(opml: bytes) -> list[tuple[str, str]]:
    """(title, URL) of each feed in an OPML file; ValueError if it is none."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, recover=True
    )
    try:
        root = etree.fromstring(opml, parser)
    except (etree.LxmlError, ValueError) as error:
        raise ValueError(f"not XML: {error}") from error
    if root is None or etree.QName(root).localname.lower() != "opml":
        raise ValueError("not OPML: its root is not <opml>")
    return list(_outlines(root))


def _outlines(root: etree._Element) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for node in root.iter("{*}outline", "{*}OUTLINE"):
        values = {name.lower(): value.strip() for name, value in node.attrib.items()}
        url = _absolute(values.get("xmlurl", ""), "")
        if url and url not in seen and len(seen) < MAX_OUTLINES:
            seen.add(url)
            yield values.get("title") or values.get("text") or "", url


def _absolute(link: str, base: str) -> str:
    try:
        url = urljoin(base, link.strip())
        parts = urlsplit(url)
        return url if parts.scheme in ("http", "https") and parts.hostname else ""
    except ValueError:
        return ""


def proposed(url: str, title: str, taken: Collection[str]) -> Feed:
    """A feed under an id of its own: its host, and the next number where that is taken."""
    host = (urlsplit(url).hostname or "").lower()
    plain = unicodedata.normalize("NFKD", host.removeprefix("www.")).encode(
        "ascii", "ignore"
    )
    name = _NOT_ID.sub("-", plain.decode()).strip("-") or "feed"
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return Feed(id=free, url=url, outlet=" ".join(title.split())[:100] or host)


def block(feed: Feed) -> str:
    """A feed as feeds.toml has it."""
    values = {"id": feed.id, "url": feed.url, "outlet": feed.outlet}
    lines = [f"{key} = {_quoted(value)}" for key, value in values.items()]
    return "\n".join(["[[feeds]]", *lines, ""])


def _quoted(value: str) -> str:
    """A TOML string: JSON's escapes are among its own, and DEL is none of JSON's."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
