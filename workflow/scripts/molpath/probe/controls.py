"""Controls next to every model: what a probe finds where there is nothing, or nothing of the tissue, to find.

permuted, <protocol>_permuted: labels (survival: times with events) shuffled over cases, of two cohorts within each, on
    request within each site; must be at chance.
site_only: a probe on the site alone (one column per site). Where it predicts the label, a model may have learned the
    site's stain or scanner rather than disease, and its score says little.
patch_count_only: a probe on the logarithm of the number of patches, that is on the area of tissue alone.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..common.settings.probe import Probe
from .cox import rotate
from .frozen import probes_of
from .metrics import BELOW_CHANCE, chance_of
from .permuting import control_of, is_control, permutations_of, permutations_on, shuffled
from .probes import fit_logistic, unit_of
from .regression import RidgeProbe, permuted_targets
from .results import Predict, Results, cox_settings, over_labels, over_times, sides
from .tasks import Task

log = logging.getLogger(__name__)

CONTROLS = ("permuted", "site_only", "patch_count_only")
OFF_CHANCE = "permuted labels are off chance"
#: Permutations below which the ends of a band, 95 % of them, are too coarse to say whether it holds chance.
ENOUGH_PERMUTATIONS = 20
NOT_JUDGED = "not judged whether permuted labels are at chance"
ALONE = {
    "site_only": "the site alone predicts the label",
    "patch_count_only": "the area of tissue alone predicts the label",
}


def add_controls(results: Results, task: Task, x: np.ndarray, settings: Probe) -> None:
    """Add the controls that the settings name; those without their column (a sheet without sites) are left out."""
    controls = settings.get("controls", CONTROLS)
    if "site_only" in controls and covers(task.sites, task):
        add_simple(results, "site_only", site_columns([task.sites[name] for name in task.samples]), settings)
    if "patch_count_only" in controls and covers(task.patches, task):
        add_simple(results, "patch_count_only", patch_column([task.patches[name] for name in task.samples]), settings)
    if "permuted" in controls:
        add_permuted(results, task, x, settings)


def covers(values: Mapping[str, object], task: Task) -> bool:
    """True where every sample of the task has a value."""
    return bool(values) and all(name in values for name in task.samples)


def site_columns(sites: list[str]) -> np.ndarray:
    """One column of 0 and 1 (float N x S) for each site."""
    return pd.get_dummies(pd.Series(sites), dtype=float).to_numpy()


def patch_column(patches: list[int]) -> np.ndarray:
    """Logarithm of the count (float N x 1), of spread 1 over all samples."""
    values = np.log1p(np.asarray(patches, float))[:, None]
    return (values - values.mean()) / (values.std() or 1)


def add_simple(results: Results, name: str, columns: np.ndarray, settings: Probe) -> None:
    """A probe on a few columns; for survival ridge Cox with alpha 1, as CoxNet's penalty would make them all 0."""
    task = results.task
    predict: Predict
    if task.is_regression:
        predict = RidgeProbe(task, columns, {**settings, "scale": "none"})
    elif task.is_survival:
        cox = cox_settings(settings)
        predict = over_times(task, columns, {**cox, "l1_ratio": 0, "alpha": 1, "plain": False, "scale": "none"})
    else:
        predict = over_labels(task, columns, fit_logistic, {**settings, "C": 1, "scale": "none"})
    for fold in range(task.folds.shape[1]):
        results.add(name, fold, *sides(task, fold), predict)


