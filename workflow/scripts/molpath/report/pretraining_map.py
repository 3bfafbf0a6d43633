"""Map of the slides a run trained on: t-SNE of their embeddings, by organ and cohort (the paper's Figure 1b)."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.patheffects import withStroke

from ..common.files import read_tsv, write_tsv
from ..probe.embeddings import read_block
from ..probe.tsne import tsne
from .figures import COLOURS, save

#: Marks that go with each colour, so that 64 groups differ.
MARKERS = "osD^vPX*"
#: Groups with at least this share of the slides are named in the map, at the median of their points.
NAMED = 0.02
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
    """Write table (slide_id, x, y, and the columns that colour) and figure.

    blocks: embeddings of slides by the model; slides: those its run trained on (list_run_slides); colours: columns of
    the sheet, a panel each; of those it has not, or has one value of, none is drawn, unless no other is left. points:
    at most so many slides, drawn by the seed.
    """
    ids, x = read_embedded(blocks, set(read_tsv(slides).slide_id))
    if len(ids) > points:
        kept = np.sort(np.random.default_rng(seed).choice(len(ids), points, replace=False))
        ids, x = [ids[row] for row in kept], x[kept]
    places = tsne(x, seed)
    rows = read_tsv(sheet).set_index("slide_id").reindex(ids)
    found = pd.DataFrame({"slide_id": ids, "x": places[:, 0], "y": places[:, 1]})
    for name in colours:
        if name in rows:
            found[name] = rows[name].fillna("").replace("", "not given").to_numpy()
    write_tsv(table, found)
    plot_map(found, model, figure, note)


def read_embedded(blocks: Sequence[str], wanted: set[str]) -> tuple[list[str], np.ndarray]:
    """Ids, sorted, and embeddings (float32 N x D) of the wanted slides that have one."""
    parts = [read_block(path)[:2] for path in blocks]
    ids = [name for names, _ in parts for name in names]
    x = np.concatenate([block for _, block in parts])
    order = [row for row in sorted(range(len(ids)), key=ids.__getitem__) if ids[row] in wanted]
    return [ids[row] for row in order], x[order]


def plot_map(found: pd.DataFrame, model: str, output: str, note: str) -> None:
    """A panel a column after slide_id, x and y; the scale of t-SNE means nothing, so it is not shown."""
    columns = [name for name in found.columns[3:] if found[name].nunique() > 1] or list(found.columns[3:4])
    panels = max(1, len(columns))
    figure, axes = plt.subplots(1, panels, figsize=(7.5 * panels, 5.4), squeeze=False)
    for one, name in zip(axes[0], columns or [""], strict=True):
        draw_groups(one, found, found[name] if name else pd.Series(model, found.index))
        one.set(xticks=[], yticks=[], title=f"{model}: {len(found):,} slides by {name}" if name else model)
    figure.tight_layout()
    save(figure, output, note)


def draw_groups(axes, found: pd.DataFrame, groups: pd.Series) -> None:
    """Points by group, the larger groups first in the legend; colour and mark together tell them apart."""
    counts = groups.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    size = float(np.clip(8000 / max(1, len(found)), 1.8, 4))
    for index, (group, number) in enumerate(counts.items()):
        mine = found[groups == group]
        style = {"color": COLOURS[index % len(COLOURS)], "marker": MARKERS[index // len(COLOURS) % len(MARKERS)]}
        label = f"{group} ({number:,})"
        axes.plot(mine.x, mine.y, ls="", ms=size, alpha=0.6, mew=0, rasterized=True, label=label, **style)
        if len(counts) > len(COLOURS) and number >= NAMED * len(found):
            axes.text(*mine[["x", "y"]].median(), group, fontsize=7, ha="center", va="center", path_effects=HALO)
    columns = 1 + len(counts) // 28
    axes.legend(
        loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=8, markerscale=5 / size, ncols=columns
    )
