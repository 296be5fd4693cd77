"""What the steps ask of the world. Each promise is kept by a fake and by every adapter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.errors import DamagedError
from pipeline.model import (
    Alert,
    ClaimState,
    Correction,
    Delivery,
    Feed,
    FeedState,
    Judgement,
    Loss,
    Partition,
    ReadEntry,
    Relation,
    Response,
    Said,
    SeenArticle,
    Shown,
    Statement,
    TableDay,
    WantedPage,
)


class Fetcher(Protocol):
    """Asks the web. Bounds, manners and the address guard are its own."""

    def feeds(
        self, asked: Sequence[tuple[Feed, FeedState]], *, now: datetime
    ) -> Iterable[tuple[Feed, Response | Exception]]:
        """Each feed's answer, as they come; a FeedError where there is none.

        A feed that the deadline cut off is not answered at all: it stays due.
        """
        ...

    def pages(
        self, urls: Sequence[tuple[str, str]], *, now: datetime
    ) -> Iterable[tuple[str, Response | Exception]]:
        """The answer for each (feed_id, url), robots.txt obeyed; errors as for feeds."""
        ...


class Archive(Protocol):
    """Answers as received, by partition. Only ever added to."""

    def add(self, partition: Partition, responses: Sequence[Response]) -> str:
        """Store an attempt's answers, whole or not at all; its name."""
        ...

    def read(self, partition: Partition) -> Iterator[Response]:
        """All answers of all attempts, one at a time: pages, then feeds by id.

        Those of one feed come in the order of storing. DamagedError at the first that
        is not what was stored.
        """
        ...

    def salvaged(self, partition: Partition) -> Iterator[Response | DamagedError]:
        """The same, but what is damaged is told in its place and the rest goes on."""
        ...

    def holds(self, partition: Partition) -> bool:
        """Whether an answer of the partition is there."""
        ...

    def expired(self, partition: Partition) -> bool:
        """Whether answers of the partition were removed, as retention has it."""
        ...

    def partitions(
        self, since: date | None = None, until: date | None = None
    ) -> list[Partition]:
        """The partitions that hold an answer, in order; of some days no others are
        listed."""
        ...

    def first(self) -> Partition | None:
        """The first that was ever archived; the begin of its day, where answers of it
        were removed, as retention has it. None where nothing was."""
        ...

    def seals(self, partition: Partition) -> dict[str, str]:
        """The SHA-256 under which each file of a partition is sealed, by its path; also
        of those that retention removed."""
        ...

    def faults(self, partition: Partition) -> list[str]:
        """Files of a partition whose bytes are not those that were written."""
        ...

    def upto(self, last: Partition) -> Archive:
        """The same archive, in which no partition after this one is listed."""
        ...


