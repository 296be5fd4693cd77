"""What a cluster must set in Airflow, each with its reason. ``python -m deploy.settings``
prints it as a file of variables for compose and systemd; addresses, keys and secrets are
not among it.
"""

from __future__ import annotations

CLUSTER = {
    "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    # A new installation begins to work; what is paused later stays paused.
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
    "AIRFLOW__API__HOST": "127.0.0.1",
    # A task that says nothing for so long is dead: seen, failed and tried again. The
    # default, five minutes, is longer than a quarter of an hour's pass can spare.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "10",
    # A message that no worker acknowledged for so long is handed out again. It must be
    # longer than the longest task (rebuild aside, whose second copy waits at the lock).
    "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": "3600",
    # A queue that lost its messages (Redis flushed) is noticed after so long.
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "60",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "15",
    # An API that is slow for a moment is not gone: the default, five seconds, fails tasks.
    "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "30",
    # A task takes half a GB: so many at once on one machine.
    "AIRFLOW__CELERY__WORKER_CONCURRENCY": "2",
    "AIRFLOW__CELERY__WORKER_PREFETCH_MULTIPLIER": "1",
}


def main() -> None:
    """The variables, one a line."""
    for name, value in CLUSTER.items():
        print(f"{name}={value}")


if __name__ == "__main__":
    main()
