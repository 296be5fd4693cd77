"""The pages: one day's digest, and the list of days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.site import words
from pipeline.site.charts import (
    ANSWERED,
    HEIGHT,
    STEP,
    Changes,
    Chart,
    Coverage,
    Series,
    chart,
    coverage,
    days_until,
    marked,
    series,
)
from pipeline.site.differences import Piece, pieces
from pipeline.site.record import (
    RELATIONS,
    Found,
    Item,
    Record,
    item_of,
    news,
    said_again,
)
from pipeline.site.rows import Frame, Row, rows

MAX_BYTES = 150_000
TREND_DAYS = 14
WHOLE_TOPIC = "all"

LABELS = {
    "new": "New",
    "changed": "Changed",
    "contradicts": "Contradicts",
    "uncertain": "Perhaps new",
    "repeated": "Said again",
    "rereported": "Reported again",
}
SENTENCES = {
    "new": "nothing like it on record",
    "changed": "differs from what was said before",
    "contradicts": "against what was said before",
    "uncertain": "part of it was said before",
    "repeated": "on another occasion",
    "rereported": "another report of the same occasion",
}
STATES = {
    "ok": "Read",
    "unchanged": "Nothing new",
    "moved": "Read, has moved",
    "damaged": "Read in part",
    "backoff": "Asks for patience",
    "challenge": "Bot wall",
    "blocked": "Refused by our guard",
    "gone": "Gone for good",
    "error": "No usable answer",
}
TROUBLE = ("error", "gone", "blocked", "challenge", "backoff", "damaged", "moved")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a day one page holds."""

    full: int  # claims with everything
    brief: int  # further claims, a line each
    again: int
    words: int = 600  # characters of a statement
    feeds: int = 120
    charts: int = 12
    others: int = 40  # corrections, and articles in the footer


LADDER = (
    *(Limits(full=n, brief=400, again=100) for n in (400, *range(110, 10, -10))),
    Limits(full=12, brief=300, again=50, words=400),
    Limits(full=8, brief=150, again=30, words=300, feeds=60),
    Limits(full=5, brief=60, again=20, words=200, feeds=40, others=20),
    Limits(full=3, brief=10, again=5, words=160, feeds=15, charts=6, others=8),
)
"""Tried in order; the first page under MAX_BYTES is the page."""


def page_name(day: date) -> str:
    """The file name of a day's digest; the list of days is ``index.html`` beside it."""
    return f"{day.isoformat()}.html"


def digest(
    day: date,
    tables: Mapping[str, Frame],
    history: Mapping[str, Frame],
    *,
    version: str,
    made_from: Mapping[str, str],
    names: Mapping[str, str] = MappingProxyType({}),
    error_rates: Mapping[str, Any] | None = None,
    changes: Changes = lambda _: (),
    breaks: Sequence[date] = (),
) -> str:
    """The page of a day: one HTML file under 150 kB, the same for the same input.

    ``tables`` are the day's published tables by name (``rows.NEEDS`` lists what is
    read). ``history`` holds rows of the days before: ``daily_figure_topic`` and
    ``claims``; ``feed_health`` tells a gap from a zero in the trends; ``statements``
    give earlier words their source. A table that is not given counts as empty.
    ``made_from`` maps the relative path of each Parquet file to its SHA-256, or ''.
    ``names`` gives topics and sub-topics their names by id. ``error_rates`` are counts on
    the gold data, as ``bench.world --write`` leaves them. ``changes`` finds where the
    level of a trend changed; ``breaks`` are the days on which another version of the
    extractor began.

    On a crowded day contradictions and changes are shown in full first, the rest a line
    each, and what does not fit is counted. ValueError names a missing column.
    """
    given = _given(Record(day, tables, history, names), changes, breaks)
    page = ""
    for limits in LADDER:
        page = _page(
            given,
            limits,
            version=version,
            made_from=made_from,
            error_rates=error_rates,
        )
        if len(page.encode("utf-8")) < MAX_BYTES:
            return page
    return page


def index(days: Sequence[tuple[date, Mapping[str, int]]]) -> str:
    """The list of days, the latest first; ``counts`` gives the numbers of a day."""
    months: dict[str, list[dict[str, Any]]] = {}
    highest = max((c.get("claims", 0) for _, c in days), default=0)
    for day, numbers in sorted(days, key=lambda one: one[0], reverse=True):
        month = f"{words.MONTHS[day.month - 1]} {day.year}"
        claims = numbers.get("claims", 0)
        months.setdefault(month, []).append(
            {
                "day": day,
                "name": f"{words.WEEKDAYS[day.weekday()]} {day.day}",
                "href": page_name(day),
                "summary": _summary(numbers),
                "wide": round(100 * claims / highest) if highest else 0,
                "failing": numbers.get("feeds_failing", 0),
            }
        )
    return _templates().get_template("index.html").render(months=months)


