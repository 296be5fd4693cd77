"""What statements mean, as a network reads them: near in meaning, and how two stand.

Words miss a free paraphrase and mislead where many are shared; the network was trained on
both (docs/model-card.md). Nearly the same words, and edits that words show, stand without
it; elsewhere it can join or part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log
from typing import Protocol

import numpy as np
import numpy.typing as npt

SIZE = 128
"""So many numbers a vector has, each from -127 to 127: their product is a whole number,
the same on every machine."""

WHOLE = 127 * 127  # the product of a vector with itself, nearly


@dataclass(frozen=True, slots=True)
class Meant:
    """How two statements stand to each other: chances that sum to 1."""

    same: float
    new: float
    changed: float
    contradicts: float

    @property
    def odds(self) -> float:
        """The log-odds that both say the same; within 6 either way."""
        chance = max(1e-9, min(1 - 1e-9, self.same))
        return max(-6.0, min(6.0, log(chance / (1 - chance))))

    def mean(self, other: Meant) -> Meant:
        """What two readings say together."""
        return Meant(
            *(round((a + b) / 2, 4) for a, b in zip(self._all, other._all, strict=True))
        )

    @property
    def _all(self) -> tuple[float, float, float, float]:
        return self.same, self.new, self.changed, self.contradicts


class Meaning(Protocol):
    """A network that reads statements; ``pipeline.adapters.matcher`` opens one."""

    def vector(self, said: str) -> bytes:
        """128 signed bytes; those of like statements have a great product."""
        ...

    def stand(self, first: str, second: str) -> Meant:
        """How two stand, read in this order."""
        ...


Settled = Callable[[Meant], bool]
"""Whether one reading says enough."""


def both_ways(meaning: Meaning, one: str, other: str, settled: Settled) -> Meant:
    """How two stand, whichever is given first: the network is surest of what it says twice.

    Read once where the first way round settles it.
    """
    first, second = sorted((one, other))
    found = meaning.stand(first, second)
    return found if settled(found) else found.mean(meaning.stand(second, first))


def meant(content: str, *, denied: bool) -> str:
    """A statement's words as the network reads them: the words denied, as denied."""
    return f"It is not true that {content}" if denied else content


Vectors = npt.NDArray[np.int8] | npt.NDArray[np.float32]


def nearness(vectors: Vectors, others: Vectors) -> npt.NDArray[np.float32]:
    """The products of each row (m, 128) with each row of ``others`` (n, 128), -1 to 1: (m, n).

    Exact: they are sums of whole numbers below 2**24.
    """
    mine, theirs = (rows.astype(np.float32, copy=False) for rows in (vectors, others))
    return mine @ theirs.T / np.float32(WHOLE)


def product(one: bytes, other: bytes) -> float:
    """How near two vectors are, -1 to 1."""
    a, b = np.frombuffer(one + other, np.int8).astype(np.int32).reshape(2, SIZE)
    return int(a @ b) / WHOLE


def stacked(vectors: Sequence[bytes]) -> npt.NDArray[np.int8]:
    """Vectors as rows (n, 128)."""
    return np.frombuffer(b"".join(vectors), np.int8).reshape(-1, SIZE)
