"""Cross-fitting: what the probe of each fold says of the samples that it left out, and what is calibrated on that."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..common.settings.probe import Probe
from ..probe.calibration import ERROR, pooled_calibration
from ..probe.cohorts import case_of
from ..probe.probes import ProbeFailed
from ..probe.results import sides
from ..probe.tasks import Task
from ..probe.temperature import RANGE, fit_temperature, tempered
from .conformal import Calibration, both_sides, nonconformity
from .linear import Linear, fit_linear

log = logging.getLogger(__name__)

#: Left-out cases that a temperature needs, of each of two classes at least.
FEWEST = 5
#: How sets and intervals are made, by kind.
METHODS = {
    "classes": "cross-conformal, log odds of a class; each case counts once",
    "regression": "CV+, absolute residual; each case counts once",
}


class Crossed(NamedTuple):
    """Samples that folds left out, scored by the folds' probes.

    probes: one a fold that could be fitted; fold, row: int64 M, place among them, sample; values: float64 M x K, logits
    or numbers; case: int64 N, of every sample; left_out: folds without a probe, and why.
    """

    probes: list[Linear]
    fold: np.ndarray
    row: np.ndarray
    values: np.ndarray
    case: np.ndarray
    left_out: list[dict[str, Any]]


def cross_fit(task: Task, x: np.ndarray, settings: Probe) -> Crossed:
    """Probes of the task's folds and what they say of the samples that they leave out.

    A sample whose case is on the training side, as allow_case_overlap lets pass, is not left out.
    """
    names = case_of(task)
    case = np.searchsorted(np.unique(names.astype(str)), names.astype(str))
    probes: list[Linear] = []
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    left_out: list[dict[str, Any]] = []
    for number in range(task.folds.shape[1]):
        train, test = sides(task, number)
        test = test[~np.isin(case[test], case[train])]
        try:
            if not len(test):
                raise ProbeFailed("no case is left out")
            probe = fit_linear(task, x, train, settings)
        except ProbeFailed as error:
            log.warning("%s, fold %d: %s", task.name, number, error)
            left_out.append({"fold": number, "reason": str(error)})
            continue
        parts.append((np.full(len(test), len(probes)), test, probe.logits(x[test])))
        probes.append(probe)
    if not parts:
        outputs = len(task.classes) if len(task.classes) > 2 else 1
        return Crossed([], *(np.zeros(0, np.int64),) * 2, np.zeros((0, outputs)), case, left_out)
    fold, row, values = (np.concatenate(one) for one in zip(*parts, strict=True))
    return Crossed(probes, fold, row, values, case, left_out)


def stacked(probes: Sequence[Linear], outputs: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (float64 F x K x D, of embeddings as they are) and intercepts (F x K) of the folds' probes."""
    if not probes:
        return np.zeros((0, outputs, width)), np.zeros((0, outputs))
    return np.stack([one.coefficients / one.unit for one in probes]), np.stack([one.intercept for one in probes])


def calibrated_by(task: Task, crossed: Crossed) -> Calibration:
    """Score of each left-out sample of a task of classes or numbers."""
    if task.is_regression:
        labels = np.zeros(len(crossed.row), np.int64)
        score = np.abs(task.values[crossed.row] - crossed.values[:, 0])
    else:
        labels = task.labels[crossed.row]
        score = nonconformity(crossed.values)[np.arange(len(labels)), labels]
    return Calibration(crossed.fold, crossed.case[crossed.row], labels, score)


def conformal_facts(task: Task, crossed: Crossed, calibration: Calibration) -> dict[str, Any]:
    """What sets and intervals rest on."""
    counted = {name: calibration.shares(code)[1] for code, name in enumerate(task.classes)}
    cases = calibration.shares()[1]
    return {
        "method": METHODS["regression" if task.is_regression else "classes"],
        "n_cases": cases,
        "n_cases_never_left_out": len(np.unique(crossed.case)) - cases,
        "n_cases_by_class": counted,
        "folds": len(crossed.probes),
        "folds_left_out": crossed.left_out,
    }


def temperature_facts(task: Task, crossed: Crossed) -> dict[str, Any]:
    """One temperature of the left-out samples' logits, a case counting 1, or none and why; errors of calibration."""
    every = both_sides(crossed.values)
    whole = np.isfinite(every).all(1)  # of folds whose training side has every class
    row, every = crossed.row[whole], every[whole]
    labels, case = task.labels[row], crossed.case[row]
    counts = [len(np.unique(case[labels == code])) for code in range(len(task.classes))]
    if sum(count >= FEWEST for count in counts) < 2:
        told = ", ".join(f"{name} {count}" for name, count in zip(task.classes, counts, strict=True))
        return {"temperature_note": f"none: fewer than {FEWEST} left-out cases of two classes ({told})"}
    _, place, times = np.unique(case, return_inverse=True, return_counts=True)
    shares = 1 / times[place]
    found = fit_temperature(every, labels, shares)
    if not RANGE[0] * 1.01 < found < RANGE[1] / 1.01:
        return {"temperature_note": f"none: the best one lies at the end of what is tried ({found:.3g})"}
    error = {
        name: float(pooled_calibration(labels, tempered(every, value), shares[None], len(times))[ERROR][0])
        for name, value in (("ece", 1.0), ("ece_calibrated", found))
    }
    lost = f", without {int((~whole).sum())} rows of folds that lack a class" if not whole.all() else ""
    note = f"of {len(times)} left-out cases{lost}"
    return {"temperature": found, "temperature_note": note, "calibration": error}
