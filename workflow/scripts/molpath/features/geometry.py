"""Geometry for reading patches: the slide's levels, and the size of a patch in pixels of the grid and of level 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..tiles.grid import TRIDENT, nominal_ratio


class Slide(Protocol):
    """Interface of a slide: the part of `slides.readers` used here."""

    levels: list[tuple[int, int, float]]

    def region(self, x: int, y: int, level: int, width: int, height: int) -> np.ndarray:
        """RGB uint8 height x width x 3 of `level`, its top-left corner at level-0 pixel (x, y)."""


@dataclass(frozen=True)
class Geometry:
    """Edge of a patch in pixels of the grid and in level-0 pixels; micrometres per pixel of the grid.

    nominal: level-0 pixels to one of the grid by nominal magnifications, where patches are read as TRIDENT reads them;
    0 everywhere else.
    """

    size: int
    size_level0: int
    mpp: float = 0.5
    nominal: float = 0.0

    @property
    def downsample(self) -> float:
        """Level-0 pixels to one pixel of the grid."""
        return self.size_level0 / self.size


def geometry_of(attributes: Mapping[str, Any]) -> Geometry:
    """The geometry given by the attributes of the coordinates."""
    size, target = int(attributes["patch_size"]), float(attributes["target_magnification"])
    if attributes.get("like") != TRIDENT:
        return Geometry(size, int(attributes["patch_size_level0"]), 10 / target)
    nominal = nominal_ratio(float(attributes["level0_magnification"]), target)
    return Geometry(size, round(size * nominal), 10 / target, nominal)
