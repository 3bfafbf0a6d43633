"""One probing job: a model, a task, a group of protocols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..common.files import write_parquet, write_tsv
from .around import summarise_with
from .embeddings import read_embeddings
from .protocols import COLUMNS, probe_fewshot, probe_frozen
from .retrieval import probe_retrieval, retrieval_interval
from .tasks import BadTask, read_task

GROUPS = {"frozen": probe_frozen, "fewshot": probe_fewshot, "retrieval": probe_retrieval}
#: Groups whose first metric is not the task's own, and protocols with intervals of their own.
PRIMARY = {"retrieval": "mAP@1"}
INTERVALS = {"retrieval": retrieval_interval}


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
) -> None:
    """Write predictions.parquet, metrics.tsv (every fold) and summary.tsv (over folds, with intervals).

    slides, cases: embeddings by the model; the task says which of them it needs. Samples without an embedding (their
    slides were set aside) are left out and counted in `n_missing`.
    """
    wanted = read_task(task, config, table)
    ids, x = read_embeddings(cases if wanted.unit == "case_id" else slides)
    known = wanted.keep(ids)
    if not known.samples:
        raise BadTask(f"{table}: none of its {wanted.unit}s has an embedding by {model}")
    position = {name: index for index, name in enumerate(ids)}
    results = GROUPS[group](known, x[[position[name] for name in known.samples]], settings)
    head = {"task": task, "model": model, "group": group}
    rows = pd.DataFrame(results.metrics, columns=COLUMNS)
    guesses = pd.concat(results.predictions) if results.predictions else pd.DataFrame(columns=["protocol", "shots"])
    write_tsv(metrics, with_head(rows, head))
    write_parquet(predictions, with_head(guesses, head))
    over = summarise_with(rows, guesses, settings["bootstraps"], settings["seed"], INTERVALS)
    usual = "cindex" if known.is_survival else known.metrics[0]
    over["primary"] = (over.metric == PRIMARY.get(group, usual)).astype(int)
    over["n_samples"], over["n_missing"] = len(known.samples), len(wanted.samples) - len(known.samples)
    write_tsv(summary, with_head(over.replace({np.inf: np.nan}), head))


def with_head(table: pd.DataFrame, head: Mapping[str, str]) -> pd.DataFrame:
    """The table with constant columns in front."""
    table = table.reset_index(drop=True)
    for place, (name, value) in enumerate(head.items()):
        table.insert(place, name, value)
    return table
