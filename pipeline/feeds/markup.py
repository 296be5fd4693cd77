"""Bounds on a field of markup: its length, and how deep its elements lie."""

from __future__ import annotations

import re

from pipeline.model import Bounds

_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]{0,30})(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>")
_NEVER_OPEN = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta",
    "param", "source", "track", "wbr", "p", "li", "dt", "dd", "option", "tr", "td",
    "th", "tbody", "thead", "tfoot", "colgroup", "caption", "rp", "rt",
}  # fmt: skip


def shallow(markup: str, bounds: Bounds, beyond: list[str]) -> str:
    """The markup up to the bounds; the name of one that it hits goes to ``beyond``."""
    if len(markup) > bounds.max_field:
        beyond.append(f"a field longer than {bounds.max_field} characters")
        markup = markup[: bounds.max_field]
    if markup.count("<") <= bounds.max_depth:
        return markup
    end = _too_deep(markup, bounds.max_depth)
    if end is None:
        return markup
    beyond.append(f"HTML nested deeper than {bounds.max_depth}")
    return markup[:end]


def _too_deep(markup: str, most: int) -> int | None:
    """Where the markup opens one element too many; None if it does not.

    Elements that close themselves, or whose end may be left out, do not count.
    """
    depth = 0
    for tag in _TAG.finditer(markup):
        if tag[2].lower() in _NEVER_OPEN or tag[0].endswith("/>"):
            continue
        depth = max(0, depth - 1) if tag[1] else depth + 1
        if depth > most:
            return tag.start()
    return None
