"""Train the tagger: python -m bench.train.train TRAIN.pkl MINILM_FOLDER OUT [options].

Writes OUT/epoch-N.safetensors (averaged weights) after each epoch and OUT/log.jsonl.
``--minutes`` cuts the schedule by the clock instead of ``--epochs`` (the log says what
that came to); only ``--epochs`` can be repeated exactly.
"""

from __future__ import annotations

import argparse
import json
import math
import pickle
import random
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from safetensors.torch import save_file

from bench.train.model import ALL, LABELS, Small, Tagger

CLS, SEP = 101, 102


def windows(
    document: dict, rng: random.Random, longest_of: tuple[int, int]
) -> Iterator[tuple[int, int]]:
    """A random cut of a document into windows, mostly at paragraph borders."""
    rows = document["rows"]
    heads = np.flatnonzero(rows[:, 3])
    at, size = 0, len(rows)
    while at < size:
        longest = rng.randint(*longest_of)
        end = min(size, at + longest)
        if end < size and rng.random() < 0.75:
            near = heads[(heads > at + 32) & (heads <= end)]
            if len(near):
                end = int(near[-1])
        yield at, end
        at = end


def example(document: dict, at: int, end: int, rng: random.Random) -> dict:
    """One window with its labels; [CLS] and [SEP] stand around it."""
    size = end - at + 2
    rows = np.zeros((size, 4), dtype=np.int64)
    rows[1:-1] = document["rows"][at:end]
    rows[0, 0], rows[-1, 0] = CLS, SEP
    if rng.random() < 0.12:
        rows[:, 3] = 0  # a text in a single paragraph
    if rng.random() < 0.03:
        rows[:, 1] = rng.choice((0, 1))  # a text that lost its case, or a title
    cue, flat = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    soft = document.get("soft")
    soft_cue = np.eye(3, dtype=np.float32)[np.zeros(size, dtype=np.int64)]
    starts, labels, soft_links = [], [], []
    for n, ((c0, c1), content, source) in enumerate(document["statements"]):
        own, whole = np.zeros(size, dtype=np.int64), True
        for part, inside in ((content, 1), (source, 4)):
            for p0, p1 in part:
                whole = whole and at <= p0 and p1 <= end
                a, b = max(p0, at) - at + 1, min(p1, end) - at + 1
                if a >= b:
                    continue
                if inside == 1:
                    own[a:b] = 2
                    own[a] = 1
                    if p1 <= end:
                        own[b - 1] = 3
                    if p0 < at:
                        own[a] = 2 if b - a > 1 or p1 > end else 3
                    flat[a:b] = 2
                    flat[a] = 1
                else:
                    own[a:b] = 5
                    own[a] = 4
                    flat[a:b] = 4
                    flat[a] = 3
        if at <= c0 < end:
            cue[c0 - at + 1 : min(c1, end) - at + 1] = 2
            cue[c0 - at + 1] = 1
            starts.append(c0 - at + 1)
            labels.append(own)
            soft_links.append(softened(own, soft and soft["links"].get(n), at, whole))
    soft_cue = np.eye(3, dtype=np.float32)[cue]
    if soft is not None:
        soft_cue[1:-1] = soft["cue"][at:end]
    return {"rows": rows, "cue": cue, "flat": flat, "starts": starts, "labels": labels,
            "soft_cue": soft_cue, "soft_links": soft_links}  # fmt: skip


def softened(
    own: np.ndarray, links: tuple[int, np.ndarray] | None, at: int, whole: bool
) -> np.ndarray:
    """A teacher's labels of a window that begins at piece ``at``: (pieces, 6).

    Where the window cuts the attribution, or no teacher saw it, the gold labels.
    """
    found = np.eye(LABELS, dtype=np.float32)[own]
    if links is None or not whole:
        return found
    first, said = links
    a, b = max(first, at), min(first + len(said), at + len(own) - 2)
    if a < b:
        found[a - at + 1 : b - at + 1] = said[a - first : b - first]
    return found


