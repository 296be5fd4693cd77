"""Choose ``Options.scale``: python -m bench.train.calibrate MODEL SCORE_FOLDER DEV.jsonl.

An attribution is right when its content matches a gold content at Jaccard 0.5 and its
source is the gold source. A logistic curve over the network's log-odds is
fitted; the table that is printed comes from five folds of articles, each judged by a
curve fitted on the other four. ``--write`` puts the curve fitted on all into meta.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from pipeline.adapters.tagger import open_tagger
from pipeline.statements.learned import attribution, findings, log_odds, quotes


def fitted(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Weights and intercept of a logistic curve, slightly drawn to zero (Newton)."""
    x = np.column_stack([x, np.ones(len(x))])
    w = np.zeros(x.shape[1])
    ridge = np.diag([1.0] * (x.shape[1] - 1) + [0.0])
    for _ in range(30):
        p = 1 / (1 + np.exp(-x @ w))
        gradient = x.T @ (p - y) + ridge @ w
        w -= np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + ridge, gradient)
    return w


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("model", type=Path)
    ap.add_argument("score", type=Path)
    ap.add_argument("gold", type=Path)
    ap.add_argument("--write", action="store_true")
    a = ap.parse_args()
    sys.path.insert(0, str(a.score))
    from quote_eval.model import Statement, read_gold
    from quote_eval.score import mention_right, pair_up
    from quote_eval.text import word_ids

    encoder = open_tagger(a.model)
    x, y, article = [], [], []
    for number, document in enumerate(read_gold(a.gold)):
        text = document.text
        marks = quotes(text)
        offsets, found = findings(text, marks, encoder)
        made = [
            (one, attribution(text, marks, offsets, one, encoder.options))
            for one in found
        ]
        kept = [(one, made_of) for one, made_of in made if made_of is not None]
        contents = [[(s.start, s.end) for s in m.content] for _, m in kept]
        pairs = pair_up(
            [word_ids(text, s.content) for s in document.statements],
            [word_ids(text, c) for c in contents],
        )
        matched = {p: document.statements[g] for score, g, p in pairs if score >= 0.5}
        for n, (one, m) in enumerate(kept):
            source = [(m.source.start, m.source.end)] if m.source else []
            pred = Statement(
                contents[n], source, [], "", m.source.of(text) if m.source else ""
            )
            gold = matched.get(n)
            right = gold is not None and (
                not gold.source or mention_right(text, gold, pred)
            )
            chances = (
                one.cue_probability,
                one.content_probability,
                one.edge_probability,
                one.source_probability if one.source is not None else 1.0,
            )
            x.append([log_odds(p) for p in chances])
            y.append(float(right))
            article.append(number)
    xs, ys, fold = np.array(x), np.array(y), np.array(article) % 5
    held_out = np.zeros(len(ys))
    for k in range(5):
        w = fitted(xs[fold != k], ys[fold != k])
        rows = np.column_stack([xs[fold == k], np.ones((fold == k).sum())])
        held_out[fold == k] = 1 / (1 + np.exp(-rows @ w))
    print("| said | right | n |\n|---|---|---|")
    for low in np.arange(0, 1, 0.1):
        inside = (held_out >= low) & (held_out < low + 0.1)
        if inside.any():
            print(
                f"| {held_out[inside].mean():.2f} | {ys[inside].mean():.2f} | {inside.sum()} |"
            )
    scale = [round(float(v), 4) for v in fitted(xs, ys)]
    print(json.dumps(scale))
    if a.write:
        path = a.model / "meta.json"
        meta = json.loads(path.read_text("utf-8"))
        meta["options"]["scale"] = scale
        path.write_text(json.dumps(meta, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
