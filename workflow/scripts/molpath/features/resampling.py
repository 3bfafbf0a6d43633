"""Patches brought to the size of the grid by any factor, as OpenCV does it, in a fraction of its time.

OpenCV shrinks by area with vector instructions only where the factor is a whole number. Slides seldom are: 0.2527
micrometres per pixel make 1013 pixels of a patch of 512. For factors up to 3 the same sums are therefore compiled by
numba: first down the columns, where they fill vectors, then along what is left of the rows. Values differ from OpenCV's
by rounding alone, one grey level in some of a million pixels.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import cv2
import numpy as np

#: Pixels in a row that a mean takes from, at most: enough for factors up to 3.
TAPS = 4


def resample(pixels: np.ndarray, out: np.ndarray) -> None:
    """Fill `out` (uint8 h x w x 3) with `pixels` (uint8 H x W x 3): by area if they are larger, cubic if smaller."""
    height, width = out.shape[:2]
    if pixels.shape[0] <= height:
        cv2.resize(np.ascontiguousarray(pixels), (width, height), dst=out, interpolation=cv2.INTER_CUBIC)
        return
    factors = pixels.shape[0] / height, pixels.shape[1] / width
    is_fractional = (
        max(factors) <= TAPS - 1 and not all(map(float.is_integer, factors)) and min(pixels.shape[:2]) >= TAPS
    )
    if is_fractional and out.flags.c_contiguous:
        flat = np.ascontiguousarray(pixels).reshape(len(pixels), -1)
        _compiled()(
            flat, *area_taps(pixels.shape[0], height), *area_taps(pixels.shape[1], width), out.reshape(height, -1)
        )
    else:
        cv2.resize(np.ascontiguousarray(pixels), (width, height), dst=out, interpolation=cv2.INTER_AREA)


@functools.lru_cache(maxsize=16)
def area_taps(size: int, target: int) -> tuple[np.ndarray, np.ndarray]:
    """Means over `size` / `target` pixels each (up to 3): first pixel (int64 target), weights (float32 target x TAPS).

    An output pixel's weights are the shares of pixels that it covers, the first and last of which are mostly partial.
    """
    edges = np.arange(target + 1, dtype=np.int64) * size  # in units of 1 / target pixels, where all is whole
    first = np.minimum(edges[:-1] // target, size - TAPS)
    starts = (first[:, None] + np.arange(TAPS)) * target
    covered = np.minimum(starts + target, edges[1:, None]) - np.maximum(starts, edges[:-1, None])
    return first, (np.maximum(covered, 0) / size).astype(np.float32)


@functools.cache
def _compiled() -> Callable:
    """The compiled sums. What is compiled is kept beside this file or in the user's cache."""
    import numba  # half a second, which jobs that shrink nothing don't need

    try:
        return numba.njit(cache=True)(_means)
    except RuntimeError:  # no folder can be written to
        return numba.njit(_means)


def _means(pixels, row_starts, weights_down, column_starts, weights_across, out):  # pragma: no cover (compiled)
    """Means of `pixels` (uint8 H x 3W), rounded, to `out` (uint8 h x 3w): down the columns, then along each row.

    Written out for TAPS pixels, because a loop over them takes twice the time.
    """
    column = np.empty(pixels.shape[1], np.float32)
    row = np.empty(out.shape[1], np.float32)
    for y in range(len(out)):
        top = row_starts[y]
        a, b, c, d = weights_down[y, 0], weights_down[y, 1], weights_down[y, 2], weights_down[y, 3]
        first, second, third, fourth = pixels[top], pixels[top + 1], pixels[top + 2], pixels[top + 3]
        for x in range(len(column)):
            column[x] = (a * np.float32(first[x]) + b * np.float32(second[x])) + (
                c * np.float32(third[x]) + d * np.float32(fourth[x])
            )
        for x in range(len(column_starts)):
            source, target = 3 * column_starts[x], 3 * x
            a, b, c, d = weights_across[x, 0], weights_across[x, 1], weights_across[x, 2], weights_across[x, 3]
            row[target] = a * column[source] + b * column[source + 3] + c * column[source + 6] + d * column[source + 9]
            row[target + 1] = (
                a * column[source + 1] + b * column[source + 4] + c * column[source + 7] + d * column[source + 10]
            )
            row[target + 2] = (
                a * column[source + 2] + b * column[source + 5] + c * column[source + 8] + d * column[source + 11]
            )
        for x in range(len(row)):
            out[y, x] = np.uint8(row[x] + np.float32(0.5))
