"""One probing job: a model, a task, a group of protocols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..common.files import write_parquet, write_tsv
from .controls import notes_of_controls
from .intervals import summarise
from .protocols import COLUMNS, probe_fewshot, probe_frozen
from .samples import load_samples
from .tasks import Task, read_task

GROUPS = {"frozen": probe_frozen, "fewshot": probe_fewshot}


def run_probe(
    *,
    task: str,
    config: str,
    table: str,
    slides: str,
    cases: str,
    model: str,
    group: str,
    settings: Mapping[str, Any],
    predictions: str,
    metrics: str,
    summary: str,
    bags: str = "",
    cohort: str = "",
) -> None:
    """Write predictions.parquet, metrics.tsv (every fold) and summary.tsv (over folds, with intervals).

    slides, cases: embeddings by the model; the task says which of them it needs. bags, cohort: see load_samples, which
    also says which samples may lack an embedding; those are left out, listed in the log and counted in `n_missing`.
    """
    wanted = read_task(task, config, table)
    missing = settings.get("missing", "set_aside")
    known, x = load_samples(wanted, slides, cases, bags=bags, cohort=cohort, missing=missing)
    settings = settings_for(settings, known, model)
    results = GROUPS[group](known, x, settings)
    head = {"task": task, "model": model, "group": group}
    rows = pd.DataFrame(results.metrics, columns=COLUMNS)
    guesses = pd.concat(results.predictions) if results.predictions else pd.DataFrame(columns=["protocol", "shots"])
    write_tsv(metrics, with_head(rows, head))
    write_parquet(predictions, with_head(guesses, head))
    over = summarise(rows, guesses, settings["bootstraps"], settings["seed"])
    over["primary"] = (over.metric == known.primary).astype(int) if len(over) else []
    over["n_samples"], over["n_missing"] = len(known.samples), len(wanted.samples) - len(known.samples)
    if len(over):
        over["note"] = notes_of_controls(over, known.primary, len(known.classes))
    write_tsv(summary, with_head(over.replace({np.inf: np.nan}), head))


def settings_for(settings: Mapping[str, Any], task: Task, model: str) -> dict[str, Any]:
    """Settings with the alpha of the Cox probe that this task and model have.

    cox/alpha, unless cox/alphas has one for the endpoint (OS, PFS), unless cox/exceptions has one for the task, the
    model or both (the last that fits).
    """
    cox = dict(settings["cox"])
    cox["alpha"] = cox.get("alphas", {}).get(task.endpoint, cox["alpha"])
    for entry in cox.get("exceptions", ()):
        if entry.get("task") in (None, "", task.name) and entry.get("model") in (None, "", model):
            cox["alpha"] = entry["alpha"]
    return dict(settings) | {"cox": cox}


def with_head(table: pd.DataFrame, head: Mapping[str, str]) -> pd.DataFrame:
    """The table with constant columns in front."""
    table = table.reset_index(drop=True)
    for place, (name, value) in enumerate(head.items()):
        table.insert(place, name, value)
    return table
