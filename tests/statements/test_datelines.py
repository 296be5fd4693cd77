from __future__ import annotations

from pipeline.model import Attribution, Span, Voice
from pipeline.statements.datelines import without_datelines


def test_a_titles_words_end_before_the_dateline_below_them():
    title = "Minister: the road is open"
    text = f"{title}\nGENEVA, March 1. /ABC/. The minister spoke."
    start = text.index("the road")
    one = Attribution(
        content=(Span(start, text.index(", March")),),
        cue=None,
        source=None,
        voice=Voice.INDIRECT,
        method="learned",
    )

    (found,) = without_datelines([one], text)

    assert [span.of(text) for span in found.content] == ["the road is open"]
