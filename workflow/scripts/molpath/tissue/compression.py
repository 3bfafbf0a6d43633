"""Damage by compression: with which quality the pixels were once stored as JPEG, seen in the pixels themselves.

A file's own tables show only how it was stored last. Coefficients of JPEG's 8 x 8 blocks stay near multiples of the
steps they were rounded to, whatever is done with the pixels later, as long as the blocks are not moved.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

#: Some low frequencies (row, column) and their step at quality 50 (Annex K of the JPEG standard, as libjpeg has it).
STEPS = {(0, 1): 11, (1, 0): 12, (1, 1): 12, (0, 2): 10, (2, 0): 14, (1, 2): 14, (2, 1): 13}
#: Qualities that are looked for; above, steps are too small to distinguish from noise, and harmless.
QUALITIES = np.arange(4, 51)
#: Edge of the windows looked at, and the fewest coefficients for a result.
EDGE, LEAST = 128, 100


def cosines() -> np.ndarray:
    """The patterns of STEPS (float32 64 x frequencies), orthonormal."""
    angles = (2 * np.arange(8) + 1) * np.pi / 16
    waves = [np.cos(k * angles) * np.sqrt((1 if k == 0 else 2) / 8) for k in range(8)]
    return np.stack([np.outer(waves[v], waves[u]).ravel() for v, u in STEPS], axis=1).astype(np.float32)


def coefficients(plane: np.ndarray) -> np.ndarray:
    """Coefficients (float32 blocks x frequencies) of the 8 x 8 blocks of a plane of grey levels."""
    rows, columns = plane.shape[0] // 8, plane.shape[1] // 8
    blocks = plane[: rows * 8, : columns * 8].reshape(rows, 8, columns, 8).swapaxes(1, 2).reshape(-1, 64)
    return blocks.astype(np.float32) @ cosines()


def steps_of(quality: int) -> np.ndarray:
    """Steps of STEPS at a quality of libjpeg (1 to 100)."""
    scale = 5000 / quality if quality < 50 else 200 - 2 * quality
    return np.maximum(1, np.floor((np.array(list(STEPS.values())) * scale + 50) / 100))


def quality_of(values: np.ndarray, coherent: float = 0.6) -> float:
    """Quality (libjpeg's, 4 to 50) whose steps coefficients (float blocks x frequencies) keep to; 100 if none.

    For each quality: how near coefficients are to multiples of its steps (mean cosine of the phase; 1: on them), of
    those that are not rounded to nothing.
    """
    best, score = 100.0, coherent
    for quality in QUALITIES:
        parts = values / steps_of(int(quality))
        large_parts = parts[np.abs(parts) > 0.5]
        if large_parts.size >= LEAST:
            closeness = float(np.cos(2 * np.pi * large_parts).mean())
            if closeness > score:
                best, score = float(quality), closeness
    return best


def jpeg_quality(windows: Sequence[np.ndarray]) -> float:
    """The lower quality seen in brightness or in green of windows (RGB uint8 tiles of level 0); NaN without any.

    Scanners store either brightness and colour, or red, green and blue each on its own.
    """
    if not windows:
        return float("nan")
    grey, green = [], []
    for window in (whole[:EDGE, :EDGE] for whole in windows):
        grey.append(coefficients(cv2.cvtColor(window, cv2.COLOR_RGB2GRAY)))
        green.append(coefficients(window[..., 1]))
    return min(quality_of(np.concatenate(grey)), quality_of(np.concatenate(green)))
