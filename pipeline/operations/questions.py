"""Questions to the published tables: SQL, and trends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pipeline.errors import InputError, StoreError
from pipeline.wiring import Parts


class Questions(Parts):
    """What is asked of the published tables as a whole."""

    @contextmanager
    def sql(self) -> Iterator[Callable[[str], str]]:
        """Answers queries over the published tables, each drawn as a table."""
        from pipeline.adapters.sql import answers, open_sql

        try:
            opened = open_sql(self.settings.lake, self.settings.lake_endpoint)
        except OSError as error:
            raise StoreError(self.settings.lake, str(error)) from error
        with opened:
            yield lambda query: answers(opened, query) or "done"

    def trends(self, **asked: Any) -> str:
        """``tables.trends.trend`` as CSV, by all that is asked for."""
        from pipeline.tables.trends import trend

        by = ["figure", *(n for n in ("subtopic", "act") if asked[n] is not None)]
        try:
            where = self.settings.lake, self.settings.lake_endpoint
            made = trend(by, **asked, lake=where[0], endpoint=where[1])
        except ValueError as error:
            raise InputError("trends", str(error)) from error
        except OSError as error:
            raise StoreError(self.settings.lake, str(error)) from error
        return made.to_csv(index=False)
