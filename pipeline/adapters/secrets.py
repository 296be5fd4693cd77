"""Secrets: from a variable, or from a file that nobody else may read."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

from pipeline.errors import ConfigError

MOST_BYTES = 65_536


def secret_of(name: str, environment: Mapping[str, str]) -> str | None:
    """What the variable holds, or the file that ``<name>_FILE`` names; None without.

    ConfigError names the file that can't be read or that others may read.
    """
    if environment.get(name):
        return environment[name]
    path = environment.get(f"{name}_FILE")
    return _held(Path(path)) if path else None


def refuse_readable(path: Path, why: str) -> None:
    """ConfigError where somebody else may read a file that holds a secret."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise ConfigError(path, None, str(error)) from error
    if mode & 0o077:
        raise ConfigError(
            path,
            None,
            f"{why}, and others may read it (mode {stat.S_IMODE(mode):o}); "
            "chmod 600 it",
        )


def _held(path: Path) -> str:
    refuse_readable(path, "it holds a secret")
    try:
        with path.open(encoding="utf-8") as file:
            found = file.read(MOST_BYTES).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(path, None, str(error)) from error
    if not found:
        raise ConfigError(path, None, "a secret is expected, the file is empty")
    return found
