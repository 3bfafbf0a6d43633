"""Quality of a slide: faults of its tissue as class codes, numbers and verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..common.settings.tissue import Quality as Thresholds
from . import artefacts, stain
from .classes import CLASSES
from .compression import jpeg_quality
from .fine_detail import fine_detail
from .focus import Focus, blurred_tissue, measure_focus, read_tiles
from .focus import sharpness as sharpness  # for callers that measure patches
from .overview import Overview

#: Classes that are faults of a place, in the order in which they give way to each other where they overlap.
FAULTS = ("out_of_focus", "fold", "edge_or_bubble", "dark", "pen")
#: Columns of the manifest that quality control fills, in order.
NUMBERS = (
    "focus",
    "fine_detail",
    "in_focus_fraction",
    *(f"{name}_fraction" for name in FAULTS),
    "grey_fraction",
    "stain_density",
    "he_angle",
    "hue",
    "brightness",
    "jpeg_quality",
)
#: Numbers that set a slide aside: number, threshold (min_ or max_), reason, sentence; in the order they are looked at.
CHECKS = (
    ("brightness", "min_brightness", "not_he", "the background is dark ({value:.0f} of 255, less than {limit:g})"),
    ("grey_fraction", "max_grey_fraction", "not_he", "{value:.0%} of what is on the glass is grey (over {limit:.0%})"),
    ("he_angle", "max_he_angle", "not_he", "stains are {value:.0f} degrees from H and E, more than {limit:g}"),
    ("stain_density", "min_stain_density", "under_stained", "optical density {value:.2f}, less than {limit:g}"),
    ("stain_density", "max_stain_density", "over_stained", "optical density {value:.2f}, more than {limit:g}"),
    ("jpeg_quality", "min_jpeg_quality", "compressed", "once stored at JPEG quality {value:.0f}, below {limit:g}"),
    (
        "in_focus_fraction",
        "min_in_focus_fraction",
        "out_of_focus",
        "{value:.0%} of the examined tissue is in focus, less than {limit:.0%}",
    ),
)
#: Windows of tissue in which compression and fine detail are measured, at full resolution.
FULL_WINDOWS = 8


@dataclass(frozen=True)
class Quality:
    """Class codes of the overview's pixels (uint8 height x width), and a number for each of NUMBERS (NaN: unknown)."""

    classes: np.ndarray
    numbers: dict[str, float]


def examine(slide, mpp: float, overview: Overview, tissue: np.ndarray, thresholds: Thresholds) -> Quality:
    """Measure all faults of a slide's tissue.

    `tissue`: boolean mask of the overview; `mpp`: the slide's, at level 0; `thresholds`: section tissue/quality of the
    config.
    """
    glass = stain.glass_of(overview.image, tissue)
    density = stain.densities(overview.image, glass)
    masks = find_marks(density, tissue, overview.mpp)
    clean = tissue & ~np.logical_or.reduce(list(masks.values()))
    focus = measure_focus(slide, mpp, overview, clean, thresholds["focus_windows"], thresholds["min_focus"])
    masks["out_of_focus"] = blurred_tissue(focus, overview, clean, thresholds["min_focus"])
    classes = np.where(tissue, CLASSES["tissue"], CLASSES["background"]).astype(np.uint8)
    for name in FAULTS:
        classes[masks[name]] = CLASSES[name]
    numbers = focus_numbers(focus, clean.any(), thresholds["min_focus"])
    counts = np.bincount(classes[tissue], minlength=len(CLASSES))
    numbers |= {f"{name}_fraction": float(counts[CLASSES[name]] / max(1, tissue.sum())) for name in FAULTS}
    numbers["grey_fraction"] = stain.colourless_fraction(density, tissue)
    numbers |= stain.measure_stain(overview.image, density, glass, clean)
    windows = read_tiles(slide, overview.centres(spread(focus.places, FULL_WINDOWS)))
    numbers["jpeg_quality"] = jpeg_quality(windows)
    numbers["fine_detail"] = fine_detail(windows, mpp, numbers["jpeg_quality"])
    return Quality(classes, numbers)


def spread(places: np.ndarray, count: int) -> np.ndarray:
    """At most `count` of the places (N x 2, row by row down the slide), in equal steps from the first to the last."""
    return places[np.unique(np.linspace(0, len(places) - 1, min(count, len(places))).round().astype(int))]


def find_marks(density: stain.Density, tissue: np.ndarray, mpp: float) -> dict[str, np.ndarray]:
    """Boolean masks of pen, edge_or_bubble, dark and fold on an overview."""
    pen, bubble = artefacts.find_pen(density, mpp), artefacts.find_bubbles(density, mpp)
    masks = artefacts.find_opaque(density, pen | bubble, mpp)
    masks["pen"] |= pen
    masks["edge_or_bubble"] |= bubble
    marked = np.logical_or.reduce(list(masks.values()))
    return masks | {"fold": artefacts.find_folds(density, tissue & ~marked, mpp)}


def focus_numbers(focus: Focus, any_tissue: bool, threshold: float) -> dict[str, float]:
    """Median sharpness and share in focus; tissue with nothing sharp in it counts as out of focus."""
    if len(focus.values):
        return {"focus": float(np.median(focus.values)), "in_focus_fraction": float((focus.values >= threshold).mean())}
    return {"focus": float("nan"), "in_focus_fraction": 0.0 if any_tissue else float("nan")}


def find_faults(numbers: Mapping[str, float], thresholds: Thresholds) -> tuple[str, str] | None:
    """The first fault for which the slide is set aside, as (reason, sentence); None if it continues.

    An unknown number (NaN) is no fault.
    """
    limits: Mapping[str, Any] = thresholds
    for number, threshold, reason, sentence in CHECKS:
        value, limit = numbers[number], limits[threshold]
        if value < limit if threshold.startswith("min_") else value > limit:
            return reason, sentence.format(value=value, limit=limit)
    return None
