"""Metrics by Patho-Bench's names."""

from __future__ import annotations

import numpy as np

#: What is computed of a classification task beside the metrics it names.
ALWAYS = ("macro-ovr-auc", "bacc", "weighted_kappa", "acc", "macro-f1", "weighted-f1")


def classification_metrics(labels: np.ndarray, probabilities: np.ndarray, names=ALWAYS) -> dict[str, float]:
    """Metrics of labels (int N) and class probabilities (float N x C); nan where one can't be computed."""
    guess = probabilities.argmax(1)
    found = {}
    for name in names:
        if name == "macro-ovr-auc":
            found[name] = auc(labels, probabilities)
        elif name == "bacc":
            recalls = [float((guess[labels == c] == c).mean()) for c in np.unique(labels)]
            found[name] = float(np.mean(recalls))
        elif name == "acc":
            found[name] = float((guess == labels).mean())
        elif name == "weighted_kappa":
            found[name] = quadratic_kappa(labels, guess)
        elif name in ("macro-f1", "weighted-f1"):
            found[name] = f1(labels, guess, weighted=name == "weighted-f1")
        else:
            raise ValueError(f"unknown metric {name!r}")
    return found


def confusion(labels: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """Counts (C x C: truth, guess) over the codes that occur in either, in their order."""
    codes = np.union1d(labels, guess)
    counts = np.zeros((len(codes), len(codes)))
    np.add.at(counts, (np.searchsorted(codes, labels), np.searchsorted(codes, guess)), 1)
    return counts


def quadratic_kappa(labels: np.ndarray, guess: np.ndarray) -> float:
    """Cohen's kappa with quadratic weights, equal to scikit-learn's (bootstraps call it often)."""
    counts = confusion(labels, guess)
    steps = np.arange(len(counts))
    weights = (steps[:, None] - steps) ** 2
    expected = np.outer(counts.sum(1), counts.sum(0)) / counts.sum()
    total = (weights * expected).sum()
    return float(1 - (weights * counts).sum() / total) if total else float("nan")


def f1(labels: np.ndarray, guess: np.ndarray, weighted: bool) -> float:
    """F1 averaged over classes, plainly or by their share of the truth; equal to scikit-learn's."""
    counts = confusion(labels, guess)
    support = counts.sum(1)
    scores = 2 * np.diag(counts) / np.maximum(support + counts.sum(0), 1)
    return float(np.average(scores, weights=support)) if weighted else float(scores.mean())


def auc(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Binary: of the positive class; more classes: macro one-vs-rest over those present. nan with one class only."""
    classes = np.unique(labels)
    if len(classes) < 2:
        return float("nan")
    if probabilities.shape[1] == 2:
        return binary_auc(labels == 1, probabilities[:, 1])
    return float(np.mean([binary_auc(labels == c, probabilities[:, c]) for c in classes]))


def binary_auc(positive: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve by ranks (Mann-Whitney), ties counting half."""
    from scipy.stats import rankdata

    ranks = rankdata(score)
    n, p = len(positive), int(positive.sum())
    return float((ranks[positive].sum() - p * (p + 1) / 2) / (p * (n - p)))


def concordance(times: np.ndarray, events: np.ndarray, risk: np.ndarray) -> float:
    """Harrell's c-index (scikit-survival's); nan where no pair can be compared."""
    from sksurv.exceptions import NoComparablePairException
    from sksurv.metrics import concordance_index_censored

    try:
        return float(concordance_index_censored(events, times, risk)[0])
    except (NoComparablePairException, ValueError):
        return float("nan")
