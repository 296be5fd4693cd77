"""Return when Airflow's API answers: a task that starts before it can only fail."""

from __future__ import annotations

import os
import sys
import time
import urllib.error
import urllib.request

PATIENCE_SECONDS = 180


def main() -> int:
    """Ask once a second; 1 where it never answers."""
    url = f"http://127.0.0.1:{os.environ['ONRECORD_PORT']}/api/v2/version"
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return 0
        except (urllib.error.URLError, OSError):
            time.sleep(1)
    print(f"no answer from {url} in {PATIENCE_SECONDS} s", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
