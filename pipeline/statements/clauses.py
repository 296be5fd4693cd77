"""Indirect and mixed statements, read off the dependency parse of a reporting verb."""

from __future__ import annotations

from collections.abc import Iterator

from spacy.tokens import Token

from pipeline.model import Act, Attribution, Span, Voice
from pipeline.statements.lexicon import Verb
from pipeline.statements.reading import Reading, child, resumes
from pipeline.statements.sources import source_of_verb

_NEGATIONS = frozenset({"not", "n't", "n’t", "never"})
_CONCESSIONS = frozenset({"while", "although", "though", "despite", "whereas"})
_BREAKS = frozenset({",", "—", "–", "--"})
_CONDITIONS = frozenset(
    {"if", "unless", "because", "until", "so", "should", "even", "whether"}
)
_TIMES = frozenset(
    [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "today",
        "yesterday",
        "earlier",
        "later",
        "week",
        "month",
        "year",
        "night",
        "morning",
        "evening",
        "afternoon",
    ]
)
_OCCASIONS = frozenset(
    [
        "interview",
        "statement",
        "speech",
        "address",
        "conference",
        "briefing",
        "remarks",
        "tweet",
        "post",
        "letter",
        "video",
        "call",
        "meeting",
        "comments",
        "article",
        "report",
    ]
)


def reported(reading: Reading) -> Iterator[Attribution]:
    """Statements whose cue is a verb outside quotation marks.

    Without a dependency parse it yields nothing. Negated saying gives nothing, unless
    the verb itself denies. Missed: content that the parser hangs on another verb.
    """
    if not reading.doc.has_annotation("DEP"):
        return  # spaCy 3.8 can crash the process when asked for children here
    for token in reading.doc:
        if token.pos_ not in ("VERB", "AUX"):
            continue
        if token.lemma_ in ("cite", "quote") and token.dep_ == "advcl":
            continue  # names the source of the cue above it
        entries = reading.verb(token)
        if not entries or _spoken_to(token):
            continue
        if _negated(token) and all(
            e.act not in (Act.DENIES, Act.ATTITUDE) for e in entries
        ):
            continue
        found = _content(reading, token, entries)
        if found is None:
            continue
        spans, frame, entry = found
        source = source_of_verb(reading, token)
        spans = _tidy(reading, spans, token)
        if not spans:
            continue
        yield Attribution(
            content=tuple(spans),
            cue=cue_span(reading, token, entry),
            source=source,
            voice=Voice.INDIRECT,
            method=f"{frame}",
            confidence=0.8 if frame == "clause" else 0.6,
        )


def cue_span(reading: Reading, token: Token, entry: Verb) -> Span:
    """The verb, with the particle or preposition that belongs to it."""
    if entry.particle or (entry.prepositions and "preposition" in entry.frames):
        following = token.i + 1
        if following < len(reading.doc):
            word = reading.doc[following].lower_
            if word == entry.particle or word in entry.prepositions:
                return reading.span(token.i, following)
    return reading.span(token.i, token.i)


def _negated(token: Token) -> bool:
    if any(c.dep_ == "neg" or c.lower_ in _NEGATIONS for c in token.lefts):
        return True
    above = token.head
    return token.dep_ == "xcomp" and above.lemma_ in (
        "decline",
        "refuse",
        "fail",
        "refrain",
        "avoid",
    )


def _spoken_to(token: Token) -> bool:
    """``Asked whether P, X replied``: the subject is not who asked."""
    return (
        token.tag_ == "VBN"
        and token.dep_ in ("advcl", "acl")
        and child(token, "nsubj", "agent", "aux") is None
    )


def _content(
    reading: Reading, verb: Token, entries: list[Verb]
) -> tuple[list[Span], str, Verb] | None:
    """The content of a cue, the frame that found it, and the entry whose frame it is."""
    for frame, find in _FRAMES:
        for entry in entries:
            if frame in entry.frames:
                spans = find(reading, verb, entry)
                if spans:
                    return spans, frame, entry
    return None


