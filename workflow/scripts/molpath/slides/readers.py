"""One small interface to slides: OpenSlide first, tifffile for files it rejects, plain images as one level.

JPEG tiles of TIFF and SVS are decoded here, each once, where that gives the same pixels as OpenSlide.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from ..common.slide_parts import REMEDIES, NoSlideHere, entry_of
from .damage import is_damage
from .dicom_frames import pages_of_series
from .image_reader import ImageReader
from .openslide_reader import OpenSlideReader
from .tiff_pages import holds_more, largest_pyramid, pages_of_levels, tiff_properties
from .tiff_planes import NotOnePicture
from .tiff_tiles import WHITE, TiffTiles, TileCache
from .tile_decoders import is_jpeg2000_rgb, is_jpeg_tiled

log = logging.getLogger(__name__)

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg"}
#: What OpenSlide calls the layouts whose JPEG tiles are decoded here.
DICOM = "dicom"
FAST_VENDORS = {"aperio", "generic-tiff", DICOM}
#: Grey values by which a smaller copy of a level may differ from it, on average over 8 x 8 cells of a place.
MOST_DIFFERENCE = 8


class UnreadableSlide(Exception):
    """No reader opens the file; the message says what each of them found."""


class _TiledReader:
    """What JpegTilesReader and TiffReader share: a list of levels made of tiles.

    With `half_scale` a level at twice the pixel size, decoded straight to it from level 0, is appended to `levels`
    where level 0 is made of JPEG tiles and no stored level is that fine. It is an approximation (features/patches).
    """

    levels: list[tuple[int, int, float]]

    def _open_tiles(self, path: str, pages: list, half_scale: bool) -> None:
        paths = [getattr(page, "path", path) for page in pages]  # levels of DICOM are files of their own
        # Closed by close, or with the reader.
        self._files = {part: open(part, "rb", buffering=0) for part in dict.fromkeys(paths)}  # noqa: SIM115
        files = [self._files[part].fileno() for part in paths]
        cache = TileCache()
        self._shrunk: dict[tuple[int, int], TiffTiles | None] = {}
        self._tiles = [TiffTiles(page, file, cache) for page, file in zip(pages, files, strict=True)]
        if half_scale and is_jpeg_tiled(pages[0]) and not any(1.5 < level[2] < 2.02 for level in self.levels):
            half = TiffTiles(pages[0], files[0], cache, half=True)
            self._tiles.append(half)
            self.levels.append((half.width, half.height, 2.0))

    def region(self, x: int, y: int, level: int, width: int, height: int, background: int = WHITE) -> np.ndarray:
        """As OpenSlideReader.region, at the nearest whole pixel of `level`; `background` where there is nothing."""
        left, top = (round(place / self.levels[level][2]) for place in (x, y))
        return self._tiles[level].region(left, top, int(width), int(height), background=background)

    def shrunk_region(self, x: int, y: int, level: int, by: int, out: np.ndarray) -> None:
        """Fill `out` (RGB uint8 height x width x 3) with the region `by` times as large, shrunk by area.

        The values are those of shrinking what `region` gives, but tiles are shrunk, each once, if the region begins
        where cells of by x by pixels do.
        """
        if (level, by) not in self._shrunk:
            self._shrunk[level, by] = self._tiles[level].shrunk(by)
        tiles, downsample = self._shrunk[level, by], self.levels[level][2]
        left, top = round(x / downsample), round(y / downsample)
        height, width = out.shape[:2]
        if tiles is None or left % by or top % by:
            pixels = self._tiles[level].region(left, top, width * by, height * by)
            cv2.resize(pixels, (width, height), dst=out, interpolation=cv2.INTER_AREA)
        else:
            tiles.region(left // by, top // by, width, height, out)

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()


class JpegTilesReader(_TiledReader):
    """The fast path: SVS, TIFF or DICOM of JPEG tiles that OpenSlide opens, each decoded once.

    libjpeg-turbo decodes JPEG, OpenJPEG the RGB tiles of Aperio's JPEG 2000.

    Levels, properties and vendor are OpenSlide's; pixels are equal to its at level 0, and at any position of other
    levels that is a whole pixel there. Raises ValueError where anything is unusual, a tile that doesn't come out as
    OpenSlide shows it included: such a slide stays with OpenSlide.
    """

    name = "jpeg_tiles"

    def __init__(self, opened: OpenSlideReader, half_scale: bool = False):
        import tifffile

        self.path, self.vendor = opened.path, opened.vendor
        self.levels, self.properties, self.associated = [*opened.levels], opened.properties, opened.associated
        self.notes: list[str] = []
        if opened.vendor == DICOM:
            self._open_tiles(opened.path, pages_of_series(opened.path, opened.levels), half_scale)
        else:
            with tifffile.TiffFile(opened.path) as file:
                pages = pages_of_levels(file, opened.levels)
                if not all(is_jpeg_tiled(page) or is_jpeg2000_rgb(page) for page in pages):
                    raise ValueError("not all levels are 8-bit JPEG or JPEG 2000 tiles")
                self._open_tiles(opened.path, pages, half_scale)
        self._compare(opened)
        self._has_absent = [tiles.has_absent for tiles in self._tiles]

    @cached_property
    def beside(self) -> OpenSlideReader:
        """The same file through OpenSlide."""
        return OpenSlideReader(self.path)

    def is_exact(self, x: int, y: int, level: int) -> bool:
        """True if a region at level-0 pixel (x, y) is OpenSlide's to the byte: not where it is between pixels of
        `level`, nor where tiles that were never written would differ from white ones."""
        downsample = self.levels[level][2]
        return not (self._has_absent[level] or x / downsample % 1 or y / downsample % 1)

    def close(self) -> None:
        """Close the file."""
        super().close()
        if "beside" in vars(self):
            self.beside.close()

    def _compare(self, opened: OpenSlideReader) -> None:
        """One tile of each level against OpenSlide: in the middle of level 0, at the origin of others."""
        for level, tiles in enumerate(self._tiles[: len(opened.levels)]):
            if tiles.has_absent and self.vendor == "aperio":
                raise ValueError(f"level {level} lacks tiles; OpenSlide then makes up what lower levels show there")
            size = min(tiles.tile_width, tiles.width), min(tiles.tile_height, tiles.height)
            places = (
                [(0, 0)] if level else [(tiles.columns // 2, tiles.rows // 2), (tiles.columns // 4, tiles.rows // 4)]
            )
            for number, (column, row) in enumerate(places):
                place = column * tiles.tile_width, row * tiles.tile_height, level
                try:
                    pixels = self.region(*place, *size), opened.region(*place, *size)
                except Exception as error:
                    if number + 1 < len(places) and is_damage(error):
                        continue  # a damaged tile says nothing about the others
                    raise
                if not np.array_equal(*pixels):
                    raise ValueError(f"tile {column}, {row} of level {level} differs from what OpenSlide shows")
                break


class TiffReader(_TiledReader):
    """A plain or OME pyramidal TIFF (8-bit RGB or grey), in tiles or strips of any compression tifffile reads."""

    name = "tifffile"

    def __init__(self, path: str, half_scale: bool = False):
        import tifffile

        self.path = path
        self.associated: list[str] = []
        with tifffile.TiffFile(path) as file:
            pyramid = largest_pyramid(file, path)
            pages, self.notes = pyramid.pages, pyramid.notes
            width = pages[0].imagewidth
            self.levels = [(page.imagewidth, page.imagelength, width / page.imagewidth) for page in pages]
            self.properties: Mapping[str, str] = tiff_properties(file, pages[0])
            self.vendor = "ome" if file.is_ome else "tiff"
            self._open_tiles(path, pages, False)
            if pyramid.unsure:
                unlike = (level for level in range(1, len(pages)) if not self._shows_the_same(level))
                last = next(unlike, len(pages))
                self.levels, pages = self.levels[:last], pages[:last]
            self.close()
            self._open_tiles(path, pages, half_scale)

    @cached_property
    def beside(self) -> OpenSlideReader | None:
        """The same picture through OpenSlide, which may show less of it (no levels in sub-IFDs, none without a flag);
        None where it doesn't open the file, shows an image of another size, or planes had to be chosen."""
        if self.notes:
            return None
        try:
            opened = OpenSlideReader(self.path)
        except Exception:  # it has its own error types
            return None
        if opened.levels[0][:2] == self.levels[0][:2]:
            return opened
        opened.close()
        return None

    def close(self) -> None:
        """Close the file."""
        super().close()
        if opened := vars(self).get("beside"):
            opened.close()

    def _shows_the_same(self, level: int) -> bool:
        """True if `level` looks like the level before it, shrunk, at five places."""
        width, height, downsample = self.levels[level]
        by = max(1, round(downsample / self.levels[level - 1][2]))
        edge = min(width, height, 64)
        for across, down in ((0.1, 0.1), (0.9, 0.1), (0.5, 0.5), (0.1, 0.9), (0.9, 0.9)):
            x, y = int((width - edge) * across), int((height - edge) * down)
            place = round(x * downsample), round(y * downsample)
            try:
                finer = self.region(*place, level - 1, edge * by, edge * by)
                this_level = self.region(*place, level, edge, edge)
            except Exception as error:
                if is_damage(error):
                    continue  # a damaged tile says nothing about the others
                raise
            cells = [
                cv2.resize(pixels, (8, 8), interpolation=cv2.INTER_AREA).astype(float) for pixels in (finer, this_level)
            ]
            if np.abs(cells[0] - cells[1]).mean() > MOST_DIFFERENCE:
                return False
        return True


