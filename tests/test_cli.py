"""The doors as a shell sees them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import cli

ROOT = Path(__file__).resolve().parents[1]
ENV = {k: v for k, v in os.environ.items() if not k.startswith("ONRECORD_")}


def onrecord(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *args],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=ENV | {"COLUMNS": "100"} | env,
        check=False,
    )


def lines(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_extract_answers_each_article_in_order_with_exact_offsets(tmp_path):
    text = (
        "Kremlin on peace talks with Ukraine\n"
        "Vladimir Putin said on Monday that Russia was ready for talks on Ukraine. "
        "“We will not stop,” he said."
    )
    source = lines(
        tmp_path / "in.jsonl",
        {"article_id": "one", "text": text, "published": "2026-03-02T10:00:00Z"},
        {"article_id": "two", "text": "A bridge was opened.", "published": None},
    )

    done = onrecord(
        "extract", "--input", str(source), "--output", str(tmp_path / "out.jsonl"),
        ONRECORD_LAKE=str(tmp_path / "lake"), ONRECORD_MODEL="rules",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    answers = [json.loads(x) for x in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [answer["article_id"] for answer in answers] == ["one", "two"]
    found = answers[0]["statements"]
    assert {s["speaker_name"] for s in found} == {"Vladimir Putin"}
    assert {s["speaker_id"] for s in found} == {"Q7747"}
    assert all(s["leader"] and s["about_war"] for s in found)
    words = [" ".join(text[b:e] for b, e in s["content"]) for s in found]
    assert "We will not stop" in words
    assert set(found[0]) == {
        "content", "kind", "cue", "source", "source_text", "speaker_id", "speaker_name",
        "leader", "about_war", "act", "nested", "confidence",
    }  # fmt: skip
    assert answers[1]["statements"] == []


def test_compare_labels_each_pair_in_order(tmp_path):
    pair = {
        "pair_id": "p",
        "speaker": None,
        "a": {"text": "We will not attack Kyiv", "date": None},
        "b": {"text": "We will not attack Kyiv", "date": None},
    }
    source = lines(tmp_path / "pairs.jsonl", pair)

    done = onrecord(
        "compare", "--input", str(source), "--output", str(tmp_path / "out.jsonl")
    )

    assert done.returncode == 0, done.stderr
    (answer,) = [
        json.loads(x) for x in (tmp_path / "out.jsonl").read_text().splitlines()
    ]
    assert answer["label"] == "same"
    assert set(answer) == {"pair_id", "label", "relation", "score", "reasons"}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"article_id": "a"}, r"in.jsonl:1: text: a string is expected"),
        (
            {"article_id": "a", "text": "x", "published": "soon"},
            "published: not ISO 8601",
        ),
        (["no", "object"], "one JSON object a line is expected"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_written(tmp_path, row, said):
    source = lines(tmp_path / "in.jsonl", row)

    result = CliRunner().invoke(
        cli,
        ["extract", "--input", str(source), "--output", str(tmp_path / "o.jsonl"),
         "--lake", str(tmp_path / "lake")],
    )  # fmt: skip

    assert result.exit_code == 2
    assert said in result.output
    assert not (tmp_path / "o.jsonl").exists()


def test_a_folder_that_is_not_there_says_what_to_do(tmp_path):
    result = CliRunner().invoke(
        cli, ["run", "--config", str(tmp_path / "no"), "--lake", str(tmp_path / "lake")]
    )

    assert result.exit_code == 2
    assert "no such folder" in result.output
    assert "--config" in result.output


def test_a_moment_that_is_none_says_how_to_write_one(tmp_path):
    result = CliRunner().invoke(cli, ["run", "--at", "yesterday"])

    assert result.exit_code == 2
    assert "2026-03-02T06:00:00Z" in result.output


@pytest.mark.parametrize("command", ["run", "extract", "rebuild", "status", "compare"])
def test_every_help_shows_an_example(command):
    result = CliRunner().invoke(cli, [command, "--help"])

    assert result.exit_code == 0
    assert "Example:" in result.output


def test_output_to_what_is_no_file_is_written_there_and_never_replaces_it(tmp_path):
    pair = {"pair_id": "p", "a": {"text": "We hold"}, "b": {"text": "We hold"}}
    source = lines(tmp_path / "pairs.jsonl", pair)
    there = tmp_path / "there"
    there.write_text("", "utf-8")
    link = tmp_path / "link"
    link.symlink_to(there)

    done = onrecord("compare", "--input", str(source), "--output", str(link))

    assert done.returncode == 0, done.stderr
    assert link.is_symlink()
    assert json.loads(there.read_text("utf-8"))["label"] == "same"


def test_a_leader_who_is_named_by_no_name_and_no_title_passes_the_gate(tmp_path):
    text = "The Belarusian leader said Ukraine needs peace."
    row = {"article_id": "a", "text": text, "published": "2026-01-05"}
    source, answer = lines(tmp_path / "in.jsonl", row), tmp_path / "out.jsonl"

    done = onrecord(
        "extract", "--input", str(source), "--output", str(answer),
        ONRECORD_LAKE=str(tmp_path / "lake"), ONRECORD_MODEL="rules",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    (found,) = json.loads(answer.read_text("utf-8"))["statements"]
    assert found["speaker_id"] == "Q2866"
