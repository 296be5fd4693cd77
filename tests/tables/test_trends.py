"""Trends: zeros, gaps, changes of level, breaks by version, any past day."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from pipeline.cli import cli
from pipeline.tables import load
from pipeline.tables.changes import SHORTEST, change_points
from pipeline.tables.trends import coverage_of, trend, trend_of

DAYS = pd.date_range("2026-03-01", periods=10, tz="UTC", unit="us")


def said(*rows):
    """(day, figure, utterance, relation, model) each."""
    return pd.DataFrame(
        [
            {
                "statement_id": f"s{n}", "figure_id": who, "figure": who, "act": "asserts",
                "about_topic": True, "published_at": DAYS[day], "first_seen_at": DAYS[day],
                "model_version": model, "pipeline_version": "1", "utterance_id": utterance,
                "relation": relation,
            }
            for n, (day, who, utterance, relation, model) in enumerate(rows)
        ]
    )  # fmt: skip


ROWS = said(
    (0, "A", "u1", "new", "m1"), (0, "A", "u1", "rereported", "m1"),
    (0, "B", "u2", "new", "m1"), (2, "A", "u3", "repeated", "m1"),
    (6, "A", "u4", "changed", "m2"),
)  # fmt: skip
FULL = pd.Series(1.0, DAYS)


def test_reports_and_occasions_are_counted_apart_and_silence_is_zero():
    made = trend_of(ROWS, FULL, DAYS).set_index(["figure", "day"])

    a = made.loc["A"]
    assert a.n_reports.tolist() == [2, 0, 1, 0, 0, 0, 1, 0, 0, 0]
    assert a.n_utterances.tolist() == [1, 0, 1, 0, 0, 0, 1, 0, 0, 0]
    assert a.n_new.tolist() == [1, 0, 0, 0, 0, 0, 1, 0, 0, 0]
    assert a["share"].iloc[0] == 0.5
    assert made.loc["B"].n_utterances.sum() == 1


def test_an_outage_is_a_gap_and_not_silence():
    made = trend_of(ROWS, FULL.drop(DAYS[1:3]), DAYS).set_index("figure").loc["A"]

    counts = made[["n_reports", "n_utterances", "n_new", "share", "smoothed"]]
    assert counts.iloc[1:3].isna().all(axis=None)
    assert made.n_utterances.iloc[[0, 3, 6]].tolist() == [1, 0, 1]
    assert made.coverage.tolist()[:3] == [1.0, 0.0, 0.0]
    assert made.smoothed.iloc[3] == pytest.approx((1 + 0 + 0 + 0 + 1) / 5)


def test_half_of_the_feeds_is_enough_and_less_is_not():
    polls = pd.DataFrame(
        [
            {"at": DAYS[day], "feed_id": feed, "state": state}
            for day, states in enumerate(["ok error", "error error", "unchanged ok"])
            for feed, state in enumerate(states.split())
        ]
    )
    assert coverage_of(polls).tolist() == [0.5, 0.0, 1.0]


def test_another_extractor_is_marked_on_the_day_it_began():
    made = trend_of(ROWS, FULL, DAYS)

    assert set(made[made.version_break].day) == {DAYS[6]}


def test_what_comes_late_is_left_out():
    late = ROWS.assign(published_at=ROWS.published_at - pd.Timedelta(days=8))

    assert trend_of(late, FULL, DAYS).empty


def test_a_question_about_nothing_known_is_named():
    with pytest.raises(ValueError, match=r"by .'outlet'.: write some of figure"):
        trend_of(ROWS, FULL, DAYS, by=["outlet"])


@given(
    st.lists(st.none() | st.integers(0, 30), max_size=60),
)
def test_change_points_lie_in_the_series_and_levels_are_long_enough(counts):
    found = change_points(counts)

    assert found == sorted(set(found))
    seen = [n for n, count in enumerate(counts) if count is not None]
    edges = [0, *(seen.index(n) for n in found), len(seen)]
    assert not found or min(np.diff(edges)) >= SHORTEST


def test_a_step_is_found_and_noise_is_not():
    chance = np.random.default_rng(7)
    steps = [np.r_[chance.poisson(2, 60), chance.poisson(6, 60)] for _ in range(50)]
    noise = [chance.poisson(3, 120) for _ in range(100)]
    bursts = [chance.negative_binomial(1, 0.3, 120) for _ in range(100)]

    assert sum(any(abs(n - 60) <= 3 for n in change_points(x)) for x in steps) >= 45
    assert sum(bool(change_points(x)) for x in [*noise, *bursts]) <= 10


def test_the_sample_is_counted_whole_and_as_of_any_day(lake):
    statements = load("statements", lake=str(lake))
    on_topic = statements[statements.about_topic]
    days = on_topic.published_at.dt.floor("D")
    prompt = on_topic.first_seen_at.dt.floor("D") - days < pd.Timedelta(days=7)
    covered = prompt & (days >= "2026-03-02")

    made = trend(lake=str(lake))
    by_act = trend(["figure", "act"], lake=str(lake))
    first = trend(as_of="2026-03-02", lake=str(lake))

    assert made.n_reports.sum() == by_act.n_reports.sum() == covered.sum()
    assert set(made.day.astype(str).str[:10]) == {"2026-03-02", "2026-03-03"}
    assert first.day.nunique() == 1
    assert first.n_reports.sum() <= covered.sum()
    assert (made.groupby("day")["share"].sum() - 1).abs().max() < 1e-9


def test_the_command_prints_the_trend_as_csv(lake):
    asked = ["trends", "--lake", str(lake), "--figure", "Volodymyr Zelensky"]

    result = CliRunner().invoke(cli, asked)

    head, *rows = result.stdout.splitlines()
    assert head.startswith("day,figure_id,figure,n_reports,n_utterances,n_new,share")
    assert len(rows) == 2
