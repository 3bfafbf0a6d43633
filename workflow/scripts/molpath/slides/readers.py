"""One small interface to slides: OpenSlide first, tifffile for what it declines, plain images as one level."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg"}


class UnreadableSlide(Exception):
    """No reader opens the file; the message says what each of them found."""


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
        self.associated = sorted(self._slide.associated_images)

    def region(self, x: int, y: int, level: int, width: int, height: int) -> np.ndarray:
        """RGB uint8 height x width x 3 of `level`; (x, y) is the top-left corner in level-0 pixels.

        What lies outside the slide, or was never scanned, is white.
        """
        pixels = np.asarray(self._slide.read_region((int(x), int(y)), level, (int(width), int(height))))
        return on_white(pixels)

    def close(self) -> None:
        """Close the file."""
        self._slide.close()


class TiffReader:
    """A plain or OME pyramidal TIFF that OpenSlide declines (8-bit RGB or grey)."""

    name = "tifffile"

    def __init__(self, path: str):
        import tifffile

        self.path = path
        self._file = tifffile.TiffFile(path)
        series = self._file.series[0]
        self._pages = [level.keyframe for level in series.levels]
        for page in self._pages:
            if page.dtype != np.uint8 or page.samplesperpixel not in (1, 3, 4):
                raise UnreadableSlide(f"{page.samplesperpixel} samples of {page.dtype} a pixel, not 8-bit RGB or grey")
        width = self._pages[0].imagewidth
        self.levels = [(page.imagewidth, page.imagelength, width / page.imagewidth) for page in self._pages]
        self.properties = tiff_properties(self._pages[0])
        self.vendor = "ome" if self._file.is_ome else "tiff"
        self.associated: list[str] = []
        self._cache: dict[int, np.ndarray] = {}

    def region(self, x: int, y: int, level: int, width: int, height: int) -> np.ndarray:
        """As OpenSlideReader.region. A level is decoded once and kept: such files are small or few."""
        if level not in self._cache:
            pixels = self._pages[level].asarray()
            self._cache[level] = np.stack([pixels] * 3, axis=-1) if pixels.ndim == 2 else pixels
        downsample = self.levels[level][2]
        return cut(self._cache[level], round(x / downsample), round(y / downsample), width, height)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class ImageReader:
    """A PNG or JPEG as a slide of one level; its mpp comes from the sheet."""

    name = "image"

    def __init__(self, path: str):
        from PIL import Image

        Image.MAX_IMAGE_PIXELS = None
        self.path = path
        with Image.open(path) as image:
            self._pixels = np.asarray(image.convert("RGB"))
        height, width = self._pixels.shape[:2]
        self.levels = [(width, height, 1.0)]
        self.properties: Mapping[str, str] = {}
        self.vendor, self.associated = "image", []

    def region(self, x: int, y: int, level: int, width: int, height: int) -> np.ndarray:
        """As OpenSlideReader.region, of the one level there is."""
        return cut(self._pixels, int(x), int(y), width, height)

    def close(self) -> None:
        """Nothing to close: the pixels are in memory."""


def open_slide(path: str | Path):
    """Open a slide with the first reader that takes it. Raises UnreadableSlide with what each reader said."""
    path = str(path)
    readers = [ImageReader] if Path(path).suffix.lower() in IMAGE_SUFFIXES else [OpenSlideReader, TiffReader]
    said = []
    for reader in readers:
        try:
            return reader(path)
        except Exception as error:  # every library has its own kinds
            said.append(f"{reader.name}: {error}")
    raise UnreadableSlide("; ".join(said))


def tiff_properties(page) -> dict[str, str]:
    """Resolution tags and OME pixel size of a TIFF page, in OpenSlide's names."""
    import re

    found = {}
    tags = page.tags
    if "XResolution" in tags and "ResolutionUnit" in tags:
        numerator, denominator = tags["XResolution"].value
        unit = {2: "inch", 3: "centimeter"}.get(int(tags["ResolutionUnit"].value))
        if unit and numerator:
            found |= {"tiff.XResolution": str(numerator / denominator), "tiff.ResolutionUnit": unit}
    match = re.search(r'PhysicalSizeX="([0-9.eE+-]+)"', page.description or "")
    if match:
        found["ome.PhysicalSizeX"] = match[1]
    return found


def on_white(pixels: np.ndarray) -> np.ndarray:
    """RGBA uint8 H x W x 4 laid on white: RGB uint8 H x W x 3."""
    alpha = pixels[..., 3:]
    if (alpha == 255).all():
        return np.ascontiguousarray(pixels[..., :3])
    return np.where(alpha == 0, 255, pixels[..., :3]).astype(np.uint8)


def cut(pixels: np.ndarray, x: int, y: int, width: int, height: int) -> np.ndarray:
    """A window of an array, white where it reaches beyond."""
    out = np.full((height, width, 3), 255, np.uint8)
    left, top = max(x, 0), max(y, 0)
    part = pixels[top : max(y + height, 0), left : max(x + width, 0), :3]
    out[top - y : top - y + part.shape[0], left - x : left - x + part.shape[1]] = part
    return out
