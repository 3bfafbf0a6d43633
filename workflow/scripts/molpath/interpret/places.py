"""Positions of patches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Places:
    """Positions of patches. coords: int64 N x 2, level-0 pixels of the top left corner; edge: of a patch, same unit."""

    coords: np.ndarray
    edge: int
