"""Grids: TRIDENT's own coordinates reproduced, and properties that hold for any polygon."""

import json

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from molpath.tiles.grid import class_shares, edges_level0, lay_grid, tissue_shares

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
