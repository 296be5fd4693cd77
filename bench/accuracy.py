"""Accuracy on PolNeAR and on the war articles, with intervals and an error breakdown.

    python -m bench.accuracy --data DATA --score SCORE [--model rules|tagger|learned]

``DATA`` holds ``polnear/`` and ``war/``, ``SCORE`` the package ``quote_eval``; what is
absent is skipped with a word. The given scorers do the scoring. An interval is 95 % of a
bootstrap over articles. Where textacy is installed it is a row of its own.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from bench.reliability import Judged, table_of
from bench.world import gold_items, texts_of
from pipeline.adapters.config import ConfigFolder
from pipeline.adapters.nlp import open_nlp, version_of
from pipeline.adapters.tagger import open_tagger
from pipeline.batch import Extractor, Parser, Tagger
from pipeline.model import Attribution
from pipeline.statements import learned
from pipeline.statements.blend import blended
from pipeline.statements.export import records
from pipeline.statements.figures import FigureIndex
from pipeline.statements.gate import may_hold

NEWS = Path(__file__).parents[1] / "tests" / "gold" / "news"
"""Articles of our own, in the form of the war articles."""
HERE = Path(__file__).resolve().parent
ROUNDS = 1000
BATCH = 64
THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6)
"""Of the tagger's confidence, among which the cross-validation chooses."""
PEERS = """Peers, measured once by the same scorers (not run here):
  BBC Citron, retrained on PolNeAR: dev, statements view .535 content, .522 end to end;
  all .454. War articles .672/.555 found, .437/.349 end to end (at .5/.8).
  People: PolNeAR .855 content, .849 end to end; war .957/.861 found, .925/.836."""

Item = TypeVar("Item")
Records = list[dict[str, Any]]
Texts = Sequence[tuple[str, date | None]]
System = Callable[[Texts, bool], Iterator[Records]]


def our_extractor(config: Path, model: str) -> Extractor | None:
    """The product's own extractor, as the steps run it, with the rules alone, with both
    readers, or with the tagger's findings only. None where the model's files are absent."""
    folder = ConfigFolder(config)
    nlp = open_nlp()
    name = version_of(nlp)
    tagger: Tagger | None = None
    if model != "rules":
        path = HERE.parent / "pipeline" / "statements" / "model"
        if not (path / "tagger.onnx").is_file():
            return None
        encoder = open_tagger(path)
        name += f" {encoder.version}"
        tagger = partial(learned.attributions, encoder=encoder)
    return Extractor(
        nlp=nlp,
        figures=FigureIndex(folder.figures(), folder.offices()),
        topic=folder.topic("ukraine-war"),
        cues=folder.cues(),
        version=name,
        tagger=tagger,
        join=tagger_alone if model == "tagger" else blended,
    )


def tagger_alone(
    rules: Sequence[Attribution], learned: Sequence[Attribution]
) -> list[Attribution]:
    return list(learned)


def system_of(extractor: Extractor) -> System:
    """Texts with dates to records. With ``everyone`` the gate is off."""

    def system(texts: Texts, everyone: bool) -> Iterator[Records]:
        for at in range(0, len(texts), BATCH):
            batch = texts[at : at + BATCH]
            found = extractor.quoted(batch, everyone=everyone)
            for (text, _), quoted in zip(batch, found, strict=True):
                yield records(quoted, text)

    return system


def textacy_system(nlp: Parser | None = None) -> System | None:
    """Direct quotations as textacy finds them in what ``nlp`` parses (ours if left out);
    None where it is not installed.

    It refuses a text with an odd number of marks: nothing is found there.
    """
    if importlib.util.find_spec("textacy") is None:
        return None
    quotes = importlib.import_module("textacy.extract").direct_quotations
    nlp = nlp or open_nlp()

    def found_in(doc: Any) -> list[Any]:
        try:
            return list(quotes(doc))
        except ValueError:
            return []

    def system(texts: Texts, everyone: bool) -> Iterator[Records]:
        for doc in nlp.pipe((text for text, _ in texts), batch_size=16):
            yield [
                {
                    "content": [[quote.content.start_char, quote.content.end_char]],
                    "kind": "direct",
                    "cue": _reach(quote.cue),
                    "source": _reach(quote.speaker),
                    "speaker_name": " ".join(t.text for t in quote.speaker),
                    "about_war": True,
                    "act": "asserts",
                }
                for quote in found_in(doc)
            ]

    return system


