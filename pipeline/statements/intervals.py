"""Which spans hold another: found by search, not by looking at all of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate

from pipeline.model import Span


class Holders:
    """Spans with their owners' numbers, asked which of them hold a span."""

    def __init__(self, owned: Iterable[tuple[Span, int]]) -> None:
        self._owned = sorted(owned)
        self._starts = [span.start for span, _ in self._owned]
        self._reach = list(accumulate((span.end for span, _ in self._owned), max))

    def of(self, span: Span) -> Iterator[int]:
        """The owners of the spans that hold this one, the nearest first."""
        at = bisect_right(self._starts, span.start) - 1
        while at >= 0 and self._reach[at] >= span.end:
            if self._owned[at][0].end >= span.end:
                yield self._owned[at][1]
            at -= 1

    def any(self, span: Span) -> bool:
        return next(self.of(span), None) is not None
