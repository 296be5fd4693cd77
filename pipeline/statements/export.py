"""Statements as the rows of ``onrecord extract``: plain values, offsets into the text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipeline.model import Quoted, Span


def records(statements: Iterable[Quoted], text: str) -> list[dict[str, Any]]:
    """One mapping a statement, as section 6 of the design has it."""
    return [_record(statement, text) for statement in statements]


def _record(quoted: Quoted, text: str) -> dict[str, Any]:
    found, speaker = quoted.attribution, quoted.speaker
    return {
        "content": [_pair(span) for span in found.content],
        "kind": found.voice.value,
        "cue": _pair(found.cue) if found.cue else None,
        "source": _pair(found.source) if found.source else None,
        "source_text": found.source.of(text) if found.source else "",
        "speaker_id": speaker.wikidata,
        "speaker_name": speaker.name,
        "leader": speaker.leader,
        "about_war": quoted.about_topic,
        "act": quoted.act.value,
        "nested": list(quoted.nested),
        "confidence": quoted.confidence,
    }


def _pair(span: Span) -> list[int]:
    return [span.start, span.end]
