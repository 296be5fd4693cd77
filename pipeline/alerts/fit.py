"""Messages cut to what chat services take: whole lines, no mark left open."""

from __future__ import annotations

from html.parser import HTMLParser

MOST_OF_TELEGRAM = 4_096
"""UTF-16 code units of a message once its marks are read (Bot API, sendMessage)."""

MOST_OF_SLACK = 40_000
"""Characters of ``text``; Slack cuts what is longer, wherever that is."""

CUT = "… cut here: the message is too long"


def telegram_html(words: str, most: int = MOST_OF_TELEGRAM) -> str:
    """HTML that fits: all of it, or its first lines up to one where every mark is closed.

    Empty where not even the first such lines fit.
    """
    reader = _Reader()
    kept = 0
    room = most - units(f"\n{CUT}")
    for end in _line_ends(words):
        reader.feed(words[reader.fed : end])
        reader.fed = end
        if not reader.open and reader.units <= room:
            kept = end
    reader.close()
    if reader.units <= most:
        return words
    return f"{words[:kept].rstrip()}\n{CUT}" if kept else ""


def plain(words: str, most: int) -> str:
    """Text of at most so many UTF-16 code units."""
    if units(words) <= most:
        return words
    room = 2 * (most - units(f"\n{CUT}"))
    cut = words.encode("utf-16-le", "surrogatepass")[:room]
    return f"{cut.decode('utf-16-le', 'ignore').rstrip()}\n{CUT}"


def slack_text(words: str, most: int = MOST_OF_SLACK) -> str:
    """mrkdwn that fits: all of it, or its first whole lines; no link is cut in two."""
    if len(words) <= most:
        return words
    room = most - len(CUT) - 1
    ends = [end for end in _line_ends(words) if end <= room]
    return f"{words[: max(ends, default=0)].rstrip()}\n{CUT}".lstrip()


def units(text: str) -> int:
    """UTF-16 code units, in which Telegram counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _line_ends(words: str) -> list[int]:
    """Where each line ends, its mark included."""
    ends, at = [], 0
    for line in words.splitlines(keepends=True):
        at += len(line)
        ends.append(at)
    return ends


class _Reader(HTMLParser):
    """Counts what is shown, and the marks that are open."""

    def __init__(self) -> None:
        super().__init__()
        self.fed = self.units = self.open = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open += 1

    def handle_endtag(self, tag: str) -> None:
        self.open -= 1

    def handle_data(self, data: str) -> None:
        self.units += units(data)
