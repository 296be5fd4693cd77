"""Alerts by e-mail: SMTP with TLS, the same Message-ID on every try."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from html import escape

from pipeline.errors import DeliveryError, RefusedError
from pipeline.model import Alert

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{}</title></head>
<body style="margin:0;padding:16px;background:#fff;color:#1b1b1b;font:15px/1.45 Arial,sans-serif">
<div style="max-width:680px">
{}</div></body></html>
"""
"""Around the HTML of a message: styles stand in the tags, for mail programs drop others."""

PORTS = {"none": 25, "starttls": 587, "tls": 465}


class EmailChannel:
    """One message an alert, to all recipients at once.

    ``tls`` is starttls, tls (from the first byte) or none. The Message-ID is made of the
    alert's id and the sender's domain, so that a second try after a lost answer is
    known for the same message; a retraction answers the alert it takes back.
    """

    def __init__(
        self,
        id: str,
        host: str,
        *,
        sender: str,
        recipients: Sequence[str],
        tls: str = "starttls",
        port: int | None = None,
        username: str | None = None,
        password: str | None = None,
        ca_file: str | None = None,
        timeout_seconds: float = 20.0,
    ) -> None:
        self.id = id
        self._host, self._port, self._tls = host, port or PORTS[tls], tls
        self._sender, self._recipients = sender, list(recipients)
        self._login = (username, password or "") if username else None
        self._ca_file = ca_file
        self._timeout = timeout_seconds

    def send(self, alert: Alert) -> None:
        mail = self.mail(alert)
        try:
            with self._open() as server:
                if self._login:
                    server.login(*self._login)
                server.send_message(mail, self._address(self._sender), self._recipients)
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            raise self._error(code, said) from error
        except smtplib.SMTPResponseException as error:
            raise self._error(error.smtp_code, error.smtp_error) from error
        except (smtplib.SMTPException, OSError, ValueError) as error:
            reason = str(error) or type(error).__name__
            raise DeliveryError(self.id, reason) from error

    def mail(self, alert: Alert) -> EmailMessage:
        """The alert as a message: plain text, and HTML where it has that form."""
        mail = EmailMessage(policy=SMTP)
        mail["From"] = self._sender
        mail["To"] = ", ".join(self._recipients)
        mail["Subject"] = " ".join(alert.subject.split())
        mail["Date"] = format_datetime(alert.created_at)
        mail["Message-ID"] = self._message_id(alert.alert_id)
        mail["Auto-Submitted"] = "auto-generated"
        earlier = _threads(alert)
        if alert.thread:
            mail["In-Reply-To"] = self._message_id(alert.thread)
        if earlier:
            mail["References"] = " ".join(map(self._message_id, earlier))
        mail.set_content(alert.body)
        if "html" in alert.forms:
            page = PAGE.format(escape(alert.subject), alert.forms["html"])
            mail.add_alternative(page, subtype="html")
        return mail

    def _message_id(self, alert_id: str) -> str:
        domain = self._address(self._sender).rpartition("@")[2]
        return f"<{alert_id}@{domain}>"

    @contextmanager
    def _open(self) -> Iterator[smtplib.SMTP]:
        """A connection; how it is taken leave of says nothing about the message."""
        server = self._connected()
        try:
            yield server
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
        finally:
            server.close()

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context(cafile=self._ca_file)
        if self._tls == "tls":
            return smtplib.SMTP_SSL(
                self._host, self._port, timeout=self._timeout, context=context
            )
        server = smtplib.SMTP(self._host, self._port, timeout=self._timeout)
        if self._tls == "starttls":
            try:
                server.starttls(context=context)
            except BaseException:
                server.close()
                raise
        return server

    def _error(self, code: int, said: bytes | str) -> DeliveryError:
        """A 4xx is for now, a 5xx for good (RFC 5321, 4.2.1)."""
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        kind = RefusedError if code >= 500 else DeliveryError
        return kind(self.id, f"the server answered {code} {text}".strip())

    @staticmethod
    def _address(given: str) -> str:
        return parseaddr(given)[1]


def checked_address(given: str) -> str:
    """An address as it was given; ValueError where it is none."""
    address = parseaddr(given)[1]
    try:
        domain = Address(addr_spec=address).domain
    except Exception as error:  # the parser raises many kinds; see bugs.python.org
        raise ValueError(f"no e-mail address: {given!r}") from error
    if not domain or any(c in given for c in "\r\n"):
        raise ValueError(f"no e-mail address: {given!r}")
    return given


def _threads(alert: Alert) -> list[str]:
    """The alerts that this message belongs with: what it takes back, or what it holds."""
    if alert.thread:
        return [alert.thread]
    members = alert.payload.get("alerts")
    if not isinstance(members, list):
        return []
    return [str(one["alert_id"]) for one in members][:50]
