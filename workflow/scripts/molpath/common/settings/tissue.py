"""Section tissue of the config. `weights` and `contours` arrive as the paths where they were found."""

from __future__ import annotations

from typing import TypedDict


class Hsv(TypedDict):
    """tissue/hsv: limits of a tissue pixel in OpenCV's units."""

    hue: list[int]
    min_saturation: int
    min_value: int
    max_value: int


class Fpn(TypedDict):
    """tissue/fpn: what a feature-pyramid network was trained with."""

    encoder: str
    classes: int
    tissue_class: int
    mpp: float
    patch_size: int
    mean: list[float]
    std: list[float]


class Artefacts(TypedDict):
    """tissue/artefacts: GrandQC's artefact model."""

    weights: str
    sha256: str
    mpp: float
    alone: bool


class Quality(TypedDict):
    """tissue/quality: thresholds of quality control."""

    min_focus: float
    min_in_focus_fraction: float
    focus_windows: int
    min_brightness: float
    max_grey_fraction: float
    max_he_angle: float
    min_stain_density: float
    max_stain_density: float
    min_jpeg_quality: float


class Tissue(TypedDict):
    """Section tissue."""

    method: str
    contours: str
    contours_frame: str
    weights: str
    sha256: str
    threshold: float
    overlap: int
    deadline_s: float
    hsv: Hsv
    fpn: Fpn
    artefacts: Artefacts
    mpp: float
    min_area_mm2: float
    min_region_mm2: float
    fill_holes: bool
    quality: Quality
