"""Marks, folds, bubbles and dust on the low-resolution image, distinguished from tissue by what they absorb.

All functions use optical density in hundredths (`stain.Density`). Haematoxylin and eosin absorb green most and blue
least or red least; what absorbs red or all three colours alike is neither.
"""

from __future__ import annotations

import cv2
import numpy as np

from .stain import Density

#: Least area of a pen mark, a fold and a bubble, in mm2.
PEN_MM2, FOLD_MM2, BUBBLE_MM2 = 0.02, 0.008, 0.04
#: Least optical density (hundredths) by which the rim of a bubble exceeds that on both sides of it.
RIM = 20
#: Thickness in µm above which something dark is no line.
BROAD = 150.0
#: Width of a bubble's rim in µm, and the least share of its convex hull that a bubble fills.
RIM_WIDTH, COMPACT = 60.0, 0.75
#: Micrometres per pixel at which folds are looked for: nuclei vanish, bands remain.
FOLD_MPP = 16.0
#: How much more eosin, and how much more of all, a fold has than the section nearby.
FOLDED = (1.4, 1.2)
#: Window in which a fold is compared with its surroundings, in pixels of 32 µm.
NEARBY = 31
#: Least area of a band, in squares of its thickness.
ELONGATED = 1.5
#: Margin around a finding, in µm: its edge is half artefact.
MARGIN = 16.0


def round_kernel(micrometres: float, mpp: float) -> np.ndarray:
    """A disc of about this diameter, for OpenCV's morphology."""
    size = max(1, round(micrometres / mpp)) | 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))


def parts_of(mask: np.ndarray):
    """Label image and, for each part of a mask (uint8), its statistics as OpenCV gives them (background left out)."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    return labels, stats[1:]


def kept_parts(labels: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Boolean mask of the parts (labelled from 1) for which `keep` is true."""
    return np.concatenate([[False], keep])[labels]


def grown(mask: np.ndarray, mpp: float) -> np.ndarray:
    """The mask and a margin around it."""
    return cv2.dilate(mask.astype(np.uint8), round_kernel(2 * MARGIN, mpp)).astype(bool)


def find_pen(density: Density, mpp: float) -> np.ndarray:
    """Boolean mask of coloured ink: blue and green by the red they absorb, red where it is dense.

    Blue ink differs from haematoxylin, which absorbs more green than red. Red ink absorbs blue nearly as green, and
    much of both; a pale red mark cannot be distinguished from eosin or blood, and yellow or brown ink is not looked
    for.
    """
    red, green, blue = density.red, density.green, density.blue
    ink = red > line(green, 0.7, 12)
    ink |= (blue > line(green, 0.65, 10)) & (red < line(green, 0.4, 0)) & (green > 85)
    mask = cv2.morphologyEx(ink.astype(np.uint8), cv2.MORPH_OPEN, round_kernel(24, mpp))
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, round_kernel(56, mpp))
    labels, stats = parts_of(mask)
    area = stats[:, cv2.CC_STAT_AREA]
    black = np.bincount(labels[opaque(density)], minlength=len(area) + 1)[1:]
    return grown(kept_parts(labels, (area * mpp**2 >= PEN_MM2 * 1e6) & (black < 0.8 * area)), mpp)


def opaque(density: Density) -> np.ndarray:
    """Boolean mask of pixels that absorb all three colours, more than tissue as dark as they are."""
    return density.lowest > line(density.highest, 0.5, 15)


def line(plane: np.ndarray, slope: float, offset: float) -> np.ndarray:
    """slope x plane + offset (uint8), through a table of the 256 values: faster than in floating point."""
    return cv2.LUT(plane, np.clip(np.round(slope * np.arange(256) + offset), 0, 255).astype(np.uint8))


