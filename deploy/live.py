"""``make live``: Airflow's four processes under one runner, on this machine alone.

Settings of your own (``ONRECORD_...``, ``AIRFLOW__...``) are kept; what is not set gets
a default that is safe: loopback only, SQLite, keys made once and readable by nobody
else. Ctrl-C or SIGTERM ends all four and waits for them. When one of them ends, whatever
is left below it is killed (``kill -9 0`` in the Procfile: what it started holds its
output open, and the runner would not see its end), and the runner ends the others.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from base64 import urlsafe_b64encode
from pathlib import Path

from honcho.environ import parse_procfile
from honcho.manager import Manager

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".airflow" / "live"
USER = "admin"


def main() -> int:
    """Run until told to stop; the exit status of the runner."""
    os.umask(0o077)  # keys, password, logs and tables are the operator's own
    home = Path(os.environ.setdefault("AIRFLOW_HOME", str(HOME)))
    home.mkdir(parents=True, exist_ok=True)
    port = os.environ.setdefault("ONRECORD_PORT", "8080")
    if _taken(int(port)):
        print(
            f"make live: port {port} is taken on 127.0.0.1; choose another: "
            "ONRECORD_PORT=8081 make live",
            file=sys.stderr,
        )
        return 2
    for name, value in _defaults(home, port).items():
        os.environ.setdefault(name, value)
    importable()
    bin_folder = str(Path(sys.executable).parent)
    os.environ["PATH"] = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
    _password(home)
    subprocess.run(["airflow", "db", "migrate"], check=True, stdout=subprocess.DEVNULL)
    pool = os.environ.setdefault("ONRECORD_POOL", "onrecord_feeds")
    subprocess.run(
        ["airflow", "pools", "set", pool, "1", "one pass at a time asks the feeds"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    print(f"make live: http://127.0.0.1:{port}  (Ctrl-C ends it)", flush=True)
    return _run()


def importable() -> None:
    """Let Airflow's processes import ``deploy.executor``."""
    there = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *([there] if there else [])])


def _run() -> int:
    manager = Manager()
    processes = parse_procfile((ROOT / "deploy" / "Procfile").read_text("utf-8"))
    for name, command in processes.processes.items():
        manager.add_process(name, command, env=dict(os.environ), quiet=False)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    manager.loop()
    told = {
        0,
        None,
        -signal.SIGINT,
        -signal.SIGTERM,
        128 + signal.SIGINT,
        128 + signal.SIGTERM,
    }
    return 0 if manager.returncode in told else 1  # being told to end is no failure


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _defaults(home: Path, port: str) -> dict[str, str]:
    keys = _keys(home / "keys.json")
    return {
        "ONRECORD_CONFIG": str(ROOT / "config"),
        "ONRECORD_LAKE": str(ROOT / "data" / "live"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "deploy.executor.WarmExecutor",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__FERNET_KEY": keys["fernet"],
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(
            home / "password.json"
        ),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": port,
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__SECRET_KEY": keys["secret"],
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API_AUTH__JWT_SECRET": keys["jwt"],
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "60",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",  # of tasks: what each step did
        "AIRFLOW__TRIGGERER__CAPACITY": "8",
    }


def _keys(path: Path) -> dict[str, str]:
    """Made once; a second start reads them, so that sessions and secrets outlive it."""
    if not path.exists():
        made = {
            "fernet": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "secret": secrets.token_urlsafe(64),
            "jwt": secrets.token_urlsafe(64),
        }
        path.write_text(json.dumps(made), "utf-8")
        path.chmod(0o600)
    keys: dict[str, str] = json.loads(path.read_text("utf-8"))
    return keys


def _password(home: Path) -> None:
    path = home / "password.json"
    if path.exists():
        return
    password = secrets.token_urlsafe(12)
    path.write_text(json.dumps({USER: password}), "utf-8")
    path.chmod(0o600)
    print(f"make live: user {USER}, password {password} (said once; kept in {path})")


if __name__ == "__main__":
    sys.exit(main())
