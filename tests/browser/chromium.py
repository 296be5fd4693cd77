"""The distribution's Chromium: where it is, and how it is started."""

from __future__ import annotations

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str:
    """Its path; ``ONRECORD_CHROMIUM`` first. FileNotFoundError says what to install."""
    given = os.environ.get("ONRECORD_CHROMIUM")
    for name in [given] if given else NAMES:
        path = shutil.which(name)
        if path:
            return path
    raise FileNotFoundError(
        f"no Chromium ({given or ', '.join(NAMES)}): apt-get install chromium, "
        "or set ONRECORD_CHROMIUM to its path"
    )
