"""A plain picture as a slide."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .pixels import cut, on_white
from .tiff_tiles import LARGEST_TILE

IMAGE_MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"}


class ImageReader:
    """A PNG or JPEG as a slide of one level; its mpp comes from the sheet."""

    name = "image"

    def __init__(self, path: str):
        from PIL import Image

        Image.MAX_IMAGE_PIXELS = None  # judged below, by what it takes in memory
        self.path = path
        with Image.open(path) as image:
            width, height = image.size
            if (needed := width * height * 3) > LARGEST_TILE:
                limit = f"{LARGEST_TILE >> 20} MB: write it as a tiled TIFF"
                raise ValueError(f"{width} x {height} pixels take {needed >> 20} MB in memory, more than {limit}")
            if image.mode not in IMAGE_MODES:
                raise ValueError(f"pixels of type {image.mode}, not 8-bit RGB or grey")
            transparent = image.has_transparency_data
            self._pixels = (
                on_white(np.asarray(image.convert("RGBA"))) if transparent else np.asarray(image.convert("RGB"))
            )
        self.levels = [(width, height, 1.0)]
        self.properties: Mapping[str, str] = {}
        self.vendor = "image"
        self.associated: list[str] = []
        self.notes: list[str] = []

    def region(self, x: int, y: int, level: int, width: int, height: int) -> np.ndarray:
        """As OpenSlideReader.region, of the one level there is."""
        return cut(self._pixels, int(x), int(y), width, height)

    def close(self) -> None:
        """Nothing to close: the pixels are in memory."""
