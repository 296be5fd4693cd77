"""Quotations and the tags beside them: ``"P," she said``, ``She said: "P"``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from spacy.tokens import Token

from pipeline.model import Attribution, Span, Voice
from pipeline.statements.quotations import Quotation, Style
from pipeline.statements.reading import STOPS, Reading
from pipeline.statements.sources import phrase, source_of_verb

_ENDS = (".", "!", "?", ",", "…", "—", "–", "-", ":", ";")
_OPENERS = frozenset(
    {"and", "but", "as", "then", "also", "so", "later", "yet", "however"}
)
_PRONOUNS = frozenset({"he", "she", "they", "it"})
_LONGEST_TAG = 24  # tokens between a quotation and the cue that follows it
_CLAUSE_WORDS = frozenset(
    {"that", "which", "because", "if", "what", "whether", "how", "why"}
)


@dataclass(frozen=True, slots=True)
class Tag:
    """The words that give a quotation away: a cue and its source, before or after it."""

    cue: Span
    source: Span | None
    before: bool


def quoted(reading: Reading) -> Iterator[Attribution]:
    """Direct statements: complete quotations with a tag, or following one that has.

    Quotations that only a tag, or nothing, keeps apart are one statement. A tag that
    leads a new quotation in from the left begins a new one. Missed: a tag that stands a
    sentence away.
    """
    current: Attribution | None = None
    end_of_current = 0
    for number, quote in enumerate(reading.quotes):
        if not _complete(reading, number):
            continue
        tag = _tag_after(reading, number) or _tag_before(reading, number)
        gap = reading.text[end_of_current : quote.outer.start]
        if current is not None and _goes_on(reading, quote, current, tag, gap):
            current = replace(
                current, content=(*current.content, _content(reading, quote))
            )
            if current.cue is None and tag is not None:
                current = replace(
                    current, cue=tag.cue, source=tag.source, method="quoted"
                )
        else:
            if current is not None:
                yield current
                current = None
            if tag is None and not _stands_alone(reading, quote):
                continue
            current = Attribution(
                content=(_content(reading, quote),),
                cue=tag.cue if tag else None,
                source=tag.source if tag else None,
                voice=Voice.DIRECT,
                method="quoted" if tag else "quoted-alone",
            )
        end_of_current = _end_with_tag(reading, quote, tag)
    if current is not None:
        yield current


def loose(reading: Reading, taken: list[Span]) -> Iterator[Quotation]:
    """Complete quotations of four words or more that make whole sentences by themselves,
    and that no statement has taken."""
    for number, quote in enumerate(reading.quotes):
        inner = quote.inner.of(reading.text)
        if (
            quote.style is not Style.DOUBLE
            or len(inner.split()) < 4
            or not inner[:1].isupper()
        ):
            continue
        if not inner.endswith((".", "!", "?", "…")) or not _complete(reading, number):
            continue
        if any(span.overlaps(quote.inner) for span in taken):
            continue
        before = reading.text[: quote.outer.start].rstrip(" \u00a0")
        if before.endswith((".", "!", "?", "”", '"', "\n")) or not before:
            yield quote


def _goes_on(
    reading: Reading, quote: Quotation, current: Attribution, tag: Tag | None, gap: str
) -> bool:
    """Is a quotation part of the statement before it, over this gap?

    One that takes up a quotation left open in the paragraph before is. A tag of its own begins a new statement in a new paragraph and where it leads in from
    the left; the tag that closed the quotation before may lead in the next as well.
    """
    if tag is not None and tag.before and tag.cue == current.cue:
        return True
    if quote.continues and not gap.strip() and quote.style is not Style.DASH:
        return tag is None or not tag.before
    if gap.strip().strip(".,;—–-\"“”'’"):
        return False
    if tag is None:
        return True
    if tag.before or "\n" in gap or tag.cue.start - current.content[-1].end > 4000:
        return False
    return _same(reading, current, tag)


def _same(reading: Reading, current: Attribution, tag: Tag) -> bool:
    """May a second tag name the speaker of the first?"""
    if current.source is None or tag.source is None:
        return True
    first, second = current.source.of(reading.text), tag.source.of(reading.text)
    if first.lower() in _PRONOUNS or second.lower() in _PRONOUNS:
        return True
    return second.split()[-1] in first.split()


def _content(reading: Reading, quote: Quotation) -> Span:
    inner = quote.inner
    end = inner.end
    text = reading.text
    while end > inner.start and text[end - 1] in ", \t\n":
        end -= 1
    return Span(inner.start, end)


def _complete(reading: Reading, number: int) -> bool:
    """Is the quotation speech by itself, not a few words within a sentence?"""
    quote = reading.quotes[number]
    inner = quote.inner.of(reading.text)
    if len(inner.split()) < 2 and not inner.endswith(_ENDS):
        return False
    if quote.style is Style.DASH:
        return True
    text = reading.text
    after = text[quote.outer.end : quote.outer.end + 2]
    closing = inner.rstrip("'’‘\"”")
    ended = closing.endswith(_ENDS) or after[:1] in (",", "\n", "") or not quote.closed
    if not ended and after[:1] in (".", "!", "?"):
        ended = True
    return ended and _begins(reading, quote)


def _begins(reading: Reading, quote: Quotation) -> bool:
    """Does speech begin here: at a sentence's start, after a comma, colon or a cue?"""
    i, _ = reading.tokens_of(quote.outer)
    j = i - 1
    while j >= 0 and reading.doc[j].is_space and "\n" not in reading.doc[j].text:
        j -= 1
    if j < 0 or reading.quote_of[j] >= 0:
        return True
    before = reading.doc[j]
    if (
        "\n" in before.text
        or before.text in STOPS
        or before.text in (":", ",", "—", "–", "-", ")")
    ):
        return True
    inner = quote.inner.of(reading.text)
    if not inner[:1].isupper():
        return False
    if (
        any("quote" in v.frames for v in reading.verb(before))
        or before.lower_ == "that"
    ):
        return True
    long = len(inner.split()) >= 6 and inner.endswith((",", "!", "?", "."))
    return (
        long
        and before.pos_ in ("PROPN", "NOUN")
        and before.lower_ not in ("with", "of")
    )