def _clause(reading: Reading, verb: Token, entry: Verb) -> list[Span] | None:
    """``says (that) P``; ``P, he says``; ``P1, he says, P2``; ``what he says is P``."""
    for below in verb.rights:
        if below.dep_ == "ccomp" or (below.dep_ == "advcl" and _marked_that(below)):
            whole = _after(reading, verb, below)
            lacks = child(below, "nsubj", "nsubjpass", "expl", "csubj") is None
            if verb.dep_ == "relcl" and lacks and verb.head.i < verb.i:
                return [*_antecedent(reading, verb), whole]
            return [whole]
    for below in verb.lefts:
        if below.dep_ == "ccomp":
            return _before(reading, verb, below)
    if (
        verb.dep_ == "parataxis"
        and verb.head.i > verb.i
        and child(verb, "nsubj") is not None
    ):
        return _around(reading, verb, verb.head)
    if (
        verb.dep_ == "parataxis"
        and verb.head.i < verb.i
        and child(verb, "nsubj") is not None
    ):
        return _before(reading, verb, verb.head)
    if "quote" in entry.frames or "clause" in entry.frames:
        for below in verb.rights:  # 'said it was over' parsed as an infinitive clause
            if (
                below.dep_ == "xcomp"
                and child(below, "nsubj", "nsubjpass", "expl") is not None
            ):
                return [_after(reading, verb, below)]
    return None


def _postposed(reading: Reading, verb: Token, entry: Verb) -> list[Span] | None:
    """``P, X told Y`` where the parser did not see that P is what was told."""
    if verb.dep_ == "acl" and verb.head.i < verb.i:
        return _reported_by(reading, verb)
    if verb.dep_ not in ("ROOT", "parataxis", "ccomp", "conj") or verb.tag_ not in (
        "VBD",
        "VBZ",
    ):
        return None
    subject = child(verb, "nsubj")
    if subject is None or any(c.dep_ in ("ccomp", "xcomp") for c in verb.rights):
        return None
    start, _end = reading.sentence(verb.i)
    first = min(subject.left_edge.i, verb.i)
    if first <= start + 2 or reading.doc[first - 1].text not in (
        ",",
        "”",
        '"',
        "’",
        "'",
    ):
        return None
    before = reading.doc[start : first - 1]
    if not any(
        t.tag_ in _FINITE and t.dep_ not in ("relcl", "acl", "advcl") for t in before
    ):
        return None
    if before[0].lower_ in _OPENERS or before[0].pos_ in ("SCONJ", "ADP"):
        return None
    return [reading.span(start, first - 1)]


def _reported_by(reading: Reading, verb: Token) -> list[Span] | None:
    """``P, the agency reported on Monday.`` read as an agency that was reported."""
    start, end = reading.sentence(verb.i)
    first = verb.head.left_edge.i
    if first <= start + 3 or reading.doc[first - 1].text != "," or verb.tag_ == "VBG":
        return None
    if verb.lemma_ not in ("say", "report") or child(verb, "agent") is not None:
        return None
    if any(c.dep_ not in ("prep", "npadvmod", "advcl", "punct") for c in verb.rights):
        return None
    if verb.right_edge.i < end - 3:
        return None
    return [reading.span(start, first - 1)]


def _following(reading: Reading, verb: Token, entry: Verb) -> list[Span] | None:
    """``X said P`` where the parser hangs P on another word: the rest of the sentence."""
    if "clause" not in entry.frames or verb.tag_ not in ("VBD", "VBZ", "VBP", "VBG"):
        return None
    if verb.i and reading.doc[verb.i - 1].is_punct:
        return None  # 'P, says X'
    if verb.lemma_ not in ("say", "tell") and not _that_near(reading, verb):
        return None
    _, end = reading.sentence(verb.i)
    first = verb.i + 1
    that = _that_near(reading, verb)
    if that is not None:
        first = that + 1
    elif first >= end or reading.doc[first].pos_ in (
        "PUNCT",
        "ADP",
        "SPACE",
        "CCONJ",
        "SCONJ",
    ):
        return None
    rest = reading.doc[first:end]
    if len(rest) < 4 or not any(t.tag_ in _FINITE for t in rest):
        return None
    if verb.lemma_ == "tell" and that is None:
        return None
    return [reading.span(first, end - 1)]


