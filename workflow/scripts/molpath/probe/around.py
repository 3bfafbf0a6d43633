"""What protocols outside the folds of one task share: embeddings of a task's samples, summaries, the three files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..common.files import read_tsv, write_parquet, write_tsv
from .embeddings import read_embeddings
from .intervals import bootstrap, summarise
from .protocols import COLUMNS, Results
from .tasks import BadTask, Task, read_task

#: (predictions of the protocol, metric, bootstraps, seed) -> (2.5 and 97.5 percentiles)
Interval = Callable[[pd.DataFrame, str, int, int], tuple[float, float]]


def read_side(
    task: str, files: tuple[str, str], slides: str, cases: str, *, keep_all: bool = False
) -> tuple[Task, np.ndarray, int]:
    """Task (of samples that have an embedding), their embeddings (float32 N x D), and how many have none.

    files: config.yaml and k=all.tsv; slides, cases: h5ad by the model; keep_all: samples without an embedding stay,
    with rows of nan. Raises BadTask where no sample has one.
    """
    wanted = read_task(task, *files)
    path = cases if wanted.unit == "case_id" else slides
    ids, x = read_embeddings(path)
    if keep_all:
        table = pd.DataFrame(x, index=ids).reindex(wanted.samples)
        return wanted, table.to_numpy(np.float32), int(table.isna().all(axis=1).sum())
    known = wanted.keep(ids)
    if not known.samples:
        raise BadTask(f"{files[1]}: none of its {wanted.unit}s has an embedding in {path}")
    position = {name: index for index, name in enumerate(ids)}
    return known, x[[position[name] for name in known.samples]], len(wanted.samples) - len(known.samples)


def cases_of(task: Task, table: str | Path) -> np.ndarray:
    """Case (object N) of each sample of a task, from k=all.tsv."""
    rows = read_tsv(table)
    case = dict(zip(rows[task.unit], rows["case_id"], strict=True))
    return np.array([case[name] for name in task.samples], object)


def check_disjoint(first: np.ndarray, second: np.ndarray, names: tuple[str, str]) -> None:
    """No case on both sides; raises BadTask that names the first."""
    both = sorted(set(first) & set(second))
    if both:
        raise BadTask(
            f"case {both[0]} (and {len(both) - 1} more) is in {names[0]} and in {names[1]}; take it out of one"
        )


def summarise_with(
    rows: pd.DataFrame, guesses: pd.DataFrame, bootstraps: int, seed: int, intervals: Mapping[str, Interval]
) -> pd.DataFrame:
    """`intervals.summarise`, with intervals of protocols it doesn't know: {protocol: function}, as bootstraps.

    Protocols not named keep what `summarise` gives them (permuted labels: percentiles over draws).
    """
    over = summarise(rows, guesses, bootstraps, seed)
    for index, row in over.iterrows():
        if row.protocol in intervals:
            mine = guesses[guesses.protocol == row.protocol]
            over.loc[index, ["lower", "upper"]] = intervals[row.protocol](mine, row.metric, bootstraps, seed)
            over.loc[index, "interval"] = f"{bootstraps} bootstraps of test samples within folds"
    return over


def write_results(
    results: Results,
    outputs: Mapping[str, str],
    head: Mapping[str, str],
    settings: Mapping[str, Any],
    missing: int,
    protocols: tuple[str, ...],
) -> None:
    """Write predictions.parquet, metrics.tsv and summary.tsv of a job; `protocols` get bootstrap intervals.

    outputs: paths by those three words; head: columns put in front of every table.
    """
    task = results.task
    rows = pd.DataFrame(results.metrics, columns=COLUMNS)
    blank = pd.DataFrame(columns=["sample_id", "protocol", "shots"])
    guesses = pd.concat(results.predictions) if results.predictions else blank
    over = summarise_with(rows, guesses, settings["bootstraps"], settings["seed"], dict.fromkeys(protocols, bootstrap))
    over["primary"] = (over.metric == ("cindex" if task.is_survival else task.metrics[0])).astype(int)
    over["n_samples"], over["n_missing"] = len(task.samples), missing

    def headed(table):
        table = table.reset_index(drop=True)
        return pd.concat([pd.DataFrame(dict(head), index=table.index), table], axis=1)

    write_parquet(outputs["predictions"], headed(guesses))
    write_tsv(outputs["metrics"], headed(rows))
    write_tsv(outputs["summary"], headed(over.replace({np.inf: np.nan})))
