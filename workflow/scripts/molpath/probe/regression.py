"""Regression tasks: a ridge probe whose penalty is chosen inside the training side, its metrics and its control."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..common.settings.probe import Probe
from .permuting import shuffled
from .probes import ProbeFailed, one_thread, unit_of
from .tasks import Task

#: Metrics of a regression task, the first its own unless config.yaml names others.
METRICS = ("r2", "pearson", "spearman", "mae")
#: Share of the largest value that a spread has to exceed: sums of float64 leave less.
ROUNDING = 1e-12
#: Inner folds over cases that choose a penalty or a strength.
INNER_FOLDS = 5


def regression_metrics(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """R2, Pearson's and Spearman's correlation and mean absolute error (in the label's unit); nan where not defined."""
    from scipy.stats import rankdata

    if not len(truth):
        return dict.fromkeys(METRICS, float("nan"))
    spread = float(((truth - truth.mean()) ** 2).sum())
    varied = varies(truth)
    return {
        "r2": 1 - float(((truth - predicted) ** 2).sum()) / spread if varied else float("nan"),
        "pearson": correlation(truth, predicted),
        "spearman": correlation(rankdata(truth), rankdata(predicted)),
        "mae": float(np.abs(truth - predicted).mean()),
    }


def correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson's correlation; nan where one of them has no spread."""
    if not (varies(x) and varies(y)):
        return float("nan")
    a, b = (values - values.mean() for values in (x, y))
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    return float(np.clip(a @ b, -1, 1))


def varies(values: np.ndarray) -> bool:
    """True where values differ by more than rounding, whatever their unit."""
    return float(np.ptp(values)) > ROUNDING * float(np.abs(values).max())


def inner_folds(cases: Sequence[str]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Inner train and test positions of samples, all those of a case on one side; raises ProbeFailed for one case."""
    from sklearn.model_selection import GroupKFold

    count = min(INNER_FOLDS, len(set(cases)))
    if count < 2:
        raise ProbeFailed("the training side has one case only: nothing to choose a penalty on")
    return list(GroupKFold(count).split(np.zeros(len(cases)), groups=list(cases)))


def ridge_path(x: np.ndarray, y: np.ndarray, x_test: np.ndarray, alphas: Sequence[float]) -> np.ndarray:
    """Predictions (float A x N_test x P) of ridge regressions of P targets y (N x P), by penalty; one decomposition."""
    mean, offset = x.mean(0), y.mean(0)
    u, s, vt = np.linalg.svd(x - mean, full_matrices=False)
    targets, projected = u.T @ (y - offset), (x_test - mean) @ vt.T
    return np.stack([(projected * (s / (s**2 + alpha))) @ targets + offset for alpha in alphas])


def fit_ridge(
    x: np.ndarray, y: np.ndarray, x_test: np.ndarray, cases: Sequence[str], alphas: Sequence[float]
) -> np.ndarray:
    """Predictions (float N_test x P) of P targets y (N x P), each with the penalty of the smallest inner squared error.

    cases: of the training samples, which inner folds keep together.
    """
    x, x_test = x.astype(np.float64), x_test.astype(np.float64)
    with one_thread():
        errors = np.zeros((len(alphas), y.shape[1]))
        for train, test in inner_folds(cases):
            errors += ((y[test] - ridge_path(x[train], y[train], x[test], alphas)) ** 2).sum(1)
        paths = ridge_path(x, y, x_test, alphas)
    return paths[errors.argmin(0), :, np.arange(y.shape[1])].T


class RidgeProbe:
    """A ridge probe of the values of a task on samples x (float N x D): what Results.add asks of a probe."""

    def __init__(self, task: Task, x: np.ndarray, settings: Probe):
        self.task, self.x, self.alphas = task, x, settings["ridge_alphas"]
        self.scale = settings.get("scale", "none")
        self.cases = [task.cases.get(name, name) for name in task.samples]

    def __call__(self, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        """Predictions (float N_test) of the samples at `test`, fitted on those at `train`."""
        return self.targets(train, test, self.task.values[:, None])[:, 0]

    def targets(self, train: np.ndarray, test: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The same of several targets y (all samples x P)."""
        if not len(train):
            raise ProbeFailed("the training side is empty")
        x, cases = self.x / unit_of(self.x[train], self.scale), [self.cases[i] for i in train]
        return fit_ridge(x[train], y[train], x[test], cases, self.alphas)


def permuted_targets(task: Task, settings: Probe, repeats: Sequence[int]) -> np.ndarray:
    """Values (float N x repeats) shuffled over cases, one column per permutation."""
    return np.stack([task.values[shuffled(task, settings["seed"], repeat)] for repeat in repeats], axis=1)


def resampled_metric(fold: pd.DataFrame, weights: np.ndarray, metric: str) -> np.ndarray:
    """The metric on predictions (columns value, predicted) in each resample; weights: how often each was drawn."""
    truth, predicted = fold.value.to_numpy(float), fold.predicted.to_numpy(float)
    places = np.arange(len(fold))
    drawn = (np.repeat(places, row.astype(int)) for row in weights)
    return np.array([regression_metrics(truth[rows], predicted[rows])[metric] for rows in drawn])
