"""What can go wrong, as a tree. Each error names its object and says if a retry may help.

PipelineError
├── ConfigError        a file that people wrote is wrong: file, line, what is allowed
├── FeedError          one feed failed; it never stops the others
│   ├── FetchError     no usable answer came back; a later try may succeed
│   ├── BlockedError   our own guard refused the address
│   └── ParseError     an answer came back and is not a feed
├── PageError          a page holds no article (wall, error page, nothing left)
├── InputError         what a command was given is wrong: file, line, what to do
├── ModelError         the language model is missing or damaged
├── StoreError         the lake or the database refused; a later try may succeed
├── DamagedError       something at rest is not what was written
│   └── BrokenDatabaseError  the state database is; no step can go on without it
└── DeliveryError      a channel did not take an alert; a later try may succeed
    └── RefusedError   a channel will never take it
"""

from __future__ import annotations

from pathlib import PurePath


class PipelineError(Exception):
    """The root. ``transient`` says that the same call may succeed later."""

    transient = False


class ConfigError(PipelineError):
    """A config file is wrong. ``line`` counts from 1; None where no line can be named."""

    def __init__(self, path: PurePath | str, line: int | None, reason: str) -> None:
        super().__init__(path, line, reason)
        self.path = path
        self.line = line
        self.reason = reason

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line is not None else str(self.path)
        return f"{place}: {self.reason}"


class FeedError(PipelineError):
    """One feed failed; it never stops the others."""

    def __init__(self, feed_id: str, reason: str, *, status: int | None = None) -> None:
        super().__init__(feed_id, reason)
        self.feed_id = feed_id
        self.reason = reason
        self.status = status

    def __str__(self) -> str:
        return f"feed {self.feed_id}: {self.reason}"

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.feed_id, self.reason), {"status": self.status}


class FetchError(FeedError):
    """No usable answer came back; a later try may succeed."""

    transient = True


class BlockedError(FeedError):
    """Our own guard refused the address."""


class ParseError(FeedError):
    """An answer came back and is not a feed."""


class PageError(PipelineError):
    """A page holds no article."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(url, reason)
        self.url = url
        self.reason = reason

    def __str__(self) -> str:
        return f"page {self.url}: {self.reason}"


class InputError(PipelineError):
    """What a command was given is wrong."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(where, reason)
        self.where = where
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


class ModelError(InputError):
    """The language model is missing or damaged."""


class StoreError(PipelineError):
    """The lake or the database refused."""

    transient = True

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(where, reason)
        self.where = where
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


class DamagedError(StoreError):
    """Something at rest is not what was written; ``onrecord rebuild`` makes it anew."""

    transient = False


class BrokenDatabaseError(DamagedError):
    """The state database is damaged: no step can go on without it."""


class DeliveryError(PipelineError):
    """A channel did not take an alert."""

    transient = True

    def __init__(self, channel: str, reason: str) -> None:
        super().__init__(channel, reason)
        self.channel = channel
        self.reason = reason

    def __str__(self) -> str:
        return f"channel {self.channel}: {self.reason}"


class RefusedError(DeliveryError):
    """A channel will never take it."""

    transient = False
