"""The published tables: their registry, their checks, and ``load`` for notebooks."""

from pipeline.tables.reading import load

__all__ = ["load"]
