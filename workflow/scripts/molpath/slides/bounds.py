"""The part of a slide that QuPath shows: it crops MRXS, SCN and BIF to the scanned part and takes its corner as
origin."""

from __future__ import annotations

from collections.abc import Mapping

#: Vendors, as OpenSlide calls them, of MRXS, SCN and BIF. QuPath reads others whole, or through Bio-Formats.
CROPPED = ("mirax", "leica", "ventana")
#: x, y, width and height in level-0 pixels.
Box = tuple[int, int, int, int]


def shown_in_qupath(properties: Mapping[str, str], size: tuple[int, int]) -> Box:
    """The part of a slide of `size` (width, height) that QuPath shows; its coordinates begin at the part's corner.

    That is the slide's `openslide.bounds`, where a file names all four. Source: QuPath's OpenslideImageServer.
    """
    names = (f"openslide.bounds-{name}" for name in ("x", "y", "width", "height"))
    values = [properties.get(name, "") for name in names]
    if properties.get("openslide.vendor") not in CROPPED or not all(value.isdigit() for value in values):
        return 0, 0, *size
    x, y, width, height = map(int, values)
    return x, y, min(width, size[0] - x), min(height, size[1] - y)
