"""The article that a fetched page holds; a PageError where it holds none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import trafilatura
from lxml import etree  # type: ignore[import-untyped]
from lxml import html as lxml_html
from w3lib.encoding import html_to_unicode

from pipeline.articles.texts import body_of, plain, title_of
from pipeline.articles.urls import canonical
from pipeline.errors import PageError
from pipeline.model import Response

MIN_TEXT = 200
SHORT_TEXT = 700
MAX_PAGE = 5_000_000

_HTML_TYPES = ("text/html", "application/xhtml", "text/plain", "application/xml")
_CONSENT_HOST = re.compile(r"^(?:consent|guce|privacy|cookies?)\.|^cmp\.", re.I)
_WALL = re.compile(
    r"just a moment\.\.\.|_cf_chl_opt|cf-browser-verification|captcha-delivery|"
    r"px-captcha|ddos-guard|verify(?:ing)? (?:that )?you are (?:a )?human|"
    r"are you a robot|enable javascript and cookies to continue|_incapsula_resource",
    re.I,
)
_CONSENT = re.compile(
    r"before you continue|we (?:value|care about|respect) your privacy|"
    r"(?:we|our partners|us and our partners)[^.]{0,60} (?:use|store|process)[^.]{0,80}"
    r"(?:cookies|personal data)|accept (?:all )?cookies|cookie (?:consent|preferences)|"
    r"manage (?:your )?(?:consent|privacy|choices)",
    re.I,
)
_PAYWALL = re.compile(
    r"subscribe (?:now )?to (?:continue|read|unlock|keep reading)|"
    r"(?:subscription|subscriber)s?(?:[- ]only| exclusive| required)|"
    r"already (?:a |have a )?(?:subscriber|subscription|member|an? account)|"
    r"(?:log|sign) in to (?:continue|read|keep reading)|to continue reading|"
    r"this (?:article|content|story) is (?:only |exclusively )?(?:for|available to) "
    r"(?:our )?(?:paying |premium )?(?:subscribers|members)|"
    r"you(?:'ve| have) (?:reached|read) (?:your|all)[^.]{0,40}(?:limit|free articles)|"
    r"(?:unlock|get) (?:full|unlimited) access",
    re.I,
)
_ERROR = re.compile(
    r"\b(?:404|403|410|500|502|503)\b|page (?:not found|(?:can(?:no|')t|could not) be "
    r"found|does(?:n't| not) exist|is (?:not|un)available)|not found|access denied|"
    r"forbidden|no longer available|something went wrong|server error|unavailable",
    re.I,
)
_NOT_FREE = re.compile(r'"isAccessibleForFree"\s*:\s*"?(?:false)"?', re.I)
_ROBOTS_TAGS = ("p", "head", "quote", "item", "cell", "ab", "fw", "code")
_DATE_METAS = (
    "article:published_time", "og:published_time", "og:article:published_time",
    "article:published", "datepublished", "date_published", "publishdate",
    "publish-date", "parsely-pub-date", "sailthru.date", "dc.date.issued", "dc.date",
    "dcterms.created", "dcterms.date", "pubdate", "date",
    "cxenseparse:recs:publishtime",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PageText:
    """What a page says: ``url`` is canonical, ``paragraphs`` hold no headline."""

    url: str
    title: str
    paragraphs: tuple[str, ...]
    published_at: datetime | None
    author: str
    language: str


def page_text(page: Response) -> PageText:
    """The article on a page; PageError for walls, error pages and leftovers."""
    url = canonical(page.final_url) or page.final_url
    _check_answer(page)
    markup = _decoded(page)
    tree = _tree(markup, page.url)
    title = _title(tree)
    lines = body_of(_extracted(tree), title)
    _check_text(page, markup, title, lines)
    return PageText(
        url=_canonical_link(tree, url),
        title=title,
        paragraphs=tuple(lines),
        published_at=_published(tree),
        author=_meta(tree, "author", "article:author", "parsely-author")[:200],
        language=(tree.get("lang") or tree.get("{*}lang") or "")[:40],
    )


def _check_answer(page: Response) -> None:
    if not 200 <= page.status < 300:
        raise PageError(page.url, f"HTTP {page.status}")
    kind = (page.header("content-type") or "text/html").lower()
    if not kind.startswith(_HTML_TYPES):
        raise PageError(page.url, f"not a page: {kind.partition(';')[0][:60]}")
    asked, got = urlsplit(page.url), urlsplit(page.final_url)
    if _CONSENT_HOST.search(got.hostname or "") and asked.hostname != got.hostname:
        raise PageError(page.url, "a consent wall")
    if asked.path.strip("/") and not got.path.strip("/") and not got.query:
        raise PageError(page.url, "redirected to the front page")


def _check_text(page: Response, markup: str, title: str, lines: list[str]) -> None:
    """PageError where what is left is a wall, an error or too little."""
    text = "\n".join(lines)
    if len(text) >= SHORT_TEXT and not _NOT_FREE.search(markup):
        return
    visible = f"{title}\n{text}"
    if _WALL.search(markup[:60_000]) and len(text) < SHORT_TEXT:
        raise PageError(page.url, "a bot wall")
    if _PAYWALL.search(visible) or (
        (_NOT_FREE.search(markup) or _PAYWALL.search(markup))
        and len(text) < SHORT_TEXT
        and (_NOT_FREE.search(markup) or len(text) < MIN_TEXT)
    ):
        raise PageError(page.url, "a paywall")
    if len(text) >= SHORT_TEXT:
        return
    if _CONSENT.search(text):
        raise PageError(page.url, "a consent wall")
    if _ERROR.search(title) and len(lines) < 4:
        raise PageError(page.url, f"an error page: {title[:80]}")
    if len(text) < MIN_TEXT:
        raise PageError(page.url, f"too short: {len(text)} characters")


def _decoded(page: Response) -> str:
    body = page.body[:MAX_PAGE]
    if not body.strip():
        raise PageError(page.url, "empty")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        _, text = html_to_unicode(page.header("content-type"), body)
    return re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]", "", text)


def _tree(markup: str, url: str) -> lxml_html.HtmlElement:
    markup = re.sub(r"^\s*<\?xml[^>]{0,200}\?>", "", markup)
    try:
        return lxml_html.document_fromstring(markup)
    except (etree.LxmlError, ValueError) as error:
        raise PageError(url, f"not HTML: {error}"[:200]) from error


def _extracted(tree: lxml_html.HtmlElement) -> Iterator[str]:
    """The main text by trafilatura, a paragraph an item."""
    try:
        found = trafilatura.bare_extraction(
            tree, include_comments=False, include_tables=False, with_metadata=False
        )
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
        return
    body = getattr(found, "body", None)
    if body is None:
        return
    for node in body.iter(*_ROBOTS_TAGS):
        if any(parent.tag in _ROBOTS_TAGS for parent in node.iterancestors()):
            continue
        for line in _broken(node):
            yield plain(line)


def _broken(node: etree._Element) -> Iterator[str]:
    """The text of a node, cut at its line breaks and inner paragraphs."""
    pieces: list[str] = []
    for event, one in etree.iterwalk(node, events=("start", "end")):
        if event == "start":
            if one.tag in ("lb", "p", "item") and one is not node:
                yield "".join(pieces)
                pieces = []
            pieces.append(one.text or "")
        elif one is not node:
            pieces.append(one.tail or "")
    yield "".join(pieces)


def _meta(tree: lxml_html.HtmlElement, *names: str) -> str:
    """The first of the named meta values."""
    found: dict[str, str] = {}
    for node in tree.iter("meta"):
        name = node.get("property") or node.get("name") or node.get("itemprop") or ""
        value = plain(node.get("content") or "")
        if value:
            found.setdefault(name.lower(), value)
    return next((found[name] for name in names if name in found), "")


def _title(tree: lxml_html.HtmlElement) -> str:
    title = _meta(tree, "og:title", "twitter:title")
    if title:
        return title_of(title)
    heads = [plain(node.text_content()) for node in tree.iter("h1")]
    heads = [head for head in heads if head]
    if len(heads) == 1:
        return heads[0][:1_000]
    found = tree.find(".//title")
    return title_of(found.text_content())[:1_000] if found is not None else ""


def _canonical_link(tree: lxml_html.HtmlElement, url: str) -> str:
    """The page's own word for its URL, where it stays on its site and off its root."""
    links = [
        node.get("href") or ""
        for node in tree.iter("link")
        if "canonical" in (node.get("rel") or "").lower().split()
    ]
    for link in [*links, _meta(tree, "og:url")]:
        found = canonical(link, url) if link else ""
        if found and _site(found) == _site(url) and urlsplit(found).path.strip("/"):
            return found
    return url


