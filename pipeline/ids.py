"""Stable names for things: hashes that never hold a moment, a port or a path.

Twenty hex digits (80 bits) of SHA-256: among 10^9 rows the chance of one collision is
about 4 in 10^7 (birthday bound).
"""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256

_MARKS = re.compile(r"[\"'‘’‚‛“”„‟«»‹›`´…]")
_SPACE = re.compile(r"\s+")
_EDGES = " .,;:!?-–—"


def digest(text: str) -> str:
    """SHA-256 of the UTF-8 bytes, in hex."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def stable_id(*parts: str) -> str:
    """Twenty hex digits that depend on the parts and their order only."""
    return sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:20]


def normalised(content: str) -> str:
    """Words as they are compared: NFKC, one case, no quotation marks, single spaces.

    A cosmetic edit (curly for straight marks, a double space) keeps the result.
    """
    text = unicodedata.normalize("NFKC", content).casefold()
    return _SPACE.sub(" ", _MARKS.sub("", text)).strip(_EDGES)


def article_id(url: str) -> str:
    return stable_id("article", url)


def statement_id(article: str, figure: str, content: str, nth: int) -> str:
    """Of the ``nth`` (from 0) statement of a figure with this content in an article."""
    return stable_id("statement", article, figure, normalised(content), str(nth))


def claim_id(first_statement: str) -> str:
    return stable_id("claim", first_statement)


def utterance_id(first_statement: str) -> str:
    return stable_id("utterance", first_statement)


def alert_id(rule: str, kind: str, subject: str, channel: str) -> str:
    return stable_id("alert", rule, kind, subject, channel)
