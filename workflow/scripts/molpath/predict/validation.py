"""External validation: predictions of new cases against labels of their sheets, next to the internal scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..common.reasons import OK
from ..probe.intervals import summarise
from ..probe.results import COLUMNS, Results
from ..probe.tasks import BadTask, Task
from .labels import Labelled, NoLabels

#: Columns of metrics.tsv.
METRICS = (
    *("metric", "probabilities", "value", "lower", "upper", "interval", "n", "n_cases", "note"),
    *("internal_mean", "internal_lower", "internal_upper"),
)
#: Names of probabilities for readers.
KINDS = {"prob": "as fitted"}


def validate(
    table: pd.DataFrame,
    labelled: Labelled | NoLabels | BadTask,
    internal: Sequence[Mapping[str, Any]],
    bootstraps: int,
    seed: int,
) -> pd.DataFrame:
    """Metrics of new samples with labels: a row for each metric, with 95 % intervals over resampled cases.

    table: the predictions, one row per sample, with status and in_training; what it was fitted on is left out
    and counted. labelled: labels of the sheets, or why there are none. internal: cross-validated scores of
    predictor.json (metric, mean, lower, upper), shown next to those of the probabilities as fitted.
    """
    if not isinstance(labelled, Labelled):
        return nothing(f"no external validation: {labelled}")
    task = labelled.task
    labelled_rows = table[table[task.unit].isin(task.samples)]
    rows = labelled_rows[(labelled_rows.status == OK) & ~labelled_rows.in_training]
    n_in_training, n_unpredicted = int(labelled_rows.in_training.sum()), int((labelled_rows.status != OK).sum())
    left_out = (
        f"{n_in_training} in training left out" * bool(n_in_training),
        f"{n_unpredicted} labelled but not predicted" * bool(n_unpredicted),
    )
    left_out_note = "; ".join(filter(None, left_out))
    if not len(rows):
        return nothing(f"no external validation: no labelled sample is left ({left_out_note})")
    internal_scores = {
        internal_row["metric"]: {f"internal_{key}": internal_row[key] for key in ("mean", "lower", "upper")}
        for internal_row in internal
    }
    score_rows = []
    for kind in ("prob", "calibrated") if task.classes else ("",):
        if kind and rows[f"{kind}_{task.classes[0]}"].isna().any():
            continue  # no temperature could be fitted
        results = score(task, rows, kind)
        metrics = pd.DataFrame(results.metrics, columns=COLUMNS)
        for row in summarise(metrics, pd.concat(results.predictions), bootstraps, seed).to_dict("records"):
            numbers = {"value": row["mean"], **{name: row[name] for name in ("lower", "upper", "interval")}}
            sizes = {"n": len(rows), "n_cases": rows.case_id.nunique()}
            note = "; ".join(filter(None, (row["note"], left_out_note)))
            names = {"metric": row["metric"], "probabilities": KINDS.get(kind, kind)}
            score_rows.append(names | numbers | sizes | {"note": note} | internal_scores.get(row["metric"], {}))
    return pd.DataFrame(score_rows, columns=list(METRICS))


def nothing(reason: str) -> pd.DataFrame:
    """A table of metrics with one row that says why there are none."""
    return pd.DataFrame([dict.fromkeys(METRICS, "") | {"note": reason}])


def score(task: Task, rows: pd.DataFrame, kind: str) -> Results:
    """Predictions and metrics of the samples of `rows` (unit, case_id and what was predicted), as probes have them."""
    part = task.keep(list(rows[task.unit]))
    sample_rows = rows.set_index(task.unit).loc[part.samples]
    results = Results(part, times=())
    no_samples, all_samples = np.zeros(0, int), np.arange(len(part.samples))
    results.add("external", 0, no_samples, all_samples, lambda train, test: values_of(part, sample_rows, kind)[test])
    return results


def values_of(task: Task, rows: pd.DataFrame, kind: str) -> np.ndarray:
    """Probabilities (N x C), risks or numbers (N) of samples."""
    if task.is_survival:
        return rows["risk"].to_numpy(float)
    if task.is_regression:
        return rows["predicted"].to_numpy(float)
    return rows[[f"{kind}_{name}" for name in task.classes]].to_numpy(float)
