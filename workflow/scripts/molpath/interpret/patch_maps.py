"""Values of patches over a slide: a map on its thumbnail, and its patches as GeoJSON for QuPath."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from ..common.files import atomic_path, read_tsv, write_text
from ..common.reasons import FEATURES_ONLY
from ..common.record import Record, check_intact
from ..figures.style import plt
from .places import Places as Places

#: Width of a panel in inches, resolution of the picture, and the share of the width that a scale bar may take.
PANEL, DPI, BAR = 4.6, 150, 0.25
#: Colours of values about zero: blue below it, red above, white at it; colour-blind readers can distinguish them.
DIVERGING = "RdBu_r"


@dataclass(frozen=True)
class Ground:
    """Background of a map: RGB uint8 of a slide, its level-0 width and height, micrometres per pixel (NaN: unknown)."""

    image: np.ndarray
    size: tuple[int, int]
    mpp: float


@dataclass(frozen=True)
class Panel:
    """A map: its title, and the level of each patch on the scale (float N, over 0 to 1)."""

    title: str
    levels: np.ndarray


@dataclass(frozen=True)
class Scale:
    """The colour bar of a map: colours by name, label, ticks (over 0 to 1) and their words."""

    colours: str
    label: str
    ticks: Sequence[float]
    words: Sequence[str]


class Seen:
    """A slide's rows in the manifests of stages slides and tissue, and what a map takes from them."""

    def __init__(self, slide_id: str, inspected: str, assessed: str, wsi: str) -> None:
        self.slide_id, self.wsi, self._shard = slide_id, wsi, Path(assessed).stem
        self.inspected, self.assessed = one_row(inspected, slide_id), one_row(assessed, slide_id)

    def why_not(self, otherwise: str) -> str:
        """Why the slide has no patches."""
        return self.inspected["detail"] or self.assessed["detail"] or otherwise

    @property
    def origin(self) -> tuple[int, int]:
        """Corner of what QuPath shows of the slide, where its coordinates begin."""
        return int(self.inspected.get("bounds_x") or 0), int(self.inspected.get("bounds_y") or 0)

    def ground(self, places: Places) -> Ground:
        """The slide's thumbnail; white if only its patches are known."""
        if self.inspected["reason"] == FEATURES_ONLY:
            width, height = (places.coords.max(0) + 2 * places.edge).tolist()
            shape = max(1, height // places.edge) * 8, max(1, width // places.edge) * 8, 3
            return Ground(np.full(shape, 255, np.uint8), (width, height), float("nan"))
        size = int(self.inspected["width"]), int(self.inspected["height"])
        path = f"{self.wsi}/thumbnails/{self.slide_id}.jpg"
        digest = self.assessed.get("thumbnail_fingerprint", "")
        check_intact(path, digest, Record(self._shard), "assess_tissue")
        return Ground(read_thumbnail(path, size), size, float(self.inspected["mpp"]))


def one_row(manifest: str, slide_id: str) -> Mapping[str, str]:
    """The slide's row of a manifest."""
    rows = read_tsv(manifest).set_index("slide_id", drop=False)
    return rows.loc[slide_id].to_dict()


def read_thumbnail(path: str | Path, size: tuple[int, int]) -> np.ndarray:
    """RGB uint8 of the slide alone: the rows below it are a legend. size: level-0 width and height."""
    from PIL import Image

    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    return pixels[: max(1, round(pixels.shape[1] * size[1] / size[0]))]


def squares(
    places: Places, measured: Iterable[Mapping[str, float]], origin: tuple[int, int] = (0, 0), **further: Any
) -> dict[str, Any]:
    """FeatureCollection of QuPath tiles: a closed square per patch (level-0 pixels), `measured` as measurements.

    Coordinates are QuPath's: they begin at `origin`. further: members of the collection, which QuPath ignores.
    """
    features = []
    for (x, y), values in zip((places.coords - np.array(origin)).tolist(), measured, strict=True):
        right, low = x + places.edge, y + places.edge
        ring = [[x, y], [right, y], [right, low], [x, low], [x, y]]
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "Polygon", "coordinates": [ring]},
                "properties": {"objectType": "tile", "measurements": values},
            }
        )
    return {"type": "FeatureCollection", "frame": "qupath", **further, "features": features}


def write_geojson(path: str, document: Mapping[str, Any]) -> None:
    """Write a FeatureCollection."""
    write_text(path, json.dumps(document) + "\n")


def write_empty(records: Seen, otherwise: str, note: str, picture: str, patches: str) -> None:
    """Write picture and GeoJSON of a slide that was set aside or has no patches to show; the picture says why."""
    write_geojson(patches, {"type": "FeatureCollection", "features": []})
    save_words(picture, f"{records.slide_id} has no map:\n{records.why_not(otherwise)}", note)


