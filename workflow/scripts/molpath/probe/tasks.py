"""Tasks in Patho-Bench's form: what is predicted for whom, and the side of each fold."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from ..common.files import read_tsv
from ..common.given_yaml import read_yaml
from ..common.task_rules import LESS_IS_BETTER, SIDES, is_integer

DAYS_A_MONTH = 365.25 / 12


class BadTask(Exception):
    """A task's files contradict themselves or its embeddings; the message names file, row, column and remedy."""


@dataclass
class Task:
    """Samples of a task with labels and folds.

    labels: int N, codes 0.. in the order of label_dict's numbers (classification); times (days, float N) and events
    (bool N) for survival, None otherwise; folds: object N x K of train, test, val, -1. By sample, where known: cases,
    slides (those the table lists), sites and patches (counts), which controls are made of. endpoint: OS, PFS, … of
    survival. strata: by case, what controls shuffle within: the cohorts of a task that joins two.
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
    cases: Mapping[str, str] = field(default_factory=dict)
    slides: Mapping[str, list[str]] = field(default_factory=dict)
    sites: Mapping[str, str] = field(default_factory=dict)
    patches: Mapping[str, int] = field(default_factory=dict)
    endpoint: str = ""
    strata: Mapping[str, str] = field(default_factory=dict)
    values: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @property
    def is_survival(self) -> bool:
        """True for a survival task."""
        return self.times is not None

    @property
    def is_regression(self) -> bool:
        """True for a task that predicts a number."""
        return len(self.values) > 0

    @property
    def classes_found(self) -> int:
        """How many of its classes any sample has (0 for survival and regression): label_dict may name more."""
        return len(np.unique(self.labels)) if self.classes else 0

    @property
    def survival(self) -> tuple[np.ndarray, np.ndarray]:
        """Times (days, float N) and events (bool N) of a survival task; raises ValueError for one with classes."""
        if self.times is None or self.events is None:
            raise ValueError(f"{self.name} has classes, no times and events")
        return self.times, self.events

    @property
    def primary(self) -> str:
        """The metric the task is judged by: the one its config.yaml names first, c-index for survival; '' for none."""
        return "cindex" if self.is_survival else next(iter(self.metrics), "")

    def keep(self, samples: Sequence[str]) -> Task:
        """The task without samples that are not in `samples`."""
        names = set(samples)
        rows = np.array([name in names for name in self.samples], bool)
        return dataclasses.replace(
            self,
            samples=[name for name, hit in zip(self.samples, rows, strict=True) if hit],
            labels=self.labels[rows],
            folds=self.folds[rows],
            times=None if self.times is None else self.times[rows],
            events=None if self.events is None else self.events[rows],
            values=self.values[rows] if self.is_regression else self.values,
        )


def read_task(name: str, config: str | Path, table: str | Path, folds_needed: bool = True) -> Task:
    """Read config.yaml and k=all.tsv. Rows without a label are dropped; raises BadTask on contradictions.

    Every id is a string. No case may be on both sides of a fold, whatever made the folds, unless config.yaml says
    allow_case_overlap: true. Without `folds_needed` a table may have none: what joins two tasks, or uses every sample,
    needs labels alone.
    """
    settings = read_yaml(config)
    column, unit = settings["task_col"], settings["sample_col"]
    extra = settings.get("extra_cols") or []
    rows = read_rows(table, [column, unit, "case_id", *extra])
    rows = rows[rows[column] != ""]
    folds = fold_columns(rows)
    if folds or folds_needed:
        check_folds(rows, folds, table)
        if not settings.get("allow_case_overlap", False):
            check_sides(rows, folds, table, f"on one, or set allow_case_overlap: true in {config}")
    survival = settings.get("task_type") == "survival" or any(c.endswith("_event") for c in [column, *extra])
    regression = settings.get("task_type") == "regression"
    named = {} if regression else settings["label_dict"]
    class_names = in_order({str(code): label for code, label in named.items()})
    if not survival:
        check_first(settings["metrics"], config)
    if not survival and not regression:
        check_labels(rows, column, class_names, table, config)
    event, time = survival_columns(rows, column, extra, table) if survival else ("", "")
    survived = [event, time] if survival else []
    same = dict.fromkeys([column, *extra, *survived, *folds, *(["case_id"] if unit == "slide_id" else [])])
    samples = one_row_per_sample(rows, unit, list(same), table)
    times, events = read_survival(rows.loc[samples["first"]], event, time, table) if survival else (None, None)
    order = {code: i for i, code in enumerate(class_names)}
    return Task(
        name,
        unit,
        list(samples.index),
        np.array([order.get(value, -1) for value in samples[column]], int),
        list(class_names.values()),
        samples[folds].to_numpy(object),
        list(settings["metrics"]),
        times,
        events,
        cases=dict(samples["case"]),
        slides=dict(samples["slides"]),
        endpoint=event.removesuffix("_event"),
        values=read_values(rows.loc[samples["first"]], column, table) if regression else np.zeros(0),
    )


def check_first(metrics: Sequence[str], config: str | Path) -> None:
    """Raise BadTask where less is better of the first metric: every table and figure takes the highest for the best."""
    if metrics and metrics[0] in LESS_IS_BETTER:
        raise BadTask(
            f"{config}, metrics: {metrics[0]} can't be a task's first metric, as less of it is better, and models are "
            "ranked by the first, the highest before others; name another one first, such as bacc (classes) or r2 "
            "(numbers)"
        )


def read_values(samples: pd.DataFrame, column: str, table: str | Path) -> np.ndarray:
    """Numbers (float N) that a regression task predicts; `#` is the line of each."""
    values = pd.to_numeric(samples[column], errors="coerce").to_numpy(float)
    if not np.isfinite(values).all():
        row = samples[~np.isfinite(values)].iloc[0]
        remedy = "correct it, or empty it to leave the row out"
        raise BadTask(f"{table}, row {row['#']}, column {column}: {row[column]!r} is no finite number: {remedy}")
    return values


def in_order(class_names: dict[str, str]) -> dict[str, str]:
    """Classes by code, numbers in their order: quadratic kappa counts steps between grades, however they are listed.

    Where a code isn't a number, the order of label_dict is kept.
    """
    if not all(map(is_integer, class_names)):
        return class_names
    return dict(sorted(class_names.items(), key=lambda item: int(item[0])))


def fold_columns(rows: pd.DataFrame) -> list[str]:
    """Columns fold_0, fold_1, … in the order of the table."""
    return [c for c in rows if "fold_" in c]


def read_rows(table: str | Path, needed: Sequence[str]) -> pd.DataFrame:
    """Rows of a task's table as strings, with the line number under '#'."""
    rows = read_tsv(table, lines="#")
    missing = [name for name in needed if name not in rows]
    if missing:
        raise BadTask(f"{table}, header: no column {', '.join(missing)}, which config.yaml names; correct either")
    return rows