def _reach(tokens: Sequence[Any]) -> list[int]:
    return [tokens[0].idx, tokens[-1].idx + len(tokens[-1])]


# ------------------------------------------------------------------------ PolNeAR


@dataclass(frozen=True, slots=True)
class Count:
    """What a measure counts in one article; F1 of sums is the measure."""

    right_gold: float
    gold: int
    right_pred: float
    pred: int


def polnear(system: System, data: Path, part: str, quote_eval: Any) -> dict[str, Any]:
    """Counts of every article for each measure and view, and the errors."""
    gold = quote_eval.model.read_gold(data / "polnear" / f"polnear-{part}.jsonl")
    found = system([(doc.text, _day_in(doc.doc_id)) for doc in gold], True)
    counts: dict[str, list[Count]] = {}
    speakers: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    lines: list[str] = []
    judged: list[Judged] = []
    for number, (doc, rows) in enumerate(zip(gold, found, strict=True)):
        predicted = {doc.doc_id: [_statement(quote_eval, row) for row in rows]}
        for view in ("statements", "all"):
            result = quote_eval.score.score([doc], predicted, view)
            for kind, row in result["content"]["j80"].items():
                counts.setdefault(f"{view} {kind}", []).append(_count(row))
            counts.setdefault(f"{view} end", []).append(
                _count(result["end_to_end"]["all"])
            )
            if view == "statements":
                for name, cells in result["speaker"].items():
                    if "all" in cells:
                        n = cells["all"]["n"]
                        speakers[name] += round(cells["all"]["accuracy"] * n)
                        speakers[f"{name} n"] += n
        _named_end(quote_eval, doc, predicted[doc.doc_id], counts)
        _polnear_errors(quote_eval, doc, predicted[doc.doc_id], rows, errors, lines)
        judged += _judged(quote_eval, number, doc, predicted[doc.doc_id], rows)
    return {
        "counts": counts,
        "speakers": speakers,
        "errors": errors,
        "lines": lines,
        "judged": judged,
    }


def _judged(
    quote_eval: Any, number: int, doc: Any, predicted: list[Any], rows: Records
) -> list[Judged]:
    """Every statement's confidence: was it right in words (at .5) and speaker?

    In the statements view; where the gold names no source, the words alone count.
    """
    score, word_ids = quote_eval.score, quote_eval.text.word_ids
    sure = {
        id(one): row.get("confidence") for one, row in zip(predicted, rows, strict=True)
    }
    doc, kept = score.narrow(doc, predicted)
    pairs = score.pair_up(
        [word_ids(doc.text, s.content) for s in doc.statements],
        [word_ids(doc.text, s.content) for s in kept],
    )
    right = {
        p
        for overlap, g, p in pairs
        if overlap >= 0.5
        and (
            not doc.statements[g].source
            or score.mention_right(doc.text, doc.statements[g], kept[p])
        )
    }
    return [
        Judged(number, sure[id(one)], p in right)
        for p, one in enumerate(kept)
        if sure[id(one)] is not None
    ]


def _statement(quote_eval: Any, row: dict[str, Any]) -> Any:
    return quote_eval.model.Statement(
        content=[tuple(span) for span in row["content"]],
        source=[tuple(row["source"])] if row["source"] else [],
        cue=[tuple(row["cue"])] if row["cue"] else [],
        kind=row["kind"],
        speaker_text=row["speaker_name"],
    )


