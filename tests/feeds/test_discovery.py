"""Feeds that a page names or an OPML file lists, and how they are written down."""

from __future__ import annotations

import tomllib

import pytest

from pipeline.feeds.discovery import GUESSES, block, feed_links, outlines, proposed
from pipeline.model import Feed
from tests.builders import a_response

PAGE = b"""<!DOCTYPE html><html><head><base href="/news/">
<link rel="alternate" type="application/rss+xml" title="Comments" href="/comments/feed">
<link rel="alternate" type="application/atom+xml" href="atom.xml">
<link rel="ALTERNATE nofollow" type="application/feed+json" href="//json.example/f.json">
<link rel="alternate" type="application/rss+xml" href="javascript:alert(1)">
<link rel="alternate" type="text/html" hreflang="de" href="/de">
<link rel="stylesheet" type="application/rss+xml" href="/no"></head></html>"""


def test_the_feeds_that_a_page_names_come_with_those_of_comments_last() -> None:
    page = a_response(body=PAGE, url="https://herald.example/")

    assert feed_links(page) == [
        "https://herald.example/news/atom.xml",
        "https://json.example/f.json",
        "https://herald.example/comments/feed",
    ]


@pytest.mark.parametrize("body", [b"", b"<html></html>", b"\xff\x00", b"<" * 9000])
def test_where_a_page_names_none_the_usual_places_are_tried(body: bytes) -> None:
    page = a_response(body=body, url="https://herald.example/a/b")

    assert feed_links(page) == [f"https://herald.example{path}" for path in GUESSES]


def test_an_opml_file_gives_each_feed_once_at_any_depth() -> None:
    opml = b"""<?xml version="1.0"?><!DOCTYPE opml [<!ENTITY x SYSTEM "file:///etc/passwd">]>
    <opml version="2.0"><body><outline text="News"><outline text="A &amp; B"
    type="rss" xmlUrl=" https://a.example/rss "/><outline title="C" text="c"
    xmlURL="http://c.example/atom"/></outline><outline text="&x;" xmlUrl="file:///x"/>
    <outline text="again" xmlUrl="https://a.example/rss"/></body></opml>"""

    assert outlines(opml) == [
        ("A & B", "https://a.example/rss"),
        ("C", "http://c.example/atom"),
    ]


@pytest.mark.parametrize("body", [b"", b"hello", b"<rss/>", b"\x00\xff"])
def test_what_is_no_opml_is_named(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"not (XML|OPML)"):
        outlines(body)


def test_a_feed_gets_an_id_of_its_own_from_its_host() -> None:
    taken = {"herald-example", "herald-example-2"}

    assert (
        proposed("https://www.herald.example/rss", "", taken).id == "herald-example-3"
    )
    assert (
        proposed("https://www.herald.example/rss", "", ()).outlet
        == "www.herald.example"
    )
    assert proposed("https://нью.example/rss", "", ()).id == "example"


@pytest.mark.parametrize(
    "outlet", ['The "Herald"\\', "Новости\x7f \n", "a\u2028b", "]]#"]
)
def test_a_block_is_toml_that_says_the_same(outlet: str) -> None:
    feed = Feed(id="a", url='https://a.example/?q="x"\\', outlet=outlet)

    (found,) = tomllib.loads(block(feed))["feeds"]

    assert found == {"id": "a", "url": feed.url, "outlet": outlet}
