"""Write a network as ONNX: python -m bench.train.export tagger|matcher WEIGHTS MINILM_FOLDER OUT.

The tagger's graph reads one window, ``rows`` (n, 4), and gives ``cue`` (n, 3), ``starts``
(k) and ``links`` (k, n, 6). The first of ``starts`` is always row 0, so k is never 0. The
matcher's reads one text or a pair, ``rows`` (n, 2), and gives ``vector`` (384) of length 1,
``relations`` (4) and ``acts`` (8), both as chances. Matrices
are stored in 16 bits, the embedding in 8 (a scale for each row); both are widened to 32
before they are used. With ``--small`` the blocks' matrices have 7 bits (a scale for each
column) and multiply whole numbers, as ``model.Small`` learned to: exact on any processor.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

HIDDEN, HEADS, BILINEAR, LABELS, REACH = 384, 12, 96, 6, 160
OPTIONS = '{"cue": 0.4, "quoted": 0.2, "part": 0.7, "core": 320, "context": 40, "scale": [0.3, 0.3, 0.6, 0.1, -1.5]}'
CANDIDATE = 0.12  # least probability of a cue start that is linked at all


class Graph:
    """Nodes and initialisers, named as they come."""

    def __init__(self, weights: dict[str, np.ndarray], small: bool) -> None:
        self.weights, self.small = weights, small
        self.nodes: list[onnx.NodeProto] = []
        self.initialisers: list[onnx.TensorProto] = []

    def constant(self, array: np.ndarray) -> str:
        name = f"c{len(self.initialisers)}"
        self.initialisers.append(
            numpy_helper.from_array(np.asarray(array, order="C"), name)
        )
        return name

    def __call__(
        self, op: str, *inputs: str, outputs: int = 1, name: str = "", **attributes
    ) -> str:
        out = name or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [out], **attributes))
        return out

    def matrix(self, array: np.ndarray) -> str:
        """A matrix (in, out), stored in 16 bits."""
        return self(
            "Cast", self.constant(array.astype(np.float16)), to=TensorProto.FLOAT
        )

    def linear(self, x: str, name: str) -> str:
        w, b = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        if not (self.small and name.startswith("blocks.")):
            return self("Add", self("MatMul", x, self.matrix(w.T)), self.constant(b))
        scale = np.maximum(np.abs(w.T).max(axis=0), 1e-8) / 63
        whole = np.clip(np.rint(w.T / scale), -63, 63).astype(np.int8)
        n = len(self.nodes)
        names = [f"t{n}", f"scale{n}", f"zero{n}"]
        self.nodes.append(helper.make_node("DynamicQuantizeLinear", [x], names))
        sums = self("MatMulInteger", names[0], self.constant(whole), names[2])
        unit = self("Mul", names[1], self.constant(scale.astype(np.float32)))
        sums = self("Mul", self("Cast", sums, to=TensorProto.FLOAT), unit)
        return self("Add", sums, self.constant(b))

    def norm(self, x: str, name: str) -> str:
        w, b = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return self(
            "LayerNormalization",
            x,
            self.constant(w),
            self.constant(b),
            axis=-1,
            epsilon=1e-12,
        )

    def ints(self, *values: int) -> str:
        return self.constant(np.array(values, dtype=np.int64))

    def gather(self, name: str, ids: str) -> str:
        return self("Gather", self.constant(self.weights[f"{name}.weight"]), ids)


def embedded(g: Graph, ids: str) -> str:
    word = g.weights["word.weight"]
    scale = np.maximum(np.abs(word).max(axis=1, keepdims=True), 1e-8) / 127
    small = np.clip(np.rint(word / scale), -127, 127).astype(np.int8)
    x = g("Cast", g("Gather", g.constant(small), ids), to=TensorProto.FLOAT)
    return g("Mul", x, g("Gather", g.constant(scale.astype(np.float32)), ids))


def columns_of(g: Graph, count: int) -> list[str]:
    return [g("Gather", "rows", g.constant(np.array(i)), axis=1) for i in range(count)]


def placed(
    g: Graph, columns: list[str], tables: tuple[str, ...]
) -> tuple[str, str, str]:
    """The input of the first layer, the places and the number of rows."""
    x = embedded(g, columns[0])
    size = g("Shape", columns[0])
    count = g("Squeeze", size)
    at = g("Range", g.constant(np.array(0)), count, g.constant(np.array(1)))
    x = g("Add", x, g.gather("place", at))
    for name, column in zip(tables, columns[1:], strict=True):
        x = g("Add", x, g.gather(name, column))
    return g.norm(x, "norm"), at, size


def through_blocks(g: Graph, x: str) -> str:
    for n in range(sum(name.endswith(".qkv.bias") for name in g.weights)):
        b = f"blocks.{n}"
        qkv = g(
            "Reshape", g.linear(x, f"{b}.qkv"), g.ints(-1, 3, HEADS, HIDDEN // HEADS)
        )
        parts = g("Transpose", qkv, perm=[1, 2, 0, 3])
        q, k, v = (
            g("Gather", parts, g.constant(np.array(i)), axis=0) for i in range(3)
        )
        root = g.constant(np.array(1 / np.sqrt(HIDDEN // HEADS), dtype=np.float32))
        scores = g("MatMul", g("Mul", q, root), g("Transpose", k, perm=[0, 2, 1]))
        seen = g("MatMul", g("Softmax", scores, axis=-1), v)
        seen = g("Reshape", g("Transpose", seen, perm=[1, 0, 2]), g.ints(-1, HIDDEN))
        x = g.norm(g("Add", x, g.linear(seen, f"{b}.out")), f"{b}.norm1")
        up = g("Gelu", g.linear(x, f"{b}.up"))
        x = g.norm(g("Add", x, g.linear(up, f"{b}.down")), f"{b}.norm2")
    return x


def model_of(
    g: Graph, name: str, inputs: int, outputs: dict[str, tuple]
) -> onnx.ModelProto:
    whole = {"starts": TensorProto.INT64}
    graph = helper.make_graph(
        g.nodes,
        name,
        [helper.make_tensor_value_info("rows", TensorProto.INT64, ["n", inputs])],
        [
            helper.make_tensor_value_info(
                out, whole.get(out, TensorProto.FLOAT), list(shape)
            )
            for out, shape in outputs.items()
        ],
        g.initialisers,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9
    )
    onnx.checker.check_model(model)
    return model


def matcher(weights: dict[str, np.ndarray], small: bool) -> onnx.ModelProto:
    g = Graph(weights, small)
    x, _, _ = placed(g, columns_of(g, 2), ("side",))
    mean = g("ReduceMean", through_blocks(g, x), g.ints(0), keepdims=1)
    size = g("ReduceL2", mean, g.ints(1), keepdims=1)
    g("Squeeze", g("Div", mean, size), g.ints(0), name="vector")
    for head, out in (("pair", "relations"), ("act", "acts")):
        logits = g("Squeeze", g.linear(mean, head), g.ints(0))
        g("Softmax", logits, axis=-1, name=out)
    shapes = {"vector": (HIDDEN,), "relations": (4,), "acts": (8,)}
    return model_of(g, "matcher", 2, shapes)


def tagger(weights: dict[str, np.ndarray], small: bool) -> onnx.ModelProto:
    g = Graph(weights, small)
    x, at, size = placed(g, columns_of(g, 4), ("case", "quote", "paragraph"))
    x = through_blocks(g, x)
    cue = g.linear(x, "cue")
    g("Identity", cue, name="cue")
    chance = g("Gather", g("Softmax", cue, axis=-1), g.constant(np.array(1)), axis=1)
    likely = g("Greater", chance, g.constant(np.array(CANDIDATE, dtype=np.float32)))
    rows = g("Reshape", g("NonZero", likely), g.ints(-1))
    starts = g("Concat", g.ints(0), rows, axis=0, name="starts")
    own = g("Gather", x, starts)
    z = g("Unsqueeze", g.linear(x, "piece_side"), g.ints(0))
    z = g("Add", z, g("Unsqueeze", g.linear(own, "cue_side"), g.ints(1)))
    away = g("Sub", g("Unsqueeze", at, g.ints(0)), g("Unsqueeze", starts, g.ints(1)))
    away = g("Clip", away, g.constant(np.array(-REACH)), g.constant(np.array(REACH)))
    z = g("Relu", g("Add", z, g.gather("distance", g("Add", away, g.ints(REACH)))))
    mix = weights["mix.weight"]  # (out, in, 3): one matrix for each neighbour
    padded = g("Pad", z, g.ints(0, 1, 0, 0, 1, 0))
    wide = g("Add", size, g.ints(2))
    mixed = z
    for i in range(3):
        piece = g("Slice", padded, g.ints(i), g("Sub", wide, g.ints(2 - i)), g.ints(1))
        mixed = g("Add", mixed, g("MatMul", piece, g.matrix(mix[:, :, i].T)))
    z = g("Relu", g("Add", mixed, g.constant(weights["mix.bias"])))
    query = g("Reshape", g.linear(own, "query"), g.ints(-1, LABELS, BILINEAR))
    key = g("Unsqueeze", g.linear(x, "key"), g.ints(0))
    pair = g("MatMul", key, g("Transpose", query, perm=[0, 2, 1]))
    pair = g("Mul", pair, g.constant(np.array(1 / np.sqrt(BILINEAR), dtype=np.float32)))
    g("Add", g.linear(z, "label"), pair, name="links")
    shapes = {"cue": ("n", 3), "starts": ("k",), "links": ("k", "n", LABELS)}
    return model_of(g, "tagger", 4, shapes)


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("network", choices=("tagger", "matcher"))
    ap.add_argument("weights", type=Path)
    ap.add_argument("minilm", type=Path)
    ap.add_argument("out", type=Path)
    ap.add_argument("--small", action="store_true")
    ap.add_argument("--options", default=OPTIONS, help="Options of decoding, as JSON")
    ap.add_argument("--training", help="what to write down of the training, as JSON")
    a = ap.parse_args()
    build = {"tagger": tagger, "matcher": matcher}[a.network]
    weights = {k: v.astype(np.float32) for k, v in load_file(str(a.weights)).items()}
    data = build(weights, a.small).SerializeToString(deterministic=True)
    a.out.mkdir(parents=True, exist_ok=True)
    (a.out / f"{a.network}.onnx").write_bytes(data)
    if a.network == "tagger":  # the matcher reads with the tagger's
        shutil.copyfile(a.minilm / "tokenizer.json", a.out / "tokenizer.json")
    meta = {
        **({"options": json.loads(a.options)} if a.network == "tagger" else {}),
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "weights": f"{'blocks int7' if a.small else 'float16'}, embedding int8",
        "training": json.loads(a.training) if a.training else {},
    }
    (a.out / "meta.json").write_text(json.dumps(meta, indent=1) + "\n", "utf-8")
    print(json.dumps(meta))


if __name__ == "__main__":
    main()