def add_permuted(results: Results, task: Task, x: np.ndarray, settings: Probe) -> None:
    """Labels, or times with events, shuffled over cases: the same probes, again for each permutation.

    On the same folds as the probe (see permuting.permutations_on). Survival has more permutations, as its risk groups
    are tested by them (Simon et al. 2011: the whole probe is repeated, or P would be as wrong as the log-rank test's).
    That costs a fit each: 5 to 30 ms of CoxNet with 80 to 800 samples of 1,024 numbers, 14 CPU-min of the paper's 7
    tasks x 8 models with 199 permutations of 5 folds.

    Many fits on one training side: its samples span fewer dimensions than the embedding may have, and an L2-penalised
    probe never leaves their span, so it is fitted there (probabilities within 4e-4 of the plain fit, which is the
    solver's tolerance, and 6 times faster with 51 samples of 1,280 numbers).
    """
    if task.is_regression:
        permute_values(results, task, x, settings)
        return
    as_is: Probe = {**settings, "scale": "none"}
    for fold in range(task.folds.shape[1]):
        train, test = sides(task, fold)
        # Scaled here: in the samples' span there are fewer dimensions to take the mean of.
        scaled = x / unit_of(x[train], settings.get("scale", "none"))
        spans = 0 < len(train) < x.shape[1] and not settings.get("plain", False)
        spanned = in_span(scaled, train) if spans else None
        for repeat in permutations_on(fold, task.folds.shape[1], permutations_of(task, settings)):
            order = shuffled(task, settings["seed"], repeat)
            for protocol, predict in probes_of(task, scaled, as_is, order, spanned).items():
                results.add(control_of(protocol), fold, train, test, predict, repeat=repeat, order=order)


def permute_values(results: Results, task: Task, x: np.ndarray, settings: Probe) -> None:
    """The control of a regression task: all permutations of a fold share the decomposition of its training side."""
    folds = task.folds.shape[1]
    for fold in range(folds):
        train, test = sides(task, fold)
        repeats = permutations_on(fold, folds, permutations_of(task, settings))
        if not repeats or not len(train) or not len(test):
            continue
        predictions = RidgeProbe(task, x, settings).targets(train, test, permuted_targets(task, settings, repeats))
        for column, repeat in enumerate(repeats):
            predict = over_found(predictions[:, column])
            order = shuffled(task, settings["seed"], repeat)
            results.add("permuted", fold, train, test, predict, repeat=repeat, order=order)


def over_found(values: np.ndarray) -> Predict:
    """A probe that has been fitted."""
    return lambda train, test: values


def in_span(x: np.ndarray, train: np.ndarray) -> np.ndarray:
    """All samples (float64 N x R) in the coordinates that the training samples span."""
    mean, basis, _ = rotate(x[train].astype(np.float64))
    return (x - mean) @ basis


def notes_of_controls(summary: pd.DataFrame, primary: str, classes: int) -> pd.Series:
    """Column `note` of a summary: where a control's interval doesn't hold chance, it says so.

    A simple control's has to be above it; a permuted one's band of ENOUGH_PERMUTATIONS may be on either side, of a
    metric that is below chance under the null (BELOW_CHANCE) over it only. Nothing is said about metrics without a
    chance. summary: as intervals.summarise writes it; n_draws: permutations with a value.
    """
    chance = chance_of(primary, classes)
    notes = summary.note.copy()
    for index, row in summary[summary.metric == primary].iterrows():
        value = f"{primary} {row['mean']:.3f} ({row.lower:.3f} to {row.upper:.3f})"
        if row.protocol in ALONE and row.lower > chance:
            message = f"{ALONE[row.protocol]}: {value}"
        elif is_control(row.protocol) and np.isfinite(chance) and 0 < row.n_draws < ENOUGH_PERMUTATIONS:
            too_few = f"{NOT_JUDGED}: {row.n_draws:.0f} of {ENOUGH_PERMUTATIONS} permutations that this takes"
            notes[index] = "; ".join(part for part in (too_few, row.note) if part)
            continue
        elif is_control(row.protocol) and (row.lower > chance or (row.upper < chance and primary not in BELOW_CHANCE)):
            message = f"{OFF_CHANCE}: {value}, chance {chance:.3g}; its folds, sites or cohorts carry part of the score"
        else:
            continue
        log.warning("%s: %s", row.protocol, message)
        notes[index] = "; ".join(part for part in (message, row.note) if part)
    return notes