Reader = OpenSlideReader | JpegTilesReader | TiffReader | ImageReader


def open_slide(path: str | Path, half_scale: bool = False) -> Reader:
    """Open a slide with the first reader that takes it. Raises UnreadableSlide with what each reader said.

    half_scale: offer the approximate level at half the size where it can be made; for features only.
    """
    try:
        path = entry_of(path)
    except NoSlideHere as error:
        raise UnreadableSlide(str(error)) from error
    attempts: dict[str, Callable[[], Reader]]
    if Path(path).suffix.lower() in IMAGE_SUFFIXES:
        attempts = {ImageReader.name: lambda: ImageReader(path)}
    else:
        attempts = {
            OpenSlideReader.name: lambda: _fastest(OpenSlideReader(path), half_scale),
            TiffReader.name: lambda: TiffReader(path, half_scale),
        }
    messages = []
    for name, attempt in attempts.items():
        try:
            return attempt()
        except MemoryError:  # not to be confused with files that are no slides
            raise
        except NotOnePicture as error:  # another reader would only hide it
            raise UnreadableSlide(str(error)) from error
        except Exception as error:  # every library has its own error types
            messages.append(f"{name}: {error}")
    messages += filter(None, [REMEDIES.get(Path(path).suffix.lower())])
    raise UnreadableSlide("; ".join(messages))


def _fastest(opened: OpenSlideReader, half_scale: bool) -> Reader:
    """The reader to use for a slide that OpenSlide opens; closes `opened` if that is another one."""
    if opened.vendor not in FAST_VENDORS:
        return opened
    reader: Reader
    try:
        use_tiff = opened.vendor == "generic-tiff" and holds_more(opened.path, opened.levels)
        reader = TiffReader(opened.path, half_scale) if use_tiff else JpegTilesReader(opened, half_scale)
    except (MemoryError, NotOnePicture):
        opened.close()
        raise
    except Exception as error:
        log.info("%s is read through OpenSlide: %s", opened.path, error)
        reader = OpenSlideReader(opened.path)  # a handle that failed once keeps failing
    opened.close()
    return reader
