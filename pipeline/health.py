"""How a running system stands: passes, steps, feeds, volume, alerts, disk, as values.

``status`` gathers, ``metrics`` writes the same as OpenMetrics text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from statistics import median
from typing import Any

import pyarrow as pa

from pipeline.model import Feed, FeedState, Partition, Poll, PollState
from pipeline.ports import Lake, Progress
from pipeline.tables.values import from_arrow

FAILING = 3
"""A feed that failed so often in a row is named."""

LATE = timedelta(hours=1)
"""A pass, or an alert that could not go out, that is so long ago is a fault."""

CLOSED_BY = time(2, 30)
"""UTC; a day before that is not closed by then is a fault."""

USUAL_DAYS = 7
"""The usual is the median of so many days before, where at least 4 are there."""

FALLEN = 4
"""A day with less than the usual by this factor is a fall."""

ENOUGH, ENOUGH_OF_AN_OUTLET = 20, 12
"""What is usually less is too little to fall: chance alone would do it."""

DAYS_LEFT = 14
FREE_BYTES = 1 << 30
"""A disk that will be full sooner, or has less free, is a fault."""

LONGEST_DAYS = 30
"""So far back is looked for the poll since which a feed fails."""

GOOD = (PollState.OK, PollState.UNCHANGED, PollState.MOVED)

Day = Mapping[str, tuple[int, int, float]]
"""By outlet: articles, statements, median length of text in code points."""


def status(
    now: datetime,
    *,
    feeds: Sequence[Feed],
    states: Mapping[str, FeedState],
    lake: Lake,
    progress: Progress,
    steps: Mapping[str, Mapping[str, Any]],
    outbox: Mapping[str, int],
    waiting_since: datetime | None,
    disk: Mapping[str, int | float | None],
) -> dict[str, Any]:
    """What people and monitors ask; ``faults`` is empty if all is well.

    ``steps`` is the last run of each step, ``waiting_since`` when the oldest alert that
    waits was due, ``disk`` as ``adapters.disk.usage`` gives it, in bytes.
    """
    passes = lake.partitions("polls")
    last = passes[-1].moment if passes else None
    failed = [poll.feed_id for poll in _last_polls(lake, passes) if _bad(poll)]
    upto = Partition.at(now)
    waiting = {
        step: len(progress.pending(step, upto))
        for step in ("read", "extract", "match", "publish")
    }
    failing = _failing(states, lake)
    days = _days(lake, now.date())
    found = {
        "last pass": last,
        "lag seconds": int((now - last).total_seconds()) if last else None,
        "steps": steps,
        "feeds": len(feeds),
        "failed in last pass": failed,
        "feeds failing": failing,
        "feeds gone": sorted(f for f, state in states.items() if state.gone),
        "waiting": waiting,
        "outbox": dict(outbox),
        "articles by day": _sums(days, 0),
        "statements by day": _sums(days, 1),
        "usual": _usual(days),
        "disk": dict(disk),
    }
    faults = [
        f"feed {feed}: {one['failures']} failures in a row since {one['since']}"
        for feed, one in failing.items()
    ]
    faults += [
        f"{step}: {count} partitions wait" for step, count in waiting.items() if count
    ]
    faults += [
        f"{step}: the last run failed at {one['ended_at']:%Y-%m-%dT%H:%MZ}: {one['error']}"
        for step, one in steps.items()
        if one.get("error")
    ]
    if last and failed and len(failed) == len(feeds):
        faults.append(f"every feed failed in the pass of {last:%Y-%m-%dT%H:%MZ}")
    if last is None or now - last > LATE:
        faults.append(f"no pass since {last or 'ever'}")
    faults += _unclosed(now, last, steps)
    if outbox.get("dead"):
        faults.append(f"{outbox['dead']} alerts could not be delivered")
    if waiting_since and now - waiting_since > LATE:
        faults.append(f"alerts wait since {waiting_since:%Y-%m-%dT%H:%MZ}")
    faults += [*fallen(days), *_full(disk)]
    return {**found, "faults": faults}


def _unclosed(
    now: datetime, last: datetime | None, steps: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Yesterday, where ``close_day`` is in use, it is late, and that was not closed."""
    closed = steps.get("close_day")
    yesterday = (now - timedelta(days=1)).date()
    if not closed or closed["error"] or last is None or now.time() < CLOSED_BY:
        return []
    if closed["at"].date() >= yesterday:
        return []
    return [
        f"day {yesterday}: not closed; the last that was is {closed['at']:%Y-%m-%d}"
    ]


