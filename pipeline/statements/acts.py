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

_SPOKEN = frozenset({"clause", "quote"})


def act_of(found: Attribution, cue: Token | None, text: str, cues: Cues) -> Act:
    """The act of an attribution; ATTITUDE where nothing was said.

    ``cue`` is the first token of its cue. A question is OTHER.
    """
    act = _of_cue(found, cue, text, cues)
    if act is not _NEUTRAL:
        return act
    return _of_content(" ".join(span.of(text) for span in found.content), cues)


def _of_cue(found: Attribution, cue: Token | None, text: str, cues: Cues) -> Act:
    if cue is None:
        return _NEUTRAL
    lemma = cue.lemma_.lower()
    noun = cues.nouns.get(lemma)
    if noun is not None and (found.method == "nominal" or cue.pos_ == "NOUN"):
        return noun.act
    entries = cues.verbs.get(lemma) or _by_form(cue.lower_, cues)
    after = _after(cue, found, text)
    if any(e.particle == after for e in entries if e.particle):
        entries = [
            e for e in entries if e.particle == after
        ]  # 'ruled out' is no ruling
    fitting = [e for e in entries if found.method in e.frames]
    if found.method == "headline":
        fitting = list(entries)
    if not fitting:  # a quotation, or a tagger that names no frame
        infinitive = found.content[0].of(text).startswith("to ")
        frames = frozenset({"infinitive"}) if infinitive else _SPOKEN
        fitting = [e for e in entries if e.frames & frames] or list(entries)
    return _strongest(fitting)


def _after(cue: Token, found: Attribution, text: str) -> str:
    """The cue's word after its verb; empty where the verb is its last."""
    if found.cue is None:
        return ""
    rest = text[cue.idx + len(cue) : found.cue.end].split()
    return rest[0].lower() if rest else ""


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
    """One expression an act, in the order of the lexicon; ``*`` is any ending."""
    made = []
    for act, words in contents:
        escaped = (re.escape(word).replace(r"\*", r"\w*") for word in words)
        pattern = r"\b(?:" + "|".join(escaped) + r")(?!\w)"
        made.append((act, re.compile(pattern.replace("'", "['’]"), re.IGNORECASE)))
    return tuple(made)


def cue_token(doc: Doc, starts: Sequence[int], found: Attribution) -> Token | None:
    """The first token of a cue."""
    if found.cue is None:
        return None
    i = bisect_left(starts, found.cue.start)
    return doc[i] if i < len(doc) else None
