"""Columns of published tables, out of the rows that the steps wrote."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa
import pytest

from pipeline.model import Poll, PollState, Relation, RelationKind, Span, Statement
from pipeline.tables import convert
from pipeline.tables.counts import claims_table
from pipeline.tables.values import to_arrow
from tests.builders import NOON, a_relation, a_statement


def told(*pairs):
    statements, relations = zip(*pairs, strict=True)
    return convert.told_table(
        to_arrow(Statement, statements),
        to_arrow(Relation, [one for one in reversed(relations) if one]),
    )


def linked(claim="c", utterance="u", kind=RelationKind.NEW, **values):
    statement = a_statement(**values)
    made = a_relation(statement, kind=kind, claim_id=claim, utterance_id=utterance)
    return statement, made


def test_each_new_statement_stands_beside_its_own_relation():
    known = linked(content="known", known=True)
    loose = a_statement(content="linked by nobody"), None

    rows = told(linked("c1", content="a"), known, loose, linked("c2", content="b"))

    assert rows["content"].to_pylist() == ["a", "b"]
    assert rows["claim_id"].to_pylist() == ["c1", "c2"]


def test_spans_are_numbered_within_their_statement_and_cut_from_their_text():
    text = "“Yes,” he said, “yes.”"
    two = linked(content="two", spans=(Span(1, 5), Span(17, 21)))
    rows = told(linked(content="one", spans=(Span(0, 6),)), two)

    spans = convert.spans_table(rows, convert.words_of(rows, [text, text]))

    assert spans["span"].to_pylist() == [0, 0, 1]
    assert spans["text"].to_pylist() == ["“Yes,”", "Yes,", "yes."]
    shown = convert.statements_table(rows, "1").select(["start", "end", "n_spans"])
    assert shown.to_pylist() == [
        {"start": 0, "end": 6, "n_spans": 1},
        {"start": 1, "end": 21, "n_spans": 2},
    ]


def test_nothing_told_makes_empty_tables():
    rows = told(linked(known=True))

    assert rows.num_rows == 0
    for made in (
        convert.statements_table(rows, "1"),
        convert.spans_table(rows, []),
        convert.topics_table(rows),
        convert.links_table(rows, "1"),
        claims_table(rows, NOON),
    ):
        assert made.num_rows == 0


def test_a_claim_is_counted_over_all_that_say_it_if_it_opened_here():
    again = {"kind": RelationKind.REREPORTED, "utterance": "u"}
    rows = told(
        linked(content="a", outlet="A", wire_group_id="w"),
        linked(content="b", outlet="B", wire_group_id="w", **again),
        linked(
            content="c", outlet="B", first_seen_at=NOON + timedelta(hours=1), **again
        ),
        linked("opened before", "v", RelationKind.REPEATED, content="d"),
    )

    (claim,) = claims_table(rows, NOON + timedelta(hours=2)).to_pylist()

    assert claim["claim_id"] == "c"
    assert claim["content"] == "a"
    assert claim["last_seen_at"] == NOON + timedelta(hours=1)
    counts = {name: n for name, n in claim.items() if name.startswith("n_")}
    assert counts == {
        "n_statements": 3,
        "n_utterances": 1,
        "n_outlets": 2,
        "n_independent": 2,
    }


@pytest.mark.parametrize("chunks", [1, 4])
def test_the_polls_of_a_feed_and_moment_are_numbered_in_their_order(chunks):
    feeds = ["a", "b", "a", "a"]
    polls = to_arrow(
        Poll,
        [
            Poll(
                feed_id=feed,
                at=NOON,
                state=PollState.OK,
                http_status=200,
                reason="",
                entries=1,
                bytes=1,
                seconds=0.1,
                next_due_at=None,
                url="https://herald.example/feed",
            )
            for feed in feeds
        ],
    )
    parts = [polls.slice(n, 1) for n in range(4)] if chunks > 1 else [polls]

    made = convert.polls_table(pa.concat_tables(parts))

    assert made["attempt"].to_pylist() == [1, 1, 2, 3]
