"""Where patches lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Places:
    """Where patches lie. coords: int64 N x 2, level-0 pixels of the top left corner; edge: of a patch, in the same."""

    coords: np.ndarray
    edge: int
