"""Given polygons: every shape that QuPath and TRIDENT write, repaired where they cross, read back as the same mask."""

import json

import cv2
import numpy as np
import pytest
from hostile_files import compact, geojson_nested, nested_json
from molpath.slides.bounds import shown_in_qupath
from molpath.slides.readers import open_slide
from molpath.tissue.assessment import measure
from molpath.tissue.given import NoContours, find_contours, read_contours
from molpath.tissue.polygons import as_geojson, find_polygons, mask_of
from PIL import Image

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
TISSUE_FEATURE = feature(polygon(OUTER, HOLE), **TISSUE)
TWO = feature({"type": "MultiPolygon", "coordinates": [[OUTER, HOLE], [FAR]]}, objectType="annotation")
FORMS = {
    "feature collection": ({"type": "FeatureCollection", "features": [TISSUE_FEATURE]}, [520000]),
    "bare feature": (TISSUE_FEATURE, [520000]),
    "array of features": ([TISSUE_FEATURE, feature(polygon(FAR))], [520000, 45000]),
    "multipolygon": (TWO, [520000, 45000]),
    "bare geometry": (polygon(OUTER), [560000]),
    "geometry collection": (
        feature({"type": "GeometryCollection", "geometries": [polygon(FAR), {"type": "Point", "coordinates": [1, 2]}]}),
        [45000],
    ),
    "with heights": (polygon([[x, y, 0] for x, y in OUTER]), [560000]),
    "points and lines": (
        [
            feature({"type": "Point", "coordinates": [5, 5]}),
            feature({"type": "LineString", "coordinates": OUTER}),
            TISSUE_FEATURE,
        ],
        [520000],
    ),
    "detections": ([feature(polygon(FAR), objectType="detection"), TISSUE_FEATURE], [520000]),
    "ignored class": ([feature(polygon(FAR), classification={"name": "Ignore*"}), TISSUE_FEATURE], [520000]),
    "old class": ([feature(polygon(FAR), classification="Tumor"), TISSUE_FEATURE], [45000, 520000]),
    "no tissue": ({"type": "FeatureCollection", "features": []}, []),
    "no geometry": ([feature(None), TISSUE_FEATURE], [520000]),
    "byte order mark": ("\ufeff" + json.dumps(TISSUE_FEATURE), [520000]),
    "bow tie": (polygon([[0, 0], [100, 100], [100, 0], [0, 100], [0, 0]]), [2500, 2500]),
    "no area": ([feature(polygon([[0, 0], [9, 9], [0, 0], [0, 0]])), TISSUE_FEATURE], [520000]),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read(form, tmp_path):
    document, expected = FORMS[form]
    assert areas(read(tmp_path, document)) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text", ["", "{", '"text"', "{}", '{"type": "Polygon"}', '{"type": "Polygon", "coordinates": 3}']
)
def test_what_is_no_geojson_is_reported(text, tmp_path):
    with pytest.raises(NoContours, match="not GeoJSON of polygons"):
        read(tmp_path, text)


def test_polygons_of_another_scale_are_reported(tmp_path):
    with pytest.raises(NoContours, match=r"outside the slide \(50 x 60 pixels"):
        read(tmp_path, TISSUE_FEATURE, (50, 60))
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


#: What QuPath shows of a slide that was scanned from (600, 1100) on.
SHOWN = (600, 1100, 1200, 1300)
PLAIN = {"type": "FeatureCollection", "features": [feature(polygon(OUTER), tissue_id=0)]}


def corner(folder, document, frame="auto", shown=SHOWN):
    """Left top corner of the first polygon."""
    path = folder / "S.geojson"
    path.write_text(json.dumps(document))
    ((ring, *_), *_) = read_contours(path, str(folder), SIZE, shown, frame)
    return ring.min(axis=0).tolist()


@pytest.mark.parametrize(
    ("document", "frame", "expected"),
    [
        (TISSUE_FEATURE, "auto", [700, 1200]),
        ([TISSUE_FEATURE], "auto", [700, 1200]),
        ({"type": "FeatureCollection", "features": [TISSUE_FEATURE]}, "auto", [700, 1200]),
        (feature(polygon(OUTER), isLocked=False), "auto", [700, 1200]),  # QuPath 0.2
        (TISSUE_FEATURE, "plane", [100, 100]),
        (PLAIN, "auto", [100, 100]),  # TRIDENT
        (PLAIN, "qupath", [700, 1200]),
        (PLAIN | {"frame": "qupath"}, "auto", [700, 1200]),
        ({"type": "FeatureCollection", "frame": "plane", "features": [TISSUE_FEATURE]}, "auto", [100, 100]),
        (as_geojson([[np.array(OUTER[:-1], float)]], {"inputs": "x"}), "auto", [100, 100]),
    ],
)
def test_polygons_of_qupath_begin_at_the_corner_of_what_it_shows(tmp_path, document, frame, expected):
    """On MRXS, SCN and BIF they were read as pixels of the whole plane, a third of a slide off the tissue."""
    assert corner(tmp_path, document, frame) == expected
    assert corner(tmp_path, document, frame, shown=(0, 0, *SIZE)) == [100, 100]


def test_polygons_that_qupath_could_not_have_drawn_are_asked_about(tmp_path):
    beyond = feature(polygon([[700, 1200], [1500, 1200], [1500, 2000], [700, 1200]]), objectType="annotation")
    with pytest.raises(
        NoContours, match=r"beyond the 1200 x 1300 pixels QuPath shows of the slide; say in tissue/contours_frame"
    ):
        corner(tmp_path, beyond)
    assert corner(tmp_path, beyond, "plane") == [700, 1200]


def test_given_polygons_of_a_cropped_slide_are_on_its_tissue(tmp_path, tissue_settings):
    """A square of tissue, drawn in QuPath, which shows the slide from (300, 200) on."""
    picture = np.full((800, 1000, 3), 240, np.uint8)
    picture[300:500, 450:700] = (150, 60, 140)
    Image.fromarray(picture).save(tmp_path / "s.png")
    slide = open_slide(tmp_path / "s.png")
    numbers = {"x": "300", "y": "200", "width": "600", "height": "500"}
    slide.properties = {"openslide.vendor": "mirax"} | {f"openslide.bounds-{n}": value for n, value in numbers.items()}
    drawn = [[150, 100], [400, 100], [400, 300], [150, 300], [150, 100]]
    (tmp_path / "s.geojson").write_text(json.dumps(feature(polygon(drawn), objectType="annotation")))
    settings = tissue_settings | {"method": "contours", "contours": str(tmp_path)}
    measured = measure(slide, 1.0, settings, tmp_path / "s.geojson")
    np.testing.assert_array_equal(measured.polygons[0][0].min(axis=0), [450, 300])
    np.testing.assert_array_equal(measured.polygons[0][0].max(axis=0), [700, 500])
    assert measured.area_mm2 == pytest.approx(0.05, rel=0.1)


def test_what_qupath_shows():
    numbers = {"x": "300", "y": "200", "width": "600", "height": "5000"}
    properties = {f"openslide.bounds-{name}": value for name, value in numbers.items()}
    for vendor in ("mirax", "leica", "ventana"):
        more = {"openslide.vendor": vendor}
        assert shown_in_qupath(properties | more, (1000, 800)) == (300, 200, 600, 600)
        assert shown_in_qupath({"openslide.bounds-x": "300"} | more, (1000, 800)) == (0, 0, 1000, 800)
    assert shown_in_qupath(properties | {"openslide.vendor": "zeiss"}, (1000, 800)) == (0, 0, 1000, 800)


@pytest.mark.parametrize("text", [nested_json(), geojson_nested(), geojson_nested(900), compact([[[FAR]]])])
def test_geojson_that_nests_without_end_is_reported(text, tmp_path):
    (tmp_path / "a.geojson").write_text(text)
    with pytest.raises(NoContours, match=r"a\.geojson is not GeoJSON"):
        read_contours(tmp_path / "a.geojson", "folder", SIZE)
