"""Train the network that knows when two statements say the same.

    python -m bench.train.matcher bench/train/told/*.jsonl --minilm FOLDER --out FILE [--fold W[,W]]

Learned at once: how two statements stand (same, new, changed, contradicts), vectors that
are near where the claim is one, and the act. A cluster's writer is what stands before
the dash in its id; of writers that are left out it says how it does on their clusters.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn

from bench.train.claims import ACTS, RELATIONS, Told, pairs, read
from bench.train.model import HIDDEN, Block, Small, stored_small
from pipeline.adapters.matcher import CLOSES, LONGEST, OPENS
from pipeline.claims.meaning import SIZE as KEPT


class Matcher(nn.Module):
    """MiniLM with three heads: a vector, how a pair stands, and what an act it is."""

    def __init__(self, layers: Sequence[int], dropout: float = 0.1) -> None:
        super().__init__()
        self.layers = tuple(layers)
        self.word = nn.Embedding(30522, HIDDEN)
        self.place = nn.Embedding(512, HIDDEN)
        self.side = nn.Embedding(2, HIDDEN)
        self.norm = nn.LayerNorm(HIDDEN, eps=1e-12)
        self.blocks = nn.ModuleList(Block(dropout) for _ in self.layers)
        self.dropout = nn.Dropout(dropout)
        self.pair = nn.Linear(HIDDEN, len(RELATIONS))
        self.act = nn.Linear(HIDDEN, len(ACTS))
        self.word.weight.requires_grad_(False)

    def load_minilm(self, path: Path) -> None:
        w = {
            k.removeprefix("bert."): v.float() for k, v in load_file(str(path)).items()
        }
        e = "embeddings."
        with torch.no_grad():
            self.word.weight.copy_(stored_small(w[e + "word_embeddings.weight"]))
            self.place.weight.copy_(w[e + "position_embeddings.weight"])
            self.side.weight.copy_(w[e + "token_type_embeddings.weight"])
            self.norm.weight.copy_(w[e + "LayerNorm.weight"])
            self.norm.bias.copy_(w[e + "LayerNorm.bias"])
            for n, block in zip(self.layers, self.blocks, strict=True):
                load_block(block, w, f"encoder.layer.{n}.")

    def encode(self, rows: Tensor, lengths: Tensor) -> Tensor:
        """Rows (batch, length, 2: piece, side) to states (batch, length, 384)."""
        at = torch.arange(rows.shape[1], device=rows.device)
        x = self.word(rows[..., 0]) + self.place(at) + self.side(rows[..., 1])
        x = self.dropout(self.norm(x))
        mask = (at[None] < lengths[:, None])[:, None, None, :]
        for block in self.blocks:
            x = block(x, mask)
        return x

    def forward(self, rows: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Vectors (batch, 384) of length 1, logits of relations and of acts."""
        states = self.encode(rows, lengths)
        at = torch.arange(rows.shape[1], device=rows.device)
        there = (at[None] < lengths[:, None]).to(states.dtype)[..., None]
        mean = (states * there).sum(1) / there.sum(1)
        return F.normalize(mean.float(), dim=-1), self.pair(mean), self.act(mean)


def load_block(block: Block, w: dict[str, Tensor], at: str) -> None:
    parts = [f"{at}attention.self.{p}" for p in ("query", "key", "value")]
    for what in ("weight", "bias"):
        getattr(block.qkv, what).copy_(torch.cat([w[f"{p}.{what}"] for p in parts]))
        for mine, theirs in (
            (block.out, "attention.output.dense"),
            (block.norm1, "attention.output.LayerNorm"),
            (block.up, "intermediate.dense"),
            (block.down, "output.dense"),
            (block.norm2, "output.LayerNorm"),
        ):
            getattr(mine, what).copy_(w[f"{at}{theirs}.{what}"])


