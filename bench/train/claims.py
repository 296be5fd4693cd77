"""Clusters of invented claims, each told in many ways, as pairs to learn from.

A line of ``told/*.jsonl`` is a cluster: one speaker, one subject, and claims that a
careless matcher mixes up, as ``{"id", "who", "subject", "claims": [{"k", "t": [[cue,
act, text], ...]}]}``. The first claim is the ``base``; the others are ``new``,
``changed:what`` or ``contradicts:how`` as they stand to it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from pipeline.claims.meaning import meant

RELATIONS = ("same", "new", "changed", "contradicts")
ACTS = (
    "asserts",
    "denies",
    "threatens",
    "promises",
    "calls-for",
    "accuses",
    "predicts",
    "other",
)
DENYING = frozenset(["den", "reject", "dismiss", "refut", "disput", "rebut"])


@dataclass(frozen=True, slots=True)
class Told:
    """One formulation of one claim, as it was reported."""

    cluster: str
    claim: int  # its place in the cluster; 0 is the base
    relation: str  # of the claim to the base: same for the base itself
    cue: str
    act: str
    text: str

    @property
    def denied(self) -> bool:
        """Whether the words are what was denied."""
        return any(
            word.startswith(stem)
            for word in self.cue.casefold().split()
            for stem in DENYING
        )

    @property
    def meant(self) -> str:
        """The words as the network reads them."""
        return meant(self.text, denied=self.denied)


def read(paths: Iterable[Path]) -> list[list[Told]]:
    """The clusters of these files, in order. ValueError names a line that is wrong."""
    clusters = []
    for path in paths:
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            try:
                clusters.append(list(_told(json.loads(line))))
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"{path}:{number}: {error!r}") from error
    return clusters


def _told(cluster: dict) -> Iterator[Told]:
    for place, claim in enumerate(cluster["claims"]):
        kind = claim["k"].split(":")[0]
        relation = "same" if kind == "base" else kind
        if relation not in RELATIONS or (relation == "same") != (place == 0):
            raise ValueError(f"no such relation here: {claim['k']}")
        for cue, act, text in claim["t"]:
            if act not in ACTS:
                raise ValueError(f"no such act: {act}")
            yield Told(cluster["id"], place, relation, cue, act, text)


def pairs(cluster: Sequence[Told]) -> Iterator[tuple[Told, Told, str]]:
    """Every two formulations whose relation is known.

    Of two claims that each edit the base, nothing is known.
    """
    for a, b in combinations(cluster, 2):
        if a.claim == b.claim:
            yield a, b, "same"
        elif a.claim == 0:
            yield a, b, b.relation
        elif "new" in (a.relation, b.relation):
            yield a, b, "new"