def batches(
    documents: list[dict], rng: random.Random, budget: int, longest_of: tuple[int, int]
) -> list[list[dict]]:
    examples = [
        example(d, at, end, rng)
        for d in documents
        for at, end in windows(d, rng, longest_of)
    ]
    examples.sort(key=lambda e: len(e["rows"]) + rng.random() * 8)
    found: list[list[dict]] = [[]]
    for one in examples:
        longest = max([len(one["rows"]), *(len(e["rows"]) for e in found[-1])])
        if longest * (len(found[-1]) + 1) > budget:
            found.append([])
        found[-1].append(one)
    rng.shuffle(found)
    return [batch for batch in found if batch]


def tensors(batch: list[dict], teacher: float) -> dict:
    """A padded batch. Targets are probabilities, and all zero where there is no piece:
    ``teacher`` is the teacher's share in them, the rest is the gold label's."""
    length = max(len(e["rows"]) for e in batch)
    rows = np.zeros((len(batch), length, 4), dtype=np.int64)
    cue = np.zeros((len(batch), length, 3), dtype=np.float32)
    flat = np.zeros((len(batch), length, 5), dtype=np.float32)
    n = sum(len(e["starts"]) for e in batch)
    labels = np.zeros((n, length, LABELS), dtype=np.float32)
    window, start = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    k = 0
    for i, e in enumerate(batch):
        size = len(e["rows"])
        rows[i, :size] = e["rows"]
        gold = np.eye(3, dtype=np.float32)[e["cue"]]
        cue[i, :size] = gold + teacher * (e["soft_cue"] - gold)
        flat[i, :size] = np.eye(5, dtype=np.float32)[e["flat"]]
        for s, own, soft in zip(e["starts"], e["labels"], e["soft_links"], strict=True):
            window[k], start[k] = i, s
            gold = np.eye(LABELS, dtype=np.float32)[own]
            labels[k, :size] = gold + teacher * (soft - gold)
            k += 1
    arrays = {"rows": rows, "cue": cue, "flat": flat, "labels": labels,
              "window": window, "start": start,
              "lengths": np.array([len(e["rows"]) for e in batch])}  # fmt: skip
    found = {name: torch.from_numpy(array) for name, array in arrays.items()}
    return found | {"pieces": int(arrays["lengths"].sum())}


