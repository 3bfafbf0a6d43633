"""Read patches despite damaged tiles: the affected patches are marked, the others are read as usual."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..slides.damage import is_damage
from . import trident_pixels
from .geometry import Geometry, Slide
from .patches import read_patches

WHITE = 255


@dataclass
class Reading:
    """Of N patches: their focus (float32 N), which could not be read (bool N), and how many OpenSlide had to read
    where another reader of tiles would have been faster."""

    focus: np.ndarray
    damaged: np.ndarray
    through_openslide: int = 0


def read_what_can_be_read(slide: Slide, coords: np.ndarray, geometry: Geometry, out: np.ndarray) -> Reading:
    """Like read_patches; a patch that can't be read because of a damaged tile is white in `out`, and marked."""
    slow = trident_pixels.count_openslide(slide, coords, geometry) if geometry.nominal else 0
    damaged = np.zeros(len(coords), bool)
    try:
        return Reading(read_patches(slide, coords, geometry, out), damaged, slow)
    except Exception as error:
        if not is_damage(error):
            raise
    focus = np.zeros(len(coords), np.float32)
    for index in range(len(coords)):
        single = slice(index, index + 1)
        try:
            focus[single] = read_patches(slide, coords[single], geometry, out[single])
        except Exception as error:
            if not is_damage(error):
                raise
            damaged[index], out[index] = True, WHITE
    return Reading(focus, damaged, slow)
