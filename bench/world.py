"""The sample world against its gold: statements, speakers, relations, alerts.

``python -m bench.world [--lake data/sample] [--errors N]`` after ``make run``. The gold
was written by the annotation rules, blind, before the extractor was tuned; its digest
is checked. A statement counts where the word sets overlap by Jaccard >= 0.5 (0.8).
Optional gold counts neither for nor against; alerts are compared by claim.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.batch import Extractor

GOLD = Path(__file__).resolve().parents[1] / "tests" / "gold" / "world"
WORD = re.compile(r"\w+")


@dataclass(slots=True)
class Item:
    """One statement, gold or found."""

    ref: str
    words: frozenset[int]
    speaker: str
    target: bool = True
    optional: bool = False
    match: Item | None = None
    claim: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


def check_digest() -> None:
    names = ("alerts.json", "relations.jsonl", "statements.jsonl")
    body = b"".join((GOLD / name).read_bytes() for name in names)
    if sha256(body).hexdigest() != (GOLD / "DIGEST").read_text("utf-8").strip():
        sys.exit("bench.world: the gold is not the frozen one (DIGEST differs)")


def place(text: str, piece: Any) -> tuple[int, int]:
    words, nth = (piece, 1) if isinstance(piece, str) else (piece["text"], piece["nth"])
    start = -1
    for _ in range(nth):
        start = text.find(words, start + 1)
    if start < 0:
        raise ValueError(f"not in the text: {words!r}")
    return start, start + len(words)


def words_of(text: str, spans: Iterable[tuple[int, int]]) -> frozenset[int]:
    return frozenset(
        begin + found.start()
        for begin, end in spans
        for found in WORD.finditer(text[begin:end])
    )


def jaccard(a: frozenset[int], b: frozenset[int]) -> float:
    return len(a & b) / len(a | b) if a | b else 0.0


def texts_of(lake: Path) -> dict[tuple[str, int], str]:
    files = sorted((lake / "work" / "articles").rglob("*.parquet"))
    frames = [pd.read_parquet(path) for path in files]
    articles = pd.concat([frame for frame in frames if len(frame)])
    return {(row.url, row.revision): row.text for row in articles.itertuples()}


def gold_items(texts: dict[tuple[str, int], str]) -> dict[tuple[str, int], list[Item]]:
    relations = {
        row["statement"]: row
        for row in map(
            json.loads, (GOLD / "relations.jsonl").read_text("utf-8").splitlines()
        )
    }
    items: dict[tuple[str, int], list[Item]] = {}
    lost = 0
    for line in (GOLD / "statements.jsonl").read_text("utf-8").splitlines():
        article = json.loads(line)
        key = article["url"], article["revision"]
        for one in article["statements"]:
            ref = f"{article['url']}#{one['id']}"
            try:
                spans = [place(texts[key], piece) for piece in one["content"]]
            except (KeyError, ValueError):
                lost += not one["optional"]
                continue
            items.setdefault(key, []).append(
                Item(
                    ref=ref,
                    words=words_of(texts[key], spans),
                    speaker=one["speaker"],
                    target=bool(one["tracked"] and one["about_war"] and not one["optional"]),
                    optional=one["optional"],
                    extra={"relation": relations.get(ref), "kind": one["kind"],
                           "flags": one["flags"], "cue": one["cue"],
                           "act": one["polarity"], "tracked": one["tracked"],
                           "about_war": one["about_war"]},
                )
            )  # fmt: skip
    if lost:
        print(f"{lost} gold statements stand in no stored text (cut by normalisation)")
    return items


def found_items(
    lake: Path, texts: dict[tuple[str, int], str]
) -> dict[tuple[str, int], list[Item]]:
    tables = lake / "tables"
    statements = pd.read_parquet(tables / "statements")
    links = pd.read_parquet(tables / "claim_links")[
        ["statement_id", "claim_id", "relation"]
    ]
    spans = pd.read_parquet(tables / "statement_spans")
    by_id = spans.groupby("statement_id")[["start", "end"]].apply(
        lambda f: f.values.tolist()
    )
    items: dict[tuple[str, int], list[Item]] = {}
    for row in (
        statements[statements.about_topic].merge(links, on="statement_id").itertuples()
    ):
        key = row.url, row.revision
        items.setdefault(key, []).append(
            Item(
                ref=row.statement_id,
                words=words_of(texts[key], by_id[row.statement_id]),
                speaker=row.figure,
                claim=row.claim_id,
                extra={
                    "relation": row.relation,
                    "content": row.content,
                    "act": row.act,
                    "old": row.is_old,
                },
            )
        )
    return items


def extracted_items(
    extractor: Extractor, lake: Path
) -> dict[tuple[str, int], list[Item]]:
    """What an extractor finds in the lake's texts: without a pass, so without claims."""
    files = sorted((lake / "work" / "articles").rglob("*.parquet"))
    frames = [pd.read_parquet(path) for path in files]
    rows = list(pd.concat([frame for frame in frames if len(frame)]).itertuples())
    texts = [(row.text, row.published_at.date()) for row in rows]
    items: dict[tuple[str, int], list[Item]] = {}
    for row, found in zip(rows, extractor.quoted(texts), strict=True):
        for quoted in found:
            if quoted.about_topic and quoted.speaker.figure_id is not None:
                spans = [(s.start, s.end) for s in quoted.attribution.content]
                items.setdefault((row.url, row.revision), []).append(
                    Item(
                        ref="",
                        words=words_of(row.text, spans),
                        speaker=quoted.speaker.name,
                        extra={"act": quoted.act.value, "old": quoted.is_old},
                    )
                )
    return items


