"""Micrometres per pixel from every place where files write them, with notes where they contradict themselves."""

import struct

import numpy as np
import pytest
import tifffile
from molpath.slides.inspection import inspect_slide
from molpath.slides.resolution import NotSquare, find_mpp

SPACING = "dicom.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing"
MIRAX = "mirax.LAYER_0_LEVEL_0_SECTION.MICROMETER_PER_PIXEL"
OME = (
    '<OME><Image ID="Image:0" Name="label"><Pixels SizeX="9" SizeY="9" PhysicalSizeX="8"/></Image>'
    '<Image ID="Image:1"><Pixels SizeX="40000" SizeY="20000" PhysicalSizeX="{}" {}PhysicalSizeY="0.25"/></Image></OME>'
)
SIZE = (40_000, 20_000)


@pytest.mark.parametrize(
    ("properties", "mpp", "source"),
    [
        ({"openslide.mpp-x": "0.25", "aperio.MPP": "0.5"}, 0.25, "openslide.mpp-x"),
        ({"aperio.MPP": "0.2527"}, 0.2527, "aperio.MPP"),
        ({f"{MIRAX}_X": "0.2325", f"{MIRAX}_Y": "0.2325"}, 0.2325, f"{MIRAX}_X"),
        # The scan is 9.2 mm wide, in nanometres.
        ({"hamamatsu.PhysicalWidth": "9200000"}, 0.23, "hamamatsu.PhysicalWidth"),
        ({"hamamatsu.XResolution": "0.25"}, None, ""),
        ({f"{SPACING}[0]": "0.0005", f"{SPACING}[1]": "0.000499"}, 0.499, f"{SPACING}[1]"),
        ({"dicom.ImagedVolumeWidth": "10"}, 0.25, "dicom.ImagedVolumeWidth"),
        ({"tiff.ImageDescription": OME.format("0.25", "")}, 0.25, "ome.PhysicalSizeX"),
        ({"tiff.ImageDescription": OME.format("250", 'PhysicalSizeXUnit="nm" ')}, 0.25, "ome.PhysicalSizeX"),
        ({"tiff.ImageDescription": OME.format("0.00025", 'PhysicalSizeXUnit="mm" ')}, 0.25, "ome.PhysicalSizeX"),
        ({"tiff.ImageDescription": OME.format("1", 'PhysicalSizeXUnit="pixel" ')}, None, ""),
        ({"ome.PhysicalSizeX": "0.00025", "ome.PhysicalSizeXUnit": "mm"}, 0.25, "ome.PhysicalSizeX"),
        ({"tiff.XResolution": "40000", "tiff.ResolutionUnit": "centimeter"}, 0.25, "tiff.XResolution"),
        ({"tiff.XResolution": "101600", "tiff.ResolutionUnit": "inch"}, 0.25, "tiff.XResolution"),
        ({"tiff.XResolution": "40000"}, None, ""),
        ({"tiff.XResolution": "40000", "tiff.ResolutionUnit": "none"}, None, ""),
        # OpenSlide took the tag without a unit for inches.
        ({"openslide.mpp-x": "0.635", "tiff.XResolution": "40000", "tiff.ResolutionUnit": ""}, None, ""),
        ({"openslide.mpp-x": "0.25", "tiff.XResolution": "72", "tiff.ResolutionUnit": ""}, 0.25, "openslide.mpp-x"),
        ({"openslide.mpp-x": "nan", "aperio.MPP": "half a micrometre"}, None, ""),
        ({"openslide.mpp-x": "1e400", "aperio.MPP": "0.5"}, 0.5, "aperio.MPP"),
    ],
)
def test_where_resolution_comes_from(properties, mpp, source):
    resolution, name, _ = find_mpp(properties, size=SIZE)
    assert (resolution and round(resolution, 6), name) == (mpp, source)


def test_an_impossible_number_is_skipped_and_reported():
    mpp, source, note = find_mpp({"openslide.mpp-x": "352.8", "aperio.MPP": "0.5"})
    assert (mpp, source) == (0.5, "aperio.MPP")
    assert note == "openslide.mpp-x gives 352.8 micrometres per pixel, which no slide has"


def test_pixels_that_are_not_square_are_refused_unless_the_sheet_knows_better():
    properties = {"openslide.mpp-x": "0.25", "openslide.mpp-y": "0.3"}
    with pytest.raises(NotSquare, match=r"0.25 micrometres per pixel across and 0.3 down \(openslide.mpp-x\)"):
        find_mpp(properties)
    mpp, source, note = find_mpp(properties, sheet="0.25")
    assert (mpp, source) == (0.25, "sheet")
    assert "0.25 micrometres per pixel across and 0.3 down" in note
    assert (
        "across and 0.255 down (openslide.mpp-x); the first is used"
        in find_mpp(properties | {"openslide.mpp-y": "0.255"})[2]
    )
    assert find_mpp(properties | {"openslide.mpp-y": "0.2505"})[2] == ""


