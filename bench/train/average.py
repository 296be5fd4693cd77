"""Average the weights of runs that began alike: python -m bench.train.average OUT RUN...

Method: model soups (Wortsman et al. 2022, arXiv 2203.05482). The runs share their seed,
so their heads begin alike; only the order of the articles differs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("out", type=Path)
    ap.add_argument("runs", type=Path, nargs="+")
    a = ap.parse_args()
    stored = [load_file(str(path)) for path in a.runs]
    mean = {k: np.mean([one[k] for one in stored], axis=0) for k in stored[0]}
    save_file(mean, str(a.out))


if __name__ == "__main__":
    main()
