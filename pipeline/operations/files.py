"""Files of a user's own, as JSON lines: statements of articles, relations of pairs."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.adapters.jsonl import read_lines, write_lines
from pipeline.claims.compare import compare_pair
from pipeline.errors import InputError
from pipeline.statements.export import records
from pipeline.wiring import open_meaning

if TYPE_CHECKING:  # who compares parses nothing
    from pipeline.batch import Extractor


def extract_file(
    extractor: Extractor, source: Path, output: Path, *, everyone: bool
) -> int:
    """``onrecord extract --input``: articles in, statements out, in the same order."""
    lines = list(read_lines(source))
    texts = [_article_text(where, line) for where, line in lines]
    found = extractor.quoted(texts, everyone=everyone)
    return write_lines(
        output,
        (
            {
                "article_id": line["article_id"],
                "statements": records(
                    quoted
                    if everyone
                    else [q for q in quoted if q.speaker.leader and q.about_topic],
                    text,
                ),
            }
            for (_, line), (text, _), quoted in zip(lines, texts, found, strict=True)
        ),
    )


def _article_text(where: str, line: dict[str, Any]) -> tuple[str, date | None]:
    """The text and day of one line of ``onrecord extract``. InputError names the key."""
    for key in ("article_id", "text"):
        if not isinstance(line.get(key), str):
            raise InputError(where, f"{key}: a string is expected")
    published = line.get("published")
    try:
        day = datetime.fromisoformat(published).date() if published else None
    except (TypeError, ValueError) as error:
        raise InputError(where, f"published: not ISO 8601: {published!r}") from error
    return line["text"], day


def compare_file(source: Path, output: Path) -> int:
    """``onrecord compare``: labelled pairs in, relations out, in the same order."""
    meaning = open_meaning()

    def answered(where: str, line: dict[str, Any]) -> dict[str, object]:
        try:
            return compare_pair(line, meaning)
        except ValueError as error:
            raise InputError(where, str(error)) from error

    return write_lines(output, [answered(*one) for one in read_lines(source)])
