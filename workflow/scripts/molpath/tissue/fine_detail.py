"""Fine detail at the resolution that patches are read at: a slight blur shows there, and not yet at that of focus."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log

import cv2
import numpy as np

from .focus import FLAT, NOISE

#: Micrometres per pixel at which detail is measured; coarser slides than the second don't hold it.
DETAIL_MPP, COARSEST = 0.5, 0.6
#: Edge of the windows at that resolution, in pixels, at least.
EDGE = 32
#: JPEG quality below which the edges of its blocks look like the detail that a blur of 0.75 µm takes away.
LEAST_QUALITY = 25


def fine_detail(windows: Sequence[np.ndarray], mpp: float, quality: float = 100.0) -> float:
    """Share of detail of 0.5 to 1 µm in that of 0.5 to 2 µm, 0 to 1: the median of windows that aren't flat.

    windows: of tissue at level 0 (RGB uint8, `mpp` micrometres per pixel); quality: that of JPEG in which they were
    stored (compression.jpeg_quality). NaN without windows, of a slide coarser than COARSEST, or so fine that no window
    has EDGE pixels of DETAIL_MPP, and below LEAST_QUALITY. As a ratio of neighbouring scales (see focus.sharpness) it
    changes little with stain, and compression as scanners use it takes little of it.

    Whole numbers of pixels are averaged to one, for any other way of shrinking takes detail: the share at DETAIL_MPP is
    read between those of the nearest finer and coarser pixels, on a line over the logarithm of their size.
    """
    if not 0 < mpp <= COARSEST or quality < LEAST_QUALITY:
        return float("nan")
    factor = max(1, floor(DETAIL_MPP / mpp + 1e-9))
    weight = log(DETAIL_MPP / mpp / factor) / log((factor + 1) / factor)
    finer = median_share(windows, factor)
    if abs(weight) < 1e-6 or np.isnan(finer):
        return finer
    return float(np.clip(finer + weight * (median_share(windows, factor + 1) - finer), 0, 1))


def median_share(windows: Sequence[np.ndarray], factor: int) -> float:
    """The median share of windows, `factor` x `factor` pixels averaged to one; NaN where none has one."""
    shares = np.array([share_of(averaged(window, factor)) for window in windows], float)
    return float(np.median(shares[np.isfinite(shares)])) if np.isfinite(shares).any() else float("nan")


def averaged(window: np.ndarray, factor: int) -> np.ndarray:
    """Grey levels (float32) of a window, `factor` x `factor` pixels averaged to one; what is left over is cut off."""
    height, width = window.shape[0] // factor, window.shape[1] // factor
    if not height or not width:
        return np.zeros((0, 0), np.float32)
    grey = cv2.cvtColor(window[: height * factor, : width * factor], cv2.COLOR_RGB2GRAY).astype(np.float32)
    return grey if factor == 1 else cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)


def share_of(grey: np.ndarray) -> float:
    """The share in one window; NaN if it is small, nearly flat, or has no detail of either size."""
    if min(grey.shape) < EDGE or grey.std() <= FLAT:
        return float("nan")
    energy = []
    for _ in range(2):
        smooth = cv2.GaussianBlur(grey, (5, 5), 0)
        energy.append(max(float(((grey - smooth) ** 2).mean()) - NOISE, 0.0))
        grey = smooth[::2, ::2]
    return energy[0] / sum(energy) if sum(energy) > 0 else float("nan")
