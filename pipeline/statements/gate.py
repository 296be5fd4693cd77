"""The cheap question before the parse: can this text hold a leader's words on the topic?"""

from __future__ import annotations

from pipeline.statements.figures import FigureIndex
from pipeline.statements.lexicon import Topic
from pipeline.statements.topic import judge_of


def may_hold(text: str, index: FigureIndex, topic: Topic) -> bool:
    """False only for texts without a strong term of the topic, or without anyone who counts.

    Without a strong term anywhere no statement is about the topic. Someone who counts
    is a tracked figure by name, or any office by its title. It looks at words alone, so
    that a text that is let through may still hold nothing.
    """
    return judge_of(topic).strong(text) and index.names_anyone(text)
