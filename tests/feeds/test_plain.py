"""What the fast reader reads is what the careful parser gives."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import ParseError
from pipeline.feeds import parse
from pipeline.feeds.plain import read_plain
from pipeline.model import Parsed
from tests.builders import a_response

BOUNDS = {"max_entries": 100, "max_depth": 50, "max_attributes": 50}
NAMESPACES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:media="http://search.yahoo.com/mrss/" '
    'xmlns:atom="http://www.w3.org/2005/Atom"'
)
RSS_PARTS = [
    "<title>A title</title>", "<title>AT&amp;T &lt;b&gt;</title>", "<title/>",
    "<title><![CDATA[<i>x</i> &amp; y]]></title>", "<link>http://e.org/1?a=1&amp;b=2</link>",
    "<link>/relative</link>", "<link> </link>", "<guid>one</guid>",
    '<guid isPermaLink="false">two</guid>', "<guid>http://e.org/3</guid>",
    "<description>Plain.</description>", "<description>&lt;p&gt;HTML&lt;/p&gt;</description>",
    "<content:encoded><![CDATA[<p>Full</p>]]></content:encoded>",
    "<pubDate>Mon, 02 Mar 2026 05:10:00 GMT</pubDate>", "<pubDate>soon</pubDate>",
    "<dc:creator>Somebody</dc:creator>", "<author>a@e.org (Somebody)</author>",
    "<dc:date>2026-03-02T05:10:00Z</dc:date>", "<category>War</category>",
    '<media:content url="x"><media:title>M</media:title></media:content>',
    '<media:thumbnail url="x"/>', "<dc:title>Other</dc:title>", "<unknown>u</unknown>",
    "<description>one <b>two</b></description>", "caf\u00e9 \u0093x\u0094", "<!-- c -->",
    '<atom:link href="http://e.org/a"/>', '<enclosure url="http://e.org/x.mp3"/>',
]  # fmt: skip
ATOM_PARTS = [
    "<title>A title</title>", '<title type="html">AT&amp;amp;T</title>', "<id>tag:e.org,1</id>",
    '<title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">x</div></title>',
    '<link href="http://e.org/1"/>', '<link rel="alternate" type="text/html" href="/2"/>',
    '<link rel="enclosure" href="http://e.org/x.mp3"/>', '<link rel="self" href="http://e.org/s"/>',
    "<published>2026-03-02T05:10:00Z</published>", "<updated>2026-03-02T06:10:00Z</updated>",
    "<summary>1 &lt; 2</summary>", '<summary type="html">&lt;p&gt;S&lt;/p&gt;</summary>',
    '<content type="html">&lt;p&gt;Full text&lt;/p&gt;</content>', "<content>text</content>",
    '<content type="text">a &amp; b</content>', '<content src="http://e.org/c"/>',
    "<author><name>Somebody</name></author>", '<category term="War"/>', "<rights>R</rights>",
    "<author><name>N</name><email>n@e.org</email></author>", '<summary xml:lang="de">x</summary>',
    "<source><title>Other</title></source>",
]  # fmt: skip


def rss(entries: list[list[str]], more: str = "") -> bytes:
    items = "".join(f"<item>{''.join(parts)}</item>" for parts in entries)
    return (
        f'<?xml version="1.0"?><rss version="2.0" {NAMESPACES}><channel>'
        f"<title>T</title><language>en</language><ttl>30</ttl>{more}{items}"
        "</channel></rss>"
    ).encode()


def atom(entries: list[list[str]], more: str = "") -> bytes:
    items = "".join(f"<entry>{''.join(parts)}</entry>" for parts in entries)
    return (
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en_GB"><title>T</title>'
        f"{more}{items}</feed>"
    ).encode()


def both(body: bytes, monkeypatch: pytest.MonkeyPatch) -> list[Parsed | str]:
    """The document as read fast where it can be, and carefully."""
    found: list[Parsed | str] = []
    for fast in (True, False):
        with monkeypatch.context() as patch:
            if not fast:
                patch.setattr(parse, "read_plain", lambda *_, **__: None)
            try:
                found.append(parse.parse_feed(a_response(body=body, headers={})))
            except ParseError as error:
                found.append(error.reason)
    return found


def entries_of(parts: list[str]) -> st.SearchStrategy[list[list[str]]]:
    return st.lists(st.lists(st.sampled_from(parts), max_size=7), max_size=4)


SETTINGS = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@given(entries=entries_of(RSS_PARTS))
@SETTINGS
def test_rss_is_read_alike(
    entries: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    fast, careful = both(rss(entries), monkeypatch)

    assert fast == careful


@given(entries=entries_of(ATOM_PARTS))
@SETTINGS
def test_atom_is_read_alike(
    entries: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    fast, careful = both(atom(entries), monkeypatch)

    assert fast == careful


@pytest.mark.parametrize(
    "body",
    [
        rss([RSS_PARTS[:1]]),
        rss([[RSS_PARTS[0], RSS_PARTS[4], RSS_PARTS[8], RSS_PARTS[11], RSS_PARTS[12]]]),
        atom([[ATOM_PARTS[1], ATOM_PARTS[2], ATOM_PARTS[4], ATOM_PARTS[11]]]),
    ],
)
def test_the_common_kinds_are_read_fast(body: bytes) -> None:
    assert read_plain(body, **BOUNDS) is not None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<rss>",
        b"<html/>",
        rss([], "<title>again</title>" + "<x>" * 60 + "</x>" * 60),
        rss([["<title>x</title>"]] * 101),
        rss([["<title>x</title>"]]).replace(b"<rss", b'<rss xml:base="http://e.org/"'),
        rss([["<title>x</title>"]]).replace(b"<rss", b"<!DOCTYPE rss><rss"),
        rss([["<title>a<b/></title>"]]),
    ],
)
def test_what_is_out_of_the_ordinary_is_left_to_the_careful_parser(body: bytes) -> None:
    assert read_plain(body, **BOUNDS) is None
