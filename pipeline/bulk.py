"""History at speed: ``batch.statements_of`` over many articles at once, by Dask workers.

The workers read their articles from the lake themselves and give statements back; all
else (revisions, relations, tables) is done by the same steps as ever, in order.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Protocol

import pyarrow as pa

from pipeline.app import App, open_app
from pipeline.batch import statements_of
from pipeline.errors import InputError, PipelineError, StoreError
from pipeline.model import Partition
from pipeline.operations.passes import Found
from pipeline.settings import Settings
from pipeline.wiring import Parts

BATCH_ARTICLES = 200
"""Articles of one task: some seconds of work, so that its overhead is small."""

AHEAD = 4
"""Tasks under way for each worker; what is done and not yet written is held."""

RETRIES = 2
"""Of a task whose lake did not answer; a worker that dies is made good by Dask."""


class Future(Protocol):
    """What is asked of a task under way."""

    def result(self) -> pa.Table: ...


class Client(Protocol):
    """What is asked of a Dask client."""

    def submit(self, work: Any, *given: Any, pure: bool, retries: int) -> Future: ...


@contextmanager
def dask_workers(count: int) -> Iterator[Client]:
    """A scheduler and workers on loopback, under TLS with keys made for this run.

    InputError names the extra where Dask is not installed.
    """
    try:
        from distributed import Client as Connected
        from distributed import LocalCluster, Security
    except ImportError as error:
        raise InputError(
            "--engine dask", "needs the extra bulk: pip install 'onrecord[bulk]'"
        ) from error
    security = Security.temporary()
    with (
        LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            host="127.0.0.1",
            protocol="tls://",
            security=security,
            dashboard_address=None,
        ) as cluster,
        Connected(cluster, security=security) as client,
    ):
        yield client


def found_by(
    client: Client, app: Parts, partitions: Sequence[Partition], workers: int
) -> Found:
    """What ``extract`` asks for a partition's statements: made ahead, in this order.

    A partition that was not announced is worked on when it is asked for.
    """
    settings = dumped(app.settings)
    waiting = (one for one in partitions if one not in app.lake.expired(one.day))
    ahead: deque[tuple[Partition, list[Future]]] = deque()

    def tasks(partition: Partition) -> list[Future]:
        articles = app.lake.read("articles", partition, ["article_id"])
        return [
            client.submit(
                statements_at,
                settings,
                str(partition),
                start,
                BATCH_ARTICLES,
                pure=False,
                retries=RETRIES,
            )
            for start in range(0, articles.num_rows if articles else 0, BATCH_ARTICLES)
        ]

    def fill() -> None:
        while sum(len(futures) for _, futures in ahead) < AHEAD * workers:
            partition = next(waiting, None)
            if partition is None:
                return
            ahead.append((partition, tasks(partition)))

    def found(partition: Partition) -> Iterator[pa.Table]:
        fill()
        if ahead and ahead[0][0] == partition:
            futures = ahead.popleft()[1]
        else:
            futures = tasks(partition)
        for future in futures:
            yield _result(future, partition)
            fill()

    return found


def _result(future: Future, partition: Partition) -> pa.Table:
    try:
        return future.result()
    except PipelineError:
        raise
    except Exception as error:  # of any kind: it comes from another process
        raise StoreError(
            f"partition {partition}", f"a worker failed: {error}"
        ) from error


def statements_at(settings: str, partition: str, start: int, count: int) -> pa.Table:
    """On a worker: the statements of one batch of a partition's articles."""
    app = _app(settings)
    articles = app.lake.read("articles", Partition.parse(partition))
    if articles is None:
        raise StoreError(f"articles of {partition}", "gone while they were worked on")
    batch = articles.slice(start, count)
    return statements_of(batch, extractor=app.extractor)


@cache
def _app(settings: str) -> App:
    """One a worker: the model is loaded once."""
    return open_app(**json.loads(settings))


def dumped(settings: Settings) -> str:
    """What a worker must know to extract as we do; the database's secret stays here."""
    values: dict[str, Any] = settings.model_dump(mode="json", exclude={"database_url"})
    return json.dumps(values)
