"""Predicted against observed survival at stated days, in groups of predicted survival."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from .panels import say_nothing, shown
from .style import COLOURS

#: Tasks in one picture.
MOST = 6
EMPTY = "no frozen Cox probe has predicted survival (probe/cox/times names the days)"


def draw_survival(rows: pd.DataFrame, groups: pd.DataFrame, reference: str):
    """A row of panels per task, a panel per horizon, of one model; rows, groups: of `tables.survival_calibration`."""
    rows, groups = rows[rows.model == reference], groups[groups.model == reference]
    keys = ["task", "protocol"]
    tasks = list(dict.fromkeys(zip(*(rows[key] for key in keys), strict=True)))
    days = sorted(set(rows.days))
    if not tasks:
        return say_nothing(EMPTY)
    drawn = tasks[:MOST]
    size = (2.75 * len(days) + 0.4, 3.2 * len(drawn) + 0.6)
    figure, panels = plt.subplots(len(drawn), len(days), figsize=size, squeeze=False, layout="constrained")
    for line, (task, protocol) in zip(panels, drawn, strict=True):
        for axes, day in zip(line, days, strict=True):
            panel_tables = [
                part[(part.task == task) & (part.protocol == protocol) & (part.days == day)] for part in (rows, groups)
            ]
            axes.set_visible(len(panel_tables[0]) > 0)
            if len(panel_tables[0]):
                draw_panel(axes, panel_tables[0].iloc[0], panel_tables[1])
        line[0].set_ylabel("observed survival", fontsize=8)
    handles = [
        plt.Line2D([], [], color=COLOURS[0], marker="o", ms=4, label="groups of equal number, 95 % intervals"),
        plt.Line2D([], [], color=COLOURS[5], marker="D", ls="", ms=5, label="all cases"),
        plt.Line2D([], [], color="#888888", ls=":", label="perfect calibration"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=3, frameon=False, fontsize=8)
    caption = f"{reference}; the first {len(drawn)} of {len(tasks)} tasks, the table has all"
    figure.supxlabel(caption if len(tasks) > len(drawn) else reference, fontsize=8)
    return figure


def draw_panel(axes, row: pd.Series, groups: pd.DataFrame) -> None:
    """Groups with their intervals and the mean over all cases, in a square from 0 to 1."""
    axes.plot([0, 1], [0, 1], color="#888888", ls=":", lw=1, zorder=1)
    text = row.note if not np.isfinite(row.brier) else f"Brier {row.brier:.3f}, without the model {row.brier_null:.3f}"
    groups = groups[groups.observed.notna()]
    if len(groups):
        axes.vlines(groups.predicted, groups.lower, groups.upper, color=COLOURS[0], lw=1, alpha=0.5)
        axes.plot(groups.predicted, groups.observed, color=COLOURS[0], marker="o", ms=4, lw=1.2)
    axes.plot(row.predicted, row.observed, "D", color=COLOURS[5], ms=5, zorder=4)
    counts = f"{row.n_cases} cases, {row.n_events} events"
    axes.set_title(f"{shown(row.task)} ({row.protocol})\n{row.days:g} days; {counts}\n{text}", fontsize=8, loc="left")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=np.linspace(0, 1, 6), yticks=np.linspace(0, 1, 6))
    axes.set_aspect("equal")
    axes.set_xlabel("predicted survival", fontsize=8)
    axes.tick_params(labelsize=7)
