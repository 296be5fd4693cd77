"""Alerts as an Atom feed in a file: any reader can follow it (RFC 4287)."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from xml.etree import ElementTree as ET

from pipeline.adapters.lake import write_whole
from pipeline.errors import DeliveryError, StoreError
from pipeline.model import Alert

ATOM = "http://www.w3.org/2005/Atom"
TITLE = "On Record: alerts"
KEPT = 200
"""Entries that the file holds; a reader that asks once a day misses none of so many."""

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ET.register_namespace("", ATOM)


class AtomChannel:
    """The latest alerts, newest first; the file is replaced whole, no alert stands twice.

    An entry's id is made of the alert's. Several processes may share the file.
    """

    def __init__(self, id: str, path: Path, *, title: str = TITLE) -> None:
        self.id = id
        self.path = path
        self._title = title

    def send(self, alert: Alert) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._alone():
                there = self.path.read_bytes() if self.path.exists() else None
                body = feed_with(there, alert, title=self._title)
                if body is not None:
                    write_whole(self.path, body)
        except (OSError, StoreError) as error:
            raise DeliveryError(self.id, f"{self.path.name}: {error}") from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The lock is a file of its own: the feed's own is replaced under our hands."""
        lock = self.path.with_name(f".{self.path.name}.lock")
        fd = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)


def feed_with(there: bytes | None, alert: Alert, *, title: str = TITLE) -> bytes | None:
    """A feed with one alert more; None where it stands in it already.

    What is no feed of ours is begun anew.
    """
    try:
        root = ET.fromstring(there or b"")  # noqa: S314 - we wrote it
        entries = root.findall(f"{{{ATOM}}}entry")
    except ET.ParseError:
        entries = []
    if urn(alert.alert_id) in {_text(entry, "id") for entry in entries}:
        return None
    entries.insert(0, _entry(alert))
    del entries[KEPT:]
    feed = ET.Element(f"{{{ATOM}}}feed")
    _add(feed, "id", "urn:onrecord:alerts")
    _add(feed, "title", title)
    _add(feed, "updated", max(_text(entry, "updated") for entry in entries))
    _add(_add(feed, "author", ""), "name", "On Record")
    feed.extend(entries)
    body: bytes = ET.tostring(feed, encoding="utf-8", xml_declaration=True)
    return body


def urn(alert_id: str) -> str:
    return f"urn:onrecord:alert:{alert_id}"


def _entry(alert: Alert) -> ET.Element:
    entry = ET.Element(f"{{{ATOM}}}entry")
    moment = f"{alert.created_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    _add(entry, "id", urn(alert.alert_id))
    _add(entry, "title", alert.subject)
    _add(entry, "updated", moment)
    _add(entry, "published", moment)
    if link := _link(alert):
        _add(entry, "link", "", rel="alternate", href=link)
    if alert.thread:
        _add(entry, "link", "", rel="related", href=urn(alert.thread))
    _add(entry, "category", "", term=str(alert.relation))
    _add(entry, "category", "", term=alert.figure)
    html = alert.forms.get("html")
    _add(entry, "content", html or alert.body, type="html" if html else "text")
    return entry


def _link(alert: Alert) -> str:
    """The claim's page where there is a site; else the first report."""
    page, statement = alert.payload.get("page"), alert.payload.get("statement")
    url = page or (statement.get("url") if isinstance(statement, dict) else "")
    text = str(url or "")
    return text if text.startswith(("http://", "https://")) else ""


def _add(parent: ET.Element, name: str, text: str, **values: str) -> ET.Element:
    clean = {key: _NOT_XML.sub("", value) for key, value in values.items()}
    child = ET.SubElement(parent, f"{{{ATOM}}}{name}", clean)
    child.text = _NOT_XML.sub("", text) or None
    return child


def _text(element: ET.Element, name: str) -> str:
    return element.findtext(f"{{{ATOM}}}{name}") or ""
