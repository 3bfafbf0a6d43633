"""Fitting a predictor: the frozen protocol's probe on every labelled case, and on each fold for calibration."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from ..common.settings.probe import Probe
from ..probe.probes import ProbeFailed, adaptive_c
from ..probe.results import fitted
from ..probe.tasks import BadTask, Task
from .conformal import Calibration
from .crossing import calibrated_by, conformal_facts, cross_fit, stacked, temperature_facts
from .linear import Linear, fit_linear
from .predictor import JOIN, Predictor
from .survival import breslow

NO_CALIBRATION = Calibration(*(np.zeros(0, np.int64),) * 3, np.zeros(0))
OUT = "take it out of probe/predictors"
#: Name of the probe in the results of the frozen protocol, by kind.
PROTOCOLS = {"classes": "logistic", "survival": "cox", "regression": "ridge"}


def fit(task: Task, x: np.ndarray, settings: Probe) -> Predictor:
    """The predictor of a task from embeddings x (float N x D) of its samples; facts hold those of the fit.

    Classes are those that samples have. Raises BadTask where nothing is left to predict.
    """
    if task.classes:
        settings = {**settings, "C": settings["C"] or adaptive_c(x.shape[1], len(task.classes))}
    task, absent = of_present_classes(task)
    kind = "survival" if task.is_survival else "regression" if task.is_regression else "classes"
    if kind == "classes" and len(task.classes) < 2:
        raise BadTask(
            f"{task.name}: nothing to predict, for every labelled sample is of class {task.classes[0]}: {OUT}"
        )
    if ambiguous := [name for name in task.classes if JOIN in name]:
        raise BadTask(
            f"{task.name}: class {ambiguous[0]} has a {JOIN} in its name, which separates the classes of a set: {OUT}"
        )
    everyone = np.arange(len(task.samples))
    try:
        linear, notes = noted(lambda: fit_linear(task, x, everyone, settings), everyone)
    except ProbeFailed as error:
        raise BadTask(f"{task.name}: nothing to predict, for {error}: {OUT}") from error
    facts = {
        "kind": kind,
        "model": "",
        "task": task.name,
        "sample": task.unit,
        "classes": list(task.classes),
        "classes_without_cases": absent,
        "width": int(x.shape[1]),
        "probe": probe_facts(kind, settings) | {"notes": notes},
        "scale": {"scale": settings.get("scale", "none"), "unit": linear.unit},
        "temperature": None,
        "temperature_note": "of classes alone",
    }
    if kind == "survival":
        risk = linear.logits(x)[:, 0]
        facts["survival"] = survival_facts(task, risk, settings)
        nothing = stacked([], 1, x.shape[1])
        return Predictor(kind, [], facts, linear, *nothing, NO_CALIBRATION, breslow(risk, *task.survival))
    cross_fits = cross_fit(task, x, settings)
    calibration = calibrated_by(task, cross_fits)
    facts["conformal"] = conformal_facts(task, cross_fits)
    if kind == "classes":
        facts |= temperature_facts(task, cross_fits)
    folds = stacked(cross_fits.probes, len(linear.intercept), x.shape[1])
    return Predictor(kind, list(task.classes), facts, linear, *folds, calibration)


def noted(make: Callable[[], Linear], rows: np.ndarray) -> tuple[Linear, list[str]]:
    """What `make` fits, and notes of what the solver warned of."""
    linears: list[Linear] = []

    def predict(_: np.ndarray, __: np.ndarray) -> np.ndarray:
        linears.append(make())
        return linears[0].intercept

    _, notes = fitted(predict, rows, rows)
    return linears[0], notes


def of_present_classes(task: Task) -> tuple[Task, list[str]]:
    """The task without classes that have no sample, and their names."""
    if not task.classes:
        return task, []
    present = np.unique(task.labels)
    present_names = [task.classes[code] for code in present]
    absent = [name for name in task.classes if name not in present_names]
    return dataclasses.replace(task, classes=present_names, labels=np.searchsorted(present, task.labels)), absent


def survival_facts(task: Task, risk: np.ndarray, settings: Probe) -> dict[str, Any]:
    """Where risk groups are cut (the median training risk, as the protocol does), horizons, follow-up."""
    times, events = task.survival
    return {
        "cutoff": float(np.median(risk)),
        "times": [float(days) for days in settings["cox"].get("times", ())],
        "follow_up": float(times.max()),
        "n_events": int(events.sum()),
        "endpoint": task.endpoint,
    }


def probe_facts(kind: str, settings: Probe) -> dict[str, Any]:
    """The protocol and the settings that decide the fit."""
    facts: dict[str, Any] = {"protocol": PROTOCOLS[kind]}
    if kind == "classes":
        return facts | {"C": settings["C"], "class_weight": "balanced", "max_iter": settings["max_iter"]}
    if kind == "regression":
        return facts | {"alphas": list(settings["ridge_alphas"])}
    return facts | {key: settings["cox"][key] for key in ("alpha", "l1_ratio", "max_iter")}  # type: ignore[literal-required]
