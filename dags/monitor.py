"""Watch the feeds: fetch, read, extract, match, alert, deliver, publish, every 15 minutes.

**What it does.** One pass over every step. All tasks share the run's `run_after`, the
moment under which answers are archived and tables are written.

**If a task fails.** A transient failure (network, database, disk) is tried again twice.
A permanent one (a mistake in `config/`) fails at once; its message names file and line.
Mend it and clear the failed task, or do nothing: the next pass first makes what this one
left undone, so nothing is lost and nothing is doubled.

**Running a past moment again.** Clear any task but `fetch`. `fetch` cannot be repeated
for the past: it would file today's answers under that moment. To make past days again
from the archive use the DAG `rebuild`.

**A feed fails.** That never fails the task: see `feed_health` or `onrecord status`.
"""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime, timedelta

from airflow.sdk import Asset, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

log = logging.getLogger("onrecord")
TABLES = [
    Asset("onrecord_statements"),
    Asset("onrecord_claims"),
    Asset("onrecord_alerts"),
]


def run(step: str) -> int:
    """Run one step at this DAG run's moment; the rows written."""
    from pipeline.app import open_app  # not at the top: this file is parsed often
    from pipeline.errors import PipelineError

    dag_run = get_current_context()["dag_run"]
    if step == "fetch" and dag_run.run_type == "backfill":
        raise AirflowFailException("fetch asks the feeds of now; use the DAG rebuild")
    app = open_app()
    try:
        report = getattr(app, step)(dag_run.run_after)
    except PipelineError as error:
        if error.transient:
            raise
        raise AirflowFailException(str(error)) from error
    finally:
        app.close()
    for failure in report.failures:
        log.warning("%s: %s", step, failure)
    log.info("%s: %d rows %s", step, report.rows, dict(report.counts))
    return int(report.rows)


@dag(
    schedule=os.environ.get("ONRECORD_SCHEDULE", "*/15 * * * *"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": "onrecord",
        "retries": 2,
        "retry_delay": timedelta(seconds=30),
        "execution_timeout": timedelta(minutes=30),
    },
    doc_md=__doc__,
    tags=["onrecord", "monitor"],
)
def monitor() -> None:
    steps = ["fetch", "read", "extract", "match", "alert", "deliver", "publish"]
    last = None
    for step in steps:
        outlets = TABLES if step == "publish" else []
        made = task(run, task_id=step, outlets=outlets)(step)
        if last is not None:
            last >> made
        last = made


monitor()
