"""Tasks in Patho-Bench's form: what is predicted for whom, and on which side of each fold they stand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from ..common.files import read_tsv

SIDES = ("train", "test", "val", "-1", "")


class BadTask(Exception):
    """A task's files contradict themselves; the message names file, row and column."""


@dataclass
class Task:
    """Samples of a task with labels and folds.

    labels: int N, codes 0.. in the order of label_dict (classification); times (float N) and events (bool N) for
    survival, None otherwise; folds: object N x K of train, test, val, -1.
    """

    name: str
    unit: str
    samples: list[str]
    labels: np.ndarray
    classes: list[str]
    folds: np.ndarray
    metrics: list[str]
    times: np.ndarray | None = None
    events: np.ndarray | None = None

    @property
    def is_survival(self) -> bool:
        """True for a survival task."""
        return self.times is not None

    def keep(self, samples: list[str]) -> Task:
        """The task without samples that are not in `samples`."""
        known = set(samples)
        rows = np.array([name in known for name in self.samples], bool)
        parts = [None if x is None else x[rows] for x in (self.labels, self.folds, self.times, self.events)]
        names = [name for name, hit in zip(self.samples, rows, strict=True) if hit]
        return Task(self.name, self.unit, names, parts[0], self.classes, parts[1], self.metrics, parts[2], parts[3])


def read_task(name: str, config: str | Path, table: str | Path) -> Task:
    """Read config.yaml and k=all.tsv. Rows without a label are dropped; raises BadTask on contradictions."""
    settings = yaml.safe_load(Path(config).read_text())
    column, unit = settings["task_col"], settings["sample_col"]
    rows = read_tsv(table)
    rows.insert(0, "#", np.arange(len(rows)) + 2)
    rows = rows[rows[column] != ""]
    folds = [c for c in rows if "fold_" in c]
    check_folds(rows, folds, table)
    samples = one_row_a_sample(rows, unit, [column, *settings.get("extra_cols", []), *folds], table)
    survival = settings.get("task_type") == "survival" or any(c.endswith("_event") for c in samples)
    words = {str(code): label for code, label in settings["label_dict"].items()}
    if not survival and set(samples[column]) - set(words):
        extra = sorted(set(samples[column]) - set(words))
        raise BadTask(f"{table}, column {column}: labels {extra} are not in label_dict of {config}")
    order = {code: i for i, code in enumerate(words)}
    labels = np.array([order.get(value, -1) for value in samples[column]])
    times, events = read_survival(samples, table) if survival else (None, None)
    sides = samples[folds].to_numpy(object)
    metrics = list(settings["metrics"])
    return Task(name, unit, list(samples.index), labels, list(words.values()), sides, metrics, times, events)


def check_folds(rows: pd.DataFrame, folds: list[str], table) -> None:
    """Allowed words only, and no case on both sides of a fold."""
    if not folds:
        raise BadTask(f"{table}: no column fold_0, fold_1, …")
    for fold in folds:
        wrong = rows[~rows[fold].isin(SIDES)]
        if len(wrong):
            row = wrong.iloc[0]
            raise BadTask(f"{table}, row {row['#']}, column {fold}: {row[fold]!r} is none of train, test, val, -1")
        both = rows[rows[fold].isin(("train", "test"))].groupby("case_id")[fold].nunique()
        if (both > 1).any():
            raise BadTask(f"{table}, column {fold}: case {both.index[both > 1][0]} is on both sides; put it on one")


def one_row_a_sample(rows: pd.DataFrame, unit: str, columns: list[str], table) -> pd.DataFrame:
    """One row a case or slide; all slides of a case must agree in label and fold."""
    groups = rows.groupby(unit, sort=False)
    differing = groups[columns].nunique().gt(1)
    if differing.to_numpy().any():
        sample = differing.index[differing.any(axis=1)][0]
        column = differing.columns[differing.loc[sample]][0]
        raise BadTask(f"{table}, column {column}: the slides of {unit} {sample} disagree; make them agree")
    return groups[columns].first()


def read_survival(samples: pd.DataFrame, table) -> tuple[np.ndarray, np.ndarray]:
    """Times in days (float) and events (bool) from the columns <X>_days (or <X>_months) and <X>_event."""
    event = next((c for c in samples if c.endswith("_event")), None)
    time = next((c for c in samples if c.endswith(("_days", "_months"))), None)
    if event is None or time is None:
        raise BadTask(f"{table}: a survival task needs columns such as OS_event and OS_days among extra_cols")
    return samples[time].astype(float).to_numpy(), samples[event].astype(float).to_numpy() > 0