def _tag_after(reading: Reading, number: int) -> Tag | None:
    quote = reading.quotes[number]
    inner = quote.inner.of(reading.text).rstrip("'’‘\"”")
    first = reading.tokens_of(quote.outer)[1]
    i = first
    doc = reading.doc
    comma = inner.endswith((",", "—", "–", "-")) or quote.style is Style.DASH
    while i < len(doc) and (
        doc[i].text in (",", "—", "–", "-", "--") or doc[i].is_space
    ):
        comma = comma or doc[i].text == ","
        if "\n" in doc[i].text:
            return None
        i += 1
    if i >= len(doc) or reading.quote_of[i] >= 0:
        return None
    if not comma:
        if inner.endswith((".", "…")) and doc[i].text[:1].isupper():
            return None
        if not inner.endswith(("!", "?", ".", "…")):
            return None
    end = min(len(doc), i + _LONGEST_TAG)
    for j in range(i, end):
        token = doc[j]
        if reading.quote_of[j] >= 0 or token.text in STOPS or "\n" in token.text:
            return None
        if token.lower_ in _CLAUSE_WORDS and j == i:
            return None
        spoken = _is_cue(reading, token) or (comma and _speaks(token, i))
        if spoken and token.dep_ not in ("relcl", "acl"):
            if (
                inner.endswith(("?", "!", "."))
                and not comma
                and _has_clause(reading, token, j)
            ):
                return None
            source = _subject_near(reading, token, i)
            if source is None and token.tag_ not in ("VBD", "VBZ", "VBP", "VBN", "VBG"):
                return None
            return Tag(_cue_span(reading, token), source, before=False)
        if token.lemma_ in ("quote", "cite") and token.tag_ == "VBN":
            continue  # 'was quoted as saying'
        if token.pos_ in ("VERB", "AUX") and token.dep_ not in (
            "relcl",
            "acl",
            "aux",
            "amod",
            "compound",
            "auxpass",
        ):
            return None
    return None


def _tag_before(reading: Reading, number: int) -> Tag | None:
    quote = reading.quotes[number]
    first = reading.tokens_of(quote.outer)[0]
    doc = reading.doc
    j = first - 1
    crossed = False
    while j >= 0 and doc[j].is_space:
        crossed = crossed or "\n" in doc[j].text
        j -= 1
    if j < 0 or reading.quote_of[j] >= 0:
        return None
    last = doc[j].text
    if crossed and last != ":":
        return None
    if last in STOPS:
        return None
    colon, comma = last == ":", last == ","
    reach = 24 if colon else 14
    words = 0
    for k in range(j, max(-1, j - reach), -1):
        token = doc[k]
        if (
            "\n" in token.text
            or reading.quote_of[k] >= 0
            or (token.text in STOPS and k != j)
        ):
            break
        if _is_cue(reading, token):
            if words and not (colon or comma):
                return None
            if words and comma and quote.inner.of(reading.text)[:1].islower():
                return None
            if not colon and _has_clause(reading, token, first):
                return None
            return Tag(
                _cue_span(reading, token), source_of_verb(reading, token), before=True
            )
        if token.text == "," and k != j and not colon:
            words += 1
            if words > 12:
                break
        if (
            token.pos_ in ("VERB", "AUX")
            and not colon
            and token.dep_ in ("ROOT", "ccomp")
        ):
            break
        if not token.is_punct:
            words += 1
    return _name_and_colon(reading, j) if colon else None


