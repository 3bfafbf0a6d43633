"""The one low-resolution read of a slide that segmentation and quality control share."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

#: Pixels of a level that are read in one go, and the edge of the blocks in which a larger one is read: 200 MB each.
READ_AT_ONCE, BLOCK = 1 << 25, 4096


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
    shrink = wanted_mpp / (mpp * downsample)
    if width * height <= READ_AT_ONCE:
        image = slide.region(0, 0, level, width, height)
    else:
        image = read_in_blocks(slide, level, max(1, int(shrink / 2)))
    if shrink > 1.01:
        size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    full_width, full_height, _ = slide.levels[0]
    scale = full_width / image.shape[1], full_height / image.shape[0]
    return Overview(image, scale, mpp * scale[0])


def read_in_blocks(slide, level: int, factor: int) -> np.ndarray:
    """A level shrunk by a whole number, RGB uint8, read block by block: memory is that of the result and one block.

    A slide whose only level has 150,000 x 150,000 pixels would otherwise take 160 GB. `factor` is at most half of what
    the level is shrunk by, so that rounding twice moves the final image by one grey level at most.
    """
    width, height, downsample = slide.levels[level]
    edge = BLOCK - BLOCK % factor
    image = np.empty((-(-height // factor), -(-width // factor), 3), np.uint8)
    for y in range(0, height, edge):
        for x in range(0, width, edge):
            columns, rows = min(edge, width - x), min(edge, height - y)
            block = slide.region(round(x * downsample), round(y * downsample), level, columns, rows)
            missing = -rows % factor, -columns % factor
            if any(missing):  # the last pixel of the result is of fewer pixels: those repeat the edge
                block = np.pad(block, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
            size = block.shape[1] // factor, block.shape[0] // factor
            top, left = y // factor, x // factor
            image[top : top + size[1], left : left + size[0]] = cv2.resize(block, size, interpolation=cv2.INTER_AREA)
    return image