def _site(url: str) -> str:
    host = urlsplit(url).hostname or ""
    labels = host.split(".")
    short = len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3
    return ".".join(labels[-3:] if short else labels[-2:])


def _published(tree: lxml_html.HtmlElement) -> datetime | None:
    """When the page says that it was published, to the minute; None if it does not."""
    values = [_meta(tree, name) for name in _DATE_METAS]
    values[1:1] = list(_linked_dates(tree))
    for node in tree.iter("time"):
        marked = (
            node.get("pubdate") is not None
            or "publish" in str(node.get("itemprop") or node.get("class") or "").lower()
        )
        if marked:
            values.append(node.get("datetime") or "")
    for value in values:
        moment = _moment(value)
        if moment is not None:
            return moment
    return None


def _linked_dates(tree: lxml_html.HtmlElement) -> Iterator[str]:
    """``datePublished`` of the page's JSON-LD."""
    for node in tree.iter("script"):
        if (node.get("type") or "").lower() != "application/ld+json":
            continue
        try:
            data = json.loads((node.text or "")[:200_000])
        except (ValueError, RecursionError):
            continue
        yield from _dates_in(data)


def _dates_in(data: Any) -> Iterator[str]:
    todo, seen = [data], 0
    while todo and seen < 1_000:
        one = todo.pop(0)
        seen += 1
        if isinstance(one, dict):
            if isinstance(one.get("datePublished"), str):
                yield one["datePublished"]
            todo.extend(one.get(key) for key in ("@graph", "mainEntity"))
        elif isinstance(one, list):
            todo.extend(one)


def _moment(value: str) -> datetime | None:
    """An ISO moment; a bare day is not one."""
    if not re.match(r"\d{4}-?\d\d-?\d\d[T ]\d", value):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None
