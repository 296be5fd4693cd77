"""Close the day before: publish it once more, check it, write its page. 00:30 UTC.

**What it does.** The partition key of the run is the day to close. The day is published
from its working partitions, its tables are checked against the archive, and the digest
page is written.

**Running it again.** Any number of times, for any past day: `airflow backfill create
--dag-id close_day --from-date D --to-date E`, or trigger it with `{"day": "2026-03-02"}`.
The same archive gives the same bytes.

**If it fails.** The message names the table, the day and the row. `onrecord rebuild
--from D` makes the day again from the archive.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import CronPartitionTimetable, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException


def close() -> str:
    """Publish, check and write the page of the run's day; the path of the page."""
    from datetime import date

    from pipeline.app import open_app
    from pipeline.errors import PipelineError

    run = get_current_context()["dag_run"]
    key = run.partition_key or (run.conf or {}).get("day")
    if not key:
        raise AirflowFailException('no day: trigger it with {"day": "YYYY-MM-DD"}')
    app = open_app()
    try:
        return str(app.close_day(date.fromisoformat(key)))
    except PipelineError as error:
        if error.transient:
            raise
        raise AirflowFailException(str(error)) from error
    finally:
        app.close()


@dag(
    schedule=CronPartitionTimetable(
        "30 0 * * *", timezone="UTC", run_offset=-1, key_format="%Y-%m-%d"
    ),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
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
    task(close)()


close_day()
