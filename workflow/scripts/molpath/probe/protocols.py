"""Protocols: frozen probes over folds with their controls, few-shot probes."""

from __future__ import annotations

import logging

import numpy as np

from ..common.settings.probe import Probe
from .controls import CONTROLS, add_controls
from .frozen import probes_of, sweep_of
from .permuting import control_of, permutations_on, shuffled
from .probes import fit_logistic
from .results import COLUMNS, TIMES, Results, over_labels, sides
from .site_folds import add_site_folds
from .tasks import Task

__all__ = ["COLUMNS", "Results", "probe_fewshot", "probe_frozen", "sides"]
#: Draws of few samples from the one training side of a task with an official split.
SINGLE_FOLD_DRAWS = 5
log = logging.getLogger(__name__)


def probe_frozen(task: Task, x: np.ndarray, settings: Probe) -> Results:
    """Every frozen probe that the settings ask for on every fold, and the controls beside them.

    x: float N x D. Protocols: logistic, cox or ridge; logistic_C=… of `C_sweep`; those of `further`; keep_sites and
    leave_one_site_out (see site_folds.py); site_only, patch_count_only, permuted, and <protocol>_permuted of further
    probes (see controls.py).
    """
    results = Results(task, settings["cox"].get("times", TIMES))
    probes = probes_of(task, x, settings)
    first = dict(list(probes.items())[:1])
    for name, predict in {**first, **sweep_of(task, x, settings), **probes}.items():
        for fold in range(task.folds.shape[1]):
            results.add(name, fold, *sides(task, fold), predict)
    add_site_folds(results, next(iter(first.values())), settings)
    add_controls(results, task, x, settings)
    return results


def probe_fewshot(task: Task, x: np.ndarray, settings: Probe) -> Results:
    """Logistic probes on k training samples per class, drawn inside each fold's training side; the test side stays.

    `repeats` draws per fold; 0 takes one, and with a single fold SINGLE_FOLD_DRAWS (section 7.7). A k
    that a class of some fold can't fill is left out, as in the paper (the log says so); a class without any sample is
    ignored. Survival tasks have none. The control fewshot_permuted takes the same draws of permuted labels: the repeat
    of its rows is permutation x draws + draw.
    """
    results = Results(task)
    if task.is_survival or task.is_regression:
        return results
    folds, codes = range(task.folds.shape[1]), np.unique(task.labels)
    if unused := [name for code, name in enumerate(task.classes) if code not in codes]:
        log.warning("%s: no sample is of class %s; shots are drawn of the others", task.name, ", ".join(unused))
    counts = [np.bincount(task.labels[sides(task, fold)[0]], minlength=len(task.classes))[codes] for fold in folds]
    smallest = min(int(count.min()) for count in counts)
    draws = settings["repeats"] or (SINGLE_FOLD_DRAWS if len(folds) == 1 else 1)
    permutations = settings["permutations"] if "permuted" in settings.get("controls", CONTROLS) else 0
    for shots in settings["shots"]:
        if shots > smallest:
            log.warning("%s: no %d shots, for a class has %d training samples in some fold", task.name, shots, smallest)
            continue
        for fold in folds:
            for draw in range(draws):
                add_few(results, x, settings, fold, shots, draw)
                for permutation in permutations_on(fold, len(folds), permutations):
                    order = shuffled(task, settings["seed"], permutation)
                    add_few(results, x, settings, fold, shots, draw, permutation * draws, order)
    return results


def add_few(
    results: Results,
    x: np.ndarray,
    settings: Probe,
    fold: int,
    shots: int,
    draw: int,
    first: int = 0,
    order: np.ndarray | None = None,
) -> None:
    """A draw of few samples on a fold; order: positions whose labels the samples take, then its repeat is first + draw.

    Where permuted labels leave a class of the training side with too few samples, all that it has are taken.
    """
    task = results.task
    labels = task.labels if order is None else task.labels[order]
    train, test = sides(task, fold)
    rng = np.random.default_rng([settings["seed"], shots, draw, fold])
    members = [train[labels[train] == code] for code in range(len(task.classes))]
    chosen = np.sort(
        np.concatenate(
            [
                rng.choice(members_of_class, min(shots, len(members_of_class)), replace=False)
                for members_of_class in members
            ]
        )
    )
    predict = over_labels(task, x, fit_logistic, settings, order)
    protocol = "fewshot" if order is None else control_of("fewshot")
    results.add(protocol, fold, chosen, test, predict, shots=shots, repeat=first + draw, order=order)
