"""What a sketch passes over is surely not alike; and the record finds what memory finds."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import ids
from pipeline.adapters.db import earlier
from pipeline.adapters.db.engine import Database
from pipeline.adapters.db.record import DbRecord
from pipeline.claims import candidates, grouping
from pipeline.claims.candidates import terms
from pipeline.claims.features import PREPARED, features
from pipeline.claims.grouping import CANDIDATES, relations, with_vector
from pipeline.claims.relation import likeness, measures
from pipeline.claims.sketch import current, most_alike, sketch_of
from pipeline.model import Partition, Relation, Said, Span, Statement
from tests.builders import NOON, a_statement
from tests.claims.claim_builders import BAG, a_said, folded

WORDS = [
    "we",
    "will",
    "not",
    "never",
    "send",
    "hold",
    "close",
    "open",
    "Odesa",
    "Kyiv",
    "Russia",
    "Zelensky",
    "300",
    "500",
    "two",
    "3",
    "trucks",
    "drones",
    "bridge",
    "border",
    "harbour",
    "talks",
    "war",
    "'the",
    "bridge",
    "is",
    "lost'",
    "“no",
    "talks",
    "now”",
    "winter",
    "May",
    "2022",
    "percent",
    "no",
    "and",
    "to",
    "the",
    "in",
    "by",
    "until",
    "because",
    "all",
    "some",
    ",",
    ".",
    "?",
    "over",
    "over",
]


PLACES = 25


def texts() -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join) | st.text(
        max_size=60
    )


@settings(max_examples=300, deadline=None)
@given(texts(), st.lists(texts(), max_size=6), st.randoms(use_true_random=False))
def test_nothing_is_more_alike_than_its_sketch_says(
    text: str, others: list[str], chance: random.Random
):
    for _ in range(3):  # and edits of it
        edited = text.split()
        edited.insert(chance.randint(0, len(edited)), chance.choice(WORDS))
        others.append(" ".join(edited[: chance.randint(1, len(edited))]))

    bounds = most_alike(sketch_of(text), [sketch_of(other) for other in others])

    for other, most in zip(others, bounds, strict=True):
        a, b = features(text), features(other)
        assert most >= likeness(measures(a, b))
        assert most == 1.0 or a.sequence != b.sequence


def test_most_of_what_is_not_alike_is_passed_over():
    said = features("We will send 300 trucks to the border next week")
    other = features("The bridge over the river will be closed until the winter")
    (most,) = most_alike(sketch_of(said.text), [sketch_of(other.text)])

    assert most < 1.2 * likeness(measures(said, other))
    assert most_alike(sketch_of(said.text), []) == []


def test_a_sketch_of_other_features_is_not_used():
    sketch = sketch_of("We will send 300 trucks")

    assert current(sketch)
    assert not current((PREPARED + 1).to_bytes(2, "little") + sketch[2:])
    assert not current(b"")


def generated(chance: random.Random, count: int) -> list[Said]:
    """Reports of few figures, often of what was said before, word for word or edited.

    Articles are published at most hours before they are seen, and hold a few each.
    """
    found: list[Said] = []
    published: dict[str, datetime] = {}
    for nth in range(count):
        words = [chance.choice(WORDS) for _ in range(chance.randint(4, 20))]
        wire = f"w{nth}"
        if found and chance.random() < 0.5:
            like = chance.choice(found[-60:])
            words = like.content.split() or words
            words[chance.randrange(len(words))] = chance.choice(WORDS)
            wire = chance.choice([wire, like.wire_group_id])
        said = a_said(
            " ".join(words), nth=nth, day=nth // 7 / 20, wire_group_id=wire,
            figure_id=chance.choice("QRR"), in_title=chance.random() < 0.2,
            article_id=f"a{nth - chance.randint(0, 2)}",
        )  # fmt: skip
        start = 150 * chance.randint(0, 9)
        before = timedelta(hours=chance.choice([0, 1, 7]))
        found.append(
            replace(
                said,
                spans=(Span(start, start + len(said.content)),),
                published_at=published.setdefault(
                    said.article_id, said.first_seen_at - before
                ),
            )
        )
    return found


def in_batches(said: Sequence[Said], *, of: int, apart: timedelta) -> list[Statement]:
    """Statements seen so many at once; of each article a revision at a time, as a whole."""
    return [
        a_statement(
            statement_id=ids.statement_id(one.article_id, one.figure_id, one.content, nth),
            article_id=one.article_id, revision=nth // of + 1, figure_id=one.figure_id,
            content=one.content, spans=one.spans, in_title=one.in_title,
            outlet=f"Outlet {nth % 6}", wire_group_id=one.wire_group_id,
            published_at=one.published_at - timedelta(days=1),
            first_seen_at=NOON + nth // of * apart,
        )
        for nth, one in enumerate(said)
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_with_and_without_sketches_the_relations_are_the_same(
    seed: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(grouping, "ASKED", 250)  # which few it is hangs on the order
    statements = generated(random.Random(seed), 250)
    quick = folded([statements])
    assert len({relation.kind for relation in quick}) > 3

    monkeypatch.setattr(grouping, "most_alike", lambda _, others: [1.0] * len(others))

    assert folded([statements]) == quick


def test_the_database_finds_what_memory_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Partitions larger than what is looked up at once, terms with more than their
    places taken, by what is on record and by the partition's own; each portion is looked
    up once, whatever the order in which it is asked for."""
    monkeypatch.setattr(earlier, "_PORTION", 40)
    portions: list[int] = []
    look_up = earlier.Earlier._read

    def counted(self: earlier.Earlier, portion: Sequence[Any]) -> None:
        portions.append(len(portion))
        look_up(self, portion)

    monkeypatch.setattr(earlier.Earlier, "_read", counted)
    monkeypatch.setattr(candidates, "MOST_PLACES", PLACES)
    for module in (candidates, earlier):
        monkeypatch.setattr(module, "MOST_READ", 4 * PLACES)
        monkeypatch.setattr(module, "NEAREST", 3)
    chance = random.Random(7)
    rows = in_batches(generated(chance, 280), of=100, apart=timedelta(minutes=1))
    held = Counter((r.figure_id, term) for r in rows for term in terms(r.content))
    assert max(held.values()) > 2 * PLACES
    every = [with_vector(Said.of(row), BAG) for row in rows]
    whole = relations(every, lambda *_: [], meaning=BAG)
    expected = {relation.statement_id: relation for relation in whole}
    batches: dict[Partition, list[Statement]] = {}
    for row in rows:
        batches.setdefault(Partition.at(row.first_seen_at), []).append(row)
    database = Database(f"sqlite:///{tmp_path / 'db'}")
    record = DbRecord(database)

    for partition in [*batches, *batches]:  # and all once more, as a rebuild does
        said = [with_vector(Said.of(row), BAG) for row in batches[partition]]
        vectors = {one.statement_id: one.vector for one in said}
        chance.shuffle(said)
        wanted = [(one, terms(one.content)) for one in said]
        lookup = record.before(partition, wanted, places=PLACES, limit=CANDIDATES)
        portions.clear()
        found = relations(said, lookup, meaning=BAG, nearby=lookup.near)
        _put(record, partition, batches[partition], found, vectors)

        assert sum(portions) == len(said)

        assert found == [expected[relation.statement_id] for relation in found]
    database.close()


def _put(
    record: DbRecord,
    partition: Partition,
    rows: list[Statement],
    found: list[Relation],
    vectors: dict[str, bytes],
) -> None:
    by_id = {relation.statement_id: relation for relation in found}
    record.replace(
        partition,
        [
            (r, by_id[r.statement_id], terms(r.content), vectors[r.statement_id])
            for r in rows
        ],
    )
