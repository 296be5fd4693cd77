"""What Slack and Telegram receive, read by their documented rules.

Slack: docs.slack.dev, Formatting message text. Telegram: core.telegram.org/bots/api,
HTML style; sendMessage.
"""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.adapters.notify import WebhookChannel
from pipeline.alerts.fit import CUT, plain, slack_text, telegram_html, units
from pipeline.alerts.render import line, message, together
from pipeline.model import RelationKind
from tests.alerts.alert_builders import NOW, a_state, a_statement
from tests.builders import an_alert
from tests.world import an_app

HOSTILE = (
    "*bold* _it_ ~no~ `code` <!channel> <@U1|x> &lt; <b>x</b></blockquote> "
    ":skull: </a> <https://evil.example|The Herald> {{ 7 * 7 }} \u202egnp.exe"
)
ADDRESS = "https://herald.example/a_b~c*d?x=1&y=2"
HOSTILE_STATE = a_state(
    kind=RelationKind.CHANGED,
    figure=HOSTILE,
    content=f"{HOSTILE} 300 men",
    title=HOSTILE,
    outlet=HOSTILE,
    outlets=(HOSTILE, "Post"),
    url=ADDRESS,
    reasons=(HOSTILE,),
    earlier=a_statement(statement_id="s0", content=f"{HOSTILE} 200 men"),
)
TAGS = {"a", "b", "blockquote", "u"}
ENTITIES = re.compile(r"&(?:lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);")
LINK = re.compile(r"<(https?://[^<>|\s]+)\|([^<>]*)>")
MARKED = re.compile(r"(?:(?<=\s)|(?<=^))\*([^*\n]+)\*(?=[\s]|$)", re.M)


