"""About the topic or not, and which parts of it: decided by terms of a topic file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from pipeline.model import Span
from pipeline.statements.lexicon import Topic


@dataclass(slots=True)
class TopicJudge:
    """A topic's terms, compiled once."""

    topic: Topic
    _strong: re.Pattern[str] | None = field(init=False, repr=False)
    _context: re.Pattern[str] | None = field(init=False, repr=False)
    _off: re.Pattern[str] | None = field(init=False, repr=False)
    _sieve: re.Pattern[str] | None = field(init=False, repr=False)
    _parts: list[tuple[str, re.Pattern[str] | None]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._strong = _pattern(self.topic.strong)
        self._context = _pattern(self.topic.context)
        self._off = _pattern(self.topic.off)
        self._sieve = _sieve((*self.topic.strong, *self.topic.context))
        self._parts = [(part.id, _pattern(part.terms)) for part in self.topic.subtopics]

    def strong(self, text: str) -> bool:
        return _holds([self._strong], self._sieve, text)

    def touches(self, text: str) -> bool:
        """Does the text hold any term of the topic? What a summary must, to earn its page."""
        return _holds([self._strong, self._context], self._sieve, text)

    def article(self, text: str) -> bool:
        """Is the article about the topic: a strong term in its title, or several in all?

        One in all is enough under a title with two context terms ('Belarus', 'the war').
        """
        if self._strong is None:
            return False
        title = text.split("\n", 1)[0]
        if self.strong(title):
            return True
        count = sum(1 for _ in self._strong.finditer(text))
        if count >= max(2, len(text) // 1500):
            return True
        named = {term.lower() for term in _found(self._context, title)}
        return count > 0 and len(named) > 1 and not _found(self._off, title)

    def about(
        self, content: str, around: str, article_is: bool, *, bare: bool = False
    ) -> bool:
        """Is a statement about the topic? ``bare`` says that it names but a thing.

        A strong term in the content decides. A context term there needs a strong one in
        the paragraph or an article about the topic. Without either, a statement in such
        an article counts unless it speaks of something else, or names but a thing.
        """
        off = len(_found(self._off, content))
        if self.strong(content):
            return off < 3
        context = len(_found(self._context, content))
        if context:
            return (article_is or self.strong(around)) and context >= off
        if off or bare:
            return False
        return article_is and (self.strong(around) or not _found(self._off, around))

    def subtopics(self, content: str) -> tuple[str, ...]:
        """The parts of the topic whose terms the content has, the commonest first."""
        counted = [
            (len(_found(pattern, content)), name) for name, pattern in self._parts
        ]
        return tuple(
            name for count, name in sorted(counted, key=lambda c: -c[0]) if count
        )


@lru_cache(maxsize=8)
def judge_of(topic: Topic) -> TopicJudge:
    return TopicJudge(topic)


def paragraph(text: str, span: Span, reach: int = 400) -> str:
    """The paragraph around a span, or this many code points of it on either side."""
    start = max(text.rfind("\n", 0, span.start) + 1, span.start - reach)
    end = text.find("\n", span.end)
    end = min(end if end >= 0 else len(text), span.end + reach)
    return text[start:end]


def _found(pattern: re.Pattern[str] | None, text: str) -> Sequence[str]:
    return pattern.findall(text) if pattern is not None else ()


def _pattern(terms: Iterable[str]) -> re.Pattern[str] | None:
    """One expression for all terms, longest first; ``*`` at a word's end is any ending.

    A term with a capital is looked for as written, others in any case.
    """
    made = []
    for term in sorted(terms, key=len, reverse=True):
        body = _body(term)
        made.append(body if any(c.isupper() for c in term) else f"(?i:{body})")
    return re.compile(r"(?<!\w)(?:" + "|".join(made) + r")(?!\w)") if made else None


def _body(term: str) -> str:
    body = re.escape(term).replace(r"\*", r"\w*").replace(r"\ ", r"[\s-]+")
    return body.replace("'", "['’]")


_ODD = re.compile(
    "[\u0130\u0131\u017f\u212a\u03c2]"
)  # their lower case is not what (?i) takes for the same

_LETTERS = re.compile(r"[^\W_]{1,2}")


def _sieve(terms: Iterable[str]) -> re.Pattern[str] | None:
    """All terms in lower case, by their first letters; for texts in lower case.

    It finds whatever the terms themselves find, many times faster: of a pattern without
    ``(?i)`` most branches are passed over by their first letter.
    """
    by_letters: dict[str, set[str]] = {}
    for term in map(str.lower, terms):
        found = _LETTERS.match(term)
        if found is None or _ODD.search(term):
            return None
        by_letters.setdefault(found[0], set()).add(_body(term)[found.end() :])
    groups = [
        f"{letters}(?:{'|'.join(sorted(rests, key=len, reverse=True))})"
        for letters, rests in sorted(by_letters.items())
    ]
    return re.compile(rf"\b(?:{'|'.join(groups)})(?!\w)") if groups else None


def _holds(
    terms: Sequence[re.Pattern[str] | None], sieve: re.Pattern[str] | None, text: str
) -> bool:
    """Does any of them match anywhere? They are tried only where the sieve does."""
    patterns = [pattern for pattern in terms if pattern is not None]
    if sieve is None or (not text.isascii() and _ODD.search(text)):
        return any(pattern.search(text) for pattern in patterns)
    low = text.lower()  # as long as the text: what grows is odd
    found = sieve.search(low) if patterns else None
    while found is not None:
        at = found.start()
        if any(pattern.match(text, at) for pattern in patterns):
            return True
        found = sieve.search(low, at + 1)
    return False
