"""Slides through OpenSlide, with a check for damaged tiles."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from .damage import as_damage
from .pixels import on_white
from .tile_signs import TileSigns

#: What OpenSlide calls those TIFFs whose levels have one page of tiles each.
TIFF_VENDORS = {"aperio", "generic-tiff", "philips", "leica", "trestle", "ventana", "huron", "argos"}


class OpenSlideReader:
    """A slide that OpenSlide opens. Label and macro images are named, never read."""

    name = "openslide"

    def __init__(self, path: str):
        import openslide

        self.path = path
        self._slide = openslide.OpenSlide(path)
        sizes = zip(self._slide.level_dimensions, self._slide.level_downsamples, strict=True)
        self.levels = [(width, height, float(downsample)) for (width, height), downsample in sizes]
        self.properties: Mapping[str, str] = dict(self._slide.properties)
        self.vendor = self.properties.get("openslide.vendor", "")
        self._may_be_tiff = self.vendor in TIFF_VENDORS
        self.associated = sorted(self._slide.associated_images)
        self.notes: list[str] = []

    def region(self, x: int, y: int, level: int, width: int, height: int) -> np.ndarray:
        """RGB uint8 height x width x 3 of `level`; (x, y) is the top-left corner in level-0 pixels.

        What is outside the slide, or was never scanned, is white.
        """
        return on_white(self.rgba(x, y, level, width, height))

    def rgba(self, x: int, y: int, level: int, width: int, height: int) -> np.ndarray:
        """The same with alpha (uint8 height x width x 4): 0 outside the slide and where it was never scanned.

        Raises DamagedTile where bytes of a tile are damaged, OSError where the storage fails twice.
        """
        import openslide

        if self.signs:
            self.signs.check(x, y, level, width, height)
        place = (int(x), int(y)), level, (int(width), int(height))
        try:
            return np.asarray(self._slide.read_region(*place))
        except openslide.OpenSlideError:
            self._open_again()
        try:
            return np.asarray(self._slide.read_region(*place))
        except openslide.OpenSlideError as error:
            self._open_again()
            raise as_damage(error) from error

    def _open_again(self) -> None:
        """A handle that failed once keeps failing."""
        import openslide

        self._slide.close()
        self._slide = openslide.OpenSlide(self.path)

    @cached_property
    def signs(self) -> TileSigns | None:
        """Detects damage that OpenSlide ignores, in TIFFs whose levels are made of tiles."""
        try:
            return TileSigns(self.path, self.levels) if self._may_be_tiff else None
        except (ValueError, OSError):
            return None

    def close(self) -> None:
        """Close the file."""
        self._slide.close()
