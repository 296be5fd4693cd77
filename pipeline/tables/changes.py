"""Where the level of a series of daily counts changed.

Optimal partitioning (Jackson et al. 2005, the exact form of PELT, Killick et al. 2012)
under a Poisson cost. The penalty of a change is ``3 log n`` times the dispersion, taken
from successive differences, which a change of level hardly moves: bursty or weekly
counts need more evidence.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SHORTEST = 5
"""Days of the shortest level: a burst of a few days is a burst."""


def change_points(counts: Sequence[float | None]) -> list[int]:
    """Positions at which a new level begins, in order; None is a gap and counts for
    nothing."""
    places = [n for n, count in enumerate(counts) if count is not None]
    values = np.array([counts[n] for n in places], dtype=float)
    size = len(values)
    if size < 2 * SHORTEST or not values.any():
        return []
    spread = float(np.square(np.diff(values)).mean()) / 2
    penalty = 3 * np.log(size) * max(1.0, spread / float(values.mean()))
    total = np.concatenate([[0.0], np.cumsum(values)])
    best = np.full(size + 1, np.inf)
    best[0] = -penalty
    came_from = np.zeros(size + 1, dtype=int)
    for end in range(SHORTEST, size + 1):
        starts = np.arange(0, end - SHORTEST + 1)
        sums, lengths = total[end] - total[starts], end - starts
        with np.errstate(divide="ignore", invalid="ignore"):
            cost = np.where(sums > 0, -2 * sums * np.log(sums / lengths), 0.0)
        scores = best[starts] + cost + penalty
        came_from[end] = starts[np.argmin(scores)]
        best[end] = scores[came_from[end]]
    found = []
    end = int(came_from[size])
    while end > 0:
        found.append(places[end])
        end = int(came_from[end])
    return found[::-1]
