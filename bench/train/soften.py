"""Soft labels from teachers that did not see an article.

    python -m bench.train.soften TRAIN.pkl OUT.pkl --folds 5 0:FOLD0.safetensors 1:...

Each article is read by the teachers of the fold that left it out (``train.py --fold``);
several teachers of a fold are averaged. Writes a list, an entry an article: ``cue``
(pieces, 3) and ``links``, for each attribution by its number (first piece of the window,
(pieces of the window, 6)): probabilities. Method: distillation (Hinton, Vinyals and Dean
2015, arXiv 1503.02531), cross-fitted, so that a teacher never repeats what it was told.
"""

from __future__ import annotations

import argparse
import pickle
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from bench.train.model import LABELS, Tagger
from bench.train.train import CLS, SEP
from pipeline.statements.learned import windows

CORE, CONTEXT = 256, 47


def open_teacher(path: Path, device: str) -> Tagger:
    weights = load_file(str(path))
    layers = sum(name.endswith(".qkv.bias") for name in weights)
    model = Tagger(0.0, range(layers))
    model.load_state_dict(weights)
    return model.to(device).eval()


@torch.no_grad()
def softened(document: dict, teachers: list[Tagger], device: str) -> dict:
    rows = document["rows"]
    cues = np.zeros((len(rows), 3), dtype=np.float32)
    links = {}
    for begin, first, last, end in windows(rows, core=CORE, context=CONTEXT):
        window = np.zeros((end - begin + 2, 4), dtype=np.int64)
        window[1:-1] = rows[begin:end]
        window[0, 0], window[-1, 0] = CLS, SEP
        inside = [
            (n, cue[0])
            for n, (cue, _, _) in enumerate(document["statements"])
            if first <= cue[0] < last
        ]
        starts = torch.tensor([c - begin + 1 for _, c in inside], device=device)
        said = np.zeros((len(inside), len(window), LABELS), dtype=np.float32)
        one = torch.from_numpy(window)[None].to(device)
        size = torch.tensor([len(window)], device=device)
        for teacher in teachers:
            states = teacher.encode(one, size)
            cue = torch.softmax(teacher.cue(states)[0], dim=-1).cpu().numpy()
            cues[first:last] += cue[first - begin + 1 : last - begin + 1]
            if inside:
                links_of = teacher.link(states, torch.zeros_like(starts), starts)
                said += torch.softmax(links_of, dim=-1).cpu().numpy()
        for (n, _), probabilities in zip(inside, said[:, 1:-1], strict=True):
            links[n] = (begin, (probabilities / len(teachers)).astype(np.float16))
    return {"cue": (cues / len(teachers)).astype(np.float16), "links": links}


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("data", type=Path)
    ap.add_argument("out", type=Path)
    ap.add_argument("teachers", nargs="+", help="FOLD:WEIGHTS")
    ap.add_argument("--folds", type=int, default=5)
    ap.add_argument("--device", default="cpu")
    a = ap.parse_args()
    documents = pickle.loads(a.data.read_bytes())["documents"]
    named = [one.split(":", 1) for one in a.teachers]
    found: list[dict] = [{} for _ in documents]
    for fold in range(a.folds):
        teachers = [
            open_teacher(Path(path), a.device) for k, path in named if int(k) == fold
        ]
        if not teachers:
            raise SystemExit(f"no teacher left fold {fold} out")
        for n in range(fold, len(documents), a.folds):
            found[n] = softened(documents[n], teachers, a.device)
    a.out.write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    main()
