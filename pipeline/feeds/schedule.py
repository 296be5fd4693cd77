"""When a feed is asked again, and what its last answer was: decisions, no clock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256
from http import HTTPStatus

from pipeline.errors import BlockedError, FeedError, ParseError
from pipeline.feeds.wishes import after_quiet
from pipeline.model import Feed, FeedState, Parsed, Poll, PollState, Response

MAX_BACKOFF = timedelta(days=1)
SLOWEST = timedelta(hours=1)  # the most that a feed's wishes or silence slow it down
QUIET_AFTER = 8  # unchanged answers before the rhythm slows
PROVEN_MOVES = 2  # permanent redirects to one place before it is believed
JITTER = 0.1

_BEGINNING = datetime.min.replace(tzinfo=UTC)
_PATIENCE = (429, 503)
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,9})", re.I)
_WALL_HEADERS = ("cf-mitigated", "x-datadome", "x-amzn-waf-action", "x-sucuri-block")
_WALL = re.compile(
    rb"just a moment\.\.\.|cf-browser-verification|cf[-_]chl[-_]|_cf_chl_opt|"
    rb"challenge-platform|attention required! \| cloudflare|checking your browser|"
    rb"ddos-guard|captcha-delivery\.com|px-captcha|_incapsula_resource|"
    rb"enable javascript and cookies to continue|verify(?:ing)? you are (?:a )?human|"
    rb"are you a robot|please complete the security check|g-recaptcha|h-captcha|"
    rb"sucuri website firewall|access denied</title>.{0,2000}edgesuite|"
    rb"proof of work|anubis_challenge|making sure you(?:'|&#39;)re not a bot",
    re.I | re.S,
)
_MARKUP = re.compile(rb"<(?:\w+:)?(?:rss|feed|rdf)[\s>]", re.I)


def due(
    feeds: Iterable[Feed],
    states: Mapping[str, FeedState],
    now: datetime,
    *,
    everything: bool = False,
) -> list[Feed]:
    """The feeds to ask now, the longest waiting first; one that is gone never is."""
    waiting: list[tuple[datetime, str, Feed]] = []
    for feed in feeds:
        state = states.get(feed.id)
        due_at = state.due_at if state and state.due_at else _BEGINNING
        if state is not None and state.gone:
            continue
        if everything or due_at <= now:
            waiting.append((due_at, feed.id, feed))
    return [feed for _, _, feed in sorted(waiting, key=lambda one: one[:2])]


def next_state(
    feed: Feed,
    state: FeedState,
    outcome: Response | Exception,
    now: datetime,
    *,
    parsed: Parsed | None = None,
    slowest: timedelta = SLOWEST,
) -> FeedState:
    """The state after one request.

    An answer (2xx, 304) clears the failures and keeps the feed's rhythm, slower where
    the feed asks for it (``ttl``, ``Cache-Control``) or never changes, up to
    ``slowest``; hours that it asks to skip are skipped. A failure doubles the wait, at most a day;
    429 and 503 wait as long as they say; 410 ends the requests. Give the ParseError as
    ``outcome`` where the answer was no feed: then its validators are not believed.
    """
    if not isinstance(outcome, Response):
        return _failed(feed, state, now)
    if outcome.status == 410:
        return replace(state, gone=True, failures=0, due_at=None)
    if outcome.status in _PATIENCE:
        return _patient(feed, state, outcome, now)
    if outcome.status != 304 and not 200 <= outcome.status < 300:
        return _failed(feed, state, now)
    state = _moved(state, outcome)
    if outcome.status != 304:
        state = _fresh(state, outcome)
    else:
        state = replace(state, unchanged_in_row=state.unchanged_in_row + 1)
    if parsed is not None:
        state = replace(
            state, ttl_minutes=parsed.ttl_minutes, quiet_hours=parsed.quiet_hours
        )
    wait = _rhythm(feed, state, outcome, slowest)
    early = wait * (JITTER * _share(feed.id))  # never late: the scheduler has a tick
    at = after_quiet(now + wait - early, state.quiet_hours)
    return replace(state, failures=0, due_at=at)


def _failed(feed: Feed, state: FeedState, now: datetime) -> FeedState:
    failures = state.failures + 1
    every = timedelta(minutes=feed.every_minutes)
    wait: timedelta = min(every * 2 ** min(failures, 16), MAX_BACKOFF)
    late = wait * (JITTER * _share(feed.id, str(failures)))
    return replace(state, failures=failures, due_at=now + min(wait + late, MAX_BACKOFF))


def _patient(
    feed: Feed, state: FeedState, outcome: Response, now: datetime
) -> FeedState:
    asked = retry_after(outcome, now)
    if asked is None:
        return _failed(feed, state, now)
    wait = max(asked, timedelta(minutes=feed.every_minutes))
    return replace(
        state, failures=state.failures + 1, due_at=now + min(wait, MAX_BACKOFF)
    )


def retry_after(response: Response, now: datetime) -> timedelta | None:
    """The wait that an answer asks for, at most a day; None where it names none."""
    text = (response.header("retry-after") or "").strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), MAX_BACKOFF)
    try:
        at: datetime = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    seconds = at.replace(tzinfo=at.tzinfo or UTC).timestamp() - now.timestamp()
    return min(timedelta(seconds=max(seconds, 0.0)), MAX_BACKOFF)


def _moved(state: FeedState, outcome: Response) -> FeedState:
    """A permanent redirect is believed when it was seen twice in a row."""
    target = outcome.permanent_url
    if target is None or target == state.url:
        return replace(state, moved_to=None, moved_seen=0)
    seen = state.moved_seen + 1 if state.moved_to == target else 1
    if seen < PROVEN_MOVES:
        return replace(state, moved_to=target, moved_seen=seen)
    return replace(state, url=target, moved_to=None, moved_seen=0)


def _fresh(state: FeedState, outcome: Response) -> FeedState:
    """Validators and hash of a new body; of one that was cut, none."""
    if outcome.truncated is not None:
        return replace(
            state, etag=None, last_modified=None, body_sha256=None, unchanged_in_row=0
        )
    body = sha256(outcome.body).hexdigest()
    same = body == state.body_sha256
    return replace(
        state,
        etag=outcome.header("etag"),
        last_modified=outcome.header("last-modified"),
        body_sha256=body,
        unchanged_in_row=state.unchanged_in_row + 1 if same else 0,
    )


def _rhythm(
    feed: Feed, state: FeedState, outcome: Response, slowest: timedelta
) -> timedelta:
    """The configured rhythm; slower, within bounds, where the feed asks or is quiet."""
    every = timedelta(minutes=feed.every_minutes)
    quiet: timedelta = every * 2 ** min(state.unchanged_in_row // QUIET_AFTER, 3)
    wishes = [quiet]
    if state.ttl_minutes is not None:
        wishes.append(timedelta(minutes=state.ttl_minutes))
    control = outcome.header("cache-control") or ""
    max_age = _MAX_AGE.search(control)
    if max_age is not None and "no-cache" not in control.lower():
        wishes.append(timedelta(seconds=int(max_age[1])))
    return max(every, min(max(wishes), slowest))


def _share(*parts: str) -> float:
    """A number from 0 up to 1 that only depends on the words: jitter without chance."""
    digest = sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4], "big") / 2**32


# ---------------------------------------------------------------------- the record


def poll_of(
    feed: Feed,
    outcome: Response | Exception,
    parsed: Parsed | ParseError | None,
    state_after: FeedState,
    now: datetime,
) -> Poll:
    """One row of ``feed_health``: how the poll ended, and why, in words."""
    state, reason = _verdict(outcome, parsed, state_after)
    answer = outcome if isinstance(outcome, Response) else None
    return Poll(
        feed_id=feed.id,
        at=now,
        state=state,
        http_status=answer.status if answer else getattr(outcome, "status", None),
        reason=reason,
        entries=len(parsed.entries) if isinstance(parsed, Parsed) else 0,
        bytes=len(answer.body) if answer else 0,
        seconds=answer.seconds if answer else 0.0,
        next_due_at=None if state_after.gone else state_after.due_at,
        url=answer.final_url if answer else state_after.url,
    )


def _verdict(
    outcome: Response | Exception, parsed: Parsed | ParseError | None, after: FeedState
) -> tuple[PollState, str]:
    if isinstance(outcome, BlockedError):
        return PollState.BLOCKED, outcome.reason
    if not isinstance(outcome, Response):
        reason = outcome.reason if isinstance(outcome, FeedError) else str(outcome)
        return PollState.ERROR, reason or type(outcome).__name__
    if is_wall(outcome) and not isinstance(parsed, Parsed):
        return PollState.CHALLENGE, f"a bot wall answered (HTTP {outcome.status})"
    if outcome.status == 410:
        return PollState.GONE, "HTTP 410: the feed has ended"
    if outcome.status in _PATIENCE:
        asked = outcome.header("retry-after")
        wait = f", asked to wait: {asked[:40]}" if asked else ""
        return PollState.BACKOFF, f"{_status(outcome.status)}{wait}"
    if outcome.status != 304 and not 200 <= outcome.status < 300:
        return PollState.ERROR, _status(outcome.status)
    if isinstance(parsed, ParseError):
        return PollState.ERROR, _with_cut(parsed.reason, outcome.truncated)
    return _answered(outcome, parsed, after)


def _answered(
    outcome: Response, parsed: Parsed | None, after: FeedState
) -> tuple[PollState, str]:
    damage = (parsed.damage if parsed else None) or outcome.truncated
    if damage:
        return PollState.DAMAGED, damage
    if outcome.permanent_url is not None:
        known = "recorded" if after.url == outcome.permanent_url else "seen once"
        return PollState.MOVED, f"moved to {outcome.permanent_url} ({known})"
    if outcome.status == 304:
        return PollState.UNCHANGED, "HTTP 304"
    if after.unchanged_in_row > 0:
        return PollState.UNCHANGED, "the same body as before"
    return PollState.OK, ""


def _with_cut(reason: str, truncated: str | None) -> str:
    return f"{reason} ({truncated})" if truncated else reason


def _status(status: int) -> str:
    try:
        return f"HTTP {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"HTTP {status}"


def is_wall(response: Response) -> bool:
    """Whether a bot wall answered in place of the site (Cloudflare, DataDome, ...)."""
    if any(response.header(name) for name in _WALL_HEADERS[:1]):
        return True
    head = response.body[:60_000]
    if _MARKUP.search(head[:4_000]):
        return False
    if response.status in (401, 403, 405, 429, 503) and any(
        response.header(name) for name in _WALL_HEADERS
    ):
        return True
    return _WALL.search(head) is not None
