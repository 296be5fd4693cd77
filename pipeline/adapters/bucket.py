"""The lake's bytes in an object store that speaks S3: one object a name, whole by nature.

A single PUT is seen whole or not at all; a name that must be free is asked for with
``If-None-Match`` and a change with ``If-Match``, so that no lock is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, BinaryIO, cast
from urllib.parse import urlsplit

from pipeline.adapters.lake import Change
from pipeline.errors import DeliveryError, InputError, StoreError
from pipeline.model import Alert

if TYPE_CHECKING:
    from obstore.store import S3Store

LOOPBACK = ("127.0.0.1", "::1", "localhost")
HELD_BYTES = 8_000_000
"""Of an object that is read as a file; what is larger waits on disk."""

CHANGE_TRIES = 20


class BucketStore:
    """A Store in a bucket. Key, secret and region come from the environment (AWS_...).

    What answers 5xx or not at all is asked again, with growing pauses, for
    ``patience_seconds``; then StoreError.
    """

    pauses: Sequence[float] = (0.1, 0.3, 1.0, 3.0)

    def __init__(
        self,
        url: str,
        *,
        endpoint: str = "",
        timeout_seconds: float = 60,
        patience_seconds: float = 120,
    ) -> None:
        """``url`` is ``s3://bucket/prefix``; ``endpoint`` where it is not Amazon's.

        InputError names the setting that is wrong, or the package that is missing.
        """
        try:
            from obstore import store
        except ImportError as error:
            raise InputError(
                "setting ONRECORD_LAKE",
                f"{url} needs the extra s3: pip install 'onrecord[s3]'",
            ) from error
        parts, at = urlsplit(url), urlsplit(endpoint)
        if parts.scheme != "s3" or not parts.netloc:
            raise InputError("setting ONRECORD_LAKE", f"{url}: a folder or s3://bucket")
        if endpoint and (
            at.scheme not in ("http", "https")
            or (at.scheme == "http" and at.hostname not in LOOPBACK)
        ):
            raise InputError(
                "setting ONRECORD_LAKE_ENDPOINT",
                f"{endpoint}: https://host, or http:// on loopback alone",
            )
        self.where = url.rstrip("/")
        try:
            self._bucket: S3Store = store.S3Store(
                parts.netloc,
                prefix=parts.path.strip("/") or None,
                client_options={
                    "allow_http": at.scheme == "http",
                    "connect_timeout": timedelta(seconds=5),
                    "timeout": timedelta(seconds=timeout_seconds),
                },
                retry_config={
                    "max_retries": 30,
                    "retry_timeout": timedelta(seconds=patience_seconds),
                },
                config={"endpoint": endpoint} if endpoint else {},
            )
        except Exception as error:  # of the library: a variable it can't read
            raise InputError("variables AWS_...", _first_line(error)) from error

    def put(self, name: str, body: bytes) -> None:
        with self._asking(name):
            self._bucket.put(name, body, use_multipart=False)

    def add(self, name: str, body: bytes) -> bool:
        try:
            with self._asking(name):
                self._bucket.put(name, body, use_multipart=False, mode="create")
        except FileExistsError:
            return False
        return True

    def get(self, name: str) -> bytes | None:
        return self._versioned(name)[0]

    def open(self, name: str) -> BinaryIO:
        file: IO[bytes] = SpooledTemporaryFile(HELD_BYTES)  # noqa: SIM115
        try:
            with self._asking(name):
                for chunk in self._bucket.get(name):
                    file.write(chunk)
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return cast(BinaryIO, file)

    def names(self, prefix: str) -> list[str]:
        with self._asking(prefix):
            pages = self._bucket.list(prefix)
            return sorted(found["path"] for page in pages for found in page)

    def folders(self, prefix: str) -> list[str]:
        with self._asking(prefix):
            found = self._bucket.list_with_delimiter(prefix)["common_prefixes"]
            return sorted(path.rstrip("/").rpartition("/")[2] for path in found)

    def remove(self, name: str) -> None:
        with self._asking(name):
            self._bucket.delete(name)

    def change(self, name: str, how: Change) -> None:
        for _ in range(CHANGE_TRIES):
            before, version = self._versioned(name)
            body = how(before)
            if body is None or self._swap(name, body, version):
                return
        raise StoreError(f"{self.where}/{name}", "others change it all the time")

    def alone(self, name: str) -> AbstractContextManager[None]:
        return nullcontext()  # writers wait for each other in the database

    def sweep(self) -> int:
        return 0  # a put that was cut off leaves nothing

    def _swap(self, name: str, body: bytes, version: str | None) -> bool:
        """Put where the version is still that one (None: nothing); whether it was."""
        from obstore.exceptions import PreconditionError

        if version is None:
            return self.add(name, body)
        try:
            with self._asking(name):
                self._bucket.put(
                    name, body, use_multipart=False, mode={"e_tag": version}
                )
        except PreconditionError:
            return False
        return True

    def _versioned(self, name: str) -> tuple[bytes | None, str | None]:
        try:
            with self._asking(name):
                found = self._bucket.get(name)
                return bytes(found.bytes()), found.meta["e_tag"]
        except FileNotFoundError:
            return None, None

    @contextmanager
    def _asking(self, name: str) -> Iterator[None]:
        """StoreError for all but the three answers that callers wait for."""
        from obstore.exceptions import (
            AlreadyExistsError,
            BaseError,
            PreconditionError,
        )

        try:
            yield
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise StoreError(self.where, "there is no such bucket") from error
            raise
        except AlreadyExistsError as error:
            raise FileExistsError(f"{self.where}/{name}") from error
        except PreconditionError:
            raise
        except BaseError as error:
            raise StoreError(f"{self.where}/{name}", _first_line(error)) from error


def _first_line(error: Exception) -> str:
    """What the library says, without its dump of the request."""
    return str(error).strip().partition("\n")[0][:500]


class BucketChannel:
    """Alerts in one object of the lake.

    ``added`` makes its new content of the old and an alert; None where that stands in it.
    """

    def __init__(
        self,
        id: str,
        store: BucketStore,
        name: str,
        added: Callable[[bytes | None, Alert], bytes | None],
    ) -> None:
        self.id = id
        self._store = store
        self._name = name
        self._added = added

    def send(self, alert: Alert) -> None:
        try:
            self._store.change(self._name, lambda there: self._added(there, alert))
        except StoreError as error:
            raise DeliveryError(self.id, str(error)) from error
