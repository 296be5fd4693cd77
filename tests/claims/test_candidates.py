from __future__ import annotations

import pytest

from pipeline.claims.candidates import MOST_PLACES, Pool, best, terms
from tests.claims.claim_builders import a_said


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("We lost 20,000 soldiers", "We lost 35,000 soldiers"),
        ("We will close the harbour", "The harbour will never be closed"),
        ("Talks will resume", "the negotiations would resume"),
        ("Norway will join", "Norwegians want to join"),
        ("20,000", "20,000"),
        ("Not now, not ever", "“Not now, not ever”"),
    ],
)
def test_a_statement_and_its_edit_share_a_term(earlier: str, later: str):
    assert set(terms(earlier)) & set(terms(later))


def test_no_term_is_a_number_and_there_are_few_of_them():
    long = " ".join(f"word{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(200))

    assert not any(c.isdigit() for term in terms("300 drones in 2022") for c in term)
    assert len(terms(long)) == 24
    assert len(set(terms(long))) == 24


def test_a_statement_without_a_word_is_found_by_itself():
    assert terms("") == ["="]
    assert terms("so be it") == ["=so be it"]


def test_the_best_share_most_terms_and_then_are_the_latest():
    said = a_said("The harbour bridge is closed", nth=9, day=9)
    pool = [
        a_said("The harbour is closed", nth=1, day=1),
        a_said("The bridge over the harbour is closed", nth=2, day=0),
        a_said("The harbour was closed", nth=3, day=2),
        a_said("The budget is agreed", nth=4, day=3),
    ]

    held = Pool()
    for other in sorted(pool, key=lambda one: one.first_seen_at):
        held.add(other)
    found = held.find(terms(said.content))

    assert [one.statement_id for one in best(found, 5)] == ["s002", "s003", "s001"]
    assert [one.statement_id for one in best(found, 1)] == ["s002"]


def test_a_common_term_leads_to_the_latest_statements_only():
    held = Pool()
    for nth in range(MOST_PLACES + 5):
        held.add(a_said(f"harbour {'x' * (nth + 3)}", nth=nth, day=nth))

    found = best(held.find(terms("harbour")), 1000)

    assert len(found) == MOST_PLACES
    assert found[-1].statement_id == "s005"
    (term,) = terms("harbour")
    assert held.taken([term, "none"]) == {term: MOST_PLACES + 5, "none": 0}
