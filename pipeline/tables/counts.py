"""What publishing counts: claims as of a pass, and the day by figure, sub-topic and act."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.model import BACKLOG_AFTER, RelationKind
from pipeline.tables.convert import row_index, with_columns
from pipeline.tables.values import midnight

WINDOW_DAYS = BACKLOG_AFTER.days
ALL = "all"

_COUNTS = [
    "n_statements", "n_utterances", "n_outlets", "n_direct", "n_new_claims",
    "n_contradictions", "n_late",
]  # fmt: skip


OPENS = frozenset(
    {
        RelationKind.NEW,
        RelationKind.CHANGED,
        RelationKind.CONTRADICTS,
        RelationKind.UNCERTAIN,
    }
)


def claims_table(told: pa.Table, as_of: datetime) -> pa.Table:
    """``claims``, not yet checked: those that the statements of a day open, counted over
    these statements.

    ``told`` is of ``told_table``, in any order. A claim opened before is left out.
    """
    counted = told.group_by("claim_id", use_threads=False).aggregate(
        [
            ("first_seen_at", "max"),
            ([], "count_all"),
            *((name, "count_distinct") for name in _DISTINCT),
        ]
    )
    opens = pa.array([kind.value for kind in OPENS])
    opening = told.filter(pc.is_in(told["kind"], value_set=opens))
    mine = counted.take(row_index(opening, counted, ["claim_id"]))
    return with_columns(
        "claims",
        opening,
        opened_by=opening["kind"],
        first_statement_id=opening["statement_id"],
        last_seen_at=mine["first_seen_at_max"],
        n_statements=mine["count_all"],
        as_of=as_of,
        **{n: mine[f"{name}_count_distinct"] for name, n in _DISTINCT.items()},
    )


_DISTINCT = {
    "utterance_id": "n_utterances", "outlet": "n_outlets", "wire_group_id": "n_independent",
}  # fmt: skip


COUNTED = (
    "statement_id", "figure_id", "figure", "topic", "subtopics", "act", "outlet", "voice",
    "published_at", "first_seen_at", "utterance_id", "kind",
)  # fmt: skip
"""What ``daily`` and ``daily_acts`` need of a statement and of its relation."""


def daily(told: pd.DataFrame, days: Sequence[date]) -> list[dict[str, Any]]:
    """Rows of ``daily_figure_topic`` for these days of publication, sorted by key.

    ``told`` has the columns ``COUNTED``, a row a statement on the topic. One counts on the
    day its article was published; if that was more than 7 days before it was seen, as
    late on the day it was seen. Days without a statement give no row (their table is
    written empty).
    """
    return _counted(told, days, [])


def daily_acts(
    told: pd.DataFrame,
    days: Sequence[date],
    *,
    tracked: Mapping[str, str],
    topic: str,
    zeros: Iterable[date],
) -> list[dict[str, Any]]:
    """Rows of ``daily_figure_topic_act``: those of ``daily``, by act and over all acts.

    On the days of ``zeros`` every figure of ``tracked`` (name by id) has a row over all
    sub-topics and acts, also where nothing was said.
    """
    whole = told.assign(act=ALL)
    made = _counted(pd.concat([whole, told], ignore_index=True), days, ["act"])
    there = {
        (row["day"], row["figure_id"])
        for row in made
        if row["subtopic"] == row["act"] == ALL
    }
    nothing = dict.fromkeys(_COUNTS, 0)
    silent = [
        {"day": midnight(on), "figure_id": figure_id, "figure": name, "topic": topic}
        | {"subtopic": ALL, "act": ALL}
        | nothing
        for on in zeros
        for figure_id, name in tracked.items()
        if (midnight(on), figure_id) not in there
    ]
    return made + silent


def _counted(
    told: pd.DataFrame, days: Sequence[date], by: Sequence[str]
) -> list[dict[str, Any]]:
    """Statements, occasions and what else is counted, by day, figure, sub-topic, ``by``."""
    if told.empty:
        return []
    seen, published = (
        told[name].dt.floor("D") for name in ("first_seen_at", "published_at")
    )
    late = seen - published >= timedelta(days=WINDOW_DAYS)
    frame = told.assign(
        on=seen.where(late, published),
        late=late,
        direct=told["voice"].eq("direct").astype("int64"),
        opens=told["kind"].isin([kind.value for kind in OPENS]).astype("int64"),
        contradicts=told["kind"].eq(RelationKind.CONTRADICTS.value).astype("int64"),
        subtopic=told["subtopics"].map(lambda some: sorted({ALL, *some})),
    )
    frame = frame[frame["on"].isin([midnight(one) for one in days])]
    if frame.empty:
        return []
    frame = frame.explode("subtopic")
    heads = ["on", "figure_id", "figure", "topic", "subtopic", *by]
    on_time = frame[~frame["late"]]
    counted = on_time.groupby(heads, sort=True).agg(
        n_statements=("statement_id", "nunique"),
        n_utterances=("utterance_id", "nunique"),
        n_outlets=("outlet", "nunique"),
        n_direct=("direct", "sum"),
        n_new_claims=("opens", "sum"),
        n_contradictions=("contradicts", "sum"),
    )
    late_ones = (
        frame[frame["late"]]
        .groupby(heads, sort=True)
        .agg(n_late=("statement_id", "nunique"))
    )
    both = counted.join(late_ones, how="outer").fillna(0).astype("int64").reset_index()
    return [
        {
            "day": row["on"].to_pydatetime(),
            **{name: row[name] for name in heads[1:]},
            **{name: int(row[name]) for name in _COUNTS},
        }
        for row in both.to_dict("records")
    ]
