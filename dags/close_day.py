"""Close the day before: publish it once more, check it, write its page. 00:30 UTC.

**What it does.** The partition key of the run is the day to close. The day is published
from its working partitions, its tables are checked against the archive, and the digest
page is written.

The asset `onrecord_days` is announced: what needs whole days follows it.

**Running it again.** Any number of times, for any past day: `airflow backfill create
--dag-id close_day --max-active-runs 1 --from-date D --to-date E` (two at once would only
wait for each other), or trigger it with `{"day": "2026-03-02"}`.
The same archive gives the same bytes.

**If it fails.** The message names the table, the day and the row. `onrecord rebuild
--from D` makes the day again from the archive.

**If it is late.** A run that has not ended 2 hours after it was queued misses its deadline:
an error in the log, and a fault of `onrecord status` until the day is closed. `status` says
so, too, where no run was queued at all.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from airflow.sdk import (
    Asset,
    CronPartitionTimetable,
    DeadlineAlert,
    DeadlineReference,
    SyncCallback,
    dag,
    get_current_context,
    task,
)
from airflow.sdk.exceptions import AirflowFailException

log = logging.getLogger("onrecord")
DEADLINE = timedelta(hours=2)


def close() -> str:
    """Publish, check and write the page of the run's day; the path of the page."""
    from datetime import date

    from pipeline.app import open_app
    from pipeline.errors import PipelineError

    run = get_current_context()["dag_run"]
    key = run.partition_key or (run.conf or {}).get("day")
    if not key:
        raise AirflowFailException('no day: trigger it with {"day": "YYYY-MM-DD"}')
    try:
        day = date.fromisoformat(key)
        app = open_app()
        try:
            page = app.close_day(day)
        finally:
            app.close()
    except ValueError as error:
        raise AirflowFailException(f"day {key!r}: write YYYY-MM-DD") from error
    except PipelineError as error:
        if error.transient:
            raise
        raise AirflowFailException(str(error)) from error
    log.info("day %s is published and proved; its page is %s", key, page)
    return str(page)


def late(context: dict) -> None:
    """Say that a day was not closed in time, in the log and to ``onrecord status``."""
    from pipeline.app import open_app

    run = context["dag_run"]
    reason = f"run {run['dag_run_id']} was not over {DEADLINE} after it was queued"
    log.error("close_day: %s", reason)
    app = open_app()
    try:
        app.late("close_day", reason)
    finally:
        app.close()


@dag(
    schedule=CronPartitionTimetable(
        "30 0 * * *", timezone="UTC", run_offset=-1, key_format="%Y-%m-%d"
    ),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    deadline=DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=DEADLINE,
        callback=SyncCallback(late),
        name="day-not-closed",
    ),
    default_args={
        "owner": "onrecord",
        "retries": 2,
        "retry_delay": timedelta(minutes=5),
        "execution_timeout": timedelta(hours=1),
    },
    doc_md=__doc__,
    tags=["onrecord", "daily"],
)
def close_day() -> None:
    task(close, outlets=[Asset("onrecord_days")])()


close_day()
