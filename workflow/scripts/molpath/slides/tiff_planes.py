"""One picture out of a TIFF's planes: channels, depths and pages of one size, and which of them can be a slide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import numpy as np

RGB = 2
#: OME's colours (signed RGBA) of red, green and blue channels; -1 is what writers put where they know none.
COLOURS, NO_COLOUR = ("-16776961", "16711935", "65535"), "-1"
#: What writers call the channels of an RGB picture, where they name them.
NAMES = (("red", "green", "blue"), ("r", "g", "b"))
#: Attributes and elements that a channel of fluorescence has.
FLUORESCENCE = ("Fluor", "EmissionWavelength", "ExcitationWavelength")
ONE_FILE = "write the picture to a file of its own as 8-bit RGB"


class NotOnePicture(ValueError):
    """The pages of a TIFF are not one RGB picture; a reader that shows one of them would show something else."""


class ChosenPlanes:
    """A page out of several planes, with what TiffTiles and its decoders ask of a tifffile page.

    pages: one plane, or the three of red, green and blue, which are read as if one page stored them one after the
    other. keyframe: the page (tifffile) whose tags hold for all of them.
    """

    def __init__(self, keyframe: Any, pages: Sequence[Any]):
        self.keyframe = keyframe
        self.dataoffsets = [offset for page in pages for offset in page.dataoffsets]
        self.databytecounts = [count for page in pages for count in page.databytecounts]
        self.jpegtables = pages[0].jpegtables
        self._tables = [page.jpegtables for page in pages]
        self._tiles = len(self.dataoffsets) // len(pages)
        if len(pages) > 1:
            self.samplesperpixel, self.planarconfig, self.photometric = len(pages), 2, RGB

    def __getattr__(self, name: str) -> Any:
        return getattr(self.keyframe, name)

    def decode(self, data: bytes, index: int, **options: Any) -> Any:
        """As tifffile's, with the tables of the plane of tile `index` of all of them."""
        options["jpegtables"] = self._tables[index // self._tiles]
        return self.keyframe.decode(data, index % self._tiles, **options)


def picture_of(series: Any, xml: str) -> tuple[list[Any], list[str]]:
    """Pages of a series (tifffile), finest first, each one RGB or grey picture; and notes on the choice for the
    manifest.

    The middle plane of a z-stack and the first of RGB pages without a difference; three grey channels that `xml`
    (OME-XML, '' if none) doesn't call anything else are red, green and blue. Raises NotOnePicture for everything else.
    """
    first = series.levels[0]
    if len(first.pages) == 1 and series.keyframe.imagedepth == 1 and is_here(series, first.pages):
        return [level.keyframe for level in series.levels], []
    planes, notes = choose(series, xml)
    levels = []
    for level in series.levels:
        if len(level.pages) == len(first.pages) and is_here(series, level.pages):
            levels.append(ChosenPlanes(level.keyframe, [level.pages[plane] for plane in planes]))
    if not levels:
        raise NotOnePicture("its planes are in other files, or missing: write the whole picture to one file")
    return levels, notes


def is_here(series: Any, pages: Sequence[Any]) -> bool:
    """True if all pages of a series are in the file that was opened; OME-TIFFs may name others."""
    return all(page is not None and page.parent is series.keyframe.parent for page in pages)


def choose(series: Any, xml: str) -> tuple[list[int], list[str]]:
    """Positions among a series' pages of the plane, or three planes, to be shown, and what to say about them."""
    page = series.keyframe
    axes = series.axes.removesuffix(page.axes)
    shape = series.shape[: len(axes)]
    count = int(np.prod(shape, dtype=int))
    message = f"{count} planes ({series.axes} {series.shape}), not one RGB picture"
    if axes == series.axes or count != len(series.levels[0].pages) or page.imagedepth != 1:
        raise NotOnePicture(f"{message}: {ONE_FILE}")
    positions, notes = np.arange(count).reshape(shape), []
    for axis, length in zip(axes, shape, strict=True):
        if axis == "C" and length == 3 and page.samplesperpixel == 1 and are_rgb(xml, page):
            positions = np.moveaxis(positions, 0, -1)  # looked at last
            notes.append("its three channels are read as red, green and blue")
        elif axis == "Z":
            positions = positions[length // 2]
            notes.append(f"{length} planes in depth, of which number {length // 2 + 1} is read")
        elif axis in "IQ" and page.samplesperpixel >= 3:
            positions = positions[0]
            notes.append(f"{length} pages of the same size, of which the first is read")
        else:
            raise NotOnePicture(f"{message}: {ONE_FILE}")
    return positions.ravel().tolist(), notes


def are_rgb(xml: str, page: Any) -> bool:
    """True if OME-XML describes three channels of the page's size and calls none of them other than its colour."""
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError:
        return False
    page_size = str(page.imagewidth), str(page.imagelength)
    for pixels in root.iter():
        if tag_of(pixels) == "Pixels" and (pixels.get("SizeX"), pixels.get("SizeY")) == page_size:
            channels = [child for child in pixels if tag_of(child) == "Channel"]
            return len(channels) == 3 and is_rgb(channels)
    return False


def is_rgb(channels: Sequence[ElementTree.Element]) -> bool:
    """True if three channels of OME-XML may be red, green and blue, in this order."""
    if any(channel.get(name) for channel in channels for name in FLUORESCENCE):
        return False
    if any("fluor" in (channel.get("ContrastMethod") or "").lower() for channel in channels):
        return False
    colours = tuple(channel.get("Color") or NO_COLOUR for channel in channels)
    names = tuple((channel.get("Name") or "").strip().lower() for channel in channels)
    return colours in (COLOURS, (NO_COLOUR,) * 3) and names in (*NAMES, ("",) * 3)


def tag_of(element: ElementTree.Element) -> str:
    """An element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]
