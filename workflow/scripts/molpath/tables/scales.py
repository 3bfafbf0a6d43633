"""Scale of each model's embeddings, which determines the effect of a probe's penalty."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..common.files import write_tsv
from ..probe.embeddings import are_finite, read_embeddings

COLUMNS = ["model", "cases", "not_finite", "dimensions", "mean_norm", "sd", "constant"]


def list_scales(*, models: Sequence[str], tables: Sequence[str], output: str) -> None:
    """Write a row per model; tables: its cases.h5ad, in the order of `models`."""
    rows = [{"model": model} | scale_of(read_embeddings(path)[1]) for model, path in zip(models, tables, strict=True)]
    write_tsv(output, pd.DataFrame(rows, columns=COLUMNS))


def scale_of(x: np.ndarray) -> dict[str, float | int]:
    """Of embeddings (float N x D): mean length, root of the dimensions' mean variance, how many don't vary.

    Those that aren't finite are counted and left out; numbers of none are empty.
    """
    finite = x[are_finite(x)]
    head: dict[str, float | int] = {"cases": len(finite), "not_finite": len(x) - len(finite), "dimensions": x.shape[1]}
    if not len(finite):
        return head
    variance = finite.var(0, dtype=np.float64)
    norm = float(np.linalg.norm(finite.astype(np.float64), axis=1).mean())
    return head | {"mean_norm": norm, "sd": float(np.sqrt(variance.mean())), "constant": int((variance == 0).sum())}