def _that_near(reading: Reading, verb: Token) -> int | None:
    for i in range(verb.i + 1, min(verb.i + 10, len(reading.doc) - 1)):
        token = reading.doc[i]
        if token.lower_ == "that" and token.tag_ == "IN":
            return i
        if token.tag_ in _FINITE or token.text in (".", ":", ";") or "\n" in token.text:
            return None
    return None


_FINITE = frozenset({"VBD", "VBZ", "VBP", "MD"})
_OPENERS = frozenset({"and", "but", "if", "when", "as", "after", "while", "asked"})


def _antecedent(reading: Reading, verb: Token) -> list[Span]:
    """``a flow that Helsinki says amounts to an attack``: what the clause is about."""
    head = verb.head
    last = head.i
    for token in head.rights:
        if token.i >= verb.left_edge.i or token.dep_ == "relcl":
            break
        if token.dep_ in ("prep", "amod", "appos"):
            last = token.right_edge.i
    return [reading.span(head.left_edge.i, min(last, verb.left_edge.i - 1))]


def _noted(reading: Reading, verb: Token, entry: Verb) -> list[Span] | None:
    """``As X noted, P``: the sentence without the clause."""
    if verb.dep_ != "advcl" or not any(c.lower_ == "as" for c in verb.lefts):
        return None
    if any(c.dep_ in ("ccomp", "dobj", "xcomp", "prep") for c in verb.rights):
        return None
    start, end = reading.sentence(verb.i)
    first, last = max(start, verb.left_edge.i), min(end - 1, verb.right_edge.i)
    spans = []
    if first > start:
        spans.append(reading.span(start, first - 1))
    if last + 1 < end - 1:
        spans.append(reading.span(last + 1, end - 1))
    return spans if len(spans) == 1 or all(len(s) > 12 for s in spans) else None


def _passive(reading: Reading, verb: Token, entry: Verb) -> list[Span] | None:
    """``P was rejected by X``: the subject."""
    subject = child(verb, "nsubjpass")
    if subject is None or child(verb, "agent") is None or subject.pos_ == "PRON":
        return None
    if subject.lower_ in reading.cues.pointers or subject.ent_type_ == "PERSON":
        return None
    return [reading.span(*_edges(subject))]


def _edges(token: Token) -> tuple[int, int]:
    return token.left_edge.i, token.right_edge.i


def _marked_that(clause: Token) -> bool:
    mark = child(clause, "mark")
    return mark is not None and mark.lower_ == "that"


def _after(reading: Reading, verb: Token, clause: Token) -> Span:
    """The clause behind its verb, from what follows the verb's own words."""
    first = max(clause.left_edge.i, verb.i + 1)
    last = clause.right_edge.i
    while (
        first < last
        and (
            reading.doc[first].lower_ in ("that", ",", ":")
            or reading.doc[first].is_space
        )
        and first < clause.i
    ):
        if reading.doc[first].lower_ == "that" and reading.doc[first].dep_ not in (
            "mark",
            "det",
        ):
            break
        if reading.doc[first].lower_ == "that" and reading.doc[first].dep_ == "det":
            break
        first += 1
    last = _cut(reading, clause, first, _extended(reading, verb, last))
    return reading.span(first, last)