def _day_in(doc_id: str) -> date | None:
    found = re.search(r"(20\d\d)-(\d\d)-(\d\d)", doc_id)
    return date(*map(int, found.groups())) if found else None


def _count(row: dict[str, Any]) -> Count:
    return Count(
        row["r"] * row["gold"], row["gold"], row["p"] * row["pred"], row["pred"]
    )


def _named_end(
    quote_eval: Any, doc: Any, predicted: list[Any], counts: dict[str, list[Count]]
) -> None:
    """End to end where a gold name is known and the reported name must be it."""
    score = quote_eval.score
    doc, predicted = score.narrow(doc, predicted)
    known = [s for s in doc.statements if s.canonical]
    gold = [quote_eval.text.word_ids(doc.text, s.content) for s in doc.statements]
    ours = [quote_eval.text.word_ids(doc.text, s.content) for s in predicted]
    pairs = score.pair_up(gold, ours)
    right = sum(
        overlap >= 0.8
        and bool(doc.statements[g].canonical)
        and score.resolved_right(doc.statements[g], predicted[p], doc.text)
        for overlap, g, p in pairs
    )
    set_aside = sum(
        overlap >= 0.5 and not doc.statements[g].canonical for overlap, g, _ in pairs
    )
    counts.setdefault("statements named", []).append(
        Count(right, len(known), right, len(predicted) - set_aside)
    )


def _polnear_errors(
    quote_eval: Any,
    doc: Any,
    predicted: list[Any],
    rows: Records,
    errors: Counter[str],
    lines: list[str],
) -> None:
    """Why gold statements were missed and what stands where none is, statements view."""
    text, word_ids = doc.text, quote_eval.text.word_ids
    narrowed, kept = quote_eval.score.narrow(doc, predicted)
    pairs = quote_eval.score.pair_up(
        [word_ids(text, s.content) for s in narrowed.statements],
        [word_ids(text, s.content) for s in kept],
    )
    of_gold = {g: (overlap, p) for overlap, g, p in pairs}
    cues = {text[row["cue"][0] : row["cue"][1]].lower() for row in rows if row["cue"]}
    for number, gold in enumerate(narrowed.statements):
        overlap, p = of_gold.get(number, (0.0, -1))
        if overlap >= 0.8:
            if gold.source and not quote_eval.score.mention_right(text, gold, kept[p]):
                kind = _mention_kind(quote_eval, quote_eval.score.surface(text, gold))
                errors[f"wrong speaker: {kind}"] += 1
            continue
        words = " ".join(text[s:e] for s, e in gold.cue).lower()
        if overlap >= 0.3:
            cause = "boundary"
        elif not words:
            cause = "missed: no cue"
        elif any(word in cues for word in words.split()):
            cause = "missed: cue found elsewhere"
        else:
            cause = "missed: cue never found"
        errors[cause] += 1
        content = " // ".join(text[s:e] for s, e in gold.content)
        lines.append(f"{cause} | {words} | {content[:100]}")
    matched = {p for overlap, _, p in pairs if overlap >= 0.3}
    errors["spurious"] += len(kept) - len(matched)


def _mention_kind(quote_eval: Any, surface: str) -> str:
    if quote_eval.text.is_pronoun(surface):
        return "pronoun"
    named = any(word[:1].isupper() for word in surface.split()[1:] or surface.split())
    return "name" if named else "role or noun"


# --------------------------------------------------------------------- war articles


def war(system: System, scorer: Any) -> dict[str, Any]:
    """The scorer's counts per article at both thresholds, and its errors."""
    articles = scorer.gold()
    texts = scorer.load_texts(articles)
    days = [date.fromisoformat(a["date"]) if a["date"] else None for a in articles]
    inputs = [
        (texts[a["article_id"]], day) for a, day in zip(articles, days, strict=True)
    ]
    found = dict(
        zip((a["article_id"] for a in articles), system(inputs, False), strict=True)
    )
    scored = {
        threshold: scorer.score(articles, texts, found, threshold)
        for threshold in (0.5, 0.8)
    }
    return {
        "scored": scored,
        "mentions": _mentions(articles),
        "missed": _missed(articles, texts, found, scorer),
    }


