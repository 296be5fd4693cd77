"""One article has one URL."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.articles.urls import canonical, same_place

SAME = {
    "http://Herald.example:80/a": "http://herald.example/a",
    "https://herald.example:443/a#comments": "https://herald.example/a",
    "https://herald.example": "https://herald.example/",
    "https://herald.example/a?utm_source=rss&utm_medium=x": "https://herald.example/a",
    "https://herald.example/a?fbclid=1&id=7&gclid=2": "https://herald.example/a?id=7",
    "https://herald.example/a?b=2&a=1": "https://herald.example/a?a=1&b=2",
    "https://herald.example/a?ref=rss&at_medium=RSS": "https://herald.example/a",
    "https://herald.example/a?from=Kyiv": "https://herald.example/a?from=Kyiv",
    "https://m.herald.example/a": "https://herald.example/a",
    "https://amp.herald.example/a": "https://herald.example/a",
    "https://herald.example/a/amp/": "https://herald.example/a",
    "https://herald.example/a.amp.html": "https://herald.example/a.html",
    "https://herald.example/a?amp=1": "https://herald.example/a",
    "https://www.google.com/amp/s/herald.example/a": "https://herald.example/a",
    "https://herald-example.cdn.ampproject.org/c/s/herald.example/a": (
        "https://herald.example/a"
    ),
    "https://www.google.com/url?q=https://herald.example/a&sa=U": (
        "https://herald.example/a"
    ),
    "http://user:secret@herald.example/a": "http://herald.example/a",
    " http://herald.example/a\n": "http://herald.example/a",
    "http://herald.example./a": "http://herald.example/a",
    "http://новости.рф/а": "http://xn--b1amnebsh.xn--p1ai/%D0%B0",
    "http://herald.example/%7Ea/%d0%b0": "http://herald.example/~a/%D0%B0",
    "http://herald.example/index.html": "http://herald.example/",
}
NONE = [
    "",
    "javascript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "mailto:a@b.example",
    "ftp://herald.example/a",
    "//herald.example/a",
    "http://",
    "http://[::1",
    "http://herald.example:99999/",
    "http://a b.example/",
]


@pytest.mark.parametrize("url", SAME)
def test_variants_of_a_url_are_one(url: str) -> None:
    assert canonical(url) == SAME[url]


@pytest.mark.parametrize("url", NONE)
def test_what_is_no_web_address_is_empty(url: str) -> None:
    assert canonical(url) == ""


def test_a_relative_link_is_resolved() -> None:
    assert canonical("../b?x=1#y", "http://herald.example/a/c") == (
        "http://herald.example/b?x=1"
    )


@given(
    st.text(max_size=80)
    | st.from_regex(r"https?://[a-z.:0-9\[\]@]{1,20}/[ -~а-я%]{0,40}", fullmatch=True)
)
def test_a_canonical_url_is_its_own(url: str) -> None:
    once = canonical(url)

    assert canonical(once) == once
    assert once == "" or once.startswith(("http://", "https://"))


def test_scheme_www_and_a_last_slash_make_no_other_place() -> None:
    assert same_place("http://www.herald.example/a/", "https://herald.example/a")
    assert not same_place("http://herald.example/a", "http://herald.example/b")
    assert not same_place("", "")
