"""Cross-fitting: what probes say about cases that they left out, and what is calibrated on that.

Not on the folds of the task: those may test a part of the cases alone, or several times, and with five of them a probe
of four fifths of the cases differs from the one that is kept. Sets would be too large: on 100 cases of 500 numbers
they held 93 % of new cases where 90 were asked for, with 20 folds 91 (tests/unit/predict/test_coverage.py has them).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..common.settings.probe import Probe
from ..probe.calibration import ERROR, pooled_calibration
from ..probe.cohorts import case_of
from ..probe.probes import ProbeFailed
from ..probe.tasks import Task
from ..probe.temperature import RANGE, fit_temperature, tempered
from .conformal import Calibration, both_sides, nonconformity
from .linear import Linear, fit_linear

log = logging.getLogger(__name__)

#: Parts that cases are dealt into, each left out once.
FOLDS = 20
#: Left-out cases that a temperature needs, of each of two classes at least.
FEWEST = 5
#: How sets and intervals are made, by kind.
METHODS = {
    "classes": "cross-conformal, log odds of a class; each case counts once",
    "regression": "CV+, absolute residual; each case counts once",
}


class Crossed(NamedTuple):
    """Samples that were left out, scored by the probes that did so.

    probes: one per fold that could be fitted; fold, row: int64 M, place among them, sample; values: float64 M x K,
    logits or numbers; case: int64 N, of every sample; left_out: folds without a probe, and why.
    """

    probes: list[Linear]
    fold: np.ndarray
    row: np.ndarray
    values: np.ndarray
    case: np.ndarray
    left_out: list[dict[str, Any]]


def cross_fit(task: Task, x: np.ndarray, settings: Probe) -> Crossed:
    """Probes that leave a part of the cases out, and what they say about the samples of those cases."""
    names = case_of(task).astype(str)
    _, case = np.unique(names, return_inverse=True)
    sides = dealt(task, case, settings["seed"])
    probes: list[Linear] = []
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    left_out: list[dict[str, Any]] = []
    for number in range(int(sides.max()) + 1):
        train, test = np.flatnonzero(sides != number), np.flatnonzero(sides == number)
        try:
            probe = fit_linear(task, x, train, settings)
        except ProbeFailed as error:
            log.warning("%s, part %d: %s", task.name, number, error)
            left_out.append({"fold": number, "reason": str(error)})
            continue
        parts.append((np.full(len(test), len(probes)), test, probe.logits(x[test])))
        probes.append(probe)
    if not parts:
        outputs = len(task.classes) if len(task.classes) > 2 else 1
        return Crossed([], *(np.zeros(0, np.int64),) * 2, np.zeros((0, outputs)), case, left_out)
    fold, row, values = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Crossed(probes, fold, row, values, case, left_out)


def dealt(task: Task, case: np.ndarray, seed: int) -> np.ndarray:
    """Fold (int N) of each sample: cases (int N, 0..) are dealt out over FOLDS, class by class."""
    cases, first = np.unique(case, return_index=True)
    chance = np.random.default_rng([seed, 27]).permutation(len(cases))
    order = np.lexsort((chance, task.labels[first]))
    fold = np.empty(len(cases), np.int64)
    fold[order] = np.arange(len(cases)) % FOLDS
    return fold[case]


def stacked(probes: Sequence[Linear], outputs: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (float64 F x K x D, of embeddings as they are) and intercepts (F x K) of the folds' probes."""
    if not probes:
        return np.zeros((0, outputs, width)), np.zeros((0, outputs))
    return np.stack([probe.coefficients / probe.unit for probe in probes]), np.stack(
        [probe.intercept for probe in probes]
    )


def calibrated_by(task: Task, cross_fits: Crossed) -> Calibration:
    """Score of each left-out sample of a task of classes or numbers.

    Samples of cases that no probe left out have inf: the one case of a class is such a case, and its like are those
    that sets miss. Without it sets held 81 % of new cases where 90 were asked for (10 cases, one of the second class).
    """
    if task.is_regression:
        labels = np.zeros(len(cross_fits.row), np.int64)
        score = np.abs(task.values[cross_fits.row] - cross_fits.values[:, 0])
    else:
        labels = task.labels[cross_fits.row]
        score = nonconformity(cross_fits.values)[np.arange(len(labels)), labels]
    never = (
        np.setdiff1d(np.arange(len(cross_fits.case)), cross_fits.row) if cross_fits.probes else np.zeros(0, np.int64)
    )
    never_labels = np.zeros(len(never), np.int64) if task.is_regression else task.labels[never]
    return Calibration(
        np.append(cross_fits.fold, np.zeros(len(never), np.int64)),
        cross_fits.case[np.append(cross_fits.row, never)],
        np.append(labels, never_labels),
        np.append(score, np.full(len(never), np.inf)),
    )


def conformal_facts(task: Task, cross_fits: Crossed) -> dict[str, Any]:
    """Facts about the calibration of sets and intervals."""
    case, labels = cross_fits.case[cross_fits.row], task.labels[cross_fits.row]
    counted = {name: len(np.unique(case[labels == code])) for code, name in enumerate(task.classes)}
    cases = len(np.unique(case))
    return {
        "method": METHODS["regression" if task.is_regression else "classes"],
        "n_cases": cases,
        "n_cases_never_left_out": len(np.unique(cross_fits.case)) - cases,
        "n_cases_by_class": counted,
        "folds": len(cross_fits.probes),
        "folds_left_out": cross_fits.left_out,
    }


def temperature_facts(task: Task, cross_fits: Crossed) -> dict[str, Any]:
    """One temperature of the left-out samples' logits, each case with weight 1, or none and why; errors of
    calibration."""
    logits = both_sides(cross_fits.values)
    is_complete = np.isfinite(logits).all(1)  # of folds whose training side has every class
    row, logits = cross_fits.row[is_complete], logits[is_complete]
    labels, case = task.labels[row], cross_fits.case[row]
    counts = [len(np.unique(case[labels == code])) for code in range(len(task.classes))]
    if sum(count >= FEWEST for count in counts) < 2:
        class_counts = ", ".join(f"{name} {count}" for name, count in zip(task.classes, counts, strict=True))
        return {"temperature_note": f"none: fewer than {FEWEST} left-out cases of two classes ({class_counts})"}
    if (nonconformity(logits)[np.arange(len(labels)), labels] < 0).all():
        return {"temperature_note": "none: every left-out case is right, so that the smallest temperature is the best"}
    _, place, times = np.unique(case, return_inverse=True, return_counts=True)
    shares = 1 / times[place]
    temperature = fit_temperature(logits, labels, shares)
    if not RANGE[0] * 1.01 < temperature < RANGE[1] / 1.01:
        return {"temperature_note": f"none: the best one is at the end of the range ({temperature:.3g})"}
    error = {
        name: float(pooled_calibration(labels, tempered(logits, value), shares[None], len(times))[ERROR][0])
        for name, value in (("ece", 1.0), ("ece_calibrated", temperature))
    }
    left_out_note = (
        f", without {int((~is_complete).sum())} rows of folds that lack a class" if not is_complete.all() else ""
    )
    note = f"of {len(times)} left-out cases{left_out_note}"
    return {"temperature": temperature, "temperature_note": note, "calibration": error}
