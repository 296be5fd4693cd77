"""The matcher's files, opened: tokeniser and ONNX network, on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

from pipeline.adapters.networks import open_session, open_tokenizer
from pipeline.claims.meaning import SIZE, Meant
from pipeline.errors import ModelError

LONGEST = 96
"""So many pieces of one statement are read; some 70 words."""

OPENS, CLOSES = 101, 102


class OnnxMatcher:
    """A ``Meaning`` that runs the network of one folder, one text or pair at a time.

    So what is read never hangs on what is read beside it. The latest are kept: a wire
    story's words are read once.
    """

    def __init__(self, tokenizer: Tokenizer, session: ort.InferenceSession) -> None:
        self._tokenizer, self._session = tokenizer, session
        self.vector = lru_cache(maxsize=8192)(self._vector)
        self.stand = lru_cache(maxsize=8192)(self._stand)

    def _vector(self, said: str) -> bytes:
        (found,) = self._session.run(["vector"], {"rows": self._rows([said])})
        kept = found[:SIZE] / np.linalg.norm(found[:SIZE])
        return bytes(np.rint(kept * 127).astype(np.int8).tobytes())

    def _stand(self, first: str, second: str) -> Meant:
        rows = self._rows([first, second])
        (found,) = self._session.run(["relations"], {"rows": rows})
        same, new, changed, contradicts = (round(float(one), 4) for one in found)
        return Meant(same=same, new=new, changed=changed, contradicts=contradicts)

    def _rows(self, texts: Sequence[str]) -> np.ndarray:
        rows = [(OPENS, 0)]
        for side, text in enumerate(texts):
            ids = self._tokenizer.encode(text, add_special_tokens=False).ids[:LONGEST]
            rows += [(piece, side) for piece in (*ids, CLOSES)]
        return np.array(rows, np.int64)


def open_matcher(path: Path, tokenizer: Path, threads: int = 1) -> OnnxMatcher:
    """The matcher in the folder ``path`` (``matcher.onnx``)."""
    if not (path / "matcher.onnx").is_file():
        raise ModelError(str(path), "no matcher.onnx; reinstall")
    session = open_session(path / "matcher.onnx", threads)
    return OnnxMatcher(open_tokenizer(tokenizer), session)