def about_zero(values: np.ndarray, limit: float) -> np.ndarray:
    """Levels on a scale from -limit to limit, with zero in the middle; values beyond get the last colour."""
    return np.clip(values / (limit or 1.0) / 2 + 0.5, 0, 1)


def paint(places: Places, levels: np.ndarray, colours: str, shape: tuple[int, int], size: tuple[int, int]):
    """RGBA uint8 of `shape` (rows, columns): each patch in the colour of its level, nothing between patches.

    size: level-0 width and height. Later patches cover earlier ones where they overlap.
    """
    rgba = (matplotlib.colormaps[colours](levels) * 255).astype(np.uint8)
    scale = np.array([shape[1] / size[0], shape[0] / size[1]])
    first = np.round(places.coords * scale).astype(int)
    last = np.maximum(np.round((places.coords + places.edge) * scale).astype(int), first + 1)
    canvas = np.zeros((*shape, 4), np.uint8)
    for (x, y), (right, low), colour in zip(first, last, rgba, strict=True):
        canvas[y:low, x:right] = colour
    return canvas


def draw_map(
    ground: Ground,
    places: Places,
    panels: Sequence[Panel],
    scale: Scale,
    title: str,
    note: str,
    picture: str,
    grey: bool = False,
) -> None:
    """The thumbnail and the panels, one colour bar for all, a scale bar on the first.

    grey: without colours of the slide in the panels, where stain would look like a value.
    """
    image, size = ground.image, ground.size
    columns = min(len(panels) + 1, 4)
    rows = -(-(len(panels) + 1) // columns)
    height = min(1.1 * PANEL * size[1] / size[0], 2 * PANEL) * rows + 0.9
    figure, grid = plt.subplots(rows, columns, figsize=(PANEL * columns, height), squeeze=False, layout="constrained")
    extent = (0, size[0], size[1], 0)
    shape = image.shape[0] * 2, image.shape[1] * 2
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, panel in zip(grid.flat, [None, *panels], strict=False):
        background = without_colours(image) if panel and grey else image
        axes.imshow(background, extent=extent, interpolation="antialiased")
        axes.set_title(panel.title if panel else "slide", fontsize=10, parse_math=False)  # a $ in a name is one
        if panel:
            painted = paint(places, panel.levels, scale.colours, shape, size)
            axes.imshow(painted, extent=extent, alpha=0.6, interpolation="nearest")
        axes.set_ylim(size[1] * 1.1, 0)  # room for the scale bar, the same below every panel
    if np.isfinite(ground.mpp):
        add_scale_bar(grid[0, 0], size, ground.mpp)
    low, high = scale.ticks[0], scale.ticks[-1]
    colours = plt.cm.ScalarMappable(plt.Normalize(low, high), scale.colours)
    bar = figure.colorbar(colours, ax=grid, shrink=0.8, aspect=25, pad=0.015, ticks=list(scale.ticks))
    bar.set_ticklabels(list(scale.words))
    bar.set_label(scale.label)
    figure.suptitle(title, fontsize=12)
    save_png(figure, picture, note)


def without_colours(image: np.ndarray) -> np.ndarray:
    """Luminance (Rec. 601) of an RGB uint8 picture, as an RGB picture."""
    grey = (image @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def scale_bar(width: int, mpp: float) -> tuple[float, str]:
    """Length in level-0 pixels and label of the longest bar of 1, 2 or 5 times a power of ten within BAR of a slide."""
    limit = width * mpp * BAR
    power = 10.0 ** np.floor(np.log10(limit))
    length = max(step * power for step in (1, 2, 5) if step * power <= limit)
    return length / mpp, f"{length / 1000:g} mm" if length >= 1000 else f"{length:g} µm"


def add_scale_bar(axes, size: tuple[int, int], mpp: float) -> None:
    """A black bar with its length below the slide, left."""
    length, label = scale_bar(size[0], mpp)
    y = size[1] * 1.03
    axes.plot([0, length], [y, y], color="black", lw=3, solid_capstyle="butt", clip_on=False)
    axes.text(length / 2, y + size[1] * 0.015, label, ha="center", va="top", fontsize=10)


def save_words(picture: str, text: str, note: str) -> None:
    """A picture with text."""
    figure, axes = plt.subplots(figsize=(PANEL, PANEL / 2))
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, ha="center", va="center", wrap=True)
    save_png(figure, picture, note)


def save_png(figure, path: str, note: str) -> None:
    """Write a figure as PNG without the version of its writer, with the note in its corner."""
    if note:
        figure.text(0.995, 0.005, note, ha="right", va="bottom", fontsize=9, color="#8a1c1c", weight="bold")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=DPI, metadata={"Software": None}, facecolor="white")
    plt.close(figure)
