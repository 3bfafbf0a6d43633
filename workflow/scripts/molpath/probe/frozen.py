"""The frozen probes that the settings ask for, on the labels as they are or permuted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..common.settings.probe import Probe
from .further import MlpProbe, NestedProbe, standardised
from .probes import CoxFit, fit_knn, fit_logistic, fit_prototype
from .regression import RidgeProbe
from .results import Predict, cox_settings, over_labels, over_times
from .tasks import Task


def probes_of(
    task: Task, x: np.ndarray, settings: Probe, order: np.ndarray | None = None, spanned: np.ndarray | None = None
) -> dict[str, Predict]:
    """Function of train and test positions of each protocol, but for the sweep of C.

    x: float N x D; order: positions whose labels, or times and events, the samples take (None: own); spanned: the
    samples in the coordinates of a training side's span (float N x R), for the probes whose penalty is L2.
    """
    further = settings.get("further", ())
    inside = x if spanned is None else spanned
    if task.is_survival:
        cox = cox_settings(settings)
        probes: dict[str, Predict] = {"cox": over_times(task, inside if cox["l1_ratio"] == 0 else x, cox, order)}
        if "ridge_cox" in further:
            ridge: CoxFit = {**cox, "l1_ratio": 0, "alpha": cox.get("ridge_alpha", 1)}
            probes["ridge_cox"] = over_times(task, inside, ridge, order)
        return probes
    if task.is_regression:
        network: dict[str, Predict] = {"mlp": MlpProbe(task, x, settings)} if "mlp" in further else {}
        return {"ridge": RidgeProbe(task, x, settings), **network}
    probes = {"logistic": over_labels(task, inside, fit_logistic, settings, order)}
    for name, fit in (("knn", fit_knn), ("prototype", fit_prototype)):
        if name in further:
            probes[name] = over_labels(task, x, fit, settings, order)
    return probes if order is not None else probes | costly_of(task, x, settings)


def costly_of(task: Task, x: np.ndarray, settings: Probe) -> dict[str, Predict]:
    """Further classifiers that are not fitted again for each permutation."""
    probes: dict[str, Callable[[], Predict]] = {
        "standardised": lambda: over_labels(task, x, standardised, settings),
        "nested_C": lambda: NestedProbe(task, x, settings),
        "mlp": lambda: MlpProbe(task, x, settings),
    }
    named = {"standardised": "logistic_standardised", "nested_C": "logistic_nested_C"}
    return {named.get(name, name): make() for name, make in probes.items() if name in settings.get("further", ())}


def sweep_of(task: Task, x: np.ndarray, settings: Probe) -> dict[str, Predict]:
    """Function of train and test positions of each strength of `C_sweep`; of classes alone."""
    probes = {}
    for c in () if task.is_survival or task.is_regression else settings.get("C_sweep", ()):
        name, strength = ("adaptive", 0.0) if isinstance(c, str) else (f"{c:g}", c)
        probes[f"logistic_C={name}"] = over_labels(task, x, fit_logistic, {**settings, "C": strength})
    return probes
