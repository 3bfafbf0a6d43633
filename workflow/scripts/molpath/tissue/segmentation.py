"""Where the tissue is: masks from a low-resolution image, by the method the config names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np

from .overview import Overview

# Less contrast than this between tissue and background is no tissue at all (saturation, 0 to 255).
LEAST_SATURATION = 18


def otsu(image: np.ndarray) -> np.ndarray:
    """Boolean mask of an RGB uint8 image: saturation over Otsu's threshold, smoothed.

    Glass has next to no saturation, so the threshold never falls below LEAST_SATURATION: a blank slide stays blank.
    """
    saturation = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)[..., 1]
    saturation = cv2.medianBlur(saturation, 7)
    threshold, _ = cv2.threshold(saturation, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    mask = (saturation > max(LEAST_SATURATION, min(threshold, 60))).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    return cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel).astype(bool)


#: Methods that need the image alone.
METHODS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"otsu": otsu}


def segment(overview: Overview, settings: Mapping[str, Any]) -> np.ndarray:
    """Boolean mask of the tissue in the overview, height x width; `settings`: section tissue of the config."""
    return METHODS[settings["method"]](overview.image)
