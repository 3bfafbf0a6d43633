"""Labels of new cases, where their sheets have a column named like the label that a predictor was fitted on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..common.files import read_tsv
from ..common.given_yaml import read_yaml
from ..probe.tasks import (
    BadTask,
    Task,
    check_labels,
    in_order,
    one_row_per_sample,
    read_survival,
    read_values,
    survival_columns,
)


class NoLabels(Exception):
    """The new sheets have no labels to validate a predictor with; the message says why."""


class Labelled(NamedTuple):
    """A task of the new samples that have a label, and the label of each as the sheet has it."""

    task: Task
    words: dict[str, str]


def label_facts(config: str) -> dict[str, Any]:
    """What a task's config.yaml says about its label, as predictor.json keeps it."""
    settings = read_yaml(config)
    facts = {key: settings[key] for key in ("task_col", "sample_col", "task_type") if settings.get(key)}
    lists = {key: [str(item) for item in settings.get(key) or []] for key in ("extra_cols", "metrics")}
    return (
        facts
        | lists
        | {"label_dict": {str(code): str(name) for code, name in (settings.get("label_dict") or {}).items()}}
    )


def read_labels(name: str, settings: Mapping[str, Any], sheet: str, case_sheet: str) -> Labelled:
    """The labelled samples of the new sheets.

    settings: task_col, sample_col, label_dict, extra_cols and task_type of the task that the predictor was fitted on.
    Classes may be written by their codes or by their names. The sheet of cases counts before that of slides.
    Raises NoLabels where no row has a label, BadTask where one can't be what the predictor predicts.
    """
    column, unit = settings["task_col"], settings["sample_col"]
    extra = settings.get("extra_cols") or []
    survival = settings.get("task_type") == "survival" or any(
        label_column.endswith("_event") for label_column in [column, *extra]
    )
    table, rows = _rows(sheet, case_sheet, column, survival)
    rows = rows[rows[column] != ""]
    if not len(rows):
        raise NoLabels(f"column {column} of {table} is empty")
    class_names = in_order({str(code): str(label) for code, label in (settings.get("label_dict") or {}).items()})
    plain = settings.get("task_type") == "regression"
    if not survival and not plain:
        rows = rows.assign(**{column: _codes(rows, column, class_names, table)})
        check_labels(rows, column, class_names, table, f"the predictor {name}")
    event, time = survival_columns(rows, column, extra, table) if survival else ("", "")
    samples = one_row_per_sample(rows, unit, [column, *filter(None, (event, time))], table)
    times, events = read_survival(rows.loc[samples["first"]], event, time, table) if survival else (None, None)
    order = {code: i for i, code in enumerate(class_names)}
    task = Task(
        name,
        unit,
        [str(sample) for sample in samples.index],
        np.array([order.get(value, -1) for value in samples[column]], int),
        [] if survival or plain else list(class_names.values()),
        np.zeros((len(samples), 0), object),
        list(settings.get("metrics") or []),
        times,
        events,
        cases=dict(samples["case"]),
        values=read_values(rows.loc[samples["first"]], column, table) if plain else np.zeros(0),
    )
    texts = (
        samples[event] + " at " + samples[time]
        if survival
        else samples[column].map(class_names).fillna(samples[column])
    )
    return Labelled(task, dict(texts))


def _rows(sheet: str, case_sheet: str, column: str, survival: bool) -> tuple[str, pd.DataFrame]:
    """The sheet that has the label, and a row for each slide with slide_id, case_id and its columns."""
    slides = read_tsv(sheet, lines="#")
    for path in filter(None, (case_sheet, sheet)):
        rows = slides if path == sheet else read_tsv(path, lines="#")
        timed = not survival or any(name.endswith("_event") for name in rows)
        if column in rows and timed:
            if path == sheet:
                return path, rows
            return path, slides[["slide_id", "case_id"]].merge(
                rows.drop(columns="slide_id", errors="ignore"), on="case_id"
            )
    raise NoLabels(f"no column {column} in {' or '.join(filter(None, (case_sheet, sheet)))}")


def _codes(rows: pd.DataFrame, column: str, class_names: Mapping[str, str], table: str) -> pd.Series:
    """Classes by their codes; cells with names are turned into codes.

    Raises BadTask where a cell is the code of one class and the name of another, and the others don't decide which.
    """
    by_name, cells = {label: code for code, label in class_names.items()}, rows[column]
    distinct = set(cells)
    twofold = [cell in class_names and by_name.get(cell, cell) != cell for cell in cells]
    if (distinct <= set(class_names)) == (distinct <= set(by_name)) and any(twofold):
        row = rows[twofold].iloc[0]
        cell = row[column]
        raise BadTask(
            f"{table}, row {row['#']}, column {column}: {cell!r} is the code of class {class_names[cell]!r} and the "
            f"name of another, whose code is {by_name[cell]!r}; give the classes names in label_dict that are no "
            "codes, such as grade_1, or empty the column"
        )
    if distinct <= set(class_names):
        return cells
    return cells.map(lambda cell: by_name.get(cell, cell))