def _cut(reading: Reading, head: Token, first: int, last: int) -> int:
    """Where the reporter goes on: trailing clauses and asides that are not content.

    Cut are: a new paragraph; ``according to``; at the end, behind a comma, a relative
    clause, a participle, a concession, an apposition with an article; an occasion of
    speaking (``in an interview``). Nothing inside quotation marks is cut.
    """
    _, end = reading.sentence(head.i)
    last = min(last, end - 1)
    doc = reading.doc
    resumed = resumes(reading, head)
    if resumed is not None and resumed.i <= last:
        last = resumed.i - 1
        while last > first and doc[last].dep_ in ("cc", "advmod", "punct"):
            last -= 1
    for i in range(max(head.i, first) + 1, last):
        if "\n" in doc[i].text:
            return i - 1
        if (
            doc[i].text in _BREAKS
            and reading.quote_of[i] < 0
            and _aside(reading, i, last)
        ):
            return i - 1
        if doc[i].lower_ in ("although", "though") and reading.quote_of[i] < 0:
            if _aside(reading, i - 1, last):
                return i - 1
    return _without_occasion(reading, head, first, last)


def _aside(reading: Reading, comma: int, last: int) -> bool:
    """Does the reporter's own clause begin behind this comma and run to the end?"""
    word = reading.doc[comma + 1]
    if reading.quote_of[comma + 1] >= 0:
        return False
    if word.lower_ == "according":
        return True
    if (
        word.pos_ == "ADP"
        and comma + 2 <= last
        and reading.doc[comma + 2].tag_ == "WDT"
    ):
        return True  # ', during which P'
    top = word
    while top.head != top and top.head.left_edge.i > comma:
        top = top.head
    if top.right_edge.i < last - 1:
        return False
    if top.dep_ == "relcl":
        return True
    if word.lower_ in _CONCESSIONS and top.dep_ in (
        "advcl",
        "prep",
        "mark",
        "conj",
        "dep",
    ):
        return True
    if word.lower_ == "as":
        return (
            top.dep_ == "advcl" and child(top, "nsubj", "nsubjpass", "expl") is not None
        )
    if top.tag_ == "VBG" and top.dep_ in ("advcl", "acl", "prep", "conj"):
        return top.lower_ not in ("including", "regarding", "concerning")
    return top.dep_ == "appos" and word.lower_ in ("a", "an")


def _without_occasion(reading: Reading, head: Token, first: int, last: int) -> int:
    """The content without ``in an interview`` or ``in comments on X`` at its end."""
    for i in range(last, max(first, last - 9), -1):
        token = reading.doc[i]
        if (
            token.dep_ == "prep"
            and token.right_edge.i >= last
            and reading.quote_of[i] < 0
        ):
            named = child(token, "pobj")
            if (
                token.lower_ in ("in", "at", "during")
                and named is not None
                and (named.lower_ in _OCCASIONS and i - 1 > head.i)
            ):
                return i - 1
    return last


def _extended(reading: Reading, verb: Token, last: int) -> int:
    """A condition or reason right behind the content, without a comma, belongs to it."""
    for below in verb.rights:
        if (
            below.left_edge.i == last + 1
            and below.dep_ == "advcl"
            and (reading.doc[last + 1].lower_ in _CONDITIONS)
        ):
            return below.right_edge.i
    return last


def _before(reading: Reading, verb: Token, clause: Token) -> list[Span] | None:
    """The sentence up to the tag, and on behind it where the clause goes on."""
    start, end = reading.sentence(verb.i)
    tag_first, tag_last = _tag(reading, verb, start, end)
    if tag_first <= start:
        return None
    first = start
    spans = [reading.span(first, tag_first - 1)]
    rest = _rest(reading, tag_last + 1, end, clause, verb)
    if rest is not None:
        spans.append(rest)
    return spans


def _around(reading: Reading, verb: Token, head: Token) -> list[Span] | None:
    """``Such a ban, he argued, would work``: the sentence without the tag."""
    start, end = reading.sentence(verb.i)
    tag_first, tag_last = _tag(reading, verb, start, end)
    last = min(end - 1, max(head.right_edge.i, tag_last))
    spans = []
    if tag_first > start:
        spans.append(reading.span(start, tag_first - 1))
    if tag_last < last:
        spans.append(
            reading.span(tag_last + 1, _cut(reading, head, tag_last + 1, last))
        )
    return spans or None


