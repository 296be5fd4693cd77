"""One changed byte anywhere in the lake, or a forgery that fits itself, and what `verify`
makes of it."""

from __future__ import annotations

import random
import re
import shutil
from dataclasses import replace
from datetime import date, timedelta

import pyarrow as pa
import pytest

from pipeline.adapters.archive import WarcArchive
from pipeline.adapters.lake import LocalLake
from pipeline.errors import PipelineError
from pipeline.ids import digest
from pipeline.model import Answer, Article, Statement, TextSource
from pipeline.steps.shared import day_of
from pipeline.tables.schemas import TABLES
from pipeline.tables.values import from_arrow, to_arrow
from tests.world import REBUILT, an_app

KINDS = {
    "tables": "tables/*/date=*/*.parquet",
    "manifests": "tables/*/_manifest.json",
    "package": "tables/datapackage.json",
    "archive": "archive/date=*/*.warc.gz",
    "texts": "work/articles/date=*/*.parquet",
    "months": "compact/*/*/*.parquet",
    "work": "work/*/date=*/*.parquet",
}
TRIES = 100


@pytest.fixture(scope="module")
def copy(lake, tmp_path_factory):
    folder = shutil.copytree(lake, tmp_path_factory.mktemp("damaged") / "lake")
    for name in ("statements", "claims"):
        LocalLake(folder).compact(name, "2026-03")
    return folder


def day_in(path):
    """The day of a file's folder, if it has one."""
    named = re.search(r"date=(\d{4}-\d\d-\d\d)", str(path))
    return date.fromisoformat(named[1]) if named else None


def found(app, first=None):
    """The faults of the first day that has any; what cannot be read counts as one."""
    try:
        days = app.published_days()
        wrong = (app.verify(day) for day in sorted(days, key=lambda day: day != first))
        return next((lines for lines in wrong if lines), [])
    except PipelineError as error:
        return [str(error)]


def test_each_of_100_random_corruptions_is_found(copy, world):
    app = an_app(copy, world)
    chance = random.Random(20260302)
    assert found(app) == []

    missed, tried = [], dict.fromkeys(KINDS, 0)
    for number in range(TRIES):
        kind = list(KINDS)[number % len(KINDS)]
        path = chance.choice(sorted(copy.glob(KINDS[kind])))
        whole = path.read_bytes()
        place, flip = chance.randrange(len(whole)), chance.randrange(1, 256)
        changed = bytearray(whole)
        changed[place] ^= flip
        path.write_bytes(changed)
        if not found(app, day_in(path)):
            missed.append(f"{path.relative_to(copy)} byte {place} of {len(whole)}")
        path.write_bytes(whole)
        tried[kind] += 1

    assert missed == []
    assert min(tried.values()) >= TRIES // len(KINDS)
    assert found(app) == []
    app.close()


def test_a_lost_byte_and_a_lost_file_are_found(copy, world):
    app = an_app(copy, world)
    for pattern in KINDS.values():
        path = sorted(copy.glob(pattern))[0]
        whole = path.read_bytes()

        path.write_bytes(whole[:-1])
        assert found(app), f"{path.relative_to(copy)} cut"
        path.unlink()
        assert found(app), f"{path.relative_to(copy)} lost"
        path.write_bytes(whole)
    assert found(app) == []
    app.close()


def test_the_next_publish_makes_a_damaged_manifest_anew(lake, world, tmp_path):
    folder = shutil.copytree(lake, tmp_path / "lake")
    app = an_app(folder, world)
    path = folder / "tables" / "statements" / "_manifest.json"
    before = path.read_bytes()
    path.write_bytes(before.replace(b'"rows"', b'"rowz"', 1))

    app.publish(world.polls[-1].at)

    assert path.read_bytes() == before
    app.close()


# ----------------------------------------------------- edits that fit in with each other


def made_again(app, partition):
    """All that hangs on a partition's articles, by the pipeline's own steps."""
    app.progress.stale("extract", partition)
    last = app.lake.partitions("articles")[-1].moment
    for step in (app.extract, app.match, app.publish):
        step(last)