def find_bubbles(density: Density, mpp: float) -> np.ndarray:
    """Boolean mask of air bubbles, rims included: what thin dark lines close in, if it is as compact as a bubble.

    The rim bends all light away, so it is dark in the colour that tissue absorbs least, more than anything nearby.
    The border of the picture closes a bubble too, if it is less than a quarter of the picture.
    """
    edges = cv2.morphologyEx(density.lowest, cv2.MORPH_TOPHAT, round_kernel(150, mpp)) > RIM
    dark: np.ndarray = opaque(density).astype(np.uint8)
    broad: np.ndarray = cv2.morphologyEx(dark, cv2.MORPH_OPEN, round_kernel(BROAD, mpp))
    rim: np.ndarray = cv2.morphologyEx((edges | dark) & ~broad, cv2.MORPH_CLOSE, round_kernel(40, mpp))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(1 - rim, connectivity=4)
    bubbles = np.zeros_like(rim)
    for index, (left, top, width, height, area) in enumerate(stats[1:].tolist(), 1):
        inner = left > 0 and top > 0 and left + width < rim.shape[1] and top + height < rim.shape[0]
        if area * mpp**2 < BUBBLE_MM2 * 1e6 or (area > rim.size / 4 and not inner):
            continue
        window = np.s_[top : top + height, left : left + width]
        cell = (labels[window] == index).astype(np.uint8)
        contours, _ = cv2.findContours(cell, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        inside = sum(map(cv2.contourArea, contours))
        if inside > COMPACT * cv2.contourArea(cv2.convexHull(np.concatenate(contours))):
            bubbles[window] |= cv2.drawContours(cell, contours, -1, 1, -1)
    return cv2.dilate(bubbles, round_kernel(2 * RIM_WIDTH, mpp)).astype(bool)


def find_opaque(density: Density, excluded: np.ndarray, mpp: float) -> dict[str, np.ndarray]:
    """Boolean masks of what absorbs all colours alike: black `pen`, `edge_or_bubble`, and `dark` specks and fibres.

    What is broad and long is ink, what is thin and straight over millimetres the edge of a coverslip. `excluded`: mask
    (bool) of what already has a class.
    """
    mask = cv2.morphologyEx((opaque(density) & ~excluded).astype(np.uint8), cv2.MORPH_CLOSE, round_kernel(24, mpp))
    labels, stats = parts_of(mask)
    kinds = np.array(
        [opaque_kind(labels, index, component, mpp) for index, component in enumerate(stats.tolist(), 1)], str
    )
    return {name: grown(kept_parts(labels, kinds == name), mpp) for name in ("pen", "edge_or_bubble", "dark")}


def opaque_kind(labels: np.ndarray, index: int, stats: list[int], mpp: float) -> str:
    """Class of one opaque part; empty if it is too small to name."""
    left, top, width, height, area = stats
    if area * mpp**2 < 600:
        return ""
    part = np.pad((labels[top : top + height, left : left + width] == index).astype(np.uint8), 1)
    broad = cv2.morphologyEx(part, cv2.MORPH_OPEN, round_kernel(BROAD, mpp))
    if broad.any() and max(sides_of(broad)) * mpp >= 1000:
        return "pen"
    long, short = max(sides_of(part)) * mpp, min(sides_of(part)) * mpp
    return "edge_or_bubble" if long >= 2000 and short < 0.1 * long else "dark"


def sides_of(part: np.ndarray) -> tuple[float, float]:
    """Sides of the smallest rectangle around the pixels of a mask."""
    width, height = cv2.minAreaRect(np.argwhere(part).astype(np.float32))[1]
    return width, height


def find_folds(density: Density, tissue: np.ndarray, mpp: float) -> np.ndarray:
    """Boolean mask of folds: bands in which the section overlaps itself, so that both stains are twice as dense.

    Measured against the section nearby (`ratio_to_nearby`), so that it adapts to stain and tissue. Dense nuclei have
    no more eosin than their surroundings; blood and necrosis have, but are blots and not bands.
    """
    factor = max(1, round(FOLD_MPP / mpp))
    shape, mpp = density.red.shape, mpp * factor
    size = max(1, shape[1] // factor), max(1, shape[0] // factor)
    red, green, share = (
        cv2.resize(plane, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        for plane in (density.red, density.green, tissue.astype(np.uint8) * 255)
    )
    inside = share > 127
    eosin = np.maximum(green - 1.05 * red, 0)
    denser = (ratio_to_nearby(eosin, inside, mpp) > FOLDED[0]) & (ratio_to_nearby(green, inside, mpp) > FOLDED[1])
    mask = cv2.morphologyEx((denser & inside).astype(np.uint8), cv2.MORPH_CLOSE, round_kernel(48, mpp))
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, round_kernel(48, mpp))
    labels, stats = parts_of(mask)
    keep = [is_band(labels, index, component, mpp) for index, component in enumerate(stats.tolist(), 1)]
    bands: np.ndarray = grown(kept_parts(labels, np.array(keep, bool)), mpp).astype(np.uint8)
    bands = cv2.morphologyEx(bands, cv2.MORPH_CLOSE, round_kernel(150, mpp))  # lumens and mucin within the fold
    return cv2.resize(bands, shape[::-1], interpolation=cv2.INTER_NEAREST).astype(bool) & tissue


def is_band(labels: np.ndarray, index: int, stats: list[int], mpp: float) -> bool:
    """Whether a part is large enough, thin enough and longer than it is thick."""
    left, top, width, height, area = stats
    if area * mpp**2 < FOLD_MM2 * 1e6:
        return False
    part = np.pad((labels[top : top + height, left : left + width] == index).astype(np.uint8), 1)
    thickness = 2 * float(cv2.distanceTransform(part, cv2.DIST_L2, 3).max())
    return thickness * mpp < 600 and area > ELONGATED * thickness**2


def ratio_to_nearby(plane: np.ndarray, tissue: np.ndarray, mpp: float) -> np.ndarray:
    """A density (float32) over its median within half a millimetre of tissue."""
    factor = max(1, round(32 / mpp))
    size = max(1, plane.shape[1] // factor), max(1, plane.shape[0] // factor)
    middle = float(np.median(plane[tissue])) if tissue.any() else 1.0
    share = cv2.resize(tissue.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    amount = cv2.resize(plane * tissue, size, interpolation=cv2.INTER_AREA)
    # Glass takes the mean of the tissue nearby, so that it does not count.
    window = (NEARBY, NEARBY)
    mean = (cv2.blur(amount, window) + 0.001 * middle) / (cv2.blur(share, window) + 0.001)
    small = np.where(share > 0.5, amount / np.maximum(share, 0.5), mean)
    nearby = cv2.medianBlur(np.clip(small, 0, 255).astype(np.uint8), NEARBY).astype(np.float32)
    nearby = np.maximum(cv2.resize(nearby, plane.shape[::-1], interpolation=cv2.INTER_LINEAR), 0.5 * middle)
    return plane / np.maximum(nearby, 3)
