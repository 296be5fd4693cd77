"""Ways out for alerts: a file of JSON lines, signed webhooks, and the others, opened."""

from __future__ import annotations

import asyncio
import base64
import binascii
import fcntl
import hmac
import json
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import aiohttp

from pipeline.adapters.apprised import AppriseChannel
from pipeline.adapters.atom import AtomChannel, feed_with
from pipeline.adapters.bucket import BucketChannel, BucketStore
from pipeline.adapters.mail import EmailChannel
from pipeline.adapters.secrets import secret_of
from pipeline.alerts.fit import MOST_OF_TELEGRAM, plain, slack_text, telegram_html
from pipeline.errors import DeliveryError, RefusedError
from pipeline.model import Alert
from pipeline.ports import Channel

TIMEOUT_SECONDS = 20.0
ATOM_PATH = "site/alerts.atom"
_MAY_HELP = frozenset({408, 409, 425, 429})
_SECRET_PREFIX = "whsec_"


class ChannelSpec(Protocol):
    """A way out, as configured. ``..._env`` name the variables with secrets."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> str: ...  # file, atom, webhook, email, apprise
    @property
    def path(self) -> str | None: ...
    @property
    def url(self) -> str | None: ...
    @property
    def url_env(self) -> str | None: ...
    @property
    def secret_env(self) -> str | None: ...
    @property
    def form(self) -> str: ...  # json, text, html, slack, telegram
    @property
    def chat(self) -> str | None: ...  # of a bot
    @property
    def host(self) -> str | None: ...
    @property
    def port(self) -> int | None: ...
    @property
    def tls(self) -> str: ...  # starttls, tls, none
    @property
    def username(self) -> str | None: ...
    @property
    def sender(self) -> str | None: ...
    @property
    def recipients(self) -> tuple[str, ...]: ...
    @property
    def ca_file(self) -> str | None: ...


def utc_now() -> datetime:
    return datetime.now(UTC)


def open_channels(
    specs: Sequence[ChannelSpec],
    *,
    folder: Path | BucketStore,
    environment: Mapping[str, str],
    clock: Callable[[], datetime] = utc_now,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> list[Channel]:
    """The configured channels. ``folder`` is where relative paths of files begin: a
    folder, or the bucket that the lake is.

    ValueError names the channel: its secret's variable is not set, say.
    """

    def opened(spec: ChannelSpec) -> Channel:
        if isinstance(folder, BucketStore):
            if spec.kind == "file" and spec.path:
                return BucketChannel(spec.id, folder, spec.path, lines_with)
            if spec.kind == "atom":
                return BucketChannel(spec.id, folder, spec.path or ATOM_PATH, feed_with)
        elif spec.kind == "file" and spec.path:
            return FileChannel(spec.id, _inside(spec.id, folder, spec.path))
        elif spec.kind == "atom":
            path = _inside(spec.id, folder, spec.path or ATOM_PATH)
            return AtomChannel(spec.id, path)
        if spec.kind == "webhook" and (spec.url or spec.url_env):
            return WebhookChannel(
                spec.id,
                _url(spec, environment),
                secret=_secret(spec, environment),
                form=spec.form,
                chat=spec.chat,
                clock=clock,
                timeout_seconds=timeout_seconds,
            )
        if spec.kind == "email" and spec.host and spec.sender and spec.recipients:
            return EmailChannel(
                spec.id,
                spec.host,
                sender=spec.sender,
                recipients=spec.recipients,
                tls=spec.tls,
                port=spec.port,
                username=spec.username,
                password=_secret(spec, environment),
                ca_file=spec.ca_file,
                timeout_seconds=timeout_seconds,
            )
        if spec.kind == "apprise" and (spec.url or spec.url_env):
            return AppriseChannel(spec.id, _url(spec, environment), form=spec.form)
        raise ValueError(
            f"channels[{spec.id}].kind: file with a path, atom, webhook or apprise with "
            "a url, or email with host, sender and recipients"
        )

    return [opened(spec) for spec in specs]


def _secret(spec: ChannelSpec, environment: Mapping[str, str]) -> str | None:
    if not spec.secret_env:
        return None
    return _variable(spec.id, "secret_env", spec.secret_env, environment)


def _url(spec: ChannelSpec, environment: Mapping[str, str]) -> str:
    """The address; in a variable where it is a secret itself (Slack, Telegram)."""
    if spec.url_env:
        return _variable(spec.id, "url_env", spec.url_env, environment)
    return spec.url or ""


def _variable(id: str, key: str, name: str, environment: Mapping[str, str]) -> str:
    found = secret_of(name, environment)
    if not found:
        raise ValueError(f"channels[{id}].{key}: {name} is not set, nor {name}_FILE")
    return found


def _inside(id: str, folder: Path, path: str) -> Path:
    """A file of the lake. ValueError where the path leads out of it, by link or dots."""
    found = folder / path
    if not found.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"channels[{id}].path: {path} leads out of the lake")
    return found


def envelope(alert: Alert) -> dict[str, object]:
    """The alert as it is sent: type, moment and data, after Standard Webhooks."""
    return {
        "type": alert.payload.get("type", str(alert.kind)),
        "timestamp": alert.created_at.isoformat(),
        "alert_id": alert.alert_id,
        "subject": alert.subject,
        "body": alert.body,
        "data": dict(alert.payload),
    }


# ----------------------------------------------------------------------------- file


class FileChannel:
    """One JSON object a line, on disk when ``send`` returns; no alert stands twice.

    Several processes may share the file. A line that a crash cut off is taken away
    before the next is written.
    """

    def __init__(self, id: str, path: Path) -> None:
        self.id = id
        self.path = path
        self._known: set[str] = set()
        self._read_to = 0
        self._inode = -1

    def send(self, alert: Alert) -> None:
        row = json.dumps(envelope(alert), ensure_ascii=False).encode() + b"\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX)
                self._catch_up(fd)
                if alert.alert_id not in self._known:
                    self._append(fd, row)
                    self._known.add(alert.alert_id)
                os.fsync(fd)
            finally:
                os.close(fd)
        except OSError as error:
            raise DeliveryError(self.id, f"{self.path.name}: {error}") from error

    def _catch_up(self, fd: int) -> None:
        """Read what was written since the last look, whole lines only."""
        there = os.fstat(fd)
        if there.st_ino != self._inode or there.st_size < self._read_to:
            self._known, self._read_to = set(), 0  # another file than last time
            self._inode = there.st_ino
        os.lseek(fd, self._read_to, os.SEEK_SET)
        with os.fdopen(os.dup(fd), "rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._read_to += len(line)
                self._known.add(_id_in(line))

    def _append(self, fd: int, row: bytes) -> None:
        os.ftruncate(fd, self._read_to)
        os.lseek(fd, self._read_to, os.SEEK_SET)
        left = row
        while left:
            left = left[os.write(fd, left) :]
        self._read_to += len(row)


def lines_with(there: bytes | None, alert: Alert) -> bytes | None:
    """Lines with one alert more; None where it stands among them already."""
    lines = (there or b"").splitlines(keepends=True)
    if alert.alert_id in map(_id_in, lines):
        return None
    return (
        (there or b"")
        + json.dumps(envelope(alert), ensure_ascii=False).encode()
        + b"\n"
    )


def _id_in(line: bytes) -> str:
    try:
        return str(json.loads(line)["alert_id"])
    except (ValueError, KeyError, TypeError):
        return ""  # a line of someone else's; it is left alone


# -------------------------------------------------------------------------- webhook


class WebhookChannel:
    """HTTP POST with the headers of Standard Webhooks; ``webhook-id`` is the alert's id.

    A receiver that knows the id twice may drop the second. ``secret`` is base64 after
    ``whsec_``, or any text; without one nothing is signed. Redirects are not followed.
    """

    def __init__(
        self,
        id: str,
        url: str,
        *,
        secret: str | None = None,
        form: str = "json",
        chat: str | None = None,
        clock: Callable[[], datetime] = utc_now,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self.id = id
        self._url = url
        self._key = _key_of(secret) if secret else None
        self._form, self._chat = form, chat
        self._clock = clock
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)

    def send(self, alert: Alert) -> None:
        body = json.dumps(self.content(alert), ensure_ascii=False).encode()
        headers = self.headers(alert.alert_id, body)
        try:
            status = asyncio.run(self._post(body, headers))
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            reason = str(error) or type(error).__name__
            if self._url in reason:  # it may be a secret, as Slack's and Telegram's are
                reason = f"{type(error).__name__}: {reason.replace(self._url, '(url)')}"
            if isinstance(error, TimeoutError):
                reason = f"no answer within {self._timeout.total:g} s"
            raise DeliveryError(self.id, reason) from error
        if status // 100 == 2:
            return
        reason = f"the other side answered {status}"
        if status >= 500 or status in _MAY_HELP:
            raise DeliveryError(self.id, reason)
        raise RefusedError(self.id, reason)

    def content(self, alert: Alert) -> dict[str, object]:
        """What is posted: our envelope, or what a chat service reads."""
        words = alert.forms.get(self._form, alert.body)
        if self._form == "slack":
            return {"text": slack_text(words)}
        if self._form == "telegram":
            fits = telegram_html(words) if self._form in alert.forms else ""
            said = (
                {"text": fits, "parse_mode": "HTML"}
                if fits
                else {"text": plain(alert.body, MOST_OF_TELEGRAM)}
            )
            quiet = {"link_preview_options": {"is_disabled": True}}
            return {"chat_id": self._chat, **said, **quiet}
        return envelope(alert)

    def headers(self, alert_id: str, body: bytes) -> dict[str, str]:
        """The standard's headers for this body, at the clock's moment."""
        stamp = str(int(self._clock().timestamp()))
        headers = {
            "content-type": "application/json; charset=utf-8",
            "webhook-id": alert_id,
            "webhook-timestamp": stamp,
        }
        if self._key is not None:
            headers["webhook-signature"] = signature(self._key, alert_id, stamp, body)
        return headers

    async def _post(self, body: bytes, headers: Mapping[str, str]) -> int:
        async with (
            aiohttp.ClientSession(timeout=self._timeout, trust_env=False) as session,
            session.post(
                self._url, data=body, headers=headers, allow_redirects=False
            ) as answer,
        ):
            return answer.status


def signature(key: bytes, id: str, timestamp: str, body: bytes) -> str:
    """``v1,`` and the base64 of HMAC-SHA256 over ``id.timestamp.body``."""
    signed = f"{id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, sha256)).decode()


def _key_of(secret: str) -> bytes:
    if not secret.startswith(_SECRET_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("a webhook's secret after whsec_ is base64") from error
