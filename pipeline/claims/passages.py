"""What in one article belongs together: a headline and its story, a report and its quotation.

News writing tells a claim more than once (the inverted pyramid): the headline sums up
what the story tells first, and a reporter's own words are followed by the speaker's. The
words may have little in common, but that they stand so is evidence that they say the
same: it is added to the likeness of the words, and never decides alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from pipeline.model import Said, Voice


@dataclass(frozen=True, slots=True)
class _Evidence:
    odds: float
    reason: str
    read_odds: float


class Bond(Enum):
    """How two statements of one figure stand to each other in what was published.

    ``odds`` are what this adds to the log-odds that both say the same, in round numbers
    below those that fit (docs/benchmarks.md): a claim that is lost in another is never
    told, one that is told twice costs a glance. ``read_odds`` are what it adds where the
    network has read both: to be of one report then speaks against it, as who speaks once
    says most things once. ``reason`` is for a duty editor.
    """

    SOURCE = _Evidence(0.7, "in the same report", -0.7)
    HEADLINE = _Evidence(2.0, "the headline and what its story tells first", 2.0)
    QUOTED = _Evidence(3.0, "reported, then quoted in the same paragraph", 3.0)
    QUOTED_LATER = _Evidence(1.0, "reported, then quoted", 1.0)

    @property
    def odds(self) -> float:
        return self.value.odds

    @property
    def read_odds(self) -> float:
        return self.value.read_odds

    @property
    def reason(self) -> str:
        return self.value.reason

    @property
    def close(self) -> bool:
        """Whether they stand so that the one tells the other, not only in one report."""
        return self is not Bond.SOURCE


NEAR = 300
"""So many characters after a report a quotation may begin, to be one of its words."""

_GOES_ON = re.compile(
    r"\b(?:add|continu|conclud)\w*|\bwent on\b|\bgo(?:es|ing) on\b|\balso\b|\bfurther\b",
    re.IGNORECASE,
)
"""A quotation that is 'added' is no other wording of what stands before it."""

Bonds = Mapping[str, Mapping[str, Bond]]
"""By statement, the statements that it is bound to."""


def bonds(statements: Iterable[Said]) -> Bonds:
    """Which of these statements stand close in an article; both ways.

    Only statements of one figure in one revision of an article can, so those of a batch
    that holds whole articles are all that is needed.
    """
    groups: dict[tuple[str, int, str], list[Said]] = {}
    for said in statements:
        key = said.article_id, said.revision, said.figure_id
        groups.setdefault(key, []).append(said)
    found: dict[str, dict[str, Bond]] = {}
    for group in groups.values():
        for one, other, bond in _bound(sorted(group, key=_place)):
            found.setdefault(one.statement_id, {})[other.statement_id] = bond
            found.setdefault(other.statement_id, {})[one.statement_id] = bond
    return found


def _place(said: Said) -> tuple[int, str]:
    return (said.spans[0].start if said.spans else 0), said.statement_id


def _bound(group: Sequence[Said]) -> Iterable[tuple[Said, Said, Bond]]:
    """The pairs, of one figure's statements in the order of the text."""
    told = [said for said in group if said.spans and not said.in_title]
    for title in group:
        if title.in_title and told:
            yield title, told[0], Bond.HEADLINE
    for report, quotation in pairwise(told):
        if (
            report.voice is not Voice.DIRECT
            and quotation.voice is Voice.DIRECT
            and not _GOES_ON.search(quotation.cue)
        ):
            end, start = report.spans[-1].end, quotation.spans[0].start
            if 0 <= quotation.context_start < end <= start:
                yield report, quotation, Bond.QUOTED
            elif 0 <= start - end <= NEAR:
                yield report, quotation, Bond.QUOTED_LATER
