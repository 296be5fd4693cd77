"""How much speaks for a candidate as the one a pronoun means: named measures, weighed.

A log-linear ranking: of all candidates that agree in gender and number the one with the
highest sum of measure times weight is meant. The weights are fitted by
``bench/train/salience.py`` (conditional logit, ridge penalty) and shipped beside this
file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.resources import files
from math import log1p


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What is seen of one candidate from where a pronoun stands; a truth is 0 or 1.

    The "last mention" is the latest before the pronoun outside of quotation marks: a
    name, a role, or an earlier pronoun that was resolved to the candidate.
    """

    agrees: float  # the gender is known, not only possible
    same_sentence: float  # of the last mention
    sentences: float  # from the last mention to here: log(1 + n)
    same_paragraph: float
    subject: float  # the last mention is a subject
    main_subject: float  # ... of its sentence's main clause
    subject_here: float  # ... in the sentence of the pronoun
    owner: float  # the last mention is a genitive
    nearest: float  # nobody else who agrees is mentioned nearer
    second: float  # one other is
    named: float  # how often the article has named the candidate so far: log(1 + n)
    in_title: float
    spoke_last: float  # the last source was the candidate
    spoke_just: float  # ... in this sentence or the one before
    spoke_here: float  # ... in this paragraph
    spoke_since: float  # sentences since, if nobody else has spoken: log(1 + n)
    goes_on: float  # spoke last, and the pronoun stands beside a quotation
    spoke_before: float  # the last source but one
    same_pronoun: float  # the pronoun before this one meant the candidate
    opens: float  # the pronoun opens a paragraph, and the candidate spoke last
    first_subject: float  # subject of the first sentence of this or the last paragraph
    only_quoted: float  # mentioned inside quotation marks alone
    reported: float  # the last mention stands in what somebody said
    nameless: float  # 'a soldier', whom no name mentions
    in_content: float  # the words whose source the pronoun is name the candidate


NAMES = tuple(field.name for field in fields(Measures))
WEIGHTS: Mapping[str, float] = json.loads(
    files("pipeline.statements").joinpath("salience.json").read_text("utf-8")
)
if set(WEIGHTS) != set(NAMES):
    raise ValueError(
        "pipeline/statements/salience.json: its keys are not the measures; fit them anew "
        "with bench/train/salience.py"
    )


def salience(measures: Measures, weights: Mapping[str, float] = WEIGHTS) -> float:
    """The candidate's log-odds, up to a constant that all candidates share."""
    return float(sum(weights[name] * getattr(measures, name) for name in NAMES))


def many(n: int) -> float:
    """A count, damped."""
    return log1p(n)