def an_edited_article(app, chance):
    """Another word, headline, day or address in a stored article, and all that follows."""
    quoted = {
        (one.article_id, one.revision): one
        for partition in app.lake.partitions("statements")
        for one in from_arrow(Statement, app.lake.read("statements", partition))
    }
    partition = chance.choice(
        [p for p in app.lake.partitions("articles") if app.lake.read("articles", p)]
    )
    articles = from_arrow(Article, app.lake.read("articles", partition))
    at = chance.randrange(len(articles))
    old = articles[at]
    what = chance.choice(["words", "title", "published_at", "url", "author"])
    if what == "words":
        said = quoted.get((old.article_id, old.revision))
        place = said.spans[0].start + 1 if said else len(old.text) // 2
        text = old.text[:place] + "not " + old.text[place:]
        new = replace(old, text=text, text_sha256=digest(text))
    elif what == "published_at" and old.revision == 1:
        new = replace(old, published_at=old.published_at - timedelta(hours=1))
    elif what == "url" and old.revision == 1:
        new = replace(old, url=old.url + "x")
    else:
        new = replace(old, title=old.title + "!", author="Nobody")
    articles[at] = new
    app.lake.write("articles", partition, to_arrow(Article, articles))
    made_again(app, partition)
    return f"{what} of {old.article_id} in {partition}"


def an_edited_row(app, chance):
    """Another value in a table, its manifest made to fit."""
    names = (*REBUILT[:6], "corrections", "feed_health")
    name, day = chance.choice([(n, d) for n in names for d in app.lake.published(n)])
    rows = app.lake.load(name, day)
    texts = [
        f.name for f in TABLES[name].fields if f.type == pa.string() and not f.allowed
    ]
    column = chance.choice([n for n in texts if n not in NOT_PROVED])
    values = rows[column].to_pylist()
    if not values:
        return an_edited_row(app, chance)
    at = chance.randrange(len(values))
    values[at] = (values[at] or "") + "x"
    place = rows.schema.get_field_index(column)
    field = rows.schema.field(place)
    edited = rows.set_column(place, field, pa.array(values, field.type))
    entry = app.lake.manifest(name)[day]
    app.lake.publish(
        name, day, edited, version=entry.code_version, made_from=entry.made_from
    )
    return f"table {name} of {day}, {column}, row {at}"


NOT_PROVED = {"pipeline_version", "matcher_version"}
"""Columns that say who wrote a row: nothing else holds them."""


def an_edited_answer(app, chance):
    """Another word in the archived answer that an article comes from, sealed anew, and
    tables that go by it."""
    archive = WarcArchive(app.lake.store)
    partition = chance.choice(archive.partitions())
    articles = from_arrow(Article, app.lake.read("articles", partition))
    article = chance.choice(articles) if articles else None
    words = re.findall(r"[a-z]+ [a-z]+ [a-z]+ [a-z]+", article.text if article else "")
    if not words:
        return an_edited_answer(app, chance)
    old = chance.choice(words).encode()

    def edited(answer):
        page = answer.kind is Answer.PAGE
        if page is (article.text_source is TextSource.PAGE):
            return replace(answer, body=answer.body.replace(old, b"not " + old))
        return answer

    answers = list(archive.read(partition))
    changed = [edited(answer) for answer in answers]
    if changed == answers:
        return an_edited_answer(app, chance)
    folder = app.lake.root / f"archive/date={partition.day}"
    for path in folder.glob(f"{partition.part}-*"):
        path.unlink()
    archive.add(partition, changed)
    app.progress.stale("publish", day_of(partition.day))
    app.publish(app.lake.partitions("articles")[-1].moment)
    return f"answer with {article.article_id} in {partition}, {old!r}"


FORGERIES = {an_edited_article: 4, an_edited_row: 4, an_edited_answer: 2}
"""Of ten; of a hundred with ``--every-kill``."""


def test_edits_that_fit_in_with_each_other_are_found(lake, world, tmp_path, request):
    chance = random.Random(20260303)
    missed, tried = [], 0
    tens = 10 if request.config.getoption("--every-kill") else 1
    for forge, times in FORGERIES.items():
        for _ in range(times * tens):
            folder = shutil.copytree(lake, tmp_path / "lake")
            app = an_app(folder, world)
            before = hashes_of_all(folder)
            what = forge(app, chance)
            assert hashes_of_all(folder) != before, what
            if not found(app):
                missed.append(what)
            app.close()
            shutil.rmtree(folder)
            tried += 1

    assert missed == []
    assert tried == 10 * tens


def hashes_of_all(folder):
    return {
        str(path): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix in (".parquet", ".gz")
    }
