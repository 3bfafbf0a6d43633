"""Results of a job, fold by fold, and how a probe is fitted on a fold."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..common.settings.probe import Probe, Solvers
from ..common.task_rules import ALWAYS
from .baseline import survival_at, survival_name
from .metrics import classification_metrics, concordance, time_dependent_auc
from .probes import CoxFit, ProbeFailed, fit_cox, unit_of
from .regression import regression_metrics
from .tasks import Task

log = logging.getLogger(__name__)

COLUMNS = ["protocol", "shots", "repeat", "fold", "metric", "value", "n_train", "n_test", "note"]
#: Note of a row whose solver stopped before it had converged.
UNCONVERGED = "the solver stopped before it converged"
#: Note of a row whose Cox model is empty: every sample has the same risk, and the score says nothing of the embeddings.
EMPTY = "no coefficient kept"
#: Note of a fold whose tuned network predicts its own training side no better than shuffled labels.
AT_CHANCE = "at chance on its own training side"
#: Note of a fold that trains on a case and tests it, which the task's allow_case_overlap permits.
OVERLAP = "a case is on both sides"
#: What solvers warn of (words of category and message), and the note it becomes.
WARNINGS = {"ConvergenceWarning": UNCONVERGED, "all coefficients are zero": EMPTY}
#: Days at which the risk of a survival probe is judged, unless the settings say otherwise.
TIMES = (365, 1095, 1825)

Predict = Callable[[np.ndarray, np.ndarray], np.ndarray]
#: (training samples, their labels, samples to predict, number of classes, settings) -> probabilities
Fit = Callable[[np.ndarray, np.ndarray, np.ndarray, int, Probe], np.ndarray]


class Results:
    """Predictions and metrics of a job, row by row."""

    def __init__(self, task: Task, times: Sequence[float] = TIMES):
        self.task, self.times = task, times
        self.predictions: list[pd.DataFrame] = []
        self.metrics: list[dict[str, Any]] = []
        _, self._case = np.unique([task.cases.get(name, name) for name in task.samples], return_inverse=True)

    def overlap(self, train: np.ndarray, test: np.ndarray) -> str:
        """OVERLAP where a case has samples among both positions, else ''."""
        return OVERLAP * bool(np.isin(self._case[test], self._case[train]).any())

    def add(
        self,
        protocol: str,
        fold: int,
        train: np.ndarray,
        test: np.ndarray,
        predict: Predict,
        *,
        shots: int = 0,
        repeat: int = 0,
        order: np.ndarray | None = None,
    ) -> None:
        """Fit and predict one fold; a failed probe is a row with a note and no value.

        order: permuted positions whose labels, or times and events, each sample takes; then only the task's own metrics
        are computed, and of classes no predictions are kept (the seed gives them again); those of survival are, with
        the permuted times, for risk groups are tested against them.
        """
        task = self.task
        fold_keys = {"protocol": protocol, "shots": shots, "repeat": repeat, "fold": fold}
        sizes = {"n_train": len(train), "n_test": len(test)}
        try:
            predicted, notes = fitted(predict, train, test)
        except ProbeFailed as error:
            log.log(logging.WARNING if order is None else logging.DEBUG, "%s %s: %s", task.name, fold_keys, error)
            self.metrics.append(fold_keys | {"metric": task.primary, "value": np.nan} | sizes | {"note": str(error)})
            return
        if isinstance(predict, CoxProbe) and predict.empty and EMPTY not in notes:
            notes.append(EMPTY)
        notes.append(self.overlap(train, test))
        score = self._survival if task.is_survival else self._values if task.is_regression else self._classes
        for name, (value, reason) in score(train, test, predicted, order).items():
            note = "; ".join(part for part in (reason, *notes) if part)
            self.metrics.append(fold_keys | {"metric": name, "value": value} | sizes | {"note": note})
        if order is None or task.is_survival:
            cutoff = predict.cutoff if isinstance(predict, CoxProbe) else np.nan
            guesses = self._table(fold_keys, test, predicted, cutoff, order)
            if order is None and isinstance(predict, CoxProbe):
                guesses = guesses.assign(**predict.survival(predicted, self.times))
            self.predictions.append(guesses)

    def add_training(self, protocol: str, fold: int, values: Mapping[str, float], note: str) -> None:
        """Rows of what a fold that was added has on its training side; the note is repeated at its own metric."""
        fold_rows = [row for row in self.metrics if (row["protocol"], row["fold"]) == (protocol, fold)]
        first = next(row for row in fold_rows if row["metric"] == self.task.primary)
        self.metrics += [first | {"metric": name, "value": value, "note": note} for name, value in values.items()]
        first["note"] = "; ".join(part for part in (first["note"], note) if part)

    def _classes(
        self, _: np.ndarray, test: np.ndarray, predicted: np.ndarray, order: np.ndarray | None
    ) -> dict[str, tuple[float, str]]:
        task = self.task
        truth = (task.labels if order is None else task.labels[order])[test]
        names = task.metrics if order is not None else list(dict.fromkeys([*task.metrics, *ALWAYS]))
        values = classification_metrics(truth, predicted, names)
        reason = "the test side has one class only" if len(np.unique(truth)) < 2 else "not defined on this test side"
        return {name: (value, "" if np.isfinite(value) else reason) for name, value in values.items()}

    def _values(
        self, _: np.ndarray, test: np.ndarray, predicted: np.ndarray, order: np.ndarray | None
    ) -> dict[str, tuple[float, str]]:
        truth = (self.task.values if order is None else self.task.values[order])[test]
        reason = "no spread on this test side"
        metrics = regression_metrics(truth, predicted)
        return {name: (value, "" if np.isfinite(value) else reason) for name, value in metrics.items()}

    def _survival(
        self, train: np.ndarray, test: np.ndarray, risk: np.ndarray, order: np.ndarray | None
    ) -> dict[str, tuple[float, str]]:
        times, events = survival_of(self.task, order)
        value = concordance(times[test], events[test], risk)
        reason = "no event on the test side" if not events[test].any() else "no two test samples can be ranked"
        metrics = {"cindex": (value, "" if np.isfinite(value) else reason)}
        if order is not None or not len(self.times):
            return metrics
        train_survival, test_survival = ((times[side], events[side]) for side in (train, test))
        return metrics | time_dependent_auc(train_survival, test_survival, risk, self.times)

    def _table(
        self,
        fold_keys: Mapping[str, Any],
        test: np.ndarray,
        predicted: np.ndarray,
        cutoff: float,
        order: np.ndarray | None,
    ) -> pd.DataFrame:
        task = self.task
        names = [task.samples[i] for i in test]
        table = pd.DataFrame({"sample_id": names, "case_id": [task.cases.get(name, name) for name in names]})
        table = table.assign(**fold_keys)
        if task.is_survival:
            times, events = survival_of(task, order)
            return table.assign(time=times[test], event=events[test], risk=predicted, cutoff=cutoff)
        if task.is_regression:
            return table.assign(value=task.values[test], predicted=predicted)
        table["label"] = task.labels[test]
        for code in range(len(task.classes)):
            table[f"prob_{code}"] = predicted[:, code]
        return table


def fitted(predict: Predict, train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Predictions of the test side, and notes of what the solver warned of; warnings of anything else pass.

    Raises ProbeFailed where the test side is empty.
    """
    if not len(test):
        raise ProbeFailed("the test side is empty")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        predicted = predict(train, test)
    notes = []
    for warning in caught:
        note = next(
            (note for word, note in WARNINGS.items() if word in f"{warning.category.__name__}: {warning.message}"), ""
        )
        if not note:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        elif note not in notes:
            notes.append(note)
    return predicted, notes


