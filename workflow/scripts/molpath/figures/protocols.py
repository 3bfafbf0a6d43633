"""Figures of the protocols besides frozen probes: few labels, retrieval, prompts, transfer."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import pandas as pd

from ..common.files import write_tsv
from ..tables.formats import words_of
from ..tables.scores import (
    PROMPTS,
    Models,
    beside_reference,
    fold_values,
    kind_of,
    main_scores,
    notes_of_folds,
    read_metrics,
    read_tests,
    stars,
)
from .panels import box_numbers, colours_of, draw_boxes, draw_panels, say_nothing, shown
from .style import save

#: Columns of the tables of point figures.
KEPT = ["task", "metric", "model", "mean", "lower", "upper", "n_folds", "n_fits", "n_failed", "n_empty"]


def plot_fewshot(*, metrics: str, folds: Sequence[str], models: Models, figure: str, table: str, note: str) -> None:
    """Boxes over draws, folds and seeds of every kind of model for each number of training samples per class."""
    values = fold_values(read_metrics(metrics), folds, "fewshot")
    values = values[values.model.isin(models)]
    numbers = fewshot_numbers(values, models)
    write_tsv(table, numbers)
    save(draw_fewshot(numbers, models), figure, note)


def fewshot_numbers(values: pd.DataFrame, models: Models) -> pd.DataFrame:
    """One row per task, number of shots and kind of model: what its box shows."""
    kinds = list(dict.fromkeys(kind_of(model, models) for model in models))
    values = values.assign(kind=[kind_of(model, models) for model in values.model])
    rows = []
    for (family, task, shots), shot_values in values.groupby(["family", "task", "shots"], sort=True):
        for kind in [kind for kind in kinds if kind in set(shot_values.kind)]:
            kind_values = shot_values[shot_values.kind == kind]
            row = {
                "family": family,
                "task": task,
                "metric": kind_values.metric.iloc[0],
                "shots": int(shots),
                "kind": kind,
            }
            rows.append(row | {"seeds": kind_values.model.nunique()} | box_numbers(kind_values.value))
    columns = ["family", "task", "metric", "shots", "kind", "seeds", "n", "missing", "mean", "low", "q1", "median"]
    return pd.DataFrame(rows, columns=[*columns, "q3", "high", "outliers"])


def draw_fewshot(numbers: pd.DataFrame, models: Models):
    """A panel per task, a group of boxes per number of shots."""
    tasks, kinds = list(dict.fromkeys(numbers.task)), list(dict.fromkeys(numbers.kind))
    if not tasks:
        return say_nothing("no few-shot task has a score")
    colours = {kind_of(model, models): colour for model, colour in colours_of(models).items()}
    groups = numbers.groupby("task").shots.nunique().max()
    columns = max(1, min(len(tasks), int(15 / (1.2 + 0.17 * groups * (len(kinds) + 1)))))
    lines = -(-len(tasks) // columns)
    size = columns * (1.2 + 0.17 * groups * (len(kinds) + 1)) + 0.5, 2.9 * lines + 0.4
    figure, panels = plt.subplots(lines, columns, figsize=size, squeeze=False, layout="constrained")
    for axes in list(panels.flat)[len(tasks) :]:
        axes.set_visible(False)
    for axes, task in zip(panels.flat, tasks, strict=False):
        task_numbers = numbers[(numbers.task == task) & (numbers.n > 0)]
        shots = sorted(set(numbers.shots[numbers.task == task]))
        step = len(kinds) + 1
        places = [shots.index(row.shots) * step + kinds.index(row.kind) for row in task_numbers.itertuples()]
        draw_boxes(axes, task_numbers, places, [colours[kind] for kind in task_numbers.kind], width=0.75, rows=False)
        for place, row in zip(places, task_numbers.itertuples(), strict=True):
            if row.missing:
                n_text = f"{row.n} of {row.n + row.missing}"
                axes.text(place, row.high, n_text, fontsize=6, rotation=90, ha="center", va="bottom")
        axes.set_xticks([index * step + (len(kinds) - 1) / 2 for index in range(len(shots))], shots)
        axes.set_xlim(-1, len(shots) * step - 1)
        axes.grid(axis="y", color="#eeeeee", lw=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(labelsize=8)
        axes.set_title(shown(task), fontsize=9)
        axes.set_xlabel("training samples per class", fontsize=8)
        axes.set_ylabel(words_of(numbers.metric[numbers.task == task].iloc[0]), fontsize=8)
    handles = [plt.Rectangle((0, 0), 1, 1, color=colours[kind], alpha=0.75, label=kind) for kind in kinds]
    figure.legend(handles=handles, loc="outside right upper", frameon=False, fontsize=8)
    return figure


def plot_retrieval(*, metrics: str, models: Models, figure: str, table: str, note: str) -> None:
    """mAP at 1, 5 and 10: a row of panels per task."""
    scores = read_metrics(metrics)
    scores = scores[(scores.protocol == "retrieval") & scores.model.isin(models) & scores["mean"].notna()]
    write_tsv(table, scores[KEPT])
    rows = as_points(scores)
    parts = [
        (shown(task), metric, metric_rows)
        for (task, metric), metric_rows in rows.groupby(["task", "metric"], sort=False)
    ]
    names = [model for model in models if model in set(rows.model)]
    columns = max(1, rows.metric.nunique())
    save(draw_panels(parts, names, colours_of(models), columns=columns), figure, note)


def plot_prompting(*, metrics: str, models: Models, figure: str, table: str, note: str) -> None:
    """Score of every kind of prompt by model, and of the linear probe where the same pair is a transfer task too."""
    scores = read_metrics(metrics)
    prompted = scores[(scores.primary == 1) & (scores.group == "prompt") & scores.protocol.isin(PROMPTS)]
    probed = main_scores(scores, "transfer", models)
    probed = probed[probed.task.isin(prompted.task)].assign(by="linear probe")
    rows = pd.concat([prompted.assign(by=prompted.protocol.map(PROMPTS)), probed])
    rows = rows[rows.model.isin(models)]
    write_tsv(table, rows[["by", *KEPT]])
    rows = as_points(rows).assign(name=rows.model + ", " + rows.by)
    order = [f"{model}, {by}" for by in (*PROMPTS.values(), "linear probe") for model in models]
    names = [name for name in order if name in set(rows.name)]
    colours = {f"{model}, {by}": colour for model, colour in colours_of(models).items() for by in set(rows.by)}
    parts = [(shown(task), task_rows.metric.iloc[0], task_rows) for task, task_rows in rows.groupby("task", sort=False)]
    block = sum(not name.endswith("linear probe") for name in names)
    save(draw_panels(parts, names, colours, columns=4, block=block), figure, note)


def plot_transfer(
    *, metrics: str, tests: str, models: Models, reference: str, figure: str, table: str, note: str
) -> None:
    """Score of every model trained on one cohort and tested on another; stars: DeLong's test against the reference."""
    scores = main_scores(read_metrics(metrics), "transfer", models)
    transfer_tests = read_tests(tests)
    transfer_tests = transfer_tests[
        (transfer_tests.group == "transfer") & transfer_tests.method.str.startswith("DeLong")
    ]
    against = {
        task: beside_reference(task_tests, reference).p_adjusted for task, task_tests in transfer_tests.groupby("task")
    }
    p = [against[row.task].get(row.model) if row.task in against else None for row in scores.itertuples()]
    scores = scores.assign(p_adjusted=pd.Series(p, index=scores.index, dtype=float))
    scores["stars"] = [stars(value) for value in scores.p_adjusted]
    write_tsv(table, scores[[*KEPT, "p_adjusted", "stars"]])
    rows = as_points(scores, scores.stars)
    parts = [(shown(task), task_rows.metric.iloc[0], task_rows) for task, task_rows in rows.groupby("task", sort=False)]
    names = [model for model in models if model in set(rows.model)]
    save(draw_panels(parts, names, colours_of(models), columns=4, bold=reference), figure, note)


def as_points(scores: pd.DataFrame, marks="") -> pd.DataFrame:
    """Scores with the columns that draw_points takes."""
    return scores.rename(columns={"mean": "value"}).assign(
        name=scores.model, stars=marks, fold_note=notes_of_folds(scores)
    )
