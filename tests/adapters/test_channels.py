"""The Atom feed, Apprise, chat services and judgements kept: files and real receivers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import feedparser
import pytest

from pipeline.adapters.apprised import AppriseChannel
from pipeline.adapters.atom import ATOM, KEPT, AtomChannel
from pipeline.adapters.config import ConfigFolder
from pipeline.adapters.judgements import JudgementFile
from pipeline.errors import ConfigError, DeliveryError, InputError
from pipeline.model import Judgement, Verdict
from tests.adapters.test_notify import receiver, webhook
from tests.builders import NOON, an_alert

ALERT = an_alert(
    subject="Putin asserts <new> & “so”",
    body="Reported.",
    payload={"statement": {"url": "http://herald.example/a"}},
    forms={
        "html": "<p>Reported by <b>The Herald</b></p>",
        "slack": "*Reported*",
        "telegram": "<b>Reported</b>",
    },
)

# ----------------------------------------------------------------------------- Atom


def read_feed(path: Path) -> feedparser.FeedParserDict:
    with path.open("rb") as file:
        feed = feedparser.parse(file)
    assert not feed.bozo
    return feed


def test_any_reader_can_follow_the_feed(tmp_path: Path):
    path = tmp_path / "site" / "alerts.atom"

    AtomChannel("feed", path).send(ALERT)

    (entry,) = read_feed(path).entries
    assert entry.id == f"urn:onrecord:alert:{ALERT.alert_id}"
    assert entry.title == "Putin asserts <new> & “so”"
    assert entry.link == "http://herald.example/a"
    assert entry.content[0].value == "<p>Reported by <b>The Herald</b></p>"


def test_the_newest_alert_stands_first_and_none_twice(tmp_path: Path):
    path = tmp_path / "alerts.atom"
    later = replace(ALERT, alert_id="later", created_at=NOON + timedelta(hours=1))

    for alert in (ALERT, later, ALERT):
        AtomChannel("feed", path).send(alert)

    feed = read_feed(path)
    assert [e.id.rpartition(":")[2] for e in feed.entries] == ["later", ALERT.alert_id]
    assert feed.feed.updated == feed.entries[0].updated


def test_the_feed_keeps_so_many(tmp_path: Path):
    channel = AtomChannel("feed", tmp_path / "alerts.atom")

    for nth in range(KEPT + 3):
        channel.send(replace(ALERT, alert_id=f"a{nth}"))

    entries = read_feed(channel.path).entries
    assert len(entries) == KEPT
    assert entries[0].id.endswith(f":a{KEPT + 2}")


def test_a_retraction_names_what_it_takes_back(tmp_path: Path):
    channel = AtomChannel("feed", tmp_path / "alerts.atom")

    channel.send(replace(ALERT, alert_id="back", thread=ALERT.alert_id))

    (entry,) = read_feed(channel.path).entries
    related = [link.href for link in entry.links if link.rel == "related"]
    assert related == [f"urn:onrecord:alert:{ALERT.alert_id}"]


def test_marks_that_no_xml_may_hold_are_left_out(tmp_path: Path):
    channel = AtomChannel("feed", tmp_path / "alerts.atom")

    channel.send(replace(ALERT, subject="a\x00\x1b\ufffeb", forms={}, body="\x0b"))

    assert read_feed(channel.path).entries[0].title == "ab"


def test_a_file_that_is_no_feed_is_begun_anew(tmp_path: Path):
    path = tmp_path / "alerts.atom"
    path.write_text("not xml")

    AtomChannel("feed", path).send(ALERT)

    assert len(read_feed(path).entries) == 1
    assert ATOM in path.read_text()


def test_a_feed_that_cannot_be_written_is_a_delivery_error(tmp_path: Path):
    (tmp_path / "file").write_text("x")

    with pytest.raises(DeliveryError):
        AtomChannel("feed", tmp_path / "file" / "alerts.atom").send(ALERT)


# -------------------------------------------------------------------------- Apprise

apprise = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")


@apprise
def test_apprise_is_called_once_an_alert_in_the_form_of_the_service():
    with receiver(200) as seen:
        url = seen.url.replace("http://", "json://")
        AppriseChannel("chat", url, form="html").send(ALERT)

    ((_, body),) = seen.got
    told = json.loads(body)
    assert told["title"] == ALERT.subject
    assert "The Herald" in told["message"]


@apprise
def test_what_apprise_could_not_send_is_tried_again():
    with receiver(500) as seen, pytest.raises(DeliveryError) as caught:
        AppriseChannel("chat", seen.url.replace("http://", "json://")).send(ALERT)

    assert caught.value.transient


@apprise
def test_an_address_that_apprise_cannot_read_is_named_and_not_shown():
    with pytest.raises(ValueError, match=r"channels\[chat\]") as caught:
        AppriseChannel("chat", "pigeon://secret-token")

    assert "secret-token" not in str(caught.value)


# ------------------------------------------------------------------- chat by webhook


def test_slack_and_telegram_get_what_they_read():
    with receiver(200) as seen:
        webhook(seen.url, form="slack").send(ALERT)
        webhook(seen.url, form="telegram", chat="-100").send(ALERT)

    slack, telegram = (json.loads(body) for _, body in seen.got)
    assert slack == {"text": "*Reported*"}
    assert (telegram["chat_id"], telegram["text"]) == ("-100", "<b>Reported</b>")
    assert telegram["parse_mode"] == "HTML"
    assert telegram["link_preview_options"] == {"is_disabled": True}


def test_one_line_too_long_for_telegram_goes_as_plain_text():
    long = replace(ALERT, forms={"telegram": "<b>" + 5000 * "a" + "</b>"})

    content = webhook("http://127.0.0.1/", form="telegram", chat="1").content(long)

    assert content["text"] == "Reported."
    assert "parse_mode" not in content


# --------------------------------------------------------------------- in the config

RULE = '\n[[rules]]\nid = "r"\nchannels = ["c"]\n'


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('kind = "email"\nhost = "h"\nsender = "a@b.example"\n', 1, "recipients"),
        ('kind = "email"\nsender = "nobody"\n', 4, "no e-mail address: 'nobody'"),
        ('kind = "email"\ntls = "yes"\n', 4, "'starttls', 'tls' or 'none'"),
        ('kind = "apprise"\n', 1, "needs url or url_env"),
        ('kind = "webhook"\nurl = "http://a/"\nform = "telegram"\n', 1, "needs chat"),
        ('kind = "webhook"\nurl = "http://a/"\nform = "morse"\n', 5, "'telegram'"),
    ],
)
def test_a_mistake_in_a_channel_is_named_with_its_line(
    tmp_path: Path, text: str, line: int, said: str
):
    path = tmp_path / "alerts.toml"
    path.write_text('[[channels]]\nid = "c"\n' + text + RULE)

    with pytest.raises(ConfigError) as caught:
        ConfigFolder(tmp_path).alerts()

    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('quiet_hours = "late"', 9),
        ('cooldown_minutes = "1"', 9),
        ('time_zone = "Mars"', 9),
        ('digest = ["noon"]', 9),
        ('figures = ["Q7747", "Q0"]', 9),
        ('topics = ["peace"]', 9),
    ],
)
def test_a_mistake_in_when_a_rule_tells_is_named_with_its_line(
    tmp_path: Path, text: str, line: int
):
    path = tmp_path / "alerts.toml"
    path.write_text('[[channels]]\nid = "c"\nkind = "atom"\n\n' + RULE + text + "\n")

    with pytest.raises(ConfigError) as caught:
        ConfigFolder(tmp_path).alerts("ukraine-war")

    assert str(caught.value).startswith(f"{path}:{line}: ")


def test_a_users_own_templates_are_tried_before_they_are_used(tmp_path: Path):
    folder = ConfigFolder(tmp_path)
    (tmp_path / "mine").mkdir()
    mine = tmp_path / "mine" / "subject.txt"

    mine.write_text("{{ figure }}: {{ words }}")
    assert folder.alert_templates(tmp_path / "mine") == {"subject": mine.read_text()}

    mine.write_text("{{ figure }}\n{% if %}")
    with pytest.raises(ConfigError, match=r"subject\.txt:2: not a template"):
        folder.alert_templates(tmp_path / "mine")
    mine.write_text("{{ figur }}")
    with pytest.raises(ConfigError, match=r"subject\.txt: .*'figur' is undefined"):
        folder.alert_templates(tmp_path / "mine")
    mine.rename(tmp_path / "mine" / "sms.txt")
    with pytest.raises(ConfigError, match=r"there may be subject\.txt, body\.txt"):
        folder.alert_templates(tmp_path / "mine")


# ----------------------------------------------------------------------- judgements


def test_judgements_come_back_in_the_order_in_which_they_were_spoken(tmp_path: Path):
    file = JudgementFile(tmp_path / "judgements.jsonl")
    spoken = [
        Judgement(verdict=verdict, claim_id="c", statement_id="s", by="ä", at=NOON)
        for verdict in (Verdict.SPLIT, Verdict.WRONG)
    ]

    assert file.all() == []
    for judgement in spoken:
        file.add(judgement)

    assert JudgementFile(tmp_path / "judgements.jsonl").all() == spoken


def test_a_line_that_is_no_judgement_is_named(tmp_path: Path):
    path = tmp_path / "judgements.jsonl"
    path.write_text('{"verdict": "perhaps"}\n')

    with pytest.raises(InputError, match=r"judgements\.jsonl:1: not a judgement"):
        JudgementFile(path).all()
