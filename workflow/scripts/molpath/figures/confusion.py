"""Confusion matrices of the frozen probes: true against predicted class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ..common.files import write_tsv
from ..probe.intervals import probability_columns
from ..probe.tasks import read_task
from ..tables.scores import Models
from .curves import read_guesses
from .panels import say_nothing, shown
from .style import save

#: Tasks in one picture; inches of a class; the longest name of a class.
MOST, CELL, LONGEST = 12, 0.3, 32
COLUMNS = ["task", "model", "truth", "guess", "share", "predictions", "cases"]


def plot_confusion(
    *,
    predictions: Sequence[str],
    tasks: Mapping[str, Sequence[str]],
    models: Models,
    reference: str,
    figure: str,
    table: str,
    note: str,
) -> None:
    """Draw a matrix per task for one model, the reference; the table has every model's.

    Rows are true classes and add up to 100 %, over all test sides' predictions together: the diagonal is the recall of
    each class. tasks: config.yaml and k=all.tsv of each task, which name its classes.
    """
    rows: list[dict[str, object]] = []
    sizes: dict[str, int] = {}
    for task, model, guesses in read_guesses(predictions, models):
        classes = read_task(task, tasks[task][0], tasks[task][1], folds_needed=False).classes
        guess = guesses[probability_columns(guesses)].to_numpy().argmax(1)
        sizes[task] = guesses.sample_id.nunique()
        rows += rows_of(task, model, guesses.assign(guess=guess), classes)
    numbers = pd.DataFrame(rows, columns=COLUMNS)
    write_tsv(table, numbers)
    drawn = numbers[numbers.model == reference]
    names = list(dict.fromkeys(drawn.task))
    if not names:
        save(say_nothing("no frozen probe of a task with classes has predictions"), figure, note)
        return
    save(draw_matrices(drawn, names[:MOST], reference, len(names), sizes), figure, note)


def rows_of(task: str, model: str, guesses: pd.DataFrame, classes: Sequence[str]) -> list[dict[str, object]]:
    """A row per pair of classes; the share is of the predictions of the true class, nan where there are none."""
    rows = []
    for code, truth in enumerate(classes):
        class_guesses = guesses[guesses.label == code]
        fixed = {"task": task, "model": model, "truth": truth}
        for guess_code, guess in enumerate(classes):
            share = float((class_guesses.guess == guess_code).mean()) if len(class_guesses) else np.nan
            counts = {
                "predictions": int((class_guesses.guess == guess_code).sum()),
                "cases": class_guesses.case_id.nunique(),
            }
            rows.append(fixed | {"guess": guess, "share": share} | counts)
    return rows


def draw_matrices(numbers: pd.DataFrame, tasks: Sequence[str], model: str, count: int, sizes: Mapping[str, int]):
    """Two matrices per row, one where a task has many classes; every cell has its percentage."""
    widest = max(numbers[numbers.task == task].truth.nunique() for task in tasks)
    columns = 1 if widest > 12 else min(2, len(tasks))
    rows = -(-len(tasks) // columns)
    heights = [
        max(numbers[numbers.task == task].truth.nunique() for task in tasks[row * columns : (row + 1) * columns])
        for row in range(rows)
    ]
    side = [max(2.2, CELL * height) + 2.0 for height in heights]
    figure, panels = plt.subplots(
        rows, columns, figsize=(columns * (max(2.2, CELL * widest) + 3.2), sum(side)), squeeze=False,
        layout="constrained", height_ratios=side,
    )  # fmt: skip
    for axes in list(panels.flat)[len(tasks) :]:
        axes.set_visible(False)
    for axes, task in zip(panels.flat, tasks, strict=False):
        draw_matrix(axes, numbers[numbers.task == task])
        axes.set_title(f"{shown(task)}\n{model}, {sizes[task]} samples", fontsize=9)
    caption = "rows: true class, adding up to 100 %; over all test sides"
    caption += f"; the first {len(tasks)} of {count} tasks, the table has all" * (count > len(tasks))
    figure.supxlabel(caption, fontsize=8)
    return figure


def draw_matrix(axes, numbers: pd.DataFrame) -> None:
    """One matrix: colour and whole percent, an empty cell without predictions."""
    classes = list(dict.fromkeys(numbers.truth))
    shares = numbers.share.to_numpy(float).reshape(len(classes), len(classes))
    cases = numbers.drop_duplicates("truth").cases
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    small = 8 if len(classes) <= 12 else 6.5
    for (row, column), share in np.ndenumerate(shares):
        if np.isfinite(share) and round(100 * share) > 0:
            colour = "white" if share > 0.55 else "#222222"
            axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=small, color=colour)
    names = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in classes]
    axes.set_yticks(range(len(names)), [f"{name} ({n})" for name, n in zip(names, cases, strict=True)], fontsize=small)
    axes.set_xticks(range(len(names)), names, rotation=60, ha="right", rotation_mode="anchor", fontsize=small)
    axes.set(xlabel="guessed", ylabel="true (cases)")
    axes.tick_params(length=0)
