"""The figures of the report, each a function of a tidy table. Same table, same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

from ..probe.embeddings import are_finite, read_column

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ..common.files import atomic_path, read_tsv

# Okabe and Ito's colours, distinguishable for colour-blind readers.
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#F0E442"]
#: Of PNG files.
DPI = 150
plt.rcParams.update(
    {
        "svg.hashsalt": "molpath",
        "svg.fonttype": "none",
        "font.size": 10,
        "text.parse_math": False,  # names with two dollar signs are no formulas
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": plt.cycler(color=COLOURS),
    }
)


def save(figure, path: str, note: str) -> None:
    """Write a figure as `path` (SVG) and next to it as PNG, without a date; the note (such as "synthetic") below it."""
    if note:
        figure.draw_without_rendering()  # the layout comes first
        edge = figure.get_tightbbox(figure.canvas.get_renderer())
        place = 0.05 / figure.get_figheight()
        right, low = edge.x1 / figure.get_figwidth(), edge.y0 / figure.get_figheight()
        figure.text(right, low - place, note, ha="right", va="top", fontsize=9, color="#8a1c1c", weight="bold")
    for kind, metadata in (("svg", {"Date": None}), ("png", {"Software": None})):
        with atomic_path(Path(path).with_suffix(f".{kind}")) as temporary:
            figure.savefig(temporary, format=kind, metadata=metadata, bbox_inches="tight", dpi=DPI)
    plt.close(figure)


def plot_history(histories: Sequence[str], runs: Sequence[str], output: str, note: str) -> None:
    """Loss and top-5 accuracy by modality, RankMe and learning rate of each run; the kept epoch is marked."""
    figure, panels = plt.subplots(2, 2, figsize=(10, 6.4))
    (loss, accuracy), (rank, rate) = panels
    for index, (path, run) in enumerate(zip(histories, runs, strict=True)):
        table = read_tsv(path).apply(pd.to_numeric, errors="coerce")
        colour = COLOURS[index % len(COLOURS)]
        for style, kind in (("-", "rna"), ("--", "dna"), (":", "joint")):
            for axes, name in ((loss, f"{kind}_loss"), (accuracy, f"{kind}_top5")):
                if name in table:
                    axes.plot(table.epoch, table[name], style, lw=1.3, color=colour, label=f"{run} {kind.upper()}")
        rank.plot(table.epoch, table.rankme, lw=1.3, color=colour, label=run)
        kept_epoch = table[table.kept == 1].tail(1)
        rank.plot(kept_epoch.epoch, kept_epoch.rankme, "o", color=colour)
        rate.plot(table.epoch, table.learning_rate, lw=1.3, color=colour, label=run)
    for axes in panels.flat:
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.yaxis.get_major_formatter().set_useOffset(False)
    loss.set(xlabel="epoch", ylabel="contrastive loss")
    accuracy.set(xlabel="epoch", ylabel="own profile in the batch's top 5")
    rank.set(xlabel="epoch", ylabel="RankMe of training slides (dot: kept)")
    rate.set(xlabel="epoch", ylabel="learning rate")
    loss.legend(fontsize=8, frameon=False)
    figure.tight_layout()
    save(figure, output, note)


def plot_embeddings(tables: Sequence[str], models: Sequence[str], column: str, output: str, note: str) -> None:
    """First two principal components of the case embeddings of each model, coloured by a column of obs."""
    import h5py

    columns = min(4, len(models))
    rows = -(-len(models) // columns)
    figure, panels = plt.subplots(rows, columns, figsize=(3.1 * columns, 3.1 * rows), squeeze=False)
    parts = []
    for path in tables:
        with h5py.File(path, "r", locking=False) as handle:
            x = handle["X"][:].astype(float)
            cells = read_column(handle["obs"][column]) if column in handle["obs"] else ["all"] * len(x)
            parts.append((x, np.array(cells, object)))
    names = sorted({group for _, groups in parts for group in groups})
    for axes, (x, groups), model in zip(panels.flat, parts, models, strict=False):
        is_finite = are_finite(x)
        draw_components(axes, x[is_finite], groups[is_finite], names)
        axes.set_title(model + not_shown(is_finite), fontsize=10)
    for axes in list(panels.flat)[len(models) :]:
        axes.set_visible(False)
    put_legend(panels[0][-1], names, title=column)
    figure.tight_layout()
    save(figure, output, note)


def not_shown(is_finite: np.ndarray) -> str:
    """A line for a title that says how many embeddings (bool N) are left out; '' for none."""
    return "" if is_finite.all() else f"\n{(~is_finite).sum():,} not finite, not shown"


def put_legend(axes, names: Sequence[str], title: str = "") -> None:
    """Every name with its colour by its place, beside a panel, whether the panel has it or not."""
    marks = [
        plt.Line2D([], [], ls="", marker="o", ms=4, alpha=0.7, color=COLOURS[index % len(COLOURS)], label=name)
        for index, name in enumerate(names)
    ]
    axes.legend(handles=marks, title=title, fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))


def draw_components(axes, x: np.ndarray, groups: np.ndarray, names: Sequence[str]) -> None:
    """Points in the first two principal components (signs fixed, so that the picture is the same every time).

    names: of all groups, in the order of their colours.
    """
    u, s, _ = np.linalg.svd(x - x.mean(0), full_matrices=False)
    flip = np.sign(u[np.abs(u).argmax(0), range(u.shape[1])])
    points = (u * s * flip)[:, :2]
    for index, group in enumerate(names):
        in_group = groups == group
        axes.plot(*points[in_group].T, "o", ms=3, alpha=0.7, color=COLOURS[index % len(COLOURS)], label=group)
    share = s**2 / max((s**2).sum(), 1e-12)
    axes.set(xlabel=f"PC 1 ({share[0]:.0%})", ylabel=f"PC 2 ({share[1]:.0%})" if len(share) > 1 else "")
    axes.set_xticks([])
    axes.set_yticks([])
