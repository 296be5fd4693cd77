"""JSON lines on disk: read with the line of a mistake, written whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.adapters.lake import write_whole
from pipeline.errors import InputError


def read_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each object with its place (``file:line``). InputError where a line is not one."""
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield f"{path}:{number}", object_in(f"{path}:{number}", line)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(path), f"can't be read: {error}") from error


def object_in(where: str, line: str) -> dict[str, Any]:
    """The object of one line. InputError names the place where it is none."""
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        raise InputError(where, f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise InputError(where, "one JSON object a line is expected")
    return value


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write the rows, whole or not at all; how many.

    What is no regular file (a pipe, a terminal, ``/dev/stdout``) is written to, never
    replaced.
    """
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    body = "".join(line + "\n" for line in lines).encode()
    if path.is_symlink() or (path.exists() and not path.is_file()):
        with path.open("ab") as file:
            file.write(body)
    else:
        write_whole(path.absolute(), body)
    return len(lines)