def pair(gold: Sequence[Item], found: Sequence[Item], least: float) -> None:
    scored = sorted(
        (
            (jaccard(g.words, f.words) + 0.3 * same(g.speaker, f.speaker), i, j)
            for i, g in enumerate(gold)
            for j, f in enumerate(found)
            if jaccard(g.words, f.words) >= least
        ),
        key=lambda one: (-one[0], one[1], one[2]),
    )
    for item in (*gold, *found):
        item.match = None
    for _, i, j in scored:
        if gold[i].match is None and found[j].match is None:
            gold[i].match, found[j].match = found[j], gold[i]


def same(one: str, other: str) -> bool:
    def key(name: str) -> str:
        import unicodedata

        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        return plain.lower().split()[-1]

    return key(one) == key(other)


def score(
    keys: Sequence[tuple[str, int]],
    gold: dict[tuple[str, int], list[Item]],
    found: dict[tuple[str, int], list[Item]],
) -> Counter[str]:
    count: Counter[str] = Counter()
    for key in keys:
        for item in gold.get(key, []):
            if item.target:
                count["gold"] += 1
                if item.match:
                    count["found"] += 1
                    count["right"] += same(item.speaker, item.match.speaker)
        for item in found.get(key, []):
            mine = item.match
            if mine is None:
                near = any(
                    g.optional and jaccard(g.words, item.words) >= 0.3
                    for g in gold.get(key, [])
                )
                count["spurious"] += not near
            elif not mine.target and not mine.optional:
                count["spurious"] += 1
    return count


def f1(hits: int, count: Counter[str]) -> float:
    wrong = count["spurious"] + count["found"] - hits
    missed = count["gold"] - hits
    return 2 * hits / (2 * hits + wrong + missed) if hits else 0.0


