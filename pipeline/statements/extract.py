"""The one public function: a parsed article to the statements that it reports."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import date

from spacy.tokens import Doc

from pipeline.model import Act, Attribution, MentionKind, Quoted, Speaker, Voice
from pipeline.statements import attribution as rules
from pipeline.statements.acts import act_of, cue_tokens
from pipeline.statements.cast import cast_of
from pipeline.statements.continued import continued, parted
from pipeline.statements.coreference import Antecedents
from pipeline.statements.datelines import without_datelines
from pipeline.statements.figures import FigureIndex
from pipeline.statements.lexicon import Cues, Topic
from pipeline.statements.nesting import outermost
from pipeline.statements.occasions import said_on
from pipeline.statements.quotations import Quotation, quotations
from pipeline.statements.speakers import Recognition
from pipeline.statements.topic import judge_of, paragraph

_REACH = 120
"""Code points before and after a cue in which a date is the date of speaking."""


def extract_statements(
    doc: Doc,
    text: str,
    published: date | None,
    figures: FigureIndex,
    topic: Topic,
    cues: Cues,
    attributions: Sequence[Attribution] | None = None,
    everyone: bool = False,
) -> list[Quoted]:
    """The statements of tracked figures and of other leaders on the topic, in text order.

    ``doc`` is the parse of ``text``; without a dependency parse there are none.
    ``attributions`` come from a learned tagger; without
    them the rules find their own. With ``everyone`` every speaker's words and attitudes
    on every subject are returned. What one speaker relays of another is the first one's
    statement; the other is named in ``nested``.
    """
    if not doc.has_annotation("DEP"):
        return []  # spaCy 3.8 can crash the process when asked for children here
    if attributions is None:
        attributions = rules.attributions(doc, text, cues)
    apart = list(parted(list(without_datelines(attributions, text)), doc, text))
    found = continued(apart, doc, text)
    quotes = quotations(text)
    cast = cast_of(doc, text, figures, published)
    contents = sorted(span for one in found for span in one.content)
    antecedents = Antecedents(doc, cast, quotes, contents)
    recognition = Recognition(doc, text, cast, figures, antecedents)
    made = list(
        _recognised(doc, text, published, found, recognition, topic, cues, quotes)
    )
    said = outermost(made)
    if everyone:
        return said
    starts = _starts(doc)
    return [one for one in said if _counts(one, doc, starts, text)]


_UNSAID = re.compile(
    r"\b(?:neither|nor)\b|(?:\bnot|n[’']t|\bnever|\bdeclin\w+ to|\brefus\w+ to) "
    r"(?:\w+ )?(?:say|saying|said|comment|confirm|specify|mention|answer|respond|elaborate|drawn|"
    r"speculate)\b",
    re.IGNORECASE,
)
"""Cues that tell that nothing was said ('did not say', 'neither confirmed nor denied')."""

_ATTEMPT = re.compile(
    r"\b(?:attempt\w*|tr(?:y|ied|ies|ying)|seeks?|sought|seeking|struggl\w+) to (?:\w+ )?$",
    re.IGNORECASE,
)

THIN = 3
"""So few reported words without a verb say nothing alone ('it', 'the new figure')."""


def _counts(quoted: Quoted, doc: Doc, starts: Sequence[int], text: str) -> bool:
    """A tracked figure on anything, or another leader on the topic.

    No attitudes; and nothing thin, unless it is quoted directly.
    """
    if quoted.act is Act.ATTITUDE or _is_thin(quoted.attribution, doc, starts, text):
        return False
    if _is_unsaid(quoted.attribution, text) or _is_bare(quoted, doc, starts, text):
        return False
    if quoted.speaker.figure_id is not None:
        return True
    return quoted.speaker.leader and quoted.about_topic


def _is_unsaid(one: Attribution, text: str) -> bool:
    """``did not say whether P``: the cue, with what follows it into the content."""
    if one.cue is None:
        return False
    end = one.cue.end
    if 0 <= one.content[0].start - end <= 1:
        end += 16
    return _UNSAID.search(text, one.cue.start, end) is not None


def _is_bare(quoted: Quoted, doc: Doc, starts: Sequence[int], text: str) -> bool:
    """``tried to clarify his motives``, ``referring the question to the army``: what was
    spoken of, or to whom it was left; not what was said."""
    one = quoted.attribution
    if one.cue is None or one.voice is not Voice.INDIRECT:
        return False
    if quoted.act is not Act.ASSERTS or _has_verb(doc, starts, one):
        return False
    verb = text.rfind(" ", 0, one.cue.end) + 1
    if _ATTEMPT.search(text, max(0, verb - 30), verb):
        return True
    handed = text[verb : one.content[0].start].lower().split()
    return bool(handed) and handed[0].startswith("refer") and "to" not in handed


def _is_thin(one: Attribution, doc: Doc, starts: Sequence[int], text: str) -> bool:
    if one.voice is Voice.DIRECT:
        return False
    words = sum(len(span.of(text).split()) for span in one.content)
    return words <= THIN and not _has_verb(doc, starts, one)


def _recognised(
    doc: Doc,
    text: str,
    published: date | None,
    found: Sequence[Attribution],
    recognition: Recognition,
    topic: Topic,
    cues: Cues,
    quotes: Sequence[Quotation],
) -> Iterator[Quoted]:
    judge = judge_of(topic)
    on_topic = judge.article(text)
    title_end = len(text.split("\n", 1)[0])
    starts = _starts(doc)
    previous: Speaker | None = None
    for one in sorted(found, key=_place):
        content = " ".join(span.of(text) for span in one.content)
        cue = one.cue.of(text) if one.cue is not None else ""
        day, old = said_on(*_tag(text, one), published, _earlier(text, one), cue)
        act = act_of(
            one,
            cue_tokens(doc, starts, one),
            text,
            cues,
            quoted=_mostly_quoted(one, quotes),
        )
        about = judge.about(
            content,
            paragraph(text, one.content[0]),
            on_topic,
            bare=one.voice is Voice.INDIRECT and not _has_verb(doc, starts, one),
        )
        for speaker in recognition.speakers(one, previous):
            yield Quoted(
                attribution=one,
                speaker=speaker,
                act=act,
                about_topic=about,
                subtopics=judge.subtopics(content) if about else (),
                nested=(),
                said_on=day,
                is_old=old,
                in_title=one.content[0].end <= title_end,
                confidence=_confidence(one, speaker),
            )
            previous = speaker


def _mostly_quoted(one: Attribution, quotes: Sequence[Quotation]) -> bool:
    """Does half of the content stand in quotation marks?"""
    if one.voice is Voice.DIRECT:
        return True
    if one.voice is Voice.INDIRECT:
        return False
    inside = sum(
        max(0, min(span.end, quote.outer.end) - max(span.start, quote.outer.start))
        for span in one.content
        for quote in quotes
    )
    return 2 * inside >= sum(map(len, one.content))


def _starts(doc: Doc) -> list[int]:
    """The code point at which each token begins."""
    begins: list[int] = doc.to_array("IDX").tolist()
    return begins


def _has_verb(doc: Doc, starts: Sequence[int], one: Attribution) -> bool:
    """Does the content hold a finite verb? True where nothing was tagged."""
    if not doc.has_annotation("TAG"):
        return True
    return any(
        token.tag_ in ("VBD", "VBZ", "VBP", "MD", "VB")
        for span in one.content
        for token in doc[
            bisect_left(starts, span.start) : bisect_left(starts, span.end)
        ]
    )


def _place(one: Attribution) -> int:
    """Where the reader meets the source, so that speakers are resolved in reading order."""
    if one.source is not None:
        return one.source.start
    return one.content[0].start


def _tag(text: str, one: Attribution) -> tuple[str, str]:
    """The words of the cue's sentence before and behind it, without the content."""
    at = one.cue or one.source
    if at is None:
        return "", ""
    start, end = max(0, at.start - _REACH), min(len(text), at.end + _REACH)
    for span in one.content:
        if span.end <= at.start:
            start = max(start, span.end)
        elif span.start >= at.end:
            end = min(end, span.start)
    marks = (". ", "\n", "! ", "? ")
    start = max(start, 1 + max(text.rfind(mark, start, at.start) for mark in marks))
    stops = [text.find(mark, at.end, end) for mark in (". ", "\n")]
    end = min([stop for stop in stops if stop >= 0], default=end)
    return text[start : at.start].lstrip(), text[at.end : end]


def _earlier(text: str, one: Attribution) -> str:
    """What stands before a statement, as far as 'that year' may look back."""
    at = (one.cue or one.content[0]).start
    return text[max(0, at - 3 * _REACH) : at]


def _confidence(one: Attribution, speaker: Speaker) -> float:
    """How likely words and speaker are right: the finding's share times the speaker's."""
    return round(one.confidence * _KNOWN[speaker.mention_kind], 3)


_KNOWN = {
    MentionKind.NAME: 0.97,
    MentionKind.PRONOUN: 0.97,
    MentionKind.BODY: 0.93,
    MentionKind.ROLE: 0.91,
    MentionKind.GROUP: 0.89,
    MentionKind.NONE: 0.5,
}
"""How often the speaker is right where the words are, by how the source is written."""
