"""What editors decided, as a file of JSON lines in the lake: no rebuild touches it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.adapters.jsonl import read_lines, write_lines
from pipeline.errors import InputError, StoreError
from pipeline.model import Judgement, Verdict


class JudgementFile:
    """ports.Judgements in a file that people may read, and put back from a copy."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def all(self) -> list[Judgement]:
        return [_judgement(where, row) for where, row in self._rows()]

    def add(self, judgement: Judgement) -> None:
        row = asdict(judgement) | {"at": judgement.at.isoformat()}
        with self._alone():
            write_lines(self.path, [*(old for _, old in self._rows()), row])

    def _rows(self) -> list[tuple[str, dict[str, Any]]]:
        return list(read_lines(self.path)) if self.path.exists() else []

    @contextmanager
    def _alone(self) -> Iterator[None]:
        lock = self.path.with_name(f".{self.path.name}.lock")
        try:
            fd = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StoreError(str(lock), str(error)) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)


def _judgement(where: str, row: dict[str, Any]) -> Judgement:
    try:
        values = row | {
            "verdict": Verdict(row["verdict"]),
            "at": datetime.fromisoformat(row["at"]),
        }
        return Judgement(**values)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(where, f"not a judgement: {error}") from error
