"""Rules and tagger together: each where it is the better reader.

On PolNeAR's dev part and on the sample world (blind) this order was the best of ten: the
rules know which quotations are one, the tagger knows clauses, and the rules still find
what the tagger is silent on (docs/benchmarks.md).
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.model import Attribution
from pipeline.statements.channels import RELAYED

SURE_ENOUGH = 0.5
"""The tagger's confidence from which its finding is taken."""

SURE = 0.75
"""The tagger's confidence from which it goes before the rules' quotations."""

POINTER = 12
"""A content of so few code points ('something') may only point to what is said."""

QUOTED = "quoted"
"""The method of the rules' findings in quotation marks with a tag."""

REPORTING = (QUOTED, "according")
"""Findings of the rules whose content is all one speaker's, whatever it reports of
others: what stands in quotation marks, what is 'according to' somebody."""


def blended(
    rules: Sequence[Attribution],
    learned: Sequence[Attribution],
    *,
    at_least: float = SURE_ENOUGH,
) -> list[Attribution]:
    """What came through a channel, the rules' interrupted quotations, what the tagger is sure of, the rules' other
    quotations, what the tagger holds for likely, then the rules' others.

    Of two that share a third of the shorter one's content, or their cue, the first of
    that order is kept; but both, where one reports the other. In the order of their
    content.
    """
    likely = [
        one for one in learned if one.confidence >= at_least and not _points(one, rules)
    ]
    quoted = [one for one in rules if one.method == QUOTED]
    ordered = (
        *(one for one in rules if one.method == RELAYED),
        *(one for one in quoted if len(one.content) > 1),
        *(one for one in likely if one.confidence >= SURE),
        *(one for one in quoted if len(one.content) == 1),
        *(one for one in likely if one.confidence < SURE),
        *(one for one in rules if one.method not in (QUOTED, RELAYED)),
    )
    kept: list[Attribution] = []
    for found in ordered:
        mine = found.method != "learned"
        rivals = (k for k in kept if (k.method != "learned") != mine)
        if not any(_same(found, rival) for rival in rivals):
            kept.append(found)
    return sorted(kept, key=lambda one: (one.content[0], one.content[-1].end))


def _points(one: Attribution, rules: Sequence[Attribution]) -> bool:
    """Is it a word or two, where the rules have under the same cue what they point to?"""
    size = sum(map(len, one.content))
    return size <= POINTER and any(
        other.cue is not None
        and one.cue is not None
        and other.cue.overlaps(one.cue)
        and sum(map(len, other.content)) > 2 * size
        for other in rules
    )


def _reports(outer: Attribution, inner: Attribution) -> bool:
    """``"He told me that P", X said``: the tagger's finding inside the rules' one."""
    cue = inner.cue
    return (
        outer.method in REPORTING
        and cue is not None
        and any(span.holds(cue) for span in outer.content)
    )


def _same(one: Attribution, other: Attribution) -> bool:
    if one.cue is not None and other.cue is not None and one.cue.overlaps(other.cue):
        return True
    if _reports(one, other) or _reports(other, one):
        return False
    common = sum(
        max(0, min(a.end, b.end) - max(a.start, b.start))
        for a in one.content
        for b in other.content
    )
    shorter = min(sum(map(len, one.content)), sum(map(len, other.content)))
    return 3 * common > shorter
