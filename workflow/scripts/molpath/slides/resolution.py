"""Micrometres per pixel of a slide, where they come from, and the magnification they stand for."""

from __future__ import annotations

from collections.abc import Mapping

# Upper bounds of mpp and the magnification they stand for, as TRIDENT buckets them.
BUCKETS = ((0.16, 80), (0.2, 60), (0.3, 40), (0.6, 20), (1.2, 10), (2.4, 5))
# Outside this range a number is no resolution of a slide (72 dpi tags give 352.8).
PLAUSIBLE = (0.05, 10.0)
UNITS = {"inch": 25400.0, "centimeter": 10000.0}


def find_mpp(properties: Mapping[str, str], sheet: str = "", tolerance: float = 0.1) -> tuple[float | None, str, str]:
    """mpp at level 0, its source, and a note.

    The sheet wins; a note says where the file differs by more than `tolerance`. In the file: OpenSlide's value,
    vendor fields, OME, TIFF resolution tags. Values outside 0.05 to 10 are no resolution. (None, "", …) if unknown.
    """
    value, source = mpp_of_file(properties)
    if not sheet:
        return value, source, ""
    given = float(sheet)
    note = ""
    if value is not None and abs(given - value) > tolerance * value:
        note = f"the sheet says mpp {given:g}, the file {value:g} ({source}); the sheet's is used"
    return given, "sheet", note


def mpp_of_file(properties: Mapping[str, str]) -> tuple[float | None, str]:
    """The first plausible mpp among the file's properties and the name of the property."""
    for name in ("openslide.mpp-x", "aperio.MPP", "openslide.mirax.MPP", "ome.PhysicalSizeX"):
        value = number(properties.get(name))
        if value is not None and PLAUSIBLE[0] <= value <= PLAUSIBLE[1]:
            return value, name
    per_unit, unit = number(properties.get("tiff.XResolution")), properties.get("tiff.ResolutionUnit")
    if per_unit and unit in UNITS and PLAUSIBLE[0] <= UNITS[unit] / per_unit <= PLAUSIBLE[1]:
        return UNITS[unit] / per_unit, "tiff.XResolution"
    return None, ""


def number(text: str | None) -> float | None:
    """A float, or None where the text is none."""
    try:
        return float(text) if text else None
    except ValueError:
        return None


def magnification_of(mpp: float) -> int | None:
    """Nominal magnification: <0.16 80x, <0.2 60x, <0.3 40x, <0.6 20x, <1.2 10x, <2.4 5x, else None."""
    return next((magnification for bound, magnification in BUCKETS if mpp < bound), None)
