"""Where the tissue is: masks from a low-resolution image, by the method the config names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..common.contained import MethodUnusable
from ..common.digests import sha256_of
from ..common.settings.tissue import Hsv, Tissue
from .overview import Overview

# Less contrast than this between tissue and background is no tissue at all (saturation, 0 to 255).
LEAST_SATURATION = 18


def otsu(image: np.ndarray) -> np.ndarray:
    """Boolean mask of an RGB uint8 image: saturation over Otsu's threshold, smoothed.

    Glass has almost no saturation, so the threshold never falls below LEAST_SATURATION: a blank slide stays blank.
    """
    saturation = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)[..., 1]
    saturation = cv2.medianBlur(saturation, 7)
    threshold, _ = cv2.threshold(saturation, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    mask = (saturation > max(LEAST_SATURATION, min(threshold, 60))).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    return cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel).astype(bool)


def hsv(image: np.ndarray, thresholds: Hsv) -> np.ndarray:
    """Boolean mask of an RGB uint8 image: pixels whose colour is within fixed limits, smoothed as `otsu`.

    `thresholds`: section tissue/hsv of the config, in OpenCV's units (hue 0 to 179, saturation and value 0 to 255).
    Hue goes from `hue[0]` upwards to `hue[1]`, over 0 where that is the smaller one. Unlike Otsu's threshold, fixed
    limits treat the slides of a scanner alike, and leave out ink of another hue.
    """
    hue, saturation, value = cv2.split(cv2.medianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2HSV), 7))
    begin, end = thresholds["hue"]
    within = (hue >= begin) & (hue <= end) if begin <= end else (hue >= begin) | (hue <= end)
    within &= saturation >= thresholds["min_saturation"]
    within &= (value >= thresholds["min_value"]) & (value <= thresholds["max_value"])
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    return cv2.morphologyEx(within.astype(np.uint8), cv2.MORPH_CLOSE, kernel).astype(bool)


#: Methods that need the image alone: functions of the image and section tissue of the config.
CLASSICAL: dict[str, Callable[[np.ndarray, Tissue], np.ndarray]] = {
    "otsu": lambda image, settings: otsu(image),
    "hsv": lambda image, settings: hsv(image, settings["hsv"]),
}
#: Methods by networks; `networks.BUILDERS` has a function for each.
LEARNED = ("fpn", "deeplab", "grandqc")
CONTOURS = "contours"
#: Keys of section tissue that only some methods read.
READ_BY = {
    "contours_frame": (CONTOURS,),
    "hsv": ("hsv",),
    "fpn": ("fpn",),
    "sha256": LEARNED,
    "threshold": LEARNED,
}


def segment(slide, mpp: float, overview: Overview, settings: Tissue) -> np.ndarray:
    """Boolean mask of the tissue in the overview, height x width; `settings`: section tissue of the config.

    `mpp`: the slide's, at level 0. Networks read the slide again, at their own resolution. Raises MethodUnusable.
    """
    method = settings["method"]
    if method in CLASSICAL:
        return CLASSICAL[method](overview.image, settings)
    return _learned().segment(slide, mpp, overview, settings)


def find_artefacts(slide, mpp: float, overview: Overview, tissue: np.ndarray, settings: Tissue) -> np.ndarray | None:
    """Class codes (uint8, as `classes.CLASSES`; 0 for none) of the artefact model, or None if the config names none."""
    if not settings.get("artefacts", {}).get("weights"):
        return None
    return _learned().find_artefacts(slide, mpp, overview, tissue, settings)


def _learned():
    """The module of networks. Imported on demand: classical methods need no torch."""
    try:
        from . import learned
    except ImportError as error:
        raise MethodUnusable(f"networks need PyTorch (envs/segmentation.yaml): {error}") from error
    return learned


def inputs_of(settings: Tissue, contours: Path | None) -> dict[str, Any]:
    """The part of section tissue that decides a slide's result: weights and given contours by contents, not by path."""
    method, artefacts = settings["method"], settings.get("artefacts", {})
    left_out = {"weights", "contours", "artefacts", "deadline_s"}
    left_out |= {key for key, methods in READ_BY.items() if method not in methods}
    used_settings = {key: value for key, value in settings.items() if key not in left_out}
    if artefacts.get("weights"):
        used_settings["artefacts"] = {key: value for key, value in artefacts.items() if key != "weights"}
    elif method not in LEARNED:
        used_settings.pop("overlap", None)
    if method == CONTOURS:
        used_settings["contours"] = sha256_of(contours) if contours else ""
    return used_settings
