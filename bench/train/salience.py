"""Fit the weights by which a pronoun's bearer is chosen (pipeline/statements/salience.py).

    python -m bench.train.salience POLNEAR_TRAIN.jsonl SCORE_FOLDER [--write]

A case is a 'he' or 'she' that is the source of a gold attribution and whose chain of
names in PolNeAR fits exactly one of the candidates. The chains come from a coreference
system and are wrong at times: a chain without anybody whom the article names is no case.
The likelihood of the right candidate under a softmax over all of them is maximised by
Newton's method. Two things keep the errors of the chains out: the ridge pulls to weights
set by hand (``START``), and a case counts by the root of the chance that it is given, so
that what all else speaks against moves little. Every seventh article is left out: pronouns
of these were judged by hand. Prints the accuracy by five folds over articles beside the
start and the nearest candidate who agrees; writes the weights with ``--write``.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc

from bench.accuracy import _day_in
from pipeline.adapters.config import ConfigFolder
from pipeline.adapters.nlp import open_nlp
from pipeline.model import Attribution, Span, Speaker, Voice
from pipeline.statements.cast import Member, cast_of
from pipeline.statements.coreference import Antecedents
from pipeline.statements.figures import FigureIndex
from pipeline.statements.quotations import quotations
from pipeline.statements.salience import NAMES, Measures
from pipeline.statements.speakers import Recognition

HERE = Path(__file__).resolve().parent
TARGET = HERE.parents[1] / "pipeline" / "statements" / "salience.json"
FOLDS, RIDGE, HELD_OUT = 5, 20.0, 7
START = {
    "agrees": 1,
    "same_sentence": 1,
    "sentences": -1.5,
    "same_paragraph": 0.3,
    "subject": 0.9,
    "main_subject": 0.3,
    "subject_here": 0.2,
    "owner": -0.2,
    "nearest": 0.6,
    "second": 0,
    "named": 0.3,
    "in_title": 0.1,
    "spoke_last": 0.6,
    "spoke_just": 0.8,
    "spoke_here": 0.5,
    "spoke_since": -0.2,
    "goes_on": 0.5,
    "spoke_before": 0,
    "same_pronoun": 0.8,
    "opens": 0.3,
    "first_subject": 0.3,
    "only_quoted": -2.5,
    "reported": -0.6,
    "nameless": -1.0,
    "in_content": -1.5,
}

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Case:
    """One pronoun: its candidates' measures (candidates, measures), and the right row."""

    article: int
    rows: Floats
    right: int


def cases(
    articles: Sequence[Any],
    docs: Sequence[Doc],
    index: FigureIndex,
    same_name: Any,
    weights: Mapping[str, float],
) -> Iterator[Case]:
    """Every case of the articles, read with these weights."""
    for number, (article, doc) in enumerate(zip(articles, docs, strict=True)):
        seen: dict[int, Sequence[tuple[Member, Measures]]] = {}
        found = attributed(article)
        cast = cast_of(doc, article.text, index, _day_in(article.doc_id))
        contents = sorted(span for one, _ in found for span in one.content)
        antecedents = Antecedents(
            doc, cast, quotations(article.text), contents, weights, seen.__setitem__
        )
        recognition = Recognition(doc, article.text, cast, index, antecedents)
        previous: Speaker | None = None
        for one, gold in found:
            previous = recognition.speakers(one, previous)[-1]
            at = one.source.start if one.source else -1
            if gold.canonical and at in seen:
                fits = [
                    any(same_name(alias, member.name) for alias in gold.aliases)
                    for member, _ in seen[at]
                ]
                if sum(fits) == 1 and len(fits) > 1:
                    rows = np.array([astuple(m) for _, m in seen[at]])
                    yield Case(number, rows, fits.index(True))


def attributed(article: Any) -> list[tuple[Attribution, Any]]:
    """The gold attributions as the extractor would find them, in the order of sources."""
    voices = {voice.value: voice for voice in Voice}
    found = []
    for gold in article.statements:
        found.append(
            (
                Attribution(
                    content=tuple(Span(*part) for part in gold.content),
                    cue=Span(*gold.cue[0]) if gold.cue else None,
                    source=Span(*gold.source[0]) if gold.source else None,
                    voice=voices[gold.kind],
                    method="clause" if gold.kind == "indirect" else "quoted",
                    confidence=1.0,
                ),
                gold,
            )
        )
    return sorted(found, key=lambda pair: (pair[0].source or pair[0].content[0]).start)


def fitted(found: Sequence[Case]) -> Floats:
    """The weights of highest damped likelihood under the ridge, by Newton's method."""
    start = np.array([START[name] for name in NAMES])
    w = start.copy()
    for _ in range(30):
        gradient, hessian = RIDGE * (w - start), RIDGE * np.eye(len(w))
        for case in found:
            p = softmax(case.rows @ w)
            mean = p @ case.rows
            trust = np.sqrt(p[case.right])
            gradient = gradient + trust * (mean - case.rows[case.right])
            hessian = hessian + trust * (
                (case.rows.T * p) @ case.rows - np.outer(mean, mean)
            )
        step = np.linalg.solve(hessian, gradient)
        w = w - step
        if np.abs(step).max() < 1e-6:
            break
    return w


def softmax(scores: Floats) -> Floats:
    grown = np.exp(scores - scores.max())
    return np.asarray(grown / grown.sum())


def hits(found: Sequence[Case], w: Floats) -> int:
    """How many of the cases these weights decide rightly."""
    return sum(int(np.argmax(c.rows @ w)) == c.right for c in found)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("train", type=Path)
    parser.add_argument("score", type=Path, help="the folder that holds quote_eval")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    sys.path.insert(0, str(args.score))
    articles = importlib.import_module("quote_eval.model").read_gold(args.train)
    same_name = importlib.import_module("quote_eval.text").same_name
    folder = ConfigFolder(HERE.parents[1] / "config")
    index = FigureIndex(folder.figures(), folder.offices())
    articles = [a for i, a in enumerate(articles) if i % HELD_OUT]
    docs = list(open_nlp().pipe((a.text for a in articles), batch_size=16))
    report(articles, docs, index, same_name, args.write)


def report(
    articles: Sequence[Any],
    docs: Sequence[Doc],
    index: FigureIndex,
    same_name: Any,
    write: bool,
) -> None:
    found = list(cases(articles, docs, index, same_name, START))
    if len({case.article % FOLDS for case in found}) < FOLDS:
        raise SystemExit(f"{len(found)} cases are too few for {FOLDS} folds")
    w = fitted(found)
    weights = {n: round(float(x), 2) for n, x in zip(NAMES, w, strict=True)}
    baselines = {
        "weights set by hand": [START[name] for name in NAMES],
        "nearest who agrees": [float(name == "nearest") for name in NAMES],
    }
    print(f"{len(found)} cases, {np.mean([len(c.rows) for c in found]):.1f} candidates")
    for name, given in baselines.items():
        print(f"{name}: {hits(found, np.array(given)) / len(found):.3f}")
    right = 0
    for fold in range(FOLDS):
        inside = fitted([c for c in found if c.article % FOLDS != fold])
        right += hits([c for c in found if c.article % FOLDS == fold], inside)
    print(f"fitted, {FOLDS} folds over articles: {right / len(found):.3f}")
    for name, value in weights.items():
        print(f"  {name:16} {value:+.3f}")
    if write:
        TARGET.write_text(json.dumps(weights, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