@pytest.mark.parametrize("mpp", [28.97, 10.1, 199.0])
def test_a_macro_image_is_coarse_and_not_of_unknown_resolution(mpp):
    """28.97 µm was called no resolution, and users wrote a wrong one into the sheet."""
    assert find_mpp({"openslide.mpp-x": str(mpp)})[:2] == (mpp, "openslide.mpp-x")
    assert find_mpp({}, sheet=str(mpp))[:2] == (mpp, "sheet")
    assert find_mpp({"openslide.mpp-x": str(mpp), "aperio.MPP": "0.5"})[:2] == (0.5, "aperio.MPP")


@pytest.mark.parametrize("dpi", [72, 96, 150, 300, 600, 1200])
def test_resolutions_of_printers_are_none(dpi):
    assert find_mpp({"tiff.XResolution": str(dpi), "tiff.ResolutionUnit": "inch"})[0] is None


@pytest.mark.parametrize("mpp", ["0.0001", "0.04", "1000", "10000", "-0.25", "inf"])
def test_absurd_numbers_are_named(mpp):
    resolution, _, note = find_mpp({"openslide.mpp-x": mpp})
    assert resolution is None
    assert mpp == "inf" or f"gives {float(mpp):g} micrometres per pixel, which no slide has" in note


def test_an_objective_that_says_otherwise_is_reported():
    for name in ("openslide.objective-power", "aperio.AppMag", "hamamatsu.SourceLens"):
        note = find_mpp({"openslide.mpp-x": "0.2325", name: "20"})[2]
        assert note == "the file names a 20x objective, mpp 0.2325 means 40x"
    assert find_mpp({"openslide.mpp-x": "0.2325", "aperio.AppMag": "40"})[2] == ""
    both = find_mpp({"openslide.mpp-x": "0.25", "aperio.AppMag": "40"}, sheet="0.5")[2]
    assert both.count(";") == 2, both


def test_nonsense_in_the_sheet_is_no_resolution():
    assert find_mpp({"openslide.mpp-x": "0.25"}, sheet="0") == (None, "", "the sheet says mpp 0, which no slide has")


def write(path, **options):
    """A TIFF of 300 x 200 pixels."""
    picture = np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    tifffile.imwrite(path, picture, photometric="rgb", tile=(128, 128), **options)
    return {"slide_id": "S", "path": str(path), "mpp": "", "keep": "auto"}


def test_units_of_real_files(tmp_path):
    unit = {"resolution": (40000, 40000), "metadata": None}
    row = inspect_slide(write(tmp_path / "a.tiff", resolutionunit="CENTIMETER", **unit))
    assert (row["mpp"], row["magnification"]) == ("0.25", 40)
    none = write(tmp_path / "b.tiff", resolutionunit="NONE", **unit)
    absent = write(tmp_path / "c.tiff", resolutionunit="INCH", **unit)
    data = (tmp_path / "c.tiff").read_bytes()
    tag = struct.pack("<HHIHH", 296, 3, 1, 2, 0)
    assert data.count(tag) == 1
    (tmp_path / "c.tiff").write_bytes(data.replace(tag, struct.pack("<H", 297) + tag[2:]))
    for slide in (none, absent):
        row = inspect_slide(slide)
        assert row["reason"] == "no_resolution"
        assert "column mpp of the slide sheet" in row["detail"]


def test_an_ome_tiff_in_nanometres(tmp_path):
    facts = {"axes": "YXS", "PhysicalSizeX": 250.0, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 300.0}
    slide = write(tmp_path / "a.ome.tif", metadata=facts | {"PhysicalSizeYUnit": "nm"})
    row = inspect_slide(slide)
    assert (row["status"], row["reason"]) == ("set_aside", "not_square")
    assert "0.25 micrometres per pixel across and 0.3 down (ome.PhysicalSizeX): resample the slide" in row["detail"]
    row = inspect_slide(slide | {"mpp": "0.25"})
    assert (row["mpp"], row["mpp_y"], row["mpp_source"]) == ("0.25", "0.25", "sheet")
    row = inspect_slide(write(tmp_path / "b.ome.tif", metadata=facts | {"PhysicalSizeY": 0.2525}))
    assert (row["mpp"], row["mpp_y"], row["mpp_source"]) == ("0.25", "0.2525", "ome.PhysicalSizeX")


@pytest.mark.parametrize("layout", [{"tile": (128, 128)}, {"rowsperstrip": 50}])
def test_tags_that_differ_across_and_down(tmp_path, layout):
    pixels = np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    options = {"photometric": "rgb", "metadata": None, "resolutionunit": "CENTIMETER", "resolution": (40000, 20000)}
    tifffile.imwrite(tmp_path / "a.tif", pixels, **options, **layout)
    row = inspect_slide({"slide_id": "S", "path": str(tmp_path / "a.tif"), "mpp": "", "keep": "auto"})
    assert (row["reason"], row["detail"].split(" (")[0]) == (
        "not_square",
        "0.25 micrometres per pixel across and 0.5 down",
    )


def test_a_macro_image_is_set_aside_for_its_resolution(tmp_path):
    unit = {"resolution": (1e4 / 28.97, 1e4 / 28.97), "metadata": None, "resolutionunit": "CENTIMETER"}
    row = inspect_slide(write(tmp_path / "a.tiff", **unit))
    assert (row["reason"], row["detail"]) == ("low_resolution", "28.97 micrometres per pixel is coarser than 5x")
