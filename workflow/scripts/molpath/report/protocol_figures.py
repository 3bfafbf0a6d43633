"""Figures of the protocols beside frozen probes: few labels, retrieval, prompts, transfer."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ..common.files import write_tsv
from .figures import save
from .panels import box_numbers, colours_of, draw_boxes, say_nothing, shown
from .scores import fold_values
from .tables import kind_of_model, read_metrics


def plot_fewshot(
    *, metrics: str, folds: Sequence[str], models: Sequence[str], figure: str, table: str, note: str
) -> None:
    """Boxes over draws, folds and seeds of every kind of model for each number of training samples a class."""
    values = fold_values(read_metrics(metrics), folds, "fewshot")
    values = values[values.model.isin(models)]
    numbers = fewshot_numbers(values, models)
    write_tsv(table, numbers)
    save(draw_fewshot(numbers, models), figure, note)


def fewshot_numbers(values: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    """One row a task, number of shots and kind of model: what its box shows."""
    kinds = list(dict.fromkeys(kind_of_model(model)[0] for model in models))
    values = values.assign(kind=[kind_of_model(model)[0] for model in values.model])
    rows = []
    for (family, task, shots), mine in values.groupby(["family", "task", "shots"], sort=True):
        for kind in [kind for kind in kinds if kind in set(mine.kind)]:
            one = mine[mine.kind == kind]
            row = {"family": family, "task": task, "metric": one.metric.iloc[0], "shots": int(shots), "kind": kind}
            rows.append(row | {"seeds": one.model.nunique()} | box_numbers(one.value))
    columns = ["family", "task", "metric", "shots", "kind", "seeds", "n", "missing", "mean", "low", "q1", "median"]
    return pd.DataFrame(rows, columns=[*columns, "q3", "high", "outliers"])


def draw_fewshot(numbers: pd.DataFrame, models: Sequence[str]):
    """A panel a task, a group of boxes a number of shots."""
    import matplotlib.pyplot as plt

    tasks, kinds = list(dict.fromkeys(numbers.task)), list(dict.fromkeys(numbers.kind))
    if not tasks:
        return say_nothing("no few-shot task has a score")
    colours = {kind_of_model(model)[0]: colour for model, colour in colours_of(models).items()}
    groups = numbers.groupby("task").shots.nunique().max()
    columns = max(1, min(len(tasks), int(15 / (1.2 + 0.17 * groups * (len(kinds) + 1)))))
    lines = -(-len(tasks) // columns)
    size = columns * (1.2 + 0.17 * groups * (len(kinds) + 1)) + 0.5, 2.9 * lines + 0.4
    figure, panels = plt.subplots(lines, columns, figsize=size, squeeze=False, layout="constrained")
    for axes in list(panels.flat)[len(tasks) :]:
        axes.set_visible(False)
    for axes, task in zip(panels.flat, tasks, strict=False):
        mine = numbers[(numbers.task == task) & (numbers.n > 0)]
        shots = sorted(set(numbers.shots[numbers.task == task]))
        step = len(kinds) + 1
        places = [shots.index(row.shots) * step + kinds.index(row.kind) for row in mine.itertuples()]
        draw_boxes(axes, mine, places, [colours[kind] for kind in mine.kind], width=0.75, rows=False)
        axes.set_xticks([index * step + (len(kinds) - 1) / 2 for index in range(len(shots))], shots)
        axes.set_xlim(-1, len(shots) * step - 1)
        axes.grid(axis="y", color="#eeeeee", lw=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(labelsize=8)
        axes.set_title(shown(task), fontsize=9)
        axes.set_xlabel("training samples a class", fontsize=8)
        axes.set_ylabel(numbers.metric[numbers.task == task].iloc[0], fontsize=8)
    handles = [plt.Rectangle((0, 0), 1, 1, color=colours[kind], alpha=0.75, label=kind) for kind in kinds]
    figure.legend(handles=handles, loc="outside right upper", frameon=False, fontsize=8)
    return figure
