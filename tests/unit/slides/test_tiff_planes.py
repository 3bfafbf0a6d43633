"""TIFFs of several pages: the right picture is read, at the right scale, or the slide is set aside in one sentence."""

import numpy as np
import pytest
import tifffile
from molpath.slides.inspection import inspect_slide
from molpath.slides.readers import UnreadableSlide, open_slide
from slide_files import picture

PIXELS = picture(512, 768)
SIZE = {"PhysicalSizeX": 0.5, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.5, "PhysicalSizeYUnit": "µm"}
TILED = {"tile": (128, 128), "compression": "zlib"}
PLAIN = {"photometric": "rgb", "metadata": None, "resolution": (20000, 20000), "resolutionunit": "CENTIMETER"}
LABEL = picture(400, 380, seed=4)


def look(path, mpp=""):
    return inspect_slide({"slide_id": "S", "path": str(path), "mpp": mpp, "keep": "auto"})


def whole(path, level=0):
    slide = open_slide(path)
    return slide.region(0, 0, level, *slide.levels[level][:2])


def write_ome(path, stack, axes, levels=1, photometric="rgb", **metadata):
    """An OME-TIFF of planes (the axes before Y), each with `levels` levels in sub-IFDs."""
    options = TILED | {"photometric": photometric}
    with tifffile.TiffWriter(path, ome=True) as writer:
        writer.write(stack, subifds=levels - 1, metadata=SIZE | {"axes": axes} | metadata, **options)
        for level in range(1, levels):
            step = 2**level
            rows = axes.index("Y")
            smaller = stack[(*[slice(None)] * rows, slice(None, None, step), slice(None, None, step))]
            writer.write(smaller, subfiletype=1, **options)
    return path


@pytest.mark.parametrize("levels", [1, 3])
@pytest.mark.parametrize("channel", [{}, {"Name": ["Red", "Green", "Blue"], "Color": [-16776961, 16711935, 65535]}])
def test_rgb_in_three_planes_is_rgb(tmp_path, levels, channel):
    metadata = {"Channel": channel} if channel else {}
    planes = np.moveaxis(PIXELS, -1, 0)
    path = write_ome(tmp_path / "a.ome.tif", planes, "CYX", levels, "minisblack", **metadata)
    np.testing.assert_array_equal(whole(path), PIXELS)
    row = look(path)
    assert (row["status"], row["mpp"], row["levels"]) == ("ok", "0.5", levels)
    assert row["note"] == "its three channels are read as red, green and blue"
    for level in range(1, levels):
        np.testing.assert_array_equal(whole(path, level), PIXELS[:: 2**level, :: 2**level])


@pytest.mark.parametrize(
    "channel",
    [
        {"Name": ["DAPI", "CD3", "CD8"]},
        {"Name": ["Blue", "Green", "Red"]},
        {"Color": [65535, 16711935, -16776961]},
        {"EmissionWavelength": [460.0, 520.0, 600.0]},
        {"Fluor": ["Hoechst", "FITC", "Cy3"]},
    ],
)
def test_three_channels_that_are_called_something_else_are_refused(tmp_path, channel):
    planes = np.moveaxis(PIXELS, -1, 0)
    path = write_ome(tmp_path / "a.ome.tif", planes, "CYX", 1, "minisblack", Channel=channel)
    row = look(path)
    assert (row["status"], row["reason"]) == ("set_aside", "unreadable")
    assert "3 planes (CYX (3, 512, 768)), not one RGB picture: write the picture to a file of its own" in row["detail"]


def test_the_published_case_of_three_planes(shared_data):
    path = shared_data.parent / "cases/15-ome-planes/three_planes.ome.tif"
    if not path.exists():
        pytest.skip(f"the folder of cases is absent: {path}")
    with tifffile.TiffFile(path) as file:
        planes = file.asarray()
    np.testing.assert_array_equal(whole(path), np.moveaxis(planes, 0, -1))


def test_the_middle_plane_of_a_z_stack_is_read_and_reported(tmp_path):
    stack = np.stack([picture(512, 768, seed) for seed in range(5)])
    path = write_ome(tmp_path / "z.ome.tif", stack, "ZYXS", 2)
    np.testing.assert_array_equal(whole(path), stack[2])
    np.testing.assert_array_equal(whole(path, 1), stack[2][::2, ::2])
    assert look(path)["note"] == "5 planes in depth, of which number 3 is read"
    path = write_ome(tmp_path / "zc.ome.tif", np.moveaxis(stack[:2], -1, 1), "ZCYX", 1, "minisblack")
    np.testing.assert_array_equal(whole(path), stack[1])
    path = write_ome(tmp_path / "cz.ome.tif", np.moveaxis(stack[:2], -1, 0), "CZYX", 1, "minisblack")
    np.testing.assert_array_equal(whole(path), stack[1])
    path = tmp_path / "imagej.tif"
    tifffile.imwrite(path, stack[:3], imagej=True, photometric="rgb", metadata={"axes": "ZYXS"})
    np.testing.assert_array_equal(whole(path), stack[1])


def test_planes_in_time_and_more_channels_are_refused(tmp_path):
    stack = np.stack([PIXELS] * 4)
    for name, planes, axes, kind in (("t", stack, "TYXS", "rgb"), ("c", stack[..., 0], "CYX", "minisblack")):
        path = write_ome(tmp_path / f"{name}.ome.tif", planes, axes, 1, kind)
        assert "4 planes" in look(path)["detail"]


