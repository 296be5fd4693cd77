"""What editors decided about claims, as the fold needs it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.model import Judgement, Verdict

MARKS = (Verdict.WRONG, Verdict.DUPLICATE, Verdict.RIGHT)


@dataclass(frozen=True, slots=True)
class Decisions:
    """``joined`` maps a statement to the one whose claim it joins; ``apart`` open theirs."""

    joined: Mapping[str, str] = field(default_factory=dict)
    apart: frozenset[str] = frozenset()


NOTHING = Decisions()


def decisions(judgements: Sequence[Judgement]) -> Decisions:
    """The last word on each statement, in the order in which they were spoken."""
    last = {
        judgement.statement_id: judgement
        for judgement in judgements
        if judgement.verdict in (Verdict.MERGE, Verdict.SPLIT)
    }
    return Decisions(
        joined={
            statement_id: judgement.into
            for statement_id, judgement in last.items()
            if judgement.verdict is Verdict.MERGE and judgement.into
        },
        apart=frozenset(
            statement_id
            for statement_id, judgement in last.items()
            if judgement.verdict is Verdict.SPLIT
        ),
    )


def counted(judgements: Sequence[Judgement]) -> dict[str, int]:
    """How often claims were merged and split, and how alerts were marked last."""
    grouped = Counter(
        str(judgement.verdict)
        for judgement in judgements
        if judgement.verdict not in MARKS
    )
    marked = {
        judgement.claim_id: judgement.verdict
        for judgement in judgements
        if judgement.verdict in MARKS
    }
    marks = Counter(map(str, marked.values()))
    return {
        str(verdict): found
        for verdict in Verdict
        if (found := grouped[str(verdict)] + marks[str(verdict)])
    }


def error_rate(judgements: Sequence[Judgement]) -> str:
    """Of the claims whose alert an editor judged, how many it was wrong or needless for."""
    found = counted([one for one in judgements if one.verdict in MARKS])
    judged = sum(found.values())
    if not judged:
        return "none judged"
    wrong, double = (
        found.get(str(one), 0) for one in (Verdict.WRONG, Verdict.DUPLICATE)
    )
    share = (wrong + double) / judged
    return (
        f"{wrong + double} of {judged} ({share:.0%}): {wrong} wrong, {double} duplicate"
    )
