"""Tissue: masks, and polygons with holes in level-0 pixels."""

import cv2
import numpy as np
import pytest
from molpath.common.stamps import ForeignFile
from molpath.slides.inspection import inspect_shard
from molpath.tissue.assessment import assess_shard
from molpath.tissue.polygons import as_geojson, find_polygons, mask_of
from molpath.tissue.segmentation import otsu
from PIL import Image

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


def test_polygons_keep_holes_and_are_in_level_0_pixels():
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


def test_a_file_of_another_tool_ends_the_job(shared_data, tissue_settings, tmp_path):
    slide = {"slide_id": "A", "path": str(shared_data / "slides/cmu-1-small-region.svs"), "mpp": "", "keep": "auto"}
    inspect_shard(slides=[slide], manifest=str(tmp_path / "slides.tsv"))
    stranger = tmp_path / "wsi" / "thumbnails" / "A.jpg"
    stranger.parent.mkdir(parents=True)
    Image.fromarray(picture()).save(stranger)
    contents = stranger.read_bytes()
    arguments = {"inspected": str(tmp_path / "slides.tsv"), "manifest": str(tmp_path / "tissue.tsv"), "code": "0"}
    with pytest.raises(ForeignFile, match=r"A\.jpg was not made by this workflow"):
        assess_shard(slides=[slide], wsi=str(tmp_path / "wsi"), settings=tissue_settings, **arguments)
    assert stranger.read_bytes() == contents
    assert not (tmp_path / "tissue.tsv").exists()
