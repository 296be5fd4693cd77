"""Each topic file's own test sentences meet their sub-topic."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.adapters.config import ConfigFolder
from pipeline.statements.topic import judge_of

CONFIG = ConfigFolder(Path(__file__).resolve().parents[1] / "config")
TOPICS = [
    CONFIG.topic(path.stem)
    for path in sorted((CONFIG.folder / "topics").glob("*.toml"))
]
CASES = [
    (topic, part, sentence) for topic in TOPICS for part in topic.subtopics for sentence in part.tests
]  # fmt: skip


def test_there_are_two_topics_and_the_war_has_twelve_parts():
    parts = {topic.id: len(topic.subtopics) for topic in TOPICS}

    assert len(parts) >= 2
    assert parts["ukraine-war"] >= 12
    assert all(len(part.tests) >= 5 for topic in TOPICS for part in topic.subtopics)


@pytest.mark.parametrize(
    ("topic", "part", "sentence"), CASES, ids=lambda v: getattr(v, "id", None)
)
def test_a_test_sentence_meets_its_subtopic(topic, part, sentence):
    assert part.id in judge_of(topic).subtopics(sentence)


def test_nothing_in_the_code_knows_the_topic():
    words = ("ukrain", "kyiv", "putin", "zelensk", "lukashenk")
    package = Path(__file__).resolve().parents[1] / "pipeline"
    told = [
        f"{path.name}: {line.strip()}"
        for path in package.rglob("*.py")
        for line in _code(path)
        if any(word in line.lower() for word in words)
    ]

    assert told == []


def _code(path: Path) -> list[str]:
    """Lines that run: no comments, no docstrings, no setting's default topic, no help."""
    import io
    import tokenize

    tokens = tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline)
    kept = []
    for token in tokens:
        plain = token.type == tokenize.STRING and token.line.lstrip().startswith(
            ('"""', 'r"""')
        )
        if token.type != tokenize.COMMENT and not plain and token.string.strip():
            kept.append(token.string)
    return [s for s in kept if s != '"ukraine-war"' and len(s) < 60]
