"""What an operator starts: every variable is one that Airflow knows, no secret is shipped."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from deploy.settings import CLUSTER

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
KNOWN = """
from airflow.configuration import conf
for section, described in conf.configuration_description.items():
    for option in described["options"]:
        print(f"AIRFLOW__{section.upper().replace('.', '_')}__{option.upper()}")
"""


def test_every_variable_is_an_option_of_the_airflow_that_is_installed(tmp_path):
    asked = subprocess.run(
        [sys.executable, "-c", KNOWN], check=True, capture_output=True, text=True,
        env={"AIRFLOW_HOME": str(tmp_path)},
    )  # fmt: skip
    known = set(asked.stdout.split())
    found = {
        (name, path.name)
        for path in DEPLOY.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
        for name in re.findall(r"AIRFLOW__[A-Z_]*[A-Z]", path.read_text("utf-8"))
    }

    assert len(found) > 20
    assert [one for one in sorted(found) if one[0] not in known] == []


def test_the_settings_of_a_cluster_are_a_file_of_variables():
    printed = subprocess.run(
        [sys.executable, "-m", "deploy.settings"], check=True, capture_output=True,
        text=True, cwd=DEPLOY.parent,
    )  # fmt: skip

    assert dict(line.split("=", 1) for line in printed.stdout.splitlines()) == CLUSTER


def test_secrets_are_given_by_the_operator_alone():
    """Compose starts nothing without them, units read a file, no image takes one in."""
    compose = (DEPLOY / "compose.yaml").read_text("utf-8")
    for secret in ("POSTGRES_PASSWORD", "REDIS_PASSWORD"):
        assert f"{secret}: ${{{secret}:?" in compose
    for unit in (DEPLOY / "systemd").glob("*.service"):
        assert "EnvironmentFile=/etc/onrecord/secrets.env" in unit.read_text("utf-8")
    ignored = (DEPLOY.parent / ".dockerignore").read_text("utf-8").split()
    assert {"deploy/*.env", "data", ".airflow", ".git"} <= set(ignored)