def _name_and_colon(reading: Reading, colon: int) -> Tag | None:
    """``Zelensky: "P"``, the name opening its paragraph or sentence."""
    doc = reading.doc
    first, _ = reading.sentence(colon)
    while first < colon and (doc[first].is_space or doc[first].is_punct):
        first += 1
    if not 0 < colon - first <= 8:
        return None
    if not any(t.pos_ == "PROPN" for t in doc[first:colon]):
        return None
    if any(t.pos_ in ("VERB", "AUX") for t in doc[first:colon]):
        return None
    return Tag(reading.span(colon, colon), reading.span(first, colon - 1), before=True)


def _speaks(token: Token, first: int) -> bool:
    """Is any finite verb a cue: right behind a quotation that a comma ends?"""
    if token.tag_ not in ("VBD", "VBZ") or token.pos_ != "VERB" or token.i - first > 6:
        return False
    subject = next((c for c in token.children if c.dep_ == "nsubj"), None)
    if (
        subject is None
        or subject.left_edge.i < first
        or subject.pos_ not in ("PROPN", "PRON")
    ):
        return False
    return subject.lower_ not in ("it", "that", "this", "which", "there")


def _is_cue(reading: Reading, token: Token) -> bool:
    if token.pos_ not in ("VERB", "AUX", "NOUN", "PROPN", "ADJ"):
        return False
    if token.pos_ in ("NOUN", "PROPN", "ADJ") and token.lower_ not in _TAG_FORMS:
        return False
    return any("quote" in verb.frames for verb in reading.verb(token)) or (
        token.lower_ in _TAG_FORMS
    )


_TAG_FORMS = frozenset(
    {"said", "says", "adds", "added", "told", "tells", "wrote", "writes"}
)


def _has_clause(reading: Reading, token: Token, before: int) -> bool:
    """Does the cue have another content than the quotation?"""
    for below in token.children:
        if below.dep_ in ("ccomp", "xcomp") and below.i > token.i and below.i < before:
            return True
    return False


def _subject_near(reading: Reading, cue: Token, first: int) -> Span | None:
    """The source in a tag after a quotation: the cue's subject there, or the words there."""
    doc = reading.doc
    for below in cue.children:
        if below.dep_ in ("nsubj", "nsubjpass") and below.i >= first:
            return phrase(reading, below)
    between = [t for t in doc[first : cue.i] if not t.is_punct and t.dep_ != "aux"]
    heads = [t for t in between if t.pos_ in ("PROPN", "PRON", "NOUN")]
    if heads:
        top = next(
            (t for t in heads if t.head.i < first or t.head.i >= cue.i), heads[0]
        )
        return (
            phrase(reading, top) if top.pos_ != "PRON" else reading.span(top.i, top.i)
        )
    after = cue.i + 1
    if after < len(doc) and doc[after].pos_ in ("PROPN", "PRON", "NOUN", "DET", "ADJ"):
        head = doc[after]
        while head.head.i > head.i and head.dep_ in (
            "compound",
            "det",
            "amod",
            "poss",
            "nmod",
        ):
            head = head.head
        return phrase(reading, head)
    return source_of_verb(reading, cue)


def _cue_span(reading: Reading, token: Token) -> Span:
    return reading.span(token.i, token.i)


def _stands_alone(reading: Reading, quote: Quotation) -> bool:
    """A whole sentence or more in marks, with nothing else in its paragraph."""
    text = reading.text
    line_start = text.rfind("\n", 0, quote.outer.start) + 1
    line_end = text.find("\n", quote.outer.end)
    rest = text[quote.outer.end : line_end if line_end >= 0 else len(text)]
    inner = quote.inner.of(text)
    return (
        not text[line_start : quote.outer.start].strip()
        and not rest.strip(" .,")
        and len(inner.split()) >= 4
        and inner[:1].isupper()
    )


def _end_with_tag(reading: Reading, quote: Quotation, tag: Tag | None) -> int:
    """Where the quotation ends, the sentence of a tag behind it included."""
    if tag is None or tag.before:
        return quote.outer.end
    doc = reading.doc
    i = reading.token_at(tag.cue.start)
    while i < len(doc):
        number = reading.quote_of[i]
        if number >= 0:
            if _complete(reading, number):
                break
            i = reading.tokens_of(reading.quotes[number].outer)[1]
            if reading.quotes[number].inner.of(reading.text).endswith((".", "!", "?")):
                break  # on “Meet the Press.”
            continue
        if "\n" in doc[i].text:
            break
        i += 1
        if doc[i - 1].text in STOPS:
            break
    return reading.starts[i] if i < len(doc) else len(reading.text)
