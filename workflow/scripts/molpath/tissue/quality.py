"""Quality of a slide: pen marks on the low-resolution image, focus in windows of tissue at full detail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from .overview import Overview

#: Class codes of quality/<slide>.png, those of GrandQC's artefact model.
CLASSES = {"background": 0, "tissue": 1, "fold": 2, "dark": 3, "pen": 4, "edge_or_bubble": 5, "out_of_focus": 6}
FOCUS_MPP = 1.0
WINDOW = 256


#: Columns of the manifest that quality control fills, in order.
NUMBERS = ("focus", "in_focus_fraction", "pen_fraction")


@dataclass(frozen=True)
class Quality:
    """Class codes of the overview's pixels (uint8 height x width), and a number for each of NUMBERS (NaN: unknown)."""

    classes: np.ndarray
    numbers: dict[str, float]


def examine(slide, mpp: float, overview: Overview, tissue: np.ndarray, thresholds: Mapping[str, Any]) -> Quality:
    """Look at everything that can be wrong with the tissue of a slide.

    `tissue`: boolean mask of the overview; `mpp`: the slide's, at level 0; `thresholds`: section tissue/quality of the
    config.
    """
    pen = find_pen(overview.image)
    centres = overview.centres(windows_in(tissue & ~pen, thresholds["focus_windows"]))
    focus = measure_focus(slide, mpp, centres)
    focus = focus[np.isfinite(focus)]
    classes = np.where(tissue, CLASSES["tissue"], CLASSES["background"]).astype(np.uint8)
    classes[pen] = CLASSES["pen"]
    numbers = {
        "focus": float(np.median(focus)) if len(focus) else float("nan"),
        "in_focus_fraction": float((focus >= thresholds["min_focus"]).mean()) if len(focus) else 0.0,
        "pen_fraction": float((pen & tissue).sum() / max(1, tissue.sum())),
    }
    return Quality(classes, numbers)


def find_faults(numbers: Mapping[str, float], thresholds: Mapping[str, Any]) -> tuple[str, str] | None:
    """The first thing so wrong that the slide is set aside, as (reason, sentence); None if it goes on."""
    sharp = numbers["in_focus_fraction"]
    if sharp < thresholds["min_in_focus_fraction"]:
        least = thresholds["min_in_focus_fraction"]
        return "out_of_focus", f"{sharp:.0%} of the tissue looked at is in focus, less than {least:.0%}"
    return None


def find_pen(image: np.ndarray) -> np.ndarray:
    """Boolean mask of pen marks (blue, green, black ink) in an RGB uint8 image.

    H&E lies between red and violet; ink is more saturated and blue to green, or dark without colour.
    """
    hue, saturation, value = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2HSV))
    blue_or_green = (hue >= 35) & (hue <= 118) & (saturation > 90)
    black = (value < 60) & (saturation < 90)
    mask = cv2.morphologyEx((blue_or_green | black).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return cv2.dilate(mask, np.ones((5, 5), np.uint8)).astype(bool)


def sharpness(window: np.ndarray) -> float:
    """Share of detail in an RGB uint8 window at about 1 micrometre per pixel: Laplacian over grey deviation.

    Nuclei in focus have edges of one or two micrometres; a blur of more than that takes the Laplacian away and
    leaves the deviation. Nearly flat windows have nothing to be sharp and give NaN.
    """
    grey = cv2.GaussianBlur(cv2.cvtColor(window, cv2.COLOR_RGB2GRAY), (3, 3), 0).astype(np.float32)
    deviation = grey.std()
    return float(cv2.Laplacian(grey, cv2.CV_32F).std() / deviation) if deviation > 4 else float("nan")


def windows_in(tissue: np.ndarray, count: int) -> list[tuple[int, int]]:
    """Up to `count` mask pixels (x, y) spread evenly over the tissue, away from its edge where it is thick enough."""
    inner = cv2.erode(tissue.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)
    ys, xs = np.nonzero(inner if inner.any() else tissue)
    if not len(xs):
        return []
    chosen = np.linspace(0, len(xs) - 1, min(count, len(xs))).round().astype(int)
    return [(int(xs[index]), int(ys[index])) for index in chosen]


def measure_focus(slide, mpp: float, centres: list[tuple[int, int]]) -> np.ndarray:
    """Sharpness (float N) of windows around level-0 pixels `centres`, read at the level nearest to 1 µm a pixel."""
    wanted = FOCUS_MPP / mpp
    level = min(range(len(slide.levels)), key=lambda i: (slide.levels[i][2] > wanted * 1.5, -slide.levels[i][2]))
    downsample = slide.levels[level][2]
    edge = max(8, round(WINDOW * wanted / downsample))
    found = []
    for x, y in centres:
        half = edge * downsample / 2
        window = slide.region(round(x - half), round(y - half), level, edge, edge)
        if edge != WINDOW:
            window = cv2.resize(window, (WINDOW, WINDOW), interpolation=cv2.INTER_AREA)
        found.append(sharpness(window))
    return np.asarray(found)
