"""Airflow on loopback as ``deploy/compose.yaml`` has it: two schedulers, two workers."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPException
from pathlib import Path

import psutil

from deploy.settings import CLUSTER
from tests.cluster.services import ROOT, Process, Server, free_port, until

AIRFLOW = str(Path(sys.executable).with_name("airflow"))
ONE = ["--concurrency", "1", "--without-gossip", "--without-mingle"]


def unit(name: str) -> list[str]:
    """What a systemd unit of ``deploy/`` starts, after the word ``airflow``."""
    text = (ROOT / "deploy" / "systemd" / f"onrecord-{name}.service").read_text("utf-8")
    started = re.findall(r"^ExecStart=\S+/airflow (.*)$", text, re.MULTILINE)
    return str(started[0]).split()


class Cluster:
    """The processes, restarted when they end (as systemd and compose do), and the API."""

    def __init__(self, home: Path, environment: Mapping[str, str], port: int) -> None:
        self.home, self.environment = home, environment
        self.address = f"http://127.0.0.1:{port}"
        self.password = secrets.token_urlsafe(12)
        (home / "password.json").write_text(json.dumps({"admin": self.password}))
        commands = {
            "api-server": [*unit("api-server"), "--port", str(port)],
            "dag-processor": unit("dag-processor"),
            "scheduler-1": unit("scheduler"),
            "scheduler-2": unit("scheduler"),
            "worker-1": [*unit("worker"), "-H", "one@%h", *ONE],
            "worker-2": [*unit("worker"), "-H", "two@%h", *ONE],
        }
        self.processes = {
            name: Process([AIRFLOW, *command], home / f"{name}.log", environment)
            for name, command in commands.items()
        }
        self._ended = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._token = ""

    def start(self) -> None:
        self.command("db", "migrate")  # as the unit of the api-server does
        for process in self.processes.values():
            process.start()
        self._keeper.start()
        until(self._answers, "Airflow's API", 300)
        until(
            lambda: self.ask("GET", "/dags/monitor")["dag_id"], "the DAG monitor", 300
        )
        self.ask("PATCH", "/dags/monitor", {"is_paused": False})

    def stop(self) -> None:
        self._ended.set()
        self._keeper.join()
        for process in self.processes.values():
            if process.running is not None:
                family = _family(process)
                process.stop(seconds=5)
                _kill(family)

    def command(self, *given: str) -> None:
        subprocess.run(
            [AIRFLOW, *given], env=dict(self.environment), check=True,
            stdout=subprocess.DEVNULL, cwd=ROOT,
        )  # fmt: skip

    def _keep(self) -> None:
        while not self._ended.wait(2):
            for process in self.processes.values():
                if not process.alive():
                    process.start()

    # -------------------------------------------------------------------------- API

    def _answers(self) -> bool:
        with suppress(OSError):
            login = {"username": "admin", "password": self.password}
            found = _asked("POST", f"{self.address}/auth/token", login, "")
            self._token = found["access_token"]
        return bool(self._token)

    def ask(self, method: str, path: str, body: object = None) -> dict:
        try:
            return _asked(method, f"{self.address}/api/v2{path}", body, self._token)
        except (OSError, HTTPException) as error:  # asked again while a fault lasts
            if method != "GET":
                raise
            return {"dag_id": "", "state": str(error), "task_instances": []}

    def monitor(self, at: datetime) -> str:
        """Ask for a pass at a moment; the id of its run."""
        body = {"logical_date": None, "run_after": at.isoformat(), "conf": {}}
        return str(self.ask("POST", "/dags/monitor/dagRuns", body)["dag_run_id"])

    def idle(self) -> bool:
        """Whether no pass is on its way."""
        answer = self.ask("GET", "/dags/monitor/dagRuns?state=running&state=queued")
        return bool(answer.get("total_entries") == 0)

    def state(self, run: str) -> str:
        return str(self.ask("GET", f"/dags/monitor/dagRuns/{run}")["state"])

    def tasks(self, run: str) -> dict[str, dict]:
        path = f"/dags/monitor/dagRuns/{run}/taskInstances"
        return {t["task_id"]: t for t in self.ask("GET", path)["task_instances"]}

    def returned(self, run: str, step: str) -> object:
        """What a task gave back: the rows that it wrote."""
        path = (
            f"/dags/monitor/dagRuns/{run}/taskInstances/{step}/xcomEntries/return_value"
        )
        return self.ask("GET", path).get("value")

    def ended(self, run: str, seconds: float = 600) -> dict[str, dict]:
        """Wait for a run's success; its tasks. RuntimeError with the logs otherwise."""
        try:
            until(
                lambda: self.state(run) in ("success", "failed"),
                f"the end of run {run}",
                seconds,
            )
        except RuntimeError as error:
            raise RuntimeError(f"{error}\n{self.logs_of_failures(run)}") from error
        if self.state(run) != "success":
            raise RuntimeError(f"run {run} failed\n{self.logs_of_failures(run)}")
        return self.tasks(run)

    def logs_of_failures(self, run: str) -> str:
        """The state of each task of a run, and the end of every log of those that failed."""
        lines = []
        for name, task in self.tasks(run).items():
            lines.append(f"{name}: {task['state']}, try {task['try_number']}")
            if task["state"] in ("failed", "up_for_retry"):
                where = self.home / "logs" / "dag_id=monitor" / f"run_id={run}"
                for log in sorted(where.glob(f"task_id={name}/*.log")):
                    lines.append(f"--- {log.name}\n{log.read_text('utf-8')[-2000:]}")
        return "\n".join(lines)

    def at_work(self, run: str, step: str, seconds: float = 300) -> Work:
        """Wait until a worker's process is at a task; both."""

        def found() -> Work | None:
            task = self.tasks(run).get(step, {"id": ""})
            for name, process in self.processes.items():
                if name.startswith("worker") and process.alive():
                    for one in _family(process):
                        if (
                            task["id"]
                            and _words(one) == f"airflow worker -- {task['id']}"
                        ):
                            return Work(process, one)
            return None

        return until(found, f"a worker at {step} of {run}", seconds)


