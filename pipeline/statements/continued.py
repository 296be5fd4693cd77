"""Where a statement goes on without a tag, and where under one tag another begins.

'The grid would hold, he said. They would not ask for more.': a pronoun with 'would' right
behind a statement in the past tense is still reported (Leech and Short, 1981, call it
free indirect speech; the back-shifted 'will' is its mark). A report and, behind a colon,
a whole sentence in quotation marks are two statements: 'denied a strike: "We hit a boat."'
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace

from spacy.tokens import Doc, Token

from pipeline.model import Attribution, Span, Voice

_ALONE = re.compile(r"[^“\"«]*?\w[^“\"«]*(:\s+[“\"«])([^”\"»]+[.!?…])[”\"»]?")
_FEW = 4
_SUBJECTS = frozenset({"he", "she", "it", "they"})
_MARKS = frozenset('"“”„«»‘')


def continued(found: Sequence[Attribution], doc: Doc, text: str) -> list[Attribution]:
    """The attributions, those that go on so with the sentences as further content."""
    if not any(" would " in text[one.content[-1].end :][:200] for one in found):
        return list(found)
    sentences = [(s.start_char, s.end_char, s) for s in doc.sents]
    starts = [start for start, _, _ in sentences]
    taken = sorted(span.start for one in found for span in _places(one))
    made = []
    for one in found:
        spans = list(one.content)
        if (
            one.cue is not None
            and one.voice is not Voice.DIRECT
            and _past(doc, one.cue)
        ):
            end = max(span.end for span in _places(one))
            number = bisect_left(starts, end)
            while number < len(sentences):
                start, end, sentence = sentences[number]
                at = bisect_left(taken, start)
                if at < len(taken) and taken[at] < end:
                    break
                words = text[start:end].rstrip()
                if "\n" in text[spans[-1].end : start + len(words)]:
                    break
                if not _would(sentence.root) or _MARKS & set(words):
                    break
                spans.append(Span(start, start + len(words.rstrip(".!?"))))
                number += 1
        made.append(replace(one, content=tuple(spans)))
    return made


def parted(found: Sequence[Attribution], doc: Doc, text: str) -> Iterator[Attribution]:
    """The attributions, a report and a sentence quoted behind its colon each alone."""
    for one in found:
        last = one.content[-1]
        alone = _ALONE.fullmatch(text, last.start, last.end)
        if (
            alone is None
            or one.voice is not Voice.MIXED
            or not _is_sentence(doc, alone)
        ):
            yield one
            continue
        report = (*one.content[:-1], Span(last.start, alone.start(1)))
        yield replace(one, content=report, voice=Voice.INDIRECT)
        yield replace(one, content=(Span(*alone.span(2)),), voice=Voice.DIRECT)


def _is_sentence(doc: Doc, quote: re.Match[str]) -> bool:
    words = doc.char_span(*quote.span(2), alignment_mode="expand")
    return (
        words is not None
        and len(words) > _FEW
        and any(t.tag_ in ("VBD", "VBZ", "VBP", "MD") for t in words)
    )


def _places(one: Attribution) -> list[Span]:
    return [span for span in (*one.content, one.cue, one.source) if span is not None]


def _past(doc: Doc, cue: Span) -> bool:
    tokens = doc.char_span(cue.start, cue.end, alignment_mode="expand")
    return tokens is not None and any(t.tag_ == "VBD" for t in tokens)


def _would(root: Token) -> bool:
    """``They would P``: a pronoun, then 'would', the sentence's main verb."""
    first = root.doc[root.left_edge.i]
    return (
        first.lower_ in _SUBJECTS
        and first.dep_ in ("nsubj", "nsubjpass")
        and first.head == root
        and any(t.lower_ == "would" and t.dep_ == "aux" for t in root.lefts)
    )
