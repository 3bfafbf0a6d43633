"""Areas under ROC curves of several models on the same samples, with their covariance.

DeLong, DeLong and Clarke-Pearson 1988; by midranks after Sun and Xu 2014 (IEEE Signal Processing Letters 21), which
takes O(n log n) instead of a comparison of every positive with every negative. No library the workflow keeps has it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import norm, rankdata


def delong(positive: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """AUC (float K) of K scores and their covariance (float K x K).

    positive: bool N; scores: float K x N, larger for positives. Raises ValueError with fewer than two samples of a
    class, for then there is no variance.
    """
    positive = np.asarray(positive, bool)
    m, n = int(positive.sum()), int((~positive).sum())
    if min(m, n) < 2:
        raise ValueError(f"{m} positive and {n} negative samples; at least 2 of each are needed")
    everywhere = rankdata(scores, axis=1)
    cases, controls = scores[:, positive], scores[:, ~positive]
    # Share of negatives below each positive, and of positives above each negative; ties count half.
    above = (everywhere[:, positive] - rankdata(cases, axis=1)) / n
    below = 1 - (everywhere[:, ~positive] - rankdata(controls, axis=1)) / m
    covariance = np.atleast_2d(np.cov(above)) / m + np.atleast_2d(np.cov(below)) / n
    return above.mean(1), covariance


def compare_folds(folds: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Mean AUC (float K) over folds with separate test samples, and its covariance (float K x K).

    folds: (positive, scores) each, as `delong` takes them. Folds are independent given their probes, so the covariance
    of the mean is the sum of the folds' over their number squared; one fold is DeLong's test itself.
    """
    parts = [delong(positive, scores) for positive, scores in folds]
    return np.mean([auc for auc, _ in parts], axis=0), np.sum([c for _, c in parts], axis=0) / len(parts) ** 2


def difference(auc: np.ndarray, covariance: np.ndarray, a: int, b: int) -> tuple[float, float, float, float]:
    """AUC of model a minus that of b, its standard error, z, and the two-sided p (nan where the error is 0)."""
    gap = float(auc[a] - auc[b])
    variance = covariance[a, a] + covariance[b, b] - 2 * covariance[a, b]
    se = float(np.sqrt(max(variance, 0.0)))
    if se < 1e-12:
        return gap, 0.0, np.nan, np.nan
    return gap, se, gap / se, float(2 * norm.sf(abs(gap / se)))
