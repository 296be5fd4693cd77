from __future__ import annotations

import tomllib
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.alerts.rules import rules_from

CONFIG = Path(__file__).parents[2] / "config" / "alerts.toml"


def test_the_default_is_one_rule_to_a_file():
    (rule,) = rules_from(tomllib.loads(CONFIG.read_text("utf-8")))

    assert rule.id == "new-claim"
    assert rule.channels == ("log",)
    assert rule.relations == ("new", "changed", "contradicts")


def test_what_a_rule_leaves_out_is_all():
    (rule,) = rules_from({"rules": [{"id": "r", "channels": ["log"]}]})

    assert rule.figures == rule.topics == rule.acts == ()
    assert rule.relations == ("new", "changed", "contradicts")
    assert rule.min_independent == 1


def test_when_a_rule_tells_is_read_as_people_write_it():
    (rule,) = rules_from(
        {
            "rules": [
                {
                    "id": "r",
                    "channels": ["log"],
                    "time_zone": "Europe/Kyiv",
                    "quiet_hours": "22:00 - 7:00",
                    "cooldown_minutes": 90,
                    "digest": ["18:00", "8:30", "8:30"],
                    "enabled": False,
                }
            ]
        }
    )

    assert rule.quiet_hours == (time(22), time(7))
    assert rule.digest_at == (time(8, 30), time(18))
    assert rule.cooldown == timedelta(minutes=90)
    assert not rule.enabled


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"relations": ["old"]},
            r"rules\[r\]\.relations: 'old' is none of new, changed",
        ),
        ({"acts": ["sings"]}, r"rules\[r\]\.acts: 'sings' is none of asserts"),
        ({"outlet_kinds": ["tv"]}, r"rules\[r\]\.outlet_kinds: 'tv' is none of"),
        ({"min_confidence": 2}, r"rules\[r\]\.min_confidence: a number from 0 to 1"),
        ({"min_independent": 1.5}, r"rules\[r\]\.min_independent: a whole number"),
        ({"min_independent": True}, r"rules\[r\]\.min_independent"),
        ({"figures": "Q1"}, r"rules\[r\]\.figures: a list of texts"),
        ({"figure": ["Q1"]}, r"rules\[r\]\.figure: no such key; allowed: id, channels"),
        ({"channels": []}, r"rules\[r\]\.channels: at least one"),
        ({"id": ""}, r"rules\[1\]\.id: a text is wanted"),
        ({"enabled": "no"}, r"rules\[r\]\.enabled: true or false"),
        ({"time_zone": "Mars"}, r"rules\[r\]\.time_zone: no time zone 'Mars'"),
        ({"quiet_hours": "22:00"}, r"rules\[r\]\.quiet_hours: two times"),
        ({"quiet_hours": "22:00-25:00"}, r"rules\[r\]\.quiet_hours: '25:00' is no"),
        ({"quiet_hours": "7:00-07:00"}, r"rules\[r\]\.quiet_hours: from and to"),
        ({"cooldown_minutes": -1}, r"rules\[r\]\.cooldown_minutes: a whole number"),
        ({"digest": ["soon"]}, r"rules\[r\]\.digest: 'soon' is no time of day"),
    ],
    ids=str,
)
def test_a_mistake_is_named_with_its_key_and_what_is_allowed(
    changes: dict[str, Any], words: str
):
    rule = {"id": "r", "channels": ["log"]} | changes

    with pytest.raises(ValueError, match=words):
        rules_from({"rules": [rule]})


def test_an_id_given_twice_is_a_mistake():
    rule = {"id": "r", "channels": ["log"]}

    with pytest.raises(ValueError, match="given twice"):
        rules_from({"rules": [rule, rule]})


def test_rules_that_are_no_tables_are_a_mistake():
    with pytest.raises(ValueError, match=r"\[\[rules\]\]"):
        rules_from({"rules": {"id": "r"}})
    with pytest.raises(ValueError, match="rule: no such key"):
        rules_from({"rule": []})
