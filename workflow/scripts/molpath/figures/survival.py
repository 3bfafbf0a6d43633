"""Kaplan-Meier curves of risk groups, with numbers at risk."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from .panels import say_nothing, shown
from .style import COLOURS, save

#: Models in a row of panels; tasks in one picture.
WIDE, MOST = 4, 6


def plot_survival(table: pd.DataFrame, samples: dict, output: str, note: str) -> None:
    """Kaplan-Meier curves with numbers at risk: models side by side for each task, at most WIDE in a row.

    Of more than MOST tasks the first are drawn; survival.tsv has all.
    """
    if not samples:
        save(say_nothing("no survival task in use"), output, note)
        return
    tasks = list(dict.fromkeys((task, group) for task, group, _ in samples))
    parts = {
        task_group: [(model, model_cases) for (*at, model), model_cases in samples.items() if tuple(at) == task_group]
        for task_group in tasks
    }
    drawn, columns = tasks[:MOST], min(WIDE, max(map(len, parts.values())))
    lines = [-(-len(parts[task_group]) // columns) for task_group in drawn]
    size = 3.0 * columns + 0.6, 3.5 * sum(lines)
    figure, panels = plt.subplots(sum(lines), columns, figsize=size, sharey=True, squeeze=False)
    for axes in panels.flat:
        axes.set_visible(False)
    for place, (task, group) in enumerate(drawn):
        first = sum(lines[:place])
        for number, (model, model_cases) in enumerate(parts[task, group]):
            axes = panels[first + number // columns, number % columns]
            draw_panel(
                axes, model_cases, table[(table.task == task) & (table.group == group) & (table.model == model)].iloc[0]
            )
            axes.set_title(f"{model}\n{shown(task)} ({named(group)})\n{len(model_cases)} cases", fontsize=8)
    for row in panels:
        row[0].set_ylabel("survival (with 95 % bands)", fontsize=9)
    handles = {word: line for axes in panels.flat for line, word in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(
        handles.values(), handles, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False, fontsize=9
    )
    if len(tasks) > len(drawn):
        caption = f"the first {len(drawn)} of {len(tasks)} tasks and groups; tables/survival.tsv has all"
        figure.text(0.5, 0, caption, ha="center", va="top", fontsize=8)
    figure.tight_layout(h_pad=2)
    save(figure, output, note)


def draw_panel(axes, samples: pd.DataFrame, row: pd.Series) -> None:
    """Curves of one model, with the result of its test."""
    axes.set_visible(True)
    if len(samples):  # none where no fold kept a coefficient
        draw_curves(axes, samples)
    axes.text(0.97, 0.95, words_of_test(row), transform=axes.transAxes, ha="right", va="top", fontsize=8)
    axes.tick_params(labelsize=8)


def words_of_test(row: pd.Series) -> str:
    """Hazard ratio with its interval and the P of permutations: what survival.tsv has of a model."""
    if np.isfinite(row.hazard_ratio):
        ratio = f"HR {row.hazard_ratio:.2g} ({row.lower:.2g} to {row.upper:.2g})"
    else:
        ratio = "no hazard ratio"
    return f"{ratio}\n" + (f"permutation P = {row.p:.2g}" if np.isfinite(row.p) else "not tested")


def named(group: str) -> str:
    """A group of protocols in words: 'prompt:prompt_rna' is 'prompt rna'."""
    return (group.partition(":")[2] or group).replace("_", " ")


def draw_curves(axes, samples: pd.DataFrame) -> None:
    """Steps of both groups with 95 % bands; ticks at censoring; below the axis how many are at risk."""
    from lifelines import KaplanMeierFitter

    longest = samples.time.max()
    ticks = [tick for tick in MaxNLocator(4, integer=True).tick_values(0, longest) if 0 <= tick <= longest]
    axes.set_xticks(ticks)
    for line, (high, colour, word) in enumerate(((False, COLOURS[0], "low risk"), (True, COLOURS[5], "high risk"))):
        part = samples[samples.high == high]
        if not len(part):
            continue
        fitted = KaplanMeierFitter().fit(part.time, part.event)
        curve, band = fitted.survival_function_.iloc[:, 0], fitted.confidence_interval_
        axes.fill_between(band.index, band.iloc[:, 0], band.iloc[:, 1], step="post", color=colour, alpha=0.15, lw=0)
        axes.step(curve.index, curve, where="post", color=colour, lw=1.4, label=word)
        censored = part.time[~part.event]
        axes.plot(censored, curve.loc[censored], "|", color=colour, ms=4)
        for tick in ticks:
            at_risk = int((part.time >= tick).sum())
            place = axes.get_xaxis_transform()
            axes.text(tick, -0.34 - 0.09 * line, at_risk, transform=place, color=colour, fontsize=7, ha="center")
    axes.set_xlabel("days; below: at risk", fontsize=8)
    axes.set_ylim(0, 1.02)
