"""Coordinates that another tool chose (TRIDENT's patches folder), taken as they are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..common.contained import NoSlidesFault
from ..common.files import open_h5
from ..common.settings.tiles import Grid

KEPT = ("patch_size", "patch_size_level0", "level0_magnification", "target_magnification", "overlap")


class OtherGrid(NoSlidesFault):
    """Given coordinates are of another grid than the config says."""


def coords_name(slide_id: str) -> str:
    """TRIDENT's name of a slide's coordinate file."""
    return f"{slide_id}_patches.h5"


def read_coords(path: str | os.PathLike) -> tuple[np.ndarray, dict[str, Any]]:
    """Coordinates (int64 N x 2, level-0 pixels) of a patch file and their attributes, as plain values."""
    with open_h5(path) as handle:
        dataset = handle["coords"]
        attributes = {key: _plain(value) for key, value in sorted(dataset.attrs.items())}
        return dataset[:].astype(np.int64).reshape(-1, 2), attributes


def take_given(
    path: Path, seen: Mapping[str, str], grid: Grid, slide_id: str
) -> tuple[np.ndarray, dict[str, Any], dict[str, int]]:
    """Coordinates, TRIDENT's attributes and counts from a file of TRIDENT's; nothing is dropped from it.

    Raises OtherGrid if the file says it was made on another grid, or does not say how large its patches are.
    """
    coords, attributes = read_coords(path)
    missing = [name for name in KEPT if name not in attributes]
    if missing:
        raise OtherGrid(f"{path} has no attribute {', '.join(missing)}: it is not in TRIDENT's layout")
    asked: Mapping[str, Any] = grid
    for name, key in (("patch_size", "patch_size"), ("target_magnification", "magnification"), ("overlap", "overlap")):
        if float(attributes[name]) != float(asked[key]):
            raise OtherGrid(
                f"{path} was made with {name} {attributes[name]:g}, the grid of the config has {asked[key]:g}"
            )
    size = {"name": slide_id, "level0_width": int(seen["width"]), "level0_height": int(seen["height"])}
    counts = {"n_patches": len(coords), "n_tissue_patches": len(coords), "n_dropped_quality": 0}
    return coords, {name: attributes[name] for name in KEPT} | size, counts


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    return value.item() if hasattr(value, "item") and getattr(value, "size", 1) == 1 else value
