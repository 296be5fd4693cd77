"""When a failed delivery is tried again."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
MAX_ATTEMPTS = 20
"""About three days of trying; then the delivery is dead."""


def retry_at(attempt: int, now: datetime, key: str) -> datetime | None:
    """The moment of the next try after ``attempt`` tries; None when it was the last.

    The wait doubles from a minute to six hours. Up to a fifth is added, by a hash of
    key and attempt, so that what failed together does not come back together, and a
    second run says the same.
    """
    if attempt < 1:
        raise ValueError(f"attempt counts from 1: {attempt}")
    if attempt >= MAX_ATTEMPTS:
        return None
    wait = min(FIRST_WAIT * (1 << min(attempt - 1, 16)), LONGEST_WAIT)
    return now + wait * (1 + 0.2 * _share(key, attempt))


def _share(key: str, attempt: int) -> float:
    """A number from 0 to 1 that hangs on the key and the attempt only."""
    found = sha256(f"{key}\x1f{attempt}".encode()).digest()
    return int.from_bytes(found[:4], "big") / 0xFFFFFFFF
