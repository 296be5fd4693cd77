from __future__ import annotations

import base64
import hmac
import json
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipeline.adapters.notify import FileChannel, WebhookChannel, open_channels
from pipeline.errors import DeliveryError, RefusedError
from pipeline.model import Alert, AlertKind, RelationKind

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
ALERT = Alert(
    alert_id="alert-1",
    kind=AlertKind.ALERT,
    rule_id="r",
    channel="c",
    claim_id="claim",
    figure_id="Q1",
    figure="Ada Example",
    relation=RelationKind.NEW,
    statement_id="s",
    created_at=NOW,
    subject="Ada Example says “so”",
    body="Reported.\n",
    payload={"type": "claim.alert", "words": "“so”\u2028"},
)


def alerts(count: int) -> list[Alert]:
    return [replace(ALERT, alert_id=f"alert-{n}") for n in range(count)]


def ids_in(path: Path) -> list[str]:
    return [json.loads(row)["alert_id"] for row in path.read_bytes().splitlines()]


# ----------------------------------------------------------------------------- file


def test_a_file_holds_one_line_an_alert(tmp_path: Path):
    channel = FileChannel("log", tmp_path / "new" / "alerts.jsonl")

    for alert in alerts(3):
        channel.send(alert)

    assert ids_in(channel.path) == ["alert-0", "alert-1", "alert-2"]


def test_an_alert_that_is_there_is_not_written_again(tmp_path: Path):
    path = tmp_path / "alerts.jsonl"

    for _ in range(2):
        FileChannel("log", path).send(ALERT)
    channel = FileChannel("log", path)
    channel.send(ALERT)
    channel.send(ALERT)

    assert ids_in(path) == ["alert-1"]


def test_a_line_that_a_crash_cut_off_is_written_whole_the_next_time(tmp_path: Path):
    path = tmp_path / "alerts.jsonl"
    FileChannel("log", path).send(ALERT)
    with path.open("ab") as file:
        file.write(b'{"alert_id": "alert-2", "subj')

    FileChannel("log", path).send(replace(ALERT, alert_id="alert-2"))

    assert ids_in(path) == ["alert-1", "alert-2"]


def test_a_line_of_someone_else_is_left_alone(tmp_path: Path):
    path = tmp_path / "alerts.jsonl"
    path.write_bytes(b"# mine\n")

    FileChannel("log", path).send(ALERT)

    assert path.read_bytes().startswith(b"# mine\n{")


def test_a_file_that_was_moved_away_begins_anew(tmp_path: Path):
    channel = FileChannel("log", tmp_path / "alerts.jsonl")
    for alert in alerts(2):
        channel.send(alert)
    channel.path.rename(tmp_path / "old.jsonl")

    channel.send(replace(ALERT, alert_id="alert-9"))

    assert ids_in(channel.path) == ["alert-9"]


def test_a_file_that_cannot_be_written_is_a_delivery_error(tmp_path: Path):
    (tmp_path / "file").write_text("x")

    with pytest.raises(DeliveryError) as caught:
        FileChannel("log", tmp_path / "file" / "alerts.jsonl").send(ALERT)

    assert caught.value.transient


def test_senders_killed_at_any_moment_leave_each_alert_once(tmp_path: Path):
    path = tmp_path / "alerts.jsonl"
    context = multiprocessing.get_context("fork")
    for wait in (0.001, 0.004, 0.008, 0.016, 0.03):
        sender = context.Process(target=_send_all, args=(path, 300))
        sender.start()
        time.sleep(wait)
        os.kill(sender.pid or 0, signal.SIGKILL)
        sender.join()
        sender.close()

    pair = [context.Process(target=_send_all, args=(path, 300)) for _ in range(2)]
    for sender in pair:
        sender.start()
    for sender in pair:
        sender.join()

    assert sorted(ids_in(path)) == sorted(alert.alert_id for alert in alerts(300))


def _send_all(path: Path, count: int) -> None:
    channel = FileChannel("log", path)
    for alert in alerts(count):
        channel.send(alert)


# -------------------------------------------------------------------------- webhook


