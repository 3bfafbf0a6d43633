"""How well scores of gene sets can be read from embeddings: ridge regression, and what chance gives.

Two ways lead from a set to a direction of the space. `regression`: a ridge of the support's scores on its embeddings,
strength by inner folds; each support case is scored by the folds that it isn't in. `prompt`: profiles embedded with the
set raised minus the same lowered (gene_prompts.py); no slide goes into it, and profiles of a case's own fold don't
either. What is judged is Spearman's correlation of both scores over support cases, beside that of shuffled pairs, and
of random sets of the same size and expression read in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, rankdata

from ..probe.intervals import percentiles
from ..probe.probes import one_thread
from ..probe.prompting import unit_length
from ..probe.regression import correlation, fit_ridge, regression_metrics

#: Folds over support cases, bootstraps of cases, targets of one decomposition.
FOLDS, BOOTSTRAPS, AT_ONCE = 5, 1000, 3000
#: A set can be read where P of both nulls, adjusted over the sets of a model and way, stay below it.
LEVEL = 0.05
READ, UNSPECIFIC, NOT_READ, NOT_ASKED = "read", "no better than random sets", "not read", "not asked"
RULE = (
    f"read: P beside shuffled pairs and beside random sets, adjusted over the sets (Benjamini and Hochberg), below "
    f"{LEVEL:g} and the 95 % interval of Spearman's correlation above 0; no better than random sets: only the first of "
    "the two P is; not read: it isn't either"
)


def scaled(x: np.ndarray) -> np.ndarray:
    """Embeddings (float64 N x D) of length sqrt(D): training compares angles, and penalties expect values near 1."""
    return unit_length(x.astype(np.float64)) * np.sqrt(x.shape[1])


def within_cohorts(scores: np.ndarray, cohorts: np.ndarray) -> np.ndarray:
    """Scores (float64 N x P) with mean 0 and deviation 1 within each cohort; 0 where a cohort has no spread."""
    standardised = scores.astype(np.float64).copy()
    for cohort in np.unique(cohorts.astype(str)):
        in_cohort = cohorts.astype(str) == cohort
        standardised[in_cohort] -= standardised[in_cohort].mean(0)
        deviation = standardised[in_cohort].std(0)
        standardised[in_cohort] /= np.where(deviation > 1e-12, deviation, np.inf)
    return standardised


def folds_of(count: int, seed: int) -> np.ndarray:
    """Fold (0 to FOLDS - 1) of each support case."""
    order = np.random.default_rng([seed, 42]).permutation(count)
    folds = np.empty(count, int)
    folds[order] = np.arange(count) % FOLDS
    return folds


def out_of_fold(x: np.ndarray, y: np.ndarray, folds: np.ndarray, alphas: Sequence[float]) -> np.ndarray:
    """Predictions (float N x P) of targets y (N x P) by ridges on the other folds, penalties by their inner folds."""
    predictions = np.empty(y.shape)
    for fold in np.unique(folds):
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        cases = [str(i) for i in range(len(train))]  # inner folds as those of ridge_directions
        for first in range(0, y.shape[1], AT_ONCE):
            block = slice(first, first + AT_ONCE)
            predictions[test, block] = fit_ridge(x[train], y[train, block], x[test], cases, alphas)
    return predictions


def ridge_directions(x: np.ndarray, y: np.ndarray, alphas: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (float P x D) and intercepts (P) of the ridges that fit_ridge fits on all of x."""
    axes = np.vstack([np.zeros((1, x.shape[1])), np.eye(x.shape[1])])
    fitted = fit_ridge(x, y, axes, [str(i) for i in range(len(x))], alphas)
    return (fitted[1:] - fitted[0]).T, fitted[0]


@dataclass(frozen=True)
class Directions:
    """Directions of sets by one way (float64 FOLDS + 1 x S x D, intercepts FOLDS + 1 x S): without each fold of the
    support, and of all of it, for everyone outside it."""

    coefficients: np.ndarray
    intercepts: np.ndarray

    def scores(self, x: np.ndarray, folds: np.ndarray) -> np.ndarray:
        """Scores (float N x S) of scaled embeddings (N x D); folds: of each, FOLDS for what isn't in the support."""
        return np.einsum("nd,nsd->ns", x, self.coefficients[folds]) + self.intercepts[folds]


