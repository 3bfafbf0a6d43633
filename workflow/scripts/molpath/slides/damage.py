"""Tiles that can't be decoded: what counts as such, and a slide that shows the rest."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np

from ..common.contained import is_out_of_memory
from ..common.storage_errors import storage_error

#: Pixels of a level along a piece that is given up as a whole, and how much finer a level may be that replaces it.
PIECE, FINEST = 64, 32
WHITE = 255


class DamagedTile(ValueError):
    """The stored bytes of a tile are damaged."""


def is_damage(error: Exception) -> bool:
    """True for an error that damaged bytes of a slide raise in one of the decoders; False for storage and memory."""
    if is_out_of_memory(error) or (isinstance(error, OSError) and error.errno):
        return False
    return isinstance(error, ValueError | RuntimeError | OSError | EOFError | struct.error | zlib.error)


def as_damage(error: Exception) -> Exception:
    """What OpenSlide's error is: DamagedTile, or an OSError where it names a failure of storage, which is no fault of
    the slide: its patches must not be dropped for it."""
    message = str(error)
    number = storage_error(message)
    return OSError(number, message) if number else DamagedTile(message)


class Forgiving:
    """A slide whose damaged places come from a finer level, or are white; `lost` has the boxes of these (level-0 pixels
    left, top, right, bottom).

    It has what the slide (one of slides.readers) has. A region is halved until its damaged part is PIECE pixels wide.
    """

    def __init__(self, slide: Any):
        self.slide = slide
        self.lost: set[tuple[float, float, float, float]] = set()
        self.last_error: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.slide, name)

    @property
    def lost_fraction(self) -> float:
        """Share of the slide that was white in some region because it is damaged."""
        import shapely

        width, height, _ = self.slide.levels[0]
        lost_area = shapely.union_all([shapely.box(*box) for box in sorted(self.lost)])
        return float(shapely.area(shapely.intersection(lost_area, shapely.box(0, 0, width, height))) / (width * height))

    def region(self, x: int, y: int, level: int, width: int, height: int) -> np.ndarray:
        """As the slide's."""
        try:
            return self.slide.region(x, y, level, width, height)
        except Exception as error:
            if not is_damage(error):
                raise
            self.last_error = error
        if max(width, height) <= PIECE:
            return self._instead(x, y, level, width, height)
        downsample = self.slide.levels[level][2]
        out = np.empty((height, width, 3), np.uint8)
        across, down = _halves(width), _halves(height)
        for top, rows in down:
            for left, columns in across:
                corner = round(x + left * downsample), round(y + top * downsample)
                out[top : top + rows, left : left + columns] = self.region(*corner, level, columns, rows)
        return out

    def _instead(self, x: int, y: int, level: int, width: int, height: int) -> np.ndarray:
        """The piece from the next finer level that shows it, shrunk by area; white where none does."""
        import cv2

        downsample = self.slide.levels[level][2]
        finer = sorted(
            (i for i, level_facts in enumerate(self.slide.levels) if level_facts[2] < downsample), reverse=True
        )
        for finer_level in finer:
            ratio = downsample / self.slide.levels[finer_level][2]
            if ratio > FINEST:
                break
            try:
                pixels = self.slide.region(x, y, finer_level, round(width * ratio), round(height * ratio))
            except Exception as error:
                if not is_damage(error):
                    raise
                continue
            return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
        self.lost.add((x, y, x + width * downsample, y + height * downsample))
        return np.full((height, width, 3), WHITE, np.uint8)


def _halves(length: int) -> list[tuple[int, int]]:
    """Begin and length of both halves of a side, of a short one the whole."""
    half = -(-length // 2)
    return [(0, length)] if length <= PIECE else [(0, half), (half, length - half)]
