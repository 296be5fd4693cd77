"""What Airflow costs beside the work: the same passes by ``onrecord run`` and by the DAG.

``python -m bench.overhead --data DIR [--articles 2000] [--passes 4] [--model rules]``. The
outlets are those of ``bench.day``. Once each pass is a command of its own, as cron would run
it; once Airflow runs ``monitor`` with the settings of ``make live`` (LocalExecutor, SQLite; the
schedule is put off, passes are triggered through the API). Processor time is of the command,
and of the executor's workers with all tasks below them; what scheduler, API and DAG processor
take is told apart, and what they take in the same time without any pass. The published
tables must be the same bytes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from bench.day import Plan, moment, served, show
from deploy.live import ROOT, _defaults
from tests.cluster.airflow import AIRFLOW, Cluster
from tests.cluster.services import Process, free_port
from tests.world import REBUILT

ONRECORD = str(Path(sys.executable).with_name("onrecord"))
IDLE_SECONDS = 45.0
REPEATED = (*REBUILT, "alerts")


class Alone(Cluster):
    """The processes of ``make live``, but for the triggerer, which has nothing to do."""

    def __init__(self, home: Path, environment: Mapping[str, str], port: int) -> None:
        super().__init__(home, environment, port)
        commands = {
            "api-server": ["api-server", "--host", "127.0.0.1", "--port", str(port)],
            "dag-processor": ["dag-processor"],
            "scheduler": ["scheduler", "--skip-serve-logs"],
        }
        self.processes = {
            name: Process([AIRFLOW, *command], home / f"{name}.log", environment)
            for name, command in commands.items()
        }

    def spent(self) -> tuple[float, float]:
        """Processor seconds so far of tasks with their workers, and of all the rest."""
        scheduler = psutil.Process(self.processes["scheduler"].pid)
        workers = sum(all_below(one) for one in scheduler.children())
        heads = [psutil.Process(one.pid) for one in self.processes.values()]
        return workers, sum(all_below(one) for one in heads) - workers


def all_below(process: psutil.Process) -> float:
    """Of a process and of its children, those that it has buried included."""
    total = 0.0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += sum(one.cpu_times()[:4])
        except psutil.NoSuchProcess:  # its parent counts it from now on
            continue
    return total


def environment(plan: Plan, lake: Path, port: int) -> dict[str, str]:
    hosts = {f"outlet{n}.example": f"127.0.0.1:{port}" for n in range(plan.feeds)}
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW", "ONRECORD_"))
    }
    return inherited | {
        "ONRECORD_CONFIG": str(plan.folder / "config"),
        "ONRECORD_LAKE": str(lake),
        "ONRECORD_MODEL": plan.model,
        "ONRECORD_FETCH__HOSTS": json.dumps(hosts),
        "ONRECORD_FETCH__PAGE_PAUSE_SECONDS": "0",
        "ONRECORD_FETCH__EVERYTHING": "true",
        "ONRECORD_ALERTS__QUIET_FIRST_DAYS": "0",
    }


def by_command(plan: Plan, port: int) -> Iterator[tuple[float, float]]:
    """Wall and processor seconds of each pass."""
    held = environment(plan, plan.folder / "by-command", port)
    for number in range(plan.passes):
        show(port, number)
        at = moment(number, plan.passes)
        begun, cpu = time.perf_counter(), children()
        line = [ONRECORD, "run", "--at", at.isoformat()]
        subprocess.run(line, env=held, check=True, stdout=subprocess.DEVNULL)
        yield time.perf_counter() - begun, children() - cpu


def children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def airflow(plan: Plan, port: int, executor: str | None) -> Iterator[Alone]:
    with tempfile.TemporaryDirectory(prefix="onrecord-airflow-") as folder:
        home, own = Path(folder), free_port()
        held = environment(plan, plan.folder / "by-dag", port)
        held |= {"AIRFLOW_HOME": folder, **_defaults(home, str(own)), **{
            name: held[name] for name in held if name.startswith("ONRECORD_")
        }}  # fmt: skip
        held["PYTHONPATH"] = str(ROOT)
        if executor:
            held["AIRFLOW__CORE__EXECUTOR"] = executor
        held["ONRECORD_SCHEDULE"] = "0 0 29 2 *"  # none is due: we trigger
        bin_folder = str(Path(sys.executable).parent)
        held["PATH"] = f"{bin_folder}{os.pathsep}{held['PATH']}"
        held["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"] = "admin:admin"
        here = Alone(home, held, own)
        try:
            here.start()
            yield here
        finally:
            here.stop()


def by_dag(
    plan: Plan, here: Alone, port: int
) -> Iterator[tuple[float, float, float, dict[str, float]]]:
    """Wall seconds, processor seconds of tasks and of the rest, seconds by task."""
    for number in range(plan.passes):
        show(port, number)
        begun, before = time.perf_counter(), here.spent()
        tasks = here.ended(here.monitor(moment(number, plan.passes)), 1_800)
        time.sleep(2)  # what ends is buried
        after = here.spent()
        yield (
            time.perf_counter() - begun - 2,
            after[0] - before[0],
            after[1] - before[1],
            {name: float(task["duration"]) for name, task in tasks.items()},
        )


def hashes(lake: Path) -> dict[str, str]:
    from hashlib import sha256

    return {
        str(path.relative_to(lake)): sha256(path.read_bytes()).hexdigest()
        for name in REPEATED
        for path in sorted((lake / "tables" / name).glob("date=*/*.parquet"))
    }


def main() -> int:
    """Print the table; 1 where the tables differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--articles", type=int, default=2_000)
    parser.add_argument("--passes", type=int, default=4)
    parser.add_argument("--model", default="rules")
    parser.add_argument("--executor", help="another than that of make live")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="onrecord-overhead-") as folder:
        plan = Plan(
            Path(folder), given.data, given.articles, max(1, given.articles // 50),
            given.passes, 0, given.model,
        )  # fmt: skip
        plan.prepare()
        with served(plan) as port:
            print(f"{plan.articles:,} articles, {plan.passes} passes, {plan.model}\n")
            print(
                "| pass | `onrecord run`, CPU s (wall) | tasks, CPU s (wall) | the rest of Airflow, CPU s | tasks / command |"
            )
            print("|---|---:|---:|---:|---:|", flush=True)
            ours = list(by_command(plan, port))
            totals = [0.0, 0.0, 0.0]
            slow: dict[str, float] = {}
            with airflow(plan, port, given.executor) as here:
                before, begun = here.spent(), time.perf_counter()
                time.sleep(IDLE_SECONDS)
                idle = sum(here.spent()) - sum(before)
                idle /= time.perf_counter() - begun
                for number, (wall, tasks, rest, each) in enumerate(
                    by_dag(plan, here, port)
                ):
                    theirs, cpu = ours[number]
                    totals = [
                        sum(x) for x in zip(totals, (cpu, tasks, rest), strict=True)
                    ]
                    for name, seconds in each.items():
                        slow[name] = slow.get(name, 0.0) + seconds
                    print(
                        f"| {number + 1} | {cpu:.1f} ({theirs:.1f}) | {tasks:.1f} ({wall:.1f}) "
                        f"| {rest:.1f} | {tasks / cpu:.2f} |",
                        flush=True,
                    )
            print(
                f"| **all** | {totals[0]:.1f} | {totals[1]:.1f} | {totals[2]:.1f} | **{totals[1] / totals[0]:.2f}** |"
            )
        print(
            f"\nidle Airflow: {idle:.2f} CPU s a second; seconds by task: "
            + ", ".join(f"{name} {s:.1f}" for name, s in slow.items())
        )
        one, other = (hashes(plan.folder / name) for name in ("by-command", "by-dag"))
        print(f"{len(one)} table files, the same bytes: {one == other}")
    return 0 if one == other and one else 1


if __name__ == "__main__":
    sys.exit(main())
