"""Where patches whose features another tool made lie on their slide, and whether that is this slide and this grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..common.given_h5 import Unusable
from ..common.settings.tiles import Grid
from ..tiles.given import EDGE_TOLERANCE, both_scales, check_grid, check_inside, check_slide, number_of
from ..tiles.grid import edges_level0, nominal_magnification, target_mpp
from .layouts import Layout

#: How far the micrometres per pixel of a file may lie from those of the grid, as a share.
MPP_TOLERANCE = 0.01
#: So many patches side by side tell the step of a grid.
STEPS_SEEN = 3


def place(layout: Layout, seen: Mapping[str, str], grid: Grid) -> dict[str, Any]:
    """Columns `coords_scale` (level-0 pixels in a unit of the file's coords) and `patch_size_level0` of a slide.

    seen: the slide's row of the stage slides; what it doesn't say (no raw slide has a size) is not compared. Empty
    where the file has no coordinates, or they can't be told in level-0 pixels. Raises Unusable where the file was made
    on another grid or from another slide.
    """
    if layout.micrometres:
        _check_stamp(layout.said, grid)
    else:
        check_grid(layout.said, grid)
    nowhere: dict[str, Any] = {"coords_scale": "", "patch_size_level0": ""}
    scaled = bool(seen.get("mpp") and seen.get("magnification"))
    if scaled and not layout.micrometres:
        check_slide(layout.said, seen, grid)
    if layout.coords is None:
        return nowhere
    if not scaled:
        if layout.micrometres or "patch_size_level0" not in layout.said:
            return nowhere
        return {"coords_scale": 1, "patch_size_level0": int(number_of(layout.said, "patch_size_level0"))}
    scale = 1 / float(seen["mpp"]) if layout.micrometres else 1.0
    coords = layout.coords * scale
    if seen.get("width"):
        check_inside(np.floor(coords).astype(np.int64), seen)
    return {"coords_scale": f"{scale:.10g}", "patch_size_level0": _edge(layout, coords, seen, grid)}


def _check_stamp(said: Mapping[str, Any], grid: Grid) -> None:
    """STAMP's tiles have the pixels and micrometres of the grid. Raises Unusable."""
    if "tile_size_px" not in said:
        return
    pixels = number_of(said, "tile_size_px")
    if pixels != grid["patch_size"]:
        raise Unusable(f"it was made with patch_size {pixels:g}, the grid of the config has {grid['patch_size']:g}")
    if "tile_size_um" not in said:
        return
    mpp, wanted = number_of(said, "tile_size_um") / pixels, target_mpp(grid)
    if abs(mpp - wanted) > MPP_TOLERANCE * wanted:
        raise Unusable(f"it was made with micrometres per pixel {mpp:g}, the grid of the config has {wanted:g}")


def _edge(layout: Layout, coords: np.ndarray, seen: Mapping[str, str], grid: Grid) -> int:
    """Edge of a patch in level-0 pixels: what the file says, else the grid's on this slide.

    CLAM's files say nothing: where their patches lie side by side, the step tells whether they are of this grid, and
    whether it was laid by the ratio of magnifications or by the resolution.
    """
    mpp, magnification = float(seen["mpp"]), nominal_magnification(grid, seen)
    if layout.micrometres:
        if "tile_size_um" in layout.said:
            return round(number_of(layout.said, "tile_size_um") / mpp)
        return edges_level0({**grid, "like": "", "scale": "mpp"}, mpp, magnification)[0]
    if "patch_size_level0" in layout.said:
        return int(layout.said["patch_size_level0"])
    laid = [edges_level0(one, mpp, magnification) for one in both_scales(grid)]
    step = _step(coords)
    if step is None:
        return laid[0][0]
    edge, wanted = min(laid, key=lambda one: abs(one[1] - step))
    if abs(step - wanted) <= max(1, EDGE_TOLERANCE * wanted):
        return edge
    raise Unusable(
        f"its patches lie {step} level-0 pixels apart; those of the grid of the config lie {laid[0][1]} apart here"
    )


def _step(coords: np.ndarray) -> int | None:
    """The commonest distance of patches that follow each other in a row or a column of the file; None: too few."""
    moved = np.abs(np.diff(coords, axis=0))
    along = moved[(moved == 0).sum(1) == 1].max(1, initial=0)
    if len(along) < STEPS_SEEN:
        return None
    values, counts = np.unique(along, return_counts=True)
    return int(values[counts.argmax()])
