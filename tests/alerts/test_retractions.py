from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from pipeline.alerts.decide import alerts_for, retractions, would_tell
from pipeline.alerts.render import message, pieces, together
from pipeline.editing import would_have_told
from pipeline.model import (
    Alert,
    AlertKind,
    ClaimState,
    Correction,
    CorrectionKind,
    Loss,
    RelationKind,
    Statement,
)
from tests.alerts.alert_builders import NOW, a_rule, a_state, a_statement

HOUR = timedelta(hours=1)


def told(*states: ClaimState) -> list[Alert]:
    return alerts_for(
        states,
        [a_rule()],
        figures_since={},
        lake_since=NOW,
        now=NOW,
        quiet_first_days=0,
    )


def a_loss(state: ClaimState, now: Statement | None = None) -> Loss:
    kind = CorrectionKind.CHANGED if now else CorrectionKind.WITHDRAWN
    return Loss(
        state=state,
        now=now,
        correction=Correction(
            correction_id="k1",
            kind=kind,
            article_id="a1",
            revision=2,
            statement_id="s1",
            new_statement_id=now.statement_id if now else None,
            old_sha256="0",
            new_sha256=None,
            at=NOW,
        ),
    )


def test_a_retraction_follows_on_the_thread_of_its_alert():
    state = a_state()
    (alert,) = told(state)

    (back,) = retractions([alert], [a_loss(state)], now=NOW + HOUR)

    assert back.kind is AlertKind.RETRACTION
    assert back.thread == alert.alert_id != back.alert_id
    assert back.created_at == NOW + HOUR
    assert back.subject.startswith("Retracted: Herald reported: Ada Example promises")
    assert "The words were taken out of the report." in back.body
    assert back.payload["type"] == "claim.retraction"
    assert back.payload["correction"]["kind"] == "withdrawn"


def test_a_retraction_says_what_stands_there_now():
    state = a_state()
    now = a_statement(statement_id="s2", content="We may send 30 trucks")

    (back,) = retractions(told(state), [a_loss(state, now)], now=NOW)

    assert "It now reads:\n“We may send 30 trucks”" in back.body
    assert "We may send 30 trucks" in back.forms["html"]


def test_only_what_was_told_is_taken_back_and_once():
    state, other = a_state(), a_state(claim_id="c2")
    (alert,) = told(state)
    once = retractions([alert], [a_loss(state), a_loss(other)], now=NOW)

    again = retractions([alert, *once], [a_loss(state)], now=NOW + HOUR)

    assert [a.alert_id for a in again] == [a.alert_id for a in once]


def test_a_retraction_waits_as_long_as_its_alert_does():
    state = a_state()
    (alert,) = told(state)
    waits = replace(alert, due_at=NOW + 5 * HOUR)

    (back,) = retractions([waits], [a_loss(state)], now=NOW)

    assert back.due_at == NOW + 5 * HOUR


# ----------------------------------------------------------------------- other forms


def test_what_changed_is_marked_on_both_sides():
    before, after = pieces("We will send 200 trucks", "We will send 300 trucks")

    assert [p.text for p in before if p.differs] == ["200"]
    assert [p.text for p in after if p.differs] == ["300"]
    assert "".join(p.text for p in after) == "We will send 300 trucks"


def test_texts_with_little_in_common_get_no_marks():
    before, after = pieces("A bridge was opened", "We will never give up")

    assert not any(p.differs for p in [*before, *after])


CHANGED = a_state(
    kind=RelationKind.CHANGED,
    content="We will send 300 trucks & <tanks>",
    earlier=a_statement(statement_id="s0", content="We will send 200 trucks & <tanks>"),
)


@pytest.mark.parametrize(
    ("form", "marked"),
    [
        ("html", ">300</mark> trucks &amp; &lt;tanks&gt;"),
        ("slack", "*300* trucks &amp; &lt;tanks&gt;"),
        ("telegram", "<u>300</u> trucks &amp; &lt;tanks&gt;"),
    ],
)
def test_each_form_marks_what_changed_and_escapes_the_rest(form: str, marked: str):
    said = message(CHANGED, rule="r", site_url="https://site.example/")

    assert marked in said.forms[form]
    opened = f"explorer/index.html#s={CHANGED.statement.statement_id}"
    assert f"https://site.example/{opened}" in said.forms[form]
    assert "before  “We will send *200* trucks & <tanks>”\n" in said.body
    assert "now     “We will send *300* trucks & <tanks>”\n" in said.body


def test_several_alerts_are_one_message_that_holds_them_all():
    members = told(a_state(), a_state(claim_id="c2", figure="Bo Example"))

    one = together(members, "d")

    assert one.alert_id == "d"
    assert one.subject == "2 alerts (r1): Ada Example; Bo Example"
    held = one.payload["alerts"]
    assert [each["alert_id"] for each in held] == [a.alert_id for a in members]
    assert all(alert.body in one.body for alert in members)
    assert one.forms["html"].count("<article>") == 2


# ------------------------------------------------------------------- trying a rule out


def test_a_rule_that_is_switched_off_tells_nothing_and_can_be_tried():
    rule = a_rule(enabled=False, min_independent=2)
    history = [
        (NOW, a_state()),
        (NOW + HOUR, a_state(n_independent=2)),
        (NOW + 2 * HOUR, a_state(n_independent=3)),
    ]

    found = would_tell([history], rule)

    assert [(at, state.n_independent) for at, state in found] == [(NOW + HOUR, 2)]
    assert (
        alerts_for(
            [history[1][1]], [rule], figures_since={}, lake_since=NOW, now=NOW,
            quiet_first_days=0,
        ) == []
    )  # fmt: skip


def test_what_a_rule_learns_too_late_it_would_not_have_told():
    late = NOW + 49 * HOUR

    assert would_tell([[(late, a_state(n_independent=2))]], a_rule()) == []


def test_a_rule_is_tried_with_its_quiet_hours_and_its_digest():
    rule = a_rule(digest_at=(time(18, 0),), time_zone="UTC")
    histories = [
        [(NOW, a_state(claim_id="c1"))],
        [(NOW + HOUR, a_state(claim_id="c2"))],
    ]

    rows = would_have_told(histories, rule)

    out = datetime.combine(NOW.date(), time(18, 0), UTC)
    assert [row["at"] for row in rows] == [NOW, NOW + HOUR]
    assert {row["out"] for row in rows} == {out}
    assert {row["message"] for row in rows} == {1}
    assert len(would_have_told(histories, a_rule())) == 2
    assert would_have_told(histories, a_rule())[1]["message"] == 2


def test_a_rule_is_tried_with_the_quiet_first_days():
    history = [(NOW, a_state())]

    def tried(days: int) -> int:
        since = {a_state().statement.figure_id: NOW - HOUR}
        return len(
            would_tell([history], a_rule(), figures_since=since, lake_since=NOW,
                       quiet_first_days=days)
        )  # fmt: skip

    assert (tried(0), tried(7)) == (1, 0)
