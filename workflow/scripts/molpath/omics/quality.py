"""Quality of expression profiles: library size, genes detected, mitochondrial share, distance in components."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from .deseq import blocks

#: Profiles beyond this many robust deviations in the first ten principal components are flagged.
OUTLIER_DEVIATIONS = 5.0
#: Components are taken of so many most variable genes, as DESeq2's plotPCA does.
VARIABLE_GENES = 500
#: Differences of this share of the values are rounding of float32; no cohort spreads less than LEAST_SPREAD around its
#: median distance (of components of variance 1).
NOISE, LEAST_SPREAD = 1e-6, 1e-3
IDS = ("profile_id", "case_id", "sample_id", "sample_type", "specimen", "cohort", "unit")


def describe_profiles(
    rows: Sequence[Mapping[str, str]], values: np.ndarray, counts: np.ndarray | None, genes: np.ndarray, factors
) -> pd.DataFrame:
    """obs by profile_id: ids, outlier by pca_distance, and of counts their library_size, genes_detected, percent_mito,
    size_factor."""
    obs = pd.DataFrame([{name: row.get(name, "") for name in IDS} for row in rows]).set_index("profile_id")
    if counts is not None:
        mitochondrial = np.char.startswith(genes, "MT-")
        total = np.concatenate([counts[rows_slice].sum(1, dtype=np.int64) for rows_slice in blocks(len(counts))])
        obs["library_size"] = total
        obs["genes_detected"] = np.concatenate([(counts[rows_slice] > 0).sum(1) for rows_slice in blocks(len(counts))])
        obs["percent_mito"] = 100 * counts[:, mitochondrial].sum(1, dtype=float) / np.maximum(total, 1)
        obs["size_factor"] = np.nan if factors is None else factors
    distance = pca_distance(values)
    obs["pca_distance"] = distance.round(6)
    obs["outlier"] = distance > OUTLIER_DEVIATIONS
    return obs


def most_variable(values: np.ndarray, count: int) -> np.ndarray:
    """Positions of the genes with the largest standard deviation, in their order; ties go to the first."""
    deviations = np.concatenate(
        [np.nan_to_num(values[:, genes].astype(float).std(0)) for genes in blocks(values.shape[1])] or [np.zeros(0)]
    )
    return np.sort(np.argsort(-deviations, kind="stable")[:count])


def components_of(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Left singular vectors (N x K) and singular values of the most variable genes, centred; signs fixed.

    Singular values that rounding can explain are 0.
    """
    chosen = values[:, most_variable(values, VARIABLE_GENES)].astype(float)
    rounding = NOISE * np.sqrt(np.nansum(np.square(chosen)))
    chosen = np.nan_to_num(chosen - np.nanmean(chosen, 0))
    u, s, _ = np.linalg.svd(chosen, full_matrices=False)
    s[s <= rounding] = 0
    signs = np.sign(u[np.abs(u).argmax(0), np.arange(u.shape[1])])
    return u * np.where(signs == 0, 1, signs), s


def pca_distance(values: np.ndarray) -> np.ndarray:
    """Distance from the cohort's centre in up to ten principal components, in robust deviations (float N).

    Components in which profiles differ by less than rounding are left out, because noise has no outliers; if there
    are no others, all distances are 0.
    """
    u, s = components_of(values)
    components = min(max(1, min(10, len(s) // 3)), int((s > 0).sum()))
    radius = np.linalg.norm(u[:, :components] * np.sqrt(max(len(values) - 1, 1)), axis=1)
    deviation = 1.4826 * np.median(np.abs(radius - np.median(radius)))
    return (radius - np.median(radius)) / max(deviation, LEAST_SPREAD)
