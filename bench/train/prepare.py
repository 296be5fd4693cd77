"""Turn PolNeAR's articles into word pieces with features and labels.

    python -m bench.train.prepare POLNEAR_TRAIN.jsonl OUT.pkl

Writes a list of documents, each a dict of ``rows`` (pieces, 4; see
``pipeline.statements.learned.features``), ``offsets`` (pieces, 2) and ``statements``:
for each attribution (cue pieces, content pieces by part, source pieces) as half-open
ranges of pieces.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import sys
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from pipeline.statements.learned import features, normalised, quotes

Range = tuple[int, int]


def pieces_of(offsets: np.ndarray, spans: list[list[int]]) -> list[Range]:
    """The pieces that lie inside each span; spans without a piece are left out."""
    found = []
    for start, end in spans:
        first = int(np.searchsorted(offsets[:, 1], start, side="right"))
        last = int(np.searchsorted(offsets[:, 0], end, side="left"))
        if last > first:
            found.append((first, last))
    return found


def document(row: dict, tokenizer: Tokenizer) -> dict:
    text = row["text"]
    marks = quotes(text)
    encoding = tokenizer.encode(normalised(text, marks), add_special_tokens=False)
    offsets = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
    ids = np.array(encoding.ids, dtype=np.int64)
    statements = []
    for st in row["statements"]:
        cue, content = pieces_of(offsets, st["cue"]), pieces_of(offsets, st["content"])
        if cue and content:
            statements.append((cue[0], content, pieces_of(offsets, st["source"])))
    return {
        "doc_id": row["doc_id"],
        "rows": features(text, marks, ids, offsets),
        "offsets": offsets,
        "statements": statements,
    }


def open_tokenizer(path: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def main() -> None:
    source, target, tokenizer_path = map(Path, sys.argv[1:4])
    data = source.read_bytes()
    tokenizer = open_tokenizer(tokenizer_path)
    documents = [
        document(json.loads(line), tokenizer) for line in data.decode().splitlines()
    ]
    digest = hashlib.sha256(data).hexdigest()
    target.write_bytes(pickle.dumps({"sha256": digest, "documents": documents}))
    pieces = sum(len(d["rows"]) for d in documents)
    print(f"{len(documents)} articles, {pieces} pieces, sha256 {digest}")


if __name__ == "__main__":
    main()
