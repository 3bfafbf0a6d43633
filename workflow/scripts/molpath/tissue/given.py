"""Tissue polygons that another tool or a person made: GeoJSON in level-0 pixels or QuPath's, read in place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from ..common.given_text import read_json
from ..slides.bounds import Box

#: QuPath's objects that are no regions: cells and tiles are found inside tissue.
NO_REGIONS = ("detection", "cell", "tile")
#: Frames of coordinates: the slide's whole plane of level 0, the part that QuPath shows, or as the file says.
PLANE, QUPATH, AUTO = "plane", "qupath", "auto"
#: Members of a feature's properties that QuPath writes, past or present.
QUPATH_MARKS = ("objectType", "object_type", "isLocked")
#: Errors from a document that is no GeoJSON.
NO_GEOJSON = (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError)
#: Share of an edge by which polygons may reach beyond what QuPath shows.
OVERHANG = 0.01


class NoContours(Exception):
    """There are no polygons for a slide; the message says why."""


def find_contours(folder: str, slide_id: str, slide_path: str) -> Path | None:
    """The slide's file in the folder: `<slide_id>.geojson`, else by the name of the slide file, as TRIDENT names it."""
    stem = Path(slide_path).stem.removesuffix(".ome")
    for name in (slide_id, stem):
        path = Path(folder) / f"{name}.geojson"
        if path.is_file():
            return path
    return None


def read_contours(
    path: str | Path | None, folder: str, size: tuple[int, int], shown: Box | None = None, frame: str = AUTO
) -> list[list[np.ndarray]]:
    """Polygons of a GeoJSON file as `polygons.find_polygons` gives them: rings float N x 2, level-0 pixels, not closed.

    Reads what TRIDENT writes and what QuPath exports: FeatureCollection, Feature, a bare geometry, or an array of
    these; Polygon, MultiPolygon and GeometryCollection. Points and lines have no area and are ignored, as are
    QuPath's detections and its ignored classes (names that end in *). Self-crossing rings are repaired. A file
    without any feature is a slide without tissue. `size`: width and height of the slide at level 0; `shown`: the part
    that QuPath shows, all of it if None; `frame`: where coordinates begin, AUTO: as `frame_of` the file.
    Raises NoContours where there is no file (`path` None), where it is no GeoJSON, where nothing is on the slide, or
    where QuPath's polygons are beyond what it shows.
    """
    if path is None:
        raise NoContours(f"no file of this slide in {folder}")
    try:
        document = read_json(path)
        shapes = list(_shapes(document))
    except (*NO_GEOJSON, shapely.errors.ShapelyError) as error:
        raise NoContours(f"{path} is not GeoJSON of polygons: {error}") from error
    tissue_polygons = [polygon for shape in shapes for polygon in _polygons(shape)]
    if shown and shown[:2] != (0, 0) and (frame_of(document) if frame == AUTO else frame) == QUPATH:
        if frame == AUTO and reach_beyond(tissue_polygons, shown):
            raise NoContours(
                f"{path}: polygons reach beyond the {shown[2]} x {shown[3]} pixels QuPath shows of the slide; say in "
                "tissue/contours_frame whether they count from its corner (qupath) or from the slide's (plane)"
            )
        tissue_polygons = [
            shapely.transform(polygon, lambda points: points + np.array(shown[:2])) for polygon in tissue_polygons
        ]
    slide = shapely.box(0, 0, *size)
    if tissue_polygons and not any(polygon.intersects(slide) for polygon in tissue_polygons):
        raise NoContours(f"{path}: every polygon is outside the slide ({size[0]} x {size[1]} pixels at level 0)")
    return [[_points(ring) for ring in (polygon.exterior, *polygon.interiors)] for polygon in tissue_polygons]


def frame_of(document: Any) -> str:
    """The frame of a GeoJSON file: what it states (member `frame`), PLANE for files of this workflow, QUPATH for
    QuPath's objects.

    PLANE for anything else, as TRIDENT writes it.
    """
    if isinstance(document, dict) and document.get("frame") in (PLANE, QUPATH):
        return str(document["frame"])
    if isinstance(document, dict) and "molpath" in document:
        return PLANE
    return QUPATH if is_of_qupath(document) else PLANE


def is_of_qupath(document: Any) -> bool:
    """True if a feature anywhere in GeoJSON has a property that QuPath writes."""
    if isinstance(document, list):
        return any(map(is_of_qupath, document))
    return any(mark in (document.get("properties") or {}) for mark in QUPATH_MARKS) or is_of_qupath(
        document.get("features") or []
    )


def reach_beyond(tissue_polygons: list[shapely.Polygon], shown: Box) -> bool:
    """True if a polygon in QuPath's frame is beyond what it shows by more than OVERHANG."""
    width, height = shown[2:]
    bounds = [polygon.bounds for polygon in tissue_polygons]
    return any(
        left < -OVERHANG * width
        or top < -OVERHANG * height
        or right > (1 + OVERHANG) * width
        or low > (1 + OVERHANG) * height
        for left, top, right, low in bounds
    )


def _shapes(document: Any) -> Iterator[shapely.Geometry]:
    """Geometries of whatever GeoJSON allows at the top."""
    if isinstance(document, list):
        for item in document:
            yield from _shapes(item)
    elif document["type"] == "FeatureCollection":
        yield from _shapes(document["features"])
    elif document["type"] == "Feature":
        if document.get("geometry") and is_region(document.get("properties") or {}):
            yield from _shapes(document["geometry"])
    else:
        yield shapely.force_2d(shapely.from_geojson(json.dumps(document)))


def is_region(properties: dict[str, Any]) -> bool:
    """False for QuPath's detections, and for annotations of a class that QuPath ignores."""
    named = properties.get("classification") or {}
    name = named.get("name") if isinstance(named, dict) else named
    return properties.get("objectType") not in NO_REGIONS and not str(name or "").endswith("*")


def _polygons(shape: shapely.Geometry) -> list[shapely.Polygon]:
    """Valid polygons with an area in a geometry of any kind."""
    parts = shapely.get_parts(shape)
    if len(parts) > 1 or (len(parts) == 1 and parts[0].geom_type != shape.geom_type):
        return [polygon for part in parts for polygon in _polygons(part)]
    if not shape.is_valid:
        repaired = shapely.make_valid(shape)
        return _polygons(repaired) if repaired.is_valid else []
    return [shape] if shape.geom_type == "Polygon" and shape.area > 0 else []


def _points(ring: shapely.LinearRing) -> np.ndarray:
    return np.asarray(ring.coords, float)[:-1]
