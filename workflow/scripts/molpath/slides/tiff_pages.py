"""Which pages of a TIFF are the levels of its slide, and what its tags say of the size of a pixel."""

from __future__ import annotations

import re
from itertools import islice

RESOLUTION_UNITS = {2: "inch", 3: "centimeter"}
LENGTHS = {"nm": 1e-3, "µm": 1.0, "μm": 1.0, "um": 1.0, "mm": 1e3, "cm": 1e4, "m": 1e6}
REDUCED = 1  # bit of NewSubfileType
MOST_PAGES = 1000  # of a slide that anybody made: levels, label, macro, thumbnail
#: How far the shape of a lower level may be from that of level 0.
ASPECT_TOLERANCE = 0.02


def pages_of_levels(file, levels: list[tuple[int, int, float]]) -> list:
    """The tiled pages (tifffile) that have the sizes of OpenSlide's `levels`. Raises ValueError if in doubt."""
    tiled = [page for page in islice(file.pages, MOST_PAGES) if page.is_tiled]
    found = [[page for page in tiled if (page.imagewidth, page.imagelength) == level[:2]] for level in levels]
    if not all(len(pages) == 1 for pages in found):
        raise ValueError(f"{[len(pages) for pages in found]} pages for the levels of the slide, not one each")
    return [page for (page,) in found]


def largest_pyramid(file) -> list:
    """Pages (tifffile) of the largest image of a TIFF, finest first: its own levels (sub-IFDs), else reduced pages.

    Raises ValueError where it has several planes (channels, depths, times) and so isn't one picture.
    """
    series = max(file.series, key=lambda series: series.keyframe.imagewidth * series.keyframe.imagelength)
    if len(series.levels[0].pages) != 1 or series.keyframe.imagedepth != 1:
        raise ValueError(f"{len(series.levels[0].pages)} planes ({series.axes} {series.shape}), not one RGB picture")
    pages = [level.keyframe for level in series.levels]
    if len(pages) == 1:
        pages += [page.keyframe for page in islice(file.pages, MOST_PAGES) if is_reduced(page, pages[0])]
    pages.sort(key=lambda page: -page.imagewidth)
    return pages


def is_reduced(page, full) -> bool:
    """True if a page says that it is a smaller copy and looks like one of the page `full`."""
    width, height = full.imagewidth / page.imagewidth, full.imagelength / page.imagelength
    return bool(page.subfiletype & REDUCED) and width > 1 and abs(width / height - 1) < ASPECT_TOLERANCE


def tiff_properties(file, page) -> dict[str, str]:
    """Resolution tags of a page (tifffile) and OME's pixel size in micrometres, in OpenSlide's names."""
    found: dict[str, str] = {}
    tags = page.tags
    if "XResolution" in tags and "ResolutionUnit" in tags:
        numerator, denominator = tags["XResolution"].value
        unit = RESOLUTION_UNITS.get(int(tags["ResolutionUnit"].value))
        if unit and numerator and denominator:
            found |= {"tiff.XResolution": str(numerator / denominator), "tiff.ResolutionUnit": unit}
    size = ome_pixel_size(file.ome_metadata or "", page.imagewidth, page.imagelength)
    if size:
        found["ome.PhysicalSizeX"] = f"{size:.9g}"
    return found


def ome_pixel_size(xml: str, width: int, height: int) -> float | None:
    """Micrometres per pixel that OME-XML gives for its image of width x height; None if it gives none."""
    for pixels in re.findall(r"<(?:\w+:)?Pixels\s[^>]*>", xml):
        values = dict(re.findall(r'(\w+)="([^"]*)"', pixels))
        if (values.get("SizeX"), values.get("SizeY")) != (str(width), str(height)) or "PhysicalSizeX" not in values:
            continue
        unit = LENGTHS.get(values.get("PhysicalSizeXUnit", "µm"))
        return float(values["PhysicalSizeX"]) * unit if unit else None
    return None
