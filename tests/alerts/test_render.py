from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.alerts.render import message
from pipeline.model import RelationKind, Voice
from tests.alerts.alert_builders import a_state, a_statement

EARLIER = a_statement(
    statement_id="s0", content="We will send 200 trucks", url="https://post.example/0"
)
CHANGED = a_state(
    kind=RelationKind.CHANGED,
    earlier=EARLIER,
    reasons=("another number: 200 -> 300",),
    outlets=("Herald", "Post"),
    links=("https://herald.example/1", "https://post.example/2"),
    n_independent=2,
)


def test_a_message_says_who_what_how_and_by_whom_it_was_reported():
    said = message(CHANGED, rule="r1")

    assert said.subject == (
        "Herald reports: Ada Example promises (changed): “We will send 300 trucks”"
    )
    for part in (
        "Reported by Herald: Ada Example (promises). It differs from an earlier",
        "“We will send 300 trucks”",
        "Quoted in full, published 2026-03-01 12:30 UTC",
        "another number: 200 -> 300",
        "“We will send 200 trucks”",
        "https://post.example/0",
        "1. Herald  https://herald.example/1\n  2. Post  https://post.example/2\n",
        "2 independent",
        "Confidence: 0.80",
        "Reported, not verified.",
    ):
        assert part in said.body


@pytest.mark.parametrize("form", ["body", "html"])
def test_a_mail_reads_in_the_order_of_a_desk(form: str):
    """Kind, who, act, outlet, both words with what changed, why, outlets, confidence."""
    said = message(CHANGED, rule="r1", site_url="https://site.example")
    shown = {"body": said.body, "html": said.forms["html"]}[form]
    text = " ".join(re.sub("<[^>]*>", "", shown).split()).lower()
    who = ["reported by herald", "ada example", "(promises)"]
    words = ["“we will send 300 trucks”", "“we will send 200 trucks”"]
    if form == "html":  # beside each other, the earlier on the left
        who, words = who[1:], words[::-1]

    wanted = [
        "changed", *who, *words, "another number: 200 -&gt; 300", "herald", "post",
        "confidence", "0.80", "on record", "reported, not verified",
    ]  # fmt: skip
    at = 0
    for part in wanted:
        found = text.replace("->", "-&gt;").find(part, at)
        assert found >= 0, part
        at = found + len(part)


def test_words_that_have_asterisks_are_not_marked_by_any():
    starred = a_state(
        kind=RelationKind.CHANGED,
        content="We will send 300 * trucks",
        earlier=EARLIER,
    )

    assert "asterisks" in message(CHANGED, rule="r1").body
    assert "asterisks" not in message(starred, rule="r1").body


def test_words_in_the_outlets_own_phrasing_get_no_quotation_marks():
    said = message(a_state(voice=Voice.INDIRECT, content="aid would come"), rule="r1")

    assert "“" not in said.body
    assert "In the outlet's words" in said.body


def test_the_payload_is_json_and_keeps_its_keys_in_order():
    payload = message(CHANGED, rule="r1").payload

    assert json.loads(json.dumps(payload)) == payload
    assert list(payload)[:4] == ["type", "version", "rule", "claim_id"]


@pytest.mark.parametrize(
    "hostile",
    [
        "{{ 7 * 7 }} {% include 'x' %}",
        "a\r\nBcc: everyone@example.org",
        "\u202egnp.exe\u2066",
        "<script>alert(1)</script>",
        "\x1b[31mred\x00",
    ],
)
def test_hostile_text_stays_text(hostile: str):
    state = a_state(content=hostile, title=hostile, outlet=hostile, outlets=(hostile,))

    said = message(state, rule="r1")

    assert "\n" not in said.subject
    assert "49" not in said.subject
    for mark in ("\r", "\x1b", "\x00", "\u202e", "\u2066"):
        assert mark not in said.body
    assert not any(row.startswith("Bcc:") for row in said.body.splitlines())


def test_an_address_that_is_not_of_the_web_is_no_link():
    said = message(a_state(url="javascript:alert(1)"), rule="r1")

    assert "javascript:" not in said.body


@given(st.text(max_size=3000), st.text(max_size=300))
def test_any_text_gives_a_subject_of_one_short_line(content: str, figure: str):
    said = message(a_state(content=content, figure=figure), rule="r1")

    assert len(said.subject) <= 140
    assert len(said.subject.splitlines()) <= 1


def test_a_users_own_templates_take_the_place_of_ours():
    mine = {"subject": "{{ outlet }} has {{ figure }}", "body": "{{ words }}"}

    said = message(a_state(), rule="r1", templates=mine)

    assert said.subject == "Herald has Ada Example"
    assert said.body == "“We will send 300 trucks”\n"
