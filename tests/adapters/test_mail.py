"""E-mail against a real SMTP server on loopback, with and without TLS."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pipeline.adapters.mail import EmailChannel
from pipeline.errors import DeliveryError, RefusedError
from tests.builders import an_alert

ALERT = an_alert(
    subject="The Herald reports: “so” — Зеленский",
    body="Reported by The Herald.\n“so”\n",
    forms={"html": "<p>“so”</p>"},
)


@dataclass
class Mailbox:
    """What a server took. ``answers`` to DATA in turn; the last one stays.

    ``hang`` waits before it answers; ``drop`` takes the message and closes unanswered.
    """

    answers: list[str] = field(default_factory=lambda: ["250 taken"])
    recipients: str = "250 ok"
    got: list[EmailMessage] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    async def handle_RCPT(  # noqa: N802 (the name that aiosmtpd asks for)
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        _: list[str],
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.recipients

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer.startswith(("2", "drop")):
            body = envelope.original_content or b""
            parsed = message_from_bytes(body, policy=policy.default)
            assert isinstance(parsed, EmailMessage)
            self.got.append(parsed)
        if answer == "hang":
            import asyncio

            await asyncio.sleep(1.5)
            return "451 too late"
        if answer == "drop":
            server.transport.abort()
        return answer


class AnyPort(Controller):
    """On a port that the system gives; aiosmtpd itself would knock at port 0."""

    def found(self) -> int:
        assert self.server is not None
        return int(self.server.sockets[0].getsockname()[1])

    def _trigger_server(self) -> None:
        socket.create_connection(("127.0.0.1", self.found()), 5).close()


@contextmanager
def a_server(mailbox: Mailbox, **options: object) -> Iterator[Mailbox]:
    controller = AnyPort(mailbox, hostname="127.0.0.1", port=0, **options)
    controller.start()
    mailbox.port = controller.found()
    try:
        yield mailbox
    finally:
        mailbox.release.set()
        controller.stop(no_assert=True)


def a_channel(mailbox: Mailbox, **options: object) -> EmailChannel:
    values: dict[str, object] = {
        "sender": "On Record <alerts@news.example>",
        "recipients": ["desk@news.example", "night@news.example"],
        "port": mailbox.port,
        "tls": "none",
        "timeout_seconds": 5.0,
    }
    return EmailChannel("mail", "127.0.0.1", **values | options)  # type: ignore[arg-type]


def test_a_mail_says_the_same_in_text_and_html_to_everyone():
    with a_server(Mailbox()) as mailbox:
        a_channel(mailbox).send(ALERT)

    (mail,) = mailbox.got
    assert mail["subject"] == ALERT.subject
    assert mail["to"] == "desk@news.example, night@news.example"
    assert mail["message-id"] == f"<{ALERT.alert_id}@news.example>"
    assert mail.get_body(["plain"]).get_content().splitlines() == (
        ALERT.body.splitlines()
    )
    page = mail.get_body(["html"]).get_content()
    assert page.startswith("<!doctype html>")
    assert f"<title>{ALERT.subject}</title>" in page
    assert "<p>“so”</p>" in page


def test_a_second_try_is_the_same_message_byte_for_byte():
    channel = a_channel(Mailbox())

    assert channel.mail(replace(ALERT, forms={})).as_bytes() == (
        channel.mail(replace(ALERT, forms={})).as_bytes()
    )


def test_a_retraction_answers_the_alert_it_takes_back():
    mail = a_channel(Mailbox()).mail(replace(ALERT, alert_id="r", thread="first"))

    assert mail["in-reply-to"] == mail["references"] == "<first@news.example>"
    assert mail["message-id"] == "<r@news.example>"


def test_a_digest_belongs_with_each_alert_it_holds():
    members = {"alerts": [{"alert_id": "one"}, {"alert_id": "two"}]}

    mail = a_channel(Mailbox()).mail(replace(ALERT, payload=members))

    assert mail["references"] == "<one@news.example> <two@news.example>"


def test_a_subject_cannot_bring_a_header_of_its_own():
    hostile = replace(ALERT, subject="a\r\nBcc: all@news.example")

    mail = a_channel(Mailbox()).mail(hostile)

    assert mail["bcc"] is None
    assert mail["subject"] == "a Bcc: all@news.example"


@pytest.mark.parametrize(
    ("answer", "kind", "transient"),
    [("451 later", DeliveryError, True), ("554 never", RefusedError, False)],
)
def test_what_the_server_says_decides_whether_it_is_tried_again(
    answer: str, kind: type[DeliveryError], transient: bool
):
    with (
        a_server(Mailbox([answer])) as mailbox,
        pytest.raises(kind, match=answer[:3]) as caught,
    ):
        a_channel(mailbox).send(ALERT)

    assert caught.value.transient is transient


def test_recipients_that_nobody_knows_are_a_refusal():
    with (
        a_server(Mailbox(recipients="550 no such user")) as mailbox,
        pytest.raises(RefusedError, match="550 no such user"),
    ):
        a_channel(mailbox).send(ALERT)


def test_a_lost_answer_is_tried_again_under_the_same_message_id():
    with a_server(Mailbox(["drop", "250 ok"])) as mailbox:
        channel = a_channel(mailbox)
        with pytest.raises(DeliveryError) as caught:
            channel.send(ALERT)
        channel.send(ALERT)

    assert caught.value.transient
    assert len(mailbox.got) == 2
    assert len({mail["message-id"] for mail in mailbox.got}) == 1


def test_a_server_that_hangs_is_given_up_in_time():
    began = time.monotonic()

    with a_server(Mailbox(["hang"])) as mailbox:
        with pytest.raises(DeliveryError) as caught:
            a_channel(mailbox, timeout_seconds=0.3).send(ALERT)
        took = time.monotonic() - began

    assert caught.value.transient
    assert took < 2


def test_a_server_that_is_not_there_may_come_back():
    with a_server(Mailbox()) as mailbox:
        pass

    with pytest.raises(DeliveryError) as caught:
        a_channel(mailbox).send(ALERT)

    assert caught.value.transient


# ----------------------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 that signed itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


def tls_of(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def a_login(
    server: SMTP, session: object, envelope: object, mechanism: str, data: object
) -> AuthResult:
    right = (data.login, data.password) == (b"desk", b"secret")  # type: ignore[attr-defined]
    return AuthResult(success=right, handled=False)


def test_starttls_and_a_login_are_used(certificate: Path):
    options = {
        "tls_context": tls_of(certificate),
        "require_starttls": True,
        "authenticator": a_login,
        "auth_required": True,
    }
    with a_server(Mailbox(), **options) as mailbox:
        channel = a_channel(
            mailbox,
            tls="starttls",
            ca_file=str(certificate),
            username="desk",
            password="secret",
        )
        channel.send(ALERT)

    assert len(mailbox.got) == 1


def test_a_wrong_password_is_a_refusal(certificate: Path):
    options = {"tls_context": tls_of(certificate), "authenticator": a_login}
    with a_server(Mailbox(), **options) as mailbox:
        channel = a_channel(
            mailbox, tls="starttls", ca_file=str(certificate), username="desk",
            password="wrong",
        )  # fmt: skip
        with pytest.raises(RefusedError, match="535"):
            channel.send(ALERT)

    assert mailbox.got == []


def test_tls_from_the_first_byte(certificate: Path):
    with a_server(Mailbox(), ssl_context=tls_of(certificate)) as mailbox:
        a_channel(mailbox, tls="tls", ca_file=str(certificate)).send(ALERT)

    assert len(mailbox.got) == 1


def test_a_certificate_that_nobody_vouches_for_gets_no_mail(certificate: Path):
    with (
        a_server(Mailbox(), tls_context=tls_of(certificate)) as mailbox,
        pytest.raises(DeliveryError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        a_channel(mailbox, tls="starttls").send(ALERT)

    assert mailbox.got == []


def test_a_server_without_tls_gets_no_mail_where_tls_is_wanted():
    with (
        a_server(Mailbox()) as mailbox,
        pytest.raises(DeliveryError, match="STARTTLS"),
    ):
        a_channel(mailbox, tls="starttls").send(ALERT)

    assert mailbox.got == []
