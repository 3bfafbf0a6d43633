"""Kaplan-Meier curves of risk groups, with numbers at risk."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from .panels import say_nothing, shown
from .style import COLOURS, save


def plot_survival(table: pd.DataFrame, samples: dict, output: str, note: str) -> None:
    """Kaplan-Meier curves with numbers at risk: one row of panels a task, one panel a model that has it."""
    if not samples:
        save(say_nothing("no survival task in use"), output, note)
        return
    tasks = list(dict.fromkeys((task, group) for task, group, _ in samples))
    models = list(dict.fromkeys(model for *_, model in samples))
    shape = len(tasks), len(models)
    figure, panels = plt.subplots(*shape, figsize=(2.7 * shape[1] + 0.6, 3.4 * shape[0]), sharey=True, squeeze=False)
    for axes in panels.flat:
        axes.set_visible(False)
    for (task, group, model), mine in samples.items():
        row = panels[tasks.index((task, group))]
        axes = next(axes for axes in row if not axes.get_visible())
        axes.set_visible(True)
        draw_curves(axes, mine)
        p = table[(table.task == task) & (table.group == group) & (table.model == model)].p.iloc[0]
        axes.set_title(f"{model}\n{shown(task)} ({named(group)})", fontsize=8)
        axes.text(0.97, 0.95, f"log-rank p = {p:.2g}" if np.isfinite(p) else "not tested", transform=axes.transAxes)
        axes.texts[-1].set(ha="right", va="top", fontsize=8)
        axes.tick_params(labelsize=8)
    for row in panels:
        row[0].set_ylabel("survival", fontsize=9)
    handles = {word: line for axes in panels.flat for line, word in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(
        handles.values(), handles, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False, fontsize=9
    )
    figure.tight_layout(h_pad=2)
    save(figure, output, note)


def named(group: str) -> str:
    """A group of protocols in words: 'prompt:prompt_rna' is 'prompt rna'."""
    return (group.partition(":")[2] or group).replace("_", " ")


def draw_curves(axes, samples: pd.DataFrame) -> None:
    """Steps of both groups; ticks where someone was censored; below the axis how many are at risk at its ticks."""
    from lifelines import KaplanMeierFitter

    longest = samples.time.max()
    ticks = [tick for tick in MaxNLocator(4, integer=True).tick_values(0, longest) if 0 <= tick <= longest]
    axes.set_xticks(ticks)
    for line, (high, colour, word) in enumerate(((False, COLOURS[0], "low risk"), (True, COLOURS[5], "high risk"))):
        part = samples[samples.high == high]
        if not len(part):
            continue
        curve = KaplanMeierFitter().fit(part.time, part.event).survival_function_.iloc[:, 0]
        axes.step(curve.index, curve, where="post", color=colour, lw=1.4, label=word)
        censored = part.time[~part.event]
        axes.plot(censored, curve.loc[censored], "|", color=colour, ms=4)
        for tick in ticks:
            at_risk = int((part.time >= tick).sum())
            place = axes.get_xaxis_transform()
            axes.text(tick, -0.34 - 0.09 * line, at_risk, transform=place, color=colour, fontsize=7, ha="center")
    axes.set_xlabel("time (unit of the task); below: at risk", fontsize=8)
    axes.set_ylim(0, 1.02)
