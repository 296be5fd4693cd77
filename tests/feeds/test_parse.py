"""Any bytes give entries or a ParseError; known documents give known entries."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ParseError
from pipeline.feeds.parse import parse_feed
from pipeline.model import Bounds, Parsed
from tests.builders import a_response

GOLD = Path(__file__).parent / "gold"
ITEM = (
    b"<item><title>T%d</title><link>http://herald.example/%d</link><guid>g%d</guid>"
    b"<pubDate>Mon, 02 Mar 2026 05:10:00 GMT</pubDate><description>&lt;p&gt;Words"
    b"&lt;/p&gt;</description></item>"
)


def a_document(items: int) -> bytes:
    body = b"".join(ITEM % (n, n, n) for n in range(items))
    return b'<rss version="2.0"><channel><title>T</title>' + body + b"</channel></rss>"


def parsed(body: bytes, content_type: str = "") -> Parsed:
    return parse_feed(a_response(body=body, headers={"content-type": content_type}))


def ends_well(body: bytes) -> bool:
    try:
        return isinstance(parsed(body), Parsed)
    except ParseError as error:
        return bool(error.reason)


def reason(body: bytes) -> str:
    with pytest.raises(ParseError) as caught:
        parsed(body)
    return caught.value.reason


def as_json(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else sorted(value)  # type: ignore[call-overload]


@pytest.mark.parametrize("path", sorted(GOLD.glob("*.xml")), ids=lambda path: path.stem)
def test_gold(path: Path, update_gold: bool) -> None:
    found = asdict(parsed(path.read_bytes()))

    text = json.dumps(found, indent=2, ensure_ascii=False, default=as_json)
    if update_gold:
        path.with_suffix(".json").write_text(text + "\n", "utf-8")
    assert text + "\n" == path.with_suffix(".json").read_text("utf-8")


PIECES = [
    b"<rss>", b"<channel>", b"<item>", b"</item>", b"<title>", b"</title>", b"<link>",
    b"<![CDATA[", b"]]>", b"<!--", b"-->", b"&amp;", b"&nbsp;", b"&", b"<", b">", b"\xff",
    b"<feed xmlns='http://www.w3.org/2005/Atom'>", b"<entry>", b"</entry>", b"</feed>",
    b"<?xml version='1.0' encoding='utf-16'?>", b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"&a;",
    b"<content type='xhtml'>", b"<div>", b"<pubDate>32 Foo 20</pubDate>", b"xml:base='x:'",
    b"<a href='http://[::1'>", b"\x00", b"{", b'"items": [', b"\xef\xbb\xbf", b"&#x110000;",
    b"<guid>", b"</guid>", b"<x:y xmlns:x='z'>", b"<category/>", b"<image><url>",
]  # fmt: skip


@given(st.binary(max_size=300))
def test_any_bytes_give_entries_or_a_parse_error(body: bytes) -> None:
    assert ends_well(body)


@given(st.lists(st.sampled_from(PIECES), max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_pieces_of_feeds_give_entries_or_a_parse_error(pieces: list[bytes]) -> None:
    assert ends_well(b"<rss>" + b"".join(pieces))


@given(st.integers(0, len(a_document(6))))
@settings(max_examples=60, deadline=None)
def test_a_cut_anywhere_gives_the_whole_entries_before_it(cut: int) -> None:
    whole = a_document(6)
    before = whole[:cut].count(b"</item>")

    try:
        found = parsed(whole[:cut])
    except ParseError:
        assert before == 0
        return

    assert [entry.guid for entry in found.entries] == [f"g{n}" for n in range(before)]
    assert (found.damage is None) == (cut == len(whole))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"Hello", "not XML"),
        (b"<html><title>Sign in</title></html>", "not a feed: HTML page 'Sign in'"),
        (b"<!DOCTYPE html><body><item>", "not a feed: HTML page"),
        (b"<svg></svg>", "not a feed: <svg>"),
        (b"{}", "not a feed: JSON without items"),
        (b"{", "not JSON: Expecting property name enclosed in double quotes"),
        (b"<rss>" + b"<x>" * 500, "nested deeper than 200"),
    ],
)
def test_what_is_no_feed_is_named(body: bytes, why: str) -> None:
    assert reason(body).startswith(why)


@pytest.mark.parametrize(
    ("charset", "content_type"),
    [
        ("utf-8", "text/xml; charset=iso-8859-1"),
        ("utf-16", ""),
        ("utf-16-le", "application/xml"),
        ("windows-1251", "text/xml; charset=windows-1251"),
        ("windows-1251", "text/xml; charset=utf-8"),
        ("koi8-r", ""),
        ("utf-8-sig", "text/xml; charset=us-ascii"),
    ],
)
def test_an_encoding_is_found_where_it_is_declared_wrongly(
    charset: str, content_type: str
) -> None:
    title = "Министр сказал, что переговоры начнутся в понедельник"
    text = f"<rss><channel><title>{title}</title><item><title>x</title></item></channel></rss>"

    assert parsed(text.encode(charset), content_type).title == title


def test_a_guid_never_holds_the_place_where_the_feed_was_asked() -> None:
    body = (
        b"<rss><channel><item><guid>one</guid><title>x</title></item></channel></rss>"
    )

    (entry,) = parsed(body).entries

    assert entry.guid == "one"


def test_no_entity_grows_or_reads_a_file() -> None:
    nested = b"".join(
        b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12)
    )
    for subset in (nested, b'<!ENTITY a11 SYSTEM "file:///etc/passwd">'):
        body = (
            b"<!DOCTYPE r [" + subset + b"]><rss><channel><item><title>x&a11;</title>"
            b"</item></channel></rss>"
        )

        (entry,) = parsed(body).entries

        assert len(entry.title) < 20


def test_bounds_on_fields_entries_and_attributes() -> None:
    long = b"<rss><channel><item><description>%s</description></item></channel></rss>"
    wide = b"<rss><channel><item %s/></channel></rss>"
    attributes = b" ".join(b'a%d="x"' % n for n in range(1000))

    assert parsed(long % (b"x" * 1_100_000)).damage == (
        "a field longer than 1000000 characters"
    )
    assert "more than 200 attributes" in reason(wide % attributes)


@pytest.mark.parametrize(
    ("body", "bounds", "damage"),
    [
        (
            b"<item><title>a</title></item>" * 9,
            {"max_entries": 4},
            "more than 4 entries",
        ),
        (
            b"<item><description>%s</description></item>" % (b"x" * 50),
            {"max_field": 20},
            "a field longer than 20 characters",
        ),
        (
            b"<item><description><![CDATA[a%s]]></description></item>"
            % (b"<div>" * 99),
            {"max_depth": 20},
            "HTML nested deeper than 20",
        ),
        (
            b"<item>" + b"<a>" * 99 + b"</a>" * 99 + b"</item>",
            {"max_depth": 20},
            "nested deeper than 20",
        ),
    ],
)
def test_a_bound_that_is_hit_is_named_and_what_came_before_is_kept(
    body: bytes, bounds: dict[str, int], damage: str
) -> None:
    first = b"<item><title>First</title><description>Words</description></item>"
    document = b"<rss><channel>" + first + body + b"</channel></rss>"

    found = parse_feed(a_response(body=document), Bounds(**bounds))

    assert found.damage == damage
    assert found.entries[0].title == "First"
    assert all(len(entry.html) <= 120 for entry in found.entries)


def test_deep_html_of_json_is_cut_and_shallow_html_is_not() -> None:
    deep, wide = "<div>" * 300, "<p>One.<br><img src=x>" * 300
    for html, damage in ((deep, "HTML nested deeper than 200"), (wide, None)):
        items = [{"id": "1", "title": "T", "content_html": html}]
        version = "https://jsonfeed.org/version/1.1"
        body = json.dumps({"version": version, "items": items}).encode()

        found = parsed(body)

        assert found.damage == damage
        assert (found.entries[0].html == html) == (damage is None)


def test_fifty_thousand_entries_are_read_in_time() -> None:
    began = time.process_time()

    found = parsed(a_document(50_000))

    assert len(found.entries) == 50_000
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "JaVaScRiPt:x",
        "vbscript:x",
        "file:///etc/passwd",
    ],
)
def test_no_link_that_is_not_for_a_browser_survives(link: str) -> None:
    rss = b"<rss><channel><item><title>T</title><link>%s</link></item></channel></rss>"
    item = {"id": "1", "title": "T", "url": link}
    version = "https://jsonfeed.org/version/1.1"
    jsonfeed = json.dumps({"version": version, "items": [item]}).encode()

    for body in (rss % link.encode(), jsonfeed):
        (entry,) = parsed(body).entries
        assert entry.link == ""


def test_the_same_bytes_give_the_same_entries() -> None:
    assert parsed(a_document(20)) == parsed(a_document(20))
