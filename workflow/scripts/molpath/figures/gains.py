"""What one model has over another on the same tasks, and how the order of models moves with the probe's penalty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import pandas as pd

from ..common.files import write_tsv
from ..tables.gains import gains, sweep
from ..tables.scores import Models, kind_of, main_scores, read_metrics
from .panels import colours_of, draw_panels, say_nothing
from .style import save


def plot_gains(
    *,
    metrics: str,
    group: str,
    pairs: Mapping[str, Sequence[str]],
    models: Models,
    label: str,
    figure: str,
    table: str,
    note: str,
) -> None:
    """Score of each model minus the mean of its baselines' (`pairs`): every task, and means over tasks and families."""
    numbers = gains(main_scores(read_metrics(metrics), group, models), pairs)
    write_tsv(table, numbers)
    save(draw_gains(numbers, models, label), figure, note)


def draw_gains(numbers: pd.DataFrame, models: Models, label: str):
    """A panel for all tasks and one per family: means with intervals, and the tasks behind them as rings."""
    names = list(dict.fromkeys(numbers.model))
    means = numbers[numbers.scope != "task"].assign(
        stars="", fold_note="", name=lambda t: t.model, value=lambda t: t.gain
    )
    parts = [
        (
            f"{family or 'all'}\n{family_means.tasks.max()} task{'s' * int(family_means.tasks.max() != 1)}".replace(
                "_", " "
            ),
            label,
            family_means,
        )
        for family, family_means in means.groupby("family", sort=False)
    ]
    drawn = draw_panels(parts, names, colours_of(models), line=0)
    tasks = numbers[numbers.scope == "task"]
    for axes, (family, _) in zip(drawn.axes, means.groupby("family", sort=False), strict=False):
        task_gains = tasks[tasks.family.eq(family) | (family == "")]
        places = [names.index(model) for model in task_gains.model]
        axes.plot(task_gains.gain, places, "o", ms=3, mfc="none", mec="#555555", mew=0.6, alpha=0.7, zorder=1)
        low, high = axes.get_xlim()
        room = 0.05 * (high - low)
        axes.set_xlim(min(low, task_gains.gain.min() - room), max(high, task_gains.gain.max() + room))
    return drawn


def plot_c_sweep(*, metrics: str, models: Models, c: float, figure: str, table: str, note: str) -> None:
    """Mean score, and share of tasks won, of every kind of model over the strengths of the probe's penalty.

    c: the strength of the probe itself (0: adaptive), which is one of the sweep's points.
    """
    numbers = sweep(read_metrics(metrics), models, c)
    write_tsv(table, numbers)
    save(draw_sweep(numbers, models), figure, note)


def draw_sweep(numbers: pd.DataFrame, models: Models):
    """Two panels of lines over the strengths."""
    if numbers.empty:
        return say_nothing("no task has a sweep of C")
    colours = {kind_of(model, models): colour for model, colour in colours_of(models).items()}
    strengths, kinds = list(dict.fromkeys(numbers.C)), list(dict.fromkeys(numbers.kind))
    size = 2 * (1.6 + 0.5 * len(strengths)) + 2.2, 3.4
    figure, panels = plt.subplots(1, 2, figsize=size, layout="constrained")
    for axes, column, label in zip(panels, ("mean", "share"), ("mean score", "share of tasks won"), strict=True):
        for place, kind in enumerate(kinds):
            kind_scores = numbers[numbers.kind == kind].set_index("C")[column].reindex(strengths)
            axes.plot(
                range(len(strengths)), kind_scores, "osD^v"[place % 5] + "-", ms=5, color=colours[kind], label=kind
            )
        axes.set_xticks(range(len(strengths)), strengths, fontsize=8)
        axes.set_xlabel("C (inverse strength of the L2 penalty)", fontsize=9)
        axes.set_ylabel(f"{label}, {numbers.tasks.iloc[0]} tasks", fontsize=9)
        axes.set_xlim(-0.4, len(strengths) - 0.6)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper", frameon=False, fontsize=9)
    return figure
