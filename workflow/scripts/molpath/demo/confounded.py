"""Synthetic cases whose label goes with a site, at a given strength, with and without a biological signal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

#: Sites of the synthetic cases: half of them have the label more often, half less.
SITES = ("North", "South", "East", "West")
#: Distance of sites, and of labels, in the embedding, in units of its noise.
STAIN, SIGNAL = 12.0, 2.0


@dataclass(frozen=True)
class Confounded:
    """Synthetic: embeddings (float N x D), labels (0 or 1, int N), and columns by case (index case_id)."""

    embeddings: np.ndarray
    labels: np.ndarray
    columns: pd.DataFrame


def draw_confounded(
    cases: int, v: float, signal: float = 0.0, seed: int = 0, width: int = 64, stain: float = STAIN
) -> Confounded:
    """Draw cases at four sites; Cramér's V of label and site's half (and of label and site) is `v` in expectation.

    Embeddings are noise of spread 1, plus a vector of length `stain` for each site, plus one of length `signal` (0: no
    biology; SIGNAL is plain to see) for label 1. Column `site` is the confounder; `sex` and `age` are noise.
    """
    rng = np.random.default_rng([seed, 2828])
    site = rng.permutation(np.arange(cases) % len(SITES))
    labels = (rng.random(cases) < 0.5 + (v / 2) * np.where(site % 2, -1, 1)).astype(int)
    sites, biology = rng.normal(size=(len(SITES), width)), rng.normal(size=width)
    sites *= stain / np.linalg.norm(sites, axis=1, keepdims=True)
    biology *= signal / np.linalg.norm(biology)
    x = rng.normal(size=(cases, width)) + sites[site] + labels[:, None] * biology
    columns = pd.DataFrame(
        {
            "site": np.array(SITES)[site],
            "sex": np.where(rng.random(cases) < 0.5, "female", "male"),
            "age": rng.integers(30, 90, cases).astype(str),
        },
        index=pd.Index([f"case-{place:04d}" for place in range(cases)], name="case_id"),
    )
    return Confounded(x.astype(np.float32), labels, columns)
