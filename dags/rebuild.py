"""Make past days again from the archive. By hand; asks no feed, sends no alert.

**When.** After a change of rules, model or roster; after a damaged file; after a lost
database. Trigger it with the form: the first day, and whether alerts are wanted.

**What it does.** Every archived partition since that day is read, extracted and matched
again, in order, up to now, and the days are published. Nothing is removed: each
partition is replaced whole. Killed, it goes on where it was when run again.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import Param, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException


def rebuild_since() -> dict[str, int]:
    """Rebuild since the day of the form; rows by step."""
    from datetime import date

    from pipeline.app import open_app
    from pipeline.errors import PipelineError

    params = get_current_context()["params"]
    app = open_app()
    try:
        since = date.fromisoformat(params["since"])
        reports = app.rebuild(since, alert=bool(params["alert"]))
    except PipelineError as error:
        if error.transient:
            raise
        raise AirflowFailException(str(error)) from error
    finally:
        app.close()
    return {report.step: report.rows for report in reports}


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    params={
        "since": Param("2026-01-01", type="string", format="date", title="First day"),
        "alert": Param(False, type="boolean", title="Send alerts for these days"),
    },
    default_args={
        "owner": "onrecord",
        "retries": 1,
        "retry_delay": timedelta(minutes=5),
        "execution_timeout": timedelta(hours=12),
    },
    doc_md=__doc__,
    tags=["onrecord", "repair"],
)
def rebuild() -> None:
    task(rebuild_since)()


rebuild()
