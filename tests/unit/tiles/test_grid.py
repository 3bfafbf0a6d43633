"""Grids: TRIDENT's own coordinates reproduced, and properties that hold for any polygon."""

import json

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from molpath.tiles.grid import class_shares, edges_level0, lay_grid
from molpath.tiles.tiling import DROPPED, choose_patches, count_dropped
from molpath.tiles.tissue_shares import tissue_shares
from PIL import Image

GRIDS = [
    "20x_512px_0px_0.0",
    "20x_256px_0px_0.0",
    "20x_256px_64px_0.0",
    "10x_256px_0px_0.0",
    "20x_256px_0px_0.5",
    "5x_224px_0px_0.0",
]


@pytest.mark.parametrize("name", GRIDS)
def test_coordinates_are_those_of_trident(shared_data, name):
    """Six grids on a polygon with a hole, as TRIDENT 0.3.0 laid them."""
    document = json.loads((shared_data / "parity/trident/cmu_hole.geojson").read_text())
    polygons = [shapely.geometry.shape(feature["geometry"]) for feature in document["features"]]
    expected = json.loads((shared_data / "parity/trident/cmu_hole.json").read_text())[f"cmu_hole/{name}"]
    attributes = expected["attrs"]
    least = float(name.rsplit("_", 1)[1])
    grid = {"patch_size": attributes["patch_size"], "overlap": attributes["overlap"], "scale": "magnification"}
    grid |= {"magnification": attributes["target_magnification"], "mpp": None}
    edge, step = edges_level0(grid, 0.499, attributes["level0_magnification"])
    corners = lay_grid(attributes["level0_width"], attributes["level0_height"], edge, step)
    shares = tissue_shares(corners, edge, polygons)
    kept = corners[~np.isnan(shares) if least == 0 else np.nan_to_num(shares) >= least]
    assert edge == attributes["patch_size_level0"]
    assert kept.dtype == np.int64
    assert kept.tolist() == expected["coords"]


@pytest.mark.parametrize(
    ("scale", "target", "mpp", "edge", "step"),
    [
        ("mpp", None, 0.25, 1024, 896),
        ("mpp", None, 0.2325, 1101, 963),  # 512 x 0.5 / 0.2325 = 1101.1; 64 x 0.5 / 0.2325 = 137.6
        ("mpp", 0.65, 0.2527, 1317, 1152),
        ("magnification", None, 0.2325, 1024, 896),
    ],
)
def test_patches_keep_their_physical_size_or_tridents(scale, target, mpp, edge, step):
    grid = {"patch_size": 512, "overlap": 64, "magnification": 20, "scale": scale, "mpp": target}
    assert edges_level0(grid, mpp, 40) == (edge, step)


@settings(max_examples=40, deadline=None)
@given(st.integers(50, 400), st.integers(50, 400), st.integers(16, 64), st.data())
def test_every_part_of_the_tissue_is_covered(width, height, edge, data):
    x, y = data.draw(st.integers(0, width - 10)), data.draw(st.integers(0, height - 10))
    polygon = shapely.box(x, y, x + 10, y + 10)
    corners = lay_grid(width, height, edge, edge)
    shares = tissue_shares(corners, edge, [polygon])
    assert np.nansum(shares) * edge**2 == pytest.approx(100)


def test_share_of_dropped_classes_is_counted_exactly():
    classes = np.ones((20, 20), np.uint8)
    classes[:10, :5] = 4
    corners = np.array([[0, 0], [100, 0], [0, 100]])
    shares = class_shares(corners, 100, classes, (10.0, 10.0), [4, 6])
    np.testing.assert_allclose(shares, [0.5, 0, 0])


def test_dropped_patches_are_counted_for_the_class_that_covers_most():
    shares = np.array([[0.6, 0.3, 0.0], [0.0, 0.4, 0.9], [0.3, 0.2, 0.1]])
    counts = count_dropped(shares, ["pen", "out_of_focus", "fold"])
    assert counts == dict.fromkeys(DROPPED, 0) | {"n_dropped_pen": 1, "n_dropped_out_of_focus": 2}
    assert sum(count_dropped(np.zeros((0, 0)), []).values()) == 0


@pytest.mark.parametrize(("drop", "kept"), [(["pen"], 3), (["pen", "fold"], 2), ([], 4)])
def test_patches_lose_their_place_to_the_classes_named(tmp_path, drop, kept):
    """Four patches of 100 px: one under ink, one two thirds folded, one a third; the manifest says which cost what."""
    classes = np.ones((20, 20), np.uint8)
    classes[:10, :10] = 4
    classes[:10, 13:] = 2
    classes[17:, :10] = 2
    Image.fromarray(classes).save(tmp_path / "q.png")
    polygon = {"type": "Polygon", "coordinates": [[[0, 0], [199, 0], [199, 199], [0, 199], [0, 0]]]}
    (tmp_path / "c.geojson").write_text(json.dumps({"features": [{"geometry": polygon}]}))
    grid = {"patch_size": 100, "overlap": 0, "magnification": 20, "mpp": None, "scale": "mpp", "min_tissue": 0.0}
    grid |= {"drop": drop, "max_dropped_fraction": 0.5}
    inspected = {"width": "200", "height": "200", "mpp": "0.5", "magnification": "20"}
    row = {"slide_id": "s", "contours": "c.geojson", "quality": "q.png"}
    coords, _, counts = choose_patches(inspected, tmp_path, row, grid)
    assert len(coords) == counts["n_patches"] == kept
    assert counts["n_dropped_pen"] == ("pen" in drop)
    assert sum(counts[name] for name in DROPPED) == counts["n_dropped_quality"] == 4 - kept
