"""Pixels on a white ground: of pictures with transparency, and of windows that reach beyond a picture."""

from __future__ import annotations

import numpy as np


def on_white(pixels: np.ndarray) -> np.ndarray:
    """RGBA uint8 H x W x 4 over white: RGB uint8 H x W x 3."""
    alpha = pixels[..., 3:]
    if (alpha == 255).all():
        return np.ascontiguousarray(pixels[..., :3])
    return np.where(alpha == 0, 255, pixels[..., :3]).astype(np.uint8)


def cut(pixels: np.ndarray, x: int, y: int, width: int, height: int) -> np.ndarray:
    """A window of an array, white where it reaches beyond."""
    out = np.full((height, width, 3), 255, np.uint8)
    left, top = max(x, 0), max(y, 0)
    part = pixels[top : max(y + height, 0), left : max(x + width, 0), :3]
    out[top - y : top - y + part.shape[0], left - x : left - x + part.shape[1]] = part
    return out
