"""Tissue: masks, and polygons with holes in level-0 pixels."""

import cv2
import numpy as np
from molpath.tissue.polygons import as_geojson, find_polygons, mask_of
from molpath.tissue.segmentation import otsu

PINK, GLASS = (215, 140, 180), (243, 243, 244)


def picture(size=200):
    """A pink disc with a hole of glass in it."""
    image = np.full((size, size, 3), GLASS, np.uint8)
    cv2.circle(image, (size // 2, size // 2), size // 3, PINK, -1)
    cv2.circle(image, (size // 2, size // 2), size // 10, GLASS, -1)
    return image


def test_tissue_is_found_and_glass_is_not():
    mask = otsu(picture())
    expected = (picture() == PINK).all(-1)
    assert (mask == expected).mean() > 0.98
    assert not otsu(np.full((100, 100, 3), GLASS, np.uint8)).any()


def test_polygons_keep_holes_and_lie_in_level_0_pixels():
    mask = otsu(picture())
    polygons = find_polygons(mask, (16.0, 16.0), 8.0, 1e-4, fill_holes=False)
    assert [len(rings) for rings in polygons] == [2]
    outer, hole = polygons[0]
    assert outer.max() > 16 * 150
    assert np.abs(hole.mean(0) - 16 * 100).max() < 16 * 3
    assert (mask_of(polygons, mask.shape, (16.0, 16.0)) == mask).mean() > 0.98
    assert [len(rings) for rings in find_polygons(mask, (16.0, 16.0), 8.0, 1e-4, fill_holes=True)] == [1]
    ring = as_geojson(polygons, {"inputs": "x"})["features"][0]["geometry"]["coordinates"][0]
    assert ring[0] == ring[-1]
