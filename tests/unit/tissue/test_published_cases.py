"""Small slides made after public reports of users (folder cases beside the real test data)."""

import pytest
from molpath.common.manifests import read_manifest
from molpath.slides.inspection import inspect_shard
from molpath.tissue.assessment import assess_shard


@pytest.fixture
def assess(shared_data, tissue_settings, tmp_path):
    """Manifest row of the stage tissue for a case's slide."""

    def work(name):
        path = shared_data.parent / "cases" / name
        if not path.exists():
            pytest.skip(f"the folder of cases is absent: {path}")
        slide = {"slide_id": "S", "path": str(path), "mpp": "", "keep": "auto"}
        inspect_shard(slides=[slide], manifest=str(tmp_path / "slides.tsv"))
        assess_shard(
            slides=[slide], inspected=str(tmp_path / "slides.tsv"), manifest=str(tmp_path / "tissue.tsv"),
            wsi=str(tmp_path / "wsi"), settings=tissue_settings, code="0",
        )  # fmt: skip
        return read_manifest(tmp_path / "tissue.tsv")[0]

    return work


def test_black_padding_is_no_tissue(assess):
    row = assess("16-black-padding/blackpad.tif")
    assert row["status"] == "ok"
    assert float(row["area_mm2"]) == pytest.approx(0.159, rel=0.06)  # without padding


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
    assert "0.0001 micrometres per pixel, which is no slide's" in row["detail"]
