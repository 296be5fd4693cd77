"""Remove Airflow's old task logs and the old rows of its database.

``python -m deploy.clean --days 30``, beside ``make live`` or from cron: it takes the
environment's ``AIRFLOW_HOME``, else that of ``make live``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.live import HOME, _defaults, importable
from pipeline.adapters.disk import remove_older
from pipeline.errors import StoreError

LEAST_DAYS = 2
"""What is younger may still be running."""


def main() -> int:
    """Clean; the exit status."""
    parser = argparse.ArgumentParser(prog="deploy.clean", description=__doc__)
    parser.add_argument("--days", type=int, default=30, help="kept; at least 2")
    days = max(LEAST_DAYS, parser.parse_args().days)
    home = Path(os.environ.setdefault("AIRFLOW_HOME", str(HOME)))
    if not (home / "airflow.db").exists() and not os.environ.get(
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
    ):
        print(f"deploy.clean: no Airflow in {home}; set AIRFLOW_HOME", file=sys.stderr)
        return 2
    for name, value in _defaults(home, "8080").items():
        os.environ.setdefault(name, value)
    importable()
    before = datetime.now(UTC) - timedelta(days=days)
    try:
        files, size = remove_older(home / "logs", before.date())
    except StoreError as error:
        print(f"deploy.clean: {error}", file=sys.stderr)
        return 1
    print(f"{files} log files removed, {size / 1e6:.1f} MB")
    command = [str(Path(sys.executable).parent / "airflow"), "db", "clean", "--yes"]
    command += ["--skip-archive", "--clean-before-timestamp", before.isoformat()]
    return subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    sys.exit(main())
