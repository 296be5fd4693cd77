"""Attributions found by a learned tagger: cue first, then what and who belong to it.

The network reads a window of word pieces and says of every piece whether a cue starts
or goes on there; for its likeliest cue starts it then labels the whole window: which
pieces are that cue's content, which its source. Parts that one cue claims are one
attribution, so interrupted quotations come out whole and neighbours stay apart.

Everything here is pure: the tokeniser and the network come in as an ``Encoder``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Attribution, Span, Voice

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]

# ------------------------------------------------------------------ quotation marks

_OPEN, _CLOSE, _PLAIN = "“„‟«‹", "”»›", '"＂'
_DOUBLE = re.compile(f"[{_OPEN}{_CLOSE}{_PLAIN}]")
_SINGLE_OPEN = re.compile(r"(?<![\w'’‘])['‘’‛](?=[\w“\"$£€…\[(])")
_SINGLE_CLOSE = re.compile(r"(?<=[\w.,!?…;:)\]%\"”-])['’](?![\w])")
_SAME_LENGTH = str.maketrans(
    {
        "’": "'",
        "‘": "'",
        "‛": "'",
        "`": "'",
        "\u00a0": " ",
        "\u2009": " ",
        "\u202f": " ",
        **dict.fromkeys((*_OPEN, *_CLOSE, *_PLAIN), '"'),
    }
)


@dataclass(frozen=True, slots=True)
class Quote:
    """A pair of marks: ``start`` is the opening mark, ``end`` the closing one.

    Of a quotation that is not closed in its paragraph, ``end`` is the paragraph's end.
    """

    start: int
    end: int
    closed: bool = True


def quotes(text: str) -> list[Quote]:
    """The outermost quotations of a text, paragraph by paragraph, in text order.

    Straight marks open or close by the space beside them. Single marks count only
    outside double ones, when both of the pair stand in one paragraph and neither reads
    as an apostrophe. Missed: a quotation in single marks that holds a plural possessive
    and closes after a bare ``s``.
    """
    found: list[Quote] = []
    for paragraph in re.finditer(r"[^\n]+", text):
        doubles = _doubles(text, paragraph.start(), paragraph.end())
        found += doubles
        found += _singles(text, paragraph.start(), paragraph.end(), doubles)
    return sorted(found, key=lambda quote: quote.start)


def _doubles(text: str, begin: int, end: int) -> list[Quote]:
    found: list[Quote] = []
    start: int | None = None
    for match in _DOUBLE.finditer(text, begin, end):
        at, mark = match.start(), match[0]
        before = text[at - 1] if at > begin else " "
        after = text[at + 1] if at + 1 < end else " "
        opens = mark in _OPEN or (
            mark in _PLAIN
            and (before.isspace() or before in "([—–-")
            and not after.isspace()
        )
        closes = mark in _CLOSE or (
            mark in _PLAIN
            and not before.isspace()
            and (after.isspace() or after in ").,;:!?—–-")
        )
        if start is not None and text[start] == "„" and mark in "“”":
            opens, closes = False, True  # low marks: „so“, „or so”
        if start is None:
            if opens or not closes:
                start = at
        elif not opens or closes:
            found.append(Quote(start, at))
            start = None
        elif mark in _PLAIN:  # a second opening: the first was never closed
            found.append(Quote(start, at, closed=False))
            start = at
    if start is not None:
        found.append(Quote(start, end, closed=False))
    return found


def _singles(text: str, begin: int, end: int, doubles: Sequence[Quote]) -> list[Quote]:
    def outside(at: int) -> bool:
        return not any(quote.start <= at <= quote.end for quote in doubles)

    found: list[Quote] = []
    last = begin
    for opening in _SINGLE_OPEN.finditer(text, begin, end):
        if opening.start() < last or not outside(opening.start()):
            continue
        closings = [
            m.start()
            for m in _SINGLE_CLOSE.finditer(text, opening.end(), end)
            if outside(m.start())
        ]
        if not closings:
            continue
        close = closings[0]
        if text[close - 1] == "s" and len(closings) > 1:
            following = _SINGLE_OPEN.search(text, close + 1, end)
            if following is None or following.start() > closings[1]:
                close = closings[1]
        if any(
            opening.start() < quote.start and quote.end < close for quote in doubles
        ):
            continue
        found.append(Quote(opening.start(), close))
        last = close + 1
    return found


def normalised(text: str, marks: Sequence[Quote]) -> str:
    """The text as the tokeniser reads it: one kind of mark, the same length."""
    chars = list(text.translate(_SAME_LENGTH))
    for quote in marks:
        chars[quote.start] = '"'
        if quote.closed:
            chars[quote.end] = '"'
    return "".join(chars)


# ------------------------------------------------------------------------- features


def features(text: str, marks: Sequence[Quote], ids: Ints, offsets: Ints) -> Ints:
    """What the network reads of each word piece: (pieces, 4), see the columns below.

    Word piece; case (0 none or lower, 1 capitalised, 2 capitals, 3 digits); place (0
    outside quotation marks, 1 inside, 2 a mark); 1 where a paragraph begins.
    """
    inside = np.zeros(len(text) + 1, dtype=np.int64)
    for quote in marks:
        inside[quote.start : quote.end + quote.closed] = 1
        inside[quote.start] = 2
        if quote.closed:
            inside[quote.end] = 2
    rows = np.zeros((len(ids), 4), dtype=np.int64)
    rows[:, 0] = ids
    if len(ids) == 0:
        return rows
    rows[:, 2] = inside[offsets[:, 0]]
    end = -1
    for row, (start, stop) in enumerate(offsets.tolist()):
        piece = text[start:stop]
        if piece.isdigit():
            rows[row, 1] = 3
        elif piece[:1].isupper():
            rows[row, 1] = 2 if piece.isupper() and len(piece) > 1 else 1
        if end < 0 or "\n" in text[end:start]:
            rows[row, 3] = 1
        end = stop
    return rows


# --------------------------------------------------------------------- the network


@dataclass(frozen=True, slots=True)
class Reading:
    """What the network says of one window of ``n`` rows.

    ``cue`` (n, 3): logits of no cue, cue begins, cue goes on. ``starts`` (k): the rows
    that it takes for possible beginnings of a cue. ``links`` (k, n, 6): for each of
    them, logits of the rows' labels (see ``_O`` and its neighbours).
    """

    cue: Floats
    starts: Ints
    links: Floats


@dataclass(frozen=True, slots=True)
class Options:
    """How to decode, chosen on articles that the weights have not seen.

    ``scale`` turns an attribution's log-odds into a confidence: weights of
    cue, content, edges and source, then the intercept of a logistic curve.
    """

    cue: float = 0.4  # least probability that a cue begins
    quoted: float = 0.2  # the same, where most of the content stands in quotation marks
    part: float = 0.7  # least mean probability of a further part of a content
    core: int = 320  # most pieces of a window whose cues are taken
    context: int = 40  # pieces to each side of the core
    scale: tuple[float, float, float, float, float] = (0.3, 0.3, 0.6, 0.1, -1.5)


class Encoder(Protocol):
    """The tokeniser and the network. Both give the same answer for the same input."""

    def pieces(self, text: str) -> tuple[Ints, Ints]:
        """Ids (n) and code-point offsets (n, 2) of a text's word pieces."""
        ...

    def read(self, rows: Ints) -> Reading:
        """One window, of the columns that ``features`` gives. Never batched, so that
        no window's answer depends on another's."""
        ...

    @property
    def options(self) -> Options:
        """What was chosen for these weights on held-out articles."""
        ...


