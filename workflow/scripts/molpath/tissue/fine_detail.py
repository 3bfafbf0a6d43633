"""Fine detail at the resolution that patches are read at: a slight blur shows there, and not yet at that of focus."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from .focus import FLAT, NOISE

#: Micrometres per pixel that finer slides are averaged to, by a whole number of pixels; coarser ones than the second
#: don't hold the detail.
DETAIL_MPP, COARSEST = 0.5, 0.75
#: Edge of the windows at that resolution, in pixels, at least.
EDGE = 32


def fine_detail(windows: Sequence[np.ndarray], mpp: float) -> float:
    """Share of detail of 0.5 to 1 µm in that of 0.5 to 2 µm, 0 to 1: the median of windows that aren't flat.

    windows: of tissue at level 0 (RGB uint8, `mpp` micrometres per pixel); NaN without any, or of a coarser slide. As a
    ratio of neighbouring scales (see focus.sharpness) it changes little with stain, and compression as scanners use it
    takes little of it.
    """
    if mpp > COARSEST:
        return float("nan")
    factor = max(1, round(DETAIL_MPP / mpp))
    shares = np.array([share_of(averaged(window, factor)) for window in windows], float)
    return float(np.median(shares[np.isfinite(shares)])) if np.isfinite(shares).any() else float("nan")


def averaged(window: np.ndarray, factor: int) -> np.ndarray:
    """Grey levels (float32) of a window, `factor` x `factor` pixels averaged to one."""
    grey = cv2.cvtColor(window, cv2.COLOR_RGB2GRAY).astype(np.float32)
    size = grey.shape[1] // factor, grey.shape[0] // factor
    whole = grey[: size[1] * factor, : size[0] * factor]
    return whole if factor == 1 else cv2.resize(whole, size, interpolation=cv2.INTER_AREA)


def share_of(grey: np.ndarray) -> float:
    """The share in one window; NaN if it is small, or nearly flat."""
    if min(grey.shape) < EDGE or grey.std() <= FLAT:
        return float("nan")
    energy = []
    for _ in range(2):
        smooth = cv2.GaussianBlur(grey, (5, 5), 0)
        energy.append(max(float(((grey - smooth) ** 2).mean()) - NOISE, 0.0))
        grey = smooth[::2, ::2]
    return energy[0] / sum(energy) if sum(energy) > 0 else 0.0
