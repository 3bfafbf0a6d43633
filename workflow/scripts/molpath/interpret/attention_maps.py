"""Attention over a slide: a map on its thumbnail, and its patches as GeoJSON for QuPath."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import rankdata

from ..common.files import atomic_path, open_h5, read_tsv, write_text
from ..common.record import Record, check_intact
from ..figures.style import plt

#: Width of a panel in inches, resolution of the picture, and the share of the width that a scale bar may take.
PANEL, DPI, BAR = 4.6, 150, 0.25
COLOURS = "viridis"


@dataclass(frozen=True)
class Attention:
    """Attention of a slide's patches.

    shares: float32 heads x N, each head adds up to 1; coords: int64 N x 2, level-0 pixels of the top left corner; edge:
    of a patch in level-0 pixels.
    """

    shares: np.ndarray
    coords: np.ndarray
    edge: int

    def percentiles(self) -> np.ndarray:
        """Percentile of each patch among those of the slide (float heads x N, over 0 to 100), ties in the middle."""
        return rankdata(self.shares, axis=1) / self.shares.shape[1] * 100


def read_attention(path: str, slide_id: str) -> Attention | None:
    """A slide's group of attention.h5; None where the slide was set aside."""
    with open_h5(path) as handle:
        if slide_id not in handle:
            return None
        group = handle[slide_id]
        return Attention(group["attention"][:], group["coords"][:], int(group["coords"].attrs["patch_size_level0"]))


def draw_attention(
    *, attention: str, slide_id: str, inspected: str, assessed: str, wsi: str, note: str, picture: str, patches: str
) -> None:
    """Write the map (PNG, a panel a head beside the thumbnail) and the patches (GeoJSON) of a slide.

    inspected, assessed: manifests of its shard, for its size and resolution and for its thumbnail. A slide that was
    set aside has a picture that says so and an empty FeatureCollection.
    """
    found = read_attention(attention, slide_id)
    seen = one_row(inspected, slide_id)
    if found is None:
        write_text(patches, json.dumps({"type": "FeatureCollection", "features": []}) + "\n")
        reason = seen["detail"] or one_row(assessed, slide_id)["detail"] or "no patches"
        save_words(picture, f"{slide_id} was set aside:\n{reason}", note)
        return
    origin = int(seen.get("bounds_x") or 0), int(seen.get("bounds_y") or 0)
    write_text(patches, json.dumps(as_geojson(found, origin)) + "\n")
    size = int(seen["width"]), int(seen["height"])
    thumbnail = f"{wsi}/thumbnails/{slide_id}.jpg"
    told = one_row(assessed, slide_id).get("thumbnail_fingerprint", "")
    check_intact(thumbnail, told, Record(Path(assessed).stem), "assess_tissue")
    image = read_thumbnail(thumbnail, size)
    draw_map(image, found, size, float(seen["mpp"]), f"{slide_id}", note, picture)


def one_row(manifest: str, slide_id: str) -> Mapping[str, str]:
    """The slide's row of a manifest."""
    rows = read_tsv(manifest).set_index("slide_id", drop=False)
    return rows.loc[slide_id].to_dict()


def as_geojson(attention: Attention, origin: tuple[int, int] = (0, 0)) -> dict[str, Any]:
    """FeatureCollection of QuPath tiles: a closed square a patch (level-0 pixels), percentiles as measurements.

    Coordinates are QuPath's: they begin at `origin`, the corner of what it shows of the slide.
    """
    features = []
    for (x, y), ranks in zip((attention.coords - np.array(origin)).tolist(), attention.percentiles().T, strict=True):
        right, low = x + attention.edge, y + attention.edge
        ring = [[x, y], [right, y], [right, low], [x, low], [x, y]]
        named = {f"attention percentile, head {i + 1}": round(float(rank), 3) for i, rank in enumerate(ranks)}
        named["attention percentile, mean"] = round(float(ranks.mean()), 3)
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "Polygon", "coordinates": [ring]},
                "properties": {"objectType": "tile", "measurements": named},
            }
        )
    return {"type": "FeatureCollection", "frame": "qupath", "features": features}


