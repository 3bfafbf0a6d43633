"""Protocols: frozen probes over folds with their controls, few-shot probes."""

from __future__ import annotations

import logging

import numpy as np

from ..common.settings.probe import Probe
from .controls import add_controls
from .further import MlpProbe, NestedProbe, standardised
from .probes import fit_knn, fit_logistic, fit_prototype
from .regression import RidgeProbe
from .results import COLUMNS, TIMES, Predict, Results, cox_settings, over_labels, over_times, sides
from .tasks import Task

__all__ = ["COLUMNS", "Results", "probe_fewshot", "probe_frozen", "sides"]
#: Draws of few samples from the one training side of a task with an official split.
SINGLE_FOLD_DRAWS = 5
log = logging.getLogger(__name__)


def probe_frozen(task: Task, x: np.ndarray, settings: Probe) -> Results:
    """Every frozen probe that the settings ask for on every fold, and the controls beside them.

    x: float N x D. Protocols: logistic, cox or ridge; logistic_C=… of `C_sweep`; those of `further`; permuted,
    site_only, patch_count_only (see controls.py).
    """
    results = Results(task, settings["cox"].get("times", TIMES))
    for name, predict in probes_of(task, x, settings).items():
        for fold in range(task.folds.shape[1]):
            results.add(name, fold, *sides(task, fold), predict)
    add_controls(results, task, x, settings)
    return results


def probes_of(task: Task, x: np.ndarray, settings: Probe) -> dict[str, Predict]:
    """Function of train and test positions of each protocol."""
    further = settings.get("further", ())
    if task.is_survival:
        cox = cox_settings(settings)
        found: dict[str, Predict] = {"cox": over_times(task, x, cox)}
        if "ridge_cox" in further:
            found["ridge_cox"] = over_times(task, x, {**cox, "l1_ratio": 0, "alpha": cox.get("ridge_alpha", 1)})
        return found
    if task.is_regression:
        found = {"ridge": RidgeProbe(task, x, settings)}
        return found | ({"mlp": MlpProbe(task, x, settings)} if "mlp" in further else {})
    found = {"logistic": over_labels(task, x, fit_logistic, settings)}
    for c in settings.get("C_sweep", ()):
        name, strength = ("adaptive", 0.0) if isinstance(c, str) else (f"{c:g}", c)
        found[f"logistic_C={name}"] = over_labels(task, x, fit_logistic, {**settings, "C": strength})
    for name, fit in (("knn", fit_knn), ("prototype", fit_prototype)):
        if name in further:
            found[name] = over_labels(task, x, fit, settings)
    if "standardised" in further:
        found["logistic_standardised"] = over_labels(task, x, standardised, settings)
    if "nested_C" in further:
        found["logistic_nested_C"] = NestedProbe(task, x, settings)
    if "mlp" in further:
        found["mlp"] = MlpProbe(task, x, settings)
    return found


def probe_fewshot(task: Task, x: np.ndarray, settings: Probe) -> Results:
    """Logistic probes on k training samples a class, drawn inside each fold's training side; the test side stays.

    `repeats` draws a fold; 0 takes one, and with a single fold SINGLE_FOLD_DRAWS, as in the paper (section 7.7). A k
    that a class of some fold can't fill is left out, as there (the log says so). Survival tasks have none.
    """
    results = Results(task)
    if task.is_survival or task.is_regression:
        return results
    folds, codes = range(task.folds.shape[1]), range(len(task.classes))
    smallest = min(np.bincount(task.labels[sides(task, fold)[0]], minlength=len(codes)).min() for fold in folds)
    predict = over_labels(task, x, fit_logistic, settings)
    for shots in settings["shots"]:
        if shots > smallest:
            log.warning("%s: no %d shots, for a class has %d training samples in some fold", task.name, shots, smallest)
            continue
        for repeat in range(settings["repeats"] or (SINGLE_FOLD_DRAWS if len(folds) == 1 else 1)):
            for fold in folds:
                train, test = sides(task, fold)
                rng = np.random.default_rng([settings["seed"], shots, repeat, fold])
                chosen = [rng.choice(train[task.labels[train] == code], shots, replace=False) for code in codes]
                results.add("fewshot", fold, np.sort(np.concatenate(chosen)), test, predict, shots=shots, repeat=repeat)
    return results
