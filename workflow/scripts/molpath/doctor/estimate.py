"""How many bytes a run will still write: a small estimate from the numbers of slides and the widths of features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Patches of 512 pixels at 20x a slide: 125,148,770 of 47,171 slides (the paper's section on pretraining data).
PATCHES_PER_SLIDE = 2653.0
#: Two 64-bit integers a patch, in the file of patches and in that of features; a number of a packed store (fp16).
BYTES_OF_COORDINATES, BYTES_PACKED = 32, 2
#: Thumbnail, contours and quality map of a slide.
BYTES_OF_SLIDE = 300_000


def patches_of(item: Mapping[str, Any]) -> float:
    """Patches of one entry of the request: slides times the grid's density (1: 512 pixels at 20x, no overlap)."""
    return item["slides"] * PATCHES_PER_SLIDE * item["density"]


def planned_bytes(request: Mapping[str, Any]) -> dict[str, float]:
    """Bytes by what is written: 'slides', 'features …', 'store …'.

    request: `slides` still to be looked at; `features` and `stores`, each a list of {name, slides, density, dim} of
    what isn't there yet, features with `bytes` of a number as they are
    stored (fp16: 2). Whatever gives such a dict can take this function's place.
    """
    sizes = {"slides": float(request["slides"] * BYTES_OF_SLIDE)}
    for item in request["features"]:
        each = item["dim"] * item["bytes"] + BYTES_OF_COORDINATES
        sizes[f"features {item['name']}"] = patches_of(item) * each
    for item in request["stores"]:
        sizes[f"store {item['name']}"] = patches_of(item) * item["dim"] * BYTES_PACKED
    return sizes


def in_words(size: float) -> str:
    """A number of bytes for people: 1.2 TB, 30 GB, 4 MB (decimal units)."""
    for unit, value in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size >= value:
            return f"{size / value:.3g} {unit}"
    return f"{size / 1e3:.3g} kB"