_CLS, _SEP = 101, 102
_O, _BEGIN, _INSIDE, _END, _SOURCE, _SOURCE_ON = range(6)
_FOLLOWS = np.zeros((6, 6), dtype=np.bool_)  # [label, label after it]
for _label, _after in (
    (_O, (_O, _BEGIN, _END, _SOURCE)),
    (_BEGIN, (_INSIDE, _END)),
    (_INSIDE, (_INSIDE, _END)),
    (_END, (_O, _BEGIN, _END, _SOURCE)),
    (_SOURCE, (_O, _BEGIN, _END, _SOURCE_ON)),
    (_SOURCE_ON, (_O, _BEGIN, _END, _SOURCE_ON)),
):
    _FOLLOWS[_label, list(_after)] = True
_BEFORE = [np.flatnonzero(column).tolist() for column in _FOLLOWS.T]


def windows(rows: Ints, *, core: int, context: int) -> list[tuple[int, int, int, int]]:
    """Cuts of a text: (window start, core start, core end, window end) in pieces.

    Cores are whole paragraphs where they fit; together they are the text. Context is
    whole paragraphs too, where one begins within its reach: the network was trained on
    windows that begin and end so.
    """
    size = len(rows)
    heads = np.flatnonzero(rows[:, 3])
    found = []
    at = 0
    while at < size:
        end = min(size, at + core)
        if end < size:
            near = heads[(heads > at + core // 4) & (heads <= end)]
            if len(near):
                end = int(near[-1])
        before, after = max(0, at - context), min(size, end + context)
        first = heads[(heads >= before) & (heads <= at)]
        last = heads[(heads >= end) & (heads <= after)]
        if len(first):
            before = int(first[0])
        if len(last) and after < size:
            after = int(last[-1])
        found.append((before, at, end, after))
        at = end
    return found


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), dtype=np.float32)


