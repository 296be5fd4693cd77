"""The most alike two statements can be, at a fraction of the cost of laying them side by
side: hashes of what ``measures`` counts, of 16 bits each, so that a store can keep them.

Two things of one hash can only make two statements seem more alike than they are: what
is passed over by its sketch is surely not alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from zlib import crc32

import numpy as np

from pipeline.claims.features import PREPARED, Features, features
from pipeline.claims.relation import LITTLE, Measures, likeness

_HEAD = 7  # version, weight, number of concepts, grams, shingles, numbers, quotations
_MOST = 0xFFFF
_FINE = 100  # weights are kept in hundredths


@lru_cache(maxsize=4096)
def sketch_of(text: str) -> bytes:
    return sketched(features(text))


def sketched(found: Features) -> bytes:
    """Some 400 bytes: little-endian 16-bit numbers, the head first, then the weights of
    the concepts (upwards to hundredths), then hashes of concepts, grams and shingles."""
    parts = [
        _hashed(found.weights),
        sorted(_hashed(found.grams)),
        sorted(_hashed(map(" ".join, found.shingles))),
    ]
    head = [
        PREPARED,
        min(_MOST, int(found.total * _FINE)),
        *map(len, parts),
        len(found.numbers),
        len(found.quoted),
    ]
    weights = [int(weight * _FINE) + 1 for weight in found.weights.values()]
    return np.array([*head, *weights, *chain(*parts)], "<u2").tobytes()


def current(sketch: bytes) -> bool:
    """Whether it is of features as they are read now."""
    return sketch[:2] == PREPARED.to_bytes(2, "little")


def most_alike(sketch: bytes, others: Sequence[bytes]) -> list[float]:
    """For each other sketch, at least the likeness of the two statements, 0 to 1.

    1.0 where the words may be the same. All must be current.
    """
    if not others:
        return []
    mine = np.frombuffer(sketch, "<u2")
    concepts = int(mine[2])
    hashes = mine[_HEAD + concepts :]
    table = np.zeros(_MOST + 1, np.int64)  # what each hash adds to what is shared
    table[hashes[concepts:]] = _FINE
    np.maximum.at(table, hashes[:concepts], mine[_HEAD : _HEAD + concepts])

    held = np.frombuffer(b"".join(others), "<u2")
    lengths = np.array([len(other) // 2 for other in others])
    starts = np.cumsum(lengths) - lengths
    heads = held[starts[:, None] + np.arange(_HEAD)].astype(np.int64)
    counts = heads[:, 2:5]
    ends = (starts + _HEAD + counts[:, 0])[:, None] + np.cumsum(counts, axis=1)
    sums = np.concatenate(([0], np.cumsum(table[held])))
    shared = (sums[ends] - sums[ends - counts]) / _FINE
    ours = mine[:_HEAD].tolist()
    return [
        _bound(ours, theirs, *found)
        for theirs, found in zip(heads.tolist(), shared.tolist(), strict=True)
    ]


def _bound(
    a: Sequence[int], b: Sequence[int], shared: float, grams: float, shingles: float
) -> float:
    """The likeness if every hash that both have stands for the same thing in both."""
    few, many = sorted((a[3], b[3]))
    if grams >= few == many:
        return 1.0
    figures = min(a[5], b[5])
    totals = a[1] / _FINE + figures, b[1] / _FINE + figures
    shared += figures
    return likeness(
        Measures(
            overlap=min(1.0, 2 * shared / max(sum(totals), shared, LITTLE / _FINE)),
            contained=min(1.0, shared / max(LITTLE, min(totals))),
            letters=2 * min(few, grams) / (few + many),
            letters_in=min(1.0, grams / few),
            verbatim=min(1.0, shingles / (min(a[4], b[4]) or 1)),
            quoted=float(bool(a[6] or b[6])),
            shared=shared,
        )
    )


def _hashed(parts: Iterable[str]) -> list[int]:
    return [crc32(part.encode()) & _MOST for part in parts]
