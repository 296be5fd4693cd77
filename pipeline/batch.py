"""The logic a batch at a time: Arrow in, Arrow out.

The same functions serve the steps, the commands and a bulk engine: they hold no state
and open nothing. The cut into batches changes no row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import pyarrow as pa

from pipeline import ids
from pipeline.model import LANGUAGE, Article, Attribution, Quoted, Statement
from pipeline.statements.attribution import attributions
from pipeline.statements.blend import blended
from pipeline.statements.extract import extract_statements
from pipeline.statements.figures import FigureIndex
from pipeline.statements.gate import may_hold
from pipeline.statements.lexicon import Cues, Topic
from pipeline.statements.record import on_record
from pipeline.tables.values import from_arrow, to_arrow


class Parser(Protocol):
    """What is asked of a spaCy pipeline."""

    def pipe(self, texts: Iterable[str], *, batch_size: int) -> Iterable[Any]: ...


Tagger = Callable[[Sequence[str]], list[list[Attribution]]]
"""The learned model: the attributions of each text."""

Joiner = Callable[[Sequence[Attribution], Sequence[Attribution]], list[Attribution]]
"""Of one text, what the rules and what the tagger found, to what is kept."""


Memory = dict[tuple[str, date | None, bool], list[Quoted]]
"""What was found in texts, by their SHA-256, their day and whether of everyone; of none
in which nothing was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extractor:
    """Everything that extraction needs. Without a ``tagger`` the rules work alone;
    with one, ``join`` decides between the two."""

    nlp: Parser
    figures: FigureIndex
    topic: Topic
    cues: Cues
    version: str
    tagger: Tagger | None = None
    join: Joiner = blended
    context_chars: int = 200

    def quoted(
        self,
        texts: Sequence[tuple[str, date | None]],
        *,
        everyone: bool = False,
        memory: Memory | None = None,
    ) -> list[list[Quoted]]:
        """What each (text, day of publication) says of who said what, in order.

        Unless ``everyone``, texts that cannot hold a tracked figure's words on the
        topic are not read at all. A text that comes again with its day, as a wire
        story does, is read once; with one ``memory`` for several calls, once in them all.
        """
        memory = {} if memory is None else memory
        keys = {text: (ids.digest(text[0]), text[1], everyone) for text in texts}
        fresh = [text for text, key in keys.items() if key not in memory]
        found = dict(zip(fresh, self._quoted(fresh, everyone), strict=True))
        memory |= {keys[text]: held for text, held in found.items() if held}
        return [list(found.get(text) or memory.get(keys[text], [])) for text in texts]

    def _quoted(
        self, texts: Sequence[tuple[str, date | None]], everyone: bool
    ) -> list[list[Quoted]]:
        out: list[list[Quoted]] = [[] for _ in texts]
        read = [
            nth
            for nth, (text, _) in enumerate(texts)
            if everyone or may_hold(text, self.figures, self.topic)
        ]
        words = [texts[nth][0] for nth in read]
        tagged = self.tagger(words) if self.tagger else [()] * len(words)
        docs = self.nlp.pipe(words, batch_size=16)
        for nth, doc, learned in zip(read, docs, tagged, strict=True):
            text, published = texts[nth]
            by_rules = attributions(doc, text, self.cues)
            out[nth] = extract_statements(
                doc,
                text,
                published,
                self.figures,
                self.topic,
                self.cues,
                self.join(by_rules, learned) if self.tagger else by_rules,
                everyone=everyone,
            )
        return out


def statements_of(
    articles: pa.RecordBatch | pa.Table,
    *,
    extractor: Extractor,
    memory: Memory | None = None,
) -> pa.Table:
    """One row per statement of a tracked figure, in the order of articles and text."""
    values = [a for a in from_arrow(Article, articles) if a.language == LANGUAGE]
    texts = [(article.text, article.published_at.date()) for article in values]
    quoted = extractor.quoted(texts, memory=memory)
    statements = [
        statement
        for article, found in zip(values, quoted, strict=True)
        for statement in on_record(
            article,
            found,
            topic=extractor.topic.id,
            model_version=extractor.version,
            context_chars=extractor.context_chars,
        )
    ]
    return to_arrow(Statement, statements)
