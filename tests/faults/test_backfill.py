"""Past days again from the archive: the same bytes, killed or not, once or twice."""

from __future__ import annotations

import os
import random
import resource
import signal
import time
from datetime import UTC, date, datetime, timedelta

import pytest

from pipeline.app import open_app
from pipeline.model import Answer, Partition, Response
from tests.world import REBUILT, SEEDS, hashes, share_models

FIRST = date(2026, 3, 1)
FIGURES = ("Vladimir Putin", "Volodymyr Zelensky", "Emmanuel Macron", "Sergey Lavrov")
ITEM = """<item><title>{who} on Ukraine, {n}</title>
<link>http://herald.example/{day}/{n}</link><guid>{day}-{n}</guid>
<pubDate>{at:%a, %d %b %Y %H:%M:%S +0000}</pubDate>
<description>&lt;p&gt;{who} said on {at:%A} that talks on Ukraine would need {n} more days
and {many} envoys.&lt;/p&gt;&lt;p&gt;“We will not sign paper {n} of {at:%d %B} before the
war in Ukraine ends,” he said. The meeting in room {many} was closed.&lt;/p&gt;
</description></item>"""


def an_archive(app, days, items):
    """A pass a day of one feed, some articles each, filed as ``fetch`` files them."""
    for nth in range(days):
        at = datetime(FIRST.year, FIRST.month, FIRST.day, 12, tzinfo=UTC)
        at += timedelta(days=nth)
        body = "".join(
            ITEM.format(
                who=FIGURES[n % len(FIGURES)], n=n + 1, many=nth * items + n + 2,
                day=at.date(), at=at - timedelta(hours=2),
            )
            for n in range(items)
        )  # fmt: skip
        response = Response(
            kind=Answer.FEED, feed_id=app.feeds[0].id, url=app.feeds[0].url,
            final_url=app.feeds[0].url, status=200,
            headers={"content-type": "application/rss+xml"},
            body=f'<rss version="2.0"><channel><title>x</title>{body}</channel></rss>'.encode(),
            fetched_at=at,
        )  # fmt: skip
        app.progress.stale("read", Partition.at(at))
        app.archive.add(Partition.at(at), [response])


def an_app(lake):
    app = open_app(config=SEEDS / "config", lake=str(lake), model="rules")
    share_models(app)
    return app


@pytest.mark.timeout(3000)
def test_days_rebuilt_are_the_same_bytes_killed_in_between_or_not(tmp_path, request):
    often = request.config.getoption("--every-kill")
    days, items, kills = (90, 40, 20) if often else (5, 6, 3)
    app = an_app(tmp_path)
    an_archive(app, days, items)
    moments = [one.moment for one in app.archive.partitions()]
    app.extractor.quoted([("Putin said the war in Ukraine goes on.", None)])
    thirds = []
    for last in (
        moments[len(moments) // 3],
        moments[2 * len(moments) // 3],
        moments[-1],
    ):
        begun = time.process_time()
        for step in ("read", "extract", "match", "publish"):
            getattr(app, step)(last)
        thirds.append(time.process_time() - begun)
    first = sum(thirds)
    assert not often or thirds[2] <= 1.5 * thirds[0]  # a day costs what it did at first
    before = hashes(tmp_path)
    assert len(before) >= days * (len(REBUILT) - 1)
    statements = sum(
        app.lake.load("statements", day).num_rows
        for day in app.lake.published("statements")
    )
    assert statements >= days * items
    app.close()

    chance, killed = random.Random(20260307), 0
    for _ in range(kills):
        child = os.fork()
        if child == 0:
            try:
                an_app(tmp_path).rebuild(FIRST)
            finally:
                os._exit(0)
        time.sleep(chance.uniform(0.05, 0.9 * first / 3))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        killed += os.WIFSIGNALED(status)
    begun = time.process_time()
    app = an_app(tmp_path)
    resumed = sum(report.rows for report in app.rebuild(FIRST))
    second = time.process_time() - begun
    assert hashes(tmp_path) == before
    begun = time.process_time()
    app.rebuild(FIRST, afresh=True)
    again = time.process_time() - begun
    app.close()

    assert hashes(tmp_path) == before
    assert killed >= kills // 2
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{days} days, {days * items} articles, {statements} statements: first "
        f"{first:.1f} s of CPU (thirds {', '.join(f'{s:.1f}' for s in thirds)}); after {killed} kills the rest ({resumed} rows) "
        f"{second:.1f} s; again {again:.1f} s; byte-identical; {peak:.0f} MB"
    )


def test_a_rebuild_that_was_cut_off_goes_on_where_it_was(tmp_path, monkeypatch):
    app = an_app(tmp_path)
    an_archive(app, 4, 2)
    last = app.archive.partitions()[-1].moment
    for step in ("read", "extract", "match", "publish"):
        getattr(app, step)(last)
    monkeypatch.setattr(app, "match", _broken)
    with pytest.raises(RuntimeError):
        app.rebuild(FIRST)
    monkeypatch.undo()

    rows = {report.step: report.rows for report in app.rebuild(FIRST)}
    fresh = {report.step: report.rows for report in app.rebuild(FIRST)}
    app.close()

    assert (rows["read"], rows["extract"]) == (0, 0)
    assert rows["match"] == fresh["match"] > 0
    assert fresh["read"] == 8


def _broken(at):
    raise RuntimeError("cut off")