def _best_path(scores: Floats) -> Ints:
    """The likeliest allowed labels (k, n) for log-probabilities (k, n, 6).

    Where the likeliest label of each piece alone is allowed, these are it; else Viterbi.
    """
    path: Ints = scores.argmax(axis=2)
    allowed = _FOLLOWS[path[:, :-1], path[:, 1:]].all(axis=1)
    for cue in np.flatnonzero(~allowed).tolist():
        path[cue] = _viterbi(scores[cue])
    return path


def _viterbi(scores: Floats) -> list[int]:
    """The same for one cue, (n, 6): few pieces of labels, so that lists are fastest."""
    first, *rest = scores.tolist()
    best, back = first, []
    for row in rest:
        ways = [max(labels, key=best.__getitem__) for labels in _BEFORE]
        best = [best[way] + own for way, own in zip(ways, row, strict=True)]
        back.append(ways)
    path = [max(range(len(best)), key=best.__getitem__)]
    for ways in reversed(back):
        path.append(ways[path[-1]])
    return path[::-1]


@dataclass(frozen=True, slots=True)
class Found:
    """An attribution in pieces of its text, with the network's probabilities."""

    cue: tuple[int, int]
    content: tuple[tuple[int, int], ...]
    source: tuple[int, int] | None
    cue_probability: float
    content_probability: float  # mean over the content's pieces
    edge_probability: float  # mean over the pieces at and just outside its edges
    source_probability: float
    weights: Floats  # probability of content, of every piece of the window
    origin: int  # the piece at which the window begins


