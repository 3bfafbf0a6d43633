"""The probes themselves: library solvers with the paper's settings, BLAS on one thread.

Spinning BLAS threads make small problems 60 times slower (measured on the paper's sizes), so they are pinned.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits


class ProbeFailed(Exception):
    """A probe gave no result on a fold; the message says why, and the fold is reported without a value."""


def adaptive_c(width: int, classes: int) -> float:
    """Patho-Bench's C = width x classes / 100."""
    return width * classes / 100


def fit_logistic(
    x: np.ndarray, y: np.ndarray, x_test: np.ndarray, classes: int, settings: Mapping[str, Any]
) -> np.ndarray:
    """Class probabilities (float N_test x classes) of a balanced logistic regression (lbfgs, L2), no scaling.

    Section 7.3 of the paper's facts: C = 0.5, 10,000 iterations, random_state 0. C = 0 in settings takes adaptive_c.
    """
    from sklearn.linear_model import LogisticRegression

    present = np.unique(y)
    if len(present) < 2:
        raise ProbeFailed("the training side has one class only")
    c = settings["C"] or adaptive_c(x.shape[1], classes)
    with threadpool_limits(1), warnings.catch_warnings(record=True):
        model = LogisticRegression(C=c, max_iter=settings["max_iter"], class_weight="balanced", random_state=0)
        model.fit(x, y)
        found = model.predict_proba(x_test)
    probabilities = np.zeros((len(x_test), classes))
    probabilities[:, present] = found
    return probabilities


def fit_cox(
    x: np.ndarray, times: np.ndarray, events: np.ndarray, x_test: np.ndarray, settings: Mapping[str, Any]
) -> np.ndarray:
    """Risk (float N_test, larger is worse) of an elastic-net Cox model with one alpha (scikit-survival's CoxNet)."""
    from sksurv.linear_model import CoxnetSurvivalAnalysis
    from sksurv.util import Surv

    if not events.any():
        raise ProbeFailed("no event on the training side")
    target = Surv.from_arrays(events, times)
    with threadpool_limits(1), warnings.catch_warnings(record=True):
        model = CoxnetSurvivalAnalysis(
            alphas=[settings["alpha"]], l1_ratio=settings["l1_ratio"], max_iter=settings["max_iter"]
        )
        try:
            model.fit(x.astype(np.float64), target)
            return model.predict(x_test.astype(np.float64))
        except (ArithmeticError, ValueError) as error:
            raise ProbeFailed(f"CoxNet: {error}") from error