class Reader:
    """Texts to rows."""

    def __init__(self, tokenizer: Path, device: str) -> None:
        self.tokenizer = Tokenizer.from_file(str(tokenizer))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        self.device = device
        self.kept: dict[str, list[int]] = {}

    def pieces(self, text: str) -> list[int]:
        if text not in self.kept:
            ids = self.tokenizer.encode(text, add_special_tokens=False).ids
            self.kept[text] = ids[:LONGEST]
        return self.kept[text]

    def __call__(self, texts: Sequence[tuple[str, ...]]) -> tuple[Tensor, Tensor]:
        """Rows and lengths of single texts or of pairs."""
        made = []
        for sides in texts:
            ids, second = [OPENS], 0
            for text in sides:
                ids = [*ids, *self.pieces(text), CLOSES]
                second = second or len(ids)
            made.append((ids, second))
        lengths = [len(ids) for ids, _ in made]
        rows = np.zeros((len(made), max(lengths), 2), np.int64)
        for n, (ids, second) in enumerate(made):
            rows[n, : len(ids), 0] = ids
            rows[n, second : len(ids), 1] = 1
        return (
            torch.from_numpy(rows).to(self.device),
            torch.tensor(lengths, device=self.device),
        )


def in_parts(
    model: nn.Module, reader: Reader, texts: Sequence[tuple[str, ...]], parts: int = 2
) -> tuple[Tensor, Tensor, Tensor]:
    """The model's answers, the texts read in parts of like length: less is padded."""
    order = sorted(range(len(texts)), key=lambda n: sum(map(len, texts[n])))
    size = math.ceil(len(order) / parts)
    found = [
        model(*reader([texts[n] for n in order[at : at + size]]))
        for at in range(0, len(order), size)
    ]
    back = torch.tensor(np.argsort(order), device=reader.device)
    vectors, relations, acts = (
        torch.cat(each)[back] for each in zip(*found, strict=True)
    )
    return vectors, relations, acts


def optimiser(
    model: nn.Module, rate: float, head_rate: float
) -> tuple[torch.optim.Optimizer, list[nn.Parameter]]:
    heads = {*model.pair.parameters(), *model.act.parameters()}
    body = [p for p in model.parameters() if p.requires_grad and p not in heads]
    return torch.optim.AdamW(
        [{"params": body, "lr": rate}, {"params": list(heads), "lr": head_rate}],
        weight_decay=0.01,
        fused=True,
    ), [*body, *heads]


def contrast(vectors: Tensor, group: Tensor) -> Tensor:
    """Supervised contrastive loss (Khosla et al. 2020): one claim's texts are near.

    ``vectors`` (n, size) of length 1, ``group`` (n) the number of each text's claim. The
    first 128 numbers of a vector are to do alone what all do (Kusupati et al. 2022).
    """
    return (
        told_apart(vectors, group)
        + told_apart(F.normalize(vectors[:, :KEPT], dim=-1), group)
    ) / 2


def told_apart(vectors: Tensor, group: Tensor) -> Tensor:
    sim = vectors @ vectors.T / 0.06
    own = torch.eye(len(sim), dtype=torch.bool, device=sim.device)
    same = (group[:, None] == group[None]) & ~own
    rest = torch.logsumexp(sim.masked_fill(own, -1e4), dim=1, keepdim=True)
    log = sim - rest
    told = same.sum(1)
    loss = -(log * same).sum(1) / told.clamp_min(1)
    return loss[told > 0].mean()


def train(
    model: nn.Module,
    reader: Reader,
    clusters: Sequence[Sequence[Told]],
    *,
    seconds: float,
    rate: float,
    seed: int,
    small_from: float = 2.0,
    per_step: int = 12,
    per_cluster: int = 20,
    average: float = 0.998,
) -> int:
    """Train in place for so many seconds; how many steps that came to.

    The weights left are an average over the steps. From the part ``small_from`` of the
    time on the layers round as the exported graph does.
    """
    rng = random.Random(seed)
    opt, weights = optimiser(model, rate, 5 * rate)
    kept = [weight.detach().clone() for weight in weights]
    blocks = [module for module in model.modules() if isinstance(module, Small)]
    cuda, start, number = reader.device == "cuda", time.time(), 0
    model.train()
    order: list[int] = []
    while (done := (time.time() - start) / seconds) < 1:
        for group in opt.param_groups:
            top = rate if group is opt.param_groups[0] else 5 * rate
            group["lr"] = (
                top * min(1, done / 0.06) * 0.5 * (1 + math.cos(math.pi * done))
            )
        for block in blocks:
            block.small = done >= small_from
        if len(order) < per_step:
            order = list(range(len(clusters)))
            rng.shuffle(order)
        chosen = [clusters[order.pop()] for _ in range(min(per_step, len(order)))]
        with torch.autocast("cuda", torch.bfloat16, enabled=cuda):
            loss = loss_of(model, reader, chosen, rng, per_cluster)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        opt.step()
        number += 1
        with torch.no_grad():
            torch._foreach_lerp_(
                kept, weights, 1 - min(average, number / (number + 10))
            )
        if number % 250 == 0:
            print(number, round(done, 3), round(float(loss), 3), flush=True)
    with torch.no_grad():
        torch._foreach_copy_(weights, kept)
    model.eval()
    return number


