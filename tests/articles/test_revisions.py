"""An edit is a revision, a cosmetic edit is not, and an article keeps its name."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pipeline.articles.revisions import identify, shape_sha256
from pipeline.ids import article_id
from pipeline.model import DateSource, Partition, TextSource
from tests.articles.article_builders import PARAGRAPHS, TITLE, Memory, a_draft
from tests.builders import NOON, a_feed

TEXT = "\n".join((TITLE, *PARAGRAPHS))
EDITED = TEXT.replace("15 batteries", "17 batteries")
LATER = NOON + timedelta(hours=2)


def revisions(*texts: str) -> int:
    memory = Memory()
    for number, text in enumerate(texts):
        memory.tell(a_draft(text), at=NOON + timedelta(hours=number))
    return len(memory.seen)


def test_an_edit_is_a_second_revision_of_the_same_article() -> None:
    memory = Memory()
    first = memory.tell(a_draft())
    second = memory.tell(
        a_draft(EDITED, published_at=LATER, url="http://herald.example/new-slug"),
        at=LATER,
    )

    assert first is not None
    assert second is not None
    assert first.article_id == article_id("http://herald.example/2026/batteries")
    assert (second.article_id, second.revision) == (first.article_id, 2)
    assert (second.url, second.published_at) == (first.url, first.published_at)
    assert second.previous == str(Partition.at(NOON))
    assert second.wire_group_id == first.wire_group_id
    assert second.first_seen_at == LATER


@pytest.mark.parametrize(
    "cosmetic",
    [
        TEXT,
        TEXT.replace("“", '"').replace("”", '"'),
        TEXT.replace("“", "«").replace("”", "»"),
        TEXT.replace(" ", "  "),
        TEXT.replace("\n", " \n "),
        TEXT.replace(TITLE, TITLE.upper()),
        TEXT.replace(", ", " — "),
        TEXT.replace("interview", "inter-view"),
    ],
)
def test_a_cosmetic_edit_is_no_revision(cosmetic: str) -> None:
    assert revisions(TEXT, cosmetic) == 1


@pytest.mark.parametrize(
    "edited",
    [
        EDITED,
        TEXT.replace("two launchers", "two or three launchers"),
        TEXT + "\nA late paragraph.",
        TEXT.replace("“", "").replace("”", ""),
        TEXT.replace(TITLE, "Ukraine needs 15 batteries"),
    ],
)
def test_an_edit_of_words_is_a_revision(edited: str) -> None:
    assert revisions(TEXT, edited) == 2


def test_the_marks_within_a_number_mean_something() -> None:
    assert shape_sha256("It cost 5.5 million") != shape_sha256("It cost 55 million")
    assert shape_sha256("It fell 5%") != shape_sha256("It fell 5")


def test_an_edit_taken_back_is_a_third_revision() -> None:
    assert revisions(TEXT, EDITED, TEXT) == 3


def test_the_same_draft_told_again_is_nothing_new() -> None:
    assert revisions(TEXT, TEXT, TEXT) == 1
    assert revisions(TEXT, EDITED, EDITED) == 2


def test_a_summary_after_the_full_page_is_nothing_new() -> None:
    memory = Memory()
    memory.tell(a_draft(text_source=TextSource.PAGE))

    again = memory.tell(a_draft(f"{TITLE}\nShort.", text_source=TextSource.SUMMARY))

    assert again is None


def test_the_full_page_after_a_summary_is_a_revision() -> None:
    memory = Memory()
    memory.tell(a_draft(f"{TITLE}\nShort.", text_source=TextSource.SUMMARY))

    full = memory.tell(a_draft(text_source=TextSource.PAGE), at=LATER)

    assert full is not None
    assert full.revision == 2


def test_a_guid_that_changes_makes_no_second_article() -> None:
    memory = Memory()
    memory.tell(a_draft(guid="1"))

    assert memory.tell(a_draft(guid="2")) is None
    edited = memory.tell(a_draft(EDITED, guid="3"), at=LATER)
    assert edited is not None
    assert edited.revision == 2


def test_a_guid_given_to_other_words_is_another_article() -> None:
    memory = Memory()
    memory.tell(a_draft())
    other = "Bank cuts rates\nThe bank cut its rate by half a point on Thursday, and said so."

    second = memory.tell(a_draft(other, url="http://herald.example/bank"))

    assert second is not None
    assert (second.revision, second.url) == (1, "http://herald.example/bank")


def test_the_same_story_at_another_url_of_the_outlet_is_nothing_new() -> None:
    memory = Memory()
    memory.tell(a_draft())

    again = memory.tell(a_draft(url="http://herald.example/europe/batteries", guid="2"))

    assert again is None


def test_another_outlet_with_the_same_words_is_another_article() -> None:
    memory = Memory()
    first = memory.tell(a_draft())
    assert first is not None
    feed = a_feed(id="dispatch", outlet="The Dispatch", url="http://dispatch.example/")
    copy = identify(
        a_draft(feed_id="dispatch", url="http://dispatch.example/1"),
        feed,
        memory.seen,
        at=LATER,
        wire_group=first.wire_group_id,
    )

    assert copy is not None
    assert (copy.revision, copy.wire_group_id) == (1, first.wire_group_id)


def test_https_and_www_make_no_second_article() -> None:
    memory = Memory()
    memory.tell(a_draft())

    moved = a_draft(url="https://www.herald.example/2026/batteries/", guid="x")

    assert memory.tell(moved) is None


def test_two_entries_of_one_page_do_not_take_turns_for_ever() -> None:
    memory = Memory()
    posts = [
        a_draft("Post one\nSomething was said here.", guid="1"),
        a_draft("Post two\nSomething else was said there.", guid="2"),
    ]

    made = [memory.tell(post) for _ in range(5) for post in posts]

    assert sum(article is not None for article in made) == 2


def test_old_news_is_backlog_and_an_edit_of_it_too() -> None:
    memory = Memory()
    old = memory.tell(a_draft(published_at=NOON - timedelta(days=8)))
    edited = memory.tell(
        a_draft(EDITED, published_at=NOON - timedelta(days=8)), at=LATER
    )

    assert old is not None
    assert edited is not None
    assert (old.backlog, edited.backlog) == (True, True)


def test_a_late_edit_of_fresh_news_is_no_backlog() -> None:
    memory = Memory()
    memory.tell(a_draft())

    edited = memory.tell(a_draft(EDITED), at=NOON + timedelta(days=9))

    assert edited is not None
    assert not edited.backlog


def test_an_unknown_or_future_date_is_that_of_first_sight() -> None:
    for published in (None, NOON + timedelta(days=1)):
        article = Memory().tell(a_draft(published_at=published))

        assert article is not None
        assert article.published_at == NOON
        assert article.published_at_source is DateSource.FIRST_SEEN


def test_what_is_remembered_finds_the_article_again() -> None:
    memory = Memory()
    article = memory.tell(a_draft())
    (seen,) = memory.seen

    assert article is not None
    assert (seen.article_id, seen.revision, seen.outlet) == (
        article.article_id,
        1,
        "The Herald",
    )
    assert seen.partition == str(Partition.at(NOON))
    assert replace(seen) == seen