def check_folds(rows: pd.DataFrame, folds: list[str], table: str | Path) -> None:
    """There are folds, of allowed words only."""
    if not folds:
        raise BadTask(f"{table}: no column fold_0, fold_1, …; add them, or a recipe `splits` to config.yaml")
    for fold in folds:
        wrong = rows[~rows[fold].isin(SIDES)]
        if len(wrong):
            row = wrong.iloc[0]
            raise BadTask(f"{table}, row {row['#']}, column {fold}: {row[fold]!r} is none of train, test, val, -1")


def check_sides(rows: pd.DataFrame, folds: list[str], table: str | Path, remedy: str = "on one") -> None:
    """No case on both sides of a fold."""
    for fold in folds:
        n_sides = rows[rows[fold].isin(("train", "test"))].groupby("case_id")[fold].nunique()
        if (n_sides > 1).any():
            case = n_sides.index[n_sides > 1][0]
            raise BadTask(f"{table}, column {fold}: case {case} is on both sides; put all its slides {remedy}")


def check_labels(
    rows: pd.DataFrame, column: str, codes: Collection[str], table: str | Path, config: str | Path
) -> None:
    """Every label is one of label_dict."""
    wrong = rows[~rows[column].isin(list(codes))]
    if len(wrong):
        labels, row = sorted(set(wrong[column])), wrong.iloc[0]["#"]
        raise BadTask(
            f"{table}, row {row}, column {column}: labels {labels} are not in label_dict of {config}; "
            f"it has {', '.join(codes)}"
        )


def one_row_per_sample(rows: pd.DataFrame, unit: str, columns: list[str], table: str | Path) -> pd.DataFrame:
    """One row per case or slide; all slides of a case must agree in label and fold.

    Further columns: `first` (index of its first row), `case`, `slides` (those listed; none where there is no column).
    """
    groups = rows.groupby(unit, sort=False)
    differing = groups[columns].nunique().gt(1)
    if differing.to_numpy().any():
        sample = differing.index[differing.any(axis=1)][0]
        column = differing.columns[differing.loc[sample]][0]
        raise BadTask(f"{table}, column {column}: the slides of {unit} {sample} disagree; make them agree")
    samples = groups[columns].first()
    samples["first"] = rows.drop_duplicates(unit).index
    samples["case"] = groups["case_id"].first()
    slides = rows["slide_id"] if "slide_id" in rows else pd.Series("", rows.index)
    listed = slides.groupby(rows[unit], sort=False).agg(lambda names: [n for n in dict.fromkeys(names) if n])
    samples["slides"] = listed
    return samples


def survival_columns(rows: pd.DataFrame, label: str, extra: Sequence[str], table: str | Path) -> tuple[str, str]:
    """Columns <X>_event and <X>_days (or <X>_months): those of extra_cols, else the label's, else the first."""
    events = [c for c in rows if c.endswith("_event")]
    events.sort(key=lambda c: (c not in extra, c != f"{label}_event"))
    for event in events:
        times = [event.removesuffix("_event") + unit for unit in ("_days", "_months")]
        for time in sorted(times, key=lambda name: name not in extra):
            if time in rows:
                return event, time
    raise BadTask(f"{table}: a survival task needs columns such as OS_event and OS_days among extra_cols")


def read_survival(samples: pd.DataFrame, event: str, time: str, table: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Times in days (float) and events (bool) of samples; `#` is the line of each."""
    times = pd.to_numeric(samples[time], errors="coerce").to_numpy(float)
    events = pd.to_numeric(samples[event], errors="coerce").to_numpy(float)
    for column, wrong, remedy in (
        (time, ~(np.isfinite(times) & (times > 0)), "is not a positive time: write days, or empty the label"),
        (event, ~np.isin(events, (0, 1)), "is neither 1 (event) nor 0 (censored): correct it, or empty the label"),
    ):
        if wrong.any():
            row = samples[wrong].iloc[0]
            raise BadTask(f"{table}, row {row['#']}, column {column}: {row[column]!r} {remedy} to leave the row out")
    return times * (DAYS_A_MONTH if time.endswith("_months") else 1), events > 0
