"""Which pages of a TIFF are the levels of its slide, and what its tags say about the size of a pixel."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from math import log2

from .resolution import ome_mpp
from .tiff_planes import NotOnePicture, picture_of

RESOLUTION_UNITS = {2: "inch", 3: "centimeter"}
REDUCED, APERIO_MACRO = 1, 9  # a bit of NewSubfileType, and a value of it
NDPI_LENS = 65421  # below 0 for the macro image and the map of an NDPI
#: What scanners and converters call the pictures beside the slide: names of OME's images, and descriptions.
BESIDE_NAME = re.compile(r"(?i)(?:^|[\[#\s])(?:label|macro|thumbnail|barcode|overview)(?:[ _]image)?[\]\s]*$")
BESIDE_DESCRIPTION = re.compile(r"(?i)\s*(?:label|macro|thumbnail|barcode|overview)(?![a-z-])")
MOST_PAGES = 1000  # of any real slide: levels, label, macro, thumbnail
#: How far the shape of a lower level may be from that of level 0.
ASPECT_TOLERANCE = 0.02


def pages_of_levels(file, levels: list[tuple[int, int, float]]) -> list:
    """The tiled pages (tifffile) that have the sizes of OpenSlide's `levels`. Raises ValueError if in doubt."""
    tiled = [page for page in islice(file.pages, MOST_PAGES) if page.is_tiled]
    pages_by_level = [[page for page in tiled if (page.imagewidth, page.imagelength) == level[:2]] for level in levels]
    if not all(len(pages) == 1 for pages in pages_by_level):
        raise ValueError(f"{[len(pages) for pages in pages_by_level]} pages for the levels of the slide, not one each")
    return [page for (page,) in pages_by_level]


@dataclass(frozen=True)
class Pyramid:
    """Pages (tifffile, or planes chosen among them) of one picture, finest first, and notes on the choice for the
    manifest.

    `unsure`: some are lower levels by their shape only; pixels must be compared.
    """

    pages: list
    notes: list[str]
    unsure: bool


def largest_pyramid(file, path: str) -> Pyramid:
    """The largest image of a TIFF with its levels: sub-IFDs, else reduced pages, else pages that may be smaller copies.

    Labels, macro images and thumbnails are no candidates. Raises NotOnePicture where nothing else is left, or where
    several planes (channels, depths, times) can't be made one picture.
    """
    candidates = [series for series in file.series if not is_beside(series, path)]
    if not candidates:
        raise NotOnePicture("no slide in the file: what is left in it is a label, macro image or thumbnail")
    series = max(candidates, key=lambda series: series.keyframe.imagewidth * series.keyframe.imagelength)
    pages, notes = picture_of(series, file.ome_metadata or "")
    if len(pages) == 1 and not file.is_ome:
        other_pages = [page_of_file.keyframe for page_of_file in islice(file.pages, MOST_PAGES)]
        flagged = [page for page in other_pages if is_reduced(page, pages[0])]
        pages += flagged or [page for page in other_pages if may_be_reduced(page, pages[0])]
    pages.sort(key=lambda page: -page.imagewidth)
    # tifffile, too, makes levels of what has their shape.
    unsure = not file.is_ome and not all(page.subfiletype & REDUCED for page in pages[1:])
    return Pyramid(pages, notes, unsure)


def holds_more(path: str, levels: list[tuple[int, int, float]]) -> bool:
    """True if a plain TIFF has more than OpenSlide shows (`levels`): sub-IFDs, levels without a flag, OME's pixel size.

    Raises NotOnePicture where the pages can't be one picture, of which OpenSlide would show a part.
    """
    import tifffile

    with tifffile.TiffFile(path) as file:
        pyramid = largest_pyramid(file, path)
        size = pyramid.pages[0].imagewidth, pyramid.pages[0].imagelength
        is_same = size == levels[0][:2] and len(pyramid.pages) <= len(levels) and not pyramid.notes
        return file.is_ome or not is_same


def is_beside(series, path: str) -> bool:
    """True for a label, macro image or thumbnail, by the words and flags that scanners give them.

    Levels of an SVS are always tiled: what isn't is one of these, whatever its description says.
    """
    page = series.keyframe
    description = getattr(page, "description", "") or ""
    if description.startswith("Aperio") or path.lower().endswith(".svs"):
        return not page.is_tiled
    lens = page.tags.get(NDPI_LENS)
    return (
        page.subfiletype == APERIO_MACRO
        or bool(BESIDE_NAME.search(series.name) or BESIDE_DESCRIPTION.match(description))
        or (lens is not None and lens.value < 0)
    )


def is_reduced(page, full) -> bool:
    """True if a page says that it is a smaller copy and looks like one of the page `full`."""
    width, height = full.imagewidth / page.imagewidth, full.imagelength / page.imagelength
    return bool(page.subfiletype & REDUCED) and width > 1 and abs(width / height - 1) < ASPECT_TOLERANCE


def may_be_reduced(page, full) -> bool:
    """True if a page doesn't say that it is a smaller copy of the page `full`, but has the shape of a lower level."""
    scale = full.imagewidth / page.imagewidth
    power = 2.0 ** round(log2(scale))
    return (
        power > 1
        and page.subfiletype == 0
        and (page.samplesperpixel, page.is_tiled) == (full.samplesperpixel, full.is_tiled)
        and all(
            abs(a - b / power) <= 1
            for a, b in ((page.imagewidth, full.imagewidth), (page.imagelength, full.imagelength))
        )
    )


def tiff_properties(file, page) -> dict[str, str]:
    """Resolution tags of a page (tifffile) and OME's pixel size in micrometres, in OpenSlide's names."""
    properties: dict[str, str] = {}
    unit = RESOLUTION_UNITS.get(int(page.tags.valueof("ResolutionUnit", 1)))
    for axis in "XY" if unit else "":
        numerator, denominator = page.tags.valueof(f"{axis}Resolution", (0, 0))
        if unit and numerator and denominator:
            properties |= {f"tiff.{axis}Resolution": str(numerator / denominator), "tiff.ResolutionUnit": unit}
    sizes = ome_mpp({"tiff.ImageDescription": file.ome_metadata or ""}, (page.imagewidth, page.imagelength))
    for axis, size in zip("XY", sizes, strict=True):
        if size:
            properties[f"ome.PhysicalSize{axis}"] = f"{size:.9g}"
    return properties