def _tag(reading: Reading, verb: Token, start: int, end: int) -> tuple[int, int]:
    """The tag around a verb that follows its content: between commas or quotations."""
    subject = child(verb, "nsubj", "nsubjpass")
    doc = reading.doc
    first = min(verb.i, subject.left_edge.i if subject is not None else verb.i)
    for aux in verb.lefts:
        if aux.dep_ in ("aux", "advmod", "neg") and aux.i >= first - 2:
            first = min(first, aux.i)
    while first > start and not (
        doc[first - 1].text in (",", "—", "–", "-", "--", ":")
        or reading.quote_of[first - 1] >= 0
    ):
        first -= 1
    last = max(verb.i, subject.right_edge.i if subject is not None else verb.i)
    last = min(last, end - 1)
    while last + 1 < end and not (
        doc[last + 1].text in (",", "—", "–", "-", "--", ":", ".", "!", "?", ";")
        or reading.quote_of[last + 1] >= 0
        or "\n" in doc[last + 1].text
    ):
        last += 1
    return first, last


def _rest(
    reading: Reading, first: int, end: int, clause: Token, verb: Token
) -> Span | None:
    """What follows a tag in its sentence, if it goes on with the content."""
    doc = reading.doc
    while first < end and (doc[first].is_punct or doc[first].is_space):
        if reading.quote_of[first] >= 0:
            break
        first += 1
    if first >= end:
        return None
    head = doc[first].lower_
    if head in ("because", "but", "and", "or", "unless", "although", "though", "which"):
        below = next(
            (t for t in doc[first:end] if t.dep_ == "conj" and t.head == verb), None
        )
        if below is not None and head in ("and", "but"):
            return None
        return reading.span(first, end - 1)
    if clause.right_edge.i < first or clause.i >= first:
        return None
    return reading.span(first, _cut(reading, clause, first, clause.right_edge.i))


def _infinitive(reading: Reading, verb: Token, entry: Verb) -> list[Span] | None:
    """``vows to P``."""
    for below in verb.rights:
        if below.dep_ == "xcomp" and any(c.lower_ == "to" for c in below.lefts):
            if child(below, "nsubj") is None:
                return [_after(reading, verb, below)]
    return None


def _gerund(reading: Reading, verb: Token, entry: Verb) -> list[Span] | None:
    """``denies doing P``."""
    for below in verb.rights:
        if below.dep_ == "xcomp" and below.tag_ == "VBG":
            return [_after(reading, verb, below)]
    return None


def _complement(reading: Reading, verb: Token, entry: Verb) -> list[Span] | None:
    """``urges A to P``, ``accuses A of P``, ``calls A P``: object to end of complement."""
    if child(verb, "auxpass") is not None:
        return None
    start: int | None = None
    last = -1
    complement = False
    if (
        "clause" in entry.frames
        and any(
            c.dep_ == "ccomp"
            and (_marked_that(c) or child(c, "nsubj", "expl") is not None)
            for c in verb.rights
        )
        and child(verb, "dobj", "dative") is not None
    ):
        return None  # 'tells A that P'
    for below in verb.rights:
        if below.dep_ in ("dobj", "dative") and start is None:
            start, last = below.left_edge.i, below.right_edge.i
        elif below.dep_ in ("xcomp", "ccomp", "oprd") or (
            start is not None
            and below.dep_ in ("npadvmod", "attr", "acomp")
            and "predicate" in entry.frames
            and below.lower_ not in _TIMES
            and below.ent_type_ not in ("DATE", "TIME")
        ):
            if start is None and (
                _marked_that(below) or child(below, "nsubj", "nsubjpass") is None
            ):
                continue
            start = below.left_edge.i if start is None else start
            last = max(last, below.right_edge.i)
            complement = True
        elif below.dep_ == "prep" and start is not None and not _of_occasion(below):
            if below.lower_ in (
                "of",
                "for",
                "to",
                "with",
                "as",
                "on",
                "over",
                "against",
            ):
                last = max(last, below.right_edge.i)
                complement = True
    if start is None or not complement:
        return None
    return [reading.span(start, _cut(reading, verb, start, last))]


