"""Compare new features of a slide with the user's existing ones: the cosine of each patch."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from ..common.given_h5 import Unusable, read_contained
from ..common.settings.features import Encoder
from ..common.settings.tiles import Grid
from ..slides.readers import open_slide
from ..tiles.grid import target_mpp
from .encoders import build
from .geometry import geometry_of
from .layouts import layout_of, read_features
from .placing import place
from .salvage import read_what_can_be_read

#: Patches of the slide that are compared, and how many are encoded at a time.
SAMPLE, ROWS = 64, 8
#: Cosines from which on features differ by rounding, and by how patches were resized or what they were computed in.
SAME, CLOSE = 0.999, 0.95


@dataclass(frozen=True)
class Comparison:
    """Level-0 corners of the patches compared (int N x 2) and the cosine of both features of each (float N)."""

    coords: np.ndarray
    cosines: np.ndarray

    def report(self, slide_id: str, file: str) -> str:
        """The report for the user, as lines."""
        lowest = int(self.cosines.argmin())
        x, y = self.coords[lowest].tolist()
        median = float(np.median(self.cosines))
        if median >= SAME:
            meaning = "the same features, up to rounding"
        elif median >= CLOSE:
            meaning = "the same network; resizing, precision, scale or decoding of patches differ a little"
        else:
            meaning = "other features: look at the weights, normalisation, tokens, grid and slide"
        return (
            f"{slide_id}, {len(self.cosines)} patches beside {file}: cosine {median:.6f} (median), "
            f"{self.cosines[lowest]:.6f} (lowest, at {x}, {y})\n{meaning}"
        )


def compare_features(
    path: str | os.PathLike,
    file: str | os.PathLike,
    inspected: Mapping[str, str],
    grid: Grid,
    encoder: Encoder,
    weights: Sequence[str],
) -> Comparison:
    """Encode up to SAMPLE patches, spread over the file, at their coordinates, and compare.

    path: the raw slide; file: features of it in any layout of `layouts`; inspected: the slide's row of the stage
    slides. Patches that a damaged tile keeps from being read are left out. Raises Unusable where the file can't be
    read, is of another slide, grid or width, or has no coordinates.
    """
    inspect = partial(layout_of, name=encoder.get("features", ""), encoder=encoder["name"])
    layout = read_contained(inspect, os.fspath(file))
    placed = place(layout, inspected, grid)
    if layout.coords is None or not placed["patch_size_level0"]:
        raise Unusable("it has no patch coordinates")
    chosen = np.unique(np.linspace(0, layout.count - 1, min(SAMPLE, layout.count)).round().astype(int))
    coords = np.rint(layout.coords[chosen] * float(placed["coords_scale"])).astype(np.int64)
    geometry = geometry_of(
        {
            "patch_size": grid["patch_size"],
            "patch_size_level0": placed["patch_size_level0"],
            "target_magnification": 10 / target_mpp(grid),
            "level0_magnification": inspected["magnification"],
            "like": grid.get("like", ""),
        }
    )
    network: Any = build(weights, encoder)
    if network.dim != layout.dim:
        raise Unusable(f"its features are {layout.dim} numbers wide, those of encoder {encoder['name']} {network.dim}")
    slide, features = open_slide(os.fspath(path)), []
    pixels = np.empty((ROWS, geometry.size, geometry.size, 3), np.uint8)
    damaged = np.zeros(len(coords), bool)
    for first in range(0, len(coords), ROWS):
        rows = slice(first, min(first + ROWS, len(coords)))
        batch = pixels[: rows.stop - first]
        damaged[rows] = read_what_can_be_read(slide, coords[rows], geometry, batch).damaged
        features.append(network(torch.from_numpy(batch)).to("cpu", torch.float32).numpy())
    slide.close()
    if damaged.all():
        raise Unusable(f"none of the {len(coords)} sampled patches can be read from the slide")
    cosines = cosine(np.concatenate(features), read_features(file, layout.name)[chosen])
    return Comparison(coords[~damaged], cosines[~damaged])


def cosine(features: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Cosine of each row of two arrays (N x D): float64 N; 0 for rows of zeros."""
    a, b = features.astype(np.float64), reference.astype(np.float64)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.divide((a * b).sum(1), norms, out=np.zeros(len(a)), where=norms > 0)
