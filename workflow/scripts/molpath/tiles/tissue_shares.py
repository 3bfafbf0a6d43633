"""How much of each patch is in the tissue polygons."""

from __future__ import annotations

import numpy as np
import shapely


def tissue_shares(corners: np.ndarray, edge: int, polygons: list) -> np.ndarray:
    """Share of each patch (float N) in the polygons; NaN where it doesn't touch them at all."""
    union = shapely.union_all([shapely.make_valid(polygon) for polygon in polygons])
    shapely.prepare(union)
    boxes = shapely.box(corners[:, 0], corners[:, 1], corners[:, 0] + edge, corners[:, 1] + edge)
    shares = np.full(len(corners), np.nan)
    touching = shapely.intersects(union, boxes)
    shares[touching] = shapely.area(shapely.intersection(boxes[touching], union)) / edge**2
    return shares
