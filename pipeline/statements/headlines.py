"""Headlines, whose grammar the parser does not know: ``X: P``, ``P — X``, ``X says P``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.model import Attribution, Span, Voice
from pipeline.statements.lexicon import Verb
from pipeline.statements.reading import Reading

_DASH_SOURCE = re.compile(r"\s+[—–-]{1,2}\s+(?=[^—–]{2,60}$)")
_ASIDE = re.compile(r",? (?:as|after|amid|while|ahead of|following|despite) ")
_LONGEST = 30  # words of a line that may be a headline
_FRAMES = ("clause", "quote", "object", "complement", "preposition", "infinitive")


def headlines(reading: Reading) -> Iterator[Attribution]:
    """Statements of the title and of lines that look like one.

    Tried in order: ``X: P``; ``P — X``; in the title, ``X says P``, ``P, X says`` and
    ``P, says X``. Missed: cues in the past tense.
    """
    at = 0
    for number, line in enumerate(reading.text.split("\n")):
        start, at = at, at + len(line) + 1
        words = len(line.split())
        if words < 3 or (
            number > 0 and (words > _LONGEST or line.rstrip().endswith("."))
        ):
            continue
        found = _colon(reading, start, line) or _dash(reading, start, line)
        if found is None and words <= _LONGEST and number == 0:
            found = _present(reading, start, line)
        if found is not None:
            yield found


def _colon(reading: Reading, start: int, line: str) -> Attribution | None:
    colon = line.find(": ")
    if colon <= 0:
        return None
    source = reading.strip(start, start + colon)
    content = reading.strip(start + colon + 1, start + len(line))
    if source is None or content is None or not _names_someone(reading, source):
        return None
    for quote in reading.quotes:
        if quote.outer.start <= content.start + 1 and quote.outer.end >= content.end:
            return None  # the rule of tags has it
    cue = Span(start + colon, start + colon + 1)
    return _made(Span(*reading.whole(content.start, content.end)), cue, source, "colon")


def _dash(reading: Reading, start: int, line: str) -> Attribution | None:
    match = _DASH_SOURCE.search(line)
    if match is None:
        return None
    content = reading.strip(start, start + match.start())
    source = reading.strip(start + match.end(), start + len(line))
    if source is None or content is None or not _names_someone(reading, source):
        return None
    return _made(content, source, source, "dash")


def _present(reading: Reading, start: int, line: str) -> Attribution | None:
    """The first cue in the present tense that has a name on one side and words for P."""
    doc = reading.doc
    first, last = reading.tokens_of(Span(start, start + len(line)))
    for i in range(first, last):
        verb = _headline_verb(reading, i)
        if verb is None or reading.quote_of[i] >= 0:
            continue
        cue = reading.span(i, i)
        before = reading.strip(start, cue.start)
        after = reading.strip(cue.end, start + len(line))
        inverted = doc[i - 1].text == ","
        if before is not None and not inverted and _is_source(reading, before):
            if after is not None and len(after.of(reading.text).split()) >= 2:
                return _led(reading, verb, cue, before, after)
        if "clause" not in verb.frames or before is None:
            continue
        tail = before.of(reading.text)
        comma = max(
            tail.rfind(", "), tail.rfind(",' "), tail.rfind(",’ "), tail.rfind(",” ")
        )
        if inverted and after is not None:
            named = reading.strip(after.start, _until(reading.text, after))
            if named is not None and _is_source(reading, named):
                return _made(_whole(reading, start, cue.start), cue, named, "headline")
        elif comma > 0:
            named = reading.strip(before.start + comma + 2, before.end)
            if named is not None and _is_source(reading, named):
                content = _whole(reading, start, named.start)
                return _made(content, cue, named, "headline")
    return None


def _led(
    reading: Reading, verb: Verb, cue: Span, source: Span, after: Span
) -> Attribution | None:
    start, end = after.start, after.end
    if verb.prepositions:
        word, _, rest = after.of(reading.text).partition(" ")
        if word.lower() in verb.prepositions and rest:
            cue, start = Span(cue.start, start + len(word)), start + len(word) + 1
        elif "clause" not in verb.frames and "object" not in verb.frames:
            return None
    aside = _ASIDE.search(reading.text, start + 12, end)
    if aside is not None and aside[0].startswith(","):
        end = aside.start()
    stripped = reading.strip(start, end)
    if stripped is None:
        return None
    return _made(
        Span(*reading.whole(stripped.start, stripped.end)), cue, source, "headline"
    )


def _headline_verb(reading: Reading, i: int) -> Verb | None:
    """``says``, ``warns``, ``urges``: a cue by its form alone, whatever the tagger thinks."""
    word = reading.doc[i].lower_
    if not word.endswith("s") or word.endswith("ss"):
        return None
    for lemma in (word[:-1], word[:-2], word[:-3] + "y"):
        for verb in reading.cues.verbs.get(lemma, ()):
            if verb.frames.intersection(_FRAMES) and verb.act.value != "attitude":
                return verb
    return None


def _whole(reading: Reading, start: int, end: int) -> Span:
    stripped = reading.strip(start, end) or Span(start, end)
    return Span(*reading.whole(stripped.start, stripped.end))


def _until(text: str, span: Span) -> int:
    comma = text.find(",", span.start, span.end)
    aside = _ASIDE.search(text, span.start, span.end)
    ends = [e for e in (comma, aside.start() if aside else -1) if e >= 0]
    return min(ends, default=span.end)


def _made(content: Span, cue: Span, source: Span, method: str) -> Attribution:
    return Attribution(
        content=(content,),
        cue=cue,
        source=source,
        voice=Voice.INDIRECT,
        method=method,
    )


def _is_source(reading: Reading, span: Span) -> bool:
    """A short phrase that begins or ends with a capital and holds no verb form."""
    first, last = reading.tokens_of(span)
    tokens = [t for t in reading.doc[first:last] if not t.is_space]
    if not 0 < len(tokens) <= 7 or any(t.text in (",", ":", ";") for t in tokens):
        return False
    if any(
        t.tag_ in ("MD", "VBD", "VBP") or t.lower_ in ("to", "that") for t in tokens
    ):
        return False
    return tokens[-1].text[:1].isupper() or tokens[-1].lower_ in _HEADS


_HEADS = frozenset(
    [
        "president",
        "minister",
        "leader",
        "chief",
        "spokesman",
        "spokeswoman",
        "spokesperson",
        "ministry",
        "pm",
        "official",
        "officials",
        "government",
        "envoy",
        "ambassador",
        "commander",
        "general",
    ]
)


def _names_someone(reading: Reading, source: Span) -> bool:
    """A short noun phrase with a name of a person or body in it, and no verb."""
    first, last = reading.tokens_of(source)
    tokens = reading.doc[first:last]
    if not 0 < len(tokens) <= 7 or any(t.pos_ in ("VERB", "AUX") for t in tokens):
        return False
    if any(t.is_digit for t in tokens):
        return False
    if any(t.ent_type_ in ("PERSON", "ORG", "GPE", "NORP") for t in tokens):
        return True
    short = len(tokens) <= 3 and all(t.text[:1].isupper() for t in tokens)
    return short and tokens[-1].pos_ == "PROPN"
