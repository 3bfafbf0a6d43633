"""The figures of the report, each a function of a tidy table. Same table, same bytes."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ..common.files import atomic_path, read_tsv
from .tables import kind_of_model, read_metrics

# Okabe and Ito's colours, which colour-blind readers can tell apart.
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000"]
plt.rcParams.update(
    {
        "svg.hashsalt": "molpath",
        "svg.fonttype": "none",
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": plt.cycler(color=COLOURS),
    }
)


def save(figure, path: str, note: str) -> None:
    """Write a figure as SVG without a date, with the note (such as "synthetic") in its corner."""
    if note:
        figure.text(0.995, 0.005, note, ha="right", va="bottom", fontsize=9, color="#8a1c1c", weight="bold")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None}, bbox_inches="tight")
    plt.close(figure)


def plot_metrics(metrics: str, models: Sequence[str], output: str, note: str) -> None:
    """Score and interval of every model on every task (frozen probes, the task's first metric)."""
    table = read_metrics(metrics)
    table = table[(table.primary == 1) & table.protocol.isin(["logistic", "cox"])]
    tasks = list(dict.fromkeys(table.sort_values(["family", "task"], kind="stable").task))
    figure, axes = plt.subplots(figsize=(8, 1.4 + 0.5 * len(tasks)))
    offsets = np.linspace(-0.32, 0.32, len(models))
    kinds = list(dict.fromkeys(kind_of_model(model)[0] for model in models))
    named = set()
    for model, offset in zip(models, offsets, strict=True):
        mine = table[table.model == model].set_index("task").reindex(tasks)
        kind = kind_of_model(model)[0]
        colour, label = COLOURS[kinds.index(kind) % len(COLOURS)], None if kind in named else kind
        named.add(kind)
        at = np.arange(len(tasks)) + offset
        axes.hlines(at, mine.lower, mine.upper, color=colour, alpha=0.45, lw=2)
        axes.plot(mine["mean"], at, "o", ms=5, color=colour, label=label)
    axes.axvline(0.5, color="#999", lw=1, ls=":")
    family = table.drop_duplicates("task").set_index("task").family
    axes.set_yticks(range(len(tasks)), [f"{task.split('--')[-1]} ({family[task]})" for task in tasks])
    axes.invert_yaxis()
    axes.set_xlabel("AUC, or c-index for survival; mean over folds and 95 % interval")
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    save(figure, output, note)


def plot_fewshot(metrics: str, models: Sequence[str], output: str, note: str) -> None:
    """Score over the number of training samples a class, one panel a task, one line a kind of model."""
    table = read_metrics(metrics)
    table = table[(table.primary == 1) & (table.protocol == "fewshot")].copy()
    tasks = list(dict.fromkeys(table.task))
    table["kind"] = [kind_of_model(model)[0] for model in table.model]
    kinds = list(dict.fromkeys(kind_of_model(model)[0] for model in models))
    figure, panels = plt.subplots(
        1, max(1, len(tasks)), figsize=(3.4 * max(1, len(tasks)) + 1, 3.2), sharey=True, squeeze=False
    )
    for axes, task in zip(panels[0], tasks, strict=False):
        for kind in kinds:
            mine = (
                table[(table.task == task) & (table.kind == kind)].groupby("shots")["mean"].agg(["mean", "min", "max"])
            )
            colour = COLOURS[kinds.index(kind) % len(COLOURS)]
            axes.plot(mine.index, mine["mean"], "o-", ms=4, color=colour, label=kind)
            axes.fill_between(mine.index, mine["min"], mine["max"], color=colour, alpha=0.15, lw=0)
        axes.set_xscale("log", base=2)
        axes.set_xticks(sorted(table.shots.unique()), [f"{k:g}" for k in sorted(table.shots.unique())])
        axes.axhline(0.5, color="#999", lw=1, ls=":")
        axes.set_title(task.split("--")[-1], fontsize=10)
        axes.set_xlabel("training samples a class")
    panels[0][0].set_ylabel("AUC (band: range over seeds)")
    if tasks:
        panels[0][-1].legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    else:
        panels[0][0].text(0.5, 0.5, "no few-shot task in use", ha="center", transform=panels[0][0].transAxes)
    save(figure, output, note)


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
        kept = table[table.kept == 1].tail(1)
        rank.plot(kept.epoch, kept.rankme, "o", color=colour)
        rate.plot(table.epoch, table.learning_rate, lw=1.3, color=colour, label=run)
    loss.set(xlabel="epoch", ylabel="contrastive loss")
    accuracy.set(xlabel="epoch", ylabel="own profile among the top 5 of the batch")
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
    for axes, path, model in zip(panels.flat, tables, models, strict=False):
        with h5py.File(path, "r", locking=False) as handle:
            x = handle["X"][:].astype(float)
            groups = read_column(handle["obs"], column) if column in handle["obs"] else np.array(["all"] * len(x))
        draw_components(axes, x, groups)
        axes.set_title(model, fontsize=10)
    for axes in list(panels.flat)[len(models) :]:
        axes.set_visible(False)
    panels[0][-1].legend(title=column, fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
    figure.tight_layout()
    save(figure, output, note)


def draw_components(axes, x: np.ndarray, groups: np.ndarray) -> None:
    """Points in the first two principal components (signs fixed, so that the picture is the same every time)."""
    u, s, _ = np.linalg.svd(x - x.mean(0), full_matrices=False)
    flip = np.sign(u[np.abs(u).argmax(0), range(u.shape[1])])
    points = (u * s * flip)[:, :2]
    for index, group in enumerate(sorted(set(groups))):
        mine = groups == group
        axes.plot(*points[mine].T, "o", ms=3, alpha=0.7, color=COLOURS[index % len(COLOURS)], label=group)
    share = s**2 / max((s**2).sum(), 1e-12)
    axes.set(xlabel=f"PC 1 ({share[0]:.0%})", ylabel=f"PC 2 ({share[1]:.0%})" if len(share) > 1 else "")
    axes.set_xticks([])
    axes.set_yticks([])


def read_column(obs, name: str) -> np.ndarray:
    """A column of obs as strings, categorical or plain."""
    item = obs[name]
    if "codes" in item:
        words = [w.decode() if isinstance(w, bytes) else str(w) for w in item["categories"][:]]
        return np.array([words[code] if code >= 0 else "" for code in item["codes"][:]])
    return np.array([w.decode() if isinstance(w, bytes) else str(w) for w in item[:]])
