"""Copies of a wire story are one group; other stories are not in it."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.articles.duplicates import bands, group, is_copy, likeness, signature
from pipeline.model import SeenArticle
from tests.articles.article_builders import Memory, a_draft, a_story, desk_edit
from tests.builders import NOON


def grouped(texts: list[str]) -> list[str]:
    """The wire group of each text, told one after the other."""
    memory, groups = Memory(), []
    for number, text in enumerate(texts):
        sketch = signature(text)
        keys = set(bands(sketch))
        alike = [seen for seen in memory.seen if keys & set(bands(seen.signature))]
        article = memory.tell(
            a_draft(text, url=f"http://o{number}.example/", guid=f"{number}"),
            at=NOON + timedelta(minutes=number),
            wire_group=group(sketch, alike),
        )
        assert article is not None
        groups.append(article.wire_group_id)
    return groups


def test_one_story_under_twenty_urls_is_one_group_and_others_are_single() -> None:
    story = a_story(1)
    copies = [desk_edit(story, seed) for seed in range(20)]
    others = [a_story(seed) for seed in range(100, 105)]

    groups = grouped(copies + others)

    assert len(set(groups[:20])) == 1
    assert len(set(groups[20:])) == 5
    assert len(set(groups)) == 6


def test_precision_and_recall_on_edits_as_desks_make_them() -> None:
    stories = [a_story(seed) for seed in range(60)]
    copies = [
        (n, desk_edit(stories[n], 1000 + 7 * n + k))
        for n in range(60)
        for k in range(5)
    ]
    sketches = [signature(story) for story in stories]
    found = right = 0

    for number, copy in copies:
        sketch = signature(copy)
        keys = set(bands(sketch))
        for other, known in enumerate(sketches):
            if keys & set(bands(known)) and is_copy(sketch, known):
                found += 1
                right += other == number

    assert right / len(copies) >= 0.97
    assert right / found >= 0.99


def test_two_reports_that_share_a_quotation_are_not_copies() -> None:
    quotation = (
        "“We have never been the first to strike, and we will not be now,” he said."
    )
    one, other = a_story(7), a_story(8)

    assert not is_copy(
        signature(f"{one}\n{quotation}"), signature(f"{other}\n{quotation}")
    )


def test_a_short_text_is_a_copy_only_as_a_whole() -> None:
    short = "Title\n" + " ".join(a_story(3).split("\n")[1].split(" ")[:30])

    assert is_copy(signature(short), signature(short.replace("Title", "Other")))
    assert not is_copy(signature(short), signature(a_story(3)))
    assert bands(signature("Title\nTwo words")) == []


def test_the_best_group_wins_and_the_earliest_of_equals() -> None:
    story = a_story(5)
    memory = Memory()
    for number, text in enumerate([desk_edit(story, 3), story, story]):
        memory.tell(
            a_draft(
                text,
                url=f"http://o{number}.example/",
                guid=f"{number}",
                feed_id=f"{number}",
            ),
            at=NOON + timedelta(minutes=number),
        )
    seen: list[SeenArticle] = memory.seen

    assert group(signature(story), seen) == seen[1].wire_group_id
    assert group(signature(a_story(6)), seen) is None
    assert group(signature(story), []) is None


@given(st.text(max_size=200))
@settings(deadline=None)
def test_a_signature_is_the_same_each_time_and_like_itself(text: str) -> None:
    sketch = signature(text)

    assert sketch == signature(text)
    assert len(sketch) == 516
    assert likeness(sketch, sketch) in [(1.0, 1.0), (0.0, 0.0)]


def test_a_signature_never_changes_between_runs() -> None:
    assert signature("Title\nRussia said on Monday that it would not stop.").hex()[
        :40
    ] == (
        "00000006"
        + signature("x\nRussia said on Monday that it would not stop.").hex()[8:40]
    )


def test_bytes_that_are_no_signature_are_like_nothing() -> None:
    assert likeness(b"", signature(a_story(1))) == (0.0, 0.0)
    assert not is_copy(b"x", b"x")
