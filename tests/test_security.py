"""What SECURITY.md promises beyond the rooms' own tests, and that it names real ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deploy import live
from pipeline.adapters.notify import WebhookChannel
from pipeline.errors import DeliveryError
from tests.builders import an_alert

ROOT = Path(__file__).resolve().parents[1]


def test_every_test_that_the_threat_model_names_is_there():
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "SECURITY.md").read_text("utf-8")))
    tests = "".join(p.read_text("utf-8") for p in (ROOT / "tests").rglob("test_*.py"))

    assert len(named) > 20
    assert {name for name in named if f"def {name}(" not in tests} == set()


def test_what_listens_listens_on_loopback(tmp_path):
    lines = (ROOT / "deploy" / "Procfile").read_text("utf-8").splitlines()
    commands = {name: rest for name, _, rest in (line.partition(":") for line in lines)}
    settings = live._defaults(tmp_path, "8080")

    assert "--host 127.0.0.1" in commands["api-server"]
    assert "--skip-serve-logs" in commands["scheduler"]
    assert "--skip-serve-logs" in commands["triggerer"]
    assert set(commands) == {"api-server", "scheduler", "dag-processor", "triggerer"}
    assert settings["AIRFLOW__API__HOST"] == "127.0.0.1"


def test_keys_and_password_are_made_at_random_and_the_operators_own(tmp_path, capsys):
    made = []
    for name in ("one", "two"):
        home = tmp_path / name
        home.mkdir()
        keys = live._keys(home / "keys.json")
        live._password(home)
        for file in ("keys.json", "password.json"):
            assert (home / file).stat().st_mode & 0o077 == 0
        made.append({*keys.values(), (home / "password.json").read_text()})

    assert len(made[0]) == 4
    assert made[0] & made[1] == set()
    assert all(len(value) > 16 for value in made[0] | made[1])


def test_every_package_of_the_lock_has_a_hash():
    text = (ROOT / "requirements.lock").read_text("utf-8")
    pins = re.split(r"^(?=[a-zA-Z0-9])", text, flags=re.MULTILINE)[1:]

    assert len(pins) > 100
    assert [pin.split()[0] for pin in pins if "--hash=sha256:" not in pin] == []
    assert "://" not in re.sub(r"#.*", "", text)


@pytest.mark.parametrize(
    "url", ["http://[hooks/T0KEN", "http://hooks.invalid:99999/T0KEN"]
)
def test_an_address_that_is_a_secret_is_not_told(url):
    with pytest.raises(DeliveryError) as caught:
        WebhookChannel("hook", url, timeout_seconds=5).send(an_alert())

    assert "T0KEN" not in str(caught.value)
