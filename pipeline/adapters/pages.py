"""A folder of the static site. Files are replaced whole, and only where they differ."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

from pipeline.adapters.lake import FolderStore, Store


class PageFolder:
    """Names are relative, with ``/``; ``prefix`` is the folder's place in its store."""

    def __init__(self, place: Path | Store, prefix: str = "") -> None:
        self._store = FolderStore(place) if isinstance(place, Path) else place
        self._prefix = prefix
        self.where = f"{self._store.where}/{prefix}"

    def write(self, name: str, body: bytes) -> bool:
        """Take the place of a file; False where it held the same bytes."""
        if self._store.get(self._prefix + name) == body:
            return False
        self._store.put(self._prefix + name, body)
        return True

    def first_line(self, name: str) -> str:
        """Of a text file, without its end; empty where there is no such file."""
        try:
            with self._store.open(self._prefix + name) as file:
                return file.readline(400).decode("utf-8", "replace").rstrip("\n")
        except FileNotFoundError:
            return ""

    def names(self, pattern: str) -> list[str]:
        """The files that match, sorted; ``*`` passes over no ``/``."""
        parts = pattern.split("/")
        start = len(self._prefix)
        return [
            name[start:]
            for name in self._store.names(self._prefix)
            if len(found := name[start:].split("/")) == len(parts)
            and all(map(fnmatch, found, parts))
        ]

    def remove(self, name: str) -> None:
        self._store.remove(self._prefix + name)