class Telegram(HTMLParser):
    """Refuses what the Bot API refuses; keeps what is shown, and where links lead."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.shown, self.links, self._open = "", [], []
        assert not re.sub(ENTITIES, "", text).count("&")
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attrs):
        assert tag in TAGS
        assert [name for name, _ in attrs] == (["href"] if tag == "a" else [])
        assert not (tag in ("a", "blockquote") and tag in self._open)
        self.links += [value for _, value in attrs]
        self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.shown += data


def slack(text: str) -> tuple[str, list[str], list[str]]:
    """What is shown, where links lead, what is bold. Fails on any other control."""
    links = [html.unescape(url) for url, _ in LINK.findall(text)]
    words = LINK.sub(lambda found: found[2], text)
    assert "<" not in words
    assert not re.search(r"(?<!^)>", words, re.M), "a quote begins a line"
    assert not re.sub("&(?:amp|lt|gt);", "", words).count("&")
    bold = MARKED.findall(words)
    bare = MARKED.sub(lambda found: found[1], words)
    assert not set(bare) & set("*_~`")
    assert not re.search(r":[\w+-]*[a-zA-Z][\w+-]*:(?!\s)", bare)
    return html.unescape(bare), links, bold


def test_what_outlets_write_stays_text_in_telegram():
    told = Telegram(message(HOSTILE_STATE, rule="r").forms["telegram"])

    assert told.shown.count(line(HOSTILE, 200)) == 7
    assert set(told.links) == {ADDRESS, "https://herald.example/1"}


def test_what_outlets_write_stays_text_in_slack():
    shown, links, bold = slack(message(HOSTILE_STATE, rule="r").forms["slack"])

    assert set(links) == {ADDRESS, "https://herald.example/1"}
    assert bold[0].startswith("Changed: ")
    assert bold[1:] == ["300", "200"]
    for words in (
        "<!channel>",
        "<@U1|x>",
        "<https://evil.example|The Herald>",
        "∗bold∗",
    ):
        assert words in shown


@given(*[st.text(max_size=300)] * 4)
def test_any_text_is_read_by_both_as_it_was_written(words, figure, outlet, title):
    state = a_state(content=words, figure=figure, outlet=outlet, title=title)
    forms = message(state, rule="r").forms

    told = Telegram(forms["telegram"])
    assert line(words, 600) in told.shown
    assert units(told.shown) <= 4096
    slack(forms["slack"])


@pytest.mark.parametrize("form", ["slack", "telegram"])
def test_every_alert_of_the_sample_is_what_the_service_reads(lake, world, form):
    app = an_app(lake, world)
    days = {poll.at.date() for poll in world.polls}
    alerts = [alert for day in sorted(days) for alert in app.outbox.alerts(day)]
    app.close()
    channel = WebhookChannel("c", "https://chat.example/x", form=form, chat="1")

    kinds = {(str(alert.kind), str(alert.relation)) for alert in alerts}
    assert {
        ("alert", "new"),
        ("alert", "changed"),
        ("alert", "contradicts"),
        ("retraction", "new"),
    } <= kinds
    for alert in [*alerts, together(alerts, "all")]:
        content = channel.content(alert)
        if form == "slack":
            slack(content["text"])
            assert len(content["text"]) <= 40_000
        else:
            assert content["parse_mode"] == "HTML"
            assert units(Telegram(content["text"]).shown) <= 4096


def test_both_say_who_what_how_sure_and_what_it_differs_from():
    state = a_state(
        kind=RelationKind.CONTRADICTS,
        content="We will send 300 trucks",
        earlier=a_statement(
            statement_id="s0",
            content="We will not send 300 trucks",
            url="https://post.example/0",
            outlet="Post",
            published_at=NOW - timedelta(days=1),
        ),
        reasons=("denied earlier, affirmed now: send",),
        outlets=tuple(f"Outlet {n}" for n in range(10)),
        links=tuple(f"https://o.example/{n}" for n in range(10)),
        n_independent=7,
    )
    forms = message(state, rule="r", site_url="https://site.example").forms

    shown, links, _ = slack(forms["slack"])
    told = Telegram(forms["telegram"])

    for text in (shown, told.shown):
        for part in (
            "Contradicts: Ada Example (promises), reported by Herald. It goes against",
            "Quoted in full, published 2026-03-01 12:30 UTC, words of 2026-03-01: Trucks",
            "Earlier (promises), reported by Post, published 2026-02-28 12:30 UTC:",
            "“We will not send 300 trucks”",
            "• denied earlier, affirmed now: send",
            "1. Outlet 0, 2. Outlet 1",
            "8. Outlet 7 and 2 more (7 independent)",
            "Confidence 0.80 (extraction 0.90, relation 0.80). On record.",
        ):
            assert part in text
    assert links == told.links
    assert links[:2] == ["https://herald.example/1", "https://post.example/0"]


# ------------------------------------------------------------------------- what fits


def test_a_digest_too_long_for_telegram_ends_behind_a_whole_line():
    forms = message(HOSTILE_STATE, rule="r").forms
    alert = an_alert(forms=forms, body="b")
    many = together([replace(alert, alert_id=f"a{n}") for n in range(9)], "d")

    fits = telegram_html(many.forms["telegram"])

    told = Telegram(fits)
    assert 3000 < units(told.shown) <= 4096
    assert fits.endswith(f"\n{CUT}")
    assert many.forms["telegram"].startswith(fits.removesuffix(f"\n{CUT}"))


def test_telegram_counts_utf_16_and_neither_marks_nor_addresses():
    address = f'<a href="https://a.example/{"x" * 5000}">title</a>\n'
    smiles = "\U0001f600" * 2048

    assert telegram_html(address) == address
    assert telegram_html(f"<b>{smiles}</b>") == f"<b>{smiles}</b>"
    assert telegram_html(f"first\n<b>{smiles}</b>") == f"first\n{CUT}"
    assert telegram_html(f"<b>{smiles}!</b>") == ""


def test_no_mark_stays_open_where_a_message_is_cut():
    text = f"one\n<b>two\n{'x' * 4090}</b>\nthree\n"

    assert telegram_html(text) == f"one\n{CUT}"


@given(st.text(max_size=60), st.integers(40, 80))
def test_plain_text_is_cut_to_so_many_units(text, most):
    cut = plain(text, most)

    assert units(cut) <= most
    assert cut == text or cut.endswith(f"\n{CUT}")


def test_slack_gets_whole_lines_only():
    row = "<https://a.example/|title>\n"

    cut = slack_text(row * 2000)

    assert len(cut) <= 40_000
    assert cut == (row * cut.count("title")) + CUT
    assert slack_text(row) == row