@dataclass
class Receiver:
    """A real server on loopback. ``answers`` are statuses in turn; the last one stays.

    0 hangs, -1 takes the alert and closes without an answer.
    """

    answers: list[int]
    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)

    def answer(self) -> int:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def receiver(*answers: int) -> Iterator[Receiver]:
    seen = Receiver(list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["content-length"])
            headers = {k.lower(): v for k, v in self.headers.items()}
            seen.got.append((headers, self.rfile.read(size)))
            status = seen.answer()
            if status == 0:
                seen.release.wait(10)
            if status <= 0:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("location", "/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    seen.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield seen
    finally:
        seen.release.set()
        server.shutdown()
        thread.join()
        server.server_close()


def webhook(url: str, **options: object) -> WebhookChannel:
    options.setdefault("timeout_seconds", 5.0)
    return WebhookChannel("desk", url, clock=lambda: NOW, **options)  # type: ignore[arg-type]


def test_a_webhook_is_signed_so_that_the_receiver_can_prove_it():
    key = b"0123456789abcdef01234567"
    secret = "whsec_" + base64.b64encode(key).decode()

    with receiver(204) as seen:
        webhook(seen.url, secret=secret).send(ALERT)

    ((headers, body),) = seen.got
    stamp = str(int(NOW.timestamp()))
    signed = b"alert-1." + stamp.encode() + b"." + body
    proof = base64.b64encode(hmac.digest(key, signed, sha256)).decode()
    assert headers["webhook-id"] == "alert-1"
    assert headers["webhook-timestamp"] == stamp
    assert headers["webhook-signature"] == f"v1,{proof}"
    assert json.loads(body)["data"] == {"type": "claim.alert", "words": "“so”\u2028"}


def test_the_signature_is_that_of_the_standards_own_example():
    channel = webhook(
        "http://127.0.0.1/", secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    )
    channel._clock = lambda: datetime.fromtimestamp(1614265330, UTC)

    headers = channel.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}')

    assert (
        headers["webhook-signature"]
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_without_a_secret_nothing_is_signed():
    with receiver(200) as seen:
        webhook(seen.url).send(ALERT)

    assert "webhook-signature" not in seen.got[0][0]


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503])
def test_an_answer_that_may_change_is_tried_again_with_the_same_id(status: int):
    with receiver(status, 200) as seen:
        channel = webhook(seen.url)

        with pytest.raises(DeliveryError) as caught:
            channel.send(ALERT)
        channel.send(ALERT)

    assert caught.value.transient
    assert str(status) in str(caught.value)
    assert [headers["webhook-id"] for headers, _ in seen.got] == ["alert-1"] * 2


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 410, 422])
def test_an_answer_that_will_not_change_is_final(status: int):
    with receiver(status) as seen, pytest.raises(RefusedError) as caught:
        webhook(seen.url).send(ALERT)

    assert not caught.value.transient
    assert len(seen.got) == 1


def test_a_receiver_that_hangs_is_given_up_in_time():
    began = time.monotonic()

    with receiver(0) as seen:
        with pytest.raises(DeliveryError, match="no answer within") as caught:
            webhook(seen.url, timeout_seconds=0.3).send(ALERT)
        took = time.monotonic() - began

    assert caught.value.transient
    assert took < 3


def test_a_lost_acknowledgement_is_a_failure_and_the_second_try_has_the_same_id():
    with receiver(-1, 200) as seen:
        channel = webhook(seen.url)

        with pytest.raises(DeliveryError):
            channel.send(ALERT)
        channel.send(ALERT)

    assert {headers["webhook-id"] for headers, _ in seen.got} == {"alert-1"}
    assert len(seen.got) == 2


def test_a_receiver_that_is_not_there_may_come_back():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    with pytest.raises(DeliveryError) as caught:
        webhook(f"http://127.0.0.1:{port}/").send(ALERT)

    assert caught.value.transient


# --------------------------------------------------------------------------- opening


@dataclass(frozen=True)
class Spec:
    id: str
    kind: str
    path: str | None = None
    url: str | None = None
    url_env: str | None = None
    secret_env: str | None = None
    form: str = "json"
    chat: str | None = None
    host: str | None = None
    port: int | None = None
    tls: str = "starttls"
    username: str | None = None
    sender: str | None = None
    recipients: tuple[str, ...] = ()
    ca_file: str | None = None


def test_channels_are_opened_as_configured(tmp_path: Path):
    specs = [
        Spec("log", "file", path="alerts.jsonl"),
        Spec("desk", "webhook", url="https://desk.example/", secret_env="DESK"),
    ]

    log, desk = open_channels(specs, folder=tmp_path, environment={"DESK": "s"})

    assert isinstance(log, FileChannel)
    assert log.path == tmp_path / "alerts.jsonl"
    assert isinstance(desk, WebhookChannel)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            Spec("desk", "webhook", url="https://d.example/", secret_env="DESK"),
            r"channels\[desk\]\.secret_env: DESK is not set",
        ),
        (
            Spec("desk", "webhook", url="https://d.example/", secret_env="BAD"),
            "base64",
        ),
        (Spec("desk", "pigeon"), r"channels\[desk\]\.kind"),
    ],
    ids=str,
)
def test_a_channel_that_cannot_be_opened_is_named(
    spec: Spec, words: str, tmp_path: Path
):
    with pytest.raises(ValueError, match=words):
        open_channels([spec], folder=tmp_path, environment={"BAD": "whsec_!"})
