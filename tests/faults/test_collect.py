"""The steps fetch and read over servers that misbehave: what is kept, told, asked again."""

from __future__ import annotations

import http.server
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.adapters.db.feed_states import DbFeedStates
from pipeline.app import App, open_app
from pipeline.cli import cli
from pipeline.model import Answer, Article, Correction, Partition, Poll, Response
from pipeline.steps import collecting
from pipeline.tables.values import from_arrow
from tests.articles.article_builders import a_story, desk_edit
from tests.builders import NOON, a_response
from tests.faults.server import Fault, a_feed_document, faulty

TEXT = "".join(
    f"<p>Putin said that Russia would go on for reason {n}.</p>" for n in range(12)
)
WALLS = {
    "consent": "<title>Before you continue</title><p>We value your privacy. We and our "
    "partners store and access personal data, such as cookies, on your device, so that you "
    "see what others see. Choose to accept all cookies or manage your choices here.</p>",
    "paywall": "<title>A story</title><article><p>The minister said that talks would begin "
    "on Monday in Vienna, and that nobody would be left out of them at all.</p><p>Subscribe "
    "to continue reading this story.</p></article>",
    "error": "<title>404 - page not found</title><article><p>We could not find the page "
    "that you asked for. It may have moved, or its address may have been mistyped.</p>"
    "<p>Try the search, or begin again at the front page of this site.</p></article>",
}


class Site(http.server.BaseHTTPRequestHandler):
    """A feed whose entries' pages are an article, walls and errors; an outlet's page."""

    entries: tuple[str, ...] = ()

    def do_GET(self) -> None:
        path = self.path.strip("/")
        status, kind, body = 200, "text/html", ""
        if path == "feed":
            kind, items = (
                "application/rss+xml",
                "".join(
                    f"<item><title>Putin on Ukraine, {name}</title><guid>{name}</guid><link>"
                    f"http://{self.headers['Host']}/{name}</link><description>Putin spoke of the "
                    f"war in Ukraine, says {name}.</description></item>"
                    for name in self.entries
                ),
            )
            body = (
                f"<rss version='2.0'><channel><title>S</title>{items}</channel></rss>"
            )
        elif path == "article":
            body = f"<title>A</title><article>{TEXT * 12}</article>"
        elif path in WALLS:
            body = f"<html>{WALLS[path]}</html>"
        elif path == "":
            body = "<link rel=alternate type='application/rss+xml' href='/feed'>"
        else:
            status = 404
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def a_site(*entries: str) -> Iterator[str]:
    handler = type("Shown", (Site,), {"entries": entries})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def fault() -> Iterator[Fault]:
    with faulty() as fault:
        yield fault


def an_app(folder: Path, place: str, paths: list[str], **fetch: object) -> App:
    config = folder / "config"
    config.mkdir(parents=True, exist_ok=True)
    (config / "feeds.toml").write_text(
        "".join(
            f'[[feeds]]\nid = "f{n:03}"\nurl = "http://{place}{path}"\n'
            for n, path in enumerate(paths)
        )
    )
    bounds = {"allow": [place], "read_seconds": 1, "page_pause_seconds": 0, **fetch}
    return open_app(config=config, lake=str(folder / "lake"), fetch=bounds)


def polls(app: App) -> list[Poll]:
    table = app.lake.read("polls", Partition.at(NOON))
    return from_arrow(Poll, table) if table is not None else []


def articles(app: App, at: object = NOON) -> list[Article]:
    table = app.lake.read("articles", Partition.at(at))  # type: ignore[arg-type]
    return from_arrow(Article, table) if table is not None else []


