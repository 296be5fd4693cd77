"""Which words differ between two statements."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

ALIKE = 0.4
"""Share of common words (Ratcliff and Obershelp 1988) from which marks help a reader."""

_TOKEN = re.compile(r"\w+(?:[.,:'’-]\w+)*|[^\w\s]|\s+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text; ``differs`` says that the other side does not have it."""

    text: str
    differs: bool = False


def pieces(before: str, after: str) -> tuple[list[Piece], list[Piece]]:
    """Both texts in pieces, in order, whole: joined they are the texts again.

    Letter case does not count as a difference. Texts that have little in common come
    back as one unmarked piece each.
    """
    a, b = _TOKEN.findall(before), _TOKEN.findall(after)
    if SequenceMatcher(None, _said(a), _said(b), autojunk=False).ratio() < ALIKE:
        return [Piece(before)], [Piece(after)]
    matcher = SequenceMatcher(
        None, [t.casefold() for t in a], [t.casefold() for t in b], autojunk=False
    )
    left, right = [True] * len(a), [True] * len(b)
    for match in matcher.get_matching_blocks():
        for n in range(match.size):
            left[match.a + n] = right[match.b + n] = False
    return _runs(a, left), _runs(b, right)


def _said(tokens: list[str]) -> list[str]:
    return [token.casefold() for token in tokens if not token.isspace()]


def _runs(tokens: list[str], differs: list[bool]) -> list[Piece]:
    """Tokens joined where they stand alike; a blank between two marked ones is marked,
    one at the edge of a mark is not."""
    for n, token in enumerate(tokens):
        if token.isspace():
            around = differs[max(n - 1, 0) : n] + differs[n + 1 : n + 2]
            differs[n] = len(around) == 2 and all(around)
    joined: list[Piece] = []
    for token, marked in zip(tokens, differs, strict=True):
        if joined and joined[-1].differs == marked:
            joined[-1] = Piece(joined[-1].text + token, marked)
        else:
            joined.append(Piece(token, marked))
    return joined
