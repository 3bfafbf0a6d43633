"""External validation: predictions of new cases against labels that their sheets have, beside the internal scores."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..probe.intervals import summarise
from ..probe.results import COLUMNS, Results
from ..probe.tasks import BadTask, Task
from .labels import Labelled, NoLabels

#: Columns of metrics.tsv.
METRICS = (
    *("metric", "probabilities", "value", "lower", "upper", "interval", "n", "n_cases", "note"),
    *("internal", "internal_lower", "internal_upper", "internal_n"),
)


def validate(
    table: pd.DataFrame,
    labelled: Labelled | NoLabels | BadTask,
    internal: Mapping[str, Mapping[str, Any]],
    **settings: int,
) -> pd.DataFrame:
    """Metrics of new samples with labels: a row for each metric, with 95 % intervals over resampled cases.

    table: the predictions, one row a sample, with status and in_training; cases that the predictor was fitted on count
    neither here nor there. labelled: what the sheets say, or why they say nothing. internal: cross-validated score,
    lower, upper and n by metric. settings: bootstraps and seed.
    """
    if not isinstance(labelled, Labelled):
        return pd.DataFrame([{"metric": "", "note": f"no external validation: {labelled}"}], columns=list(METRICS))
    task = labelled.task
    rows = table[(table.status == "ok") & ~table.in_training & table[task.unit].isin(task.samples)]
    left = f"{int(table[table.in_training][task.unit].isin(task.samples).sum())} in training left out"
    if not len(rows):
        note = f"no external validation: no labelled sample could be predicted that is not in training ({left})"
        return pd.DataFrame([{"metric": "", "note": note}], columns=list(METRICS))
    found = []
    for kind in ("calibrated", "prob") if task.classes else ("",):
        results = score(task, rows, kind)
        metrics = pd.DataFrame(results.metrics, columns=COLUMNS)
        summary = summarise(metrics, pd.concat(results.predictions), settings["bootstraps"], settings["seed"])
        for row in summary.to_dict("records"):
            found.append(
                {"metric": row["metric"], "probabilities": {"prob": "as fitted"}.get(kind, kind), "value": row["mean"]}
                | {name: row[name] for name in ("lower", "upper", "interval")}
                | {"n": len(rows), "n_cases": rows.case_id.nunique(), "note": row["note"]}
                | {
                    ("internal_" + name).removesuffix("_value"): value
                    for name, value in internal.get(row["metric"], {}).items()
                }
            )
    return pd.DataFrame(found, columns=list(METRICS))


def score(task: Task, rows: pd.DataFrame, kind: str) -> Results:
    """Predictions and metrics of the samples of `rows` (unit, case_id and what was predicted), as probes have them."""
    part = task.keep(list(rows[task.unit]))
    mine = rows.set_index(task.unit).loc[part.samples]
    results = Results(part, times=())
    nobody, everybody = np.zeros(0, int), np.arange(len(part.samples))
    results.add("external", 0, nobody, everybody, lambda train, test: values_of(part, mine, kind)[test])
    return results


def values_of(task: Task, rows: pd.DataFrame, kind: str) -> np.ndarray:
    """Probabilities (N x C), risks or numbers (N) of samples."""
    if task.is_survival:
        return rows["risk"].to_numpy(float)
    if task.is_regression:
        return rows["predicted"].to_numpy(float)
    return rows[[f"{kind}_{name}" for name in task.classes]].to_numpy(float)


def left_out(table: pd.DataFrame, samples: Collection[str], unit: str) -> int:
    """Labelled samples that are left out, for the predictor was fitted on them."""
    return int(table[table.in_training.astype(bool)][unit].isin(list(samples)).sum())
