"""The fold over a writer's clusters, by a network that has not seen them.

    python -m bench.train.folded TOLD.jsonl --network FOLDER [--texts 800]

Each text is a statement, in an order drawn once; it should join the claim of its
cluster that is on record already, and no other. ``FOLDER`` holds a ``matcher.onnx``
trained on the clusters of all other writers (``bench.train.matcher``, ``bench.train.export``).
Twice: the clusters spread over 20 figures, and all as one figure's, which is denser than
any real record: 110 subjects, each with claims made to mislead. Made to choose what stands
in ``pipeline/claims/grouping.py``; processor time.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from bench.train.claims import Told, read
from pipeline.adapters.matcher import OnnxMatcher, open_matcher
from pipeline.claims.grouping import relations, with_vector
from pipeline.claims.meaning import Meant
from pipeline.model import RelationKind
from pipeline.wiring import MODEL
from tests.claims.claim_builders import START, a_said

SEED, FIGURES = 3, 20
SAME = (RelationKind.REREPORTED, RelationKind.REPEATED)


class Counting:
    """The network, with a count of the pairs that it read."""

    def __init__(self, matcher: OnnxMatcher) -> None:
        self.vector, self._matcher, self.readings = matcher.vector, matcher, 0

    def stand(self, first: str, second: str) -> Meant:
        self.readings += 1
        return self._matcher.stand(first, second)


def folded(drawn: Sequence[tuple[int, Told]], figures: int, network: Counting) -> str:
    rows = [
        a_said(
            told.text,
            nth=nth,
            figure_id=f"Q{nth_cluster % figures}",
            denied=told.denied,
            first_seen_at=START + timedelta(minutes=nth),
        )
        for nth, (nth_cluster, told) in enumerate(drawn)
    ]
    claims = {
        row.statement_id: (told.cluster, told.claim)
        for row, (_, told) in zip(rows, drawn, strict=True)
    }
    read_all = [with_vector(row, network) for row in rows]
    network.readings, begun = 0, time.process_time()
    found = relations(read_all, lambda *_: (), meaning=network)
    took = time.process_time() - begun
    right = joined = missed = 0
    there: set[tuple[str, int]] = set()
    for one in found:
        claim = claims[one.statement_id]
        if one.kind in SAME:
            wrong = claims[one.earlier_id or ""] != claim
            joined, right = joined + wrong, right + (not wrong)
        else:
            missed, right = missed + (claim in there), right + (claim not in there)
        there.add(claim)
    of = len(found)
    return (
        f"| {figures} | {right / of:.3f} | {joined / of:.3f} | {missed / of:.3f} "
        f"| {network.readings / of:.2f} | {took / of * 1e3:.1f} |"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench.train.folded")
    parser.add_argument("told", type=Path)
    parser.add_argument("--network", type=Path, required=True)
    parser.add_argument("--texts", type=int, default=800)
    options = parser.parse_args(arguments)
    clusters = read([options.told])
    drawn = [(nth, told) for nth, cluster in enumerate(clusters) for told in cluster]
    random.Random(SEED).shuffle(drawn)
    print(
        "| figures | right | joined to another claim | missed "
        "| pairs read a statement | ms |\n|---|---|---|---|---|---|"
    )
    for figures in (FIGURES, 1):  # each with nothing read before
        matcher = open_matcher(options.network, MODEL / "tokenizer.json")
        print(folded(drawn[: options.texts], figures, Counting(matcher)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
