"""Metrics by Patho-Bench's names, and further ones: each of a test side's labels and predictions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..common.task_rules import ALWAYS, FIXED_KAPPA, OF_CLASSES

#: Metrics that are below chance on held-out samples where there is nothing to find: a mean fitted on other samples errs
#: by more than their own.
BELOW_CHANCE = ("r2", "pooled_r2")
#: What a metric can be; 0 to 1 where nothing is said.
RANGES = {
    **dict.fromkeys(("weighted_kappa", FIXED_KAPPA, "pearson", "spearman"), (-1.0, 1.0)),
    "ari": (-0.5, 1.0),
    "r2": (-np.inf, 1.0),
    "mae": (0.0, np.inf),
    "brier": (0.0, 2.0),
}
#: Bins of equal width of the expected calibration error.
CALIBRATION_BINS = 15


def classification_metrics(
    labels: np.ndarray, probabilities: np.ndarray, names: Sequence[str] = ALWAYS
) -> dict[str, float]:
    """Metrics of labels (int N) and class probabilities (float N x C); nan where one can't be computed."""
    if not len(labels):
        return dict.fromkeys(names, float("nan"))
    guess = probabilities.argmax(1)
    metrics = {}
    for name in names:
        if name == "macro-ovr-auc":
            metrics[name] = auc(labels, probabilities)
        elif name == "bacc":
            recalls = [float((guess[labels == c] == c).mean()) for c in np.unique(labels)]
            metrics[name] = float(np.mean(recalls))
        elif name == "acc":
            metrics[name] = float((guess == labels).mean())
        elif name == "weighted_kappa":
            metrics[name] = quadratic_kappa(labels, guess)
        elif name == FIXED_KAPPA:
            metrics[name] = quadratic_kappa(labels, guess, probabilities.shape[1])
        elif name in ("macro-f1", "weighted-f1"):
            metrics[name] = f1(labels, guess, weighted=name == "weighted-f1")
        elif name == "auprc":
            metrics[name] = auprc(labels, probabilities)
        elif name == "brier":
            metrics[name] = brier(labels, probabilities)
        elif name == "ece":
            metrics[name] = calibration_error(labels, probabilities)
        else:
            raise ValueError(f"unknown metric {name!r}; there are {', '.join(OF_CLASSES)}")
    return metrics


def chance_of(metric: str, classes: int) -> float:
    """The value of a metric for uninformed guesses; nan where it depends on the shares of the classes.

    classes: those that samples of the task have (0 for survival). Of balanced accuracy that of a probe that guesses one
    of them at random.
    """
    if metric == "bacc":
        return 1 / classes if classes else float("nan")
    if metric.removeprefix("pooled_") in ("weighted_kappa", FIXED_KAPPA, "r2", "pearson", "spearman"):
        return 0.0
    return 0.5 if metric in ("macro-ovr-auc", "cindex") or metric.startswith("auc@") else float("nan")


def range_of(metric: str) -> tuple[float, float]:
    """Lowest and highest value that a metric can have; infinite where there is none."""
    return RANGES.get(metric.removeprefix("pooled_"), (0.0, 1.0))


def confusion(labels: np.ndarray, guess: np.ndarray, classes: int = 0) -> np.ndarray:
    """Counts (C x C: truth, guess) over the codes that occur in either, in their order; over all of `classes` if given.

    Codes that don't occur leave kappa's sums as they are, but for the steps between those that do.
    """
    codes = np.arange(classes) if classes else np.union1d(labels, guess)
    counts = np.zeros((len(codes), len(codes)))
    np.add.at(counts, (np.searchsorted(codes, labels), np.searchsorted(codes, guess)), 1)
    return counts


def quadratic_kappa(labels: np.ndarray, guess: np.ndarray, classes: int = 0) -> float:
    """Cohen's kappa with quadratic weights, equal to scikit-learn's.

    Steps are counted between the codes that occur, as Patho-Bench does: grades 0 and 3 are one step apart where 1 and 2
    are missing. With `classes`, between all codes below it, as scikit-learn's with `labels`.
    """
    counts = confusion(labels, guess, classes)
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


def auprc(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Average precision: of the positive class, or macro one-vs-rest over classes present. nan with one class only."""
    from sklearn.metrics import average_precision_score

    classes = np.unique(labels)
    if len(classes) < 2:
        return float("nan")
    chosen = [1] if probabilities.shape[1] == 2 else classes
    return float(np.mean([average_precision_score(labels == c, probabilities[:, c]) for c in chosen]))


def brier(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Brier score: binary (p - y)^2, more classes the sum of it over classes; equal to scikit-learn's."""
    return float(squared_errors(labels, probabilities).mean())


def squared_errors(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """What each sample (N) adds to the Brier score."""
    if probabilities.shape[1] == 2:
        return (probabilities[:, 1] - (labels == 1)) ** 2
    return ((probabilities - np.eye(probabilities.shape[1])[labels]) ** 2).sum(1)


def calibration_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Expected calibration error (Guo et al. 2017): |confidence - accuracy| of the guess, over bins of confidence."""
    gaps, bins = calibration_gaps(labels, probabilities)
    return float(np.abs(np.bincount(bins, gaps, CALIBRATION_BINS)).sum() / len(labels))


def calibration_gaps(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Confidence minus correctness of each guess, and its bin: (k/15, (k+1)/15]."""
    confidence = probabilities.max(1)
    bins = np.ceil(confidence * CALIBRATION_BINS).astype(int) - 1
    return confidence - (probabilities.argmax(1) == labels), np.clip(bins, 0, CALIBRATION_BINS - 1)


def concordance(times: np.ndarray, events: np.ndarray, risk: np.ndarray) -> float:
    """Harrell's c-index (scikit-survival's); nan where no pair can be compared."""
    from sksurv.exceptions import NoComparablePairException
    from sksurv.metrics import concordance_index_censored

    try:
        return float(concordance_index_censored(events, times, risk)[0])
    except (NoComparablePairException, ValueError):
        return float("nan")


def auc_name(time: float) -> str:
    """Name of the time-dependent AUC at `time` days: auc@365d."""
    return f"auc@{time:g}d"


def time_dependent_auc(
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    risk: np.ndarray,
    days: Sequence[float],
) -> dict[str, tuple[float, str]]:
    """Cumulative/dynamic AUC of the risk at stated times (days), weighted by censoring (scikit-survival's).

    train, test: (times, events). Censoring is estimated from the training side, so follow-up ends where the longest
    there ends: who was followed longer counts as alive until then. Returns name -> (value, reason why there is none).
    """
    from sksurv.metrics import cumulative_dynamic_auc
    from sksurv.util import Surv

    end = train[0].max()
    beyond = test[0] >= end
    times, events = np.where(beyond, np.nextafter(end, 0), test[0]), test[1] & ~beyond
    aucs: dict[str, tuple[float, str]] = {}
    train_survival, scored = Surv.from_arrays(train[1], train[0]), Surv.from_arrays(events, times)
    for time in days:
        if not ((times <= time) & events).any() or not (times > time).any():
            aucs[auc_name(time)] = (
                np.nan,
                f"the test side has nobody with an event by, or nobody at risk after, {time:g} days",
            )
            continue
        try:
            value = float(cumulative_dynamic_auc(train_survival, scored, risk, [time])[0][0])
            aucs[auc_name(time)] = value, "" if np.isfinite(value) else "no weight for the censored"
        except ValueError as error:
            aucs[auc_name(time)] = np.nan, f"time-dependent AUC: {error}"
    return aucs
