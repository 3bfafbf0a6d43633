"""Transfer: the probe of a task, trained on all of one cohort and tested on all of another (section 7.6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..common.settings.probe import Probe
from .cohorts import Embeddings, Side, case_of, check_disjoint, load_side
from .jobs import cox_for
from .outputs import write_results
from .permuting import stratified
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
    names = [f"{train.name} {sample}" for sample in train.samples] + list(test.samples)
    sides = np.array([["train"]] * len(train.samples) + [["test"]] * len(test.samples), object)
    times, events = None, None
    if test.is_survival:
        times, events = (np.concatenate(parts) for parts in zip(train.survival, test.survival, strict=True))
    counts = [part.patches.get(sample, 0) for part in (train, test) for sample in part.samples]
    return replace(
        test,
        name=name,
        samples=names,
        labels=np.concatenate([labels, test.labels]),
        folds=sides,
        times=times,
        events=events,
        cases=dict(zip(names, [*case_of(train), *case_of(test)], strict=True)),
        slides={},
        sites={},  # another cohort has other sites
        strata={
            case: f"{part.name} {part.strata.get(case, '')}".strip() for part in (train, test) for case in case_of(part)
        },
        patches=dict(zip(names, counts, strict=True)) if all(counts) else {},
    )


def run_transfer(
    *,
    name: str,
    train: Side,
    test: Side,
    files: Embeddings,
    model: str,
    settings: Probe,
    outputs: Mapping[str, str],
) -> None:
    """Write the three files of a transfer task.

    The folds of both tasks are ignored: every labelled sample counts. Raises BadTask on a case in both.
    """
    missing = settings.get("missing", "set_aside")
    source, x, absent = load_side(train, files, missing)
    target, x_test, absent_test = load_side(test, files, missing)
    check_disjoint(source, target)
    task = joined(name, stratified(source, settings), stratified(target, settings))
    settings = {**settings, "cox": cox_for(settings["cox"], task, model)}
    results = probe_frozen(task, np.concatenate([x, x_test]), settings)
    head = {"task": name, "model": model, "group": "transfer"}
    write_results(results, outputs, head, settings, absent + absent_test)
