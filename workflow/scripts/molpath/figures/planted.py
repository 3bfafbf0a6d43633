"""The demo's picture: what pretraining gains, and a gene set read from a slide's patches next to the planted truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle

from ..common.files import open_h5, read_tsv
from .label_curve import draw_label_curve
from .style import plt, save

#: How the map's scores were fitted (see interpret/gene_set_reliability.py).
WAY = "regression"


def plot_planted(*, curve: str, scores: str, planted: str, slide: str, gene_set: str, figure: str, note: str) -> None:
    """Draw the curve over labels, the map of a gene set, and the planted patches.

    curve: table of figures/label_curve; scores: patches.h5 of a model's gene sets, with the slide; planted: table with
    the rows of a slide's feature file that carry its molecular levels (slide_id, patch).
    """
    numbers = read_tsv(curve)
    names = [name for name in numbers if name != "kind"]
    numbers = numbers.assign(**{name: pd.to_numeric(numbers[name]) for name in names}).astype({"shots": int})
    places, edge, values = read_patches(scores, slide, gene_set)
    table = read_tsv(planted)
    is_planted = np.isin(np.arange(len(places)), table.patch[table.slide_id == slide].astype(int))
    drawing, panels = plt.subplots(1, 3, figsize=(12, 4), width_ratios=[1.5, 1, 1], layout="constrained")
    draw_label_curve(numbers, list(dict.fromkeys(numbers.kind)), panels[0])
    panels[0].set_title("What pretraining gains with few labels", fontsize=10)
    limit = np.percentile(np.abs(values), 99) or 1.0
    squares = draw_squares(panels[1], places, edge, values / limit, "RdBu_r", (-1, 1))
    panels[1].set_title(
        f"Gene set {gene_set.replace('_', ' ')}, as the model reads it\nin the patches of slide {slide}", fontsize=10
    )
    bar = drawing.colorbar(squares, ax=panels[1], shrink=0.7, ticks=[-1, 0, 1])
    bar.set_ticklabels(["lowers", "as usual", "raises"], fontsize=8)
    draw_squares(panels[2], places, edge, is_planted.astype(float), "Greys", (-0.3, 1.2))
    panels[2].set_title("What was planted:\nthe patches that carry it", fontsize=10)
    save(drawing, figure, note)


def read_patches(path: str, slide: str, gene_set: str) -> tuple[np.ndarray, int, np.ndarray]:
    """Corners of the slide's patches (int N x 2, level-0 pixels), their edge, and what each adds to the set's score."""
    with open_h5(path) as handle:
        sets, ways = (handle[f"columns/{key}"].asstr()[:] for key in ("set", "way"))
        group, column = handle[f"slides/{slide}"], int(np.flatnonzero((sets == gene_set) & (ways == WAY))[0])
        return group["coords"][:], int(group["coords"].attrs["patch_size_level0"]), group["scores"][:, column]


def draw_squares(axes, places: np.ndarray, edge: int, values: np.ndarray, colours: str, ends: tuple[float, float]):
    """A square per patch, coloured by value; rows go down, as on a slide."""
    squares = PatchCollection(
        [Rectangle((x, y), edge, edge) for x, y in places.tolist()], cmap=colours, ec="#dddddd", lw=0.4
    )
    squares.set_array(values)
    squares.set_clim(*ends)
    axes.add_collection(squares)
    axes.set_xlim(places[:, 0].min() - edge, places[:, 0].max() + 2 * edge)
    axes.set_ylim(places[:, 1].max() + 2 * edge, places[:, 1].min() - edge)
    axes.set_aspect("equal")
    axes.set_axis_off()
    return squares
