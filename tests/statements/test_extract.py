"""From a parse to statements with speakers."""

from __future__ import annotations

from datetime import date

from pipeline.model import Act, Attribution, MentionKind, Span, Voice
from pipeline.statements.export import records
from pipeline.statements.extract import extract_statements
from tests.statements.parses import CUES, FIGURES, TOPIC, parsed

NOW = date(2025, 6, 1)


def extracted(doc, on=NOW, **options):
    return extract_statements(doc, doc.text, on, FIGURES, TOPIC, CUES, **options)


def said(*source: str, at: int) -> list[str]:
    """``source said that Zenda would hold.``, the cue at this index."""
    return [
        *source,
        f"said say VBD {at} ROOT",
        f"that that IN {at + 4} mark",
        f"Zenda zenda NNP {at + 4} nsubj",
        f"would will MD {at + 4} aux",
        f"hold_ hold VB {at} ccomp",
        f". . . {at} punct",
    ]


def test_a_name_is_a_tracked_figure_under_the_canonical_name():
    doc = parsed(*said("Elphberg elphberg NNP 1 nsubj", at=1))

    (one,) = extracted(doc)

    assert one.speaker.name == "Rudolf Elphberg"
    assert (one.speaker.figure_id, one.speaker.wikidata) == ("x-rudolf", "Q1")
    assert one.speaker.leader
    assert one.speaker.mention_kind is MentionKind.NAME
    assert one.about_topic


def test_a_role_is_who_holds_it_on_the_day():
    role = (
        "The the DT 2 det",
        "Ruritanian ruritanian JJ 2 amod",
        "president president NN 3 nsubj",
    )

    (now,) = extracted(parsed(*said(*role, at=3)))
    (then,) = extracted(parsed(*said(*role, at=3)), on=date(2024, 6, 1))

    assert now.speaker.name == "Flavia Strofzin"
    assert then.speaker.name == "Rudolf Elphberg"
    assert now.speaker.mention_kind is MentionKind.ROLE


def test_a_body_speaks_and_a_government_by_its_capital_is_no_leader():
    (body,) = extracted(parsed(*said("Castle castle NNP 1 nsubj", at=1)))
    (city,) = extracted(
        parsed(*said("Streslau streslau NNP 1 nsubj", at=1)), everyone=True
    )

    assert (body.speaker.name, body.speaker.mention_kind) == (
        "Castle",
        MentionKind.BODY,
    )
    assert (city.speaker.name, city.speaker.leader) == ("Ruritania (government)", False)


def test_somebody_introduced_with_an_office_is_a_leader_though_nobody_tracks_him():
    doc = parsed(
        *said(
            "Bordurian bordurian JJ 4 amod",
            "foreign foreign JJ 2 amod",
            "minister minister NN 4 compound",
            "Boris boris NNP 4 compound",
            "Jorgen jorgen NNP 5 nsubj",
            at=5,
        )
    )

    (one,) = extracted(doc)

    assert (one.speaker.name, one.speaker.figure_id) == ("Boris Jorgen", None)
    assert one.speaker.leader


def test_a_surname_that_is_ambiguous_needs_an_introduction():
    alone = extracted(parsed(*said("Plekszy plekszy NNP 1 nsubj", at=1)))
    introduced = extracted(
        parsed(
            "President president NNP 1 compound",
            "Plekszy plekszy NNP 2 nsubj",
            "came_ come VBD 2 ROOT",
            ". . . 2 punct",
            *said("Plekszy plekszy NNP 5 nsubj", at=5),
        )
    )

    assert alone == []
    assert [one.speaker.name for one in introduced] == ["Kurvi Plekszy"]


def test_two_joined_speakers_make_a_statement_each():
    doc = parsed(
        *said(
            "Elphberg elphberg NNP 3 nsubj",
            "and and CC 0 cc",
            "Strofzin strofzin NNP 0 conj",
            at=3,
        )
    )

    assert [one.speaker.name for one in extracted(doc)] == [
        "Rudolf Elphberg",
        "Flavia Strofzin",
    ]


def test_others_are_left_out_unless_everyone_is_asked_for():
    doc = parsed(*said("Farmers farmer NNS 1 nsubj", at=1))

    assert extracted(doc) == []
    assert [one.speaker.name for one in extracted(doc, everyone=True)] == ["Farmers"]


def test_what_was_only_believed_is_marked_and_left_out():
    rows = said("Elphberg elphberg NNP 1 nsubj", at=1)
    rows[1] = "believes believe VBZ 1 ROOT"

    assert extracted(parsed(*rows)) == []
    assert [one.act for one in extracted(parsed(*rows), everyone=True)] == [
        Act.ATTITUDE
    ]


def test_what_one_relays_of_another_is_the_first_ones_statement():
    doc = parsed(
        "Elphberg elphberg NNP 1 nsubj",
        "said say VBD 1 ROOT",
        "Strofzin strofzin NNP 3 nsubj",
        "denied deny VBD 1 ccomp",
        "the the DT 5 det",
        "war_ war NN 3 dobj",
        ". . . 1 punct",
    )

    (one,) = extracted(doc, everyone=True)

    assert one.speaker.name == "Rudolf Elphberg"
    assert one.nested == ("Flavia Strofzin",)


def test_attributions_of_a_tagger_are_resolved_alike():
    doc = parsed(*said("Elphberg elphberg NNP 1 nsubj", at=1))
    tagged = Attribution(
        content=(Span(19, 35),),
        cue=Span(9, 13),
        source=Span(0, 8),
        voice=Voice.INDIRECT,
        method="tagger",
        confidence=0.9,
    )

    (one,) = extracted(doc, attributions=[tagged])

    assert one.speaker.name == "Rudolf Elphberg"
    assert one.attribution is tagged


def test_a_record_keeps_offsets_and_names():
    doc = parsed(*said("Elphberg elphberg NNP 1 nsubj", at=1))

    (row,) = records(extracted(doc), doc.text)

    assert doc.text[slice(*row["content"][0])] == "Zenda would hold"
    assert doc.text[slice(*row["cue"])] == "said"
    assert row["source_text"] == "Elphberg"
    assert (row["speaker_id"], row["leader"], row["about_war"]) == ("Q1", True, True)
    assert row["act"] == "asserts"
    assert 0 <= row["confidence"] <= 1