def alerts(
    lake: Path,
    gold: dict[tuple[str, int], list[Item]],
    found: dict[tuple[str, int], list[Item]],
) -> None:
    """Expected and sent alerts, by claim.

    An expected one is met where a report of its claim, the first or a later one (which
    of two is the first may be a matter of order), belongs to an alerted claim of its
    own. One beyond is wrong or needless; what else it is, is told by its claim's best
    match: a claim told already, old words, off the topic, nothing that was said, or the
    words of somebody whom the gold does not track and the configuration does.
    """
    sent = set(pd.read_parquet(lake / "tables" / "alerts").claim_id)
    wanted = json.loads((GOLD / "alerts.json").read_text("utf-8"))["polls"]
    claims = claims_of_gold()
    by_claim: dict[str, list[Item]] = {}
    for items in gold.values():
        for item in items:
            if item.match and item.ref in claims:
                by_claim.setdefault(claims[item.ref], []).append(item.match)
    met: set[str] = set()
    missed = 0
    refs = [ref for poll in wanted.values() for ref in poll]
    for ref in refs:
        reports = by_claim.get(claims[ref], [])
        free = [one.claim for one in reports if one.claim in sent - met]
        met |= set(free[:1])
        missed += not reports
    beyond = sent - met
    best: dict[str, tuple[int, str]] = {}
    back = {
        item.match.ref: item for items in gold.values() for item in items if item.match
    }
    for items in found.values():
        for item in items:
            if item.claim in beyond:
                best[item.claim] = max(
                    best.get(item.claim, (-1, "")), _needless(item, back)
                )
    turns(gold, found, claims, by_claim)
    kinds = Counter(name for _, name in best.values())
    print(
        f"alerts: {len(refs)} expected, {len(sent)} sent, {len(met)} as expected; "
        f"{missed} of which no report was found, {len(beyond)} beyond: "
        + ", ".join(f"{name} {n}" for name, n in kinds.most_common())
    )


def turns(
    gold: dict[tuple[str, int], list[Item]],
    found: dict[tuple[str, int], list[Item]],
    claims: dict[str, str],
    by_claim: dict[str, list[Item]],
) -> None:
    """Changes and contradictions by claim: what opened any of a claim's own?

    Which report of a claim opens it, the headline's or the story's, is a matter of order.
    """
    opened: dict[str, set[str]] = {}
    for item in (one for items in found.values() for one in items):
        opened.setdefault(item.claim, set()).add(item.extra["relation"])
    wanted = {
        claims[item.ref]: item.extra["relation"]["relation"]
        for items in gold.values()
        for item in items
        if item.extra["relation"]
        and item.extra["relation"]["relation"] in ("changed", "contradicts")
    }
    told = Counter(
        kind
        for claim, kind in wanted.items()
        if any(kind in opened[one.claim] for one in by_claim.get(claim, []))
    )
    print(
        "by claim: "
        + ", ".join(
            f"{kind} {told[kind]} of {n}"
            for kind, n in Counter(wanted.values()).items()
        )
    )