def _missed(
    articles: Sequence[dict[str, Any]],
    texts: dict[str, str],
    found: dict[str, Records],
    scorer: Any,
) -> dict[tuple[str, str], str]:
    """Why a gold statement has no match, if it has none: what stands in its place."""
    causes = {}
    for article in articles:
        name = article["article_id"]
        text, rows = texts[name], found[name]
        ours = [scorer.toks(text, row["content"]) for row in rows]
        cues = {tuple(row["cue"]) for row in rows if row["cue"]}
        for statement in article["statements"]:
            words = scorer.toks(text, statement["content"])
            nearest = max((scorer.jac(words, one) for one in ours), default=0.0)
            cue = statement.get("cue")
            if nearest >= 0.2:
                cause = "boundary below .5"
            elif cue and any(a < cue[1] and cue[0] < b for a, b in cues):
                cause = "cue found, other content"
            else:
                cause = "cue never found" if cue else "no cue"
            causes[name, statement["id"]] = cause
    return causes


def cross_validated(
    extractor: Extractor, scorer: Any
) -> tuple[list[Counter[str]], Counter[float]]:
    """The war articles' counts at .5, each article at the blend's threshold that was
    best on the others; and how often each threshold was chosen."""
    by_threshold = {
        least: war(
            system_of(replace(extractor, join=partial(blended, at_least=least))), scorer
        )["scored"][0.5][0]
        for least in THRESHOLDS
    }
    counts, chosen = [], Counter[float]()
    for out in range(len(next(iter(by_threshold.values())))):
        best = max(
            THRESHOLDS,
            key=lambda t: end_f1(
                [c for n, c in enumerate(by_threshold[t]) if n != out]
            ),
        )
        chosen[best] += 1
        counts.append(by_threshold[best][out])
    return counts, chosen


# ----------------------------------------------------------------------------- gate


def gate_recall(extractor: Extractor, data: Path, lake: Path) -> Iterator[str]:
    """How many statements of tracked figures and leaders on the topic stand in texts
    that the gate lets through: must be all but one in two hundred."""

    def passes(text: str) -> bool:
        return may_hold(text, extractor.figures, extractor.topic)

    yield "| gate | statements in texts let through | texts let through |"
    yield "|---|---|---|"
    scorer = war_scorer_in(data)
    if scorer is not None:
        articles = scorer.gold()
        texts = scorer.load_texts(articles)
        let = {a["article_id"]: passes(texts[a["article_id"]]) for a in articles}
        wanted = [
            let[a["article_id"]]
            for a in articles
            for s in a["statements"]
            if s["leader"] and s["about_war"] and not s["optional"]
        ]
        yield _gate_row("war articles", wanted, list(let.values()))
    if (lake / "work" / "articles").is_dir():
        world = texts_of(lake)
        through = {key: passes(text) for key, text in world.items()}
        wanted = [
            through[key]
            for key, items in gold_items(world).items()
            for item in items
            if item.target
        ]
        yield _gate_row("sample world", wanted, list(through.values()))
    else:
        yield f"| sample world | skipped: no lake at {lake}, see `make run` | |"
    path = data / "polnear" / "polnear-dev.jsonl"
    if path.is_file():
        rows = map(json.loads, path.read_text("utf-8").splitlines())
        others = [passes(row["text"]) for row in rows]
        yield _gate_row("PolNeAR dev (another topic)", [], others)


def _gate_row(name: str, wanted: Sequence[bool], texts: Sequence[bool]) -> str:
    recall = "-"
    if wanted:
        share = sum(wanted) / len(wanted)
        recall = f"{sum(wanted)} of {len(wanted)}, recall {share:.3f}"
    return f"| {name} | {recall} | {sum(texts)} of {len(texts)} |"


