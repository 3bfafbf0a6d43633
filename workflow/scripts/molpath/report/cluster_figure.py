"""t-SNE of clustered tasks, one row of panels a task and one panel a model."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import pandas as pd

from ..common.files import read_tsv
from .figures import COLOURS, save

#: Classes named in a legend; more would not be told apart by colour.
NAMED = 12


def plot_clusters(points: Sequence[str], scores: Sequence[str], output: str, note: str) -> None:
    """Points (tsne.tsv) coloured by label, with the scores (summary.tsv) of each in its title."""
    parts = [(read_tsv(path), read_tsv(score)) for path, score in zip(points, scores, strict=True)]
    tasks = list(dict.fromkeys(score.task[0] for _, score in parts))
    models = list(dict.fromkeys(score.model[0] for _, score in parts))
    shape = len(tasks), len(models)
    figure, panels = plt.subplots(*shape, figsize=(2.6 * shape[1] + 1.5, 2.8 * shape[0]), squeeze=False)
    for table, score in parts:
        axes = panels[tasks.index(score.task[0]), models.index(score.model[0])]
        draw_points(axes, table)
        found = score[score.protocol == "kmeans"].set_index("metric")["mean"].astype(float)
        axes.set_title(f"{score.model[0]}\nARI {found['ari']:.2f}, MI {found['mi']:.2f}", fontsize=9)
    for row, task in zip(panels, tasks, strict=True):
        row[0].set_ylabel(task.split("--")[-1])
        if len(row[-1].lines) <= NAMED:
            row[-1].legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
    figure.tight_layout()
    save(figure, output, note)


def draw_points(axes, table: pd.DataFrame) -> None:
    """One colour a label; the scale of t-SNE means nothing, so it is not shown."""
    for index, label in enumerate(sorted(set(table.label))):
        mine = table[table.label == label]
        colour = COLOURS[index % len(COLOURS)]
        axes.plot(mine.x.astype(float), mine.y.astype(float), "o", ms=3, alpha=0.7, color=colour, label=label)
    axes.set_xticks([])
    axes.set_yticks([])
