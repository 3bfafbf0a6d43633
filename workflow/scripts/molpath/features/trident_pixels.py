"""Patches as TRIDENT reads them: its choice of level, black beyond the slide's edge, Pillow's bicubic resampling.

Source: what TRIDENT 0.3 does (mahmoodlab/TRIDENT, `WSIPatcher`, `OpenSlideWSI`), described here and written without
its code: OpenSlide's region in the four channels it gives, of which the fourth is left out, then Pillow's `resize` with
its default filter.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from ..slides.openslide_reader import OpenSlideReader
from ..slides.readers import JpegTilesReader, TiffReader
from .geometry import Geometry, Slide

#: Largest difference from the requested downsample at which a level is used as it is, in level-0 pixels per pixel.
TOLERANCE = 0.1
BLACK = 0


def level_and_edge(levels: list[tuple[int, int, float]], geometry: Geometry) -> tuple[int, int]:
    """The level that TRIDENT reads, and the edge in its pixels of the square that it reads there.

    The first level within TOLERANCE, else the coarsest that is fine enough, else the finest. The edge is that of
    level 0 by the level's downsample without its decimals: of a level of 3.9998, a third and not a quarter.
    """
    close = [i for i, level in enumerate(levels) if abs(level[2] - geometry.nominal) <= TOLERANCE]
    finer = [i for i, level in enumerate(levels) if level[2] <= geometry.nominal]
    level = close[0] if close else max(finer, default=0)
    return level, round(geometry.size_level0 / int(levels[level][2]))


def read_patch(slide: Slide, x: int, y: int, geometry: Geometry, out: np.ndarray) -> None:
    """Fill `out` (uint8 size x size x 3, RGB) with the patch at level-0 pixel (x, y)."""
    slide = as_trident_opens(slide)
    level, edge = level_and_edge(slide.levels, geometry)
    pixels = Image.fromarray(region(slide, x, y, level, edge))
    out[:] = np.asarray(pixels.resize(out.shape[1::-1], Image.Resampling.BICUBIC))


def as_trident_opens(slide: Slide) -> Slide:
    """The slide through OpenSlide if OpenSlide opens it and sees fewer levels than our reader."""
    return (slide.beside or slide) if isinstance(slide, TiffReader) else slide


def region(slide: Slide, x: int, y: int, level: int, edge: int) -> np.ndarray:
    """RGB uint8 edge x edge x 3 of `level` as OpenSlide gives it without its alpha: black where there is nothing.

    What other readers open is read as it is elsewhere, and black beyond its edge and where a tile was never written.
    """
    if needs_openslide(slide, x, y, level):
        slide = slide.beside  # type: ignore[attr-defined]
    if isinstance(slide, OpenSlideReader):
        return np.ascontiguousarray(slide.rgba(x, y, level, edge, edge)[..., :3])
    if isinstance(slide, JpegTilesReader | TiffReader):
        return slide.region(x, y, level, edge, edge, background=BLACK)
    width, height, downsample = slide.levels[level]
    pixels = slide.region(x, y, level, edge, edge)
    pixels[:, max(0, width - round(x / downsample)) :] = BLACK
    pixels[max(0, height - round(y / downsample)) :] = BLACK
    return pixels


def needs_openslide(slide: Slide, x: int, y: int, level: int) -> bool:
    """True where our decoder of tiles would not give OpenSlide's pixels: between pixels of a lower level."""
    return isinstance(slide, JpegTilesReader) and not slide.is_exact(x, y, level)


def count_openslide(slide: Slide, coords: np.ndarray, geometry: Geometry) -> int:
    """How many patches at `coords` (int N x 2) of a slide opened by another reader OpenSlide has to read."""
    if as_trident_opens(slide) is not slide:
        return len(coords)
    level, _ = level_and_edge(slide.levels, geometry)
    return sum(needs_openslide(slide, x, y, level) for x, y in coords.tolist())
