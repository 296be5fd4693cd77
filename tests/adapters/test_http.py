"""Manners, redirects and validators of the fetcher, on real servers."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.adapters import http
from pipeline.adapters.http import HttpFetcher
from pipeline.adapters.outlet import serve_world
from pipeline.adapters.robots import parse_robots
from pipeline.errors import BlockedError, ConfigError, FetchError
from pipeline.model import FeedState, Response
from tests.builders import NOON, a_feed
from tests.faults.server import Fault, faulty


@pytest.fixture
def fault() -> Iterator[Fault]:
    with faulty() as fault:
        yield fault


def named(fault: Fault, *names: str, **values: object) -> HttpFetcher:
    """A fetcher for which the server stands behind some names."""
    bounds: dict[str, object] = {
        "hosts": dict.fromkeys(names or ("herald.example",), fault.place),
        "read_seconds": 2.0,
        "total_seconds": 4.0,
        "page_pause_seconds": 0.0,
        "user_agent": "onrecord/1 (+mailto:desk@herald.example)",
    }
    return HttpFetcher(**{**bounds, **values})  # type: ignore[arg-type]


def ask(
    fetcher: HttpFetcher, *urls: str, state: Mapping[str, str] | None = None
) -> list[Response | Exception]:
    feeds = [a_feed(id=f"f{n}", url=url) for n, url in enumerate(urls)]
    asked = [
        (feed, FeedState(feed_id=feed.id, url=feed.url, **(state or {})))
        for feed in feeds
    ]
    found = {feed.id: outcome for feed, outcome in fetcher.feeds(asked, now=NOON)}
    return [found[feed.id] for feed in feeds]


def answer(outcome: Response | Exception) -> Response:
    assert isinstance(outcome, Response), outcome
    return outcome


def test_a_mapped_name_is_asked_where_it_is_answered(fault: Fault) -> None:
    found = answer(*ask(named(fault), "http://herald.example/feed"))

    assert (found.url, found.final_url) == ("http://herald.example/feed",) * 2
    assert "Host: herald.example\r\n" in fault.asked[0]
    assert "User-Agent: onrecord/1 (+mailto:desk@herald.example)" in fault.asked[0]
    assert found.fetched_at == NOON


def test_a_mapped_address_is_not_open_to_a_redirect(fault: Fault) -> None:
    (found,) = ask(named(fault), "http://herald.example/to-loopback")

    assert isinstance(found, BlockedError)


def test_validators_are_sent_and_kept_through_redirects(fault: Fault) -> None:
    state = {"etag": '"v1"', "last_modified": "Mon, 02 Mar 2026 05:10:00 GMT"}

    found = answer(*ask(named(fault), "http://herald.example/conditional", state=state))

    assert found.status == 304
    assert 'If-None-Match: "v1"' in fault.asked[0]
    assert "If-Modified-Since: Mon, 02 Mar 2026 05:10:00 GMT" in fault.asked[0]


def test_a_validator_cannot_smuggle_a_header(fault: Fault) -> None:
    ask(
        named(fault),
        "http://herald.example/feed",
        state={"etag": '"x"\r\nX-Evil: 1'},
    )

    assert "\r\nX-Evil" not in fault.asked[0]


@pytest.mark.parametrize(
    ("path", "permanent"),
    [
        ("/moved", "http://herald.example/feed"),
        ("/moved-308", "http://herald.example/feed"),
        ("/found", None),
        ("/moved-then-found", "http://herald.example/found"),
        ("/feed", None),
    ],
)
def test_only_a_chain_of_permanent_redirects_moves_a_feed(
    fault: Fault, path: str, permanent: str | None
) -> None:
    found = answer(*ask(named(fault), f"http://herald.example{path}"))

    assert found.permanent_url == permanent
    assert found.final_url == "http://herald.example/feed"


def test_a_host_is_asked_one_thing_at_a_time(fault: Fault) -> None:
    ask(named(fault), *[f"http://herald.example/late?{n}" for n in range(3)])

    assert fault.most_open == 1


def test_hosts_are_asked_at_the_same_time(fault: Fault) -> None:
    names = [f"h{n}.example" for n in range(8)]
    began = time.monotonic()

    ask(named(fault, *names), *[f"http://{name}/late" for name in names])

    assert time.monotonic() - began < 1.5
    assert fault.most_open > 2


def test_pages_of_a_host_are_asked_with_a_pause(fault: Fault) -> None:
    fetcher = named(fault, "open.example", page_pause_seconds=0.2)
    began = time.monotonic()

    found = list(
        fetcher.pages(
            [("f", "http://open.example/page"), ("f", "http://open.example/page-2")],
            now=NOON,
        )
    )

    assert [answer(outcome).status for _, outcome in found] == [200, 200]
    assert time.monotonic() - began >= 0.4  # robots.txt, pause, page, pause, page


def test_robots_txt_is_obeyed_and_asked_once(fault: Fault) -> None:
    urls = [
        f"http://herald.example{path}"
        for path in ("/page", "/private/page", "/private/open")
    ]

    found = dict(named(fault).pages([("f", url) for url in urls], now=NOON))

    assert answer(found[urls[0]]).status == 200
    assert isinstance(found[urls[1]], BlockedError)
    assert answer(found[urls[2]]).status == 200
    assert len([head for head in fault.asked if "/robots.txt" in head]) == 1


def test_without_robots_txt_all_is_allowed_but_not_where_it_is_broken(
    fault: Fault,
) -> None:
    fetcher = named(fault, "open.example", "broken.example")
    urls = ["http://open.example/private/page", "http://broken.example/page"]

    found = dict(fetcher.pages([("f", url) for url in urls], now=NOON))

    assert answer(found[urls[0]]).status == 200
    assert isinstance(found[urls[1]], FetchError)
    assert "robots.txt" in str(found[urls[1]])


def test_a_page_on_an_inside_address_is_refused(fault: Fault) -> None:
    urls = [fault.url("/page"), "http://169.254.169.254/", "javascript:alert(1)"]

    found = dict(named(fault).pages([("f", url) for url in urls], now=NOON))

    assert [type(found[url]) for url in urls[:2]] == [BlockedError] * 2
    assert isinstance(found[urls[2]], BlockedError | FetchError)
    assert fault.asked == []


def test_a_name_that_resolves_to_the_inside_is_refused(
    fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    def to_loopback(*_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", fault.port))]

    monkeypatch.setattr(http.socket, "getaddrinfo", to_loopback)

    (found,) = ask(named(fault), f"http://rebound.example:{fault.port}/feed")

    assert isinstance(found, BlockedError)
    assert "rebound.example (127.0.0.1)" in found.reason
    assert fault.asked == []


def test_an_address_is_checked_again_when_it_is_connected_to(
    fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unchecked(
        self: object, host: str, port: int = 0, family: int = 0
    ) -> list[object]:
        return [http._resolved(host, "127.0.0.1", fault.port)]

    monkeypatch.setattr(http._Resolver, "resolve", unchecked)

    (found,) = ask(named(fault), "http://rebound.example/feed")

    assert isinstance(found, BlockedError)
    assert fault.asked == []


def test_an_unknown_host_and_a_closed_port_are_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        fetcher = HttpFetcher(allow={place})

        closed, unknown = ask(fetcher, f"http://{place}/", "http://nowhere.invalid/")

    assert isinstance(closed, FetchError)
    assert "no connection" in closed.reason
    assert isinstance(unknown, FetchError)
    assert "no such host" in unknown.reason


def test_a_reader_that_stops_early_leaves_nothing_running(fault: Fault) -> None:
    feeds = [
        a_feed(id=f"f{n}", url=f"http://herald.example/feed?{n}") for n in range(5)
    ]
    asked = [(feed, FeedState(feed_id=feed.id, url=feed.url)) for feed in feeds]
    answers = named(fault).feeds(asked, now=NOON)

    next(answers)
    answers.close()

    assert len(fault.asked) < 5


def test_nothing_asked_is_nothing_answered() -> None:
    assert list(HttpFetcher().feeds([], now=NOON)) == []
    assert list(HttpFetcher().pages([], now=NOON)) == []


# ------------------------------------------------------------------------- robots.txt

ROBOTS = """
User-agent: *
Disallow: /private
Allow: /private/*.html$
Disallow: /*?print=
Crawl-delay: 2

User-agent: OnRecord
User-agent: other
Disallow: /ours
"""


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", True),
        ("/private", False),
        ("/private/x", False),
        ("/private/x.html", True),
        ("/private/x.html?y", False),
        ("/a?print=1", False),
        ("/robots.txt", True),
        ("/ours", True),
    ],
)
def test_the_longest_rule_decides(path: str, allowed: bool) -> None:
    robots = parse_robots(ROBOTS, "somebody")

    assert robots.allows(f"http://e.org{path}") is allowed
    assert robots.delay_seconds == 2


def test_the_group_with_our_name_is_ours() -> None:
    robots = parse_robots(ROBOTS, "onrecord")

    assert not robots.allows("http://e.org/ours")
    assert robots.allows("http://e.org/private")


# ------------------------------------------------------------------ the sample outlets


@pytest.fixture
def world(tmp_path: Path) -> Path:
    (tmp_path / "world.toml").write_text(
        '[[polls]]\nid = "p1"\nat = 2026-03-02T06:00:00Z\n'
        '[[polls]]\nid = "p2"\nat = 2026-03-02T14:00:00Z\n'
        '[[outlets]]\nhost = "herald.example"\nfeed = "/rss.xml"\n'
    )
    for poll, path, text in [
        ("p1", "rss.xml", "<rss>1</rss>"),
        ("p1", "a.html", "page"),
        ("p2", "rss.xml", "<rss>2</rss>"),
    ]:
        file = tmp_path / "world" / poll / "herald.example" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


def test_the_sample_world_shows_the_newest_file_of_its_poll(world: Path) -> None:
    with serve_world(world) as running:
        fetcher = HttpFetcher(hosts=running.hosts())
        first = answer(*ask(fetcher, "http://herald.example/rss.xml"))
        again = answer(
            *ask(
                fetcher,
                "http://herald.example/rss.xml",
                state={"etag": first.header("etag") or ""},
            )
        )
        poll = running.show("p2")
        second, page, none, up = ask(
            fetcher,
            "http://herald.example/rss.xml",
            "http://herald.example/a.html",
            "http://herald.example/b.html",
            "http://herald.example/../../world.toml",
        )

    assert (first.body, again.status) == (b"<rss>1</rss>", 304)
    assert poll.at == datetime(2026, 3, 2, 14, tzinfo=UTC)
    assert answer(second).body == b"<rss>2</rss>"
    assert answer(page).header("content-type") == "text/html; charset=utf-8"
    assert (answer(none).status, answer(up).status) == (404, 404)


def test_a_world_that_is_wrong_is_named(tmp_path: Path) -> None:
    (tmp_path / "world.toml").write_text("[[polls]]\nid = 1\n")

    with pytest.raises(ConfigError, match="needs"), serve_world(tmp_path):
        pass


def test_an_unknown_poll_is_named(world: Path) -> None:
    with serve_world(world) as running, pytest.raises(ValueError, match="p1, p2"):
        running.show("p9")
