"""Tiles of a TIFF one at a time: each is read and decoded when it is needed and kept while it may be needed again."""

from __future__ import annotations

import copy
import os
from collections import OrderedDict
from collections.abc import Callable

import cv2
import numpy as np

from .tile_decoders import tile_decoder

#: Decoded tiles kept for a slide. A row of twelve patches of 1024 px touches 47 to 59 MB of tiles (features/stream).
CACHE_BYTES = 64 << 20
#: A tile or strip that would be larger than this in memory is not decoded.
LARGEST_TILE = 512 << 20
WHITE = 255


class TileCache:
    """The decoded tiles used last, up to `limit` bytes; one cache serves all levels of a slide."""

    def __init__(self, limit: int = CACHE_BYTES):
        self.limit, self.held = limit, 0
        self.tiles: OrderedDict[tuple[int, int], np.ndarray] = OrderedDict()

    def get(self, key: tuple[int, int], make: Callable[[int], np.ndarray]) -> np.ndarray:
        """The tile `key` (level's id, index), made with `make(index)` if it is not held."""
        tile = self.tiles.get(key)
        if tile is not None:
            self.tiles.move_to_end(key)
            return tile
        tile = make(key[1])
        self.tiles[key] = tile
        self.held += tile.nbytes
        while self.held > self.limit and len(self.tiles) > 1:
            self.held -= self.tiles.popitem(last=False)[1].nbytes
        return tile


class TiffTiles:
    """The tiles of one page of a TIFF, or its strips, which are tiles as wide as the image.

    page: a tifffile page, whose file may be closed afterwards. descriptor: the file, open for reading. half: decode
    to half the size, by libjpeg's scaled inverse transform; only for JPEG tiles. Raises ValueError where the
    page is none that can be shown (tile_decoder) or a tile would be larger than LARGEST_TILE.
    """

    def __init__(self, page, descriptor: int, cache: TileCache, half: bool = False):
        shrink = 2 if half else 1
        tile_width = page.tilewidth if page.is_tiled else page.imagewidth
        tile_height = page.tilelength if page.is_tiled else min(page.rowsperstrip, page.imagelength)
        if not (page.imagewidth and page.imagelength and tile_width and tile_height):
            raise ValueError(f"image of {page.imagewidth} x {page.imagelength}, tiles of {tile_width} x {tile_height}")
        if (needed := tile_width * tile_height * 3) > LARGEST_TILE:
            raise ValueError(
                f"one tile of {tile_width} x {tile_height} pixels takes {needed >> 20} MB, more than "
                f"{LARGEST_TILE >> 20} MB: write the image again with tiles"
            )
        self.width, self.height = page.imagewidth // shrink, page.imagelength // shrink
        self.tile_width, self.tile_height = tile_width // shrink, tile_height // shrink
        self.columns, self.rows = -(-page.imagewidth // tile_width), -(-page.imagelength // tile_height)
        self.planes = page.samplesperpixel if page.planarconfig == 2 else 1
        self.offsets = np.asarray(page.dataoffsets, np.int64)
        self.counts = np.asarray(page.databytecounts, np.int64)
        if min(len(self.offsets), len(self.counts)) < self.columns * self.rows * self.planes:
            raise ValueError(f"{len(self.offsets)} tiles for {self.columns} x {self.rows} x {self.planes}")
        self.decode = tile_decoder(page, half)
        self.descriptor, self.cache, self.shrink = descriptor, cache, 1
        self.full: TiffTiles | None = None  # what `shrunk` copies shrink

    def shrunk(self, by: int) -> TiffTiles | None:
        """The same page with pixels that are means of `by` x `by`, white beyond its edge counted in.

        Each tile is shrunk once, when it is decoded, and takes that much less of the cache. None where such cells
        don't end with the tiles.
        """
        if self.tile_width % by or self.tile_height % by:
            return None
        tiles = copy.copy(self)
        tiles.full, tiles.shrink = self, by
        tiles.width, tiles.height = -(-self.width // by), -(-self.height // by)
        tiles.tile_width, tiles.tile_height = self.tile_width // by, self.tile_height // by
        return tiles

    @property
    def has_absent(self) -> bool:
        """True if a tile of the page was never written."""
        return bool((self.counts[: self.columns * self.rows] == 0).any())

    def tile(self, column: int, row: int) -> np.ndarray | None:
        """RGB uint8 of a tile, up to tile_height x tile_width x 3 (less for a last strip); None if it is absent.

        Raises OSError or ValueError where its bytes are missing or damaged.
        """
        index = row * self.columns + column
        return None if self.counts[index] == 0 else self.cache.get((id(self), index), self._make)

    def region(
        self, x: int, y: int, width: int, height: int, out: np.ndarray | None = None, background: int = WHITE
    ) -> np.ndarray:
        """RGB uint8 height x width x 3 at pixel (x, y) of this page; `background` beyond it and where a tile is absent.

        It is written to `out` if given.
        """
        out = np.empty((height, width, 3), np.uint8) if out is None else out
        left, top = max(x, 0), max(y, 0)
        right, bottom = min(x + width, self.width), min(y + height, self.height)
        if (right - left, bottom - top) != (width, height):
            out[:] = background
        if right <= left or bottom <= top:
            return out
        for row in range(top // self.tile_height, -(-bottom // self.tile_height)):
            for column in range(left // self.tile_width, -(-right // self.tile_width)):
                tile_x, tile_y = column * self.tile_width, row * self.tile_height
                x0, x1 = max(left, tile_x), min(right, tile_x + self.tile_width)
                y0, y1 = max(top, tile_y), min(bottom, tile_y + self.tile_height)
                tile = self.tile(column, row)
                part = background if tile is None else tile[y0 - tile_y : y1 - tile_y, x0 - tile_x : x1 - tile_x]
                out[y0 - y : y1 - y, x0 - x : x1 - x] = part
        return out

    def _make(self, index: int) -> np.ndarray:
        step = self.columns * self.rows  # of planes stored one after the other
        pixels = self.decode({i: self._read(i) for i in range(index, index + step * self.planes, step)})
        return pixels if self.shrink == 1 else self._means(pixels, index)

    def _means(self, pixels: np.ndarray, index: int) -> np.ndarray:
        """A decoded tile shrunk by area, after the part beyond the page's edge is made white."""
        row, column = divmod(index, self.columns)
        width, height = self.tile_width * self.shrink, self.tile_height * self.shrink
        assert self.full is not None  # shrunk sets both
        inside = self.full.height - row * height, self.full.width - column * width
        if inside[0] < height or inside[1] < width or pixels.shape[:2] != (height, width):
            padded = np.full((height, width, 3), WHITE, np.uint8)
            part = pixels[: inside[0], : inside[1]]
            padded[: part.shape[0], : part.shape[1]] = part
            pixels = padded
        return cv2.resize(pixels, (self.tile_width, self.tile_height), interpolation=cv2.INTER_AREA)

    def _read(self, index: int) -> bytes:
        offset, count = int(self.offsets[index]), int(self.counts[index])
        if not 0 < count <= LARGEST_TILE or offset < 0:
            raise ValueError(f"tile {index} is said to have {count} bytes at byte {offset}")
        data = os.pread(self.descriptor, count, offset)
        if len(data) != count:
            raise OSError(f"tile {index} has {count} bytes at byte {offset}, the file ends after {len(data)} of them")
        return data