def _as(reading: Reading, verb: Token, entry: Verb) -> list[Span] | None:
    """``describes A as P``."""
    thing = child(verb, "dobj")
    for below in verb.children:
        if below.dep_ == "prep" and below.lower_ == "as":
            if thing is not None and thing.i < below.i:
                return [reading.span(thing.left_edge.i, below.right_edge.i)]
        if below.dep_ == "prep" and below.lower_ == "to" and verb.lemma_ == "refer":
            return (
                [reading.span(below.i + 1, below.right_edge.i)]
                if below.i + 1 <= (below.right_edge.i)
                else None
            )
    return None


def _preposition(reading: Reading, verb: Token, entry: Verb) -> list[Span] | None:
    """``calls for P``, ``calls on A to P``."""
    for below in verb.rights:
        if below.dep_ not in ("prep", "prt") or below.lower_ not in entry.prepositions:
            continue
        named = child(below, "pobj", "pcomp")
        if named is None or is_pointer(reading, named):
            continue
        first, last = named.left_edge.i, named.right_edge.i
        for further in verb.rights:
            if (
                further.dep_ in ("xcomp", "advcl")
                and further.i > last
                and any(c.lower_ == "to" for c in further.lefts)
                and below.lower_ in ("on", "upon", "to", "for")
            ):
                last = further.right_edge.i
        if below.lower_ in ("on", "upon", "to") and verb.lemma_ in (
            "call",
            "appeal",
            "ask",
        ):
            if last == named.right_edge.i:
                continue
        last = _extended(reading, verb, _cut(reading, named, first, last))
        return [reading.span(first, last)]
    return None


def _object(reading: Reading, verb: Token, entry: Verb) -> list[Span] | None:
    """``denies P``: the object, with the phrases that go on from it."""
    if child(verb, "auxpass") is not None:
        return None
    thing = child(verb, "dobj")
    if thing is None or thing.i < verb.i or is_pointer(reading, thing):
        return None
    if thing.pos_ == "PRON" or (
        thing.tag_ == "VBG" and thing.left_edge == thing.right_edge
    ):
        return None
    first, last = thing.left_edge.i, thing.right_edge.i
    for below in verb.rights:
        if below.dep_ == "prep" and below.i == last + 1 and not _of_occasion(below):
            last = below.right_edge.i
    return [reading.span(first, _cut(reading, thing, first, last))]


def is_pointer(reading: Reading, token: Token) -> bool:
    """Does the word only point to what is said ('this', 'comments')? The US does not."""
    word = token.lower_.strip(".")
    return word in reading.cues.pointers and not (
        len(word) > 1 and token.text.isupper()
    )


def _of_occasion(prep: Token) -> bool:
    """``on Monday``, ``in an interview``: about the act of saying, not its content."""
    named = child(prep, "pobj")
    if named is None:
        return False
    return (
        named.lower_ in _TIMES
        or named.ent_type_ in ("DATE", "TIME")
        or named.lower_ in _OCCASIONS
    )


_FRAMES = (
    ("complement", _complement),
    ("clause", _clause),
    ("preposition", _preposition),
    ("infinitive", _infinitive),
    ("gerund", _gerund),
    ("as", _as),
    ("object", _object),
    ("object", _passive),
    ("clause", _noted),
    ("quote", _postposed),
    ("quote", _following),
)


def _tidy(reading: Reading, spans: list[Span], verb: Token) -> list[Span]:
    """The spans without edge punctuation, cutting no quotation, apart from the cue."""
    tidy = []
    for span in spans:
        start, end = reading.whole(span.start, span.end)
        cue = reading.starts[verb.i]
        if start <= cue < end:
            continue
        stripped = reading.strip(start, end)
        if stripped is not None:
            tidy.append(stripped)
    return tidy
