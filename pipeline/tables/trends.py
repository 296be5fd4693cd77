"""Counts over statements: claims as of a pass, the day by figure and sub-topic, trends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd

from pipeline.model import BACKLOG_AFTER, Claim, Relation, RelationKind, Statement
from pipeline.tables.changes import change_points
from pipeline.tables.convert import midnight
from pipeline.tables.reading import Day, load

WINDOW_DAYS = BACKLOG_AFTER.days
ALL = "all"

_COUNTS = [
    "n_statements", "n_utterances", "n_outlets", "n_direct", "n_new_claims",
    "n_contradictions", "n_late",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """A statement with its relation: what every count starts from."""

    statement: Statement
    relation: Relation


_OPENS = frozenset(
    {
        RelationKind.NEW,
        RelationKind.CHANGED,
        RelationKind.CONTRADICTS,
        RelationKind.UNCERTAIN,
    }
)


def claims_of(told: Sequence[Told], as_of: datetime) -> list[Claim]:
    """The claims that these statements open, counted over these statements.

    ``told`` is in the order of the fold. A claim opened before them is left out.
    """
    groups: dict[str, list[Told]] = {}
    for one in told:
        groups.setdefault(one.relation.claim_id, []).append(one)
    return [
        _claim(opener, members, as_of)
        for members in groups.values()
        for opener in members
        if opener.relation.kind in _OPENS
    ]


def _claim(opener: Told, members: Sequence[Told], as_of: datetime) -> Claim:
    first, relation = opener.statement, opener.relation
    statements = [member.statement for member in members]
    return Claim(
        claim_id=relation.claim_id,
        figure_id=first.figure_id,
        figure=first.figure,
        content=first.content,
        topic=first.topic,
        about_topic=first.about_topic,
        act=first.act,
        opened_by=relation.kind,
        earlier_claim_id=relation.earlier_claim_id,
        first_statement_id=first.statement_id,
        first_seen_at=first.first_seen_at,
        last_seen_at=max(s.first_seen_at for s in statements),
        n_statements=len(members),
        n_utterances=len({member.relation.utterance_id for member in members}),
        n_outlets=len({s.outlet for s in statements}),
        n_independent=len({s.wire_group_id for s in statements}),
        as_of=as_of,
    )


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
        opens=told["kind"].isin([kind.value for kind in _OPENS]).astype("int64"),
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


# ------------------------------------------------------------- trends, from the tables

ANSWERED = ("ok", "unchanged", "moved", "damaged")
_SAID = [
    "statement_id", "figure_id", "figure", "act", "about_topic", "published_at",
    "first_seen_at", "model_version", "pipeline_version",
]  # fmt: skip
_BY = {"figure": ["figure_id", "figure"], "subtopic": ["subtopic"], "act": ["act"]}


def trend(
    by: Sequence[str] = ("figure",),
    *,
    figure: str | None = None,
    subtopic: str | None = None,
    act: str | None = None,
    since: Day | None = None,
    until: Day | None = None,
    as_of: Day | None = None,
    window: int = 7,
    least_coverage: float = 0.5,
    lake: str = "data",
    endpoint: str = "",
) -> pd.DataFrame:
    """How often figures spoke on the topic, by day of publication: ``trend_of`` over the
    published tables, by any of figure, subtopic and act.

    ``as_of`` reads the record as it stood at the end of that day. The days go from the
    first poll to the last unless ``since`` and ``until`` say otherwise.
    """
    where = {"lake": lake, "endpoint": endpoint}
    whole = load("statements", columns=_SAID, as_of=as_of, **where)
    links = ["statement_id", "utterance_id", "relation"]
    said = whole.merge(load("claim_links", columns=links, as_of=as_of, **where))
    if subtopic is not None or "subtopic" in by:
        topics = ["statement_id", "subtopic"]
        said = said.merge(
            load("statement_topics", columns=topics, as_of=as_of, **where)
        )
    asked = ["feed_id", "at", "state"]
    polls = load("feed_health", columns=asked, as_of=as_of, **where)
    if polls.empty:
        raise ValueError(f"lake {lake}: no poll on record by then")
    days = pd.date_range(
        pd.Timestamp(since or polls["at"].min().date(), tz="UTC"),
        pd.Timestamp(until or polls["at"].max().date(), tz="UTC"),
        unit="us",
    )
    wanted = {"subtopic": subtopic, "act": act}
    for name, value in wanted.items():
        if value is not None:
            said = said[said[name] == value]
    made = trend_of(
        said, coverage_of(polls), days, by=by, window=window, least=least_coverage
    )
    if figure is None:
        return made
    if "figure" not in by:
        raise ValueError(f"figure {figure}: say by figure, too")
    one = made[(made["figure_id"] == figure) | (made["figure"] == figure)]
    return one.reset_index(drop=True)


def coverage_of(polls: pd.DataFrame) -> pd.Series[float]:
    """Of each day (midnight UTC) with a poll, the share of the feeds that answered."""
    answered = polls["state"].isin(ANSWERED).astype("float64")
    days = polls["at"].dt.floor("D")
    best = answered.groupby([days, polls["feed_id"]]).max()
    share: pd.Series[float] = best.groupby(level=0).mean()
    return share


def trend_of(
    said: pd.DataFrame,
    coverage: pd.Series[float],
    days: pd.DatetimeIndex,
    *,
    by: Sequence[str] = ("figure",),
    window: int = 7,
    least: float = 0.5,
) -> pd.DataFrame:
    """One row per group and day, zeros included, sorted by group and day.

    ``n_reports`` counts statements, ``n_utterances`` occasions of speaking, ``n_new``
    claims opened; ``share`` is of all utterances of the day. A day on which fewer than
    ``least`` of the feeds answered is a gap: its counts are missing, not zero.
    ``smoothed`` is the mean of ``n_utterances`` over ``window`` days around, gaps left
    out; missing where fewer than half of them were seen. ``change`` marks the first day
    of a new level (``changes.change_points``), ``version_break`` the first day with
    statements of another extractor. Late reports (more than 7 days) are left out.
    """
    unknown = sorted(set(by) - _BY.keys())
    if unknown or not by:
        raise ValueError(f"by {unknown or '()'}: write some of {', '.join(_BY)}")
    groups = [column for name in by for column in _BY[name]]
    on = said["published_at"].dt.floor("D").rename("day")
    waited = said["first_seen_at"].dt.floor("D") - on
    late = waited >= pd.Timedelta(days=WINDOW_DAYS)
    kept = said.assign(day=on, opens=said["relation"].isin([k.value for k in _OPENS]))[
        said["about_topic"] & ~late
    ]
    seen = coverage.reindex(days).fillna(0.0)
    covered = seen.ge(least)
    broken = version_breaks(said, days)
    total = kept.groupby("day")["utterance_id"].nunique().reindex(days).fillna(0)
    found = [
        _one(rows, days, covered, total, window).assign(
            **dict(zip(groups, key, strict=True)),
            coverage=seen.to_numpy(),
            version_break=broken,
        )
        for key, rows in kept.groupby(groups, sort=True)
    ]
    counts = ["n_reports", "n_utterances", "n_new", "share", "smoothed", "change"]
    columns = ["day", *groups, *counts, "coverage", "version_break"]
    if not found:
        return pd.DataFrame({name: [] for name in columns})
    return pd.concat(found, ignore_index=True)[columns]


def _one(
    rows: pd.DataFrame,
    days: pd.DatetimeIndex,
    covered: pd.Series[bool],
    total: pd.Series[float],
    window: int,
) -> pd.DataFrame:
    counted = rows.groupby("day").agg(
        n_reports=("statement_id", "nunique"),
        n_utterances=("utterance_id", "nunique"),
        n_new=("opens", "sum"),
    )
    filled = counted.reindex(days, fill_value=0).astype("Int64")
    filled = filled.mask(~covered)
    raw = filled["n_utterances"].astype("Float64")
    smooth = raw.rolling(window, center=True, min_periods=(window + 1) // 2).mean()
    marks = change_points([None if pd.isna(n) else float(n) for n in raw])
    return filled.assign(
        day=days,
        share=(raw / total.where(total > 0)).astype("Float64"),
        smoothed=smooth.where(covered).astype("Float64"),
        change=[n in set(marks) for n in range(len(days))],
    )


def version_breaks(said: pd.DataFrame, days: pd.DatetimeIndex) -> list[bool]:
    """Days whose statements come from other versions than those of the day before."""
    version = said["model_version"] + " " + said["pipeline_version"]
    in_use = version.groupby(said["first_seen_at"].dt.floor("D")).agg(frozenset)
    before, marks = None, []
    for day in days:
        now = in_use.get(day)
        marks.append(bool(before is not None and now is not None and now != before))
        before = now if now is not None else before
    return marks