def _last_polls(lake: Lake, passes: Sequence[Partition]) -> list[Poll]:
    table = lake.read("polls", passes[-1]) if passes else None
    return from_arrow(Poll, table) if table is not None else []


def _bad(poll: Poll) -> bool:
    return poll.state not in GOOD


def _failing(states: Mapping[str, FeedState], lake: Lake) -> dict[str, dict[str, Any]]:
    """Feeds that fail, since when, and what they said last."""
    found: dict[str, dict[str, Any]] = {
        feed: {"failures": state.failures, "since": None, "reason": ""}
        for feed, state in sorted(states.items())
        if state.failures >= FAILING
    }
    open_ = set(found)
    for poll in _polls_backwards(lake) if open_ else ():
        feed = poll["feed_id"]
        if feed not in open_:
            continue
        if poll["state"] in GOOD:
            open_.discard(feed)
        else:
            found[feed]["since"] = poll["at"]
            found[feed]["reason"] = found[feed]["reason"] or poll["reason"]
        if not open_:
            break
    return found


def _polls_backwards(lake: Lake) -> Iterator[dict[str, Any]]:
    for day in reversed(lake.published("feed_health")[-LONGEST_DAYS:]):
        rows = lake.load("feed_health", day).select(
            ["feed_id", "at", "state", "reason"]
        )
        yield from sorted(rows.to_pylist(), key=lambda row: row["at"], reverse=True)


# ----------------------------------------------------------------------------- volume


def _days(lake: Lake, today: date) -> dict[date, Day]:
    """The last whole days, oldest first: one, and the days before that it is held to."""
    there = set(lake.published("statements"))
    whole = [day for day in lake.published("articles") if day < today and day in there]
    return {
        day: by_outlet(lake.load("articles", day), lake.load("statements", day))
        for day in whole[-1 - USUAL_DAYS :]
    }


def by_outlet(articles: pa.Table, statements: pa.Table) -> dict[str, Any]:
    """A day's first sights by outlet; backlog and later revisions are no volume."""
    lengths: dict[str, list[int]] = {}
    columns = articles.select(["outlet", "n_chars", "revision", "backlog"])
    for row in columns.to_pylist():
        if row["revision"] == 1 and not row["backlog"]:
            lengths.setdefault(row["outlet"], []).append(row["n_chars"])
    said = Counter(statements["outlet"].to_pylist())
    return {
        outlet: (len(held), said[outlet], float(median(held)))
        for outlet, held in sorted(lengths.items())
    }


def _sums(days: Mapping[date, Day], nth: int) -> dict[str, int]:
    return {
        str(day): sum(int(one[nth]) for one in outlets.values())
        for day, outlets in days.items()
    }


def _usual(days: Mapping[date, Day]) -> dict[str, float]:
    before = [*days.values()][:-1]
    return {
        name: float(median([sum(one[nth] for one in day.values()) for day in before]))
        for nth, name in enumerate(("articles", "statements"))
        if before
    }


def fallen(days: Mapping[date, Day]) -> list[str]:
    """What fell on the last of the days, against the median of those before.

    Named are the whole and each outlet: its articles, its statements (nothing is
    extracted any more), and the length of its texts (its pages' layout changed).
    """
    *before, last = days or [date.min]
    if len(before) < 4:
        return []
    found = []
    for nth, what in enumerate(("articles", "statements")):
        usual = median([sum(one[nth] for one in days[day].values()) for day in before])
        now = sum(one[nth] for one in days[last].values())
        if _fell(now, usual, ENOUGH):
            found.append(f"{last}: {now} {what}, usually {usual:g}")
    for outlet in sorted({name for day in before for name in days[day]}):
        past = [days[day].get(outlet, (0, 0, 0.0)) for day in before]
        articles, said, length = days[last].get(outlet, (0, 0, 0.0))
        usual_articles, usual_said = (median([p[n] for p in past]) for n in (0, 1))
        usual_length = median([p[2] for p in past if p[0]])
        if _fell(articles, usual_articles, ENOUGH_OF_AN_OUTLET):
            found.append(
                f"outlet {outlet}: {articles} articles on {last}, "
                f"usually {usual_articles:g}"
            )
        elif articles >= ENOUGH_OF_AN_OUTLET and length * FALLEN < usual_length:
            found.append(
                f"outlet {outlet}: texts of {length:g} characters on {last}, usually "
                f"{usual_length:g}; did its layout change?"
            )
        elif _fell(said, usual_said, ENOUGH_OF_AN_OUTLET):
            found.append(
                f"outlet {outlet}: {said} statements in {articles} articles on {last}, "
                f"usually {usual_said:g}; did its layout change?"
            )
    return found


