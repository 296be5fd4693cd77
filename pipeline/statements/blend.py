"""Rules and tagger together: the rules' findings, and the tagger's where they are silent."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.model import Attribution

SURE_ENOUGH = 0.7
"""The tagger's confidence from which a finding of its own is taken."""


def blended(
    rules: Sequence[Attribution],
    learned: Sequence[Attribution],
    *,
    at_least: float = SURE_ENOUGH,
) -> list[Attribution]:
    """All that the rules found, and what only the tagger found and is sure of.

    Two findings are one where a third of the shorter one's content is common, or where
    they share their cue. In the order of their content.
    """
    added = [
        found
        for found in learned
        if found.confidence >= at_least
        and not any(_same(found, rule) for rule in rules)
    ]
    return sorted(
        (*rules, *added), key=lambda one: (one.content[0], one.content[-1].end)
    )


def _same(one: Attribution, other: Attribution) -> bool:
    if one.cue is not None and one.cue == other.cue:
        return True
    common = sum(
        max(0, min(a.end, b.end) - max(a.start, b.start))
        for a in one.content
        for b in other.content
    )
    shorter = min(sum(map(len, one.content)), sum(map(len, other.content)))
    return 3 * common > shorter
