"""A folder of the static site. Files are replaced whole, and only where they differ."""

from __future__ import annotations

from pathlib import Path

from pipeline.adapters.lake import write_whole
from pipeline.errors import StoreError


class PageFolder:
    """Names are relative, with ``/``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, body: bytes) -> bool:
        """Take the place of a file; False where it held the same bytes."""
        path = self.root / name
        try:
            if path.is_file() and path.read_bytes() == body:
                return False
        except OSError as error:
            raise StoreError(str(path), str(error)) from error
        write_whole(path, body)
        return True

    def first_line(self, name: str) -> str:
        """Of a text file, without its end; empty where there is no such file."""
        path = self.root / name
        if not path.is_file():
            return ""
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.readline(400).rstrip("\n")

    def names(self, pattern: str) -> list[str]:
        """The files that match, sorted."""
        found = self.root.glob(pattern)
        return sorted(path.relative_to(self.root).as_posix() for path in found)

    def remove(self, name: str) -> None:
        (self.root / name).unlink(missing_ok=True)
