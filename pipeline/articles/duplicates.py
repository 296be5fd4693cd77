"""One wire story in forty outlets: signatures of texts and the groups they make.

A signature is a MinHash (Broder 1997) of the text's word shingles with their number, so
that containment can be told from similarity: a desk cuts a story, or adds to it, and
what is left is still the agency's. Headlines are left out: desks write their own.
"""

from __future__ import annotations

import re
import struct
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from rensa import RMinHash

from pipeline.ids import stable_id
from pipeline.model import Article, Correction, CorrectionKind, SeenArticle

Signature = bytes
"""``uint32`` number of shingles, then 128 ``uint32`` minima, big-endian."""

Bands = npt.NDArray[np.int64]
NO_BAND = -1

PERMUTATIONS = 128
SHINGLE = 4  # words
BANDS = 32
ROWS = 2
SEED = 20220224
MIN_SHINGLES = 12
CONTAINED = 0.38  # of the shorter text that must be in the longer
ALIKE = 0.13  # similarity (Jaccard) below which nothing is a copy
SHORT = 40  # shingles below which a text must be alike as a whole
SHORT_ALIKE = 0.5

_LAYOUT = struct.Struct(f">{PERMUTATIONS + 1}I")
_MIX = np.uint64(0x9E3779B97F4A7C15)
_STEP = np.uint64(0x2545F4914F6CDD1D)
_SIGNED = np.uint64(2**63 - 1)
_WORD = re.compile(r"\w+")


@lru_cache(maxsize=64)
def signature(text: str) -> Signature:
    """The signature of an article's text, whose first line is its headline."""
    shingles = _shingles(text.partition("\n")[2] or text)
    sketch = RMinHash(num_perm=PERMUTATIONS, seed=SEED)
    sketch.update(list(shingles))  # the minima know no order
    return _LAYOUT.pack(len(shingles), *sketch.digest())


def bands(signature: Signature) -> list[int]:
    """Numbers of which two alike signatures share at least one; none of a tiny text."""
    return [band for band in band_table([signature])[0].tolist() if band != NO_BAND]


def band_table(signatures: Sequence[Signature]) -> Bands:
    """A row of 32 bands for each signature; ``NO_BAND`` where there is none.

    32 bands of 2 rows: a pair is met with probability 1-(1-J²)³², so .97 at J = .32.
    """
    held = np.frombuffer(b"".join(signatures), ">u4").reshape(-1, PERMUTATIONS + 1)
    minima = held[:, 1 : 1 + BANDS * ROWS].astype(np.uint64)
    pairs = minima[:, ::2] << np.uint64(32) | minima[:, 1::2]
    mixed = pairs * _MIX + np.arange(BANDS, dtype=np.uint64) * _STEP
    made: Bands = (mixed & _SIGNED).astype(np.int64)
    made[held[:, 0] < MIN_SHINGLES] = NO_BAND
    return made


def group(signature: Signature, candidates: Sequence[SeenArticle]) -> str | None:
    """The wire group of the most alike candidate; None where none is a copy."""
    found = [
        (-contained, -alike, seen.first_seen_at, seen.article_id, seen.wire_group_id)
        for seen in copies(signature, candidates)
        for alike, contained in [likeness(signature, seen.signature)]
    ]
    return min(found)[-1] if found else None


def copies(
    signature: Signature, candidates: Sequence[SeenArticle]
) -> list[SeenArticle]:
    """The candidates that are the same story."""
    return [seen for seen in candidates if is_copy(signature, seen.signature)]


def merges(
    article: Article, signature: Signature, candidates: Sequence[SeenArticle]
) -> list[Correction]:
    """What a new article shows to be one story though it has several wire groups.

    Groups are never changed afterwards: each later one is said to be part of the one
    whose copy was seen first.
    """
    found = sorted(
        copies(signature, candidates),
        key=lambda one: (one.first_seen_at, one.article_id),
    )
    first, *others = dict.fromkeys(seen.wire_group_id for seen in found)
    return [
        Correction(
            correction_id=stable_id("correction", other, first, "wire_merged"),
            kind=CorrectionKind.WIRE_MERGED,
            article_id=article.article_id,
            revision=article.revision,
            statement_id="",
            new_statement_id=None,
            old_sha256="",
            new_sha256=None,
            at=article.first_seen_at,
            wire_group_id=other,
            merged_into=first,
        )
        for other in others
    ]


def is_copy(one: Signature, other: Signature) -> bool:
    """Whether two texts are one story, cut, retitled or added to."""
    if len(one) != _LAYOUT.size or len(other) != _LAYOUT.size:
        return False
    alike, contained = likeness(one, other)
    shorter = min(_count(one), _count(other))
    if shorter < MIN_SHINGLES:
        return False
    if shorter < SHORT:
        return alike >= SHORT_ALIKE
    return alike >= ALIKE and contained >= CONTAINED


def likeness(one: Signature, other: Signature) -> tuple[float, float]:
    """Estimates of Jaccard similarity and of the shorter text's containment."""
    if len(one) != _LAYOUT.size or len(other) != _LAYOUT.size:
        return 0.0, 0.0
    first, second = _LAYOUT.unpack(one), _LAYOUT.unpack(other)
    if not first[0] or not second[0]:
        return 0.0, 0.0
    pairs = zip(first[1:], second[1:], strict=True)
    alike = sum(a == b for a, b in pairs) / PERMUTATIONS
    shared = alike * (first[0] + second[0]) / (1 + alike)
    return alike, min(1.0, shared / min(first[0], second[0]))


def _count(signature: Signature) -> int:
    return int.from_bytes(signature[:4], "big")


def _shingles(text: str) -> set[str]:
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    words = _WORD.findall(text.casefold())
    if len(words) < SHINGLE:
        return {" ".join(words)} if words else set()
    runs = (words[start:] for start in range(SHINGLE))
    return set(map(" ".join, zip(*runs, strict=False)))
