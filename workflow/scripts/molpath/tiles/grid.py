"""Patch coordinates of a grid over tissue polygons, as TRIDENT lays it: anchored at (0, 0), row by row."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..common.settings.tiles import Grid
from ..slides.resolution import magnification_of

#: What a grid can be `like`.
TRIDENT = "trident"


def target_mpp(grid: Grid) -> float:
    """Micrometres per pixel of the grid's patches: its `mpp`, else 10 / magnification (20x: 0.5)."""
    return grid["mpp"] or 10 / grid["magnification"]


def is_like_trident(grid: Grid) -> bool:
    """True for a grid whose patches are TRIDENT's, in place and pixels."""
    return grid.get("like") == TRIDENT


def nominal_magnification(grid: Grid, inspected: Mapping[str, str]) -> int:
    """The magnification of a slide (its row of the stage slides) that its patches are scaled by; 0: below 5x.

    TRIDENT rounds the file's mpp to four decimals before it sorts it into a magnification: 0.29996 is 0.3, and 20x. It
    takes the sheet's value unchanged.
    """
    if not is_like_trident(grid):
        return int(inspected["magnification"])
    mpp = float(inspected["mpp"])
    return magnification_of(mpp if inspected.get("mpp_source") == "sheet" else round(mpp, 4)) or 0


def edges_level0(grid: Grid, mpp: float, magnification: int) -> tuple[int, int]:
    """Edge of a patch and step of the grid in level-0 pixels of a slide (its mpp and nominal magnification).

    `scale: mpp` keeps the physical size of patches the same on every scanner. `scale: magnification` takes the ratio
    of nominal magnifications, rounded down: a 0.2325 and a 0.2527 µm/px scanner both count as 40x. `like: trident`
    takes that ratio too, and rounds to the nearest, as TRIDENT lays its grid.
    """
    to_whole: Callable[[float], int]
    if is_like_trident(grid):
        ratio, to_whole = nominal_ratio(magnification, grid["magnification"]), round
    elif grid["scale"] == "magnification":
        ratio, to_whole = magnification / grid["magnification"], int
    else:
        ratio, to_whole = target_mpp(grid) / mpp, round
    edge = max(1, to_whole(grid["patch_size"] * ratio))
    return edge, max(1, edge - to_whole(grid["overlap"] * ratio))


def nominal_ratio(magnification: float, target: float) -> float:
    """Level-0 pixels to one of the grid by nominal magnifications, in TRIDENT's order of operations."""
    return (10 / target) / (10 / magnification)


def lay_grid(width: int, height: int, edge: int, step: int) -> np.ndarray:
    """Top-left corners (int64 N x 2, level-0 pixels x, y), row-major; patches may reach beyond the slide."""
    xs, ys = np.arange(0, width, step, dtype=np.int64), np.arange(0, height, step, dtype=np.int64)
    return np.stack([np.tile(xs, len(ys)), np.repeat(ys, len(xs))], axis=1)


def class_shares(corners: np.ndarray, edge: int, classes: np.ndarray, scale: tuple[float, float], codes) -> np.ndarray:
    """Share of each patch (float N) covered by the given codes of the quality map (`scale`: level-0 px per map px)."""
    hit = np.isin(classes, list(codes)).astype(np.int64)
    total = np.pad(hit.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    height, width = classes.shape

    def at(values, factor, limit):
        return np.clip(np.round(values / factor).astype(int), 0, limit)

    left, right = at(corners[:, 0], scale[0], width), at(corners[:, 0] + edge, scale[0], width)
    top, bottom = at(corners[:, 1], scale[1], height), at(corners[:, 1] + edge, scale[1], height)
    covered = total[bottom, right] - total[top, right] - total[bottom, left] + total[top, left]
    return covered / np.maximum((right - left) * (bottom - top), 1)
