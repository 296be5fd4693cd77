"""What a confidence is worth: bins of it against how often it was right.

A confidence is calibrated where of the statements called 0.9 nine in ten are right. The
expected calibration error is the mean distance between the two over ten bins of equal
width, weighted by their size (Guo et al. 2017, arXiv:1706.04599). Held out: the line that
corrects the confidences (Platt 1999) is fitted on the other folds of articles.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

BINS = 10
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Judged:
    """One prediction: of which article, how sure, and was it right?"""

    article: int
    confidence: float
    right: bool


def bins(judged: Sequence[Judged]) -> list[tuple[int, float, float]]:
    """Of each bin that is not empty: size, mean confidence, share right."""
    held: list[list[Judged]] = [[] for _ in range(BINS)]
    for one in judged:
        held[min(BINS - 1, int(one.confidence * BINS))].append(one)
    return [
        (
            len(some),
            sum(one.confidence for one in some) / len(some),
            sum(one.right for one in some) / len(some),
        )
        for some in held
        if some
    ]


def calibration_error(judged: Sequence[Judged]) -> float:
    """Expected calibration error, 0 to 1; 0 of nothing."""
    total = max(1, len(judged))
    return sum(n * abs(said - was) for n, said, was in bins(judged)) / total


def held_out(judged: Sequence[Judged]) -> list[Judged]:
    """The same with confidences corrected by a line fitted on the other folds."""
    articles = sorted({one.article for one in judged})
    random.Random(7).shuffle(articles)
    fold = {article: n % FOLDS for n, article in enumerate(articles)}
    out = []
    for number in range(FOLDS):
        slope, shift = line([one for one in judged if fold[one.article] != number])
        out += [
            replace(one, confidence=_squash(slope * _odds(one.confidence) + shift))
            for one in judged
            if fold[one.article] == number
        ]
    return out


def line(judged: Sequence[Judged]) -> tuple[float, float]:
    """Slope and shift of the log-odds that make what is seen likeliest (Newton)."""
    slope, shift = 1.0, 0.0
    for _ in range(25):
        g0 = g1 = 0.0
        h00 = h01 = h11 = 1e-6
        for one in judged:
            x = _odds(one.confidence)
            p = _squash(slope * x + shift)
            g0, g1 = g0 + (one.right - p) * x, g1 + one.right - p
            w = p * (1 - p)
            h00, h01, h11 = h00 + w * x * x, h01 + w * x, h11 + w
        det = h00 * h11 - h01 * h01
        if det <= 0:
            break
        slope += (h11 * g0 - h01 * g1) / det
        shift += (h00 * g1 - h01 * g0) / det
    return slope, shift


def table_of(name: str, judged: Sequence[Judged]) -> Iterator[str]:
    yield f"| confidence, {name} | statements | called | right |"
    yield "|---|---|---|---|"
    for number, said, was in bins(judged):
        low = min(BINS - 1, int(said * BINS)) / BINS
        yield f"| {low:.1f} to {low + 0.1:.1f} | {number} | {said:.2f} | {was:.2f} |"
    corrected = calibration_error(held_out(judged))
    slope, shift = line(judged)
    yield (
        f"| expected calibration error | {len(judged)} | "
        f"{calibration_error(judged):.3f} | held-out folds, corrected: {corrected:.3f} "
        f"(log-odds x {slope:.2f} {shift:+.2f}) |"
    )


def _odds(chance: float) -> float:
    chance = min(max(chance, 0.002), 0.998)
    return math.log(chance / (1 - chance))


def _squash(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))
