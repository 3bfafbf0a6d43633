"""Coordinate files are recorded, and none is made of masks that are others than the stage tissue left."""

import json

import numpy as np
import pytest
from molpath.common.files import fingerprint
from molpath.common.manifests import accepted, set_aside, write_manifest
from molpath.common.record import ChangedFile, Record
from molpath.tiles.grid import class_shares
from molpath.tiles.tiling import DROPPABLE, tile_shard, tile_slide
from molpath.tissue.classes import CLASSES
from PIL import Image

GRID = {"name": "20x", "patch_size": 32, "magnification": 20, "mpp": None, "scale": "mpp", "overlap": 0}
GRID |= {"min_tissue": 0.5, "drop": [], "max_dropped_fraction": 0.5, "coords": ""}
INSPECTED = {"width": "128", "height": "64", "mpp": "0.5", "magnification": "20"}
SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [64, 0], [64, 64], [0, 64], [0, 0]]]}


@pytest.fixture
def row(tmp_path):
    """A slide's row of the stage tissue: its left half is tissue."""
    (tmp_path / "contours.geojson").write_text(json.dumps({"features": [{"geometry": SQUARE}]}))
    Image.fromarray(np.ones((2, 4), np.uint8)).save(tmp_path / "quality.png")
    files = {"contours": "contours.geojson", "quality": "quality.png"}
    return accepted("a", **files) | {f"{key}_fingerprint": fingerprint(tmp_path / name) for key, name in files.items()}


def tile(folder, row):
    return tile_slide(INSPECTED, row, folder, GRID, Record("00000"), "code", False)


def test_a_written_file_is_recorded(tmp_path, row):
    tiled = tile(tmp_path, row)
    assert tiled["n_patches"] == 4
    (recorded,) = Record("00000").rows(tmp_path / tiled["file"])
    assert recorded.fingerprint == tiled["fingerprint"] == fingerprint(tmp_path / tiled["file"])


@pytest.mark.parametrize("key", ["contours", "quality"])
def test_nothing_is_made_of_a_changed_mask(tmp_path, row, key):
    with open(tmp_path / row[key], "ab") as handle:
        handle.write(b" ")
    with pytest.raises(ChangedFile, match=f"{row[key]} is damaged, or was changed .* --forcerun assess_tissue"):
        tile(tmp_path, row)


def test_a_patch_under_two_artefacts_is_dropped_for_both_together(tmp_path, row):
    classes = np.full((64, 128), CLASSES["tissue"], np.uint8)
    classes[:13, :32], classes[13:26, :32] = CLASSES[DROPPABLE[0]], CLASSES[DROPPABLE[1]]
    Image.fromarray(classes).save(tmp_path / row["quality"])
    row["quality_fingerprint"] = fingerprint(tmp_path / row["quality"])
    tiled = tile_slide(INSPECTED, row, tmp_path, GRID | {"drop": DROPPABLE[:2]}, Record("00000"), "code", False)
    assert (tiled["n_patches"], tiled["n_dropped_quality"]) == (3, 1)


def test_shares_away_from_the_edges_are_those_of_the_patch_alone():
    classes = np.ones((8, 8), np.uint8)
    classes[4, 4] = 0
    corners = np.array([[4, 4], [6, 6], [0, 0]])
    assert class_shares(corners, 2, classes, (1.0, 1.0), [1]).tolist() == [0.75, 1, 1]


def test_manifests_of_other_slides_are_not_joined(tmp_path):
    for name, slides in (("slides", ["a", "b"]), ("tissue", ["b", "a"])):
        write_manifest(tmp_path / f"{name}.tsv", [set_aside(slide, "blank", "") for slide in slides], [])
    stages = {"inspected": str(tmp_path / "slides.tsv"), "assessed": str(tmp_path / "tissue.tsv")}
    with pytest.raises(ValueError, match=r"tissue\.tsv, row 1: slide b, and a in .*slides\.tsv"):
        tile_shard(**stages, manifest=str(tmp_path / "00000.tsv"), wsi=str(tmp_path), grid=GRID, code="code")
