"""What was predicted of each case: one row per case, its samples, folds and repeats combined."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..intervals import probability_columns
from ..tasks import Task
from ..temperature import logits_of

#: Test samples that make a fold's mean worth taking off: probes of folds differ in level, test sides hardly do.
CENTRED = 10


@dataclass(frozen=True)
class Outcome:
    """N cases of a task (its samples are cases) with what was said about them.

    scores: float N x K, larger for class k (K classes; 1 of two classes, the second), larger for worse survival (1) or
    for larger values (1); comparable over folds. probabilities: float N x C (N x 0 without classes), predicted: float N
    (regression). left_out: case -> why.
    """

    task: Task
    scores: np.ndarray
    probabilities: np.ndarray
    predicted: np.ndarray
    left_out: dict[str, str] = field(default_factory=dict)


def combine(task: Task, predictions: pd.DataFrame) -> Outcome:
    """Out-of-fold predictions of one protocol (as Results writes them), combined by case.

    Scores are logits (of two classes, their difference), risks or values, less their mean over the fold's test side
    where that has CENTRED samples, averaged over a case's samples, folds and repeats. A case without finite
    predictions, or whose samples have different labels, is left out with the reason. Raises ValueError where
    predictions are of several protocols.
    """
    parts = predictions[[name for name in ("protocol", "shots") if name in predictions]].drop_duplicates()
    if len(parts.columns) and len(parts) > 1:
        raise ValueError(f"predictions of {len(parts)} protocols; give those of one")
    raw, numbers = raw_scores(task, predictions), predictions.copy()
    is_finite = np.isfinite(raw).all(1) if len(raw) else np.zeros(0, bool)
    numbers, raw = numbers[is_finite], raw[is_finite]
    columns = [f"score {k}" for k in range(raw.shape[1])]
    scores = pd.DataFrame(raw, index=numbers.index, columns=columns)
    sides = [numbers[name] for name in ("repeat", "fold") if name in numbers]
    if sides and len(scores):
        grouped = scores.groupby(sides)
        is_large = grouped[columns[0]].transform("size") >= CENTRED
        scores = scores - grouped.transform("mean").where(is_large, 0.0)
    value_columns = probability_columns(numbers) if task.classes else ["predicted"] * task.is_regression
    case_ids = numbers["case_id" if "case_id" in numbers else "sample_id"].astype(str)
    table = pd.concat([scores, numbers[value_columns]], axis=1).groupby(case_ids.to_numpy()).mean()
    cases, left_out = by_case(task)
    left_out |= {name: "no finite prediction" for name in cases.samples if name not in table.index}
    cases = cases.keep([name for name in cases.samples if name in table.index])
    table = table.reindex(cases.samples)
    probabilities = table[value_columns].to_numpy(float) if task.classes else np.zeros((len(table), 0))
    predicted = table["predicted"].to_numpy(float) if task.is_regression else np.zeros(0)
    return Outcome(cases, table[columns].to_numpy(float), probabilities, predicted, left_out)


def of_classes_found(task: Task, predictions: pd.DataFrame) -> tuple[Task, pd.DataFrame]:
    """Both without the classes that no sample has, for label_dict may name more: nothing can be said about them."""
    if not task.classes or task.classes_found == len(task.classes):
        return task, predictions
    codes = np.unique(task.labels)
    labels = np.searchsorted(codes, task.labels)
    reduced = dataclasses.replace(task, labels=labels, classes=[task.classes[code] for code in codes])
    absent = [name for name in predictions if name.startswith("prob_") and int(name[5:]) not in codes]
    names = {f"prob_{code}": f"prob_{place}" for place, code in enumerate(codes)}
    return reduced, predictions.drop(columns=absent).rename(columns=names)


def raw_scores(task: Task, predictions: pd.DataFrame) -> np.ndarray:
    """Scores (float N x K) of predictions, each fold on its own level."""
    if task.is_survival or task.is_regression:
        return predictions[["risk" if task.is_survival else "predicted"]].to_numpy(float)
    probabilities = predictions[probability_columns(predictions)].to_numpy(float)
    logits = np.where(np.isfinite(probabilities), logits_of(probabilities), np.nan)
    return logits[:, 1:] - logits[:, :1] if probabilities.shape[1] == 2 else logits


def by_case(task: Task) -> tuple[Task, dict[str, str]]:
    """The task with one sample per case, and the cases left out with the reason.

    A case is on a side of a fold if all its samples are, else on none.
    """
    names = pd.Index([task.cases.get(name, name) for name in task.samples])
    codes, cases = pd.factorize(names)
    first = np.unique(codes, return_index=True)[1] if len(codes) else np.zeros(0, int)
    labels = [task.labels, *([task.values] if task.is_regression else []), *(task.survival if task.is_survival else ())]
    alike = np.ones(len(cases), bool)
    for sample_of_case in labels:
        alike[codes[sample_of_case != sample_of_case[first][codes]]] = False
    folds = task.folds[first].copy()
    differ = task.folds != folds[codes]
    for fold in range(folds.shape[1]):
        folds[codes[differ[:, fold]], fold] = ""
    left_out = {str(case): "its samples have different labels" for case in cases[~alike]}
    first, folds, kept_cases = first[alike], folds[alike], [str(case) for case in cases[alike]]
    reduced = dataclasses.replace(
        task,
        unit="case_id",
        samples=kept_cases,
        cases={case: case for case in kept_cases},
        labels=task.labels[first],
        folds=folds,
        times=None if task.times is None else task.times[first],
        events=None if task.events is None else task.events[first],
        values=task.values[first] if task.is_regression else task.values,
    )
    return reduced, left_out
