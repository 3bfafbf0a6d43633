"""Given polygons: every shape that QuPath and TRIDENT write, repaired where they cross, read back as the same mask."""

import json

import cv2
import numpy as np
import pytest
from molpath.tissue.given import NoContours, find_contours, read_contours
from molpath.tissue.polygons import as_geojson, find_polygons, mask_of

SIZE = (2220, 2967)
OUTER = [[100, 100], [900, 100], [900, 800], [100, 800], [100, 100]]
HOLE = [[300, 300], [500, 300], [500, 500], [300, 500], [300, 300]]
FAR = [[1200, 1200], [1500, 1200], [1500, 1500], [1200, 1200]]


def feature(geometry, **properties):
    """As QuPath 0.5 exports an annotation."""
    return {"type": "Feature", "id": "188c53c6", "geometry": geometry, "properties": properties}


def polygon(*rings):
    return {"type": "Polygon", "coordinates": list(rings)}


def read(folder, document, size=SIZE):
    path = folder / "S.geojson"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return read_contours(path, str(folder), size)


def areas(polygons):
    """Area of each polygon, holes taken off, in level-0 pixels."""
    return [
        cv2.contourArea(rings[0].astype(np.float32)) - sum(cv2.contourArea(r.astype(np.float32)) for r in rings[1:])
        for rings in polygons
    ]


TISSUE = {"objectType": "annotation", "classification": {"name": "Tissue", "color": [0, 200, 0]}}
ONE = feature(polygon(OUTER, HOLE), **TISSUE)
TWO = feature({"type": "MultiPolygon", "coordinates": [[OUTER, HOLE], [FAR]]}, objectType="annotation")
FORMS = {
    "feature collection": ({"type": "FeatureCollection", "features": [ONE]}, [520000]),
    "bare feature": (ONE, [520000]),
    "array of features": ([ONE, feature(polygon(FAR))], [520000, 45000]),
    "multipolygon": (TWO, [520000, 45000]),
    "bare geometry": (polygon(OUTER), [560000]),
    "geometry collection": (
        feature({"type": "GeometryCollection", "geometries": [polygon(FAR), {"type": "Point", "coordinates": [1, 2]}]}),
        [45000],
    ),
    "with heights": (polygon([[x, y, 0] for x, y in OUTER]), [560000]),
    "points and lines": (
        [feature({"type": "Point", "coordinates": [5, 5]}), feature({"type": "LineString", "coordinates": OUTER}), ONE],
        [520000],
    ),
    "detections": ([feature(polygon(FAR), objectType="detection"), ONE], [520000]),
    "ignored class": ([feature(polygon(FAR), classification={"name": "Ignore*"}), ONE], [520000]),
    "old class": ([feature(polygon(FAR), classification="Tumor"), ONE], [45000, 520000]),
    "no tissue": ({"type": "FeatureCollection", "features": []}, []),
    "no geometry": ([feature(None), ONE], [520000]),
    "byte order mark": ("\ufeff" + json.dumps(ONE), [520000]),
    "bow tie": (polygon([[0, 0], [100, 100], [100, 0], [0, 100], [0, 0]]), [2500, 2500]),
    "no area": ([feature(polygon([[0, 0], [9, 9], [0, 0], [0, 0]])), ONE], [520000]),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read(form, tmp_path):
    document, expected = FORMS[form]
    assert areas(read(tmp_path, document)) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text", ["", "{", '"text"', "{}", '{"type": "Polygon"}', '{"type": "Polygon", "coordinates": 3}']
)
def test_what_is_no_geojson_is_told(text, tmp_path):
    with pytest.raises(NoContours, match="no GeoJSON of polygons"):
        read(tmp_path, text)


def test_polygons_of_another_scale_are_told(tmp_path):
    with pytest.raises(NoContours, match=r"beyond the slide \(50 x 60 pixels"):
        read(tmp_path, ONE, (50, 60))
    with pytest.raises(NoContours, match="no file of this slide"):
        read_contours(None, str(tmp_path), SIZE)


def test_files_are_found_by_slide_or_by_the_name_tools_use(tmp_path):
    for name in ("S1", "TCGA-AB-1234.uuid", "scan"):
        (tmp_path / f"{name}.geojson").write_text("[]")
    assert find_contours(str(tmp_path), "S1", "/data/scan.svs").name == "S1.geojson"
    assert find_contours(str(tmp_path), "S2", "/data/TCGA-AB-1234.uuid.svs").name == "TCGA-AB-1234.uuid.geojson"
    assert find_contours(str(tmp_path), "S2", "/data/scan.ome.tiff").name == "scan.geojson"
    assert find_contours(str(tmp_path), "S2", "/data/other.svs") is None


def test_tridents_own_polygon_is_kept_as_it_is(shared_data):
    path = shared_data / "parity/trident/cmu_hole.geojson"
    (rings,) = read_contours(path, "", SIZE)
    written = json.loads(path.read_text())["features"][0]["geometry"]["coordinates"]
    assert [ring.tolist() for ring in rings] == [ring[:-1] for ring in written]


def test_what_we_write_reads_back_as_the_same_mask(tmp_path):
    mask = np.zeros((371, 278), np.uint8)
    cv2.circle(mask, (130, 180), 100, 1, -1)
    cv2.circle(mask, (130, 180), 40, 0, -1)
    cv2.circle(mask, (130, 180), 15, 1, -1)  # an island in the hole
    cv2.ellipse(mask, (240, 40), (30, 20), 20, 0, 360, 1, -1)
    scale = SIZE[0] / 278, SIZE[1] / 371
    first = find_polygons(mask.astype(bool), scale, 8.0, 0.0, fill_holes=False)
    assert np.array_equal(mask_of(first, mask.shape, scale), mask.astype(bool))
    document = as_geojson(first, {"inputs": "x", "code": "y"})
    again = read(tmp_path, document)
    assert as_geojson(again, {"inputs": "x", "code": "y"}) == document
    assert np.array_equal(mask_of(again, mask.shape, scale), mask.astype(bool))
