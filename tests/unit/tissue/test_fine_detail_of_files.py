"""Fine detail of odd files, from inspection on: each has a value, an empty cell or a reason, and the right one."""

import cv2
import numpy as np
import pytest
import tifffile
from dicom_files import write_series
from molpath.demo.histology import draw_section
from molpath.demo.truth import draw_truth
from molpath.slides.inspection import inspect_slide
from molpath.tissue.assessment import judge, look

MPP = 0.5


@pytest.fixture(scope="module")
def section():
    """Drawn (synthetic) tissue at 0.5 µm per pixel."""
    return draw_section(np.random.default_rng(1), draw_truth(1, "x"), 1024, 1024)


def write_tiff(path, pixels, mpp=(MPP, MPP), quality=90):
    options = {"tile": (256, 256), "photometric": "rgb", "compression": "jpeg", "metadata": None}
    if mpp:
        options |= {"resolution": tuple(1e4 / size for size in mpp), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(path, pixels, compressionargs={"level": quality}, **options)
    return path


def row_of(path, settings, mpp=""):
    """What the manifest of tissue, or else that of slides, says of a file."""
    item = {"slide_id": "S", "path": str(path), "mpp": mpp, "keep": "yes"}
    row = inspect_slide(item)
    return (
        judge(row | item, look(row | item | {"mpp": row["mpp"]}, settings), settings) if row["status"] == "ok" else row
    )


@pytest.fixture(scope="module")
def usual(section, tmp_path_factory):
    from schema_defaults import defaults_of

    return float(
        row_of(write_tiff(tmp_path_factory.mktemp("s") / "s.tif", section), defaults_of("tissue"))["fine_detail"]
    )


def test_formats_say_the_same(section, usual, tissue_settings, tmp_path):
    cv2.imwrite(str(tmp_path / "s.png"), section[..., ::-1])
    for path, mpp in ((write_series(tmp_path / "dicom", section, MPP), ""), (tmp_path / "s.png", str(MPP))):
        assert float(row_of(path, tissue_settings, mpp)["fine_detail"]) == pytest.approx(usual, rel=0.15)


@pytest.mark.parametrize("mpp", [0.25, 0.36, 0.4])
def test_finer_scans_say_the_same(section, usual, tissue_settings, tmp_path, mpp):
    fine = cv2.resize(section, None, fx=MPP / mpp, fy=MPP / mpp, interpolation=cv2.INTER_CUBIC)
    row = row_of(write_tiff(tmp_path / "s.tif", fine, (mpp, mpp)), tissue_settings)
    assert float(row["fine_detail"]) == pytest.approx(usual, rel=0.15)


@pytest.mark.parametrize(
    ("name", "change", "options"),
    [
        ("coarser than 20x", lambda pixels: pixels, {"mpp": (1.0, 1.0)}),
        ("too fine for its tiles", lambda pixels: pixels, {"mpp": (0.06, 0.06)}),
        ("JPEG of quality 10", lambda pixels: pixels, {"quality": 10}),
        ("one colour", lambda pixels: np.full_like(pixels, (200, 120, 180)), {}),
        ("white", lambda pixels: np.full_like(pixels, 255), {}),
        ("fluorescence on black", lambda pixels: (255 - pixels) * np.array([0, 0, 1], np.uint8), {}),
        ("a few pixels", lambda pixels: pixels[500:530, 500:530], {}),
        ("a strip", lambda pixels: pixels[500:520], {}),
    ],
)
def test_what_cannot_be_measured_is_an_empty_cell(section, tissue_settings, tmp_path, name, change, options):
    row = row_of(write_tiff(tmp_path / "s.tif", np.ascontiguousarray(change(section)), **options), tissue_settings)
    assert row["fine_detail"] == ""
    assert name != "JPEG of quality 10" or float(row["jpeg_quality"]) == 10


def test_a_dark_brightfield_slide_has_a_value(section, usual, tissue_settings, tmp_path):
    row = row_of(write_tiff(tmp_path / "s.tif", section // 2), tissue_settings)
    assert float(row["fine_detail"]) == pytest.approx(usual, rel=0.15)


@pytest.mark.parametrize(
    ("mpp", "reason"), [((0.5, 0.4), "not_square"), (None, "no_resolution"), ((8, 8), "low_resolution")]
)
def test_slides_without_a_resolution_of_their_own_are_set_aside_before(section, tissue_settings, tmp_path, mpp, reason):
    assert row_of(write_tiff(tmp_path / "s.tif", section, mpp), tissue_settings)["reason"] == reason
