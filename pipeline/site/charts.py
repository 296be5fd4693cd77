"""Small multiples: one series of days each, drawn as a few SVG paths.

A day counts as covered when at least one feed answered on it. A day that was covered
and brought nothing is a zero; a day that was not is a gap, never a zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from pipeline.site.rows import Row
from pipeline.site.words import short_day

STEP, BAR, HEIGHT = 10, 7, 40
ANSWERED = frozenset({"ok", "unchanged", "moved", "damaged"})


class Coverage(StrEnum):
    """How much of a day the feeds let us see."""

    FULL = "full"
    PARTIAL = "partial"  # fewer than half of the feeds answered
    GAP = "gap"
    BEFORE = "before"  # nothing of this day or an earlier one is given


@dataclass(frozen=True, slots=True)
class Series:
    """Counts by day; ``fresh`` of them opened a claim."""

    name: str
    counts: tuple[int, ...]
    fresh: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class Chart:
    """The paths of one series, all strokes; bars stand on a baseline at ``HEIGHT``."""

    name: str
    today: int
    total: int
    numbers: tuple[str, ...]  # one a day; a dash for a gap, empty before the record
    bars: str
    fresh: str
    zeros: str
    gaps: str
    partial: str
    levels: str = ""  # where a new level begins
    breaks: str = ""  # where another version of the extractor does
    change: str = ""  # the last new level, in words


Changes = Callable[[Sequence[float | None]], Sequence[int]]
"""From counts by day (None: a gap) to the places at which a new level begins."""


def days_until(day: date, number: int) -> list[date]:
    """So many days, the last one ``day``."""
    return [day - timedelta(days=n) for n in range(number - 1, -1, -1)]


def coverage(
    days: Sequence[date], polls: Sequence[Row], daily: Sequence[Row]
) -> list[Coverage]:
    """One a day. Without any poll on a day, rows of the daily table prove that it was
    covered; without either it is a gap, or before the record."""
    asked: dict[date, dict[str, bool]] = {}
    for poll in polls:
        feeds = asked.setdefault(poll["at"].date(), {})
        answered = poll["state"] in ANSWERED
        feeds[poll["feed_id"]] = feeds.get(poll["feed_id"], False) or answered
    told = {row["day"].date() for row in daily}
    began = min(asked.keys() | told, default=None)
    return [
        Coverage.BEFORE
        if began is None or day < began
        else _covered(asked.get(day, {}), day in told)
        for day in days
    ]


def _covered(feeds: Mapping[str, bool], told: bool) -> Coverage:
    if not feeds:
        return Coverage.FULL if told else Coverage.GAP
    answered = sum(feeds.values())
    if answered == 0:
        return Coverage.PARTIAL if told else Coverage.GAP
    return Coverage.FULL if 2 * answered >= len(feeds) else Coverage.PARTIAL


def series(
    rows: Sequence[Row], days: Sequence[date], key: str, most: int
) -> list[Series]:
    """The ``most`` largest groups of daily rows by ``key``, the largest first; ``name``
    is the key."""
    place = {day: n for n, day in enumerate(days)}
    counts: dict[str, list[int]] = {}
    fresh: dict[str, list[int]] = {}
    for row in rows:
        nth = place.get(row["day"].date())
        if nth is not None:
            counts.setdefault(row[key], [0] * len(days))[nth] += row["n_statements"]
            fresh.setdefault(row[key], [0] * len(days))[nth] += row["n_new_claims"]
    found = [Series(k, tuple(counts[k]), tuple(fresh[k])) for k in counts]
    found.sort(key=lambda one: (-one.total, one.name))
    return [one for one in found if one.total][:most]


def chart(one: Series, covered: Sequence[Coverage], highest: int, name: str) -> Chart:
    """One series drawn against ``highest``, the top of the scale that siblings share."""
    bars = fresh = zeros = gaps = partial = ""
    numbers = []
    for n, (count, new) in enumerate(zip(one.counts, one.fresh, strict=True)):
        left, middle = n * STEP, n * STEP + BAR // 2
        seen = covered[n] in (Coverage.FULL, Coverage.PARTIAL)
        if count == 0 and not seen:
            gap = covered[n] is Coverage.GAP
            numbers.append("–" if gap else "")
            gaps += _hatch(left) if gap else ""
            continue
        numbers.append(str(count))
        if covered[n] is Coverage.PARTIAL:
            partial += f"M{left} {HEIGHT + 4}h{BAR}"
        if count == 0:
            zeros += f"M{left} {HEIGHT}h{BAR}"
            continue
        bars += f"M{middle} {HEIGHT}v-{_tall(count, highest)}"
        if new:
            fresh += f"M{middle} {HEIGHT}v-{_tall(min(new, count), highest)}"
    return Chart(
        name=name,
        today=one.counts[-1],
        total=one.total,
        numbers=tuple(numbers),
        bars=bars,
        fresh=fresh,
        zeros=zeros,
        gaps=gaps,
        partial=partial,
    )


def marked(
    drawn: Chart,
    one: Series,
    days: Sequence[date],
    covered: Sequence[Coverage],
    *,
    changes: Changes,
    breaks: Sequence[date],
) -> Chart:
    """The chart with its changes of level and the days of another extractor."""
    unseen = (Coverage.GAP, Coverage.BEFORE)
    counts = [
        None if count == 0 and state in unseen else float(count)
        for count, state in zip(one.counts, covered, strict=True)
    ]
    places = list(changes(counts))
    change = ""
    if places:
        last, before = places[-1], (places[-2] if len(places) > 1 else 0)
        old, new = _mean(counts[before:last]), _mean(counts[last:])
        word = "higher" if new > old else "lower"
        change = f"{word} since {short_day(days[last], days[-1])} ({old:.1f} to {new:.1f} a day)"
    of_version = [n for n, day in enumerate(days) if day in breaks]
    return replace(
        drawn, levels=_lines(places), breaks=_lines(of_version), change=change
    )


def _mean(counts: Sequence[float | None]) -> float:
    known = [count for count in counts if count is not None]
    return sum(known) / max(1, len(known))


def _lines(places: Sequence[int]) -> str:
    """An upright line before the bar of each place."""
    return "".join(f"M{n * STEP - (STEP - BAR) / 2:g} 0v{HEIGHT}" for n in places)


def _tall(count: int, highest: int) -> int:
    return max(2, round((HEIGHT - 2) * min(count, highest) / max(highest, 1)))


def _hatch(left: int) -> str:
    """Slanted lines over the whole height of a bar."""
    return "".join(f"M{left} {y}l{BAR}-{BAR}" for y in range(HEIGHT, BAR - 1, -10))
