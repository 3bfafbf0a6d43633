"""Temperature scaling: one number over all logits, fitted on predictions that no training sample had a part in."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

#: Range of temperatures; outside of it probabilities are 0 and 1, or alike.
RANGE = (0.01, 100.0)


def logits_of(probabilities: np.ndarray) -> np.ndarray:
    """Logits (float64 N x K, natural logarithms) of class probabilities (float N x K); softmax gives them back."""
    return np.log(np.clip(probabilities.astype(np.float64), 1e-12, 1))


def tempered(logits: np.ndarray, temperature: float | np.ndarray) -> np.ndarray:
    """Class probabilities (float64 N x K) of logits over a temperature, or over one for each row (float N x 1)."""
    return np.asarray(softmax(logits / temperature, axis=1))


def fit_temperature(logits: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The temperature with the smallest mean log loss (Guo et al. 2017, arXiv 1706.04599); 1 leaves all as it is.

    logits: float N x K, out of fold; labels: int N; weights: float N (None: alike), so that each case counts once.
    Raises ValueError for labels of one class, for which any temperature would do.
    """
    if len(np.unique(labels)) < 2:
        raise ValueError("a temperature needs labels of at least two classes")
    rows, weights = np.arange(len(labels)), np.ones(len(labels)) if weights is None else weights

    def loss(log_temperature: float) -> float:
        likelihoods = log_softmax(logits / np.exp(log_temperature), axis=1)[rows, labels]
        return float(-np.average(likelihoods, weights=weights))

    return float(np.exp(minimize_scalar(loss, bounds=np.log(RANGE), method="bounded", options={"xatol": 1e-8}).x))
