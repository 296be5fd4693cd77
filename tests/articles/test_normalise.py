"""An entry and its page become a title and paragraphs, and nothing else."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.articles.language import language_of
from pipeline.articles.normalise import to_draft, wants_page
from pipeline.articles.pages import page_text
from pipeline.errors import PageError
from pipeline.model import Answer, DateSource, Draft, Entry, Response, TextSource
from tests.articles.article_builders import HTML, PARAGRAPHS, TITLE, an_entry
from tests.builders import NOON, a_feed, a_response

FEED = a_feed()
TEXT = "\n".join((TITLE, *PARAGRAPHS))


def draft(entry: Entry, page: Response | None = None) -> Draft:
    made = to_draft(entry, FEED, page, NOON)
    assert made is not None
    return made


def a_page(inner: str = HTML, head: str = "", **values: object) -> Response:
    markup = (
        f"<!DOCTYPE html><html lang='en'><head><title>{TITLE} | The Herald</title>{head}"
        f"</head><body><nav><a href='/'>Home</a></nav><article><h1>{TITLE}</h1>{inner}"
        "</article><footer>© 2026 The Herald. All rights reserved.</footer></body></html>"
    )
    made = {
        "kind": Answer.PAGE,
        "url": "http://herald.example/2026/batteries",
        "headers": {"content-type": "text/html; charset=utf-8"},
        "body": markup.encode(),
    } | values
    return a_response(**made)


def test_a_full_text_in_the_feed_is_the_text() -> None:
    made = draft(an_entry())

    assert made.text == TEXT
    assert (made.text_source, made.declared) == (TextSource.FEED, ("", "", "en"))
    assert made.url == "http://herald.example/2026/batteries"
    assert not wants_page(an_entry())


def test_a_summary_wants_the_page_and_takes_its_text() -> None:
    entry = an_entry(html=PARAGRAPHS[0])

    assert wants_page(entry)
    assert draft(entry, a_page()).text == TEXT
    assert draft(entry, a_page()).text_source is TextSource.PAGE
    assert draft(entry).text == f"{TITLE}\n{PARAGRAPHS[0]}"
    assert draft(entry).text_source is TextSource.SUMMARY


def test_a_page_without_an_article_leaves_the_summary() -> None:
    entry = an_entry(html=PARAGRAPHS[0])

    assert draft(entry, a_page(status=404)).text_source is TextSource.SUMMARY


@pytest.mark.parametrize(
    "extra",
    [
        f"<h1>{TITLE}</h1>",
        f"<p>{PARAGRAPHS[0]}</p>",
        "<p>Read more: Who is who in Kyiv</p>",
        "<p><a href='/x'>READ MORE</a></p>",
        "<p>Sign up to our newsletter for the news of the day.</p>",
        "<p>Follow us on Telegram</p>",
        "<figure><img src='x'><figcaption>The president. Photo: AP</figcaption></figure>",
        "<p>Advertisement</p>",
        "<p>The post Ukraine needs more appeared first on The Herald.</p>",
        "<p>© 2026 The Herald</p>",
        "<p>12:41 GMT</p>",
        "<script>alert('x')</script>",
        "<style>p {color: red}</style>",
        "<p>Zelensky in Kyiv on Monday. REUTERS/Jan Novak</p>",
        "<aside>Related: five things to know</aside>",
        "<p>* * *</p>",
        "<p>\u200b\ufeff\u00a0</p>",
        "<!-- comment --><iframe src='http://x'></iframe>",
    ],
)
def test_furniture_goes_and_paragraphs_survive(extra: str) -> None:
    assert draft(an_entry(html=extra + HTML)).text == TEXT
    assert draft(an_entry(html=HTML + extra)).text == TEXT


@pytest.mark.parametrize(
    "line",
    [
        "“Read more history,” the president told his critics on Monday.",
        "He denied it.",
        "Share prices fell in Moscow after the announcement.",
        "Watching the convoy leave, Olena Koval said that she would stay.",
        "Photographs of the bridge show that it was hit twice, he said.",
        "“…”, he answered, and left the room.",
        "More than 40 people were hurt, the governor said.",
    ],
)
def test_a_paragraph_that_looks_like_furniture_survives(line: str) -> None:
    assert line in draft(an_entry(html=f"{HTML}<p>{line}</p>")).text.split("\n")


@pytest.mark.parametrize(
    ("markup", "lines"),
    [
        ("One.<br><br>Two.", ["One.", "Two."]),
        ("<div>One <b>bold</b> word.<ul><li>A</li><li>B</li></ul></div>", None),
        ("&lt;p&gt;One.&lt;/p&gt;&lt;p&gt;Two.&lt;/p&gt;", ["One.", "Two."]),
        ("AT&amp;T &amp; 2 &lt; 3 caf&eacute;", ["AT&T & 2 < 3 café"]),
        ("<p>Cafe\u0301 \u00a0 bar\u00ad</p>", ["Café bar"]),
        ("<p>One.\n two\n three.</p>", ["One. two three."]),
        ("<p>open <i>never closed<p>next", ["open never closed", "next"]),
        ("One.\n\nTwo.", ["One.", "Two."]),
    ],
)
def test_markup_becomes_lines(markup: str, lines: list[str] | None) -> None:
    found = draft(an_entry(html=markup, summary_html=markup)).text.split("\n")[1:]

    assert found == (lines or ["One bold word.", "A", "B"])


@pytest.mark.parametrize(
    ("title", "clean"),
    [
        ("AT&amp;amp;T &#8216;wins&#8217;", "AT&T ‘wins’"),
        ("<b>Bold</b> claim", "Bold claim"),
        ("2 < 3, says minister", "2 < 3, says minister"),
        ("Minister resigns after vote - The Herald", "Minister resigns after vote"),
        ("Minister resigns | Herald", "Minister resigns"),
        ("  Two\n lines ", "Two lines"),
    ],
)
def test_a_title_is_one_clean_line(title: str, clean: str) -> None:
    assert draft(an_entry(title=title)).title == clean


@pytest.mark.parametrize(
    ("published", "updated", "expected", "source"),
    [
        (NOON, None, NOON, DateSource.FEED),
        (None, NOON, NOON, DateSource.FEED),
        (NOON + timedelta(hours=3), None, None, DateSource.FIRST_SEEN),
        (NOON + timedelta(days=900), NOON, NOON, DateSource.FEED),
        (datetime(1970, 1, 1, tzinfo=UTC), None, None, DateSource.FIRST_SEEN),
        (None, None, None, DateSource.FIRST_SEEN),
    ],
)
def test_a_date_is_believed_where_it_can_be(
    published: datetime | None,
    updated: datetime | None,
    expected: datetime | None,
    source: DateSource,
) -> None:
    made = draft(an_entry(published_at=published, updated_at=updated))

    assert (made.published_at, made.published_at_source) == (expected, source)


@pytest.mark.parametrize(
    "head",
    [
        '<meta property="article:published_time" content="2026-03-01T12:20:00Z">',
        '<meta itemprop="datePublished" content="2026-03-01T14:20:00+02:00">',
        '<script type="application/ld+json">{"@graph": [{"datePublished": '
        '"2026-03-01T12:20:00Z"}]}</script>',
    ],
)
def test_the_page_gives_the_date_that_the_feed_does_not(head: str) -> None:
    entry = an_entry(html="", summary_html="", published_at=None)

    made = draft(entry, a_page(head=head))

    assert made.published_at == datetime(2026, 3, 1, 12, 20, tzinfo=UTC)
    assert made.published_at_source is DateSource.PAGE


def test_the_page_knows_its_own_url_within_its_site() -> None:
    own = "<link rel='canonical' href='http://www.herald.example/real'>"
    other = "<link rel='canonical' href='http://evil.example/real'>"
    front = "<link rel='canonical' href='http://herald.example/'>"

    assert page_text(a_page(head=own)).url == "http://www.herald.example/real"
    assert page_text(a_page(head=other)).url == "http://herald.example/2026/batteries"
    assert page_text(a_page(head=front)).url == "http://herald.example/2026/batteries"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"status": 404}, "HTTP 404"),
        ({"status": 503}, "HTTP 503"),
        ({"body": b""}, "empty"),
        ({"headers": {"content-type": "application/pdf"}}, "not a page"),
        ({"final_url": "http://herald.example/"}, "front page"),
        ({"final_url": "https://consent.portal.example/x?y"}, "consent wall"),
        (
            {
                "body": b"<title>Before you continue</title><p>We value your privacy. We and "
                b"our partners store and access personal data, such as cookies, on your "
                b"device. Choose to accept all cookies or manage your choices here, please."
                b"</p><p>You can change your mind at any time in the settings of the site."
            },
            "consent wall",
        ),
        (
            {
                "body": b"<title>A story</title><article><p>The minister said that talks "
                b"would begin on Monday in Vienna, and that nobody would be left out of "
                b"them.</p><p>Subscribe to continue reading this story and support us."
                b"</p></article>"
            },
            "paywall",
        ),
        (
            {
                "body": b'<script type="application/ld+json">{"isAccessibleForFree": false}'
                b"</script><title>A story</title><article><p>The minister said that talks "
                b"would begin on Monday in Vienna, and that nobody would be left out of "
                b"them, whatever they had said about it before the summer, and after.</p>"
            },
            "paywall",
        ),
        (
            {
                "body": b"<title>Page not found</title><p>The page that you were looking for "
                b"is not here. It may have been moved, or it never was here at all, and we "
                b"are sorry about that. Please look at our front page to find something "
                b"else that you may like to read today.</p>"
            },
            "error page",
        ),
        ({"body": b"<title>A story</title><p>Too little.</p>"}, "too short"),
        ({"body": b"<title>Just a moment...</title><p>_cf_chl_opt</p>"}, "bot wall"),
    ],
)
def test_a_page_that_holds_no_article_is_named(
    values: dict[str, object], reason: str
) -> None:
    with pytest.raises(PageError, match=reason):
        page_text(a_page(**values))


@pytest.mark.parametrize(
    ("text", "declared", "expected"),
    [
        (
            "Президент сказал, что переговоры начнутся в понедельник в Вене. " * 3,
            "en",
            "ru",
        ),
        (
            "Президент сказав, що переговори розпочнуться в понеділок у Відні. " * 3,
            "en",
            "uk",
        ),
        ("Der Minister sagte am Montag, dass die Gespräche beginnen. " * 3, "en", "de"),
        ("The minister said on Monday that the talks would begin. " * 3, "ru", "en"),
        ("Kyiv.", "en-GB", "en"),
    ],
)
def test_the_language_is_recognised(text: str, declared: str, expected: str) -> None:
    entry = an_entry(
        title=text[:60], html=f"<p>{text}</p>", summary_html="", language=declared
    )

    made = draft(entry)

    assert language_of(made.text, made.declared) == expected


def test_plain_english_needs_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("py3langid.rank", lambda _: pytest.fail("the model was asked"))
    names = "Trump Linkberg Daniel Tomaetti Mari Lilard Ted Cruz " * 10
    story = "The minister said on Monday that the talks would begin at once. " * 9

    assert language_of(names + story, ["", "no code", "en"]) == "en"
    assert language_of(story, []) == "en"


def test_an_entry_without_a_url_of_its_own_gets_one() -> None:
    urls = {
        draft(an_entry(link=link, guid=guid)).url
        for link, guid in [("", "1"), ("", "2"), ("http://herald.example/", "3")]
    }

    assert len(urls) == 3
    assert draft(an_entry(link="", guid="http://herald.example/x")).url == (
        "http://herald.example/x"
    )


def test_nothing_gives_nothing() -> None:
    assert (
        to_draft(an_entry(title="", html="", summary_html=""), FEED, None, NOON) is None
    )


MARKUP = st.lists(
    st.sampled_from(
        ["<p>", "</p>", "<div>", "<b", "<script>", "</script>", "&amp;", "&#0;", "&lt;",
         "Zelensky said no. ", "\n", "\x00", "\ud800", "<!--", "-->", "<table>", "<td>",
         "<svg>", "é", "e\u0301", "<br>", "<p onclick='x'>", "]]>", "<html>", "<body>"]
    ),
    max_size=40,
).map("".join)  # fmt: skip


@given(title=MARKUP, markup=MARKUP)
@settings(deadline=None)
def test_any_markup_gives_clean_lines(title: str, markup: str) -> None:
    made = to_draft(an_entry(title=title, html=markup), FEED, None, NOON)

    if made is not None:
        lines = made.text.split("\n")
        assert lines[0] == made.title
        assert all(line == line.strip() and line for line in lines)
        assert made.text == unicodedata.normalize("NFC", made.text)
        assert not re.search("[\x00-\x09\x0b-\x1f\ud800-\udfff]", made.text)


@given(st.binary(max_size=400))
@settings(deadline=None)
def test_any_bytes_of_a_page_give_text_or_a_page_error(body: bytes) -> None:
    made = draft(an_entry(html="", summary_html=""), a_page(body=body))

    assert made.title == TITLE


def test_a_thousand_levels_of_markup_do_no_harm() -> None:
    deep = "<div>" * 20_000 + "Words." + "</div>" * 20_000

    assert draft(an_entry(html=deep)).text.startswith(TITLE)