def test_answers_are_archived_and_states_saved_some_at_a_time(
    fault: Fault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while asking: what came before is archived, with states and polls."""
    monkeypatch.setattr(collecting, "HELD_FEEDS", 2)
    app = an_app(tmp_path, fault.place, [f"/feed?{n}" for n in range(7)])
    add, calls = app.archive.add, []

    def dies(partition: Partition, responses: object) -> str:
        calls.append(len(list(responses)))  # type: ignore[call-overload]
        if len(calls) == 3:
            raise KeyboardInterrupt
        return add(partition, responses)  # type: ignore[arg-type]

    monkeypatch.setattr(app.archive, "add", dies)
    with pytest.raises(KeyboardInterrupt):
        app.fetch(NOON)

    kept = [response.feed_id for response in app.archive.read(Partition.at(NOON))]
    states = DbFeedStates(app.database).load(app.feeds)
    assert calls == [2, 2, 2]
    assert len(kept) == 4
    assert {f for f, state in states.items() if state.due_at} == set(kept)
    assert {poll.feed_id for poll in polls(app)} == set(kept)

    monkeypatch.setattr(app.archive, "add", add)
    assert app.fetch(NOON).counts["feeds"] == 3
    app.read(NOON)
    assert len(articles(app)) == 3  # of 7 feeds with the same 3 entries
    app.close()


def test_the_order_of_answers_decides_nothing(
    fault: Fault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = ["/late", "/feed", "/latin1-declared-utf8", "/late?2", "/cp1251", "/br"]
    found = []
    for name, held in (("one", 200), ("two", 1)):
        monkeypatch.setattr(collecting, "HELD_FEEDS", held)
        app = an_app(tmp_path / name, fault.place, paths)
        app.fetch(NOON)
        app.read(NOON)
        found.append(articles(app))
        app.close()

    assert len(found[0]) >= 3
    assert found[0] == found[1]


def test_a_deadline_keeps_what_came_and_leaves_the_rest_due(
    fault: Fault, tmp_path: Path
) -> None:
    app = an_app(
        tmp_path,
        fault.place,
        ["/feed", "/hang", "/feed?2"],
        deadline_seconds=1.0,
        read_seconds=30,
    )

    report = app.fetch(NOON)
    app.read(NOON)

    assert report.counts["feeds"] == 2
    assert report.counts["feeds not reached"] == 1
    assert "the deadline came before 1 feeds" in report.failures
    assert len(articles(app)) == 3
    assert DbFeedStates(app.database).load(app.feeds)["f001"].due_at is None
    app.close()


def test_the_same_body_again_is_archived_as_a_reference_and_read_as_nothing_new(
    fault: Fault, tmp_path: Path
) -> None:
    app, later = an_app(tmp_path, fault.place, ["/feed"]), NOON + timedelta(hours=1)
    app.fetch(NOON)
    app.read(NOON)

    app.fetch(later)
    report = app.read(later)

    (first,) = app.archive.read(Partition.at(NOON))
    (second,) = app.archive.read(Partition.at(later))
    assert first.body == a_feed_document()
    assert (second.status, second.body) == (200, b"")
    assert (
        second.repeats == DbFeedStates(app.database).load(app.feeds)["f000"].body_sha256
    )
    assert report.rows == 0
    app.close()


def test_a_move_is_recorded_when_it_is_stable_and_a_feed_that_is_gone_is_not_asked(
    fault: Fault, tmp_path: Path
) -> None:
    app = an_app(tmp_path, fault.place, ["/moved-308", "/410", "/found"])

    for hours in range(3):
        app.fetch(NOON + timedelta(days=hours), everything=True)

    states = DbFeedStates(app.database).load(app.feeds)
    assert states["f000"].url == fault.url("/feed")
    assert states["f001"].gone
    assert states["f002"].url == fault.url("/found")
    assert sum("/410 " in line for line in fault.asked) == 1
    app.close()


def test_pages_that_hold_no_article_are_told_and_counted_and_never_stored(
    tmp_path: Path,
) -> None:
    names = ("article", "consent", "error", "missing", "paywall")
    with a_site(*names) as place:
        app = an_app(tmp_path, place, ["/feed"])
        fetched = app.fetch(NOON)
        report = app.read(NOON)

    assert fetched.counts["pages"] == 4
    assert fetched.counts["pages failed"] == 1
    assert {name: n for name, n in report.counts.items() if "pages" in name} == {
        "pages with HTTP 404": 1,
        "pages with a consent wall": 1,
        "pages with a paywall": 1,
        "pages with an error page": 1,
    }
    assert len(report.failures) == 4
    sources = {article.guid: article.text_source for article in articles(app)}
    assert sources == {
        name: "page" if name == "article" else "summary" for name in names
    }
    assert not any("partners" in article.text for article in articles(app))
    kinds = [response.kind for response in app.archive.read(Partition.at(NOON))]
    assert kinds.count(Answer.PAGE) == 5  # every answer is archived, whatever it is
    app.close()


def test_a_late_page_that_is_a_wall_does_not_take_the_summary_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = NOON + timedelta(hours=1)
    with a_site("missing") as place:
        app = an_app(tmp_path, place, ["/feed"])
        app.fetch(NOON)
        app.read(NOON)
        monkeypatch.setitem(WALLS, "missing", WALLS["consent"])
        app.fetch(later)
        report = app.read(later)

    assert len(articles(app)) == 1
    assert articles(app, later) == []
    assert report.counts["pages with a consent wall"] == 1
    app.close()


def test_pages_that_the_deadline_cut_off_are_asked_in_the_next_pass(
    tmp_path: Path,
) -> None:
    later = NOON + timedelta(hours=1)
    with a_site("article") as place:
        app = an_app(tmp_path, place, ["/feed"])
        pages = app.fetcher.pages
        app.fetcher.pages = lambda urls, now: iter(())  # type: ignore[method-assign]
        first = app.fetch(NOON)
        app.read(NOON)
        app.fetcher.pages = pages  # type: ignore[method-assign]
        second = app.fetch(later)
        app.read(later)

    assert first.counts["pages not reached"] == 1
    assert second.counts["pages"] == 1
    assert [(a.revision, a.text_source) for a in articles(app, later)] == [(2, "page")]
    app.close()


def test_feeds_are_found_tried_and_written(tmp_path: Path) -> None:
    with a_site("article") as place:
        app = an_app(tmp_path, place, [])
        fresh, rows = app.discover(f"http://{place}/", NOON)
        app.add_feeds(fresh)
        app.close()
        again = open_app(
            config=tmp_path / "config",
            lake=str(tmp_path / "lake"),
            fetch={"allow": [place]},
        )
        known, _ = again.discover(f"http://{place}/feed", NOON)

    assert [(row["url"], row["state"], row["entries"]) for row in rows] == [
        (f"http://{place}/feed", "ok", 1)
    ]
    assert [(f.id, f.url, f.outlet) for f in again.feeds] == [
        ("127-0-0-1", f"http://{place}/feed", "S")
    ]
    assert known == []
    again.close()


def test_an_opml_file_is_imported_by_the_command(tmp_path: Path) -> None:
    app = an_app(tmp_path, "a.example", ["/rss"])
    app.close()
    opml = tmp_path / "feeds.opml"
    opml.write_text(
        '<opml><body><outline text="A" xmlUrl="http://a.example/rss"/>'
        '<outline text="B" xmlUrl="http://b.example/rss"/></body></opml>'
    )
    line = ["feeds", "import", str(opml), "--config", str(tmp_path / "config")]
    line += ["--lake", str(tmp_path / "lake")]

    shown = CliRunner().invoke(cli, line)
    assert 'url = "http://b.example/rss"' in shown.stdout
    assert "a.example" not in shown.stdout
    assert len(an_app_again(tmp_path).feeds) == 1

    written = CliRunner().invoke(cli, [*line, "--write"])
    assert written.exit_code == 0
    assert [f.id for f in an_app_again(tmp_path).feeds] == ["f000", "b-example"]
    assert "no feed to add" in CliRunner().invoke(cli, line).stdout
    opml.write_text("<rss/>")
    assert CliRunner().invoke(cli, line).exit_code == 2


def an_app_again(folder: Path) -> App:
    return open_app(config=folder / "config", lake=str(folder / "lake"))


def test_each_bound_of_reading_is_a_setting(fault: Fault, tmp_path: Path) -> None:
    app = an_app(
        tmp_path, fault.place, ["/feed", "/moved"], max_entries=2, max_redirects=0
    )

    app.fetch(NOON)
    app.read(NOON)

    assert [(poll.state, poll.reason, poll.entries) for poll in polls(app)] == [
        ("damaged", "more than 2 entries", 2),
        ("error", "more than 0 redirects", 0),
    ]
    assert len(articles(app)) == 2
    app.close()


# ------------------------------------------------------------- edits and wire copies


def a_feed_of(items: dict[str, tuple[str, str]]) -> bytes:
    """RSS of full texts: name -> (date, text), the text's first line the headline."""
    made = ""
    for name, (date, text) in items.items():
        title, *lines = text.split("\n")
        body = "".join(f"<p>{line}</p>" for line in lines)
        made += (
            f"<item><title>{title}</title><guid>{name}</guid><pubDate>{date}</pubDate>"
            f"<link>http://herald.example/{name}</link>"
            f"<description><![CDATA[{body}]]></description></item>"
        )
    return (
        f"<rss version='2.0'><channel><title>T</title>{made}</channel></rss>".encode()
    )


def told(app: App, at: datetime, *answers: Response) -> list[Article]:
    """The articles that ``read`` makes of these archived answers."""
    app.archive.add(Partition.at(at), answers)
    app.read(at)
    return articles(app, at)


def test_an_edit_a_silent_edit_and_a_cosmetic_one_are_2_2_and_1_revisions(
    tmp_path: Path,
) -> None:
    app, later = an_app(tmp_path, "127.0.0.1:1", []), NOON + timedelta(hours=1)
    first, second = "Mon, 02 Mar 2026 05:10:00 GMT", "Mon, 02 Mar 2026 09:00:00 GMT"
    text = a_story(1, 24)
    edited = text + "\nA paragraph that was not there before was added by the desk."
    cosmetic = text.replace(".", " .").replace("Headline", "HEADLINE")
    before = {name: (first, text.replace("1", name)) for name in ("4", "5", "6")}
    after = {
        "4": (second, edited.replace("1", "4")),
        "5": (first, edited.replace("1", "5")),
        "6": (first, cosmetic.replace("1", "6")),
    }

    told(app, NOON, a_response(body=a_feed_of(before)))
    found = told(app, later, a_response(body=a_feed_of(after)))

    assert [(a.guid, a.revision) for a in found] == [("4", 2), ("5", 2)]
    app.close()


@pytest.mark.parametrize("first", [2, 7, 100])  # 1 is the wire story itself
def test_one_wire_story_under_20_urls_and_5_others_are_one_group_and_5_singles(
    tmp_path: Path, first: int
) -> None:
    app = an_app(tmp_path, "127.0.0.1:1", [])
    story = a_story(1)
    texts = [desk_edit(story, n) for n in range(20)] + [
        a_story(n) for n in range(first, first + 5)
    ]
    date = "Mon, 02 Mar 2026 05:10:00 GMT"
    answers = [
        a_response(feed_id=f"o{n:02}", body=a_feed_of({f"{n}": (date, text)}))
        for n, text in enumerate(texts)
    ]

    found = (
        told(app, NOON, *answers[:10]),
        told(app, NOON + timedelta(hours=1), *answers[10:]),
    )

    groups = Counter(article.wire_group_id for some in found for article in some)
    assert sorted(groups.values()) == [1, 1, 1, 1, 1, 20]
    assert groups[found[0][0].article_id] == 20  # the first seen is the origin
    app.close()


def test_two_wire_groups_that_one_article_joins_are_told_once(tmp_path: Path) -> None:
    app = an_app(tmp_path, "127.0.0.1:1", [])
    date = "Mon, 02 Mar 2026 05:10:00 GMT"
    title, *paragraphs = a_story(1, 48).split("\n")
    halves = ["\n".join([title, *paragraphs[:3]]), "\n".join([title, *paragraphs[3:]])]
    texts = [*halves, "\n".join([title, *paragraphs]), "\n".join(["X", *paragraphs])]

    articles = [
        told(
            app,
            NOON + timedelta(hours=nth),
            a_response(feed_id=f"o{nth}", body=a_feed_of({f"{nth}": (date, text)})),
        )[0]
        for nth, text in enumerate(texts)
    ]

    groups = [one.wire_group_id for one in articles]
    found = [
        one
        for partition in app.lake.partitions("merges")
        for one in from_arrow(Correction, app.lake.read("merges", partition))
    ]
    assert groups[0] != groups[1]
    assert groups[2] in groups[:2]
    assert [(one.wire_group_id, one.merged_into) for one in found] == [
        (groups[1], groups[0])
    ]
    assert (found[0].kind, found[0].article_id) == (
        "wire_merged",
        articles[2].article_id,
    )
    app.publish(NOON + timedelta(hours=4))
    (row,) = app.lake.load("corrections", NOON.date()).to_pylist()
    assert (row["kind"], row["merged_into"]) == ("wire_merged", groups[0])
    app.close()


def test_a_check_of_feeds_fails_where_a_feed_does(tmp_path: Path) -> None:
    with faulty() as fault:
        places = json.dumps([fault.place])
        for path, status in (("/feed", 0), ("/404", 3)):
            config = tmp_path / path[1:]
            config.mkdir()
            (config / "feeds.toml").write_text(
                f'[[feeds]]\nid = "a"\nurl = "{fault.url(path)}"\n'
            )

            done = CliRunner().invoke(
                cli,
                ["feeds", "check", "--config", str(config), "--lake", str(tmp_path)],
                env={"ONRECORD_FETCH__ALLOW": places},
            )

            assert done.exit_code == status, done.output
