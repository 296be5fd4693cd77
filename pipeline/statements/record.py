"""From what extraction finds to rows on record: ids, context, and what edits undo."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from difflib import SequenceMatcher

from pipeline import ids
from pipeline.model import (
    Article,
    Correction,
    CorrectionKind,
    Quoted,
    Span,
    Statement,
)

GAP = " … "
SAME_WORDS = 0.6
"""Similarity (Ratcliff and Obershelp 1988) from which edited words are the same ones."""


def on_record(
    article: Article,
    found: Iterable[Quoted],
    *,
    topic: str,
    model_version: str,
    context_chars: int,
) -> list[Statement]:
    """The statements of tracked figures, in text order, with their ids.

    People who are not tracked are left out. ``context_chars`` bounds what stands in
    ``context`` beside the words themselves.
    """
    times: Counter[tuple[str, str]] = Counter()
    statements = []
    for quoted in found:
        figure_id, attribution = quoted.speaker.figure_id, quoted.attribution
        if figure_id is None:
            continue
        content = GAP.join(span.of(article.text) for span in attribution.content)
        key = figure_id, ids.normalised(content)
        around = context_of(article.text, attribution.content, context_chars)
        statements.append(
            Statement(
                statement_id=ids.statement_id(
                    article.article_id, figure_id, content, times[key]
                ),
                article_id=article.article_id,
                revision=article.revision,
                figure_id=figure_id,
                figure=quoted.speaker.name,
                outlet=article.outlet,
                wire_group_id=article.wire_group_id,
                language=article.language,
                published_at=article.published_at,
                first_seen_at=article.first_seen_at,
                backlog=article.backlog,
                spans=attribution.content,
                content=content,
                voice=attribution.voice,
                cue=attribution.cue.of(article.text) if attribution.cue else "",
                source=quoted.speaker.mention.of(article.text)
                if quoted.speaker.mention
                else "",
                mention_kind=quoted.speaker.mention_kind,
                act=quoted.act,
                topic=topic,
                about_topic=quoted.about_topic,
                subtopics=quoted.subtopics,
                nested=quoted.nested,
                said_on=quoted.said_on,
                is_old=quoted.is_old,
                in_title=quoted.in_title,
                context=around.of(article.text),
                context_start=around.start,
                url=article.url,
                title=article.title,
                outlet_kind=article.outlet_kind,
                country=article.country,
                method=attribution.method,
                model_version=model_version,
                confidence=round(quoted.confidence, 4),
            )
        )
        times[key] += 1
    return statements


def context_of(text: str, spans: Sequence[Span], chars: int) -> Span:
    """The words and at most ``chars`` around them, within their paragraphs."""
    start, end = spans[0].start, spans[-1].end
    first = max(start - chars // 2, text.rfind("\n", 0, start) + 1)
    stop = text.find("\n", end)
    last = min(end + chars // 2, len(text) if stop < 0 else stop)
    while first < start and first > 0 and not text[first - 1].isspace():
        first += 1
    while last > end and last < len(text) and not text[last].isspace():
        last -= 1
    return Span(first, last)


def against_earlier(
    now: Sequence[Statement],
    before: Sequence[Statement],
    ever: frozenset[str],
    *,
    article: Article,
    at: datetime,
) -> tuple[list[Statement], list[Correction]]:
    """A revision's statements, those on record marked, and what the edit undid.

    ``before`` are the statements of the revision before, ``ever`` the ids of all
    earlier ones. A vanished statement whose words come back edited, in the same mouth,
    is changed; any other is withdrawn.
    """
    marked = [replace(s, known=s.statement_id in ever) for s in now]
    kept = {statement.statement_id for statement in now}
    fresh = [statement for statement in marked if not statement.known]
    corrections = []
    for old in before:
        if old.statement_id in kept:
            continue
        new = _edited(old, fresh)
        if new is not None:
            fresh.remove(new)
        kind = CorrectionKind.CHANGED if new else CorrectionKind.WITHDRAWN
        corrections.append(
            Correction(
                correction_id=ids.stable_id(
                    "correction", old.statement_id, str(article.revision), kind.value
                ),
                kind=kind,
                article_id=article.article_id,
                revision=article.revision,
                statement_id=old.statement_id,
                new_statement_id=new.statement_id if new else None,
                old_sha256=ids.digest(old.content),
                new_sha256=ids.digest(new.content) if new else None,
                at=at,
            )
        )
    return marked, corrections


def _edited(old: Statement, fresh: Sequence[Statement]) -> Statement | None:
    scored = [
        (SequenceMatcher(None, old.content, new.content, autojunk=False).ratio(), new)
        for new in fresh
        if new.figure_id == old.figure_id
    ]
    best = max(scored, key=lambda pair: pair[0], default=None)
    return best[1] if best and best[0] >= SAME_WORDS else None