def _runs(flags: NDArray[np.bool_], begins: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Half-open ranges where ``flags`` holds, cut anew where ``begins`` does."""
    found: list[tuple[int, int]] = []
    for at in np.flatnonzero(flags).tolist():
        if found and found[-1][1] == at and not begins[at]:
            found[-1] = (found[-1][0], at + 1)
        else:
            found.append((at, at + 1))
    return found


def _sure(
    parts: Sequence[tuple[int, int]], weights: Floats, least: float
) -> list[tuple[int, int]]:
    """The parts whose mean weight is not below ``least``, and always the best one."""
    means = [float(weights[a:b].mean()) for a, b in parts]
    return [
        part
        for part, mean in zip(parts, means, strict=True)
        if mean >= least or mean == max(means)
    ]


def read_window(
    rows: Ints, reading: Reading, origin: int, core: tuple[int, int], options: Options
) -> list[Found]:
    """The attributions whose cue begins in the core of one window, in text order."""
    least = min(options.cue, options.quoted)
    chances = _softmax(reading.cue)
    first, last = core[0] - origin + 1, core[1] - origin + 1  # [CLS] stands before
    taken = [
        k
        for k, at in enumerate(reading.starts.tolist())
        if first <= at < last and chances[at, 1] >= least
    ]
    if not taken:
        return []
    links = _softmax(reading.links[taken])
    links[:, [0, -1], _BEGIN:] = 0.0
    links[:, [0, -1], _O] = 1.0
    paths = _best_path(np.log(np.maximum(links, 1e-9)))
    found = []
    for k, path, link in zip(taken, paths, links, strict=True):
        start = int(reading.starts[k])
        end = start + 1
        while end < len(chances) - 1 and chances[end].argmax() == 2:
            end += 1
        inside = (path >= _BEGIN) & (path <= _END)
        inside[start:end] = False
        if not inside.any():
            continue
        after_end = np.concatenate([[False], path[:-1] == _END])
        content = _runs(inside, (path == _BEGIN) | after_end)
        sources = _runs(path >= _SOURCE, path == _SOURCE)
        weights = link[:, _BEGIN : _END + 1].sum(axis=1)
        content = _sure(content, weights, options.part)
        inside[:] = False
        for a, b in content:
            inside[a:b] = True
        quoted = float((rows[inside, 2] > 0).mean())
        if chances[start, 1] < (options.quoted if quoted >= 0.5 else options.cue):
            continue
        source_weights = link[:, _SOURCE:].sum(axis=1)
        source = max(
            sources,
            key=lambda run: float(source_weights[run[0] : run[1]].mean()),
            default=None,
        )
        edges = [
            float(p)
            for a, b in content
            for p in (weights[a], weights[b - 1], 1 - weights[a - 1], 1 - weights[b])
        ]
        shift = origin - 1
        found.append(
            Found(
                cue=(start + shift, end + shift),
                content=tuple((a + shift, b + shift) for a, b in content),
                source=None
                if source is None
                else (source[0] + shift, source[1] + shift),
                cue_probability=float(chances[start, 1]),
                content_probability=float(weights[inside].mean()),
                edge_probability=float(np.mean(edges)),
                source_probability=0.0
                if source is None
                else float(source_weights[source[0] : source[1]].mean()),
                weights=weights[1:-1],
                origin=origin,
            )
        )
    return found


# ---------------------------------------------------------------------- attributions


def attributions(texts: Sequence[str], encoder: Encoder) -> list[list[Attribution]]:
    """The attributions of each text, in the order of their cues.

    Statements and attitudes alike: the cue tells them apart. Spans are code points of
    the text as given; no two attributions share a word of content. Missed: quotations
    without a cue, and what is attributed inside another attribution's content.
    """
    return [_of_text(text, encoder) for text in texts]


def _of_text(text: str, encoder: Encoder) -> list[Attribution]:
    marks = quotes(text)
    offsets, found = findings(text, marks, encoder)
    made = (attribution(text, marks, offsets, one, encoder.options) for one in found)
    return [one for one in made if one is not None]


def findings(
    text: str, marks: Sequence[Quote], encoder: Encoder
) -> tuple[Ints, list[Found]]:
    """Where the word pieces of a text lie, and the attributions in terms of them."""
    options = encoder.options
    ids, offsets = encoder.pieces(normalised(text, marks))
    rows = features(text, marks, ids, offsets)
    found: list[Found] = []
    for begin, first, last, end in windows(
        rows, core=options.core, context=options.context
    ):
        window = np.zeros((end - begin + 2, 4), dtype=np.int64)
        window[1:-1] = rows[begin:end]
        window[0, 0], window[-1, 0] = _CLS, _SEP
        reading = encoder.read(window)
        found += read_window(window, reading, begin, (first, last), options)
    return offsets, settled(found)


def settled(found: Sequence[Found]) -> list[Found]:
    """The same, with no piece of content claimed twice; in text order.

    What is attributed inside another attribution's content is left out: the outer
    speaker says it. A contested piece goes to the attribution that is surer of itself;
    who loses most of its pieces is left out as well.
    """
    held = {at: one for one in found for a, b in one.content for at in range(a, b)}
    outer = [one for one in found if held.get(one.cue[0], one) is one]
    taken: set[int] = set()
    kept = []
    for one in sorted(
        outer, key=lambda f: (-f.cue_probability * f.content_probability, f.cue)
    ):
        pieces = {at for a, b in one.content for at in range(a, b)}
        free = pieces - taken
        if 2 * len(free) <= len(pieces):
            continue
        if free != pieces:
            flags, begins = np.zeros((2, max(pieces) + 1), dtype=np.bool_)
            flags[list(free)] = True
            begins[[a for a, _ in one.content]] = True
            one = replace(one, content=tuple(_runs(flags, begins)))
        taken |= pieces
        kept.append(one)
    return sorted(kept, key=lambda f: f.cue)


_WORD = re.compile(r"\w")
_WORDS = re.compile(r"\w+(?:[.'’\-]\w+)*")
_LINE = re.compile(r"[^\n]+")
_SENTENCE = re.compile(r"[.!?][\"”']?\s+[A-Z\"“]")
_LEADING = re.compile(r"[\s,.;:!?…—–-]*(?:that\s+(?=\S))?", re.IGNORECASE)


def attribution(
    text: str, marks: Sequence[Quote], offsets: Ints, found: Found, options: Options
) -> Attribution | None:
    spans = [Span(int(offsets[a, 0]), int(offsets[b - 1, 1])) for a, b in found.content]
    cue = _whole(text, offsets, found.cue)
    spans = _joined(text, [_snapped(text, marks, span) for span in spans])
    spans = _near(text, marks, cue, spans)
    inside = [_quoted_share(text, marks, span) for span in spans]
    voice = Voice.MIXED
    if all(share == 1.0 for share in inside):
        voice = Voice.DIRECT
    elif not any(inside):
        voice = Voice.INDIRECT
    trimmed = [_trimmed(text, marks, span) for span in spans]
    content = tuple(span for span in trimmed if _WORD.search(span.of(text)))
    if not content:
        return None
    source = None
    if found.source is not None:
        source = _on_line_of(cue, _whole(text, offsets, found.source), text)
    return Attribution(
        content=content,
        cue=cue,
        source=source,
        voice=voice,
        method="learned",
        confidence=confidence(found, options),
    )


def _on_line_of(cue: Span, source: Span, text: str) -> Span:
    """What of a source stands on one line: the cue's, else the line nearest to it.

    A title ends without a stop, so that its last name runs on into the first paragraph's.
    """
    parts = [
        Span(source.start + m.start(), source.start + m.end())
        for m in _LINE.finditer(source.of(text))
    ]
    if len(parts) < 2:
        return source

    def apart(part: Span) -> tuple[int, int]:
        first, last = sorted((part, cue))
        between = text[first.end : max(first.end, last.start)]
        return between.count("\n"), len(between)

    return min(parts, key=apart)


def _whole(text: str, offsets: Ints, pieces: tuple[int, int]) -> Span:
    """The pieces' span, out to the ends of the words that they cut."""
    start, end = int(offsets[pieces[0], 0]), int(offsets[pieces[1] - 1, 1])
    while start and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
        end += 1
    return Span(start, end)


def confidence(found: Found, options: Options) -> float:
    """The chance that content and source are right, 0 to 1."""
    chances = (
        found.cue_probability,
        found.content_probability,
        found.edge_probability,
        found.source_probability if found.source is not None else 1.0,
    )
    *weights, intercept = options.scale
    odds = sum(w * log_odds(p) for w, p in zip(weights, chances, strict=True))
    return round(1 / (1 + math.exp(-(odds + intercept))), 4)


def log_odds(chance: float) -> float:
    """The logarithm of p / (1 - p), for p kept between 0.002 and 0.998."""
    chance = min(max(chance, 0.002), 0.998)
    return math.log(chance / (1 - chance))


def _joined(text: str, spans: Sequence[Span]) -> list[Span]:
    """Spans with nothing but space between them within a paragraph are one."""
    found: list[Span] = []
    for span in sorted(spans):
        gap = text[found[-1].end : span.start] if found else "\n"
        if "\n" not in gap and not _WORD.search(gap):
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


def _near(
    text: str, marks: Sequence[Quote], cue: Span, spans: Sequence[Span]
) -> list[Span]:
    """The spans that the cue can reach, or all if that would leave none.

    Words outside quotation marks are claimed within the cue's paragraph only (but for a
    cue with a colon), and beside a quotation only within the cue's sentence. A tag in
    the title ('P, X admits') has nothing of the text below.
    """
    reached: list[Span] = []
    cut: list[Span] = []
    for span in spans:
        piece = span
        if (
            _quoted_share(text, marks, span) < 0.5
            and ":" not in text[cue.start : cue.end + 2]
        ):
            lines = [
                Span(*m.span()) for m in _LINE.finditer(text, span.start, span.end)
            ]
            piece = min(
                lines,
                key=lambda s: max(s.start - cue.end, cue.start - s.end),
                default=span,
            )
        cut.append(piece)
    quoted = [_quoted_share(text, marks, span) for span in cut]
    beside = max(quoted, default=0.0) > 0.8
    for span, share in zip(cut, quoted, strict=True):
        between = text[min(span.end, cue.end) : max(span.start, cue.start)]
        other_sentence = beside and _SENTENCE.search(between) is not None
        if share > 0.5 or not (
            "\n" in between.strip(" ") or (other_sentence and share <= 0.8)
        ):
            reached.append(span)
    title = text.find("\n")
    return reached or [
        span for span in cut if (span.start > title) == (cue.start > title)
    ]


def _quoted_share(text: str, marks: Sequence[Quote], span: Span) -> float:
    near = [q for q in marks if q.start < span.end and span.start < q.end]
    if not near:
        return 0.0
    words = [m.span() for m in _WORDS.finditer(text, span.start, span.end)]
    inside = sum(any(q.start < a and b <= q.end for q in near) for a, b in words)
    return inside / len(words) if words else 0.0


def _snapped(text: str, marks: Sequence[Quote], span: Span) -> Span:
    """A span that is nearly a whole quotation is that quotation."""
    for quote in marks:
        inner = Span(quote.start + 1, max(quote.start + 1, quote.end))
        if not inner.overlaps(span):
            continue
        both = _count(text, max(inner.start, span.start), min(inner.end, span.end))
        either = _count(text, min(inner.start, span.start), max(inner.end, span.end))
        if either >= 4 and both / either >= 0.75:
            return inner
    return span


def _count(text: str, start: int, end: int) -> int:
    return len(_WORDS.findall(text, start, end))


def _trimmed(text: str, marks: Sequence[Quote], span: Span) -> Span:
    """The span by the rules of annotation.

    Wholly inside one pair of marks: without the marks and a final comma, with a final
    stop. Otherwise: without a leading 'that', leading or final punctuation, but with
    the marks of quotations that it holds.
    """
    start, end = span.start, span.end
    words = [m.span() for m in _WORDS.finditer(text, start, end)]
    if not words:
        return Span(start, start)
    holder = next(
        (q for q in marks if q.start < words[0][0] and words[-1][1] <= q.end), None
    )
    if holder is not None:
        start, end = max(start, holder.start + 1), min(end, holder.end)
        while start < words[0][0] and (text[start].isspace() or text[start] in ",;:"):
            start += 1
        while end > words[-1][1] and (
            text[end - 1].isspace() or text[end - 1] in ",;:"
        ):
            end -= 1
        return Span(start, end)
    leading = _LEADING.match(text, start, end)
    if leading is not None and leading.end() < words[-1][1]:
        start = leading.end()
    end = words[-1][1]
    for quote in marks:
        if quote.closed and quote.start < end <= quote.end and start <= quote.start:
            end = quote.end + 1
        if (
            quote.start < start
            and start <= quote.end < end
            and quote.start >= start - 2
        ):
            start = quote.start
    closing = text[end : end + 1]
    if closing and closing in ")]%" and any(c in text[start:end] for c in "([%"):
        end += 1
    return Span(start, end)
