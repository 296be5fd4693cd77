"""The steps over the sample world: what is new, run again, rebuilt, bad feeds."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pandas as pd
import pytest

from pipeline.app import open_app
from pipeline.errors import InputError
from pipeline.tables.schemas import TABLES
from tests.world import an_app, hashes, passes, sent, share_models

ALL = ["p1", "p2", "p3", "p4"]
DAY = date(2026, 3, 2)


def test_every_table_is_there_for_every_day_and_loads_without_object_columns(lake):
    for name in TABLES:
        frame = pd.read_parquet(lake / "tables" / name)
        kinds = {column: str(kind) for column, kind in frame.dtypes.items()}

        assert "object" not in kinds.values(), kinds
        assert kinds.get("http_status", "Int64") == "Int64"
        moments = [c for c in kinds if c.endswith("_at") or c == "day"]
        assert all(kinds[c] == "datetime64[us, UTC]" for c in moments), kinds
        days = sorted(p.name for p in (lake / "tables" / name).glob("date=*"))
        assert days[-2:] == ["date=2026-03-02", "date=2026-03-03"]
        assert len(days) == 2 or name.startswith("daily_figure_topic")


def test_the_daily_table_counts_every_statement_on_the_topic_once(lake):
    """On its day of publication, or as late on the day it was seen."""
    statements = pd.read_parquet(lake / "tables" / "statements")
    daily = pd.read_parquet(lake / "tables" / "daily_figure_topic")
    whole = daily[daily.subtopic == "all"]

    assert whole.n_statements.sum() + whole.n_late.sum() == statements.about_topic.sum()
    assert str(whole.day.min())[:10] <= "2026-03-01"
    assert not daily.duplicated(["day", "figure_id", "subtopic"]).any()


def test_acts_add_up_and_who_said_nothing_has_a_zero(lake, world):
    topics = pd.read_parquet(lake / "tables" / "daily_figure_topic")
    acts = pd.read_parquet(lake / "tables" / "daily_figure_topic_act")
    statements = pd.read_parquet(lake / "tables" / "statements")
    app = an_app(lake, world)
    tracked = {figure.id for figure in app.config.figures()}
    app.close()
    key = ["day", "figure_id", "subtopic"]

    over_all = acts[acts["act"] == "all"].set_index(key).sort_index()
    said = over_all[over_all.n_statements + over_all.n_late > 0]
    pd.testing.assert_frame_equal(
        said.drop(columns="act"), topics.set_index(key).sort_index(), check_like=True
    )
    by_act = acts[(acts["act"] != "all") & (acts.subtopic == "all")]
    on_topic = statements[statements.about_topic]
    counted = by_act.groupby("act")[["n_statements", "n_late"]].sum().sum(axis=1)
    assert counted.to_dict() == on_topic.groupby("act").size().to_dict()
    passed = acts[acts.day >= "2026-03-02"]
    assert all(set(one.figure_id) == tracked for _, one in passed.groupby("day"))
    silent = passed[(passed.subtopic == "all") & (passed["act"] == "all")]
    assert (silent.n_statements == 0).sum() > len(tracked)
    assert not acts.duplicated([*key, "act"]).any()


def test_closing_a_past_day_again_takes_no_late_report_from_it(lake, world, tmp_path):
    folder = shutil.copytree(lake, tmp_path / "lake")
    app = an_app(folder, world)

    app.close_day(date(2026, 3, 2))
    app.close()

    assert hashes(folder) == hashes(lake)


def test_every_row_is_proved_by_the_archive(lake, world):
    app = an_app(lake, world)
    for day in app.lake.published("statements"):
        assert app.verify(day) == []
    app.close()


def test_a_statement_is_exactly_the_words_at_its_place(lake, world):
    spans = pd.read_parquet(lake / "tables" / "statement_spans")
    app = an_app(lake, world)
    texts = {}
    for partition in app.lake.partitions("articles"):
        for row in app.lake.read("articles", partition).to_pylist():
            texts[row["article_id"], row["revision"]] = row["text"]

    assert len(spans) > 100
    for row in spans.itertuples():
        assert texts[row.article_id, row.revision][row.start : row.end] == row.text
    app.close()


def test_the_same_passes_again_find_nothing_new_but_polls(lake, world, tmp_path):
    again = shutil.copytree(lake, tmp_path / "again")
    before, alerts = hashes(again), sent(again)
    polls = len(pd.read_parquet(again / "tables" / "feed_health"))

    passes(again, world, ALL)

    assert hashes(again) == before
    assert sent(again) == alerts
    assert len(pd.read_parquet(again / "tables" / "feed_health")) == 2 * polls


def test_a_day_rebuilt_from_the_archive_equals_the_first_byte_for_byte(
    lake, world, tmp_path
):
    again = shutil.copytree(lake, tmp_path / "again")
    before = hashes(again)
    shutil.rmtree(again / "tables" / "statements")
    app = an_app(again, world)

    app.rebuild(DAY)
    app.close()

    assert hashes(again) == before


def test_a_lost_database_and_lost_partitions_are_made_again_from_the_archive(
    lake, world, tmp_path
):
    bare = tmp_path / "bare"
    shutil.copytree(lake / "archive", bare / "archive")
    app = an_app(bare, world)

    app.rebuild(DAY)
    app.close()

    assert hashes(bare) == hashes(lake)


def test_a_database_that_is_older_than_the_archive_hears_of_the_rest(
    lake, world, tmp_path
):
    again = shutil.copytree(lake, tmp_path / "again")
    with sqlite3.connect(again / "state.sqlite") as db:
        db.execute("DELETE FROM progress WHERE partition > '2026-03-02T13'")
    app = an_app(again, world)
    unheard = set(app.archive.partitions()) - app.progress.known("read")
    assert len(unheard) > 1

    app.read(world.polls[-1].at)

    assert app.progress.known("read") == set(app.archive.partitions())
    assert app.progress.pending("read", max(unheard)) == []
    app.close()


def test_a_rebuild_of_what_was_never_archived_says_so(lake, world):
    app = an_app(lake, world)
    with pytest.raises(InputError, match="nothing is archived"):
        app.rebuild(date(2031, 1, 1))
    app.close()


def test_days_without_a_pass_are_written_empty(lake, world, tmp_path):
    again = shutil.copytree(lake, tmp_path / "again")
    app = an_app(again, world)

    app.publish(datetime(2026, 3, 5, 12, tzinfo=UTC))

    for name in TABLES:
        assert app.lake.load(name, date(2026, 3, 4)).num_rows == 0
        assert app.lake.load(name, date(2026, 3, 4)).schema.names == [
            field.name for field in TABLES[name].fields
        ]
    app.close()


def test_the_seed_article_gives_lukashenko_and_nobody_else(lake):
    statements = pd.read_parquet(lake / "tables" / "statements")
    seed = statements[statements.title.str.startswith("Lukashenko claims Putin")]

    assert set(seed.figure) == {"Alexander Lukashenko"}
    assert seed.about_topic.sum() >= 14


def test_an_edited_article_is_a_revision_and_its_lost_words_a_correction(lake):
    articles = pd.read_parquet(lake / "tables" / "articles")
    corrections = pd.read_parquet(lake / "tables" / "corrections")
    statements = pd.read_parquet(lake / "tables" / "statements")

    assert (articles.revision > 1).sum() >= 1
    assert len(corrections) >= 1
    assert set(corrections.statement_id) <= set(statements.statement_id)


def test_backlog_never_alerts(lake):
    statements = pd.read_parquet(lake / "tables" / "statements")
    alerts = pd.read_parquet(lake / "tables" / "alerts")
    old = set(statements[statements.backlog | statements.is_old].statement_id)

    assert len(alerts) > 50
    assert not old & set(alerts.statement_id)
    assert alerts.groupby(["kind", "rule_id", "claim_id", "channel"]).size().max() == 1


# ------------------------------------------------------------------------ bad feeds


class Bad(BaseHTTPRequestHandler):
    """Feeds that are not what they should be, by path."""

    def do_GET(self) -> None:
        bodies = {
            "/html": (200, b"<html><body>Not a feed</body></html>"),
            "/empty": (200, b""),
            "/noise": (200, bytes(range(256)) * 20_000),
            "/gone": (404, b"not here"),
        }
        status, body = bodies.get(self.path, (200, GOOD))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


GOOD = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>t</title><item>
<title>Putin rules out a truce</title><link>http://good.example/a</link><guid>a</guid>
<pubDate>Mon, 02 Mar 2026 08:00:00 GMT</pubDate>
<description>Vladimir Putin said Russia would not stop its war in Ukraine.</description>
</item></channel></rss>"""


