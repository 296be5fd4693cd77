"""What a host's robots.txt lets us ask (RFC 9309)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

MAX_BYTES = 512 * 1024
MAX_RULES = 5_000
MAX_DELAY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Robots:
    """The rules of the group for one crawler: (allowed, pattern)."""

    rules: Sequence[tuple[bool, str]] = ()
    delay_seconds: float = 0.0

    def allows(self, url: str) -> bool:
        """The longest matching rule decides; where two are as long, the kind one."""
        parts = urlsplit(url)
        path = _plain(parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if path == "/robots.txt":
            return True
        best, allowed = -1, True
        for allow, pattern in self.rules:
            longer = len(pattern) > best or (len(pattern) == best and allow)
            if longer and _matches(pattern, path):
                best, allowed = len(pattern), allow
        return allowed


def parse_robots(text: str, agent: str) -> Robots:
    """The rules for a crawler whose product token is ``agent``; else those for all."""
    groups: dict[str, list[tuple[bool, str]]] = {}
    delays: dict[str, float] = {}
    names: list[str] = []
    in_rules = False
    for line in text.lstrip("\ufeff").splitlines()[: MAX_RULES * 2]:
        key, colon, value = line.split("#", 1)[0].partition(":")
        key, value = key.strip().lower(), value.strip()
        if not colon:
            continue
        if key == "user-agent":
            names = [] if in_rules else names
            in_rules = False
            names.append(value.lower())
            groups.setdefault(value.lower(), [])
        elif key in ("allow", "disallow"):
            in_rules = True
            if value:
                for name in names:
                    groups[name].append((key == "allow", _plain(value)))
        elif key == "crawl-delay":
            in_rules = True
            for name in names:
                delays[name] = _delay(value)
    ours = [name for name in groups if name != "*" and name and name in agent.lower()]
    name = max(ours, key=len, default="*")
    return Robots(tuple(groups.get(name, ())[:MAX_RULES]), delays.get(name, 0.0))


def _delay(value: str) -> float:
    try:
        return min(max(float(value), 0.0), MAX_DELAY_SECONDS)
    except ValueError:
        return 0.0


def _plain(path: str) -> str:
    """One form of percent-encoding, so that rule and path can be compared."""
    return quote(
        unquote(path, errors="surrogateescape"),
        safe="/*$?=&;:@!,+~()'-._%",
        errors="surrogateescape",
    )


def _matches(pattern: str, path: str) -> bool:
    """``*`` is any text, ``$`` at the end the end; without backtracking."""
    anchored = pattern.endswith("$")
    pieces = re.split(r"\*+", pattern[:-1] if anchored else pattern)
    if not path.startswith(pieces[0]):
        return False
    at = len(pieces[0])
    for piece in pieces[1:-1]:
        found = path.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    if len(pieces) == 1:
        return at == len(path) or not anchored
    last = pieces[-1]
    if anchored:
        return path.endswith(last) and len(path) - len(last) >= at
    return path.find(last, at) >= 0
