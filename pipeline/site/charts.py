"""Small multiples: one series of days each, drawn as a few SVG paths.

A day counts as covered when at least one feed answered on it. A day that was covered
and brought nothing is a zero; a day that was not is a gap, never a zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from pipeline.site.rows import Row

STEP, BAR, HEIGHT, RUG = 9, 7, 40, 4
ANSWERED = frozenset({"ok", "unchanged", "moved", "damaged"})


class Coverage(StrEnum):
    """How much of a day the feeds let us see."""

    FULL = "full"
    PARTIAL = "partial"  # fewer than half of the feeds answered
    GAP = "gap"


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
    """The paths of one series; bars stand on a baseline at ``HEIGHT``."""

    name: str
    today: int
    total: int
    numbers: tuple[str, ...]  # one a day; a dash for a gap
    bars: str
    fresh: str
    zeros: str
    gaps: str
    partial: str


def days_until(day: date, number: int) -> list[date]:
    """So many days, the last one ``day``."""
    return [day - timedelta(days=n) for n in range(number - 1, -1, -1)]


def coverage(
    days: Sequence[date], polls: Sequence[Row], daily: Sequence[Row]
) -> list[Coverage]:
    """One a day. Without any poll on a day, rows of the daily table prove that it was
    covered; without either it is a gap."""
    asked: dict[date, dict[str, bool]] = {}
    for poll in polls:
        feeds = asked.setdefault(poll["at"].date(), {})
        answered = poll["state"] in ANSWERED
        feeds[poll["feed_id"]] = feeds.get(poll["feed_id"], False) or answered
    told = {row["day"].date() for row in daily}
    return [_covered(asked.get(day, {}), day in told) for day in days]


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
        x = n * STEP
        gap = covered[n] is Coverage.GAP and count == 0
        numbers.append("–" if gap else str(count))
        if gap:
            gaps += _hatch(x, HEIGHT)
            continue
        if covered[n] is not Coverage.FULL:
            partial += f"M{x} {HEIGHT + 3}h{BAR}"
        if count == 0:
            zeros += f"M{x} {HEIGHT}h{BAR}"
            continue
        top = _tall(count, highest)
        bars += _box(x, HEIGHT - top, top)
        if new:
            part = _tall(min(new, count), highest)
            fresh += _box(x, HEIGHT - part, part)
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


def _tall(count: int, highest: int) -> float:
    return round(max(2.0, (HEIGHT - 2) * min(count, highest) / max(highest, 1)), 1)


def _box(x: int, y: float, tall: float) -> str:
    return f"M{x} {round(y, 1):g}h{BAR}v{tall:g}h-{BAR}z"


def _hatch(x: int, tall: int) -> str:
    """Slanted lines over the whole height of a bar."""
    return "".join(f"M{x} {y}l{BAR}-{BAR}" for y in range(tall, BAR - 1, -BAR))
