"""The learned tagger's files, opened: tokeniser and ONNX network, on the CPU."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

from pipeline.adapters.networks import open_session, open_tokenizer
from pipeline.errors import ModelError
from pipeline.statements.learned import Ints, Options, Reading


class OnnxTagger:
    """An ``Encoder`` that runs the network of one folder."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        session: ort.InferenceSession,
        options: Options,
        version: str,
    ) -> None:
        self.version = version
        self._tokenizer = tokenizer
        self._session = session
        self._options = options

    @property
    def options(self) -> Options:
        return self._options

    def pieces(self, text: str) -> tuple[Ints, Ints]:
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        ids = np.array(encoding.ids, dtype=np.int64)
        return ids, np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)

    def read(self, rows: Ints) -> Reading:
        cue, starts, links = self._session.run(
            ["cue", "starts", "links"], {"rows": rows}
        )
        return Reading(cue=cue, starts=starts, links=links)


def open_tagger(path: Path, threads: int = 1) -> OnnxTagger:
    """The tagger in the folder ``path`` (``tagger.onnx``, ``tokenizer.json``, ``meta.json``).

    Weights are stored small and widened to 32 bits when the session opens, so opening
    takes a second and computing loses nothing to activations of eight bits.
    """
    if not (path / "tagger.onnx").is_file():
        raise ModelError(str(path), "no tagger.onnx; reinstall, or set model = 'rules'")
    tokenizer = open_tokenizer(path / "tokenizer.json")
    session = open_session(path / "tagger.onnx", threads)
    meta = json.loads((path / "meta.json").read_text("utf-8"))
    chosen = meta["options"]
    return OnnxTagger(
        tokenizer,
        session,
        Options(**{**chosen, "scale": tuple(chosen["scale"])}),
        f"tagger-{meta['sha256'][:8]}",
    )
