"""A paragraph's end is a sentence's end, whether or not a full stop stands there."""

from __future__ import annotations

from spacy.language import Language
from spacy.tokens import Doc

COMPONENT = "onrecord_paragraphs"


@Language.component(COMPONENT, assigns=["token.is_sent_start"])
def paragraphs(doc: Doc) -> Doc:
    """Begins a sentence behind every line break or gap; the parser decides the rest.

    A title has no full stop: without this its last words and the first paragraph become
    one sentence. It stands before the parser: ``with_paragraphs(nlp)``.
    """
    for token in doc[:-1]:
        if not token.is_space:
            continue
        following = doc[token.i + 1]
        if following.is_space:
            continue
        if "\n" in token.text or len(token) > 1:
            following.is_sent_start = True
    return doc


def with_paragraphs(nlp: Language) -> Language:
    """The pipeline with this component before its parser, added once."""
    if COMPONENT not in nlp.pipe_names and "parser" in nlp.pipe_names:
        nlp.add_pipe(COMPONENT, before="parser")
    return nlp
