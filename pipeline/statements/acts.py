"""What kind of act a statement is: by its cue first, by its words where the cue is neutral."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache

from spacy.tokens import Doc, Token

from pipeline.model import Act, Attribution
from pipeline.statements.lexicon import Cues, Verb

_NEUTRAL = Act.ASSERTS
_PLAIN = 40
"""A statement of more words than this is not plainly one act."""

_TO_DO = re.compile(r"(?:[\w’'-]+ ){1,6}?(?:not )?to [a-z]+\b")

_SPOKEN = frozenset({"clause", "quote"})


def act_of(
    found: Attribution,
    cue: Sequence[Token],
    text: str,
    cues: Cues,
    *,
    quoted: bool = False,
) -> Act:
    """The act of an attribution; ATTITUDE where nothing was said.

    ``cue`` are the tokens of its cue. A question is OTHER; a warning that threatens is
    a threat. What stands in quotation marks for the most part (``quoted``) was said,
    whatever the cue: 'believes "it is over"'.
    """
    act = _of_cue(found, cue, text, cues)
    if quoted and act is Act.ATTITUDE:
        act = _NEUTRAL
    if act not in (_NEUTRAL, Act.PREDICTS):
        return act
    content = _of_content(" ".join(span.of(text) for span in found.content), cues)
    if act is Act.PREDICTS:
        return content if content is Act.THREATENS else act
    return content


def _of_cue(found: Attribution, cue: Sequence[Token], text: str, cues: Cues) -> Act:
    head = _head(found, cue, cues)
    if head is None:
        return _NEUTRAL
    lemma = head.lemma_.lower()
    noun = cues.nouns.get(lemma)
    if noun is not None and (found.method == "nominal" or head.pos_ == "NOUN"):
        return noun.act
    entries = _with_particle(head, _entries(head, cues))
    objects = (cues.nouns.get(t.lemma_.lower()) for t in cue if t.i > head.i)
    thing = next((one for one in objects if one is not None), None)
    if thing is not None and any(e.act is Act.DENIES for e in entries):
        return Act.DENIES  # 'rejected claims that': the claims are others'
    if thing is not None and thing.act is not Act.ATTITUDE:
        return thing.act  # 'expressed gratitude for'
    content = found.content[0].of(text)
    fitting = [e for e in entries if found.method in e.frames]
    if found.method in ("headline", "learned", "preposition"):
        before = text[: found.content[0].start].split()[-1:]
        opening = {_word_behind(head), *(word.lower() for word in before)}
        fitting = _by_opening(entries, content, opening)
    if not fitting:  # a quotation
        fitting = [e for e in entries if e.frames & _SPOKEN] or list(entries)
    return _strongest(fitting)


def _head(found: Attribution, cue: Sequence[Token], cues: Cues) -> Token | None:
    """The word of a cue that reports: ``promised`` in ``has also promised``.

    The last verb that the lexicon knows, else the last noun, else the first token.
    """
    verbs = [t for t in cue if t.pos_ in ("VERB", "AUX") and _entries(t, cues)]
    nouns = [t for t in cue if t.lemma_.lower() in cues.nouns]
    if found.method == "nominal":
        verbs = []
    known = verbs or nouns or [t for t in cue if _entries(t, cues)]
    return known[-1] if known else next(iter(cue), None)


def _entries(token: Token, cues: Cues) -> Sequence[Verb]:
    return cues.verbs.get(token.lemma_.lower()) or _by_form(token.lower_, cues)


def _word_behind(token: Token) -> str:
    return token.nbor(1).lower_ if token.i + 1 < len(token.doc) else ""


def _with_particle(head: Token, entries: Sequence[Verb]) -> Sequence[Verb]:
    """``ruled out`` is not ``ruled``: the readings with its particle, or those without."""
    behind = {_word_behind(head)} | {c.lower_ for c in head.children if c.dep_ == "prt"}
    particled = [e for e in entries if e.particle and e.particle in behind]
    return particled or [e for e in entries if not e.particle]


def _by_opening(entries: Sequence[Verb], content: str, before: set[str]) -> list[Verb]:
    """The readings whose frame fits how a content opens, when nobody names the frame.

    ``before`` are the words behind the cue and before the content.
    """
    first, *others = content.lower().split()[:3] or [""]
    by_preposition = [e for e in entries if e.prepositions & {first, *others, *before}]
    if by_preposition:
        return by_preposition
    if _TO_DO.match(content):
        asked = [e for e in entries if e.frames & {"complement", "infinitive"}]
        if asked:
            return asked  # 'asked the council to meet'
    plain = [e for e in entries if e.frames != {"preposition"}]
    if first == "to":
        return [e for e in plain if "infinitive" in e.frames]
    if any(e.frames & {"complement", "as"} for e in plain) and not any(
        e.frames & _SPOKEN for e in plain
    ):
        return plain
    return [e for e in plain if e.frames & _SPOKEN] or plain


def _strongest(entries: Sequence[Verb]) -> Act:
    """The act that says most: a specific one, else saying, else an attitude."""
    acts = [entry.act for entry in entries]
    specific = [act for act in acts if act not in (_NEUTRAL, Act.ATTITUDE)]
    if specific:
        return specific[0]
    return Act.ATTITUDE if acts and _NEUTRAL not in acts else _NEUTRAL


def _by_form(word: str, cues: Cues) -> Sequence[Verb]:
    """``Urges`` in a headline, which the tagger takes for a name."""
    for lemma in (word[:-1], word[:-2], word[:-3] + "y"):
        if word.endswith("s") and lemma in cues.verbs:
            return cues.verbs[lemma]
    return ()


def _of_content(content: str, cues: Cues) -> Act:
    if content.rstrip("”\"'’ ").endswith("?"):
        return Act.OTHER
    if content.count(" ") > _PLAIN:
        return _NEUTRAL
    for act, pattern in _patterns(
        tuple((a, tuple(w)) for a, w in cues.contents.items())
    ):
        if pattern.search(content):
            return act
    return _NEUTRAL


@lru_cache(maxsize=8)
def _patterns(
    contents: tuple[tuple[Act, tuple[str, ...]], ...],
) -> tuple[tuple[Act, re.Pattern[str]], ...]:
    """One expression an act, in the order of the lexicon.

    ``*`` is any ending; behind ``^`` stands what only counts where the content begins.
    """
    made = []
    for act, words in contents:
        escaped = (_expression(word) for word in words)
        pattern = "(?:" + "|".join(escaped) + r")(?!\w)"
        made.append((act, re.compile(pattern.replace("'", "['’]"), re.IGNORECASE)))
    return tuple(made)


def _expression(word: str) -> str:
    body = re.escape(word.removeprefix("^")).replace(r"\*", r"\w*")
    return (r"^\W*" if word.startswith("^") else r"\b") + body


def cue_tokens(doc: Doc, starts: Sequence[int], found: Attribution) -> Sequence[Token]:
    """The tokens of a cue; ``starts`` are the offsets of all tokens."""
    if found.cue is None:
        return ()
    first = bisect_left(starts, found.cue.start)
    return list(doc[first : max(first + 1, bisect_left(starts, found.cue.end))])
