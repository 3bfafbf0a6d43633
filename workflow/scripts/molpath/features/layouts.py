"""How feature files are laid out by the tools that write them: TRIDENT (ours too), CLAM and STAMP.

TRIDENT  `features` N x D or 1 x N x D; `coords` in level-0 pixels, absent in early files, with the attributes
         patch_size, target_magnification and others
CLAM     `features` N x D (float32); `coords` in level-0 pixels (int32); no attributes at all
STAMP    `feats` N x D (float16); `coords` in micrometres (float32); attributes on the file: extractor, unit,
         tile_size_um, tile_size_px
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..common.files import open_h5

NAMES = ("features", "feats")
#: How far the micrometres per pixel of a file may lie from those of the grid, as a share.
MPP_TOLERANCE = 0.01


class UnknownLayout(Exception):
    """A file holds no patch features in a layout known here."""


@dataclass(frozen=True)
class Layout:
    """What a feature file says of itself; None where it doesn't say. Edge in pixels, mpp in micrometres per pixel."""

    tool: str
    count: int
    dim: int
    patch_size: float | None = None
    magnification: float | None = None
    mpp: float | None = None


def layout_of(handle) -> Layout:
    """Layout of an open HDF5 file. Raises UnknownLayout, with what was found instead."""
    dataset = _dataset(handle)
    count, dim = _shape(dataset)
    if dataset.name.strip("/") == "feats":
        return _stamp(dict(handle.attrs), count, dim)
    said = dict(handle["coords"].attrs) if "coords" in handle else {}
    if "patch_size" not in said and "target_magnification" not in said:
        return Layout("CLAM" if "coords" in handle and not said else "TRIDENT", count, dim)
    return Layout("TRIDENT", count, dim, _number(said, "patch_size"), _number(said, "target_magnification"))


def read_features(path: str | os.PathLike) -> np.ndarray:
    """Features of all patches of a slide, N x D in the type they are stored in, of any layout known here."""
    with open_h5(path) as handle:
        dataset = _dataset(handle)
        return dataset[:].reshape(_shape(dataset))


def _dataset(handle):
    for name in NAMES:
        if name in handle:
            return handle[name]
    raise UnknownLayout(f"neither {' nor '.join(NAMES)} among its datasets ({', '.join(handle) or 'none'})")


def _shape(dataset) -> tuple[int, int]:
    shape = dataset.shape
    if len(shape) == 3 and shape[0] == 1:
        shape = shape[1:]
    if shape == (0,) or (len(shape) == 2 and shape[0] == 0):
        raise UnknownLayout("it holds no patch")
    if len(shape) == 1:
        raise UnknownLayout(f"it holds one vector of {shape[0]} numbers, not one a patch (a slide's or a case's?)")
    if len(shape) != 2:
        raise UnknownLayout(f"its features have the shape {shape}, not patches x width")
    return int(shape[0]), int(shape[1])


def _stamp(said: Mapping[str, Any], count: int, dim: int) -> Layout:
    """STAMP's attributes; versions before 2.1 have tile_size (micrometres) or nothing: 256 um in 224 pixels."""
    edge_um, edge_px = _number(said, "tile_size_um") or _number(said, "tile_size"), _number(said, "tile_size_px")
    mpp = edge_um / edge_px if edge_um and edge_px else None
    return Layout("STAMP", count, dim, patch_size=edge_px, mpp=mpp)


def _number(said: Mapping[str, Any], key: str) -> float | None:
    return float(said[key]) if key in said else None
