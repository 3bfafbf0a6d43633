"""Coordinates that another tool chose (TRIDENT's patches folder), taken as they are where they fit the slide."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..common.files import open_h5
from ..common.given_h5 import Unusable, own_array, read_contained
from ..common.settings.tiles import Grid
from .grid import edges_level0, is_like_trident, nominal_magnification, target_mpp

KEPT = ("patch_size", "patch_size_level0", "level0_magnification", "target_magnification", "overlap")
#: Megabytes that reading a file of coordinates may take: 20 million patches.
MEMORY_MB = 1000.0
#: Share by which the edge of a patch may differ from the one that the slide's resolution gives.
EDGE_TOLERANCE = 0.01


def coords_name(slide_id: str) -> str:
    """TRIDENT's name of a slide's coordinate file."""
    return f"{slide_id}_patches.h5"


def read_coords(path: str | os.PathLike) -> tuple[np.ndarray, dict[str, Any]]:
    """Coordinates (int64 N x 2, level-0 pixels) of a patch file of this workflow and their attributes, as plain values.

    Files from elsewhere are read with `take_given`, which checks everything.
    """
    with open_h5(path) as handle:
        dataset = handle["coords"]
        return dataset[:].astype(np.int64).reshape(-1, 2), attributes_of(dataset)


def attributes_of(dataset: Any) -> dict[str, Any]:
    """Attributes of a dataset, group or file by name, as plain values."""
    return {key: _plain(value) for key, value in sorted(dataset.attrs.items())}


def take_given(
    path: Path, inspected: Mapping[str, str], grid: Grid, slide_id: str
) -> tuple[np.ndarray, dict[str, Any], dict[str, int]]:
    """Coordinates, TRIDENT's attributes and counts from a file of TRIDENT's; nothing is dropped from it.

    Raises Unusable if the file can't be read, does not say how large its patches are, or was made on another grid or
    from another slide: its size, magnification and edge of patches are compared, and every patch must be on the slide.
    """
    coords, attributes = read_contained(_coords_and_attributes, path, memory_mb=MEMORY_MB)
    missing = [name for name in KEPT if name not in attributes]
    if missing:
        raise Unusable(f"it has no attribute {', '.join(missing)}: it is not in TRIDENT's layout")
    for name in KEPT:
        number_of(attributes, name)
    check_grid(attributes, grid)
    check_slide(attributes, inspected, grid)
    check_inside(coords, inspected)
    size = {"name": slide_id, "level0_width": int(inspected["width"]), "level0_height": int(inspected["height"])}
    counts = {"n_patches": len(coords), "n_tissue_patches": len(coords), "n_dropped_quality": 0}
    return coords, {name: attributes[name] for name in KEPT} | size, counts


def check_grid(attributes: Mapping[str, Any], grid: Grid) -> None:
    """What the attributes say about the grid is what the config says. Raises Unusable."""
    grid_values: dict[str, float] = {"patch_size": grid["patch_size"], "overlap": grid["overlap"]}
    grid_values["target_magnification"] = round(10 / target_mpp(grid), 4)
    for name, value in grid_values.items():
        if name in attributes and number_of(attributes, name) != float(value):
            raise Unusable(
                f"it was made with {name} {attributes[name]:g}, the grid of the config has {value:g}: "
                "change the grid, or name another folder"
            )


def check_slide(attributes: Mapping[str, Any], inspected: Mapping[str, str], grid: Grid) -> None:
    """The attributes agree with what inspection saw (`inspected`): size, magnification, edge of a patch.

    An edge by the ratio of nominal magnifications and one by the resolution are both right. Raises Unusable.
    """
    mpp, magnification = float(inspected["mpp"]), nominal_magnification(grid, inspected)
    same = {f"level0_{name}": int(inspected[name]) for name in ("width", "height") if inspected.get(name)}
    for name, value in (same | {"level0_magnification": magnification}).items():
        if name in attributes and number_of(attributes, name) != value:
            raise Unusable(
                f"it says {name} {attributes[name]:g}, the slide has {value} ({mpp:g} micrometres per pixel): "
                "it was made from another slide, or with another resolution"
            )
    if "patch_size_level0" not in attributes:
        return
    edge = number_of(attributes, "patch_size_level0")
    right = {edges_level0(scaled_grid, mpp, magnification)[0] for scaled_grid in both_scales(grid)}
    if not any(abs(edge - expected_edge) <= max(1, EDGE_TOLERANCE * expected_edge) for expected_edge in right):
        raise Unusable(
            f"it says patch_size_level0 {edge:g}; patches of {grid['patch_size']} pixels at {target_mpp(grid):g} "
            f"micrometres per pixel are {' or '.join(map(str, sorted(right)))} level-0 pixels wide on this slide"
        )


def both_scales(grid: Grid) -> tuple[Grid, Grid]:
    """A grid scaled by the resolution, and by nominal magnifications; its own way comes first."""
    by_mpp, by_magnification = Grid(**{**grid, "like": "", "scale": "mpp"}), Grid(**{**grid, "scale": "magnification"})
    is_nominal = is_like_trident(grid) or grid["scale"] == "magnification"
    return (by_magnification, by_mpp) if is_nominal else (by_mpp, by_magnification)


def check_inside(coords: np.ndarray, inspected: Mapping[str, str]) -> None:
    """Every patch begins on the slide; it may reach beyond its right and lower edge. Raises Unusable for the first."""
    width, height = int(inspected["width"]), int(inspected["height"])
    off = (coords < 0).any(1) | (coords >= (width, height)).any(1)
    if off.any():
        x, y = coords[off.argmax()]
        raise Unusable(
            f"{off.sum()} of its {len(coords)} patches are off the slide, row {off.argmax()} at ({x}, {y}), and the "
            f"slide has {width} x {height} pixels: are these level-0 pixels of this slide?"
        )


def number_of(attributes: Mapping[str, Any], name: str) -> float:
    """An attribute that must be one finite, not negative number. Raises Unusable."""
    try:
        value = float(attributes[name])
    except (TypeError, ValueError):
        value = np.nan
    if not np.isfinite(value) or value < 0 or (value == 0 and name != "overlap"):
        raise Unusable(f"its attribute {name} is {attributes[name]!r}, but must be a positive number")
    return value


def whole_coords(dataset: Any) -> np.ndarray:
    """N x 2 (or 1 x N x 2) numbers of a dataset as int64 pixels. Raises Unusable where they are no whole numbers."""
    shape = dataset.shape
    if len(shape) == 3 and shape[0] == 1:
        shape = shape[1:]
    if shape == (0,):
        shape = (0, 2)
    if len(shape) != 2 or shape[1] != 2:
        raise Unusable(f"its coords have the shape {' x '.join(map(str, dataset.shape))}, N x 2 is needed")
    values = dataset[()].reshape(shape)
    if not np.isfinite(values).all() or (values != np.round(values)).any() or (np.abs(values) > 2**40).any():
        raise Unusable("its coords are not all whole numbers of pixels")
    return values.astype(np.int64)


def _coords_and_attributes(path: Path) -> tuple[np.ndarray, dict[str, Any]]:
    with open_h5(path) as handle:
        dataset = own_array(handle, "coords", "iuf")
        return whole_coords(dataset), attributes_of(dataset)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    return value.item() if hasattr(value, "item") and getattr(value, "size", 1) == 1 else value
