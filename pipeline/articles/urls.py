"""One URL for one article: what a URL is without tracking, mobile and AMP variants."""

from __future__ import annotations

import re
from urllib.parse import (
    parse_qsl,
    quote,
    unquote,
    urlencode,
    urljoin,
    urlsplit,
    urlunsplit,
)

MAX_LENGTH = 4_000

_TRACKERS = re.compile(
    r"(?:utm_?\w*|mtm_\w+|pk_\w+|piwik_\w+|matomo_\w+|hsa_\w+|_hs\w+|at_\w+|ns_\w+|"
    r"vero_\w+|oly_\w+|sc_[a-z]+|stm_\w+|wt_?mc\w*|wt_?zmc|trk\w*|mkt_tok|mc_[ce]id|"
    r"fb(?:clid|_\w+)|g[cb]lid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|ysclid|twclid|"
    r"ttclid|igsh(?:id)?|li_fat_id|_gl|_ga|_openstat|openstat|xtor|ito|ocid|cmp(?:id)?|"
    r"s_?cid|ncid|icid|smid|smtyp|ftag|feature|cn[ae]?id|mbid|src_?tok|shareid|"
    r"share_?token|taid|tpcc|guccounter|guce_\w+|spref|spm|cvid|ref_?src|ref_?url|"
    r"referer|referrer|campaign_?id|campaign|rss|fromrss|feed_id|amp|outputtype|"
    r"amp_\w+|usqp|page_?source|nr_email_referer|traffic_source|mibextid|fs|ex_cid|"
    r"bcmt|embedded-checkout|leadsource|cx_\w+|intcid|int_\w+|recruiter|soc_\w+)",
    re.I,
)
_ORIGINS = re.compile(
    r"(?:ref|from|src|source|via|medium|origin|partner|s|cid|c)", re.I
)
_ORIGIN_NAMES = re.compile(
    r"(?:.*[._-])?(?:rss|atom|feeds?|feedburner|twitter|tw|x|facebook|fb|telegram|tg|"
    r"whatsapp|newsletter|email|e?mail|social|share|sharing|amp|mobile|app|push|"
    r"google|googlenews|yahoo|flipboard|smartnews|homepage|home|main|index|top)\d*"
    r"(?:[._-].*)?",
    re.I,
)
_MOBILE = re.compile(r"^(?:m|mobile|amp|mobil|wap|touch)\.(?=[^.]+\.[^.]+)")
_AMP_CACHE = re.compile(r"^/(?:[acvi]/)?(?:amp/)?(s/)?([^/]+\.[^/]+)(/.*)?$")
_AMP_SUFFIX = re.compile(r"(?:/amp/?|\.amp|[-_.]amp(?=\.html?$))(?=$|\.html?$)", re.I)
_PORTS = {"http": 80, "https": 443}
_CANONICAL = re.compile(  # what nothing has to be done about
    r"https?://(?!(?:m|mobile|amp|mobil|wap|touch)\.)[a-z0-9-]+(?:\.[a-z0-9-]+)+"
    r"(?!\S*(?i:amp|/index\.|/default\.|/\.))/[A-Za-z0-9/_.-]*",
    re.A,
)
_CONTROL = re.compile(r"[\x00-\x20\x7f]+")
_DEFAULT_PAGE = re.compile(r"/(?:index|default)\.(?:html?|php|aspx?)$", re.I)
_PATH_SAFE = "/:@!$&'()*+,;=~-._"
_HOST = re.compile(r"[^\s/?#@\\<>^`{|}%\"']+")


def canonical(url: str, base: str | None = None) -> str:
    """The URL by which an article is known; empty where it is not an http(s) URL.

    Dropped: fragment, default port, user name, tracking parameters, AMP and mobile
    variants of host and path. The query is in one order. ``base`` resolves a relative
    link. The scheme stays as it is, since some hosts answer one only.
    """
    if len(url) <= MAX_LENGTH and _CANONICAL.fullmatch(url):
        return url
    try:
        return _canonical(url, base)
    except ValueError:
        return ""


def same_place(one: str, other: str) -> bool:
    """Whether two canonical URLs differ in scheme, ``www.`` or a last slash only."""
    return bool(one) and _bare(one) == _bare(other)


def _bare(url: str) -> str:
    return re.sub(r"^https?://(?:www\.)?", "", url).rstrip("/")


def _canonical(url: str, base: str | None) -> str:
    url = _CONTROL.sub("", url) if " " not in url.strip() else url.strip()
    if base:
        url = urljoin(base, url)
    for _ in range(3):
        inner = _unwrapped(url)
        if inner == url:
            break
        url = inner
    if len(url) > MAX_LENGTH:
        return ""
    parts = urlsplit(url.replace("\\", "/"))
    scheme = parts.scheme.lower()
    if scheme not in _PORTS:
        return ""
    host = _host(parts.hostname or "")
    if not host:
        return ""
    port = parts.port
    place = host if port in (None, _PORTS[scheme]) else f"{host}:{port}"
    path = _path(parts.path)
    fragment = parts.fragment if parts.fragment.startswith("!") else ""
    return urlunsplit((scheme, place, path, _query(parts.query), fragment))


def _host(host: str) -> str:
    host = host.lower().rstrip(".")
    if ":" in host:
        return f"[{host}]"
    if not host.isascii():
        host = host.encode("idna").decode("ascii")
    if not _HOST.fullmatch(host):
        return ""
    return _MOBILE.sub("", host)


def _path(path: str) -> str:
    path = (
        quote(
            unquote(path, errors="surrogateescape"),
            safe=_PATH_SAFE + "%",
            errors="surrogateescape",
        )
        if "%" in path
        else quote(path, safe=_PATH_SAFE, errors="replace")
    )
    path = _AMP_SUFFIX.sub("", path)
    path = _DEFAULT_PAGE.sub("/", path)
    return path or "/"


def _query(query: str) -> str:
    pairs = [
        (name, value)
        for name, value in parse_qsl(query, keep_blank_values=True, errors="replace")
        if not _tracks(name, value)
    ]
    return urlencode(sorted(pairs))


def _tracks(name: str, value: str) -> bool:
    if _TRACKERS.fullmatch(name):
        return True
    return bool(_ORIGINS.fullmatch(name) and _ORIGIN_NAMES.fullmatch(value))


def _unwrapped(url: str) -> str:
    """The URL that an AMP cache or a redirecting link stands for."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if host.endswith(".cdn.ampproject.org") or (
        host in ("www.google.com", "google.com") and parts.path.startswith("/amp/")
    ):
        found = _AMP_CACHE.match(parts.path)
        if found:
            scheme = "https" if found[1] else "http"
            query = f"?{parts.query}" if parts.query else ""
            return f"{scheme}://{found[2]}{found[3] or '/'}{query}"
    if parts.path == "/url" and re.fullmatch(r"(?:www\.)?google\.[a-z.]+", host):
        for name, value in parse_qsl(parts.query):
            if name in ("q", "url") and value.startswith(("http://", "https://")):
                return value
    return url