def loss_of(
    model: nn.Module,
    reader: Reader,
    chosen: Sequence[Sequence[Told]],
    rng: random.Random,
    per_cluster: int,
) -> Tensor:
    """How pairs stand, which texts are one claim, and what acts they are: one pass."""
    couples, relation = couples_of(chosen, rng, per_cluster)
    told = [t for cluster in chosen for t in cluster]
    names: dict[tuple[str, int], int] = {}
    group = [names.setdefault((t.cluster, t.claim), len(names)) for t in told]
    acted = rng.sample(told, min(len(told), 96))
    vectors, relations, acts = in_parts(
        model,
        reader,
        [
            *couples,
            *((t.meant,) for t in told),
            *((cue_of(t, rng), t.text) for t in acted),
        ],
    )
    near = vectors[len(couples) : len(couples) + len(told)]
    aim = torch.tensor(relation, device=reader.device)
    act = torch.tensor([ACTS.index(t.act) for t in acted], device=reader.device)
    return (
        F.cross_entropy(relations[: len(couples)].float(), aim, label_smoothing=0.05)
        + 0.5 * contrast(near, torch.tensor(group, device=reader.device))
        + 0.5 * F.cross_entropy(acts[-len(acted) :].float(), act, label_smoothing=0.05)
    )


def couples_of(
    chosen: Sequence[Sequence[Told]], rng: random.Random, per_cluster: int
) -> tuple[list[tuple[str, str]], list[int]]:
    """Pairs of each cluster and one across clusters, in either order; their relations."""
    found: list[tuple[Told, Told, str]] = []
    for cluster in chosen:
        known = list(pairs(cluster))
        found += rng.sample(known, min(len(known), per_cluster))
        other = rng.choice(chosen)
        if other is not cluster:
            found.append((rng.choice(cluster), rng.choice(other), "new"))
    couples = [(a.meant, b.meant) for a, b, _ in found]
    return (
        [(b, a) if rng.random() < 0.5 else (a, b) for a, b in couples],
        [RELATIONS.index(relation) for *_, relation in found],
    )


def cue_of(told: Told, rng: random.Random) -> str:
    return told.cue if rng.random() < 0.95 else ""


