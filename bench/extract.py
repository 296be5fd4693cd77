"""How fast extraction is, beside its floor: python -m bench.extract --data DIR [--rounds 3].

The floor is bare ``nlp.pipe`` over every article: the same spaCy model, as spaCy itself
computes it. Where textacy is installed, its direct quotations are a row. Two mixes:
the war articles alone, and news of which a tenth is about the war (PolNeAR's dev part,
American politics of 2016, beside as many war articles as make a tenth). Processor
time after loading, the fastest of some rounds taken in turn, so that what else runs on
the machine falls on all alike. ``DIR`` is laid out as in ``bench.accuracy``.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import spacy

from bench.accuracy import our_extractor, textacy_system
from pipeline.adapters.nlp import package_of
from pipeline.statements.paragraphs import with_paragraphs

DAY = date(2022, 6, 1)
Texts = Sequence[str]


def texts_of(path: Path) -> list[str]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in lines]


def seconds(work: Callable[[Texts], object], texts: Texts) -> float:
    begun = time.process_time()
    work(texts)
    return time.process_time() - begun


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--data", type=Path, required=True)
    ap.add_argument("--config", type=Path, default=Path("config"))
    ap.add_argument("--rounds", type=int, default=3)
    given = ap.parse_args()
    rules = our_extractor(given.config, "rules")
    learned = our_extractor(given.config, "learned")
    assert rules is not None
    if learned is None or learned.tagger is None:
        raise SystemExit("the tagger's files are not there: reinstall the package")
    tagger = learned.tagger
    bare = with_paragraphs(spacy.load(package_of(rules.nlp)))
    systems: dict[str, Callable[[Texts], object]] = {
        "bare nlp.pipe": lambda texts: list(bare.pipe(texts, batch_size=16)),
        "rules": lambda texts: rules.quoted([(text, DAY) for text in texts]),
        "learned": lambda texts: learned.quoted([(text, DAY) for text in texts]),
        "the parse of both": lambda texts: list(rules.nlp.pipe(texts, batch_size=16)),
        "tagger, spans only": lambda texts: tagger(texts),
    }
    war = texts_of(given.data / "war" / "articles.jsonl")
    other = texts_of(given.data / "polnear" / "polnear-dev.jsonl")
    mixes = {"war articles": war, "a tenth war": other + war[: len(other) // 9]}
    textacy = textacy_system(bare)
    if textacy is not None:
        systems["textacy"] = lambda texts: list(
            textacy([(text, DAY) for text in texts], True)
        )
    for work in systems.values():
        work(war[:2])  # what is loaded or compiled on first use
    for mix, texts in mixes.items():
        words = sum(len(text.split()) for text in texts)
        best = {
            name: min(times)
            for name, times in zip(
                systems,
                zip(
                    *(
                        [seconds(work, texts) for work in systems.values()]
                        for _ in range(given.rounds)
                    ),
                    strict=True,
                ),
                strict=True,
            )
        }
        print(
            f"\n| {mix}: {len(texts)} articles, {words} words | articles a CPU second | of bare nlp.pipe |"
        )
        print("|---|---|---|")
        for name, spent in best.items():
            ratio = best["bare nlp.pipe"] / spent
            print(f"| {name} | {len(texts) / spent:.1f} | {ratio:.2f} |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\npeak memory of the process: {peak:.0f} MB")


if __name__ == "__main__":
    main()