def fit_directions(x: np.ndarray, y: np.ndarray, folds: np.ndarray, alphas: Sequence[float]) -> Directions:
    """The way `regression`: x (N x D) scaled embeddings, y (N x S) scores of support cases."""
    fits = [ridge_directions(x[folds != fold], y[folds != fold], alphas) for fold in range(FOLDS + 1)]
    return Directions(*map(np.stack, zip(*fits, strict=True)))


def average_directions(moves: np.ndarray, folds: np.ndarray) -> Directions:
    """The way `prompt`: moves (float N x S x D) of support profiles as their sets are raised; folds of their cases."""
    means = [moves[folds != fold].mean(0) if (folds != fold).any() else moves.mean(0) for fold in range(FOLDS + 1)]
    coefficients = unit_length(np.stack(means).reshape(-1, moves.shape[2])).reshape(FOLDS + 1, *moves.shape[1:])
    return Directions(coefficients, np.zeros(coefficients.shape[:2]))


def permutations(cohorts: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Positions (int count x N): cases of a cohort exchange their profiles."""
    rng, names = np.random.default_rng([seed, 43]), cohorts.astype(str)
    orders = np.tile(np.arange(len(names)), (count, 1))
    for row in orders:
        for cohort in np.unique(names):
            members = np.flatnonzero(names == cohort)
            row[members] = rng.permutation(members)
    return orders


def correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Spearman's correlation (float P) of columns (N x P) of both; 0 where a column has no spread."""
    a, b = rankdata(first, axis=0), rankdata(second, axis=0)
    a, b = a - a.mean(0), b - b.mean(0)
    return (a * b).sum(0) / np.maximum(np.linalg.norm(a, axis=0) * np.linalg.norm(b, axis=0), 1e-12)


def interval(truth: np.ndarray, predicted: np.ndarray, seed: int, metric: str = "spearman") -> tuple[float, float]:
    """2.5 and 97.5 percentiles over bootstraps of cases."""
    rng = np.random.default_rng([seed, 44])
    samples = (rng.integers(0, len(truth), len(truth)) for _ in range(BOOTSTRAPS))
    if metric == "spearman":
        return percentiles(np.array([correlation(rankdata(truth[i]), rankdata(predicted[i])) for i in samples]))
    return percentiles(np.array([regression_metrics(truth[i], predicted[i])[metric] for i in samples]))


def chance(observed: float, null: np.ndarray) -> float:
    """P: share of the null, the observed value included, that is as large; nan where none was observed."""
    if not np.isfinite(observed):
        return float("nan")
    return float((1 + (null >= observed - 1e-12).sum()) / (1 + len(null)))


def judge(table: pd.DataFrame) -> pd.DataFrame:
    """Columns padj_pairs, padj_random and verdict of a model's sets by one way (columns p_pairs, p_random, lower)."""
    table = table.copy()
    for null in ("pairs", "random"):
        p = table[f"p_{null}"].to_numpy(float)
        is_finite = np.isfinite(p)
        table[f"padj_{null}"] = np.nan
        if is_finite.any():
            table.loc[is_finite, f"padj_{null}"] = false_discovery_control(p[is_finite])
    beats_pairs = (table.padj_pairs < LEVEL) & (table.lower > 0)
    table["verdict"] = np.where(beats_pairs, np.where(table.padj_random < LEVEL, READ, UNSPECIFIC), NOT_READ)
    return table


def null_by_pairs(x: np.ndarray, y: np.ndarray, folds: np.ndarray, alphas: Sequence[float], orders: np.ndarray):
    """Correlations (float S x permutations) of ridges on scores that cases have exchanged, fitted again."""
    shuffled = y[orders].transpose(1, 2, 0).reshape(len(y), -1)
    with one_thread():
        rho = correlations(shuffled, out_of_fold(x, shuffled, folds, alphas))
    return rho.reshape(y.shape[1], len(orders))


def null_by_random(x: np.ndarray, random_scores: np.ndarray, folds: np.ndarray, alphas: Sequence[float]) -> np.ndarray:
    """Correlations (float S x R) of random sets' scores (random_scores: N x S x R), each by ridges of its own."""
    flat = random_scores.reshape(len(random_scores), -1)
    with one_thread():
        rho = correlations(flat, out_of_fold(x, flat, folds, alphas))
    return rho.reshape(random_scores.shape[1:])
