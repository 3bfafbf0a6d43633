"""A linear probe that can be fitted a thousand times: its out-of-fold scores are one matrix times the labels.

A probe's out-of-fold scores depend on the labels of all cases. A test that exchanges labels and keeps the scores, or
takes the scores as given, finds something where there is nothing more often than it says: at 5 %, exchange in 7 %,
DeLong's test in 12 %, the likelihood ratio in 16 % of synthetic tasks (tests/benchmarks/confounders.py). So the probe
is fitted again for each exchange: ridge regression on the embeddings, whose penalty depends on no label, in the span of
the training cases.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from ..permuting import PERMUTED_FOLDS
from ..probes import one_thread
from ..results import sides
from ..tasks import Task
from .outcomes import CENTRED

#: Ridge penalty, in units of the training cases' mean squared distance from their mean.
PENALTY = 1.0


class Refit:
    """Ridge probes on embeddings x (float N x D) over the folds of a task with one sample per case.

    Of many folds the first PERMUTED_FOLDS are taken. operator: float N x N, out-of-fold scores of labels, less the mean
    of a test side of CENTRED cases, averaged over folds; tested: whether a case is in a test side (bool N).
    folds: (train, test, scores of the test side, left-one-out scores of the training side), as matrices for the labels
    of the training side.
    """

    def __init__(self, task: Task, x: np.ndarray):
        if x.shape[0] != len(task.samples):
            raise ValueError(f"{x.shape[0]} embeddings of {len(task.samples)} cases; give one row per case")
        n = len(x)
        self.operator, times = np.zeros((n, n)), np.zeros(n)
        self.folds: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
        for fold in range(min(task.folds.shape[1], PERMUTED_FOLDS)):
            train, test = sides(task, fold)
            if len(train) < 2 or not len(test):
                continue
            predict, left_out = ridge_matrices(x[train], x[test])
            self.folds.append((train, test, predict, left_out))
            self.operator[np.ix_(test, train)] += centred(predict)
            times[test] += 1
        self.tested = times > 0
        self.operator /= np.maximum(times, 1)[:, None]

    def scores(self, labels: np.ndarray) -> np.ndarray:
        """Out-of-fold scores (float N x M) of M columns of labels (float N x M), each fitted on its own."""
        with one_thread():
            return np.asarray(self.operator @ labels)


def centred(scores: np.ndarray) -> np.ndarray:
    """Scores (float N x M) less their mean, where there are CENTRED of them."""
    return scores - scores.mean(0) if len(scores) >= CENTRED else scores


def ridge_matrices(x: np.ndarray, x_test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What labels of training cases are multiplied by for scores of the test cases, and of themselves left out.

    x: float N x D, x_test: float T x D; returns float T x N and N x N. The intercept is not penalised. Left-one-out
    scores are exact (Allen 1974: the residual over 1 - leverage), for penalty and scale are those of all N.
    """
    mean = x.mean(0, dtype=np.float64)
    a, b = x - mean, x_test - mean
    with one_thread():
        kernel = a @ a.T
        scale = np.trace(kernel) / len(x) or 1.0
        solved = cho_solve(cho_factor(kernel + PENALTY * scale * np.eye(len(x))), np.vstack([kernel, b @ a.T]).T).T
    hat = solved + (1 - solved.sum(1, keepdims=True)) / len(x)
    train_hat, test = hat[: len(x)], hat[len(x) :]
    leverage = np.diag(train_hat).copy()
    left_out = (train_hat - np.diag(leverage)) / np.maximum(1 - leverage, 1e-9)[:, None]
    return test, left_out
