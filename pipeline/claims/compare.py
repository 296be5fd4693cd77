"""The contract of ``onrecord compare``: a labelled pair in, a label with reasons out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from pipeline.claims.meaning import Meaning
from pipeline.claims.relation import Comparison, compare
from pipeline.model import RelationKind

MATCHER_VERSION = "meaning-2"  # of the rules; that of the network stands beside it

SAME, NEW, CONTRADICTS = "same", "new", "contradicts"
_LABELS = {
    RelationKind.NEW: NEW,
    RelationKind.REREPORTED: SAME,
    RelationKind.REPEATED: SAME,
    RelationKind.CHANGED: NEW,
    RelationKind.CONTRADICTS: CONTRADICTS,
}


def label(kind: RelationKind, *, same: float = 0.0) -> str:
    """same, new or contradicts; ``same`` is the chance that decides for uncertain."""
    return _LABELS.get(kind, SAME if same >= 0.5 else NEW)


def label_of(comparison: Comparison) -> str:
    return label(comparison.kind, same=comparison.same)


def compare_pair(record: Mapping[str, object], meaning: Meaning) -> dict[str, object]:
    """The answer to one line of ``onrecord compare``; the order of its keys is fixed.

    The earlier of the two dates stands first; without both, ``a`` is the earlier one.
    ValueError names the key that is missing or wrong.
    """
    pair_id = record.get("pair_id")
    a, a_date = _side(record, "a")
    b, b_date = _side(record, "b")
    if a_date and b_date and b_date < a_date:
        a, a_date, b, b_date = b, b_date, a, a_date
    found = compare(a, b, a_date=a_date, b_date=b_date, meaning=meaning)
    return {
        "pair_id": pair_id,
        "label": label_of(found),
        "relation": str(found.kind),
        "score": round(found.score, 4),
        "reasons": list(found.reasons),
    }


def _side(record: Mapping[str, object], key: str) -> tuple[str, date | None]:
    side = record.get(key)
    if not isinstance(side, Mapping) or not isinstance(side.get("text"), str):
        raise ValueError(f"{key}: an object with a text is wanted")
    return side["text"], _day(side.get("date"), f"{key}.date")


def _day(value: object, where: str) -> date | None:
    if value is None or value == "":
        return None
    try:
        return datetime.fromisoformat(str(value)).date()
    except ValueError as error:
        raise ValueError(f"{where}: not an ISO 8601 date: {value!r}") from error
