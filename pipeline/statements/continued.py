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

_COLON = re.compile(r"(:\s+)?[“\"«]")
_WHOLE = re.compile(r"([^”\"»]+[.!?…])[”\"»]?")
_FEW = 4
_SUBJECTS = frozenset({"he", "she", "it", "they"})
_MARKS = frozenset('"“”„«»‘')


def continued(found: Sequence[Attribution], doc: Doc, text: str) -> list[Attribution]:
    """The attributions, those that go on so with the sentences as further content."""
    if not any(" would " in text[one.content[-1].end :][:200] for one in found):
        return list(found)
    sentences = [(s.start_char, s.end_char, s) for s in doc.sents]
    starts = [start for start, _, _ in sentences]
    made = []
    for one in found:
        spans = list(one.content)
        number = bisect_left(starts, _end(one))
        if (
            one.cue is not None
            and one.voice is not Voice.DIRECT
            and _past(doc, one.cue)
            and number > 0
            and _has_the_word(one, found, Span(*sentences[number - 1][:2]), text)
        ):
            while number < len(sentences):
                start, end, sentence = sentences[number]
                if any(_touches(other, Span(start, end)) for other in found):
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


def _has_the_word(
    one: Attribution, found: Sequence[Attribution], sentence: Span, text: str
) -> bool:
    """Whether who said this is the only one to speak in its sentence, and said it last."""
    return all(
        _end(other) <= _end(one) and _source(other, text) == _source(one, text)
        for other in found
        if other is not one and _touches(other, sentence)
    )


def parted(found: Sequence[Attribution], doc: Doc, text: str) -> Iterator[Attribution]:
    """The attributions, a report and a sentence quoted behind its colon each alone."""
    for one in found:
        last = one.content[-1]
        quoted = _alone(text, last) if one.voice is Voice.MIXED else None
        if quoted is None or not _is_sentence(doc, quoted[1]):
            yield one
            continue
        report, words = quoted
        yield replace(one, content=(*one.content[:-1], report), voice=Voice.INDIRECT)
        yield replace(one, content=(words,), voice=Voice.DIRECT)


def _alone(text: str, content: Span) -> tuple[Span, Span] | None:
    """A report without quotation marks and, behind its colon, one quotation to the end."""
    colon = _COLON.search(text, content.start, content.end)
    if colon is None or colon[1] is None:
        return None  # a mark stands before it
    report = Span(content.start, colon.start())
    words = _WHOLE.fullmatch(text, colon.end(), content.end)
    if words is None or not any(map(str.isalnum, text[report.start : report.end])):
        return None
    return report, Span(*words.span(1))


def _is_sentence(doc: Doc, quote: Span) -> bool:
    words = doc.char_span(quote.start, quote.end, alignment_mode="expand")
    return (
        words is not None
        and len(words) > _FEW
        and any(t.tag_ in ("VBD", "VBZ", "VBP", "MD") for t in words)
    )


def _places(one: Attribution) -> list[Span]:
    return [span for span in (*one.content, one.cue, one.source) if span is not None]


def _end(one: Attribution) -> int:
    return max(span.end for span in _places(one))


def _touches(one: Attribution, sentence: Span) -> bool:
    return any(span.overlaps(sentence) for span in _places(one))


def _source(one: Attribution, text: str) -> str:
    return text[one.source.start : one.source.end] if one.source else ""


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
