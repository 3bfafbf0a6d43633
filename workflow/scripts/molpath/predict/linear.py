"""A frozen probe as one linear function, read from the protocol's own solver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..common.settings.probe import Probe
from ..probe.probes import fit_cox, logistic_model, unit_of
from ..probe.regression import fit_ridge
from ..probe.results import cox_settings
from ..probe.tasks import Task


@dataclass(frozen=True)
class Linear:
    """A linear function of embeddings.

    coefficients: float64 K x D, intercept: float64 K, of embeddings over `unit`; of two classes K is 1, the logit of
    the second against the first. A class that no training sample has gets an intercept of -inf.
    """

    coefficients: np.ndarray
    intercept: np.ndarray
    unit: float

    def logits(self, x: np.ndarray) -> np.ndarray:
        """Values (float64 N x K) of embeddings x (float N x D), divided in their own precision as the protocol does."""
        return (x / self.unit).astype(np.float64) @ self.coefficients.T + self.intercept


def fit_linear(task: Task, x: np.ndarray, rows: np.ndarray, settings: Probe) -> Linear:
    """The frozen protocol's first probe (logistic, cox or ridge) of a task, fitted on samples at `rows` of x (N x D).

    Classes are those of the task, by its labels' codes. Raises ProbeFailed where the solver has no data.
    """
    unit = unit_of(x[rows], settings.get("scale", "none"))
    train = x[rows] / unit
    if task.is_survival:
        times, events = (values[rows] for values in task.survival)
        return read_off(lambda z: fit_cox(train, times, events, z, cox_settings(settings))[:, None], x.shape[1], unit)
    if task.is_regression:
        cases = [task.cases.get(task.samples[row], task.samples[row]) for row in rows]
        y, alphas = task.values[rows, None], settings["ridge_alphas"]
        return read_off(lambda z: fit_ridge(train, y, z, cases, alphas), x.shape[1], unit)
    return fit_classes(train, task.labels[rows], len(task.classes), settings, unit)


def fit_classes(train: np.ndarray, labels: np.ndarray, classes: int, settings: Probe, unit: float) -> Linear:
    """The balanced logistic regression of labels (int N) on samples that are divided by `unit` already."""
    model = logistic_model(train, labels, classes, settings)
    fitted, offset = np.asarray(model.coef_, np.float64), np.asarray(model.intercept_, np.float64)
    if classes == 2:
        return Linear(fitted, offset, unit)
    coefficients, intercept = np.zeros((classes, train.shape[1])), np.full(classes, -np.inf)
    present = model.classes_
    # Of two classes the library has the second's logit against the first's.
    coefficients[present[-len(fitted) :]] = fitted
    intercept[present] = 0
    intercept[present[-len(fitted) :]] = offset
    return Linear(coefficients, intercept, unit)


def read_off(predict: Callable[[np.ndarray], np.ndarray], width: int, unit: float) -> Linear:
    """The linear function (of `width` numbers to K) whose values `predict` gives: at the origin and along each axis."""
    outputs = predict(np.concatenate([np.zeros((1, width)), np.eye(width)]))
    return Linear(np.ascontiguousarray((outputs[1:] - outputs[0]).T), outputs[0].copy(), unit)
