from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from pipeline.alerts import decide
from pipeline.alerts.decide import alerts_for
from pipeline.model import Act, Alert, AlertRule, ClaimState, RelationKind
from tests.alerts.alert_builders import NOW, a_rule, a_state

DAY = timedelta(days=1)
LONG_AGO = NOW - 100 * DAY


def told(
    *states: ClaimState,
    rules: tuple[AlertRule, ...] | None = None,
    since: datetime = LONG_AGO,
    lake_since: datetime = LONG_AGO,
    now: datetime = NOW,
    quiet: int = 7,
) -> list[Alert]:
    return alerts_for(
        states,
        (a_rule(),) if rules is None else rules,
        figures_since={"Q1": since},
        lake_since=lake_since,
        now=now,
        quiet_first_days=quiet,
    )


def test_a_new_claim_is_told_once_on_each_channel_of_each_rule():
    rules = (a_rule(channels=("log", "desk", "log")), a_rule(id="r2"))

    alerts = told(a_state(), rules=rules)

    assert [(a.rule_id, a.channel) for a in alerts] == [
        ("r1", "log"),
        ("r1", "desk"),
        ("r2", "log"),
    ]
    assert len({a.alert_id for a in alerts}) == 3


def test_the_key_of_an_alert_does_not_hang_on_the_moment_or_the_counts():
    (before,) = told(a_state())

    (later,) = told(a_state(n_independent=4, outlets=("Herald", "Post")), now=NOW + DAY)

    assert before.alert_id == later.alert_id


def test_what_was_told_is_not_put_in_words_again(monkeypatch: pytest.MonkeyPatch):
    every = told(a_state(), rules=(a_rule(channels=("log", "desk")),))
    ask = partial(
        alerts_for,
        [a_state()],
        [a_rule(channels=("log", "desk"))],
        figures_since={"Q1": LONG_AGO},
        lake_since=LONG_AGO,
        now=NOW,
        quiet_first_days=7,
    )

    assert ask(unknown=lambda ids: {ids[1]}) == every[1:]

    monkeypatch.setattr(decide, "message", lambda *_, **__: pytest.fail("rendered"))
    assert ask(unknown=lambda ids: set()) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"backlog": True},
        {"is_old": True},
        {"about_topic": False},
        {"act": Act.ATTITUDE},
        {"first_seen_at": NOW - 49 * timedelta(hours=1)},
    ],
    ids=str,
)
def test_what_is_no_news_is_never_told(changes: dict[str, Any]):
    assert told(a_state(**changes)) == []


def test_a_figures_first_days_on_record_are_quiet():
    assert told(a_state(), since=NOW - 6 * DAY) == []
    assert len(told(a_state(), since=NOW - 7 * DAY)) == 1


def test_the_lakes_first_day_is_quiet():
    assert told(a_state(), lake_since=NOW - timedelta(hours=23)) == []


def test_zero_quiet_days_tell_from_the_first_moment_on():
    assert len(told(a_state(), since=NOW, lake_since=NOW, quiet=0)) == 1


def test_a_figure_nobody_knows_of_is_in_its_first_days():
    assert told(a_state(figure_id="Q9")) == []


@pytest.mark.parametrize(
    ("rule", "right", "wrong"),
    [
        ({"figures": ("Q1",)}, {}, {"figure_id": "Q2"}),
        ({"topics": ("arms",)}, {}, {"subtopics": ("talks",)}),
        ({"acts": ("threatens",)}, {"act": Act.THREATENS}, {}),
        ({"acts": ("attitude",)}, {"act": Act.ATTITUDE}, {}),
        ({"relations": ("changed",)}, {"kind": RelationKind.CHANGED}, {}),
        ({"outlet_kinds": ("state",)}, {"outlet_kind": "state"}, {}),
        ({"min_confidence": 0.85}, {"score": 0.9}, {"score": 0.8}),
        ({"min_confidence": 0.85}, {"score": 0.9}, {"score": 1.0, "confidence": 0.5}),
        ({"min_independent": 2}, {"n_independent": 2}, {"n_independent": 1}),
    ],
    ids=str,
)
def test_a_rule_tells_only_what_it_asks_for(
    rule: dict[str, Any], right: dict[str, Any], wrong: dict[str, Any]
):
    rules = (a_rule(**rule),)

    assert len(told(a_state(**right), rules=rules, quiet=0)) == 1
    assert told(a_state(**wrong), rules=rules, quiet=0) == []


def test_an_uncertain_claim_is_told_only_where_a_rule_names_it():
    state = a_state(kind=RelationKind.UNCERTAIN)

    assert told(state) == []
    assert len(told(state, rules=(a_rule(relations=("uncertain",)),))) == 1


def test_the_order_given_changes_nothing():
    states = [
        a_state(claim_id=f"c{n}", first_seen_at=NOW - timedelta(hours=n % 3))
        for n in range(6)
    ]

    assert told(*states) == told(*reversed(states))
