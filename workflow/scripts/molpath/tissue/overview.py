"""The one low-resolution read of a slide that segmentation and quality control share."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Overview:
    """RGB uint8 height x width x 3 of the whole slide; level-0 pixels to one of its pixels (x, y); its mpp."""

    image: np.ndarray
    scale: tuple[float, float]
    mpp: float

    def centres(self, points) -> list[tuple[float, float]]:
        """Level-0 pixels (x, y) of the centres of overview pixels (x, y)."""
        return [((x + 0.5) * self.scale[0], (y + 0.5) * self.scale[1]) for x, y in points]


def read_overview(slide, mpp: float, wanted_mpp: float) -> Overview:
    """The smallest level at least as fine as `wanted_mpp`, shrunk to it; `mpp`: the slide's, at level 0."""
    fit = [i for i, level in enumerate(slide.levels) if mpp * level[2] <= wanted_mpp * 1.01]
    level = max(fit, key=lambda i: slide.levels[i][2]) if fit else 0
    width, height, downsample = slide.levels[level]
    image = slide.region(0, 0, level, width, height)
    shrink = wanted_mpp / (mpp * downsample)
    if shrink > 1.01:
        size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    full_width, full_height, _ = slide.levels[0]
    scale = full_width / image.shape[1], full_height / image.shape[0]
    return Overview(image, scale, mpp * scale[0])