def _mentions(articles: Sequence[dict[str, Any]]) -> dict[tuple[str, str], str]:
    return {
        (article["article_id"], statement["id"]): statement.get("mention_type")
        or "none"
        for article in articles
        for statement in article["statements"]
    }


def found_f1(counts: Sequence[Counter[str]]) -> float:
    total = _total(counts)
    return _f1(total["found"], total["fp"], total["gold"] - total["found"])


def end_f1(counts: Sequence[Counter[str]]) -> float:
    total = _total(counts)
    wrong = max(0, total["claim_tp"] - total["e2e"])
    return _f1(total["e2e"], total["fp"] + wrong, total["gold"] - total["e2e"])


def _total(counts: Sequence[Counter[str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return total


def _f1(right: float, wrong: float, missed: float) -> float:
    return 2 * right / (2 * right + wrong + missed) if right else 0.0


def _war_errors(result: dict[str, Any]) -> Counter[str]:
    """The scorer's errors at .5, wrong speakers by the kind of mention."""
    errors: Counter[str] = Counter()
    for article_id, statement_id, cause, *_ in result["scored"][0.5][5]:
        if cause == "SPEAKER":
            kind = result["mentions"].get((article_id, statement_id), "none")
            errors[f"wrong speaker: {kind}"] += 1
        elif cause == "MISSED":
            why = result["missed"].get((article_id, statement_id), "")
            errors[f"missed: {why}"] += 1
        else:
            names = {
                "WAR": "wrong topic",
                "NOT-LEADER-WAR": "not a leader's, or off topic",
            }
            errors[names.get(cause, cause.lower())] += 1
    loose, strict = (_total(result["scored"][t][0])["found"] for t in (0.5, 0.8))
    errors["boundary (found at .5, not at .8)"] = loose - strict
    return errors


# -------------------------------------------------------------------------- tables


def interval(items: Sequence[Item], measure: Callable[[Sequence[Item]], float]) -> str:
    """The measure of all items, and 95 % of a bootstrap over them."""
    draw = random.Random(7)
    drawn = sorted(measure(draw.choices(items, k=len(items))) for _ in range(ROUNDS))
    low, high = drawn[int(0.025 * ROUNDS)], drawn[int(0.975 * ROUNDS)]
    return f"{measure(items):.3f} ({low:.3f}-{high:.3f})"


def f1_of(counts: Sequence[Count]) -> float:
    recall = sum(c.right_gold for c in counts) / max(1, sum(c.gold for c in counts))
    precision = sum(c.right_pred for c in counts) / max(1, sum(c.pred for c in counts))
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def polnear_table(name: str, result: dict[str, Any]) -> Iterator[str]:
    labels = {
        "statements all": "content F1 at .8, statements view",
        "statements direct": "  direct",
        "statements mixed": "  mixed",
        "statements indirect": "  indirect",
        "statements end": "end to end",
        "statements named": "end to end, resolved name",
        "all all": "content F1 at .8, all attributions",
        "all end": "end to end, all attributions",
    }
    yield f"| PolNeAR | {name} |"
    yield "|---|---|"
    for key, label in labels.items():
        yield f"| {label} | {interval(result['counts'][key], f1_of)} |"
    speakers = result["speakers"]
    for key in ("mention", "resolved", "pronoun"):
        share = speakers[key] / max(1, speakers[f"{key} n"])
        yield f"| speaker right: {key} | {share:.3f} of {speakers[f'{key} n']} |"


def war_table(name: str, result: dict[str, Any]) -> Iterator[str]:
    yield f"| {name} | |"
    yield "|---|---|"
    for threshold, scored in result["scored"].items():
        counts = scored[0]
        total = _total(counts)
        yield f"| found, F1 at {threshold} | {interval(counts, found_f1)} |"
        yield f"| end to end, F1 at {threshold} | {interval(counts, end_f1)} |"
        yield f"| speaker right at {threshold} | {total['spk'] / max(1, total['found']):.3f} |"
        kinds = ", ".join(f"{k} {a}/{b}" for k, (a, b) in sorted(scored[1].items()))
        yield f"| recall by kind at {threshold} | {kinds} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--score", type=Path, required=True)
    parser.add_argument("--config", type=Path, default=HERE.parent / "config")
    parser.add_argument(
        "--model", choices=("rules", "tagger", "learned"), default="learned"
    )
    parser.add_argument("--part", choices=("dev", "train"), default="dev")
    parser.add_argument("--errors", type=int, default=0, help="list so many errors")
    parser.add_argument("--lake", type=Path, default=Path("data/sample"))
    args = parser.parse_args()
    ours = our_extractor(args.config, args.model)
    if ours is None:
        print("skipped: the learned model's files are absent")
        return
    systems: dict[str, System] = {args.model: system_of(ours)}
    peer = textacy_system()
    if peer is None:
        print("textacy is not installed (pip install textacy): no row of it")
    else:
        systems["textacy"] = peer
    print(f"spaCy {version('spacy')}, {ours.version}")
    print(
        "the gate is off on PolNeAR (every speaker, any topic), on for war articles\n"
    )
    _print(gate_recall(ours, args.data, args.lake))
    scorer = war_scorer_in(args.data)
    for name, system in systems.items():
        _report(name, system, scorer, args)
        if scorer is not None:
            scorer.HERE = str(NEWS)
            _print(war_table(f"invented news, {name}", war(system, scorer)))
            scorer.HERE = str(args.data / "war")
    if args.model == "learned" and scorer is not None:
        counts, chosen = cross_validated(ours, scorer)
        print(
            "war articles, the blend's threshold chosen on the others (leave one out): "
            f"end to end, F1 at 0.5 {interval(counts, end_f1)}; chosen "
            + ", ".join(f"{least} x{n}" for least, n in sorted(chosen.items()))
        )
    print(PEERS)


def _report(name: str, system: System, scorer: Any, args: argparse.Namespace) -> None:
    quote_eval = quote_eval_in(args.score)
    if quote_eval is None or not (args.data / "polnear").is_dir():
        print("skipped: PolNeAR or its scorer is absent")
    else:
        result = polnear(system, args.data, args.part, quote_eval)
        _print(polnear_table(f"{name}, {args.part}", result))
        if result["judged"]:
            _print(table_of(f"{name}, PolNeAR {args.part}", result["judged"]))
        _print(_breakdown(result["errors"]))
        _print(result["lines"][: args.errors])
    if scorer is None:
        print("skipped: the war articles are absent")
        return
    result = war(system, scorer)
    _print(war_table(f"war articles, {name}", result))
    seed = result["scored"][0.5][0][0]
    print(f"seed article: {seed['e2e']} right of {seed['gold']}, {seed['fp']} spurious")
    _print(_breakdown(_war_errors(result)))
    listed = result["scored"][0.5][5][: args.errors]
    _print(" | ".join(str(part) for part in error) for error in listed)


def _breakdown(errors: Counter[str]) -> Iterator[str]:
    for cause, count in errors.most_common():
        yield f"  {count:5} {cause}"


def _print(lines: Iterator[str] | Sequence[str]) -> None:
    for line in lines:
        print(line)
    print()


def quote_eval_in(folder: Path) -> Any:
    """The package ``quote_eval`` in the folder, or None."""
    if not (folder / "quote_eval" / "score.py").is_file():
        return None
    sys.path.insert(0, str(folder))
    for part in ("model", "score", "text"):
        importlib.import_module(f"quote_eval.{part}")
    return sys.modules["quote_eval"]


def war_scorer_in(data: Path) -> Any:
    """``war/score.py`` in the folder, or None."""
    path = data / "war" / "score.py"
    if not path.is_file():
        return None
    spec = importlib.util.spec_from_file_location("war_score", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
