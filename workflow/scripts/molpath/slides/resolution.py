"""Micrometres per pixel of a slide, where they come from, and the magnification they correspond to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import isclose, isfinite

# Upper bounds of mpp and the magnification they correspond to, as TRIDENT buckets them.
BUCKETS = ((0.16, 80), (0.2, 60), (0.3, 40), (0.6, 20), (1.2, 10), (2.4, 5))
# Outside this range a number is no resolution of a slide (72 dpi tags give 352.8).
PLAUSIBLE = (0.05, 10.0)
# Coarser than that it can be a macro image's, up to here, unless it is what printers and screens have.
COARSEST = 200.0
PRINTED_DPI = (72, 75, 96, 100, 120, 144, 150, 180, 200, 240, 250, 300, 350, 360, 400, 600, 720, 1200, 1440, 2400)
#: Shares by which x and y may differ before it is noted, and before patches would be stretched.
NOTED, SQUARE = 0.01, 0.03
#: Micrometres in the units of TIFF resolution tags, and in those of OME-XML.
UNITS = {"inch": 25400.0, "centimeter": 10000.0}
OME_UNITS = {"m": 1e6, "cm": 1e4, "mm": 1e3, "µm": 1.0, "μm": 1.0, "um": 1.0, "nm": 1e-3, "pm": 1e-6, "in": 25400.0}
MIRAX = "mirax.LAYER_0_LEVEL_0_SECTION.MICROMETER_PER_PIXEL"
DICOM = "dicom.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing"
#: Properties that give a resolution across and down, the most trusted first; micrometres in their unit; whether they
#: give the length of the whole scan instead of a pixel's. DICOM names the spacing of rows before that of columns.
#: `hamamatsu.XResolution`, which some take for micrometres, only copies the resolution tag and is not looked at.
SOURCES = (
    ("openslide.mpp-x", "openslide.mpp-y", 1.0, False),
    ("aperio.MPP", "", 1.0, False),
    (f"{MIRAX}_X", f"{MIRAX}_Y", 1.0, False),
    ("hamamatsu.PhysicalWidth", "hamamatsu.PhysicalHeight", 1e-3, True),
    (f"{DICOM}[1]", f"{DICOM}[0]", 1e3, False),
    ("dicom.ImagedVolumeWidth", "dicom.ImagedVolumeHeight", 1e3, True),
)
OBJECTIVES = ("openslide.objective-power", "aperio.AppMag", "hamamatsu.SourceLens")


class NotSquare(Exception):
    """The file says that its pixels are wider than high, or higher than wide; the message says by how much."""


def find_mpp(
    properties: Mapping[str, str], sheet: str = "", tolerance: float = 0.1, size: tuple[int, int] = (0, 0)
) -> tuple[float | None, str, str]:
    """mpp at level 0, its source, and notes (joined by '; ').

    `properties`: the file's, in OpenSlide's names; `size`: width and height of level 0. The sheet wins; notes say
    where the file differs from it by more than `tolerance`, where x and y differ (x is used), which numbers can't be
    a slide's, and where the objective means another magnification. (None, "", …) if the resolution is unknown:
    nothing is guessed. What is coarser than any slide, but may be a macro image's, is returned as it is.
    Raises NotSquare where x and y differ by more than SQUARE and the sheet says nothing.
    """
    value, y, source, notes = mpp_of_file(properties, size)
    if value and y and abs(value - y) > NOTED * value:
        differ = f"{value:g} micrometres per pixel across and {y:g} down ({source})"
        if not sheet and abs(value - y) > SQUARE * value:
            raise NotSquare(differ)
        notes.append(differ if sheet else f"{differ}; the first is used")
    if sheet:
        sheet_mpp = float(sheet)
        if not is_plausible(sheet_mpp) and not is_coarse(sheet_mpp):
            return None, "", f"the sheet says mpp {sheet_mpp:g}, which no slide has"
        if value is not None and abs(sheet_mpp - value) > tolerance * value:
            notes.append(f"the sheet says mpp {sheet_mpp:g}, the file {value:g} ({source}); the sheet's is used")
        value, source = sheet_mpp, "sheet"
    magnification = magnification_of(value) if value else None
    objective = next(filter(None, (number(properties.get(name)) for name in OBJECTIVES)), None)
    if objective and magnification and objective != magnification:
        notes.append(f"the file names a {objective:g}x objective, mpp {value:g} means {magnification}x")
    return value, source, "; ".join(notes)


def mpp_of_file(
    properties: Mapping[str, str], size: tuple[int, int] = (0, 0)
) -> tuple[float | None, float | None, str, list[str]]:
    """The file's first plausible mpp across, that down (None if unknown), the property's name, and what was refused.

    Where none is plausible, the first that may be a macro image's.
    """
    refused: list[str] = []
    coarse: tuple[float | None, float | None, str] = None, None, ""
    for x, y, name in statements(properties, size):
        if is_plausible(x):
            return x, y, name, refused
        if is_coarse(x):
            coarse = coarse if coarse[0] else (x, y, name)
        elif x is not None:
            refused.append(f"{name} gives {x:g} micrometres per pixel, which no slide has")
    return *coarse, refused[:1]


def is_plausible(mpp: float | None) -> bool:
    """True for a number that can be the resolution of a slide."""
    return mpp is not None and PLAUSIBLE[0] <= mpp <= PLAUSIBLE[1]


def is_coarse(mpp: float | None) -> bool:
    """True for a number that is coarser than a slide's, but was measured: no printer's or screen's resolution."""
    if mpp is None or not PLAUSIBLE[1] < mpp <= COARSEST:
        return False
    return not any(isclose(mpp, UNITS["inch"] / dpi, rel_tol=2e-3) for dpi in PRINTED_DPI)


