"""Statements inside statements: whose words are whose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.model import Act, MentionKind, Quoted
from pipeline.statements.intervals import Holders


def outermost(made: Sequence[Quoted]) -> list[Quoted]:
    """The statements that stand in no other's content, in their order.

    A statement whose cue stands inside another's content belongs to that one, which
    names its speaker as nested. A tag that took its own speaker's sentence before it for
    content goes.
    """
    kept = [
        q
        for q, inner in zip(made, _inner(made), strict=True)
        if not _swallows(q, inner)
    ]
    inside = _inner(kept)
    within = {id(quoted) for inner in inside for quoted in inner}
    return [
        _naming(quoted, inner)
        for quoted, inner in zip(kept, inside, strict=True)
        if id(quoted) not in within
    ]


def _inner(made: Sequence[Quoted]) -> list[list[Quoted]]:
    """For each statement those whose cue stands in its content."""
    holders = Holders(
        (span, number)
        for number, quoted in enumerate(made)
        if quoted.act is not Act.ATTITUDE
        for span in quoted.attribution.content
    )
    inner: list[list[Quoted]] = [[] for _ in made]
    for number, quoted in enumerate(made):
        cue = quoted.attribution.cue
        if cue is None:
            continue
        for outer in holders.of(cue):
            if outer != number and not _told_by_reporter(quoted, made[outer]):
                inner[outer].append(quoted)
    return inner


def _told_by_reporter(inner: Quoted, outer: Quoted) -> bool:
    """``Y rejected X's claim that P``: P is X's, by the reporter's word."""
    return (
        inner.attribution.method == "nominal" and outer.attribution.method != "clause"
    )


def _swallows(outer: Quoted, inner: Sequence[Quoted]) -> bool:
    found = outer.attribution
    if (
        found.cue is None
        or found.cue.start < found.content[0].end
        or not outer.speaker.name
    ):
        return False
    return any(
        one.speaker.name == outer.speaker.name
        and one.speaker.mention_kind is not MentionKind.PRONOUN
        for one in inner
    )


def _naming(quoted: Quoted, inner: Sequence[Quoted]) -> Quoted:
    names = dict.fromkeys(
        one.speaker.name for one in inner if one.speaker.name != quoted.speaker.name
    )
    return replace(quoted, nested=tuple(names)) if names else quoted
