"""Score the tagger: python -m bench.train.evaluate MODEL SCORE_FOLDER GOLD.jsonl [--war FOLDER].

``SCORE_FOLDER`` holds ``quote_eval``. Prints the scorer's main figures for both views
and words per second of processor time. With ``--war`` the war articles are scored as
well, the speaker being the nearest full name and every statement taken to be about the
war: the floor that a resolver stands on.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pipeline.adapters.tagger import open_tagger
from pipeline.model import Attribution
from pipeline.statements.learned import attributions

PRONOUNS = frozenset(("he", "she", "they", "it", "who", "i", "we"))


def rows_of(text: str, found: list[Attribution]) -> list[dict]:
    return [
        {
            "content": [[s.start, s.end] for s in a.content],
            "speaker_span": [[a.source.start, a.source.end]] if a.source else [],
            "cue_span": [[a.cue.start, a.cue.end]] if a.cue else [],
            "speaker_text": a.source.of(text) if a.source else "",
            "kind": a.voice.value,
            "confidence": a.confidence,
        }
        for a in found
    ]


def summary(result: dict) -> str:
    c, e, s = result["content"], result["end_to_end"]["all"], result["speaker"]
    kinds = "/".join(
        f"{c['j80'][k]['f1']:.3f}" for k in ("direct", "mixed", "indirect")
    )
    a = c["j80"]["all"]
    return (
        f"strict {c['strict']['all']['f1']:.3f}  @.8 {a['f1']:.4f} (P {a['p']:.3f} R {a['r']:.3f})"
        f"  @.5 {c['j50']['all']['f1']:.3f}  d/m/i {kinds}  mention {s['mention']['all']['accuracy']:.3f}"
        f"  end to end {e['f1']:.4f}"
    )


def polnear(model: Path, score: Path, gold: Path) -> None:
    sys.path.insert(0, str(score))
    from quote_eval.model import read_gold, read_predictions
    from quote_eval.score import score as scored

    documents = read_gold(gold)
    encoder = open_tagger(model)
    texts = [d.text for d in documents]
    begun = time.process_time()
    found = attributions(texts, encoder)
    seconds = time.process_time() - begun
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pred.jsonl"
        with path.open("w") as out:
            for d, f in zip(documents, found, strict=True):
                print(
                    json.dumps({"doc_id": d.doc_id, "statements": rows_of(d.text, f)}),
                    file=out,
                )
        predictions = read_predictions(path)
    for view in ("statements", "all"):
        print(f"{view:11}", summary(scored(documents, predictions, view)))
    words = sum(len(t.split()) for t in texts)
    print(
        f"{words} words, {words / seconds:.0f} words per processor second, one thread"
    )


def war(model: Path, folder: Path) -> None:
    import re

    articles = [
        json.loads(line) for line in (folder / "articles.jsonl").open(encoding="utf-8")
    ]
    golds = {
        r["article_id"]: r
        for r in map(json.loads, (folder / "statements.jsonl").open(encoding="utf-8"))
    }
    roster = {
        s["speaker"] for r in golds.values() for s in r["statements"] if s["leader"]
    }
    short = {name.split()[-1]: name for name in sorted(roster)}
    pattern = re.compile(r"\b(" + "|".join(map(re.escape, sorted(short))) + r")\b")
    encoder = open_tagger(model)
    with tempfile.TemporaryDirectory() as out:
        path = Path(out) / "pred.jsonl"
        with path.open("w") as file:
            for article in articles:
                text = article["text"]
                names = [(m.start(), short[m.group()]) for m in pattern.finditer(text)]
                statements = []
                for a, row in zip(
                    *(lambda f: (f, rows_of(text, f)))(
                        attributions([text], encoder)[0]
                    ),
                    strict=True,
                ):
                    place = a.source or a.cue or a.content[0]
                    inside = [n for at, n in names if place.start <= at < place.end]
                    before = [n for at, n in names if at < place.end]
                    other = a.source is not None and re.search(
                        r"[a-z] [A-Z]|^[A-Z]", a.source.of(text)
                    )
                    near = before[::-1] or [n for _, n in names] or [""]
                    if a.source is not None and a.source.of(text).lower() in PRONOUNS:
                        other = None
                    name = (
                        inside[0]
                        if inside
                        else row["speaker_text"]
                        if other
                        else near[0]
                    )
                    statements.append(row | {"speaker_name": name, "about_war": True})
                print(
                    json.dumps(
                        {"article_id": article["article_id"], "statements": statements}
                    ),
                    file=file,
                )
        run = [sys.executable, str(folder / "score.py"), str(path), "--errors", "0"]
        print(subprocess.run(run, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("model", type=Path)
    ap.add_argument("score", type=Path)
    ap.add_argument("gold", type=Path)
    ap.add_argument("--war", type=Path)
    a = ap.parse_args()
    polnear(a.model, a.score, a.gold)
    if a.war:
        war(a.model, a.war)


if __name__ == "__main__":
    main()
