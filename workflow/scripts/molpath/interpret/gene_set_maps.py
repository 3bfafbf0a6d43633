"""What patches add to a slide's scores of gene sets: a map on its thumbnail, and its patches as GeoJSON for QuPath."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..common.files import open_h5, read_tsv, write_text
from ..common.reasons import FEATURES_ONLY
from ..common.record import Record, check_intact
from ..figures.style import plt
from ..probe.embeddings import as_text
from .attention_maps import PANEL, add_scale_bar, one_row, read_thumbnail, save_png, save_words

#: Panels of a map, and the percentile of |score| at which its colours end.
PANELS, FULL = 7, 99
COLOURS = "RdBu_r"
READ = "read"


@dataclass(frozen=True)
class PatchScores:
    """Of one slide: scores (float N x K), set and way of each column; coords (int64 N x 2, level-0 pixels of the top
    left corner), edge of a patch in level-0 pixels."""

    scores: np.ndarray
    sets: list[str]
    ways: list[str]
    coords: np.ndarray
    edge: int


def read_patch_scores(path: str, slide_id: str) -> PatchScores | None:
    """A slide's group of patches.h5; None where the slide was set aside."""
    with open_h5(path) as handle:
        if f"slides/{slide_id}" not in handle:
            return None
        group = handle[f"slides/{slide_id}"]
        sets, ways = (as_text(handle[f"columns/{key}"][:]) for key in ("set", "way"))
        edge = int(group["coords"].attrs["patch_size_level0"])
        return PatchScores(group["scores"][:].astype(float), sets, ways, group["coords"][:], edge)


def draw_gene_sets(
    *,
    scores: str,
    sets: str,
    slide_id: str,
    inspected: str,
    assessed: str,
    wsi: str,
    note: str,
    picture: str,
    patches: str,
) -> None:
    """Write the map (PNG, the thumbnail and a panel a set that can be read) and the patches (GeoJSON, all sets).

    scores: patches.h5; sets: the table of verdicts; inspected, assessed: manifests of the slide's shard. A slide that
    was set aside, and one of which no set can be read, has a picture that says so.
    """
    found = read_patch_scores(scores, slide_id)
    seen, tissue = one_row(inspected, slide_id), one_row(assessed, slide_id)
    if found is None:
        write_text(patches, json.dumps({"type": "FeatureCollection", "features": []}) + "\n")
        reason = seen["detail"] or tissue["detail"] or "no patches whose place is known"
        save_words(picture, f"{slide_id} was set aside:\n{reason}", note)
        return
    origin = int(seen.get("bounds_x") or 0), int(seen.get("bounds_y") or 0)
    write_text(patches, json.dumps(as_geojson(found, origin)) + "\n")
    shown = readable(read_tsv(sets), found)
    if not shown:
        save_words(picture, f"{slide_id}: no gene set can be read from this model (the table of sets says why)", note)
        return
    if seen["reason"] == FEATURES_ONLY:
        # Nothing is known of the slide but its patches: they are drawn on white.
        width, height = (found.coords.max(0) + 2 * found.edge).tolist()
        image = np.full((max(1, height // found.edge) * 8, max(1, width // found.edge) * 8, 3), 255, np.uint8)
        draw_map(image, found, shown, (width, height), float("nan"), slide_id, note, picture)
        return
    size = int(seen["width"]), int(seen["height"])
    thumbnail = f"{wsi}/thumbnails/{slide_id}.jpg"
    check_intact(thumbnail, tissue.get("thumbnail_fingerprint", ""), Record(Path(assessed).stem), "assess_tissue")
    draw_map(read_thumbnail(thumbnail, size), found, shown, size, float(seen["mpp"]), slide_id, note, picture)


def readable(table: pd.DataFrame, found: PatchScores) -> list[int]:
    """Columns of the sets that can be read, the surest first, each by the way whose correlation is higher."""
    good = table[table.verdict == READ].assign(spearman=lambda t: t.spearman.astype(float))
    best = good.sort_values("spearman", ascending=False, kind="stable").drop_duplicates("set")
    columns = {pair: i for i, pair in enumerate(zip(found.sets, found.ways, strict=True))}
    return [columns[pair] for pair in zip(best.set, best.way, strict=True) if pair in columns][:PANELS]


def as_geojson(found: PatchScores, origin: tuple[int, int] = (0, 0)) -> dict[str, Any]:
    """FeatureCollection of QuPath tiles: a closed square a patch (level-0 pixels), scores as measurements.

    Coordinates are QuPath's: they begin at `origin`, the corner of what it shows of the slide.
    """
    names = [f"{name} ({way})" for name, way in zip(found.sets, found.ways, strict=True)]
    features = []
    for (x, y), values in zip((found.coords - np.array(origin)).tolist(), found.scores, strict=True):
        right, low = x + found.edge, y + found.edge
        ring = [[x, y], [right, y], [right, low], [x, low], [x, y]]
        measured = {name: float(f"{value:.5g}") for name, value in zip(names, values, strict=True)}
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "Polygon", "coordinates": [ring]},
                "properties": {"objectType": "tile", "measurements": measured},
            }
        )
    return {"type": "FeatureCollection", "frame": "qupath", "features": features}