def survival_of(task: Task, order: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Times and events of a survival task; order: positions whose times and events the samples take (None: own)."""
    times, events = task.survival
    return (times, events) if order is None else (times[order], events[order])


def sides(task: Task, fold: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of train and test samples of a fold."""
    return np.flatnonzero(task.folds[:, fold] == "train"), np.flatnonzero(task.folds[:, fold] == "test")


def cox_settings(settings: Solvers) -> CoxFit:
    """Settings of the Cox probes; `plain` and `scale` are those of all probes."""
    return {**settings["cox"], "plain": settings.get("plain", False), "scale": settings.get("scale", "none")}


def over_labels(task: Task, x: np.ndarray, fit: Fit, settings: Probe, order: np.ndarray | None = None) -> Predict:
    """Fit a classifier on the samples of the first positions, predict those of the second; order: see survival_of."""
    y, classes = task.labels if order is None else task.labels[order], len(task.classes)

    def predict(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        unit = unit_of(x[train], settings.get("scale", "none"))
        return fit(x[train] / unit, y[train], x[test] / unit, classes, settings)

    return predict


class CoxProbe:
    """A Cox model on samples x (float N x D): what Results.add asks of a probe.

    cutoff: median risk of the training samples that it was last fitted on, where risk groups are cut; empty: that model
    kept no coefficient, so that all samples have one risk; fitted: risks, times and events of those samples.
    """

    def __init__(self, x: np.ndarray, times: np.ndarray, events: np.ndarray, settings: CoxFit):
        self.x, self.times, self.events, self.settings = x, times, events, settings
        self.cutoff, self.empty = np.nan, False
        self.fitted: tuple[np.ndarray, np.ndarray, np.ndarray] = (np.zeros(0), np.zeros(0), np.zeros(0, bool))

    def __call__(self, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        """Risk (float N_test) of the samples at `test`, fitted on those at `train`."""
        unit = unit_of(self.x[train], self.settings["scale"])
        samples = self.x[np.concatenate([test, train])] / unit
        risk = fit_cox(samples[len(test) :], self.times[train], self.events[train], samples, self.settings)
        self.cutoff, self.empty = float(np.median(risk[len(test) :])), bool(np.ptp(risk) == 0)
        self.fitted = risk[len(test) :], self.times[train], self.events[train]
        return risk[: len(test)]

    def survival(self, risk: np.ndarray, days: Sequence[float]) -> dict[str, np.ndarray]:
        """Columns of the predicted survival (float N) at stated days, of samples with the risk of the last fit."""
        curves = survival_at(*self.fitted, risk, days)
        return {survival_name(day): curves[:, place] for place, day in enumerate(days)}


def over_times(task: Task, x: np.ndarray, settings: CoxFit, order: np.ndarray | None = None) -> CoxProbe:
    """A Cox probe on a task; order: positions whose times and events the samples take."""
    return CoxProbe(x, *survival_of(task, order), settings)
