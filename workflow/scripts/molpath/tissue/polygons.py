"""Polygons of tissue in level-0 pixels: from masks, back to masks, and as GeoJSON."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np


def find_polygons(
    mask: np.ndarray, scale: tuple[float, float], mpp: float, min_region_mm2: float, fill_holes: bool
) -> list[list[np.ndarray]]:
    """Polygons of a boolean mask, each a list of rings (outer first, then holes): float N x 2, level-0 pixels.

    `scale`: level-0 pixels to one mask pixel in x and y; `mpp`: micrometres to one mask pixel. Regions and holes
    under `min_region_mm2` are left out.
    """
    min_pixels = min_region_mm2 * 1e6 / mpp**2
    contours, hierarchy = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    polygons = []
    for index, contour in enumerate(contours):
        if hierarchy[0][index][3] != -1 or len(contour) < 3 or cv2.contourArea(contour) < min_pixels:
            continue
        rings = [contour]
        hole = hierarchy[0][index][2]
        while hole != -1 and not fill_holes:
            if len(contours[hole]) >= 3 and cv2.contourArea(contours[hole]) >= min_pixels:
                rings.append(contours[hole])
            hole = hierarchy[0][hole][0]
        polygons.append([(ring[:, 0, :] + 0.5) * np.asarray(scale) for ring in rings])
    return polygons


def mask_of(polygons: list[list[np.ndarray]], shape: tuple[int, int], scale: tuple[float, float]) -> np.ndarray:
    """Boolean mask of polygons in level-0 pixels, drawn at `shape` (height, width)."""
    canvas = np.zeros(shape, np.uint8)
    for rings in polygons:
        # All rings at once: the inside of a hole stays empty, its edge and other polygons within it stay tissue.
        cv2.fillPoly(canvas, [np.round(ring / np.asarray(scale) - 0.5).astype(np.int32) for ring in rings], 1)
    return canvas.astype(bool)


def as_geojson(polygons: list[list[np.ndarray]], stamp: dict[str, Any]) -> dict[str, Any]:
    """FeatureCollection in TRIDENT's shape: one Polygon per region with `tissue_id`, level-0 pixels, closed rings."""
    features = []
    for index, rings in enumerate(polygons):
        closed = [np.vstack([ring, ring[:1]]).tolist() for ring in rings]
        features.append(
            {
                "type": "Feature",
                "properties": {"tissue_id": index},
                "geometry": {"type": "Polygon", "coordinates": closed},
            }
        )
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}
    return {"type": "FeatureCollection", "crs": crs, "frame": "plane", "molpath": stamp, "features": features}