def paint(found: PatchScores, column: int, shape: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """RGBA uint8 of `shape` (rows, columns): each patch red where it raises the score, blue where it lowers it."""
    import matplotlib

    values = found.scores[:, column]
    limit = np.percentile(np.abs(values), FULL) or 1.0
    colours = (matplotlib.colormaps[COLOURS](np.clip(values / limit / 2 + 0.5, 0, 1)) * 255).astype(np.uint8)
    scale = np.array([shape[1] / size[0], shape[0] / size[1]])
    first = np.round(found.coords * scale).astype(int)
    last = np.maximum(np.round((found.coords + found.edge) * scale).astype(int), first + 1)
    canvas = np.zeros((*shape, 4), np.uint8)
    for (x, y), (right, low), colour in zip(first, last, colours, strict=True):
        canvas[y:low, x:right] = colour
    return canvas


def draw_map(
    image, found: PatchScores, shown: list[int], size, mpp: float, title: str, note: str, picture: str
) -> None:
    """The thumbnail and a panel a set, one colour bar for all, a scale bar on the first."""
    columns = min(len(shown) + 1, 4)
    rows = -(-(len(shown) + 1) // columns)
    height = min(1.1 * PANEL * size[1] / size[0], 2 * PANEL) * rows + 0.9
    figure, panels = plt.subplots(rows, columns, figsize=(PANEL * columns, height), squeeze=False, layout="constrained")
    extent = (0, size[0], size[1], 0)
    shape = image.shape[0] * 2, image.shape[1] * 2
    for axes in panels.flat:
        axes.set_axis_off()
    for axes, column in zip(panels.flat, [None, *shown], strict=False):
        axes.imshow(image, extent=extent, interpolation="antialiased")
        title_of = "slide" if column is None else f"{found.sets[column]}\n({found.ways[column]})"
        axes.set_title(title_of, fontsize=10, parse_math=False)  # a $ in a name is one
        if column is not None:
            axes.imshow(paint(found, column, shape, size), extent=extent, alpha=0.6, interpolation="nearest")
        axes.set_ylim(size[1] * 1.1, 0)  # room for the scale bar, the same below every panel
    if np.isfinite(mpp):
        add_scale_bar(panels[0, 0], size, mpp)
    colours = plt.cm.ScalarMappable(plt.Normalize(-1, 1), COLOURS)
    bar = figure.colorbar(colours, ax=panels, shrink=0.8, aspect=25, pad=0.015, ticks=[-1, 0, 1])
    bar.set_ticklabels(["lowers", "as usual", "raises"])
    bar.set_label("what a patch adds to the slide's score")
    figure.suptitle(title, fontsize=12)
    save_png(figure, picture, note)
