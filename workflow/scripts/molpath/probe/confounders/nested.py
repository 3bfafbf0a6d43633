"""What a model adds to a column: a probe on the column and the model's score, against one on the column alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from ...common.settings.probe import Probe
from ..controls import add_simple
from ..intervals import percentiles
from ..results import Results
from ..tasks import Task
from .columns import Column
from .outcomes import combine
from .pairs import Pairs, draws
from .refit import Refit
from .residuals import targets

#: Name of the protocol of a probe on a column and a score.
BOTH = "column_and_model"


def add_model(task: Task, column: Column, refit: Refit, settings: Probe, bootstraps: int) -> dict[str, float | str]:
    """Scores of nested probes out of fold: covariates, both, gain with gain_lower and gain_upper, gain_note.

    On each fold, a probe learns from the column (0 and 1) and from scores that the training cases have of a ridge probe
    that left them out; of the test cases it sees the score of the ridge probe of all training cases. So no score that a
    probe learns from knows a test case's label, as pooled out-of-fold scores would. Intervals take the probes as they
    were fitted; whether the gain is one, within.permute_within tests (p_gain).
    """
    part = dataclasses.replace(task, metrics=[])
    plain, one_hot = targets(task), column.one_hot()
    row: dict[str, float | str] = {name: np.nan for name in ("covariates", "both", "gain", "gain_lower", "gain_upper")}
    tables: dict[str, list[pd.DataFrame]] = {"covariates": [], "both": []}
    for train, test, predict, left_out in refit.folds:
        train_known, test_known = column.has_value[train], column.has_value[test]
        if not train_known.any() or not test_known.any():
            continue
        rows = np.concatenate([train[train_known], test[test_known]])
        scores = np.vstack([(left_out @ plain[train])[train_known], (predict @ plain[train])[test_known]])
        spread = scores[: train_known.sum()].std(0)
        scores = (scores - scores[: train_known.sum()].mean(0)) / np.where(spread > 0, spread, 1)
        fold = fold_of(part, rows, int(train_known.sum()))
        for name, columns in (("covariates", one_hot[rows]), ("both", np.hstack([one_hot[rows], scores]))):
            results = Results(fold, times=())
            add_simple(results, BOTH, columns, settings)
            tables[name] += [predictions.assign(fold=len(tables[name])) for predictions in results.predictions]
    if not tables["covariates"] or not tables["both"]:
        return row | {"gain_note": "no fold could be fitted"}
    outcomes = [combine(task, pd.concat(tables[name], ignore_index=True)) for name in ("covariates", "both")]
    covariates, with_scores = (Pairs(outcome.task, outcome.scores) for outcome in outcomes)
    weights = draws(len(outcomes[0].task.samples), bootstraps, settings["seed"])
    row |= {
        "covariates": covariates.score(),
        "both": with_scores.score(),
        "gain": with_scores.score() - covariates.score(),
        "gain_note": "",
    }
    row["gain_lower"], row["gain_upper"] = percentiles(with_scores.resampled(weights) - covariates.resampled(weights))
    return row


def fold_of(task: Task, rows: np.ndarray, train: int) -> Task:
    """The cases at `rows` (int) as a task of one fold, the first `train` of them on its training side."""
    sides = np.array([["train"]] * train + [["test"]] * (len(rows) - train), object).reshape(len(rows), 1)
    return dataclasses.replace(
        task,
        samples=[task.samples[row] for row in rows],
        labels=task.labels[rows],
        folds=sides,
        times=None if task.times is None else task.times[rows],
        events=None if task.events is None else task.events[rows],
        values=task.values[rows] if task.is_regression else task.values,
    )