def counts(day: date, tables: Mapping[str, Frame]) -> dict[str, int]:
    """The numbers of a day that the header and ``index`` show: claims, figures, outlets,
    one for each relation that opens a claim, again, feeds, feeds_failing."""
    record = Record(day, tables, {}, {})
    return _counts(record, news(record), said_again(record))


# ---------------------------------------------------------------------------- within


@dataclass(frozen=True, slots=True)
class _Given:
    """What every try at a page starts from."""

    record: Record
    polls: list[Row]
    daily: list[Row]
    past_polls: list[Row]
    changes: Changes
    breaks: Sequence[date]
    news: list[Found]
    again: list[Found]
    made: dict[tuple[str, int], Item] = field(default_factory=dict)

    def items(self, found: Iterable[Found], limit: int) -> list[Item]:
        """Claims as they are shown, each with so many characters of words."""
        items = []
        for one in found:
            key = one.claim_id, limit
            if key not in self.made:
                self.made[key] = item_of(self.record, one, limit)
            items.append(self.made[key])
        return items


def _given(record: Record, changes: Changes, breaks: Sequence[date]) -> _Given:
    today = record.rows("daily_figure_topic")
    past = rows(record.history, "daily_figure_topic")
    fresh = {(row["day"], row["figure_id"], row["subtopic"]) for row in today}
    kept = [r for r in past if (r["day"], r["figure_id"], r["subtopic"]) not in fresh]
    return _Given(
        record=record,
        polls=record.rows("feed_health"),
        daily=kept + today,
        past_polls=rows(record.history, "feed_health"),
        changes=changes,
        breaks=breaks,
        news=news(record),
        again=said_again(record),
    )


def _page(
    given: _Given,
    limits: Limits,
    *,
    version: str,
    made_from: Mapping[str, str],
    error_rates: Mapping[str, Any] | None,
) -> str:
    record, day = given.record, given.record.day
    shown = given.items(given.news[: limits.full + limits.brief], limits.words)
    full, brief = shown[: limits.full], shown[limits.full :]
    numbers = _counts(record, given.news, given.again)
    feeds = _feeds(day, record, given.polls)
    trends, sparks = _trends(given, limits.charts)
    return (
        _templates()
        .get_template("digest.html")
        .render(
            day=day,
            long_day=words.long_day(day),
            topic=_topic(record),
            numbers=numbers,
            summary=_summary(numbers),
            relations=RELATIONS,
            labels=LABELS,
            sentences=SENTENCES,
            sections=_sections(full, brief, sparks),
            hidden=len(given.news) - len(shown),
            again=given.items(given.again[: limits.again], limits.words),
            again_hidden=len(given.again[limits.again :]),
            feeds=feeds[: limits.feeds],
            feeds_hidden=len(feeds[limits.feeds :]),
            states=STATES,
            corrections=_corrections(day, record, limits.others),
            provenance=_provenance(record, full, made_from, limits.others),
            errors=_errors(record, error_rates) if error_rates else None,
            version=words.plain(version, 40),
            as_of=_as_of(record),
            step=STEP,
            height=HEIGHT,
            **trends,
        )
    )


def _counts(
    record: Record, found: Sequence[Found], again: Sequence[Found]
) -> dict[str, int]:
    latest = _latest(record.rows("feed_health"))
    outlets = {
        said["outlet"] for one in found for said in record.members.get(one.claim_id, [])
    }
    return {
        "claims": len(found),
        "figures": len({one.said["figure_id"] for one in found}),
        "outlets": len(outlets),
        **{kind: sum(i.relation == kind for i in found) for kind in RELATIONS},
        "again": len(again),
        "feeds": len(latest),
        "feeds_failing": sum(p["state"] not in ANSWERED for p in latest.values()),
    }


