"""TIFFs that OpenSlide declines, or shows only in part: tile by tile, whatever their compression and colours."""

import numpy as np
import pytest
import tifffile
from molpath.slides.inspection import inspect_slide
from molpath.slides.readers import TiffReader, UnreadableSlide, open_slide
from PIL import Image
from slide_files import picture

PIXELS = picture(500, 700)
LAYOUTS = {
    "strips": {"rowsperstrip": 37},
    "one_strip": {"rowsperstrip": 500},
    "tiles": {"tile": (128, 112)},
    "planes": {"tile": (128, 128), "planarconfig": "separate"},
    "planes_in_strips": {"rowsperstrip": 64, "planarconfig": "separate"},
}


def read_in_windows(slide, width, height, step=190):
    """The whole of level 0, put together from windows."""
    whole = np.empty((height, width, 3), np.uint8)
    for y in range(0, height, step):
        for x in range(0, width, step):
            whole[y : y + step, x : x + step] = slide.region(x, y, 0, step, step)[: height - y, : width - x]
    return whole


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "zstd"])
def test_layouts_and_compressions(tmp_path, layout, compression):
    planes = LAYOUTS[layout].get("planarconfig")
    stored = np.moveaxis(PIXELS, -1, 0) if planes else PIXELS
    options = {"photometric": "rgb", "metadata": None, "compression": compression, "predictor": bool(compression)}
    tifffile.imwrite(tmp_path / "a.tif", stored, **options, **LAYOUTS[layout])
    slide = TiffReader(str(tmp_path / "a.tif"))
    np.testing.assert_array_equal(read_in_windows(slide, 700, 500), PIXELS)
    outside = slide.region(690, 490, 0, 20, 20)
    np.testing.assert_array_equal(outside[:10, :10], PIXELS[490:, 690:])
    assert (outside[10:] == 255).all()
    assert (outside[:, 10:] == 255).all()


def test_grey_negative_and_transparent(tmp_path):
    grey = np.ascontiguousarray(PIXELS[..., 1])
    tifffile.imwrite(tmp_path / "grey.tif", grey, photometric="minisblack", metadata=None)
    tifffile.imwrite(tmp_path / "negative.tif", 255 - grey, photometric="miniswhite", metadata=None)
    for name in ("grey", "negative"):
        pixels = read_in_windows(TiffReader(str(tmp_path / f"{name}.tif")), 700, 500)
        np.testing.assert_array_equal(pixels, np.repeat(grey[..., None], 3, axis=-1))
    alpha = np.full((500, 700, 1), 255, np.uint8)
    alpha[:100] = 0
    options = {"photometric": "rgb", "extrasamples": ["unassalpha"], "tile": (128, 128), "metadata": None}
    tifffile.imwrite(tmp_path / "rgba.tif", np.concatenate([PIXELS, alpha], -1), **options)
    pixels = read_in_windows(TiffReader(str(tmp_path / "rgba.tif")), 700, 500)
    np.testing.assert_array_equal(pixels[100:], PIXELS[100:])
    assert (pixels[:100] == 255).all()


@pytest.mark.parametrize("compression", ["jpeg", "zlib"])
def test_ome_tiff_has_the_levels_of_its_sub_ifds_and_its_pixel_size(tmp_path, compression):
    path = tmp_path / "a.ome.tif"
    metadata = {"axes": "YXS", "PhysicalSizeX": 252.0, "PhysicalSizeXUnit": "nm"}
    options = {"photometric": "rgb", "tile": (128, 128), "compression": compression}
    with tifffile.TiffWriter(path, ome=True) as writer:
        writer.write(PIXELS, subifds=2, metadata=metadata, **options)
        writer.write(PIXELS[::2, ::2], subfiletype=1, **options)
        writer.write(PIXELS[::4, ::4], subfiletype=1, **options)
        writer.write(picture(60, 90, seed=1), metadata={"axes": "YXS", "Name": "label"}, **options)
    slide = open_slide(path)
    assert (slide.name, slide.vendor) == ("tifffile", "ome")
    assert slide.levels == [(700, 500, 1.0), (350, 250, 2.0), (175, 125, 4.0)]
    full, small = slide.region(0, 0, 0, 700, 500), slide.region(40, 20, 1, 100, 100)
    if compression == "zlib":
        np.testing.assert_array_equal(full, PIXELS)
        np.testing.assert_array_equal(small, PIXELS[20:220:2, 40:240:2])
    else:
        assert np.abs(full.astype(int) - PIXELS).mean() < 6
    row = inspect_slide({"slide_id": "S1", "path": str(path), "mpp": "", "keep": "auto"})
    assert (row["status"], row["mpp"], row["mpp_source"]) == ("ok", "0.252", "ome.PhysicalSizeX")
    assert (row["reader"], row["levels"]) == ("tifffile", 3)


