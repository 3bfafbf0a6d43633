"""A network applied to a slide in overlapping windows, with its output on the overview: no seams, bounded memory.

Window pixels are counted on a raster over the whole slide at the network's resolution, with (0, 0) at the slide's
corner. Neighbouring windows share `overlap` pixels. The outer quarter of those is spoiled by padding at a window's
edge and has weight 0. Over the half in between, one window fades into the next. Weights add up to one everywhere,
so a network that looks no further than `overlap / 4` pixels gives the same output as on the whole slide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np

from .overview import Overview

#: Resolutions within this ratio are taken as the same: scanners of one nominal magnification differ by this much, and
#: networks are trained over all of them.
NEAR = 1.1
#: Pixels of a level that are read at a time: a slide without a coarse level would need gigabytes for one window.
MOST_PIXELS = 2**24

Predict = Callable[[np.ndarray], np.ndarray]


class Raster:
    """A slide at the resolution of a network: pixel (i, j) covers `step` level-0 pixels in x and y.

    It is on the smallest level that is fine enough, whole pixels of which make one of the raster where that comes
    near to the wanted resolution. `size`: its pixels in x and y. A slide coarser than wanted is enlarged by repeating.
    """

    def __init__(self, slide, mpp: float, wanted_mpp: float):
        fit = [i for i, level in enumerate(slide.levels) if mpp * level[2] <= wanted_mpp * NEAR]
        self.slide, self.level = slide, max(fit, key=lambda i: slide.levels[i][2]) if fit else 0
        width, height, self.downsample = slide.levels[self.level]
        ratio = wanted_mpp / (mpp * self.downsample)
        rounded = max(1, round(ratio))
        self.ratio = rounded if 1 / NEAR <= ratio / rounded <= NEAR else ratio
        self.step = self.downsample * self.ratio
        self.size = int(np.ceil(width / self.ratio)), int(np.ceil(height / self.ratio))

    def window(self, x: int, y: int, edge: int) -> np.ndarray:
        """RGB uint8 edge x edge x 3 with its top-left corner at raster pixel (x, y); white beyond the slide."""
        rows = max(1, int(MOST_PIXELS / (edge * self.ratio**2)))
        parts = [self._part(x, y + row, edge, min(rows, edge - row)) for row in range(0, edge, rows)]
        return np.concatenate(parts)

    def _part(self, x: int, y: int, width: int, height: int) -> np.ndarray:
        left, top = int(np.floor(x * self.ratio)), int(np.floor(y * self.ratio))
        right, bottom = int(np.ceil((x + width) * self.ratio)), int(np.ceil((y + height) * self.ratio))
        corner = round(left * self.downsample), round(top * self.downsample)
        image = self.slide.region(*corner, self.level, right - left, bottom - top)
        if self.ratio == 1:
            return image
        if isinstance(self.ratio, int):
            return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        rows = coverage(y * self.ratio - top, self.ratio, height, bottom - top)
        columns = coverage(x * self.ratio - left, self.ratio, width, right - left)
        shrunk = np.tensordot(rows, image.astype(np.float32), (1, 0))
        shrunk = np.tensordot(shrunk, columns, (1, 1)).transpose(0, 2, 1)
        return np.clip(np.round(shrunk), 0, 255).astype(np.uint8)


def coverage(start: float, step: float, count: int, size: int) -> np.ndarray:
    """Share of each of `size` small pixels in each of `count` large ones of `step` small pixels: float32 count x size.

    Large pixel 0 begins at small pixel `start`. What is beyond the small pixels counts as 0.
    """
    begins = start + step * np.arange(count)[:, None]
    pixels = np.arange(size)[None, :]
    shared = np.minimum(begins + step, pixels + 1) - np.maximum(begins, pixels)
    return (np.clip(shared, 0, None) / step).astype(np.float32)


def fade(edge: int, overlap: int) -> np.ndarray:
    """Weights (float32) of the pixels along one side of a window; those of neighbours add up to one."""
    if not overlap:
        return np.ones(edge, np.float32)
    margin = overlap // 4
    rise = np.clip((np.arange(edge) + 0.5 - margin) / (overlap - 2 * margin), 0, 1)
    return np.minimum(rise, rise[::-1]).astype(np.float32)


def slide_over(
    raster: Raster,
    overview: Overview,
    region: np.ndarray,
    predict: Predict,
    classes: int,
    edge: int,
    overlap: int,
    batch: int,
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (first row, float32 classes x rows x width): probabilities on the overview's grid, from top to bottom.

    `region`: boolean mask of the overview; windows without any of it aren't read, and have probability 0 of every
    class. `predict`: uint8 N x edge x edge x 3 to float32 N x classes x edge x edge; it gets up to `batch` windows.
    Probabilities are means over the area of an overview pixel. Only the rows of one line of windows are in memory.
    """
    height, width = region.shape
    scale_x, scale_y = (scale / raster.step for scale in overview.scale)
    weights = fade(edge, overlap)
    weights = weights[:, None] * weights
    tops = window_starts(raster.size[1], edge, overlap)
    lefts = window_starts(raster.size[0], edge, overlap)
    carried = np.zeros((classes, 0, width), np.float32)
    for number, top in enumerate(tops):
        first, last = cells(top, edge, scale_y, height)
        band = np.zeros((classes, last - first, width), np.float32)
        band[:, : carried.shape[1]] += carried
        rows = coverage(first * scale_y - top, scale_y, last - first, edge)
        lefts_needed = [left for left in lefts if region[first:last, slice(*cells(left, edge, scale_x, width))].any()]
        for batch_lefts in (lefts_needed[i : i + batch] for i in range(0, len(lefts_needed), batch)):
            images = np.stack([raster.window(left, top, edge) for left in batch_lefts])
            for left, probabilities in zip(batch_lefts, predict(images), strict=True):
                begin, end = cells(left, edge, scale_x, width)
                columns = coverage(begin * scale_x - left, scale_x, end - begin, edge)
                band[:, :, begin:end] += rows @ (probabilities * weights) @ columns.T
        done = cells(tops[number + 1], edge, scale_y, height)[0] if number + 1 < len(tops) else height
        carried = band[:, done - first :]
        yield first, band[:, : done - first]


def window_starts(size: int, edge: int, overlap: int) -> list[int]:
    """First pixels of windows whose weights add up to one over `size` pixels; the outermost reach beyond them."""
    margin = overlap // 4
    return list(range(margin - overlap, max(1, size - margin), edge - overlap))


def cells(start: int, edge: int, scale: float, limit: int) -> tuple[int, int]:
    """First and one past the last overview pixel that a window touches along one side."""
    return min(limit, max(0, int(np.floor(start / scale)))), min(limit, int(np.ceil((start + edge) / scale)))
