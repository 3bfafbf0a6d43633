"""Where the patches of a slide lie, as a small picture for the gallery."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import h5py
import numpy as np

from ..common.files import open_h5

#: Edge of a patch in the picture of a grid, in pixels (one of them is the gap).
CELL = 8


def picture_of_patches(path: Path, number: int, size: tuple[float, float]) -> str:
    """The patches of a slide as a small picture, a square each, as large as the slide. size: level-0 width, height."""
    from PIL import Image

    with open_h5(path) as handle:
        dataset = handle["coords"]
        step, coords = step_of(dataset), dataset[:]
    if not len(coords):
        return ""
    # Not whole cells: steps are rounded to pixels, and other tools start a grid anywhere.
    corners = np.round(coords * (CELL / step)).astype(int)
    columns, rows = corners.max(0) + CELL
    mask = np.zeros((rows, columns), np.uint8)
    for x, y in np.ndindex(CELL - 1, CELL - 1):
        mask[corners[:, 1] + y, corners[:, 0] + x] = 1
    image = Image.fromarray(mask)
    image.putpalette([255, 255, 255, 0, 90, 255])
    data = io.BytesIO()
    image.save(data, format="PNG", transparency=0, bits=1)
    width, height = columns * step / CELL / size[0], rows * step / CELL / size[1]
    code = base64.b64encode(data.getvalue()).decode()
    return (
        f'<img class="patches grid{number}" loading="lazy" alt="" style="width:{width:.3%};height:{height:.3%}" '
        f'src="data:image/png;base64,{code}">'
    )


def step_of(dataset: h5py.Dataset) -> float:
    """Level-0 pixels from one patch to the next."""
    edge, size = float(dataset.attrs["patch_size_level0"]), float(dataset.attrs["patch_size"])
    return edge * (1 - float(dataset.attrs.get("overlap", 0)) / size)
