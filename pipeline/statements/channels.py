"""Mere channels: who only passes on what a named speaker said."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pipeline.model import Attribution
from pipeline.statements.intervals import Holders

RELAYED = "relayed"
"""The method of a finding whose words came through a channel."""

_SAID = frozenset({"clause", "quote", "quoted"})
"""Methods whose cue is a verb of saying with its own words."""

_CHANNEL = re.compile(
    r"(?:his|her|their)(?: own)?(?: press| private)? (?:office|service|team)|"
    r"(?:(?:an?|the|one|two|three|four|five|six|several|some|many|other|multiple|senior|"
    r"unnamed|anonymous|unidentified|local|us|u\.s\.|american|western|european) )*"
    r"(?:people|persons?|sources?|officials?|aides?|diplomats?|insiders?|participants?|"
    r"lawmakers|attendees)(?: (?:familiar|close|briefed|present|who|with|in|at|on)\b.*)?",
    re.IGNORECASE | re.DOTALL,
)

_HAD = re.compile(r"(?:\bhad|['’]d)(?: \w+)? $")


def without_channels(found: Sequence[Attribution], text: str) -> Iterator[Attribution]:
    """Of ``X told Y that P, his office said`` what X told; the office goes.

    A channel is the speaker's own office or somebody without a name. What it passes on
    must be a statement of its own, with source and cue, and open its content.
    """
    relays = [one for one in found if one.cue and _is_channel(one, text)]
    if not relays:
        yield from found
        return
    inside = Holders((relay.content[0], n) for n, relay in enumerate(relays))
    gone: set[int] = set()
    passed: set[int] = set()
    for number, one in enumerate(found):
        if one.cue is None or one.source is None or one.method not in _SAID:
            continue
        if _HAD.search(text[: one.cue.start][-30:]):
            continue
        for relay in inside.of(one.cue):
            outer = relays[relay]
            begins = min(one.source.start, one.content[0].start)
            if outer is not one and begins <= outer.content[0].start + 1:
                gone.add(id(outer))
                passed.add(number)
    for number, one in enumerate(found):
        if number in passed:
            yield replace(one, method=RELAYED)
        elif id(one) not in gone:
            yield one


def _is_channel(one: Attribution, text: str) -> bool:
    return one.source is not None and bool(_CHANNEL.fullmatch(one.source.of(text)))
