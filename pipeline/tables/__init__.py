"""The published tables: their registry, their checks, and ``load`` for notebooks."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.tables.reading import load

__all__ = ["load"]


def __getattr__(name: str) -> Any:
    """``load`` brings pandas with it, which the registry needs not."""
    if name != "load":
        raise AttributeError(name)
    from pipeline.tables.reading import load

    return load