def test_a_bad_feed_is_one_row_with_its_reason_and_the_run_goes_on(tmp_path):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bad)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = f"127.0.0.1:{server.server_port}"
    config = tmp_path / "config"
    config.mkdir()
    paths = ["html", "empty", "noise", "gone", "good"]
    (config / "feeds.toml").write_text(
        "".join(f'[[feeds]]\nid = "{p}"\nurl = "http://{host}/{p}"\n' for p in paths)
    )
    app = open_app(
        config=config,
        lake=str(tmp_path / "lake"),
        model="rules",
        fetch={"allow": [host]},
    )
    share_models(app)

    app.run(datetime(2026, 3, 2, 12, tzinfo=UTC))
    app.close()
    server.shutdown()
    server.server_close()

    health = pd.read_parquet(tmp_path / "lake" / "tables" / "feed_health")
    rows = health.set_index("feed_id")
    assert list(health.feed_id) == sorted(paths)
    assert rows.state["good"] == "ok"
    assert set(rows.state.drop("good")) == {"error"}
    assert all(len(reason) > 3 for reason in rows.reason.drop("good"))
    assert rows.http_status["gone"] == 404
    statements = pd.read_parquet(tmp_path / "lake" / "tables" / "statements")
    assert set(statements.figure) == {"Vladimir Putin"}


def test_a_late_pass_first_makes_what_an_earlier_one_left(lake, world, tmp_path):
    """Fetched at one moment, killed there; the next pass reads both."""
    folder = tmp_path / "lake"
    app = an_app(folder, world)
    first = world.polls[0]
    world.show(first.id)
    app.fetch(first.at, everything=True)
    later = first.at + timedelta(minutes=15)

    reports = {r.step: r for r in app.run(later, everything=True)}
    app.close()

    assert reports["read"].rows == 19
    assert next(str(p) for p in app.lake.partitions("articles")) == "2026-03-02T060000Z"