def _summary(numbers: Mapping[str, int]) -> str:
    """'11 new claims by 7 figures from 3 outlets; 2 changed, 1 contradicts': the
    changed and the contradicting are among the new."""
    claims = numbers.get("claims", 0)
    if not claims:
        return "No new claim on record."
    said = (
        f"{words.count(claims, 'new claim')} by "
        f"{words.count(numbers.get('figures', 0), 'figure')} from "
        f"{words.count(numbers.get('outlets', 0), 'outlet')}"
    )
    changed, against = numbers.get("changed", 0), numbers.get("contradicts", 0)
    parts = [f"{changed} changed"] if changed else []
    if against:
        parts.append(f"{against} contradict{'s' if against == 1 else ''}")
    return f"{said}; {', '.join(parts)}." if parts else f"{said}."


def _topic(record: Record) -> str:
    topics = sorted({row["topic"] for row in record.rows("claims")})
    return words.listed([record.named(topic) for topic in topics[:3]])


def _sections(
    full: Sequence[Item], brief: Sequence[Item], sparks: Mapping[str, Chart]
) -> list[dict[str, Any]]:
    """Items by figure; figures in the order of their weightiest claim."""
    found: dict[str, dict[str, Any]] = {}
    for name, items in (("full", full), ("brief", brief)):
        for item in items:
            section = found.setdefault(
                item.figure_id,
                {
                    "figure": item.figure,
                    "chart": sparks.get(item.figure_id),
                    "full": [],
                    "brief": [],
                },
            )
            section[name].append(item)
    return list(found.values())


def _trends(given: _Given, most: int) -> tuple[dict[str, Any], dict[str, Chart]]:
    """What the section on trends shows, and the chart of each figure by its id."""
    record, day = given.record, given.record.day
    days = days_until(day, TREND_DAYS)
    covered = coverage(days, [*given.past_polls, *given.polls], given.daily)
    whole = [row for row in given.daily if row["subtopic"] == WHOLE_TOPIC]
    parts = [row for row in given.daily if row["subtopic"] != WHOLE_TOPIC]
    names = {row["figure_id"]: words.plain(row["figure"], 80) for row in whole}
    figures = series(whole, days, "figure_id", 60)
    topics = series(parts, days, "subtopic", most)
    seen = list(zip(days, covered, strict=True))
    gaps = [one for one, state in seen if state is Coverage.GAP]
    begins = next((one for one, state in seen if state is not Coverage.BEFORE), day)
    highest, drawn = _charts(figures, days, covered, names, given)
    sparks = {one.name: shown for one, shown in zip(figures, drawn, strict=True)}
    trends = {
        "days": days,
        "first_day": words.short_day(days[0], day),
        "last_day": words.short_day(day, day),
        "groups": [
            ("By figure", highest, drawn[:most]),
            (
                "By sub-topic",
                *_charts(
                    topics,
                    days,
                    covered,
                    {t.name: record.named(t.name) for t in topics},
                    given,
                ),
            ),
        ],
        "changed": any(one.change for one in drawn),
        "break_days": _days([one for one in given.breaks if one in days], day),
        "begins": words.short_day(begins, day),
        "begun": begins > days[0],
        "gap_days": _days(gaps, day),
        "logged": bool(given.past_polls),
        "n_gaps": len(gaps),
    }
    return trends, sparks


def _days(some: Sequence[date], beside: date) -> str:
    """'3 Mar and 5 Mar'; more than five are counted."""
    if len(some) > 5:
        return f"{len(some)} of these {TREND_DAYS} days"
    return words.listed([words.short_day(one, beside) for one in some])


def _charts(
    found: Sequence[Series],
    days: Sequence[date],
    covered: Sequence[Coverage],
    names: Mapping[str, str],
    given: _Given,
) -> tuple[int, list[Chart]]:
    highest = max((max(one.counts) for one in found), default=0)
    return highest, [
        marked(
            chart(one, covered, highest, names[one.name]), one, days, covered,
            changes=given.changes, breaks=given.breaks,
        )
        for one in found
    ]  # fmt: skip


def _latest(polls: Iterable[Row]) -> dict[str, Row]:
    ordered = sorted(polls, key=lambda poll: (poll["at"], poll["attempt"]))
    return {poll["feed_id"]: poll for poll in ordered}


