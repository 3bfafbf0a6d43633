"""The probes themselves: library solvers with the paper's settings, BLAS on one thread.

Spinning BLAS threads make small problems 60 times slower (measured on the paper's sizes), so they are pinned.
"""

from __future__ import annotations

import functools
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import ThreadpoolController

from ..common.settings.probe import Cox, Probe, Solvers
from .cox import ridge_risk

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression


class ProbeFailed(Exception):
    """A probe gave no result on a fold; the message says why, and the fold is reported without a value."""


class CoxFit(Cox):
    """Settings of a Cox probe; plain: by the library itself; scale: see `unit_of`."""

    plain: bool
    scale: str


@functools.cache
def thread_pools() -> ThreadpoolController:
    """The thread pools of NumPy, SciPy and scikit-learn, found once: a search takes as long as a small fit."""
    import sklearn.linear_model  # noqa: F401 (loads them all)

    return ThreadpoolController()


def one_thread() -> AbstractContextManager[object]:
    """Context in which BLAS and OpenMP use one thread."""
    return thread_pools().limit(limits=1)


def unit_of(x: np.ndarray, scale: str) -> float:
    """The number that embeddings are divided by before a probe is fitted on x (float N x D), its training samples.

    none: 1, embeddings as they are, as the paper has it. unit: the root of the mean variance of their dimensions, so
    that a penalty means the same whatever the length of a model's embeddings; one number leaves their geometry alone.
    """
    spread = float(np.sqrt(x.var(0, dtype=np.float64).mean())) if scale == "unit" and len(x) else 1.0
    return spread or 1.0


def adaptive_c(width: int, classes: int) -> float:
    """Patho-Bench's C = width x classes / 100."""
    return width * classes / 100


def classes_of(y: np.ndarray) -> np.ndarray:
    """Codes on a training side; raises ProbeFailed where there is nothing to tell apart."""
    if not len(y):
        raise ProbeFailed("the training side is empty")
    present = np.unique(y)
    if len(present) < 2:
        raise ProbeFailed("the training side has one class only")
    return present


def spread(probabilities_present: np.ndarray, present: np.ndarray, classes: int) -> np.ndarray:
    """Probabilities of the classes present (N x P) as columns of all classes (N x classes)."""
    probabilities = np.zeros((len(probabilities_present), classes))
    probabilities[:, present] = probabilities_present
    return probabilities


def fit_logistic(x: np.ndarray, y: np.ndarray, x_test: np.ndarray, classes: int, settings: Probe) -> np.ndarray:
    """Class probabilities (float N_test x classes) of a balanced logistic regression (lbfgs, L2), no scaling.

    Section 7.3 of the paper's facts: C = 0.5, 10,000 iterations, random_state 0. C = 0 in settings takes adaptive_c.
    In float64, as Patho-Bench fits: in float32 lbfgs stops elsewhere.
    """
    model = logistic_model(x, y, classes, settings)
    with one_thread():
        probabilities = model.predict_proba(x_test.astype(np.float64))
    return spread(probabilities, classes_of(y), classes)


def logistic_model(x: np.ndarray, y: np.ndarray, classes: int, settings: Solvers) -> LogisticRegression:
    """The regression that `fit_logistic` predicts with, fitted; its classes_ are those on the training side."""
    from sklearn.linear_model import LogisticRegression

    classes_of(y)
    c = settings["C"] or adaptive_c(x.shape[1], classes)
    with one_thread():
        model = LogisticRegression(C=c, max_iter=settings["max_iter"], class_weight="balanced", random_state=0)
        return model.fit(x.astype(np.float64), y)


def normalised(x: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Rows without the mean, of length 1 (a row at the mean stays 0)."""
    centred = x - mean
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    return centred / np.where(lengths > 0, lengths, 1)


def fit_knn(x: np.ndarray, y: np.ndarray, x_test: np.ndarray, classes: int, settings: Probe) -> np.ndarray:
    """Shares of the classes (float N_test x classes) among the nearest training samples.

    Centred by the training mean, length 1, L2, as SimpleShot and UNI's nearest neighbours; at most `neighbours`.
    """
    from sklearn.neighbors import KNeighborsClassifier

    present = classes_of(y)
    mean = x.mean(0, dtype=np.float64)
    model = KNeighborsClassifier(min(settings.get("neighbours", 20), len(x)), algorithm="brute")
    with one_thread():
        model.fit(normalised(x, mean), y)
        return spread(model.predict_proba(normalised(x_test, mean)), present, classes)


def fit_prototype(x: np.ndarray, y: np.ndarray, x_test: np.ndarray, classes: int, settings: Probe) -> np.ndarray:
    """SimpleShot (Wang et al. 2019): the class whose mean is nearest among centred samples of length 1.

    Returns float N_test x classes: softmax of minus the distances, so the nearest class has the largest share.
    """
    from scipy.spatial.distance import cdist
    from scipy.special import softmax

    present = classes_of(y)
    mean = x.mean(0, dtype=np.float64)
    train = normalised(x, mean)
    prototypes = np.stack([train[y == code].mean(0) for code in present])
    return spread(softmax(-cdist(normalised(x_test, mean), prototypes), axis=1), present, classes)


def fit_cox(x: np.ndarray, times: np.ndarray, events: np.ndarray, x_test: np.ndarray, settings: CoxFit) -> np.ndarray:
    """Risk (float N_test, larger is worse) of an elastic-net Cox model with one alpha (scikit-survival's CoxNet).

    l1_ratio 0 is ridge Cox with scikit-survival's CoxPHSurvivalAnalysis, as Patho-Bench switches: its optimum, found
    in the samples' span; `plain` calls the library itself.
    """
    from sksurv.linear_model import CoxnetSurvivalAnalysis, CoxPHSurvivalAnalysis
    from sksurv.util import Surv

    if not events.any():
        raise ProbeFailed("no event on the training side")
    x, x_test, alpha = x.astype(np.float64), x_test.astype(np.float64), settings["alpha"]
    ridge = settings["l1_ratio"] == 0
    with one_thread():
        try:
            if ridge and not settings.get("plain", False):
                return ridge_risk(x, times, events, x_test, alpha, settings["max_iter"])
            model = CoxPHSurvivalAnalysis(alpha=alpha, n_iter=settings["max_iter"]) if ridge else None
            model = model or CoxnetSurvivalAnalysis(
                alphas=[alpha], l1_ratio=settings["l1_ratio"], max_iter=settings["max_iter"]
            )
            model.fit(x, Surv.from_arrays(events, times))
            risk = model.predict(x_test)
        except (ArithmeticError, ValueError, np.linalg.LinAlgError) as error:
            raise ProbeFailed(f"{'ridge Cox' if ridge else 'CoxNet'}: {error}") from error
    if not np.isfinite(risk).all():
        raise ProbeFailed(f"{'ridge Cox' if ridge else 'CoxNet'}: the risk is not finite")
    return risk
