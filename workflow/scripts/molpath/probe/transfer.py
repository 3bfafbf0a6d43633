"""Transfer: the probe of a task, trained on all of one cohort and tested on all of another (section 7.6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from .around import cases_of, check_disjoint, read_side, write_results
from .protocols import probe_frozen
from .tasks import BadTask, Task


def joined(name: str, train: Task, test: Task) -> Task:
    """One task with one fold: all of `train` on its train side, all of `test` on its test side.

    Raises BadTask where they predict different things: one survival and one not, or different classes. Classes in
    another order are put in the order of `test`, which also says which metrics count.
    """
    if train.is_survival != test.is_survival:
        raise BadTask(f"{name}: one of {train.name} and {test.name} is a survival task, the other is not")
    labels = train.labels
    if not test.is_survival:
        if sorted(train.classes) != sorted(test.classes):
            raise BadTask(
                f"{name}: label_dict of {train.name} has the classes {train.classes}, that of {test.name} "
                f"{test.classes}; give both the same names"
            )
        labels = np.array([test.classes.index(word) for word in train.classes])[train.labels]
    both = [f"train {sample}" for sample in train.samples] + list(test.samples)
    sides = np.array([["train"]] * len(train.samples) + [["test"]] * len(test.samples), object)
    times, events = (
        (np.concatenate([train.times, test.times]), np.concatenate([train.events, test.events]))
        if test.is_survival
        else (None, None)
    )
    return replace(
        test,
        name=name,
        samples=both,
        labels=np.concatenate([labels, test.labels]),
        folds=sides,
        times=times,
        events=events,
    )


def run_transfer(
    *,
    name: str,
    train: tuple[str, str, str],
    test: tuple[str, str, str],
    slides: str,
    cases: str,
    model: str,
    settings: Mapping[str, Any],
    outputs: Mapping[str, str],
) -> None:
    """Write the three files of a transfer task. train, test: (task id, config.yaml, k=all.tsv) of each side.

    The folds of both tasks are not looked at: every labelled sample counts. Raises BadTask on a case in both.
    """
    source, x, missing = read_side(train[0], train[1:], slides, cases)
    target, x_test, missing_test = read_side(test[0], test[1:], slides, cases)
    check_disjoint(cases_of(source, train[2]), cases_of(target, test[2]), (train[0], test[0]))
    task = joined(name, source, target)
    results = probe_frozen(task, np.concatenate([x, x_test]), settings)
    head = {"task": name, "model": model, "group": "transfer"}
    write_results(results, outputs, head, settings, missing + missing_test, ("logistic", "cox"))