@torch.no_grad()
def said_of(
    model: nn.Module, reader: Reader, texts: Sequence[tuple[str, ...]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vectors, chances of relations (both orders of a pair averaged) and of acts."""
    order = sorted(range(len(texts)), key=lambda n: sum(map(len, texts[n])))
    vectors, relations, acts = [], [], []
    cuda = reader.device == "cuda"
    for at in range(0, len(order), 256):
        part = [texts[n] for n in order[at : at + 256]]
        with torch.autocast("cuda", torch.bfloat16, enabled=cuda):
            v, r, a = model(*reader(part))
            chance = r.float().softmax(-1)
            if len(part[0]) == 2:
                _, turned, _ = model(*reader([(y, x) for x, y in part]))
                chance = (chance + turned.float().softmax(-1)) / 2
        vectors.append(v.float().cpu())
        relations.append(chance.cpu())
        acts.append(a.float().softmax(-1).cpu())
    back = np.argsort(order)
    return tuple(torch.cat(part).numpy()[back] for part in (vectors, relations, acts))


# ------------------------------------------------------------------------ measuring


def measured(
    model: nn.Module, reader: Reader, clusters: Sequence[Sequence[Told]]
) -> dict[str, float]:
    """How it does on clusters that it did not see."""
    known = [pair for cluster in clusters for pair in pairs(cluster)]
    _, chances, _ = said_of(model, reader, [(a.meant, b.meant) for a, b, _ in known])
    gold = np.array([RELATIONS.index(r) for _, _, r in known])
    told = [t for c in clusters for t in c]
    vectors, _, _ = said_of(model, reader, [(t.meant,) for t in told])
    place = {id(t): n for n, t in enumerate(told)}
    near = np.array(
        [vectors[place[id(a)]] @ vectors[place[id(b)]] for a, b, _ in known]
    )
    short = vectors[:, :KEPT] / np.linalg.norm(vectors[:, :KEPT], axis=1, keepdims=True)
    kept = np.array([short[place[id(a)]] @ short[place[id(b)]] for a, b, _ in known])
    _, _, acts = said_of(model, reader, [(t.cue, t.text) for t in told])
    right = acts.argmax(1) == np.array([ACTS.index(t.act) for t in told])
    same = gold == 0
    return {
        "pairs": len(known),
        "relation": float((chances.argmax(1) == gold).mean()),
        "same": float(((chances[:, 0] > 0.5) == same).mean()),
        "same_auc": auc(chances[:, 0], same),
        "same_recall": float((chances[same, 0] > 0.5).mean()),
        "same_precision": float(same[chances[:, 0] > 0.5].mean()),
        "vector_auc": auc(near, same),
        "vector": best(near, same),
        "kept_auc": auc(kept, same),
        "act": float(right.mean()),
    }


def save_answers(
    model: nn.Module, reader: Reader, clusters: Sequence[Sequence[Told]], path: Path
) -> None:
    """What it says of pairs that it did not see, as JSON lines: to weigh it by."""
    known = [pair for cluster in clusters for pair in pairs(cluster)]
    _, chances, _ = said_of(model, reader, [(a.meant, b.meant) for a, b, _ in known])
    with path.open("w", encoding="utf-8") as out:
        for (a, b, relation), said in zip(known, chances, strict=True):
            row = [a.text, b.text, a.denied, b.denied, relation, said.round(4).tolist()]
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def auc(score: np.ndarray, same: np.ndarray) -> float:
    rank = np.empty(len(score))
    rank[np.argsort(score)] = np.arange(1, len(score) + 1)
    yes = same.sum()
    return float((rank[same].sum() - yes * (yes + 1) / 2) / (yes * (len(same) - yes)))


def best(score: np.ndarray, same: np.ndarray) -> float:
    return float(max(((score > cut) == same).mean() for cut in np.linspace(0, 1, 101)))


def writer(cluster: Sequence[Told]) -> str:
    return cluster[0].cluster.split("-")[0]


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("claims", type=Path, nargs="+")
    ap.add_argument("--minilm", type=Path, required=True, help="folder of MiniLM")
    ap.add_argument("--out", type=Path, required=True)
    ap.add_argument(
        "--fold", default="", help="writers that are left out and measured on: w1,w3"
    )
    ap.add_argument("--seconds", type=float, default=500)
    ap.add_argument("--rate", type=float, default=2e-4)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--layers", default="0,1,2,3,4,5")
    ap.add_argument("--small-from", type=float, default=0.6)
    ap.add_argument("--device", default="cpu")
    a = ap.parse_args()
    torch.manual_seed(a.seed)
    torch.set_num_threads(4)
    clusters = read(a.claims)
    left = set(a.fold.split(","))
    seen = [c for c in clusters if writer(c) not in left]
    unseen = [c for c in clusters if writer(c) in left]
    model = Matcher([int(n) for n in a.layers.split(",")])
    model.load_minilm(a.minilm / "model.safetensors")
    model.to(a.device)
    reader = Reader(a.minilm / "tokenizer.json", a.device)
    steps = train(
        model,
        reader,
        seen,
        seconds=a.seconds,
        rate=a.rate,
        seed=a.seed,
        small_from=a.small_from,
    )
    a.out.parent.mkdir(parents=True, exist_ok=True)
    weights = {k: v.contiguous().half().cpu() for k, v in model.state_dict().items()}
    save_file(weights, str(a.out))
    line = {"clusters": len(seen), "steps": steps} | {
        k: v for k, v in vars(a).items() if k in ("fold", "seconds", "rate", "layers")
    }
    if unseen:
        line |= {k: round(v, 4) for k, v in measured(model, reader, unseen).items()}
        save_answers(model, reader, unseen, a.out.with_suffix(".jsonl"))
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