def statements(
    properties: Mapping[str, str], size: tuple[int, int]
) -> Iterator[tuple[float | None, float | None, str]]:
    """What a file says about its resolution in µm per pixel (across, down, property), the most trusted first.

    OpenSlide takes resolution tags without a unit for inches: its value is ignored where it only repeats those.
    """
    unit = UNITS.get(properties.get("tiff.ResolutionUnit", ""))
    for *names, micrometres, is_whole in SOURCES:
        numbers = [number(properties.get(name)) for name in names]
        if names[0] == "openslide.mpp-x" and not unit and repeats_tag(numbers[0], properties):
            continue
        pixels = size if is_whole else (1, 1)
        x, y = (n * micrometres / p if n and p else None for n, p in zip(numbers, pixels, strict=True))
        yield x, y, names[0]
    yield *ome_mpp(properties, size), "ome.PhysicalSizeX"
    yield tag_mpp(properties, "X", unit), tag_mpp(properties, "Y", unit), "tiff.XResolution"


def tag_mpp(properties: Mapping[str, str], axis: str, unit: float | None) -> float | None:
    """mpp from a TIFF resolution tag (pixels per unit); None without a unit."""
    per_unit = number(properties.get(f"tiff.{axis}Resolution"))
    return unit / per_unit if per_unit and unit else None


def repeats_tag(mpp: float | None, properties: Mapping[str, str]) -> bool:
    """True if an mpp is what the resolution tag gives in one of the units it might be in."""
    tag_values = (tag_mpp(properties, "X", unit) for unit in UNITS.values())
    return mpp is not None and any(value is not None and isclose(mpp, value, rel_tol=1e-3) for value in tag_values)


def ome_mpp(properties: Mapping[str, str], size: tuple[int, int]) -> tuple[float | None, float | None]:
    """mpp across and down that OME-XML in the image description gives for its image of this size (the first, if the
    size is unknown); what a reader found (`ome.PhysicalSizeX`) if there is none."""
    image_size = tuple(map(str, size))
    for pixels in re.findall(r"<(?:\w+:)?Pixels\s[^>]*>", properties.get("tiff.ImageDescription", "")):
        values = dict(re.findall(r'(\w+)="([^"]*)"', pixels))
        if not any(size) or (values.get("SizeX"), values.get("SizeY")) == image_size:
            return in_micrometres(values, "X"), in_micrometres(values, "Y")
    values = {name.removeprefix("ome."): value for name, value in properties.items() if name.startswith("ome.")}
    return in_micrometres(values, "X"), in_micrometres(values, "Y")


def in_micrometres(values: Mapping[str, str], axis: str) -> float | None:
    """PhysicalSizeX or Y of OME in its unit (default: µm); None if there is none, or none of length."""
    value = number(values.get(f"PhysicalSize{axis}"))
    unit = OME_UNITS.get(values.get(f"PhysicalSize{axis}Unit", "µm"))
    return value * unit if value and unit else None


def number(text: str | None) -> float | None:
    """A finite float, or None where the text is none."""
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    return value if value is not None and isfinite(value) else None


def magnification_of(mpp: float) -> int | None:
    """Nominal magnification: <0.16 80x, <0.2 60x, <0.3 40x, <0.6 20x, <1.2 10x, <2.4 5x, else None."""
    return next((magnification for bound, magnification in BUCKETS if mpp < bound), None)