def test_reduced_pages_of_a_plain_tiff_are_levels(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        for step, kind in ((1, 0), (2, 1), (4, 1)):
            writer.write(PIXELS[::step, ::step], photometric="rgb", rowsperstrip=50, subfiletype=kind, metadata=None)
        writer.write(picture(300, 90), photometric="rgb", subfiletype=1, metadata=None)  # a label
    slide = open_slide(path)
    assert (slide.name, [level[:2] for level in slide.levels]) == ("tifffile", [(700, 500), (350, 250), (175, 125)])
    np.testing.assert_array_equal(slide.region(4, 8, 2, 30, 30), PIXELS[8:128:4, 4:124:4])


def test_what_is_no_picture_in_8_bit_rgb_or_grey_is_reported(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PIXELS.astype(np.uint16), photometric="rgb", metadata=None)
    with pytest.raises(UnreadableSlide, match=r"3 samples of uint16 per pixel .* not 8-bit RGB or grey"):
        open_slide(path)
    path = tmp_path / "channels.ome.tif"
    stack = np.stack([PIXELS[..., 0]] * 4)
    tifffile.imwrite(path, stack, ome=True, photometric="minisblack", metadata={"axes": "CYX"})
    with pytest.raises(UnreadableSlide, match=r"4 planes \(CYX .* not one RGB picture"):
        open_slide(path)


def test_one_strip_too_large_to_decode_is_reported_in_numbers(tmp_path):
    path = tmp_path / "a.tif"
    pixels = np.lib.stride_tricks.as_strided(np.zeros(1, np.uint8), (14_000, 14_000), (0, 0))
    tifffile.imwrite(path, pixels, photometric="minisblack", rowsperstrip=14_000, compression="zlib", metadata=None)
    with pytest.raises(UnreadableSlide, match="one tile of 14000 x 14000 pixels takes 560 MB, more than 512 MB"):
        open_slide(path)


def test_images_of_other_kinds(tmp_path):
    alpha = np.full((500, 700, 1), 255, np.uint8)
    alpha[:, :50] = 0
    Image.fromarray(np.concatenate([PIXELS, alpha], -1)).save(tmp_path / "a.png")
    pixels = open_slide(tmp_path / "a.png").region(0, 0, 0, 700, 500)
    np.testing.assert_array_equal(pixels[:, 50:], PIXELS[:, 50:])
    assert (pixels[:, :50] == 255).all()
    Image.fromarray(PIXELS[..., 0].astype(np.uint16) * 100).save(tmp_path / "deep.png")
    with pytest.raises(UnreadableSlide, match="pixels of type I;16, not 8-bit RGB or grey"):
        open_slide(tmp_path / "deep.png")
    Image.new("1", (14_000, 14_000)).save(tmp_path / "large.png")
    with pytest.raises(UnreadableSlide, match="14000 x 14000 pixels take 560 MB in memory, more than 512 MB"):
        open_slide(tmp_path / "large.png")


@pytest.mark.parametrize("size", ["", "0,25", "unknown"])
def test_a_pixel_size_that_is_no_number_costs_no_levels(tmp_path, size):
    """The slide went to OpenSlide, which shows none of the levels in sub-IFDs."""
    path = tmp_path / "a.ome.tif"
    options = {"photometric": "rgb", "tile": (128, 128), "compression": "zlib"}
    with tifffile.TiffWriter(path, ome=True) as writer:
        writer.write(PIXELS, subifds=1, metadata={"axes": "YXS", "PhysicalSizeX": 0.5}, **options)
        writer.write(PIXELS[::2, ::2], subfiletype=1, **options)
    tifffile.tiffcomment(path, tifffile.tiffcomment(path).replace('SizeX="0.5"', f'SizeX="{size}"'))
    slide = open_slide(path)
    assert (slide.name, [level[:2] for level in slide.levels]) == ("tifffile", [(700, 500), (350, 250)])
    row = inspect_slide({"slide_id": "S1", "path": str(path), "mpp": "", "keep": "auto"})
    assert (row["status"], row["reason"]) == ("set_aside", "no_resolution")