def read_thumbnail(path: str | Path, size: tuple[int, int]) -> np.ndarray:
    """RGB uint8 of the slide alone: the rows below it are a legend. size: level-0 width and height."""
    from PIL import Image

    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    return pixels[: max(1, round(pixels.shape[1] * size[1] / size[0]))]


def paint(attention: Attention, head: int, shape: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """RGBA uint8 of `shape` (rows, columns): each patch in the colour of its percentile, nothing between patches.

    size: level-0 width and height. The lowest percentile is darkest; later patches cover earlier where they overlap.
    """
    import matplotlib

    ranks = attention.percentiles()[head] / 100
    colours = (matplotlib.colormaps[COLOURS](ranks) * 255).astype(np.uint8)
    scale = np.array([shape[1] / size[0], shape[0] / size[1]])
    first = np.round(attention.coords * scale).astype(int)
    last = np.maximum(np.round((attention.coords + attention.edge) * scale).astype(int), first + 1)
    canvas = np.zeros((*shape, 4), np.uint8)
    for (x, y), (right, low), colour in zip(first, last, colours, strict=True):
        canvas[y:low, x:right] = colour
    return canvas


def scale_bar(width: int, mpp: float) -> tuple[float, str]:
    """Length in level-0 pixels and label of the longest bar of 1, 2 or 5 times a power of ten within BAR of a slide."""
    limit = width * mpp * BAR
    power = 10.0 ** np.floor(np.log10(limit))
    length = max(step * power for step in (1, 2, 5) if step * power <= limit)
    return length / mpp, f"{length / 1000:g} mm" if length >= 1000 else f"{length:g} µm"


def draw_map(image, attention: Attention, size, mpp: float, title: str, note: str, picture: str) -> None:
    """The thumbnail and a panel a head, one colour bar for all, a scale bar on the first."""
    heads = len(attention.shares)
    tall = PANEL * size[1] / size[0]
    columns = min(heads + 1, 4)
    rows = -(-(heads + 1) // columns)
    figure, panels = plt.subplots(
        rows,
        columns,
        figsize=(PANEL * columns, min(1.1 * tall, 2 * PANEL) * rows + 0.9),
        squeeze=False,
        layout="constrained",
    )
    extent = (0, size[0], size[1], 0)
    for axes in panels.flat:
        axes.set_axis_off()
    for place, axes in enumerate(panels.flat[: heads + 1]):
        axes.imshow(image, extent=extent, interpolation="antialiased")
        axes.set_title("slide" if place == 0 else f"head {place}" if heads > 1 else "attention", fontsize=11)
        if place:
            shape = image.shape[0] * 2, image.shape[1] * 2
            axes.imshow(paint(attention, place - 1, shape, size), extent=extent, alpha=0.6, interpolation="nearest")
        axes.set_ylim(size[1] * 1.1, 0)  # room for the scale bar, the same below every panel
    add_scale_bar(panels[0, 0], size, mpp)
    bar = figure.colorbar(
        plt.cm.ScalarMappable(plt.Normalize(0, 100), COLOURS), ax=panels, shrink=0.8, aspect=25, pad=0.015
    )
    bar.set_label("attention, percentile of the slide's patches")
    figure.suptitle(title, fontsize=12)
    save_png(figure, picture, note)


def add_scale_bar(axes, size: tuple[int, int], mpp: float) -> None:
    """A black bar with its length below the slide, left."""
    length, label = scale_bar(size[0], mpp)
    y = size[1] * 1.03
    axes.plot([0, length], [y, y], color="black", lw=3, solid_capstyle="butt", clip_on=False)
    axes.text(length / 2, y + size[1] * 0.015, label, ha="center", va="top", fontsize=10)


def save_words(picture: str, words: str, note: str) -> None:
    """A picture of words."""
    figure, axes = plt.subplots(figsize=(PANEL, PANEL / 2))
    axes.set_axis_off()
    axes.text(0.5, 0.5, words, ha="center", va="center", wrap=True)
    save_png(figure, picture, note)


def save_png(figure, path: str, note: str) -> None:
    """Write a figure as PNG without the version of its writer, with the note in its corner."""
    if note:
        figure.text(0.995, 0.005, note, ha="right", va="bottom", fontsize=9, color="#8a1c1c", weight="bold")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=DPI, metadata={"Software": None}, facecolor="white")
    plt.close(figure)
