"""t-SNE of clustered tasks, rows of panels a task and one panel a model."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import pandas as pd

from ..common.files import read_tsv
from .figures import COLOURS, save

#: Classes named in a legend; more would not be told apart by colour.
NAMED = 12
#: Panels beside each other.
WIDE = 4


def plot_clusters(points: Sequence[str], scores: Sequence[str], output: str, note: str) -> None:
    """Points (tsne.tsv) coloured by label, with the scores (summary.tsv) of each in its title."""
    parts = [(read_tsv(path), read_tsv(score)) for path, score in zip(points, scores, strict=True)]
    tasks = list(dict.fromkeys(score.task[0] for _, score in parts))
    models = list(dict.fromkeys(score.model[0] for _, score in parts))
    columns = min(WIDE, len(models))
    lines = -(-len(models) // columns)  # a task's
    shape = lines * len(tasks), columns
    size = 2.6 * columns + 1.5, 2.8 * shape[0]
    figure, panels = plt.subplots(*shape, figsize=size, squeeze=False, layout="constrained")
    for axes in panels.flat:
        axes.set_visible(False)
    for table, score in parts:
        line, column = divmod(models.index(score.model[0]), columns)
        axes = panels[tasks.index(score.task[0]) * lines + line, column]
        axes.set_visible(True)
        draw_points(axes, table)
        found = score[score.protocol == "kmeans"].set_index("metric")["mean"].astype(float).round(2) + 0  # no -0
        axes.set_title(f"{score.model[0]}\nARI {found['ari']:.2f}, MI {found['mi']:.2f}", fontsize=9)
    for number, task in enumerate(tasks):
        row = panels[number * lines]
        row[0].set_ylabel(task.replace("--", "\n", 1))
        if len(row[-1].lines) <= NAMED:
            row[-1].legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
    save(figure, output, note)


def draw_points(axes, table: pd.DataFrame) -> None:
    """One colour a label; the scale of t-SNE means nothing, so it is not shown."""
    for index, label in enumerate(sorted(set(table.label))):
        mine = table[table.label == label]
        colour = COLOURS[index % len(COLOURS)]
        axes.plot(mine.x.astype(float), mine.y.astype(float), "o", ms=3, alpha=0.7, color=colour, label=label)
    axes.set_xticks([])
    axes.set_yticks([])
