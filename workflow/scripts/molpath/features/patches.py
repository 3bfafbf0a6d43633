"""Pixels of patches: choose the level of the pyramid and shrink to the size of the grid."""

from __future__ import annotations

import cv2
import numpy as np

from . import trident_pixels
from .focus import focus_of
from .geometry import Geometry, Slide
from .resampling import resample

cv2.setNumThreads(1)  # readers are processes; more threads would only compete for the cores


#: Mean and 99.9th percentile of the absolute difference, in grey levels of 255, between patches at 20x from 40x that
#: are decoded to half scale and such as are decoded in full and shrunk by area: tiles that keep colour at full
#: detail (RGB, YCbCr 4:4:4) and tiles with subsampled colour. Measured on real H&E at JPEG qualities 30 to 95: up to
#: 0.21 and 8, and 1.1 and 18 (tests/unit/features/test_half_scale.py keeps them).
HALF_SCALE_BOUNDS = {"full colour": (0.4, 9.0), "subsampled colour": (1.5, 20.0)}


def best_level(levels: list[tuple[int, int, float]], downsample: float) -> int:
    """The coarsest level that is at least as fine as needed (1 % of tolerance for uneven level sizes)."""
    fit = [(level[2], index) for index, level in enumerate(levels) if level[2] <= downsample * 1.01]
    return max(fit)[1] if fit else 0


def read_patches(slide: Slide, coords: np.ndarray, geometry: Geometry, out: np.ndarray) -> np.ndarray:
    """Fill `out` (uint8 N x size x size x 3, RGB) with the patches at `coords` (int N x 2, level-0 x, y).

    Patches are read from the best level and shrunk by area where that level is finer than the grid. Returns the
    focus of each patch (float32 N, `focus.focus_of`).

    A slide opened with `half_scale` offers a level at twice the pixel size that libjpeg decodes straight to, and 20x
    from 40x is then read from it. The scaled inverse transform gives means of 2 x 2 pixels, as shrinking by area does,
    but rounds and clips once less, and doesn't smooth subsampled colour. HALF_SCALE_BOUNDS says what it amounts to.

    Patches of a grid that is `like: trident` are read as TRIDENT reads them (trident_pixels).
    """
    level = best_level(slide.levels, geometry.downsample)
    edge = max(1, round(geometry.size_level0 / slide.levels[level][2]))
    focus = np.empty(len(coords), np.float32)
    for index, ((x, y), target) in enumerate(zip(coords.tolist(), out, strict=True)):
        if geometry.nominal:
            trident_pixels.read_patch(slide, x, y, geometry, target)
        elif edge > geometry.size and edge % geometry.size == 0 and hasattr(slide, "shrunk_region"):
            slide.shrunk_region(x, y, level, edge // geometry.size, out=target)
        else:
            fit(slide.region(x, y, level, edge, edge), target)
        focus[index] = focus_of(target, geometry.mpp)
    return focus


def fit(pixels: np.ndarray, target: np.ndarray) -> None:
    """Resize RGB uint8 edge x edge x 3 to the size of `target`: by area if it is larger, cubic if smaller."""
    if pixels.shape == target.shape:
        target[:] = pixels
        return
    resample(pixels, target)
