"""Checks of what tasks say about samples: columns, values, times, events, one label each; protocols need classes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from ..common.task_rules import LESS_IS_BETTER, OF_CLASSES, is_odd_number
from ..common.tsv import plain_number
from .config import Config, Row
from .hints import did_you_mean, for_number
from .problems import Problems
from .tasks import Tasks


def has_columns(sheet: str, header: Iterable[str], settings: Config, problems: Problems) -> bool:
    """True if a table has every column that its config.yaml names; a problem otherwise."""
    names = list(header)
    needed = [settings["task_col"], "case_id", settings["sample_col"], *settings.get("extra_cols", [])]
    missing = [name for name in dict.fromkeys(needed) if name not in names]
    if missing:
        hints = [f"{column!r}: {hint.strip()}" for column in missing if (hint := did_you_mean(column, names))]
        problems.add(
            f"{sheet}, header, column {', '.join(missing)}",
            "the task's config.yaml names it, but the table has no such column",
            "; ".join(hints) or "correct task_col, sample_col or extra_cols in config.yaml, or the header",
        )
    return not missing


def check_groups(task: str, settings: Config, config: Config, tasks: Tasks, problems: Problems) -> None:
    """A task that predicts a number has frozen probes only."""
    probe = config["probe"]
    groups = set(tasks.entries[task]["groups"]) if task in probe["use"] else set()
    tasks_of_pairs = {side for pair in tasks.used_sides() for side in pair} | {*probe["cluster"]["use"]}
    class_groups = sorted(groups - {"frozen"}) + ["transfer, prompt or cluster"] * (task in tasks_of_pairs)
    if settings.get("task_type") == "regression" and class_groups:
        wrong = f"{task} predicts a number, and {', '.join(class_groups)} needs classes"
        problems.add(f"config, key probe/tasks/{task}", wrong, "leave it with groups: [frozen]")


def check_classes(path: str, settings: Config, problems: Problems) -> None:
    """Classes have names of their own, codes that look like numbers are integers, and the metrics are known.

    path: config.yaml of a classification task.
    """
    code_of: dict[str, str] = {}
    for code, name in settings["label_dict"].items():
        location = f"{path}, key label_dict/{code}"
        if is_odd_number(str(code)):
            wrong = f"{str(code)!r} looks like a number and is no integer in plain digits"
            problems.add(location, wrong, "write labels as 0, 1, 2, … or as words, here and in k=all.tsv")
        if (other_code := code_of.setdefault(str(name), str(code))) != str(code):
            wrong = f"the class is called {name!r}, as that of {other_code} is"
            problems.add(location, wrong, "give each class a name of its own, or all its rows one label in k=all.tsv")
    for place, metric in enumerate(settings["metrics"]):
        if metric not in OF_CLASSES:
            location = f"{path}, key metrics/{place}"
            hint = did_you_mean(metric, OF_CLASSES)
            problems.add(location, f"{metric!r} is no metric of classes", f"{hint}one of: {', '.join(OF_CLASSES)}")
        elif place == 0 and metric in LESS_IS_BETTER:
            wrong = f"less {metric} is better, and models are ranked by the first metric, the highest before others"
            problems.add(f"{path}, key metrics/0", wrong, "name another one first, such as bacc")


def check_value(location: str, cell: str, problems: Problems) -> None:
    """A label of a regression task is a finite number."""
    if not is_number(cell, math.isfinite):
        problems.add(
            location,
            f"{cell!r} is no finite number",
            for_number(cell) or "correct it, or empty the cell to leave the row out",
        )


def check_survival(location: str, row: Row, settings: Config, problems: Problems) -> None:
    """Times are positive, events 0 or 1."""
    for column in settings.get("extra_cols") or []:
        value = row.get(column) or ""
        if column.endswith(("_days", "_months")) and not is_number(value, lambda x: x > 0):
            remedy = "write the time from the start, or empty the label to leave the row out"
            problems.add(f"{location}, column {column}", f"{value!r} is not a positive time", remedy)
        if column.endswith("_event") and not is_number(value, lambda x: x in (0, 1)):
            remedy = "correct it, or empty the label to leave the row out"
            problems.add(f"{location}, column {column}", f"{value!r} is neither 1 (event) nor 0 (censored)", remedy)


def check_agreement(sheet: str, rows: list[Row], folds: list[str], settings: Config, problems: Problems) -> None:
    """Rows of one sample (a case, or a slide) agree on its label and folds; reported once per table."""
    unit = settings["sample_col"]
    columns = [settings["task_col"], *(settings.get("extra_cols") or []), *folds]
    first: dict[str, Row] = {}
    for row in rows:
        first_row = first.setdefault(row[unit], row)
        for column in dict.fromkeys(columns):
            if (row[column] or "") != (first_row[column] or ""):
                message = f"{unit} {row[unit]} has {row[column]!r}, and {first_row[column]!r} in row {first_row['#']}"
                location = f"{sheet}, row {row['#']}, column {column}"
                problems.add(location, message, f"make rows of one {unit} agree, or set sample_col to what they are of")
                return


def is_number(text: str, fits: Callable[[float], bool]) -> bool:
    """True if a cell is a finite number that fits."""
    try:
        value = plain_number(text)
        return value < float("inf") and fits(value)
    except ValueError:
        return False
