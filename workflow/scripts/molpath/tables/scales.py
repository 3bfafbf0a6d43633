"""Scale of each model's embeddings, which determines the effect of a probe's penalty."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..common.files import write_tsv
from ..probe.embeddings import read_embeddings

COLUMNS = ["model", "cases", "dimensions", "mean_norm", "sd", "constant"]


def list_scales(*, models: Sequence[str], tables: Sequence[str], output: str) -> None:
    """Write a row per model; tables: its cases.h5ad, in the order of `models`."""
    rows = [{"model": model} | scale_of(read_embeddings(path)[1]) for model, path in zip(models, tables, strict=True)]
    write_tsv(output, pd.DataFrame(rows, columns=COLUMNS))


def scale_of(x: np.ndarray) -> dict[str, float | int]:
    """Of embeddings (float N x D): mean length, root of the dimensions' mean variance, how many don't vary."""
    variance = x.var(0, dtype=np.float64)
    norm = float(np.linalg.norm(x.astype(np.float64), axis=1).mean())
    head: dict[str, float | int] = {"cases": len(x), "dimensions": x.shape[1]}
    return head | {"mean_norm": norm, "sd": float(np.sqrt(variance.mean())), "constant": int((variance == 0).sum())}
