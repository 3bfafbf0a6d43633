"""Metrics of many resamples at once: each sample counts as often as it was drawn, so a resample is a row of weights.

Equal to the metric of the repeated samples (a test recomputes it so). One exception: distances between classes in
kappa are those of the whole test side, even where a resample lacks a class.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..common.task_rules import FIXED_KAPPA
from .metrics import CALIBRATION_BINS, calibration_gaps, squared_errors

#: (bool N: of the class, its scores, weights B x N) -> metric of each resample (float B)
Score = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def weighted_classification(
    labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray, name: str
) -> np.ndarray:
    """The metric `name` (float B) under weights (float B x N); nan where a resample can't have it."""
    with np.errstate(invalid="ignore", divide="ignore"):
        if name in ("macro-ovr-auc", "auprc"):
            return over_classes(labels, probabilities, weights, weighted_auc if name != "auprc" else weighted_precision)
        if name == "brier":
            return weights @ squared_errors(labels, probabilities) / weights.sum(1)
        if name == "ece":
            gaps, bins = calibration_gaps(labels, probabilities)
            by_bin = weights @ (np.eye(CALIBRATION_BINS)[bins] * gaps[:, None])
            return np.abs(by_bin).sum(1) / weights.sum(1)
        classes = probabilities.shape[1] if name == FIXED_KAPPA else 0
        return of_confusion(weighted_confusion(labels, probabilities.argmax(1), weights, classes), name)


def over_classes(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray, score: Score) -> np.ndarray:
    """Score (float B) of the positive class, or mean over the classes that a resample has (two at least)."""
    if probabilities.shape[1] == 2:
        return score(labels == 1, probabilities[:, 1], weights)
    values = np.array([score(labels == c, probabilities[:, c], weights) for c in np.unique(labels)])
    is_finite = np.isfinite(values)
    return np.where(is_finite.any(0), np.where(is_finite, values, 0).sum(0) / is_finite.sum(0), np.nan)


def by_score(
    positive: np.ndarray, score: np.ndarray, weights: np.ndarray, descending: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Weight of positives and of negatives (B x G) at each distinct score, in its order."""
    order = np.argsort(-score if descending else score, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(score[order]) != 0])
    sorted_weights = weights[:, order]
    ups = np.add.reduceat(sorted_weights * positive[order], starts, axis=1)
    downs = np.add.reduceat(sorted_weights * ~positive[order], starts, axis=1)
    return ups, downs


def weighted_auc(positive: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Area under the ROC curve (float B)."""
    ups, downs = by_score(positive, score, weights, descending=False)
    below = np.cumsum(downs, 1) - downs / 2
    return (ups * below).sum(1) / (ups.sum(1) * downs.sum(1))


def weighted_precision(positive: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average precision (float B); nan, as the AUC, with one class only."""
    ups, downs = by_score(positive, score, weights, descending=True)
    hits, misses = np.cumsum(ups, 1), np.cumsum(downs, 1)
    precision = hits / np.maximum(hits + misses, 1e-300)
    return np.where(downs.sum(1) > 0, (ups * precision).sum(1) / ups.sum(1), np.nan)


def weighted_confusion(labels: np.ndarray, guess: np.ndarray, weights: np.ndarray, classes: int = 0) -> np.ndarray:
    """Counts (B x C x C: truth, guess) over the codes that occur in either, or over all of `classes`."""
    codes = np.arange(classes) if classes else np.union1d(labels, guess)
    cell = np.searchsorted(codes, labels) * len(codes) + np.searchsorted(codes, guess)
    used, place = np.unique(cell, return_inverse=True)
    counts = np.zeros((len(weights), len(codes) ** 2))
    counts[:, used] = weights @ np.eye(len(used))[place]
    return counts.reshape(-1, len(codes), len(codes))


def of_confusion(counts: np.ndarray, name: str) -> np.ndarray:
    """A metric (float B) that depends on truth and guess alone."""
    hits = np.diagonal(counts, axis1=1, axis2=2)
    truth, guess, total = counts.sum(2), counts.sum(1), counts.sum((1, 2))
    if name == "acc":
        return hits.sum(1) / total
    if name == "bacc":
        return np.where(truth > 0, hits / truth, 0).sum(1) / (truth > 0).sum(1)
    if name in ("weighted_kappa", FIXED_KAPPA):
        steps = np.arange(counts.shape[1])
        far = (steps[:, None] - steps) ** 2
        expected = np.einsum("bi,bj,ij->b", truth, guess, far) / total
        return 1 - (counts * far).sum((1, 2)) / expected
    if name in ("macro-f1", "weighted-f1"):
        is_present = truth + guess > 0
        scores = np.where(is_present, 2 * hits / (truth + guess), 0)
        return (scores * truth).sum(1) / total if name == "weighted-f1" else scores.sum(1) / is_present.sum(1)
    raise ValueError(f"unknown metric {name!r}")


def weighted_concordance(times: np.ndarray, events: np.ndarray, risk: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Harrell's c-index (float B): pairs of an event and one who was still at risk then, ties in risk counting half."""
    later = (times[:, None] < times) | ((times[:, None] == times) & ~events)
    comparable = later & events[:, None]
    difference = risk[:, None] - risk
    tied = np.abs(difference) <= 1e-8
    concordant = comparable * np.where(tied, 0.5, difference > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.einsum("bi,bi->b", weights @ concordant, weights) / np.einsum(
            "bi,bi->b", weights @ comparable, weights
        )