class Lake(Protocol):
    """Working partitions and published tables, as Parquet.

    A write is seen whole or not at all, and the same rows give the same bytes.
    """

    def write(
        self, name: str, partition: Partition, rows: pa.Table | Iterable[pa.Table]
    ) -> str:
        """Take the place of a working partition; the SHA-256 of its bytes.

        Tables that come one after another are never held together.
        """
        ...

    def read(
        self, name: str, partition: Partition, columns: Sequence[str] | None = None
    ) -> pa.Table | None:
        """A working partition, or some columns of it; None where none was written.
        DamagedError if unreadable."""
        ...

    def chunks(
        self, name: str, partition: Partition, columns: Sequence[str] | None = None
    ) -> Iterator[pa.Table]:
        """The same rows, some thousand at a time; nothing where none was written."""
        ...

    def partitions(self, name: str, day: date | None = None) -> list[Partition]:
        """The working partitions there are, in order."""
        ...

    def days(self, name: str) -> list[date]:
        """The days of which there are working partitions, in order."""
        ...

    def publish(
        self,
        table: str,
        day: date,
        rows: pa.Table,
        *,
        version: str = "",
        made_from: str = "",
    ) -> bool:
        """Take the place of a published table-day and of its entry in the manifest;
        False where the bytes of the file were the same. ``made_from`` is the
        SHA-256 of its origin."""
        ...

    def manifest(self, table: str) -> dict[date, TableDay]:
        """The entry of each published day. DamagedError if a byte is another."""
        ...

    def stands(self, table: str, day: date) -> tuple[TableDay | None, bytes]:
        """A table-day's entry in the manifest and its file, as of one moment."""
        ...

    def months(self, table: str) -> dict[str, TableDay]:
        """The entry of each compacted month. DamagedError if a byte is another."""
        ...

    def month_sha256(self, table: str, month: str) -> str:
        """One SHA-256 over the files of a compacted month, a figure each."""
        ...

    def package(self) -> bytes:
        """``datapackage.json`` as it lies beside the tables; empty where it does not."""
        ...

    def write_package(self, body: bytes) -> None: ...

    def upto(self, last: Partition) -> Lake:
        """The same lake, in which no working partition after this one is listed."""
        ...

    def work_sha256(self, name: str, partition: Partition) -> tuple[str, str]:
        """A working partition's path in the lake and the SHA-256 of its bytes; where its
        texts were removed as retention has it, of the bytes that it had before."""
        ...

    def expire(self, day: date) -> int:
        """Empty the texts in a day's partitions of ``articles``, all else kept; how many
        were made over. Cut off, it goes on where it was when asked again."""
        ...

    def expired(self, day: date) -> frozenset[Partition]:
        """The partitions whose texts were removed, or are about to be."""
        ...

    def has_texts(self, day: date) -> bool:
        """Whether a partition of ``articles`` still holds its texts."""
        ...

    def published(self, table: str) -> list[date]:
        """The days of a published table, in order."""
        ...

    def load(
        self, table: str, day: date, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """One published table-day, or some columns of it."""
        ...

    def table_sha256(self, table: str, day: date) -> str:
        """Of the file of a published table-day."""
        ...

    def page(self, name: str) -> bytes | None:
        """A file of the site as it is; None where it is not."""
        ...

    def write_page(self, name: str, html: str) -> str:
        """Take the place of a page of the static site; its path."""
        ...


class Pages(Protocol):
    """A folder of the static site. A write is seen whole or not at all."""

    def write(self, name: str, body: bytes) -> bool:
        """Take the place of a file; False where it held the same bytes."""
        ...

    def first_line(self, name: str) -> str:
        """Of a text file, without its end; empty where there is no such file."""
        ...

    def names(self, pattern: str) -> list[str]:
        """The files that match a glob, sorted."""
        ...

    def remove(self, name: str) -> None:
        """A file that is not there is no error."""
        ...


class FeedStates(Protocol):
    def load(self, feeds: Sequence[Feed]) -> dict[str, FeedState]:
        """The state of each feed; a fresh one where it was never asked."""
        ...

    def save(self, states: Iterable[FeedState]) -> None: ...

    def wanted_pages(self, now: datetime) -> list[WantedPage]:
        """Pages that failed before and are due for another try."""
        ...

    def pages_failed(self, wanted: Iterable[WantedPage], now: datetime) -> None:
        """Another try later, a few times; then they are given up."""
        ...

    def pages_later(self, wanted: Iterable[WantedPage], now: datetime) -> None:
        """Due from now on: what is not answered in this pass is asked in the next."""
        ...

    def pages_done(self, wanted: Iterable[WantedPage]) -> None: ...

    def pages_known(self, keys: Sequence[str]) -> set[str]:
        """Those of the keys whose page was fetched, given up or is due for a try."""
        ...


class Seen(Protocol):
    """What ``read`` remembers, cut at a partition: it shows earlier ones only."""

    def find(
        self,
        *,
        urls: Sequence[str],
        guids: Sequence[tuple[str, str]],
        before: Partition,
    ) -> list[SeenArticle]:
        """Every revision of the articles with these URLs or (feed_id, GUID)s."""
        ...

    def alike(
        self, bands: npt.NDArray[np.int64], *, since: datetime, before: Partition
    ) -> list[SeenArticle]:
        """First revisions that share a MinHash band, seen since a moment, in order."""
        ...

    def shown(
        self, digests: Sequence[bytes], *, before: Partition
    ) -> Mapping[bytes, Shown]:
        """Of the entries with these digests those that were read, by digest."""
        ...

    def replace(
        self,
        partition: Partition,
        articles: Sequence[SeenArticle],
        bands: npt.NDArray[np.int64],
        read: Sequence[ReadEntry] = (),
    ) -> None:
        """Take the place of what an earlier try of this partition remembered.

        ``bands`` has a row for each article; negative numbers stand for none. The
        entries read are added: what is known of one is true whichever partition it was
        in.
        """
        ...


class Earlier(Protocol):
    """What is on record of a statement's figure before a partition."""

    def __call__(
        self, said: Said, taken: Mapping[str, int]
    ) -> Sequence[tuple[int, Said]]:
        """Those found by most of its terms, best first, with the number of terms.

        ``taken`` says how many of each term's places later statements have. Of equals
        the latest come first.
        """
        ...

    def near(self, said: Said, taken: int) -> Sequence[tuple[float, Said]]:
        """Those nearest in meaning, nearest first, and how near.

        Searched are the latest ``candidates.MOST_READ``, less those ``taken``.
        """
        ...


class Record(Protocol):
    """Each figure's record, a cache of the fold of ``match``; cut at a partition."""

    def before(
        self,
        partition: Partition,
        wanted: Sequence[tuple[Said, Sequence[str]]],
        *,
        places: int,
        limit: int,
    ) -> Earlier:
        """What finds the earlier statements of a figure on record for those wanted.

        ``wanted`` are a partition's statements with their terms. A term leads to its
        figure's latest ``places`` statements that hold it; ``limit`` are given.
        """
        ...

    def replace(
        self,
        partition: Partition,
        rows: Sequence[tuple[Statement, Relation, Sequence[str], bytes]],
    ) -> None:
        """Take the place of what an earlier try of this partition put on record.

        Each statement with its relation, its terms and the vector of its meaning.
        """
        ...

    def states(self, *, since: datetime, upto: Partition) -> list[ClaimState]:
        """The claims first seen since a moment, as of a partition, in order."""
        ...

    def histories(
        self, *, since: datetime, upto: Partition
    ) -> list[list[tuple[datetime, ClaimState]]]:
        """The same claims, each with its state after every pass that added to it."""
        ...

    def corrected(
        self, partition: Partition, corrections: Sequence[Correction]
    ) -> None:
        """Take the place of what a partition's edits are known to have undone."""
        ...

    def losses(self, *, since: datetime, upto: Partition) -> list[Loss]:
        """The claims that lost their last standing report to an edit since a moment."""
        ...

    def of_claim(self, claim_id: str) -> list[tuple[Partition, Statement, Relation]]:
        """A claim's statements, the one that opened it first; none where there is no such claim."""
        ...

    def find(self, statement_id: str) -> tuple[Partition, Statement, Relation] | None:
        """One statement on record."""
        ...

    def figures_since(self, upto: Partition) -> dict[str, datetime]:
        """When each figure was first on record."""
        ...


class Outbox(Protocol):
    """Alerts and their deliveries. An alert is put once, whatever is run again."""

    def put(self, alerts: Sequence[Alert]) -> int:
        """Store those that are not there yet; how many were new."""
        ...

    def due(self, now: datetime) -> list[tuple[Alert, int]]:
        """Alerts to send now, oldest first, with the number of tries so far."""
        ...

    def unknown(self, alert_ids: Sequence[str]) -> set[str]:
        """Those whose alerts ``put`` would store."""
        ...

    def told(self, claim_ids: Sequence[str]) -> list[Alert]:
        """The alerts, no retractions, that were put for these claims."""
        ...

    def last_told(self, since: datetime) -> dict[tuple[str, str, str], datetime]:
        """When each (rule, channel, figure) told, or is to tell, last since a moment."""
        ...

    def record(
        self, tried: Delivery | Sequence[Delivery], next_try_at: datetime | None
    ) -> None:
        """What one attempt came to, for all the alerts it was for, whole or not at all."""
        ...

    def alerts(self, day: date) -> list[Alert]: ...

    def deliveries(self, day: date) -> list[Delivery]: ...


class Judgements(Protocol):
    """What editors decided, in the order in which they did. No rebuild touches it."""

    def all(self) -> list[Judgement]: ...

    def add(self, judgement: Judgement) -> None: ...


class Channel(Protocol):
    """A way out. ``send`` returns when the other side has taken the alert."""

    id: str

    def send(self, alert: Alert) -> None:
        """DeliveryError where a later try may help, RefusedError where none will."""
        ...


class Progress(Protocol):
    """Which partitions each step has made, and which must be made again.

    A step's output hangs on its input and, where the step is a fold, on the step's own
    earlier outputs: what changes makes the rest stale.
    """

    def pending(
        self, step: str, upto: Partition, *, first: int | None = None
    ) -> list[Partition]:
        """Stale partitions up to this one, in order; only the ``first`` so many."""
        ...

    def stale(self, step: str, since: Partition, *, only: bool = True) -> None:
        """Mark one partition (and, unless ``only``, every later one) to be made."""
        ...

    def done(self, step: str, partition: Partition, sha256: str) -> bool:
        """Mark as made; True where the output differs from what stood there before.

        Where the step is a fold, a difference makes its later partitions stale.
        """
        ...

    def known(self, step: str, since: date | None = None) -> set[Partition]:
        """Every partition that the step was ever asked to make, of the days since one."""
        ...

    def last(self, step: str) -> Partition | None:
        """The last partition that is made and not stale; None where none is."""
        ...
