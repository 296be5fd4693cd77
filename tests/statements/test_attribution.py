"""The rules, each on a parse by hand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc

from pipeline.statements.attribution import attributions
from tests.statements.parses import CUES, VOCAB, found_in, parsed


def test_a_clause_behind_its_cue_goes_without_that_and_full_stop():
    doc = parsed(
        "Elphberg elphberg NNP 1 nsubj",
        "said say VBD 1 ROOT",
        "that that IN 5 mark",
        "Zenda zenda NNP 5 nsubj",
        "would will MD 5 aux",
        "hold_ hold VB 1 ccomp",
        ". . . 1 punct",
    )

    assert found_in(doc) == [("Elphberg", "said", ["Zenda would hold"], "indirect")]


def test_a_clause_before_its_cue_ends_at_the_comma():
    doc = parsed(
        "Zenda zenda NNP 2 nsubj",
        "would will MD 2 aux",
        "hold_ hold VB 5 ccomp",
        ", , , 5 punct",
        "Elphberg elphberg NNP 5 nsubj",
        "said_ say VBD 5 ROOT",
        ". . . 5 punct",
    )

    assert found_in(doc) == [("Elphberg", "said", ["Zenda would hold"], "indirect")]


def test_a_clause_that_its_cue_interrupts_is_one_statement_of_two_parts():
    doc = parsed(
        "Such such JJ 1 amod",
        "talks_ talk NNS 6 nsubj",
        ", , , 4 punct",
        "he he PRP 4 nsubj",
        "said_ say VBD 6 parataxis",
        ", , , 4 punct",
        "fail_ fail VBP 6 ROOT",
        ". . . 6 punct",
    )

    assert found_in(doc) == [("he", "said", ["Such talks", "fail"], "indirect")]


def test_negated_saying_gives_nothing():
    doc = parsed(
        "Elphberg elphberg NNP 3 nsubj",
        "did do VBD 3 aux",
        "not not RB 3 neg",
        "say say VB 3 ROOT",
        "that that IN 6 mark",
        "Zenda zenda NNP 6 nsubj",
        "fell_ fall VBD 3 ccomp",
        ". . . 3 punct",
    )

    assert found_in(doc) == []


def test_an_accusation_runs_from_the_accused_to_the_end_of_the_complaint():
    doc = parsed(
        "Elphberg elphberg NNP 1 nsubj",
        "accused accuse VBD 1 ROOT",
        "Borduria borduria NNP 1 dobj",
        "of of ADP 1 prep",
        "lying_ lie VBG 3 pcomp",
        ". . . 1 punct",
    )

    assert found_in(doc) == [("Elphberg", "accused", ["Borduria of lying"], "indirect")]


def test_a_call_for_something_is_the_thing():
    doc = parsed(
        "Elphberg elphberg NNP 1 nsubj",
        "called call VBD 1 ROOT",
        "for for ADP 1 prep",
        "immediate immediate JJ 4 amod",
        "talks_ talk NNS 2 pobj",
        ". . . 1 punct",
    )

    assert found_in(doc) == [
        ("Elphberg", "called for", ["immediate talks"], "indirect")
    ]


def test_a_vow_to_act_begins_with_to():
    doc = parsed(
        "Elphberg elphberg NNP 1 nsubj",
        "vowed vow VBD 1 ROOT",
        "to to TO 3 aux",
        "hold hold VB 1 xcomp",
        "Zenda_ zenda NNP 3 dobj",
        ". . . 1 punct",
    )

    assert found_in(doc) == [("Elphberg", "vowed", ["to hold Zenda"], "indirect")]


def test_a_participle_takes_the_subject_of_the_verb_above():
    doc = parsed(
        "Elphberg elphberg NNP 1 nsubj",
        "spoke_ speak VBD 1 ROOT",
        ", , , 1 punct",
        "adding add VBG 1 advcl",
        "that that IN 6 mark",
        "Zenda zenda NNP 6 nsubj",
        "held_ hold VBD 3 ccomp",
        ". . . 1 punct",
    )

    assert found_in(doc) == [("Elphberg", "adding", ["Zenda held"], "indirect")]


def test_a_relative_clause_of_the_reporter_at_the_end_is_cut():
    doc = parsed(
        "Elphberg elphberg NNP 1 nsubj",
        "said say VBD 1 ROOT",
        "he he PRP 3 nsubj",
        "saw see VBD 1 ccomp",
        "Zenda_ zenda NNP 3 dobj",
        ", , , 4 punct",
        "which which WDT 7 nsubj",
        "lies lie VBZ 4 relcl",
        "east_ east RB 7 advmod",
        ". . . 1 punct",
    )

    assert found_in(doc) == [("Elphberg", "said", ["he saw Zenda"], "indirect")]


def test_words_within_marks_are_a_direct_statement_without_the_comma():
    doc = parsed(
        "“_ “ `` 3 punct",
        "We we PRP 3 nsubj",
        "will will MD 3 aux",
        "hold_ hold VB 7 ccomp",
        ",_ , , 7 punct",
        "” ” '' 7 punct",
        "Elphberg elphberg NNP 7 nsubj",
        "said_ say VBD 7 ROOT",
        ". . . 7 punct",
    )

    assert found_in(doc) == [("Elphberg", "said", ["We will hold"], "direct")]


def test_a_quotation_taken_up_behind_its_tag_is_the_same_statement():
    doc = parsed(
        "“_ “ `` 2 punct",
        "We we PRP 2 nsubj",
        "hold_ hold VBP 6 ccomp",
        ",_ , , 6 punct",
        "” ” '' 6 punct",
        "he he PRP 6 nsubj",
        "said_ say VBD 6 ROOT",
        ". . . 6 punct",
        "“_ “ `` 10 punct",
        "They they PRP 10 nsubj",
        "fall_ fall VBP 10 ROOT",
        "._ . . 10 punct",
        "” ” '' 10 punct",
    )

    assert found_in(doc) == [("he", "said", ["We hold", "They fall."], "direct")]


def test_a_clause_that_ends_in_marks_is_mixed_and_keeps_them():
    doc = parsed(
        "Elphberg elphberg NNP 1 nsubj",
        "said say VBD 1 ROOT",
        "Zenda zenda NNP 3 nsubj",
        "was be VBD 1 ccomp",
        "“_ “ `` 3 punct",
        "quite quite RB 6 advmod",
        "safe_ safe JJ 3 acomp",
        "._ . . 3 punct",
        "” ” '' 3 punct",
    )

    assert found_in(doc) == [("Elphberg", "said", ["Zenda was “quite safe.”"], "mixed")]


def test_a_scare_quote_is_no_statement():
    doc = parsed(
        "The the DT 3 det",
        "“_ “ `` 3 punct",
        "special special JJ 3 amod",
        "guests_ guest NNS 5 nsubj",
        "” ” '' 3 punct",
        "left_ leave VBD 5 ROOT",
        ". . . 5 punct",
    )

    assert found_in(doc) == []


def test_according_to_somebody_is_the_rest_of_the_sentence():
    doc = parsed(
        "According accord VBG 5 prep",
        "to to ADP 0 prep",
        "Elphberg_ elphberg NNP 1 pobj",
        ", , , 5 punct",
        "Zenda zenda NNP 5 nsubj",
        "holds_ hold VBZ 5 ROOT",
        ". . . 5 punct",
    )

    assert found_in(doc) == [("Elphberg", "According to", ["Zenda holds"], "indirect")]


def test_the_claim_of_somebody_is_what_it_says():
    doc = parsed(
        "Elphberg_ elphberg NNP 2 poss",
        "'s 's POS 0 case",
        "claim claim NN 6 nsubj",
        "that that IN 5 mark",
        "Zenda zenda NNP 5 nsubj",
        "held hold VBD 2 acl",
        "spread_ spread VBD 6 ROOT",
        ". . . 6 punct",
    )

    assert found_in(doc) == [("Elphberg", "claim", ["Zenda held"], "indirect")]


def test_the_us_is_a_country_and_no_pronoun():
    doc = parsed(
        "Elphberg elphberg NNP 1 nsubj",
        "denied deny VBD 1 ROOT",
        "US US NNP 3 compound",
        "charges_ charge NNS 1 dobj",
        ". . . 1 punct",
    )
    pointer = parsed(
        "Elphberg elphberg NNP 1 nsubj",
        "denied deny VBD 1 ROOT",
        "this_ this DT 1 dobj",
        ". . . 1 punct",
    )

    assert found_in(doc) == [("Elphberg", "denied", ["US charges"], "indirect")]
    assert found_in(pointer) == []


def test_without_a_parse_nothing_is_found():
    words = ["Elphberg", "said", "Zenda", "will", "hold"]

    assert found_in(Doc(VOCAB, words=words)) == []


WORDS = st.lists(
    st.tuples(
        st.sampled_from(
            ["said", "Elphberg", "“", "”", ",", ".", "that", "holds", "\n", "'s"]
        ),
        st.sampled_from(["NNP", "VBD", "VBZ", ",", ".", "IN", "``", "''"]),
        st.integers(0, 30),
        st.sampled_from(
            ["nsubj", "ccomp", "ROOT", "punct", "conj", "relcl", "prep", "pobj"]
        ),
        st.booleans(),
    ),
    min_size=1,
    max_size=25,
)


@given(WORDS)
def test_any_tree_gives_pieces_of_its_text(rows):
    doc = Doc(
        VOCAB,
        words=[word for word, *_ in rows],
        spaces=[space for *_, space in rows],
        tags=[tag for _, tag, *_ in rows],
        pos=["VERB" if tag.startswith("V") else "PROPN" for _, tag, *_ in rows],
        lemmas=["say" if word == "said" else word for word, *_ in rows],
        heads=[min(head, number) for number, (_, _, head, _, _) in enumerate(rows)],
        deps=[label for *_, label, _ in rows],
    )

    for one in attributions(doc, doc.text, CUES):
        for span in one.content:
            assert span.end <= len(doc.text)
            assert span.of(doc.text).strip()
