"""``fetch``: ask the feeds that are due, then the pages that their entries need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import islice
from typing import TypeVar

from pipeline.articles.normalise import wants_page
from pipeline.errors import (
    FeedError,
    ParseError,
)
from pipeline.feeds.schedule import due, next_state, poll_of
from pipeline.ids import stable_id
from pipeline.model import (
    Bounds,
    Entry,
    Feed,
    FeedState,
    Parsed,
    Partition,
    Poll,
    Report,
    Response,
    WantedPage,
)
from pipeline.ports import (
    Archive,
    FeedStates,
    Fetcher,
    Lake,
    Progress,
)
from pipeline.steps.shared import parsed_feed
from pipeline.tables.values import from_arrow, to_arrow

Row = TypeVar("Row")


HELD_FEEDS = 200
"""Feeds whose answers are held before they are archived and their states saved."""

HELD_PAGES = 50

Outcome = Response | FeedError


def fetch(
    feeds: Sequence[Feed],
    at: datetime,
    *,
    fetcher: Fetcher,
    states: FeedStates,
    archive: Archive,
    lake: Lake,
    progress: Progress,
    gate: Callable[[str], bool],
    bounds: Bounds,
    slowest: timedelta,
    everything: bool = False,
) -> Report:
    """Ask the feeds that are due, then the pages that their entries need.

    Answers are archived some hundred at a time under the moment of asking, each before
    its feed's state is saved: a kill between the two only makes us ask again, and what
    came before a kill is kept. ``gate`` says whether a title or summary may be worth
    its page.
    """
    partition = Partition.at(at)
    known = states.load(feeds)
    asked = [
        (feed, known[feed.id]) for feed in due(feeds, known, at, everything=everything)
    ]
    place = {feed.id: nth for nth, (feed, _) in enumerate(asked)}
    tally = _Tally()
    late = states.wanted_pages(at)

    def keep(responses: Sequence[Response]) -> None:
        if responses:
            progress.stale("read", partition)
            archive.add(partition, responses)
            tally.rows += len(responses)

    answers = (
        _asked(feed, known[feed.id], _answer(outcome), at, gate, bounds, slowest)
        for feed, outcome in fetcher.feeds(asked, now=at)
    )
    wanted = {page.key: page for page in late}
    for held in _chunks(answers, HELD_FEEDS):
        held.sort(key=lambda one: place[one.poll.feed_id])
        keep([one.response for one in held if one.response is not None])
        tally.polls(held)
        _add_polls(lake, partition, [one.poll for one in held])
        fresh = _unknown([page for one in held for page in one.wanted], states)
        states.pages_later(fresh, at)
        states.save(one.after for one in held)
        wanted.update((page.key, page) for page in fresh)
    by_url: dict[str, list[WantedPage]] = {}
    for page in wanted.values():
        by_url.setdefault(page.url, []).append(page)
    urls = [(pages[0].feed_id, url) for url, pages in by_url.items()]
    for some in _chunks(fetcher.pages(urls, now=at), HELD_PAGES):
        got = {url: _answer(outcome) for url, outcome in sorted(some, key=_by_url)}
        responses = [one for one in got.values() if isinstance(one, Response)]
        keep(responses)
        usable = {one.url for one in responses if one.status == 200}
        failed = [page for url in got if url not in usable for page in by_url[url]]
        states.pages_failed(failed, at)
        states.pages_done([page for url in sorted(usable) for page in by_url[url]])
        tally.pages(len(usable), len(got) - len(usable))
    tally.cut(len(asked), len(by_url))
    return Report(
        step="fetch",
        rows=tally.rows,
        failures=tuple(tally.failures),
        counts=tally.counts,
    )


def _by_url(answer: tuple[str, object]) -> str:
    return answer[0]


def _answer(outcome: Response | Exception) -> Outcome:
    if isinstance(outcome, Response | FeedError):
        return outcome
    raise outcome


@dataclass(slots=True)
class _Tally:
    """What a report says of a fetch, as it goes on."""

    rows: int = 0
    failures: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(
        default_factory=lambda: {"feeds": 0, "entries": 0, "pages": 0}
    )

    def polls(self, held: Sequence[_Asked]) -> None:
        polls = [one.poll for one in held]
        self.counts["feeds"] += len(polls)
        self.counts["entries"] += sum(poll.entries for poll in polls)
        self.failures += [
            f"feed {poll.feed_id}: {poll.state}: {poll.reason}"
            for poll in polls
            if poll.state not in ("ok", "unchanged", "moved")
        ]

    def pages(self, usable: int, failed: int) -> None:
        self.counts["pages"] += usable
        if failed:
            self.counts["pages failed"] = self.counts.get("pages failed", 0) + failed

    def cut(self, feeds: int, pages: int) -> None:
        """What the deadline left for the next pass."""
        pages -= self.counts["pages"] + self.counts.get("pages failed", 0)
        for name, left in {
            "feeds": feeds - self.counts["feeds"],
            "pages": pages,
        }.items():
            if left:
                self.counts[f"{name} not reached"] = left
                self.failures.append(f"the deadline came before {left} {name}")


@dataclass(frozen=True, slots=True)
class _Asked:
    """How one feed's poll ended. ``response`` is what goes to the archive."""

    response: Response | None
    poll: Poll
    after: FeedState
    wanted: list[WantedPage]


def _asked(
    feed: Feed,
    state: FeedState,
    outcome: Outcome,
    at: datetime,
    gate: Callable[[str], bool],
    bounds: Bounds,
    slowest: timedelta,
) -> _Asked:
    """An answer that is no feed counts as a failure: its validators are not kept.

    A body that is the same as before is not parsed, and archived as a reference.
    """
    response = outcome if isinstance(outcome, Response) else None
    parsed: Parsed | ParseError | None = None
    if response is not None and 200 <= response.status < 300:
        body = sha256(response.body).hexdigest()
        if response.truncated is None and body == state.body_sha256:
            response = replace(response, body=b"", repeats=body)
        else:
            parsed = parsed_feed(response, bounds)
    if isinstance(parsed, ParseError):
        after = next_state(feed, state, parsed, at)
    else:
        after = next_state(feed, state, outcome, at, parsed=parsed, slowest=slowest)
    wanted = _wanted(parsed, gate) if isinstance(parsed, Parsed) else []
    return _Asked(response, poll_of(feed, outcome, parsed, after, at), after, wanted)


def _wanted(parsed: Parsed, gate: Callable[[str], bool]) -> list[WantedPage]:
    return [
        WantedPage(key=_page_key(entry), feed_id=entry.feed_id, url=entry.link)
        for entry in parsed.entries
        if gate(f"{entry.title}\n{entry.summary_html}") and wants_page(entry)
    ]


def _unknown(wanted: Sequence[WantedPage], states: FeedStates) -> list[WantedPage]:
    by_key = {page.key: page for page in wanted}
    known = states.pages_known(list(by_key))
    return [page for key, page in by_key.items() if key not in known]


def _page_key(entry: Entry) -> str:
    updated = entry.updated_at.isoformat() if entry.updated_at else ""
    return stable_id("page", entry.link, entry.title, entry.summary_html, updated)


def _add_polls(lake: Lake, partition: Partition, polls: Sequence[Poll]) -> None:
    """Add an attempt's polls to the partition's; they are numbered from 1 by feed."""
    before = lake.read("polls", partition)
    held = from_arrow(Poll, before) if before is not None else []
    lake.write("polls", partition, to_arrow(Poll, [*held, *polls]))


def _chunks(values: Iterable[Row], size: int) -> Iterable[list[Row]]:
    """Lists of at most ``size`` values, as they come."""
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk
