"""Series over published tables: how often figures spoke, with gaps and breaks marked."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from pipeline.tables.changes import change_points
from pipeline.tables.counts import OPENS, WINDOW_DAYS
from pipeline.tables.reading import Day, load

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
    kept = said.assign(day=on, opens=said["relation"].isin([k.value for k in OPENS]))[
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
