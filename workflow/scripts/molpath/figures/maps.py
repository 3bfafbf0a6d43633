"""Maps by t-SNE: the slides a run trained on, by organ and cohort (the paper's Figure 1b), and clustered tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.patheffects import withStroke

from ..common.files import read_tsv, write_tsv
from ..common.reasons import OK, SET_ASIDE
from ..probe.embeddings import NOT_FINITE, are_finite, read_block
from ..probe.tsne import tsne
from ..tables.names import in_order
from .style import COLOURS, not_shown, put_legend, save

#: Marks that go with each colour, so that 64 groups differ.
MARKERS = "osD^vPX*"
#: Groups with at least this share of the slides are named in the map, at the median of their points.
NAMED = 0.02
#: Classes named in a legend; more could not be distinguished by colour.
NAMED_CLASSES = 12
#: A slide without a value; it is grey.
NOT_GIVEN, GREY = "not given", "#999999"
#: Panels per row.
WIDE = 4
#: Columns of the table of a map before those that colour it.
FIRST = ("slide_id", "status", "reason", "x", "y")
HALO = [withStroke(linewidth=2, foreground="white")]


def map_slides(
    *,
    blocks: Sequence[str],
    slides: str,
    sheet: str,
    colours: Sequence[str],
    points: int,
    seed: int,
    model: str,
    note: str,
    table: str,
    figure: str,
) -> None:
    """Write table (FIRST, and the columns that colour) and figure; embeddings that aren't finite are set aside.

    blocks: embeddings of slides by the model; slides: those its run trained on (list_run_slides); colours: columns of
    the sheet, a panel each; missing and constant columns are not drawn, unless no other is left. points:
    at most so many slides, drawn by the seed.
    """
    every_id, every_x = read_embedded(blocks, set(read_tsv(slides).slide_id))
    is_finite = are_finite(every_x)
    rows = np.flatnonzero(is_finite)
    if len(rows) > points:
        rows = rows[np.sort(np.random.default_rng(seed).choice(len(rows), points, replace=False))]
    places = tsne(every_x[rows], seed)
    ids = [every_id[row] for row in rows]
    placed = pd.DataFrame({"slide_id": ids, "status": OK, "reason": "", "x": places[:, 0], "y": places[:, 1]})
    lost = [every_id[row] for row in np.flatnonzero(~is_finite)]
    set_aside = pd.DataFrame({"slide_id": lost, "status": SET_ASIDE, "reason": NOT_FINITE})
    listed = pd.concat([placed, set_aside], ignore_index=True) if lost else placed
    every_row = read_tsv(sheet).set_index("slide_id").replace("", NOT_GIVEN)
    for name in [name for name in colours if name in every_row and name not in FIRST]:
        listed[name] = every_row[name].reindex(listed.slide_id).fillna(NOT_GIVEN).to_numpy()
    write_tsv(table, listed)
    orders = {name: in_order(every_row[name]) for name in listed.columns[len(FIRST) :]}
    plot_map(listed, model, figure, note, orders)


def read_embedded(blocks: Sequence[str], slide_ids: set[str]) -> tuple[list[str], np.ndarray]:
    """Ids, sorted, and embeddings (float32 N x D) of the wanted slides that have one."""
    parts = [read_block(path)[:2] for path in blocks]
    ids = [name for names, _ in parts for name in names]
    x = np.concatenate([block for _, block in parts])
    order = [row for row in sorted(range(len(ids)), key=ids.__getitem__) if ids[row] in slide_ids]
    return [ids[row] for row in order], x[order]


def plot_map(listed: pd.DataFrame, model: str, output: str, note: str, orders: Mapping[str, Sequence[str]]) -> None:
    """A panel per column of `orders`, which has its values in the order of their colours.

    The scale of t-SNE means nothing, so it is not shown.
    """
    placed = listed[listed.status == OK]
    columns = [name for name in orders if placed[name].nunique() > 1] or list(orders)[:1]
    missing = not_shown((listed.status == OK).to_numpy())
    panels = max(1, len(columns))
    figure, axes = plt.subplots(1, panels, figsize=(7.5 * panels, 5.4), squeeze=False)
    for panel, name in zip(axes[0], columns or [""], strict=True):
        draw_groups(panel, placed, placed[name] if name else pd.Series(model, placed.index), orders.get(name, [model]))
        panel.set(
            xticks=[],
            yticks=[],
            xlabel="t-SNE 1",
            ylabel="t-SNE 2 (no units)",
            title=(f"{model}: {len(placed):,} slides by {name}" if name else model) + missing,
        )
    figure.tight_layout()
    save(figure, output, note)


def style_of(group: str, order: Sequence[str]) -> dict[str, str]:
    """Colour and mark of a group by its place in `order`."""
    if group == NOT_GIVEN:
        return {"color": GREY, "marker": MARKERS[0]}
    index = [value for value in order if value != NOT_GIVEN].index(group)
    return {"color": COLOURS[index % len(COLOURS)], "marker": MARKERS[index // len(COLOURS) % len(MARKERS)]}


def draw_groups(axes, placed: pd.DataFrame, groups: pd.Series, order: Sequence[str]) -> None:
    """Points by group, the larger groups first in the legend; colour and mark together tell them apart."""
    counts = groups.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    size = float(np.clip(8000 / max(1, len(placed)), 1.8, 4))
    for group, number in counts.items():
        group_slides = placed[groups == group]
        style = style_of(group, order)
        label = f"{group} ({number:,})"
        axes.plot(
            group_slides.x, group_slides.y, ls="", ms=size, alpha=0.6, mew=0, rasterized=True, label=label, **style
        )
        if len(counts) > len(COLOURS) and number >= NAMED * len(placed):
            axes.text(
                *group_slides[["x", "y"]].median(), group, fontsize=7, ha="center", va="center", path_effects=HALO
            )
    columns = 1 + len(counts) // 28
    axes.legend(
        loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=8, markerscale=5 / size, ncols=columns
    )


def plot_clusters(points: Sequence[str], scores: Sequence[str], output: str, note: str) -> None:
    """Rows of panels per task, one panel per model: points (tsne.tsv) by label, with their scores (summary.tsv)."""
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
    labels = {
        task: sorted({*pd.concat([table.label for table, score in parts if score.task[0] == task])}) for task in tasks
    }
    for table, score in parts:
        line, column = divmod(models.index(score.model[0]), columns)
        axes = panels[tasks.index(score.task[0]) * lines + line, column]
        axes.set_visible(True)
        draw_labels(axes, table, labels[score.task[0]])
        agreement = score[score.protocol == "kmeans"].set_index("metric")["mean"].astype(float).round(2) + 0  # no -0
        axes.set_title(
            f"{score.model[0]}, {len(table)} samples\nARI {agreement['ari']:.2f}, MI {agreement['mi']:.2f}", fontsize=9
        )
    for number, task in enumerate(tasks):
        row = panels[number * lines]
        row[0].set_ylabel(task.replace("--", "\n", 1) + "\n\nt-SNE 2 (no units)", fontsize=8)
        if len(labels[task]) <= NAMED_CLASSES:
            put_legend(row[-1], labels[task])
    save(figure, output, note)


def draw_labels(axes, table: pd.DataFrame, labels: Sequence[str]) -> None:
    """The colour of each label by its place in `labels`; the scale of t-SNE means nothing, so it is not shown."""
    for index, label in enumerate(labels):
        label_points = table[table.label == label]
        colour = COLOURS[index % len(COLOURS)]
        axes.plot(
            label_points.x.astype(float), label_points.y.astype(float), "o", ms=3, alpha=0.7, color=colour, label=label
        )
    axes.set_xlabel("t-SNE 1 (no units)", fontsize=8)
    axes.set_xticks([])
    axes.set_yticks([])
