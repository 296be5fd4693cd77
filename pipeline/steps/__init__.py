"""The steps: read, call logic, write, report. What every door runs.

A step makes one partition, and first any earlier one that is stale: what a killed pass
left undone is done by the next. Before a step writes, it marks what hangs on its output
as stale; afterwards it marks its own partition as made. So a kill at any moment leaves
too much marked, never too little.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.steps.collecting import fetch
    from pipeline.steps.expiring import expire_texts
    from pipeline.steps.extracting import extract
    from pipeline.steps.matching import match
    from pipeline.steps.publishing import publish
    from pipeline.steps.reading import read
    from pipeline.steps.shared import stale_since
    from pipeline.steps.telling import alert, deliver

__all__ = [
    "FOLDS",
    "alert",
    "deliver",
    "expire_texts",
    "extract",
    "fetch",
    "match",
    "publish",
    "read",
    "stale_since",
]

FOLDS = ("read", "match")
"""Steps whose output hangs on their own earlier outputs."""

_IN = {
    "fetch": "collecting",
    "read": "reading",
    "extract": "extracting",
    "match": "matching",
    "alert": "telling",
    "deliver": "telling",
    "publish": "publishing",
    "expire_texts": "expiring",
    "stale_since": "shared",
}


def __getattr__(name: str) -> Any:
    """A step is loaded when it is asked for: `status` runs none."""
    if name not in _IN:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_IN[name]}"), name)
