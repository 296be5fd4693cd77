"""What a lake takes of its disk, how fast it grows, and what may go."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median

from pipeline.errors import StoreError

ROOMS = ("archive", "work", "tables", "site")
PRIVATE = ("archive", "work")
GROWTH_DAYS = 7


def usage(root: Path) -> dict[str, int | float | None]:
    """Bytes of each part of a lake and of its disk.

    ``bytes a day`` is the median of what the last 7 days hold, ``days left`` how long
    the free space lasts at that rate; None where there is no day.
    """
    found: dict[str, int | float | None] = {}
    by_day: dict[str, int] = {}
    try:
        disk = shutil.disk_usage(root)
        for room in ROOMS:
            total = 0
            for path, size in _files(root / room):
                total += size
                day = next((p for p in path.parts if p.startswith("date=")), "")
                by_day[day] = by_day.get(day, 0) + size
            found[f"{room} bytes"] = total
        found["database bytes"] = sum(
            path.stat().st_size for path in root.glob("state.*sqlite*")
        )
    except OSError as error:
        raise StoreError(str(root), str(error)) from error
    by_day.pop("", None)
    last = [by_day[day] for day in sorted(by_day)][-GROWTH_DAYS:]
    daily = median(last) if last else None
    return found | {
        "free bytes": disk.free,
        "total bytes": disk.total,
        "bytes a day": daily,
        "days left": round(disk.free / daily, 1) if daily else None,
    }


def readable(root: Path) -> list[str]:
    """The folders of full texts that others than owner and group may read."""
    return [
        f"{name}/: others may read it (mode {stat.S_IMODE(mode):o}); chmod 700 it"
        for name in PRIVATE
        if (root / name).is_dir()
        for mode in [(root / name).stat().st_mode]
        if mode & 0o007
    ]


def remove_older(folder: Path, before: date) -> tuple[int, int]:
    """Remove files last written before a day, and folders that this leaves empty.

    How many files, and how many bytes. For logs: what is written to is never old.
    """
    files = size = 0
    limit = _midnight(before)
    try:
        for place, _, names in os.walk(folder, topdown=False):
            for name in names:
                path = Path(place) / name
                known = path.lstat()
                if known.st_mtime < limit and stat.S_ISREG(known.st_mode):
                    path.unlink(missing_ok=True)
                    files, size = files + 1, size + known.st_size
            if place != str(folder) and not any(Path(place).iterdir()):
                Path(place).rmdir()
    except OSError as error:
        raise StoreError(str(folder), str(error)) from error
    return files, size


def _midnight(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place) / name
            try:
                yield path, path.lstat().st_size
            except FileNotFoundError:
                continue  # moved over while we looked
