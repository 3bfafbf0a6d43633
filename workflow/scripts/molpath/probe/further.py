"""Probes beyond the paper's: on standardised numbers, with a strength chosen inside the training side, and an MLP."""

from __future__ import annotations

import warnings

import numpy as np

from ..common.settings.probe import Probe
from .metrics import classification_metrics
from .probes import ProbeFailed, classes_of, fit_logistic, one_thread, spread, unit_of
from .regression import inner_folds
from .tasks import Task


def scaled(x: np.ndarray, x_test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both (float64) less the training mean, over the training deviation; numbers that don't vary become 0."""
    x, x_test = x.astype(np.float64), x_test.astype(np.float64)
    mean, deviation = x.mean(0), x.std(0)
    divisor = np.where(deviation > 1e-12, deviation, np.inf)
    return (x - mean) / divisor, (x_test - mean) / divisor


def standardised(x: np.ndarray, y: np.ndarray, x_test: np.ndarray, classes: int, settings: Probe) -> np.ndarray:
    """Class probabilities of the logistic probe on numbers that the training side scales.

    The penalty then weighs every number alike. On embeddings of small numbers (a mean of patches) C = 0.5 holds the
    plain probe back, and lets this one fit far more closely, as a larger C would.
    """
    classes_of(y)
    train, test = scaled(x, x_test)
    return fit_logistic(train, y, test, classes, settings)


class NestedProbe:
    """A logistic probe whose C is the one of `nested_C` with the best balanced accuracy on inner folds over cases.

    The smallest of equally good ones. What Results.add asks of a probe.
    """

    def __init__(self, task: Task, x: np.ndarray, settings: Probe):
        self.task, self.x, self.settings = task, x, settings
        self.cases = [task.cases.get(name, name) for name in task.samples]

    def __call__(self, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        """Class probabilities (float N_test x classes) of the samples at `test`, fitted on those at `train`."""
        return self._fit(train, test, self.choose(train))

    def choose(self, train: np.ndarray) -> float:
        """The strength of a training side; inner folds whose training part has one class only say nothing."""
        strengths = sorted(self.settings["nested_C"])
        scores = np.zeros(len(strengths))
        for inner, held_out in inner_folds([self.cases[i] for i in train]):
            for place, c in enumerate(strengths):
                try:
                    probabilities = self._fit(train[inner], train[held_out], c)
                except ProbeFailed:
                    continue
                scores[place] += classification_metrics(self.task.labels[train[held_out]], probabilities, ["bacc"])[
                    "bacc"
                ]
        return strengths[int(np.argmax(scores))]

    def _fit(self, train: np.ndarray, test: np.ndarray, c: float) -> np.ndarray:
        settings: Probe = {**self.settings, "C": c}
        unit = unit_of(self.x[train], settings.get("scale", "none"))
        x, x_test = self.x[train] / unit, self.x[test] / unit
        return fit_logistic(x, self.task.labels[train], x_test, len(self.task.classes), settings)


class MlpProbe:
    """A network of one hidden layer (`mlp_hidden`, ReLU) on standardised numbers: scikit-learn's, Adam, seed of probes.

    It stops when a tenth of the training samples has not been predicted better for ten epochs. Classes are weighted
    as by the logistic probe.
    """

    def __init__(self, task: Task, x: np.ndarray, settings: Probe):
        self.task, self.x, self.settings = task, x, settings

    def __call__(self, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        """Class probabilities (float N_test x classes), or numbers (float N_test), of the samples at `test`."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier, MLPRegressor
        from sklearn.utils.class_weight import compute_sample_weight

        task = self.task
        same = {
            "hidden_layer_sizes": (self.settings["mlp_hidden"],),
            "random_state": self.settings["seed"],
            "early_stopping": len(train) >= 50,
            "max_iter": 200,
        }
        x, x_test = scaled(self.x[train], self.x[test])
        with one_thread(), warnings.catch_warnings():
            # Adam runs out its epochs on a few samples, which is how it ends there.
            warnings.simplefilter("ignore", ConvergenceWarning)
            if task.is_regression:
                y = task.values[train]
                middle, width = y.mean(), y.std() or 1
                return middle + width * MLPRegressor(**same).fit(x, (y - middle) / width).predict(x_test)
            y = task.labels[train]
            present = classes_of(y)
            if np.bincount(y)[present].min() < 2:  # a stratified part to stop by can't be taken
                same["early_stopping"] = False
            model = MLPClassifier(**same).fit(x, y, sample_weight=compute_sample_weight("balanced", y))
            return spread(model.predict_proba(x_test), present, len(task.classes))
