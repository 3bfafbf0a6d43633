"""Published against measured scores of the linear probes, a panel per family."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ..common.files import read_tsv
from ..tables.published_page import FAMILIES
from ..tables.scores import Models, notes_of_folds
from .panels import colours_of, say_nothing
from .style import save

NUMBERS = ("published", "measured", "measured_lower", "measured_upper")
COUNTS = ("n_folds", "n_fits", "n_failed", "n_empty")
#: Inches of a panel's side.
SIDE = 3.1


def plot_published(*, table: str, models: Models, figure: str, note: str) -> None:
    """Draw published.tsv: a point per task and model; on the line both are equal, a hollow one's interval is off it.

    Written as SVG, and as PNG next to it. models: all that are compared, for the same colours as in other figures.
    """
    rows = read_tsv(table)
    rows = rows[rows.protocol == "linear_probe"].copy()
    for name in (*NUMBERS, *COUNTS):
        rows[name] = pd.to_numeric(rows[name])
    rows = rows.dropna(subset=["published", "measured"])
    families = [name for name in (*FAMILIES, "other") if name in set(rows.family)]
    if not families:
        save(say_nothing("no linear probe of the paper is in this run"), figure, note)
        return
    size = (SIDE * len(families) + 2, SIDE + 0.5)
    drawn, panels = plt.subplots(1, len(families), figsize=size, squeeze=False, layout="constrained")
    colours = colours_of(models)
    for axes, family in zip(panels.flat, families, strict=True):
        draw_family(axes, rows[rows.family == family], colours)
        count = rows.task[rows.family == family].nunique()
        axes.set_title(f"{FAMILIES.get(family, 'Other tasks')}\n{count} task{'s' * (count != 1)}", fontsize=9)
    panels.flat[0].set_ylabel("measured (95 % interval)")
    used = [model for model in models if model in set(rows.model)]
    handles = [plt.Line2D([], [], marker="o", ls="", color=colours[model], label=model) for model in used]
    handles.append(plt.Line2D([], [], marker="o", ls="", mfc="white", color="#444444", label="interval off the line"))
    drawn.legend(handles=handles, loc="outside right center", fontsize=8, frameon=False)
    save(drawn, figure, note)


def draw_family(axes, rows: pd.DataFrame, colours: dict[str, str]) -> None:
    """Points with intervals, and the line on which both scores are equal; both axes have the same limits."""
    for row, note in zip(rows.itertuples(), notes_of_folds(rows), strict=True):
        colour = colours[row.model]
        axes.vlines(row.published, row.measured_lower, row.measured_upper, color=colour, lw=0.8, alpha=0.35)
        inside = "white" if row.covered == "no" else colour
        axes.plot(row.published, row.measured, "o", ms=4, mec=colour, mfc=inside, mew=0.9)
        if note:
            axes.annotate(note, (row.published, row.measured), (4, -3), textcoords="offset points", fontsize=6)
    values = rows[list(NUMBERS)].to_numpy()
    low, high = np.nanmin(values) - 0.02, np.nanmax(values) + 0.02
    axes.plot([low, high], [low, high], color="#888888", lw=0.9, zorder=0)
    axes.set(xlim=(low, high), ylim=(low, high), xlabel="published")
    axes.set_aspect("equal")
    axes.tick_params(labelsize=8)