def entropy(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The cross entropy of targets that are probabilities, summed."""
    return -(F.log_softmax(logits, dim=-1) * target).sum()


def loss_of(model: Tagger, t: dict, bf16: bool) -> tuple[torch.Tensor, torch.Tensor]:
    with torch.autocast(t["rows"].device.type, dtype=torch.bfloat16, enabled=bf16):
        states = model.encode(t["rows"], t["lengths"])
    states = states.float()
    pieces = t["lengths"].sum()
    cue = entropy(model.cue(states), t["cue"])
    flat = entropy(model.flat(states), t["flat"])
    link = torch.zeros((), device=states.device)
    if len(t["start"]):
        link = entropy(model.link(states, t["window"], t["start"]), t["labels"])
    # About one cue in 41 pieces: a mean over cues and 41 pieces.
    loss = (4.0 * cue + 0.5 * flat + link) / pieces
    shown = (cue / pieces, flat / pieces, link / max(1, len(t["start"])))
    return loss, torch.stack(shown).detach()


def halves(batch: list[dict], parts: int) -> list[list[dict]]:
    """A batch dealt out to the threads; each works alone until the step is made, which
    on a shared machine beats threads that wait for each other in every product."""
    return [part for part in (batch[n::parts] for n in range(parts)) if part]


def gradients(
    model: Tagger, weights: list[torch.Tensor], t: dict, bf16: bool
) -> tuple[list[torch.Tensor], torch.Tensor, int]:
    loss, parts = loss_of(model, t, bf16)
    found = torch.autograd.grad(loss, weights, allow_unused=True)
    whole = [
        torch.zeros_like(w) if g is None else g
        for g, w in zip(found, weights, strict=True)
    ]
    return whole, parts, t["pieces"]


def groups(
    stored: dict[str, torch.Tensor],
    rate: float,
    decay: float,
    heads: float,
    layers: int,
) -> list[dict]:
    """Lower rates for lower layers; no weight decay on biases and norms."""
    found: list[dict] = []
    for name, p in stored.items():
        lr = heads
        if name.startswith("blocks."):
            lr = rate * decay ** (layers - 1 - int(name.split(".")[1]))
        elif name.startswith(("place", "norm")):
            lr = rate * decay**layers
        shrink = 0.01 if p.ndim > 1 else 0.0
        found.append({"params": [p], "lr": lr, "base": lr, "weight_decay": shrink})
    return found


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("data", type=Path)
    ap.add_argument("minilm", type=Path)
    ap.add_argument("out", type=Path)
    ap.add_argument("--epochs", type=float, default=8)
    ap.add_argument("--minutes", type=float)
    ap.add_argument("--seed", type=int, default=4)
    ap.add_argument("--rate", type=float, default=3e-4)
    ap.add_argument("--heads", type=float, default=1e-3)
    ap.add_argument("--layer-decay", type=float, default=0.9)
    ap.add_argument("--budget", type=int, default=2048)
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--freeze", type=int, default=0, help="so many lower blocks rest")
    ap.add_argument("--dropout", type=float, default=0.1)
    ap.add_argument("--fp32", action="store_true")
    ap.add_argument("--steps", type=int, help="stop after so many steps (to time it)")
    ap.add_argument("--start", type=Path, help="weights to go on from")
    ap.add_argument("--device", default="cpu")
    ap.add_argument("--shortest", type=int, default=96, help="longest window, at least")
    ap.add_argument("--longest", type=int, default=254, help="longest window, at most")
    ap.add_argument("--layers", type=int, nargs="+", default=ALL, help="MiniLM's")
    ap.add_argument("--teacher", type=float, default=0.0, help="share of soft labels")
    ap.add_argument("--small", action="store_true", help="blocks compute in 8 bits")
    ap.add_argument("--folds", type=int, default=5)
    ap.add_argument("--fold", type=int, help="leave these articles out")
    ap.add_argument("--order", type=int, help="seed of the articles' order, if another")
    ap.add_argument("--soft", type=Path, help="soft labels, as soften.py writes them")
    ap.add_argument("--average", type=float, default=0.998)
    ap.add_argument("--every", type=int, default=1, help="epochs between checkpoints")
    a = ap.parse_args()
    torch.manual_seed(a.seed)
    torch.set_num_threads(1)
    pool = ThreadPoolExecutor(
        a.threads, initializer=torch.set_num_threads, initargs=(1,)
    )
    rng = random.Random(a.seed if a.order is None else a.order)
    data = pickle.loads(a.data.read_bytes())
    documents = data["documents"]
    if a.soft:
        for document, soft in zip(
            documents, pickle.loads(a.soft.read_bytes()), strict=True
        ):
            document["soft"] = soft
    if a.fold is not None:
        documents = [d for n, d in enumerate(documents) if n % a.folds != a.fold]
    model = Tagger(a.dropout, a.layers)
    model.load_minilm(a.minilm / "model.safetensors")
    if a.start:
        from safetensors.torch import load_file

        model.load_state_dict(load_file(str(a.start)))
    model.to(a.device)
    for part in model.modules():
        if isinstance(part, Small):
            part.small = a.small
    for name, p in model.named_parameters():
        low = name.startswith(("place", "norm.", "case", "quote", "paragraph"))
        if a.freeze and (
            low or name.startswith(tuple(f"blocks.{n}." for n in range(a.freeze)))
        ):
            p.requires_grad_(False)
    trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
    # The same memory under another name: autograd does not mind that it is written
    # while a thread reads it, and the optimizer steps on exactly these tensors.
    stored = {n: p.data for n, p in trained.items()}
    optimizer = torch.optim.AdamW(
        groups(stored, a.rate, a.layer_decay, a.heads, len(a.layers)),
        betas=(0.9, 0.98),
        fused=True,
    )
    mean = {n: p.clone() for n, p in stored.items()}
    a.out.mkdir(parents=True, exist_ok=True)
    begun, step, epoch, progress, per_epoch = time.monotonic(), 0, 0, 0.0, 0
    seen = torch.zeros(3, device=a.device)
    model.train()
    log = (a.out / "log.jsonl").open("a")
    print(
        json.dumps(
            {"args": {k: str(v) for k, v in vars(a).items()}, "sha256": data["sha256"]}
        ),
        file=log,
        flush=True,
    )

    def save(name: str) -> None:
        whole = {**model.state_dict(), **mean}
        save_file(
            {k: v.contiguous().cpu() for k, v in whole.items()},
            a.out / f"{name}.safetensors",
        )

    weights = list(trained.values())

    def ahead(batch: list[dict]) -> Any:
        """What a thread does before its turn: on a CPU all, for a GPU the arrays."""
        stacked = tensors(batch, a.teacher)
        if a.device != "cpu":
            return stacked
        return gradients(model, weights, stacked, not a.fp32)

    def now(made: Any) -> Any:
        if a.device == "cpu":
            return made
        moved = {
            k: t.to(a.device) if isinstance(t, torch.Tensor) else t
            for k, t in made.items()
        }
        return gradients(model, weights, moved, not a.fp32)

    answers: deque[Future] = deque()
    while progress < 1:
        epoch += 1
        todo = batches(documents, rng, a.budget, (a.shortest, a.longest))
        per_epoch = len(todo)
        dealt = iter([halves(batch, a.threads) for batch in todo])
        waiting: deque[int] = deque()
        for done in range(1, per_epoch + 1):
            while len(waiting) < 2 and (parts_of := next(dealt, None)) is not None:
                waiting.append(len(parts_of))
                answers.extend(pool.submit(ahead, part) for part in parts_of)
            got = [now(answers.popleft().result()) for _ in range(waiting.popleft())]
            rate = min(1.0, (step + 1) / 100) * (
                0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress))
            )
            for group in optimizer.param_groups:
                group["lr"] = group["base"] * rate
            pieces = sum(one[2] for one in got)
            for one in got:
                torch._foreach_mul_(one[0], one[2] / pieces)
            for n, p in enumerate(stored.values()):
                p.grad = sum((one[0][n] for one in got[1:]), got[0][0][n])
            losses = sum(one[1] * (one[2] / pieces) for one in got)
            torch.nn.utils.clip_grad_norm_(list(stored.values()), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1
            keep = min(a.average, (1 + step) / (20 + step))
            torch._foreach_lerp_(list(mean.values()), list(stored.values()), 1 - keep)
            seen = 0.98 * seen + 0.02 * losses
            if step % 20 == 0:
                fair = (seen / (1 - 0.98**step)).tolist()
                row = {
                    "epoch": epoch,
                    "done": f"{done}/{per_epoch}",
                    "step": step,
                    "progress": round(progress, 4),
                    "minutes": round((time.monotonic() - begun) / 60, 2),
                    "cue": round(fair[0], 4),
                    "flat": round(fair[1], 4),
                    "link": round(fair[2], 3),
                }
                print(json.dumps(row), file=log, flush=True)
                if step % 100 == 0:
                    save("last")
            if a.minutes:
                progress = (time.monotonic() - begun) / 60 / a.minutes
            else:
                progress = step / (a.epochs * per_epoch)
            if progress >= 1 or (a.steps and step >= a.steps):
                progress = 1.0
                break
        if epoch % a.every == 0 and progress < 1:
            save(f"epoch-{epoch}")
    save("final")
    pool.shutdown(cancel_futures=True)
    print(
        json.dumps(
            {
                "steps": step,
                "epochs": step / per_epoch,
                "minutes": (time.monotonic() - begun) / 60,
            }
        ),
        file=log,
        flush=True,
    )


if __name__ == "__main__":
    main()
