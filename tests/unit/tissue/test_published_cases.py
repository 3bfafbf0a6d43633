"""Small slides made after public reports of users (folder cases next to the real test data)."""

import cv2
import numpy as np
import pytest
from molpath.common.manifests import read_manifest
from molpath.slides.inspection import inspect_shard
from molpath.tissue.assessment import assess_shard
from PIL import Image


@pytest.fixture
def assess(shared_data, tissue_settings, tmp_path):
    """Manifest row of the stage tissue for a case's slide."""

    def work(name, mpp=""):
        path = shared_data.parent / "cases" / name
        if not path.exists():
            pytest.skip(f"the folder of cases is absent: {path}")
        slide = {"slide_id": "S", "path": str(path), "mpp": mpp, "keep": "auto"}
        inspect_shard(slides=[slide], manifest=str(tmp_path / "slides.tsv"))
        assess_shard(
            slides=[slide], inspected=str(tmp_path / "slides.tsv"), manifest=str(tmp_path / "tissue.tsv"),
            wsi=str(tmp_path / "wsi"), settings=tissue_settings, code="0",
        )  # fmt: skip
        return read_manifest(tmp_path / "tissue.tsv")[0]

    return work


def test_black_padding_is_no_tissue(assess, tmp_path):
    row = assess("16-black-padding/blackpad.tif")  # bare glass in the middle
    assert (row["status"], row["reason"]) == ("set_aside", "blank")
    glass = np.full((1600, 1600, 3), (243, 243, 244), np.uint8)
    cv2.circle(glass, (800, 800), 600, (215, 140, 180), -1)
    areas = []
    for name, edge in (("bare", 0), ("padded", 800)):
        padded = cv2.copyMakeBorder(glass, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=(0, 0, 0))
        Image.fromarray(padded).save(tmp_path / f"{name}.png")
        areas.append(float(assess(tmp_path / f"{name}.png", mpp="0.5")["area_mm2"]))
    assert areas[1] == pytest.approx(areas[0], rel=0.06)
    assert areas[0] == pytest.approx(np.pi * 0.3**2, rel=0.06)


def test_fluorescence_is_set_aside(assess):
    row = assess("18-fluorescence/dark.tif")
    assert (row["status"], row["reason"]) == ("set_aside", "not_he")
    assert "background is dark" in row["detail"]


def test_rgb_in_three_planes_shows_its_tissue(assess):
    """As a grey picture of the red plane it was set aside as not_he."""
    assert assess("15-ome-planes/three_planes.ome.tif")["reason"] != "not_he"


def test_an_absurd_resolution_is_named(assess):
    row = assess("17-no-resolution/mpp1e4.tif")
    assert (row["status"], row["reason"]) == ("set_aside", "no_resolution")
    assert "0.0001 micrometres per pixel, which no slide has" in row["detail"]
