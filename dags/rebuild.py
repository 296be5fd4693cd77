"""Make past days again from the archive. By hand; asks no feed, sends no alert.

**When.** After a change of rules, model or roster; after a damaged file; after a lost
database. Trigger it with the form: the first day, and whether alerts are wanted.

**What it does.** Every archived partition since that day is read, extracted and matched
again, in order, up to now, and the days are published. Nothing is removed: each
partition is replaced whole. One process does it, beside which feeds are still asked;
Each day takes what its passes took; `extract` is most of it.

**Running it again.** Killed or failed, it goes on where it was when cleared or triggered
again with the same first day; tick *afresh* to begin anew, after a change of config say.
A finished one may be run any number of times: the same archive gives the same bytes.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from airflow.sdk import Asset, Param, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

log = logging.getLogger("onrecord")


def rebuild_since() -> dict[str, int]:
    """Rebuild since the day of the form; rows by step."""
    from datetime import date

    from pipeline.app import open_app
    from pipeline.errors import PipelineError

    params = get_current_context()["params"]
    since = date.fromisoformat(params["since"])
    alert, afresh = bool(params["alert"]), bool(params["afresh"])
    try:
        app = open_app()
        try:
            reports = app.rebuild(since, alert=alert, afresh=afresh, tell=log.info)
        finally:
            app.close()
    except PipelineError as error:
        if error.transient:
            raise
        raise AirflowFailException(str(error)) from error
    for report in reports:
        for failure in report.failures:
            log.warning("%s refused: %s", report.step, failure)
        log.info("%s wrote %d rows; %s", report.step, report.rows, dict(report.counts))
    return {report.step: report.rows for report in reports}


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    params={
        "since": Param(
            "2026-01-01",
            type="string",
            format="date",
            title="First day",
            description="This day and every later one are made again.",
        ),
        "alert": Param(
            False,
            type="boolean",
            title="Send alerts for these days",
            description="Only what no rule has told before is sent.",
        ),
        "afresh": Param(
            False,
            type="boolean",
            title="Begin anew",
            description="Even where a rebuild since this day was cut off.",
        ),
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
    task(rebuild_since, outlets=[Asset("onrecord_days")])()


rebuild()
