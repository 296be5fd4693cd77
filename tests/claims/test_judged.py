"""What editors decided, in the fold and over a real store: shuffled, killed, rebuilt."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import ids
from pipeline.adapters.db.engine import Database
from pipeline.adapters.db.progress import DbProgress
from pipeline.adapters.db.record import DbRecord
from pipeline.adapters.lake import LocalLake
from pipeline.claims.grouping import relations
from pipeline.claims.judged import counted, decisions, error_rate
from pipeline.editing import judged
from pipeline.errors import InputError
from pipeline.model import (
    Correction,
    CorrectionKind,
    Judgement,
    Partition,
    Relation,
    RelationKind,
    Statement,
    Verdict,
)
from pipeline.steps import FOLDS, match
from pipeline.tables.values import from_arrow, to_arrow
from tests.builders import NOON, a_statement
from tests.claims.claim_builders import a_said, network

TRUCKS = "We will send 300 trucks to the border next week"
TALKS = "We are ready for talks without preconditions"


def a_judgement(
    verdict: Verdict, statement_id: str, into: str | None = None
) -> Judgement:
    return Judgement(
        verdict=verdict, claim_id="c", statement_id=statement_id, into=into, at=NOON
    )


def test_what_an_editor_joined_is_one_claim_and_what_follows_follows():
    said = [a_said(TRUCKS), a_said(TALKS, nth=1, day=9), a_said(TALKS, nth=2, day=9.1)]
    decided = decisions([a_judgement(Verdict.MERGE, "s001", "s000")])

    first, joined, after = relations(said, lambda *_: [], decided=decided)

    assert joined.kind is RelationKind.REPEATED
    assert joined.reasons == ("an editor joined it to this claim",)
    assert joined.claim_id == after.claim_id == first.claim_id


def test_what_an_editor_set_apart_is_a_claim_of_its_own():
    said = [a_said(TRUCKS), a_said(TRUCKS, nth=1, day=9)]
    decided = decisions([a_judgement(Verdict.SPLIT, "s001")])

    first, apart = relations(said, lambda *_: [], decided=decided)

    assert apart.kind is RelationKind.NEW
    assert apart.claim_id == ids.claim_id("s001") != first.claim_id


def test_the_last_word_on_a_statement_counts():
    spoken = [
        a_judgement(Verdict.MERGE, "s001", "s000"),
        a_judgement(Verdict.SPLIT, "s001"),
        a_judgement(Verdict.WRONG, "s001"),
        a_judgement(Verdict.RIGHT, "s001"),
    ]

    assert decisions(spoken).apart == {"s001"}
    assert decisions(spoken).joined == {}
    assert counted(spoken) == {"merge": 1, "split": 1, "right": 1}


def test_the_error_rate_counts_each_claim_by_its_last_mark():
    marks = [
        ("c0", Verdict.RIGHT),
        ("c1", Verdict.WRONG),
        ("c2", Verdict.DUPLICATE),
        ("c3", Verdict.WRONG),
        ("c3", Verdict.RIGHT),
    ]
    spoken = [replace(a_judgement(mark, "s"), claim_id=claim) for claim, mark in marks]

    assert error_rate(spoken) == "2 of 4 (50%): 1 wrong, 1 duplicate"
    assert error_rate([]) == "none judged"


def test_a_judgement_on_what_is_not_on_record_any_more_changes_nothing():
    said = [a_said(TRUCKS), a_said(TALKS, nth=1, day=9)]
    decided = decisions([a_judgement(Verdict.MERGE, "s001", "gone")])

    assert relations(said, lambda *_: [], decided=decided) == relations(
        said, lambda *_: []
    )


# ------------------------------------------------------------- over a real store


class Fold:
    """Statements in a lake, matched by the step over a database."""

    def __init__(self, root, name: str = "state") -> None:
        self.lake = LocalLake(root)
        self.database = Database(f"sqlite:///{root / name}.sqlite")
        self.record = DbRecord(self.database)
        self.progress = DbProgress(self.database, FOLDS)

    def put(self, statements: Sequence[Statement]) -> None:
        for moment in sorted({s.first_seen_at for s in statements}):
            rows = [s for s in statements if s.first_seen_at == moment]
            partition = Partition.at(moment)
            self.lake.write("statements", partition, to_arrow(Statement, rows))
            self.progress.stale("match", partition)

    def match(self, judgements: Sequence[Judgement] = ()) -> list[Relation]:
        match(
            NOON + timedelta(days=99), lake=self.lake, record=self.record,
            progress=self.progress, meaning=network(), judgements=judgements,
        )  # fmt: skip
        return [
            relation
            for partition in self.lake.partitions("links")
            for relation in from_arrow(Relation, self.lake.read("links", partition))
        ]

    def all_again(self) -> None:
        for partition in self.lake.partitions("statements"):
            self.progress.stale("match", partition)


@pytest.fixture
def fold(tmp_path):
    made = Fold(tmp_path)
    yield made
    made.database.close()


def statements() -> list[Statement]:
    texts = [TRUCKS, TALKS, "We will send 500 trucks to the border next week", TRUCKS,
             "ready for negotiations with no preconditions", "Nobody wants this war"]  # fmt: skip
    return [
        a_statement(
            content=text,
            article_id=f"{nth:020}",
            outlet=f"Outlet {nth}",
            wire_group_id=f"{nth}",
            first_seen_at=NOON + timedelta(days=nth),
            published_at=NOON + timedelta(days=nth),
        )
        for nth, text in enumerate(texts)
    ]


def test_a_judgement_is_applied_by_the_next_pass_and_by_every_rebuild(fold, tmp_path):
    rows = statements()
    fold.put(rows)
    before = fold.match()
    verdicts = [
        judged(fold.record, Verdict.MERGE, before[5].claim_id, into=before[1].claim_id,
               by="anna", note="", now=NOON),
        judged(fold.record, Verdict.SPLIT, rows[3].statement_id, into=None, by="",
               note="", now=NOON),
    ]  # fmt: skip
    for _, since in verdicts:
        fold.progress.stale("match", since)
    decided = [judgement for judgement, _ in verdicts]

    after = fold.match(decided)

    assert after[5].claim_id == before[1].claim_id
    assert after[3].claim_id == ids.claim_id(rows[3].statement_id)
    other = Fold(tmp_path, "lost")  # the database was lost
    other.all_again()
    assert other.match(decided) == after
    other.database.close()


def test_of_two_claims_the_later_joins_the_earlier_whichever_is_named_first(fold):
    fold.put(statements())
    found = fold.match()
    asked = {"by": "", "note": "", "now": NOON}

    one, _ = judged(
        fold.record, Verdict.MERGE, found[0].claim_id, into=found[1].claim_id, **asked
    )
    other, _ = judged(
        fold.record, Verdict.MERGE, found[1].claim_id, into=found[0].claim_id, **asked
    )

    assert one == other
    assert (one.statement_id, one.into) == (
        found[1].statement_id,
        found[0].statement_id,
    )


@pytest.mark.parametrize(
    ("verdict", "subject", "into", "said"),
    [
        (Verdict.WRONG, "x", None, "claim x: not on record"),
        (Verdict.SPLIT, "x", None, "statement x: not on record"),
        (Verdict.SPLIT, 0, None, "nothing to split off"),
        (Verdict.MERGE, 0, 0, "is the same claim"),
        (Verdict.MERGE, 0, "x", "claim x: not on record"),
    ],
)
def test_what_cannot_be_judged_says_why(fold, verdict, subject, into, said):
    fold.put(statements())
    found = fold.match()

    def named(given):
        if given != 0:
            return given
        return found[0].statement_id if verdict is Verdict.SPLIT else found[0].claim_id

    with pytest.raises(InputError, match=said):
        judged(fold.record, verdict, named(subject), into=named(into), by="", note="",
               now=NOON)  # fmt: skip


@settings(max_examples=8, deadline=None)
@given(chance=st.randoms(use_true_random=False))
def test_shuffled_killed_and_rebuilt_the_fold_says_the_same(
    tmp_path_factory, chance: random.Random
):
    rows = statements()
    whole = Fold(tmp_path_factory.mktemp("whole"))
    whole.put(rows)
    expected = whole.match()
    root = tmp_path_factory.mktemp("shuffled")
    broken = Fold(root)

    some = rows[: chance.randint(1, len(rows))]
    broken.put(some)
    write = LocalLake.write
    left = [chance.randint(0, len(some))]

    def dying(self, name, partition, table):  # the disk gives out at some write
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return write(self, name, partition, table)

    LocalLake.write = dying
    try:
        broken.match()
    except KeyboardInterrupt:
        pass
    finally:
        LocalLake.write = write
    shuffled = list(rows)
    chance.shuffle(shuffled)
    broken.put(shuffled)
    if chance.random() < 0.5:
        broken.database.close()
        broken = Fold(root, "new")
    broken.all_again()

    assert broken.match() == expected
    for fold in (whole, broken):
        fold.database.close()


# ---------------------------------------------------------------- what loses its ground


def a_correction(statement: Statement, at, new: Statement | None = None) -> Correction:
    return Correction(
        correction_id=f"k-{statement.statement_id}",
        kind=CorrectionKind.CHANGED if new else CorrectionKind.WITHDRAWN,
        article_id=statement.article_id,
        revision=2,
        statement_id=statement.statement_id,
        new_statement_id=new.statement_id if new else None,
        old_sha256="0" * 64,
        new_sha256=None,
        at=at,
    )


def test_a_claim_loses_its_ground_when_its_last_report_is_undone(fold):
    rows = statements()
    fold.put(rows)
    fold.match()
    day5, day6 = NOON + timedelta(days=5), NOON + timedelta(days=6)

    def losses(at):
        return fold.record.losses(since=at - timedelta(hours=48), upto=Partition.at(at))

    fold.record.corrected(Partition.at(day5), [a_correction(rows[0], day5)])
    assert losses(day5) == []  # rows[3] still reports it
    fold.record.corrected(
        Partition.at(day6), [a_correction(rows[3], day6, new=rows[2])]
    )

    (loss,) = losses(day6)
    assert loss.state.statement == rows[0]
    assert loss.now == rows[2]
    assert loss.correction == a_correction(rows[3], day6, new=rows[2])
    assert losses(day5) == []  # as of then
    assert losses(day6 + timedelta(days=3)) == []  # long ago
    fold.record.corrected(Partition.at(day6), [])  # made again, and nothing was undone
    assert losses(day6) == []


def test_histories_show_each_state_as_of_its_pass(fold):
    rows = statements()
    fold.put(rows)
    fold.match()

    histories = fold.record.histories(
        since=NOON, upto=Partition.at(NOON + timedelta(days=9))
    )

    first = next(h for h in histories if h[0][1].statement == rows[0])
    assert [(at, state.n_independent) for at, state in first] == [
        (NOON, 1),
        (NOON + timedelta(days=3), 2),
    ]