@dataclass(frozen=True)
class Work:
    """A worker, and its process that does the task."""

    worker: Process
    process: psutil.Process

    def kill(self) -> None:
        """kill -9 to the worker and all below it, as when a machine goes."""
        _kill(_family(self.worker))

    def ended(self) -> bool:
        """Whether the task's process is over, collected by its new parent or not."""
        with suppress(psutil.NoSuchProcess):
            return self.process.status() == psutil.STATUS_ZOMBIE
        return True

    def orphan(self) -> None:
        """Kill all that is above the task, and leave it."""
        _kill([one for one in _family(self.worker) if one != self.process])


def _family(process: Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        head = psutil.Process(process.pid)
        return [head, *head.children(recursive=True)]
    return []


def _words(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline()).strip()
    return ""


def _kill(family: list[psutil.Process]) -> None:
    for one in family:
        with suppress(psutil.NoSuchProcess):
            one.send_signal(signal.SIGKILL)


def _asked(method: str, url: str, body: object, token: str) -> dict:
    request = urllib.request.Request(
        url,
        method=method,
        data=json.dumps(body).encode() if body is not None else None,
        headers={
            "Content-Type": "application/json",
            "Authorization": f"Bearer {token}",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: dict = json.load(answer)
        return found


@contextmanager
def cluster(
    database: Server, broker: Server, more: Mapping[str, str]
) -> Iterator[Cluster]:
    """Airflow over these services, its metadata in the database ``airflow``."""
    with tempfile.TemporaryDirectory(prefix="onrecord-airflow-") as folder:
        home, port = Path(folder), free_port()
        store = database.url("postgresql+psycopg2", "airflow")
        environment = {
            **{n: v for n, v in os.environ.items() if not n.startswith(("AIRFLOW", "ONRECORD_"))},
            **CLUSTER,
            "AIRFLOW_HOME": folder,
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__CORE__FERNET_KEY": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": f"{folder}/password.json",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": store,
            "AIRFLOW__CELERY__BROKER_URL": broker.url("redis", "0"),
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{store}",
            "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
            "AIRFLOW__API__SECRET_KEY": secrets.token_urlsafe(48),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_urlsafe(64),
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",  # monitor alone works
            "ONRECORD_SCHEDULE": "0 0 29 2 *",  # never: the test asks for each pass
            **more,
        }  # fmt: skip
        running = Cluster(home, environment, port)
        try:
            begun = time.monotonic()
            running.start()
            print(f"cluster up after {time.monotonic() - begun:.0f} s")
            yield running
        except BaseException:
            for name, process in running.processes.items():
                if process.log.exists():
                    print(f"--- {name}, started {process.starts}\n{process.tail(1500)}")
            raise
        finally:
            running.stop()
