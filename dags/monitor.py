"""Watch the feeds: fetch, read, extract, match, alert, deliver, publish, every 15 minutes.

**What it does.** One pass over every step. All tasks share the run's `run_after`, the
moment under which answers are archived and tables are written. `publish` announces an
asset for each table (`onrecord_statements` and so on, the day in its `extra`); a DAG with
`schedule=[Asset("onrecord_statements")]` follows.

**If a task fails.** A transient failure (network, database, disk, another run at work) is
tried again twice. A permanent one (a mistake in `config/`, a damaged file) fails at once;
its message names file and line. Mend it and clear the failed task, or do nothing: the next
pass first makes what this one left undone, so nothing is lost and nothing is doubled.

**Running a past moment again.** Clear any task but `fetch`. `fetch` cannot be repeated
for the past: it would file today's answers under that moment. To make past days again
from the archive use the DAG `rebuild`.

**A feed fails.** That never fails the task: see `feed_health` or `onrecord status`.

**Slow.** Runs do not overlap: the next one waits; one over 2 hours is ended. A step takes
seconds to start, so it is one task over all that waits, never a task an article.
"""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime, timedelta

from airflow.sdk import Asset, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

log = logging.getLogger("onrecord")
TABLES = [
    Asset(f"onrecord_{table}")
    for table in (
        "articles", "statements", "statement_spans", "statement_topics", "claims",
        "claim_links", "daily_figure_topic", "daily_figure_topic_act", "alerts",
        "deliveries", "feed_health", "corrections",
    )
]  # fmt: skip


def run(step: str) -> int:
    """Run one step at this DAG run's moment; the rows written."""
    from pipeline.app import open_app  # not at the top: this file is parsed often
    from pipeline.errors import PipelineError

    context = get_current_context()
    dag_run = context["dag_run"]
    if step == "fetch" and dag_run.run_type == "backfill":
        raise AirflowFailException("fetch asks the feeds of now; use the DAG rebuild")
    try:
        app = open_app()
        try:
            log.info(
                "%s of %s into lake %s", step, dag_run.run_after, app.settings.lake
            )
            report = getattr(app, step)(dag_run.run_after)
        finally:
            app.close()
    except PipelineError as error:
        if error.transient:
            raise
        raise AirflowFailException(str(error)) from error
    for failure in report.failures:
        log.warning("%s refused: %s", step, failure)
    log.info("%s wrote %d rows; %s", step, report.rows, dict(report.counts))
    if step == "publish":
        for asset in TABLES:
            context["outlet_events"][asset].extra = {"day": str(dag_run.run_after)[:10]}
    return int(report.rows)


@dag(
    schedule=os.environ.get("ONRECORD_SCHEDULE", "*/15 * * * *"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=2),
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
    pool = os.environ.get("ONRECORD_POOL", "default_pool")
    steps = ["fetch", "read", "extract", "match", "alert", "deliver", "publish"]
    last = None
    for step in steps:
        outlets = TABLES if step == "publish" else []
        where = {"pool": pool} if step == "fetch" else {}
        made = task(run, task_id=step, outlets=outlets, **where)(step)
        if last is not None:
            last >> made
        last = made


monitor()