def test_pages_of_one_size_in_a_plain_tiff(tmp_path):
    stack = [picture(512, 768, seed) for seed in range(3)]
    with tifffile.TiffWriter(tmp_path / "rgb.tif") as writer:
        for page in stack:
            writer.write(page, **PLAIN, **TILED)
    with tifffile.TiffWriter(tmp_path / "grey.tif") as writer:
        for page in stack:
            writer.write(page[..., 0], **(PLAIN | TILED | {"photometric": "minisblack"}))
    np.testing.assert_array_equal(whole(tmp_path / "rgb.tif"), stack[0])
    assert look(tmp_path / "rgb.tif")["note"] == "3 pages of the same size, of which the first is read"
    assert "3 planes" in look(tmp_path / "grey.tif")["detail"]


def test_planes_in_other_files_are_refused(tmp_path):
    planes = np.moveaxis(PIXELS, -1, 0)
    path = write_ome(tmp_path / "a.ome.tif", planes, "CYX", 1, "minisblack")
    data = path.read_bytes()
    old, new = b'<TiffData IFD="0" PlaneCount="3"/>', b'<TiffData FirstC="2" IFD="2"/>'
    assert data.count(old) == 1
    path.write_bytes(data.replace(old, new.ljust(len(old))))
    with pytest.raises(UnreadableSlide, match="planes"):
        open_slide(path)


@pytest.mark.parametrize("compression", ["jpeg", "zlib"])
def test_levels_in_sub_ifds_and_without_a_flag_are_found(tmp_path, compression):
    options = PLAIN | {"tile": (128, 128), "compression": compression}
    with tifffile.TiffWriter(tmp_path / "sub.tif") as writer:
        writer.write(PIXELS, subifds=1, **options)
        writer.write(PIXELS[::2, ::2], subfiletype=1, **options)
    with tifffile.TiffWriter(tmp_path / "unflagged.tif") as writer:
        writer.write(PIXELS, **options)
        writer.write(PIXELS[::2, ::2], **options)
        writer.write(PIXELS[::4, ::4], **options)
    for name, levels in (("sub", 2), ("unflagged", 3)):
        slide = open_slide(tmp_path / f"{name}.tif")
        assert [level[:2] for level in slide.levels] == [(768, 512), (384, 256), (192, 128)][:levels]
        assert look(tmp_path / f"{name}.tif")["mpp"] == "0.5"
        small = slide.region(0, 0, 1, 384, 256)
        assert np.abs(small.astype(int) - PIXELS[::2, ::2]).mean() < (6 if compression == "jpeg" else 0.001)


def test_another_picture_with_the_shape_of_a_level_is_none(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(PIXELS, **PLAIN, **TILED)
        writer.write(picture(256, 384, seed=9), **PLAIN, **TILED)
    slide = open_slide(tmp_path / "a.tif")
    assert [level[:2] for level in slide.levels] == [(768, 512)]
    np.testing.assert_array_equal(whole(tmp_path / "a.tif"), PIXELS)


@pytest.mark.parametrize("compression", ["jpeg", "zlib"])
def test_a_small_first_page_is_not_the_slide(tmp_path, compression):
    path = tmp_path / "a.tif"
    options = PLAIN | {"tile": (128, 128), "compression": compression}
    with tifffile.TiffWriter(path) as writer:
        writer.write(PIXELS[::4, ::4], **(options | {"resolution": (5000, 5000)}))
        writer.write(PIXELS, **options)
    row = look(path)
    assert (row["width"], row["height"], row["mpp"]) == (768, 512, "0.5")
    assert np.abs(whole(path).astype(int) - PIXELS).mean() < 6


APERIO = "Aperio Image Library v11.2.1\r\n"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("label.svs", {"description": f"{APERIO}label 380x400", "subfiletype": 1}),
        ("label.tif", {"description": f"{APERIO}label 380x400", "subfiletype": 1}),
        ("macro.svs", {"description": f"{APERIO}macro 380x400", "subfiletype": 9}),
        ("thumbnail.svs", {"description": f"{APERIO}46000x32914 -> 380x400 - |AppMag = 20|MPP = 0.5"}),
        ("without_words.svs", {}),
        ("macro.tif", {"subfiletype": 9}),
        ("bif.tif", {"description": "Label Image"}),
        ("bif_2.tif", {"description": "Label_Image"}),
        ("philips.tif", {"description": "Macro -offset=(0,0)-pixelspacing=(0.03,0.03)"}),
        ("hamamatsu.tif", {"extratags": [(65421, 11, 1, -1.0, True)]}),
    ],
)
def test_a_label_without_its_slide_is_never_shown(tmp_path, name, options):
    """Labels name patients; with an mpp in the sheet they became thumbnails."""
    tifffile.imwrite(tmp_path / name, LABEL, rowsperstrip=100, photometric="rgb", metadata=None, **options)
    for mpp in ("", "0.5"):
        row = look(tmp_path / name, mpp)
        assert (row["status"], row["reason"]) == ("set_aside", "unreadable")
        assert row["detail"] == "no slide in the file: what is left in it is a label, macro image or thumbnail"


@pytest.mark.parametrize("name", ["label", "label image", "macro image", "s.svs [macro image]", "s.svs #2 label"])
def test_ome_images_other_than_the_slide_are_no_slides(tmp_path, name):
    path = tmp_path / "only.ome.tif"
    tifffile.imwrite(path, LABEL, ome=True, photometric="rgb", metadata=SIZE | {"axes": "YXS", "Name": name})
    assert "no slide in the file" in look(path)["detail"]
    with tifffile.TiffWriter(tmp_path / "both.ome.tif", ome=True) as writer:
        writer.write(picture(900, 900, 3), photometric="rgb", metadata=SIZE | {"axes": "YXS", "Name": name})
        writer.write(PIXELS, photometric="rgb", metadata=SIZE | {"axes": "YXS", "Name": "label-free s.svs"}, **TILED)
    np.testing.assert_array_equal(whole(tmp_path / "both.ome.tif"), PIXELS)
