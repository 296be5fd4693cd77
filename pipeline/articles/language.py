"""Which language a text is in. The model is slow and large: it is asked where small words
leave a doubt."""

from __future__ import annotations

import re
from collections.abc import Sequence

import py3langid

SURE = 80  # characters that make a guess of the language worth something
HEAD = 2_000  # characters that are looked at

_WORDS = re.compile(r"[a-z]+")
_ENGLISH = frozenset({
    "the", "of", "and", "to", "in", "a", "is", "that", "for", "it", "as", "was", "with",
    "be", "by", "on", "not", "he", "this", "are", "or", "his", "from", "at", "which",
    "but", "have", "an", "had", "they", "were", "their", "one", "we", "has", "been",
    "if", "will", "would", "who", "said",
})  # fmt: skip
_ONLY_ENGLISH = frozenset({
    "the", "and", "that", "with", "from", "this", "which", "have", "been", "would", "who",
})  # fmt: skip

_CODE = re.compile(r"^([A-Za-z]{2,3})(?:[-_].*)?$")


def language_of(text: str, declared: Sequence[str]) -> str:
    """The language by its two-letter code: recognised; as declared for a short text.

    ``declared`` are the codes that are given for it, the nearest to the text first; what
    is no code counts for nothing.
    """
    codes = [match[1].lower() for one in declared if (match := _CODE.match(one))]
    first = codes[0] if codes else ""
    if len(text) < SURE and first:
        return first
    if first in ("", "en") and _plainly_english(text[:HEAD]):
        return "en"
    guesses = [code for code, _ in py3langid.rank(text[:HEAD])[:2]]
    if first and first in guesses and len(text) < 3 * SURE:
        return first
    return guesses[0] if guesses else first


def _plainly_english(text: str) -> bool:
    """Whether the small words of the first characters, or of more, leave no doubt."""
    return _full_of_english(text[:600]) or _full_of_english(text)


def _full_of_english(text: str) -> bool:
    if not text.isascii():
        foreign = sum(not char.isascii() for char in text)
        if foreign > max(30, len(text) / 20):
            return False
    words = _WORDS.findall(text.lower())
    small = [word for word in words if word in _ENGLISH]
    return (
        len(small) >= 0.2 * len(words)
        and len(set(small)) >= 4
        and not _ONLY_ENGLISH.isdisjoint(small)
    )