def _fell(now: float, usual: float, enough: int) -> bool:
    return usual >= enough and now * FALLEN < usual


def _full(disk: Mapping[str, int | float | None]) -> list[str]:
    found = []
    left, free = disk.get("days left"), disk.get("free bytes")
    if free is not None and free < FREE_BYTES:
        found.append(f"disk: {free / 1e6:.0f} MB free")
    elif left is not None and left < DAYS_LEFT:
        found.append(f"disk: full in {left:.0f} days at the growth of the last week")
    return found


# ---------------------------------------------------------------------------- metrics

Samples = list[tuple[dict[str, str], float]]


def metrics(found: Mapping[str, Any]) -> str:
    """A status as OpenMetrics 1.0 text: gauges, and nothing that is secret."""

    def moment(value: datetime | None) -> float:
        return value.astimezone(UTC).timestamp() if value else 0.0

    def labelled(name: str, values: Mapping[str, Any]) -> Samples:
        return [({name: key}, float(value or 0)) for key, value in values.items()]

    def of_steps(pick: Callable[[Mapping[str, Any]], float]) -> Samples:
        return [({"step": step}, pick(one)) for step, one in found["steps"].items()]

    failures = {feed: one["failures"] for feed, one in found["feeds failing"].items()}
    since = {feed: moment(one["since"]) for feed, one in found["feeds failing"].items()}
    disk = {
        key.removesuffix(" bytes"): value
        for key, value in found["disk"].items()
        if key.endswith(" bytes")
    }
    by_day = [
        *[
            ({"table": "articles"}, n)
            for n in [*found["articles by day"].values()][-1:]
        ],
        *[
            ({"table": "statements"}, n)
            for n in [*found["statements by day"].values()][-1:]
        ],
    ]
    channels = [
        ({"channel": channel, "state": state}, float(count))
        for channel, states in found.get("channels", {}).items()
        for state, count in states.items()
    ]
    families: list[tuple[str, str, str, Samples]] = [
        ("last_pass_timestamp", "seconds", "Moment of the last pass; 0 if none.",
         [({}, moment(found["last pass"]))]),
        ("step_success_timestamp", "seconds", "When a step last ended well.",
         of_steps(lambda one: moment(one["succeeded_at"]))),
        ("step_duration", "seconds", "How long a step's last run took.",
         of_steps(lambda one: float(one["seconds"]))),
        ("step_failed", "", "1 where a step's last run failed.",
         of_steps(lambda one: float(bool(one["error"])))),
        ("partitions_waiting", "", "Partitions that a step has still to make.",
         labelled("step", found["waiting"])),
        ("feeds", "", "Feeds that are configured.", [({}, float(found["feeds"]))]),
        ("feeds_failed", "", "Feeds that failed in the last pass.",
         [({}, float(len(found["failed in last pass"])))]),
        ("feed_failures", "", "Failures in a row, of feeds that fail.",
         labelled("feed", failures)),
        ("feed_failing_since_timestamp", "seconds", "Since when such a feed fails.",
         labelled("feed", since)),
        ("alerts", "", "Alerts by channel and state.", channels),
        ("day_rows", "", "Rows of the last whole day.", by_day),
        ("usual_rows", "", "Median rows of the days before.",
         labelled("table", found["usual"])),
        ("storage", "bytes", "What the lake takes, and what its disk has.",
         labelled("of", disk)),
        ("faults", "", "What onrecord status calls a fault.",
         [({}, float(len(found["faults"])))]),
    ]  # fmt: skip
    lines = []
    for name, unit, about, samples in families:
        full = "_".join(part for part in ("onrecord", name, unit) if part)
        lines += [f"# TYPE {full} gauge"]
        lines += [f"# UNIT {full} {unit}"] if unit else []
        lines += [f"# HELP {full} {about}"]
        lines += [f"{full}{_labels(labels)} {value:.15g}" for labels, value in samples]
    return "\n".join([*lines, "# EOF"]) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    def escaped(value: str) -> str:
        return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

    pairs = [f'{name}="{escaped(value)}"' for name, value in labels.items()]
    return "{" + ",".join(pairs) + "}" if pairs else ""