def claims_of_gold() -> dict[str, str]:
    """The first statement of the claim that each statement tells."""
    claims: dict[str, str] = {}
    for line in (GOLD / "relations.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        again = row["relation"] in ("rereported", "repeated")
        claims[row["statement"]] = claims[row["earlier"]] if again else row["statement"]
    return claims


def _needless(item: Item, back: dict[str, Item]) -> tuple[int, str]:
    """Why an alert's statement should not have been told, with how telling that is."""
    gold = back.get(item.ref)
    if gold is None:
        return 0, "nothing that was said"
    if gold.extra["relation"] is not None:
        return 4, "old words" if "old" in gold.extra["flags"] else "told already"
    if not gold.extra["about_war"]:
        return 2, "off the topic"
    if not gold.extra["tracked"]:
        return 3, "a figure that the gold does not track"
    return 1, "optional"


def relations(gold: dict[tuple[str, int], list[Item]]) -> None:
    table: Counter[tuple[str, str]] = Counter()
    for items in gold.values():
        for item in items:
            if (
                item.match
                and item.extra["relation"]
                and same(item.speaker, item.match.speaker)
            ):
                table[
                    item.extra["relation"]["relation"], item.match.extra["relation"]
                ] += 1
    kinds = ["new", "rereported", "repeated", "changed", "contradicts", "uncertain"]
    print("relation, gold \\ found  " + "".join(f"{kind:>12}" for kind in kinds))
    for kind in kinds[:-1]:
        print(f"{kind:24}" + "".join(f"{table[kind, other]:12}" for other in kinds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lake", type=Path, default=Path("data/sample"))
    parser.add_argument("--errors", type=int, default=0)
    parser.add_argument("--write", type=Path, help="the error rates that pages show")
    given = parser.parse_args()
    check_digest()
    texts = texts_of(given.lake)
    gold, found = gold_items(texts), found_items(given.lake, texts)
    keys = sorted({*gold, *found})
    for least in (0.5, 0.8):
        for key in keys:
            pair(gold.get(key, []), found.get(key, []), least)
        count = score(keys, gold, found)
        draws = random.Random(7)
        many = sorted(
            f1(c["right"], c)
            for c in (
                score(draws.choices(keys, k=len(keys)), gold, found) for _ in range(400)
            )
        )
        print(
            f"Jaccard >= {least}: gold {count['gold']}, found F1 {f1(count['found'], count):.3f}, "
            f"end to end F1 {f1(count['right'], count):.3f} "
            f"(95 % over articles {many[10]:.3f} to {many[389]:.3f}), "
            f"speaker right {count['right']}/{count['found']}, spurious {count['spurious']}"
        )
        if least == 0.5:
            if given.write:
                rates = error_rates(given.lake, keys, count)
                given.write.write_text(json.dumps(rates, indent=1) + "\n", "utf-8")
            relations(gold)
            acts(gold)
            alerts(given.lake, gold, found)
            tell(keys, gold, found, given.errors)


def acts(gold: dict[tuple[str, int], list[Item]]) -> None:
    """Of the statements found: is the act the gold's, and are old words called old?"""
    matched = [g for items in gold.values() for g in items if g.match]
    wrong: Counter[tuple[str, str]] = Counter()
    old: Counter[tuple[bool, bool]] = Counter()
    for item in matched:
        assert item.match is not None
        wrong[item.extra["act"], item.match.extra["act"]] += 1
        old["old" in item.extra["flags"], item.match.extra["old"]] += 1
    right = sum(n for (one, other), n in wrong.items() if one == other)
    most = [
        f"{one} as {other} {n}"
        for (one, other), n in wrong.most_common()
        if one != other
    ]
    print(f"act right {right}/{len(matched)}; " + ", ".join(most[:8]))
    print(
        f"old words: {old[True, True]} of {old[True, True] + old[True, False]} "
        f"called old, {old[False, True]} others called old"
    )


def error_rates(lake: Path, keys: Sequence[object], count: Counter[str]) -> dict:
    """The counts from which the daily page says how often the extractor is wrong."""
    statements = pd.read_parquet(lake / "tables" / "statements")
    return {
        "articles": len({url for url, _ in keys}),
        "gold_sha256": (GOLD / "DIGEST").read_text("utf-8").strip(),
        "model_versions": sorted(statements.model_version.unique()),
        "gold": count["gold"],
        "found": count["found"],
        "right_speaker": count["right"],
        "spurious": count["spurious"],
    }


def tell(keys, gold, found, most: int) -> None:
    lines = []
    for key in keys:
        for g in gold.get(key, []):
            if g.target and g.match is None:
                lines.append(
                    f"MISSED   {g.ref} {g.speaker} {g.extra['kind']} {g.extra['cue']}"
                )
            elif g.target and not same(g.speaker, g.match.speaker):
                lines.append(f"SPEAKER  {g.ref} {g.speaker} -> {g.match.speaker}")
        for f in found.get(key, []):
            if f.match is None:
                lines.append(
                    f"SPURIOUS {key[0]} {f.speaker}: {f.extra['content'][:90]}"
                )
    for line in lines[:most]:
        print("  " + line)


if __name__ == "__main__":
    main()
