"""Labels as numbers that sum to 0 over cases: what tests by permutation are made of, one for every kind of task."""

from __future__ import annotations

import numpy as np

from ..tasks import Task


def residuals(task: Task, groups: np.ndarray | None = None) -> np.ndarray:
    """Label minus what is expected of a case of its group (float N x K; groups: int N, below 0: in none, its rows 0).

    Classes: 1 or 0 less the share of the class (of two classes the second, K = 1; else one column per class). Numbers:
    less their mean. Survival: martingale residuals, the event less the cumulative hazard (Nelson-Aalen) at its time.
    """
    groups = np.zeros(len(task.samples), int) if groups is None else groups
    plain = targets(task)
    values = np.zeros_like(plain)
    for code in np.unique(groups[groups >= 0]):
        rows = groups == code
        if task.is_survival:
            times, events = task.survival
            values[rows, 0] = martingale(times[rows], events[rows])
        else:
            values[rows] = plain[rows] - plain[rows].mean(0)
    return values


def targets(task: Task) -> np.ndarray:
    """Labels as numbers (float N x K): of two classes 0 and 1, of more a column each, numbers, martingale residuals."""
    if task.is_survival:
        return martingale(*task.survival)[:, None]
    if task.is_regression:
        return task.values[:, None].astype(float)
    if len(task.classes) == 2:
        return (task.labels == 1)[:, None].astype(float)
    return (task.labels[:, None] == np.arange(len(task.classes))).astype(float)


def martingale(times: np.ndarray, events: np.ndarray) -> np.ndarray:
    """Martingale residuals (float N) of times and events without covariates; they sum to 0."""
    moments, place = np.unique(times, return_inverse=True)
    deaths = np.bincount(place, events.astype(float), len(moments))
    at_risk = np.bincount(place, minlength=len(moments))[::-1].cumsum()[::-1]
    return np.asarray(events - (deaths / at_risk).cumsum()[place])


def permuted_within(groups: np.ndarray, count: int, seed: int) -> np.ndarray:
    """`count` orders of N cases (int count x N), each a random exchange within groups (int N; below 0: stays)."""
    rng = np.random.default_rng(seed)
    orders = np.tile(np.arange(len(groups)), (count, 1))
    for code in np.unique(groups[groups >= 0]):
        rows = np.flatnonzero(groups == code)
        orders[:, rows] = rng.permuted(np.tile(rows, (count, 1)), axis=1)
    return orders


def share_as_large(observed: float, null: np.ndarray) -> float:
    """P value by permutation, the data themselves among the draws (Phipson and Smyth 2010); nan where `observed` is."""
    if not np.isfinite(observed):
        return float("nan")
    return float((1 + (null >= observed - 1e-9 * max(1.0, abs(observed))).sum()) / (1 + len(null)))
