"""What editors decided, as a file of JSON lines in the lake: no rebuild touches it."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.adapters.jsonl import object_in
from pipeline.adapters.lake import FolderStore, Store
from pipeline.errors import InputError
from pipeline.model import Judgement, Verdict


class JudgementFile:
    """ports.Judgements in a file that people may read, and put back from a copy."""

    def __init__(self, place: Path | Store, name: str = "judgements.jsonl") -> None:
        """``place`` is the file, or the store that holds it as ``name``."""
        self._store: Store = (
            FolderStore(place.parent) if isinstance(place, Path) else place
        )
        self._name = place.name if isinstance(place, Path) else name

    def all(self) -> list[Judgement]:
        return self._read(self._store.get(self._name))

    def add(self, judgement: Judgement) -> None:
        row = asdict(judgement) | {"at": judgement.at.isoformat()}
        line = json.dumps(row, ensure_ascii=False).encode() + b"\n"

        def added(there: bytes | None) -> bytes:
            self._read(there)  # nothing is put to a file that can't be read
            before = (there or b"").rstrip()
            return before + b"\n" * bool(before) + line

        self._store.change(self._name, added)

    def _read(self, body: bytes | None) -> list[Judgement]:
        name = f"{self._store.where}/{self._name}"
        try:
            lines = (body or b"").decode().split("\n")
        except UnicodeDecodeError as error:
            raise InputError(name, f"can't be read: {error}") from error
        return [
            _judgement(f"{name}:{nth}", object_in(f"{name}:{nth}", line))
            for nth, line in enumerate(lines, 1)
            if line.strip()
        ]


def _judgement(where: str, row: dict[str, Any]) -> Judgement:
    try:
        values = row | {
            "verdict": Verdict(row["verdict"]),
            "at": datetime.fromisoformat(row["at"]),
        }
        return Judgement(**values)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(where, f"not a judgement: {error}") from error