def _feeds(day: date, record: Record, polls: Sequence[Row]) -> list[dict[str, Any]]:
    """One a feed: its last poll of the day, those in trouble first."""
    outlets = {r["feed_id"]: r["outlet"] for r in record.rows("articles")}
    found = []
    for feed_id, last in _latest(polls).items():
        mine = [poll for poll in polls if poll["feed_id"] == feed_id]
        state = last["state"]
        due = last["next_due_at"]
        found.append(
            {
                "feed_id": words.plain(feed_id, 60),
                "outlet": words.plain(outlets.get(feed_id, ""), 80),
                "state": state,
                "failing": state not in ANSWERED,
                "calm": state in ("ok", "unchanged"),
                "status": last["http_status"] or "",
                "reason": words.plain(last["reason"], 160),
                "entries": last["entries"],
                "answered": sum(poll["state"] in ANSWERED for poll in mine),
                "polls": len(mine),
                "at": words.moment(last["at"], day),
                "due": words.moment(due, day) if due else "not again",
            }
        )
    order = {state: n for n, state in enumerate(TROUBLE)}
    found.sort(key=lambda f: (order.get(f["state"], len(order)), f["feed_id"]))
    return found


def _corrections(day: date, record: Record, most: int) -> dict[str, Any]:
    every = record.rows("corrections")
    held = [row for row in every if row["kind"] != "wire_merged"]  # of no statement
    held.sort(key=lambda row: (row["at"], row["correction_id"]))
    return {"n": len(held), "shown": [_correction(day, record, r) for r in held[:most]]}


def _correction(day: date, record: Record, row: Row) -> dict[str, Any]:
    old = record.statements.get(row["statement_id"])
    new = record.statements.get(row["new_statement_id"] or "")
    known = old or new
    was = words.plain(old["content"], 240) if old else ""
    now = words.plain(new["content"], 240) if new else ""
    before, after = (
        pieces(was, now) if was and now else ([Piece(was, True)], [Piece(now)])
    )
    return {
        "kind": row["kind"],
        "at": words.moment(row["at"], day),
        "figure": words.plain(known["figure"], 80) if known else "",
        "outlet": words.plain(known["outlet"], 80) if known else "",
        "title": words.plain(known["title"], 120) if known else "",
        "url": words.link(known["url"]) if known else "",
        "old": before if was else [],
        "new": after if now else [],
        "revision": row["revision"],
        "article_id": row["article_id"],
        "statement_id": row["statement_id"],
        "old_sha256": row["old_sha256"][:16],
        "new_sha256": (row["new_sha256"] or "")[:16],
    }


def _provenance(
    record: Record, full: Sequence[Item], made_from: Mapping[str, str], most: int
) -> dict[str, Any]:
    cited = {
        (record.statements[i.statement_id]["article_id"],
         record.statements[i.statement_id]["revision"])
        for i in full
    }  # fmt: skip
    articles = [
        {
            "article_id": row["article_id"],
            "revision": row["revision"],
            "sha256": row["text_sha256"],
            "outlet": words.plain(row["outlet"], 80),
        }
        for row in record.rows("articles")
        if (row["article_id"], row["revision"]) in cited
    ]
    articles.sort(key=lambda one: (one["outlet"], one["article_id"]))
    links, said = record.links.values(), record.rows("statements")
    return {
        "articles": articles[:most],
        "hidden": max(0, len(cited) - min(len(articles), most)),
        "paths": [
            (words.plain(path, 200), words.plain(sha256, 64))
            for path, sha256 in sorted(made_from.items())
        ][:most],
        "models": sorted({words.plain(s["model_version"], 80) for s in said})[:4],
        "matchers": sorted({words.plain(r["matcher_version"], 40) for r in links})[:4],
    }


def _errors(record: Record, measured: Mapping[str, Any]) -> dict[str, Any]:
    """How often the extractor was wrong on the gold data, in counts and per cent."""
    reported = measured["found"] + measured["spurious"]
    wrong = {
        "speaker": (measured["found"] - measured["right_speaker"], reported),
        "spurious": (measured["spurious"], reported),
        "missed": (measured["gold"] - measured["found"], measured["gold"]),
    }
    told = {
        name: {"n": n, "percent": f"{100 * n / of:.0f} %" if of else "none to count"}
        for name, (n, of) in wrong.items()
    }
    models = {row["model_version"] for row in record.rows("statements")}
    measured_with = measured["model_versions"]
    return {
        **told,
        "articles": measured["articles"],
        "gold": measured["gold"],
        "reported": reported,
        "models": [words.plain(one, 80) for one in measured_with],
        "others": sorted(words.plain(m, 80) for m in models - set(measured_with)),
    }


def _as_of(record: Record) -> str:
    moments = [row["as_of"] for row in record.rows("claims")]
    moments += [row["at"] for row in record.rows("feed_health")]
    return f"{max(moments):%Y-%m-%d %H:%M} UTC" if moments else ""


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("pipeline.site"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
