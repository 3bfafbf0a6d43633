"""Protocols: frozen probes over folds, permuted labels as a control, few-shot probes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from .metrics import ALWAYS, classification_metrics, concordance
from .probes import ProbeFailed, fit_cox, fit_logistic
from .tasks import Task

log = logging.getLogger(__name__)

COLUMNS = ["protocol", "shots", "repeat", "fold", "metric", "value", "n_train", "n_test", "note"]


class Results:
    """Predictions and metrics of a job, row by row."""

    def __init__(self, task: Task):
        self.task = task
        self.predictions: list[pd.DataFrame] = []
        self.metrics: list[dict[str, Any]] = []
        #: Median risk of the training side of the probe that was fitted last: where risk groups are cut.
        self.cutoff = np.nan

    def add(
        self, protocol: str, fold: int, train: np.ndarray, test: np.ndarray, predict, *, shots=0, repeat=0, labels=None
    ):
        """Fit and predict one fold; a failed probe is a row with a note and no value. `labels` as permuted."""
        task = self.task
        where = {"protocol": protocol, "shots": shots, "repeat": repeat, "fold": fold}
        sizes = {"n_train": len(train), "n_test": len(test)}
        try:
            predicted = predict(train, test)
        except ProbeFailed as error:
            log.warning("%s %s: %s", task.name, where, error)
            name = "cindex" if task.is_survival else task.metrics[0]
            self.metrics.append(where | {"metric": name, "value": np.nan} | sizes | {"note": str(error)})
            return
        if task.is_survival:
            values = {"cindex": concordance(task.times[test], task.events[test], predicted)}
        else:
            truth = task.labels[test] if labels is None else labels[test]
            names = task.metrics if labels is not None else list(dict.fromkeys([*task.metrics, *ALWAYS]))
            values = classification_metrics(truth, predicted, names)
        self.metrics += [
            where | {"metric": name, "value": value} | sizes | {"note": ""} for name, value in values.items()
        ]
        if labels is None:
            self.predictions.append(self._table(where, test, predicted))

    def _table(self, where, test: np.ndarray, predicted: np.ndarray) -> pd.DataFrame:
        task = self.task
        table = pd.DataFrame({"sample_id": [task.samples[i] for i in test]}).assign(**where)
        if task.is_survival:
            return table.assign(time=task.times[test], event=task.events[test], risk=predicted, cutoff=self.cutoff)
        table["label"] = task.labels[test]
        for code in range(len(task.classes)):
            table[f"prob_{code}"] = predicted[:, code]
        return table


def sides(task: Task, fold: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of train and test samples of a fold."""
    return np.flatnonzero(task.folds[:, fold] == "train"), np.flatnonzero(task.folds[:, fold] == "test")


def probe_frozen(task: Task, x: np.ndarray, settings: Mapping[str, Any]) -> Results:
    """Linear or Cox probe on every fold, and for classification the same with permuted labels as a control."""
    results = Results(task)

    def logistic(labels):
        classes = len(task.classes)
        return lambda train, test: fit_logistic(x[train], labels[train], x[test], classes, settings)

    def cox(train, test):
        both = np.concatenate([test, train])
        risk = fit_cox(x[train], task.times[train], task.events[train], x[both], settings["cox"])
        results.cutoff = float(np.median(risk[len(test) :]))
        return risk[: len(test)]

    for fold in range(task.folds.shape[1]):
        train, test = sides(task, fold)
        results.add(
            "cox" if task.is_survival else "logistic",
            fold,
            train,
            test,
            cox if task.is_survival else logistic(task.labels),
        )
    if not task.is_survival:
        add_permuted(results, task, x, settings)
    return results


def add_permuted(results: Results, task: Task, x: np.ndarray, settings: Mapping[str, Any]) -> None:
    """The control: labels shuffled over samples, the same folds.

    Many fits on one training side: its samples span fewer dimensions than the embedding has, and an L2-penalised
    probe never leaves their span, so it is fitted there (probabilities within 4e-4 of the plain fit, which is the
    solver's tolerance, and 6 times faster with 51 samples of 1,280 numbers).
    """
    classes = len(task.classes)
    for fold in range(task.folds.shape[1]):
        train, test = sides(task, fold)
        basis = np.linalg.qr(x[train].T.astype(np.float64))[0] if len(train) < x.shape[1] else np.eye(x.shape[1])
        small = x @ basis
        for repeat in range(settings["permutations"]):
            labels = np.random.default_rng([settings["seed"], repeat]).permutation(task.labels)

            def predict(a, b, labels=labels):
                return fit_logistic(small[a], labels[a], small[b], classes, settings)  # noqa: B023 (used at once)

            results.add("permuted", fold, train, test, predict, repeat=repeat, labels=labels)


def probe_fewshot(task: Task, x: np.ndarray, settings: Mapping[str, Any]) -> Results:
    """Logistic probes on k training samples a class, drawn inside each fold's training side; the test side stays.

    A k that a class of some fold can't fill is left out, as in the paper. Survival tasks have none.
    """
    results = Results(task)
    if task.is_survival:
        return results
    classes = len(task.classes)
    for shots in settings["shots"]:
        smallest = min(
            np.bincount(task.labels[sides(task, fold)[0]], minlength=classes).min()
            for fold in range(task.folds.shape[1])
        )
        if shots > smallest:
            continue
        for repeat in range(settings["repeats"]):
            for fold in range(task.folds.shape[1]):
                train, test = sides(task, fold)
                rng = np.random.default_rng([settings["seed"], shots, repeat, fold])
                chosen = np.concatenate(
                    [rng.choice(train[task.labels[train] == code], shots, replace=False) for code in range(classes)]
                )
                predict = lambda a, b: fit_logistic(x[a], task.labels[a], x[b], classes, settings)  # noqa: E731
                results.add("fewshot", fold, np.sort(chosen), test, predict, shots=shots, repeat=repeat)
    return results
