"""How fast extraction is, and how right, beside its floor and a peer.

    python -m bench.extract --data DIR [--score DIR] [--rounds 3] [--sizes 100 200 400 800]

The floor is bare ``nlp.pipe`` over every article: the same spaCy model, as spaCy itself
computes it. Where textacy is installed, its direct quotations are a row. Two mixes:
the war articles alone, and news of which a tenth is about the war (PolNeAR's dev part,
American politics of 2016, beside as many war articles as make a tenth). Processor
time after loading, the fastest of some rounds taken in turn, so that what else runs on
the machine falls on all alike. Before that, days of growing sizes (``bench.news``) say
whether an article costs the same in a large batch; after it, with ``--score``, the same
systems are scored as in ``bench.accuracy``. ``DIR`` is laid out as there.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path

import spacy

from bench.accuracy import (
    System,
    end_f1,
    f1_of,
    found_f1,
    interval,
    our_extractor,
    polnear,
    quote_eval_in,
    system_of,
    textacy_system,
    war,
    war_scorer_in,
)
from bench.news import Newsroom
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


def peak() -> float:
    """Most MB that this process held at once."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def sizes_table(
    systems: dict[str, Callable[[Texts], object]], data: Path, sizes: Sequence[int]
) -> Iterator[str]:
    """What an article of a mixed day costs in batches of growing size."""
    yield "\n| articles in a batch | " + " | ".join(map(str, sizes)) + " |"
    yield "|---|" + "---:|" * len(sizes)
    days = []
    for count in sizes:
        room = Newsroom(data, count)
        days.append([room.article(n).text for n in range(count)])
    for name, work in systems.items():
        cells = []
        for texts in days:
            spent = 1e6 * seconds(work, texts) / sum(map(len, texts))
            cells.append(f"{spent:.2f} ({peak():.0f})")
        yield f"| {name}: CPU s a million characters (peak MB) | {' | '.join(cells)} |"


def accuracy_table(
    systems: dict[str, System], data: Path, score: Path
) -> Iterator[str]:
    quote_eval, scorer = quote_eval_in(score), war_scorer_in(data)
    if quote_eval is None or scorer is None:
        raise SystemExit(f"no scorers in {score} and {data}/war")
    yield (
        "\n| accuracy | PolNeAR dev: content F1 at .8 | direct | end to end "
        "| war: found, F1 at .5 | end to end |\n|---|---|---|---|---|---|"
    )
    for name, system in systems.items():
        counts = polnear(system, data, "dev", quote_eval)["counts"]
        told = [
            interval(counts[f"statements {kind}"], f1_of)
            for kind in ("all", "direct", "end")
        ]
        scored = war(system, scorer)["scored"][0.5][0]
        told += [interval(scored, found_f1), interval(scored, end_f1)]
        yield f"| {name} | {' | '.join(told)} |"


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--data", type=Path, required=True)
    ap.add_argument("--config", type=Path, default=Path("config"))
    ap.add_argument(
        "--score", type=Path, help="holds quote_eval; no accuracy if absent"
    )
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--sizes", type=int, nargs="*", default=[100, 200, 400, 800])
    given = ap.parse_args()
    rules = our_extractor(given.config, "rules")
    learned = our_extractor(given.config, "learned")
    assert rules is not None
    if learned is None or learned.tagger is None:
        raise SystemExit("the tagger's files are not there: reinstall the package")
    tagger = learned.tagger
    ours: dict[str, Callable[[Texts], object]] = {
        "rules": lambda texts: rules.quoted([(text, DAY) for text in texts]),
        "learned": lambda texts: learned.quoted([(text, DAY) for text in texts]),
    }
    for line in sizes_table(ours, given.data, given.sizes) if given.sizes else ():
        print(line, flush=True)
    bare = with_paragraphs(spacy.load(package_of(rules.nlp)))
    systems: dict[str, Callable[[Texts], object]] = {
        "bare nlp.pipe": lambda texts: list(bare.pipe(texts, batch_size=16)),
        **ours,
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
    print(f"\npeak memory of the process: {peak():.0f} MB")
    if given.score:
        scored = {"rules": system_of(rules), "learned": system_of(learned)}
        if textacy is not None:
            scored["textacy"] = textacy
        for line in accuracy_table(scored, given.data, given.score):
            print(line, flush=True)


if __name__ == "__main__":
    main()
