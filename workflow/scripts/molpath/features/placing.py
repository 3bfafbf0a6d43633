"""Positions of patches in features of other tools, and whether they are of this slide and this grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..common.given_h5 import Unusable
from ..common.settings.tiles import Grid
from ..tiles.given import EDGE_TOLERANCE, both_scales, check_grid, check_inside, check_slide, number_of
from ..tiles.grid import edges_level0, nominal_magnification, target_mpp
from .layouts import Layout

#: Allowed relative difference between micrometres per pixel of a file and of the grid.
MPP_TOLERANCE = 0.01
#: The step of a grid needs so many adjacent patches.
STEPS_SEEN = 3


def place(layout: Layout, inspected: Mapping[str, str], grid: Grid) -> dict[str, Any]:
    """Columns `coords_scale` (level-0 pixels in a unit of the file's coords) and `patch_size_level0` of a slide.

    inspected: the slide's row of the stage slides; what it doesn't say (no raw slide has a size) is not compared. Empty
    if the file has no coordinates, or they can't be converted to level-0 pixels. Raises Unusable if the file was made
    on another grid or from another slide.
    """
    if layout.micrometres:
        _check_stamp(layout.attributes, grid)
    else:
        check_grid(layout.attributes, grid)
    unplaced: dict[str, Any] = {"coords_scale": "", "patch_size_level0": ""}
    scaled = bool(inspected.get("mpp") and inspected.get("magnification"))
    if scaled and not layout.micrometres:
        check_slide(layout.attributes, inspected, grid)
    if layout.coords is None:
        return unplaced
    if not scaled:
        if layout.micrometres or "patch_size_level0" not in layout.attributes:
            return unplaced
        return {"coords_scale": 1, "patch_size_level0": int(number_of(layout.attributes, "patch_size_level0"))}
    scale = 1 / float(inspected["mpp"]) if layout.micrometres else 1.0
    coords = layout.coords * scale
    if inspected.get("width"):
        check_inside(np.floor(coords).astype(np.int64), inspected)
    return {"coords_scale": f"{scale:.10g}", "patch_size_level0": _edge(layout, coords, inspected, grid)}


def _check_stamp(attributes: Mapping[str, Any], grid: Grid) -> None:
    """STAMP's tiles have the pixels and micrometres of the grid. Raises Unusable."""
    if "tile_size_px" not in attributes:
        return
    pixels = number_of(attributes, "tile_size_px")
    if pixels != grid["patch_size"]:
        raise Unusable(f"it was made with patch_size {pixels:g}, the grid of the config has {grid['patch_size']:g}")
    if "tile_size_um" not in attributes:
        return
    mpp, target = number_of(attributes, "tile_size_um") / pixels, target_mpp(grid)
    if abs(mpp - target) > MPP_TOLERANCE * target:
        raise Unusable(f"it was made with micrometres per pixel {mpp:g}, the grid of the config has {target:g}")


def _edge(layout: Layout, coords: np.ndarray, inspected: Mapping[str, str], grid: Grid) -> int:
    """Edge of a patch in level-0 pixels: what the file says, else the grid's on this slide.

    CLAM's files don't say: if their patches are adjacent, the step shows whether they are of this grid, and
    whether it was laid by the ratio of magnifications or by the resolution.
    """
    mpp, magnification = float(inspected["mpp"]), nominal_magnification(grid, inspected)
    if layout.micrometres:
        if "tile_size_um" in layout.attributes:
            return round(number_of(layout.attributes, "tile_size_um") / mpp)
        return edges_level0({**grid, "like": "", "scale": "mpp"}, mpp, magnification)[0]
    if "patch_size_level0" in layout.attributes:
        return int(layout.attributes["patch_size_level0"])
    candidates = [edges_level0(scaled_grid, mpp, magnification) for scaled_grid in both_scales(grid)]
    step = _step(coords)
    if step is None:
        return candidates[0][0]
    edge, expected_step = min(candidates, key=lambda candidate: abs(candidate[1] - step))
    if abs(step - expected_step) <= max(1, EDGE_TOLERANCE * expected_step):
        return edge
    raise Unusable(
        f"its patches are {step} level-0 pixels apart; those of the config's grid are {candidates[0][1]} apart here"
    )


def _step(coords: np.ndarray) -> int | None:
    """The commonest distance of patches that follow each other in a row or a column of the file; None: too few."""
    shifts = np.abs(np.diff(coords, axis=0))
    steps = shifts[(shifts == 0).sum(1) == 1].max(1, initial=0)
    if len(steps) < STEPS_SEEN:
        return None
    values, counts = np.unique(steps, return_counts=True)
    return int(values[counts.argmax()])
