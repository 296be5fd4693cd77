"""What kind of act a statement is: by its cue first, by its words where the cue is neutral."""

from __future__ import annotations

import re
from functools import lru_cache

from spacy.tokens import Doc, Token

from pipeline.model import Act, Attribution
from pipeline.statements.lexicon import Cues

_NEUTRAL = Act.ASSERTS


def act_of(found: Attribution, cue: Token | None, text: str, cues: Cues) -> Act:
    """The act of an attribution. A question without an answer in it is OTHER."""
    content = " ".join(span.of(text) for span in found.content)
    act = _of_cue(found, cue, cues)
    if act is not _NEUTRAL:
        return act
    return _of_content(content, cues)


def _of_cue(found: Attribution, cue: Token | None, cues: Cues) -> Act:
    if cue is None:
        return _NEUTRAL
    noun = cues.nouns.get(cue.lemma_.lower()) if cue.pos_ == "NOUN" else None
    if noun is not None:
        return noun.act
    entries = cues.verbs.get(cue.lemma_.lower(), ())
    if not entries:
        return _NEUTRAL
    if cue.tag_.startswith("V") or cue.pos_ in ("VERB", "AUX"):
        frame = found.method
        for entry in entries:
            if frame in entry.frames and entry.act is not _NEUTRAL:
                return entry.act
        if frame in ("clause", "quoted", "quoted-alone"):
            specific = [e.act for e in entries if e.act not in (_NEUTRAL, Act.ATTITUDE)]
            spoken = any(e.act is _NEUTRAL and "quote" in e.frames for e in entries)
            if specific:
                return specific[0]
            if not spoken and any(e.act is Act.ATTITUDE for e in entries):
                return Act.ATTITUDE
    return _NEUTRAL


def _of_content(content: str, cues: Cues) -> Act:
    if content.rstrip().endswith("?"):
        return Act.OTHER
    for act, pattern in _patterns(
        tuple(sorted((a, tuple(w)) for a, w in cues.contents.items()))
    ):
        if pattern.search(content):
            return act
    return _NEUTRAL


@lru_cache(maxsize=8)
def _patterns(
    contents: tuple[tuple[Act, tuple[str, ...]], ...],
) -> tuple[tuple[Act, re.Pattern[str]], ...]:
    return tuple(
        (
            Act(act),
            re.compile(
                r"\b(?:"
                + "|".join(re.escape(w).replace(r"\*", r"\w*") for w in words)
                + r")\b",
                re.IGNORECASE,
            ),
        )
        for act, words in contents
    )


def cue_token(doc: Doc, starts: list[int], found: Attribution) -> Token | None:
    """The first token of a cue."""
    from bisect import bisect_left

    if found.cue is None:
        return None
    i = bisect_left(starts, found.cue.start)
    return doc[i] if i < len(doc) else None
