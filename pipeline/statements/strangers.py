"""Office-holders whom a text names and the roster does not: how the roster stays right."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pipeline.statements.figures import FigureIndex, fold


@dataclass(frozen=True, slots=True, order=True)
class Stranger:
    """A name after a leader's office, and whom the roster has in that office instead."""

    name: str
    office: str
    roster: str  # empty where the roster has nobody


def strangers(text: str, index: FigureIndex, on: date | None) -> list[Stranger]:
    """People introduced with an office that makes a leader, tracked by nobody, in order.

    'Foreign Minister X' counts where X is no tracked figure's name, whether or not the
    roster has somebody else in that office on the day. Former offices are left out.
    """
    mentions = index.mentions(text, on)
    tracked = [m.span for m in mentions if m.figure is not None and m.named is None]
    found = []
    for mention in mentions:
        named, title = mention.named, mention.title
        if named is None or title is None or not title.leader or mention.former:
            continue
        words = named.of(text)
        holder = mention.figure
        if any(span.overlaps(named) for span in tracked) or (
            holder is not None and _is_name(words, holder.names)
        ):
            continue
        found.append(
            Stranger(words, mention.span.of(text), holder.name if holder else "")
        )
    return list(dict.fromkeys(found))


def _is_name(words: str, names: tuple[str, ...]) -> bool:
    last = fold(words.split()[-1])
    return any(last in (fold(part) for part in name.split()) for name in names)
