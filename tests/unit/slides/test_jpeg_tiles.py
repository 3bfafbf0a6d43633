"""The fast path: the pixels OpenSlide shows, each tile decoded once, damage reported."""

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
import tifffile
from giant_slide import write_giant
from molpath.slides.readers import OpenSlideReader, open_slide
from slide_files import patch_tag, picture, write_jpeg_pyramid


def windows(slide, rng, count):
    """Level, level-0 corner (a whole pixel of the level) and size of random windows, some beyond the edges."""
    for level, (width, height, downsample) in enumerate(slide.levels):
        step = int(downsample)
        for _ in range(count):
            x, y = int(rng.integers(-90, width)) * step, int(rng.integers(-90, height)) * step
            yield level, x, y, int(rng.integers(1, 400)), int(rng.integers(1, 400))


def assert_same(path, count=25):
    """The fast path is taken and equals OpenSlide in every window."""
    fast, plain = open_slide(path), OpenSlideReader(str(path))
    assert (fast.name, fast.vendor, fast.levels) == ("jpeg_tiles", plain.vendor, plain.levels)
    assert (fast.properties, fast.associated) == (plain.properties, plain.associated)
    for level, x, y, width, height in windows(fast, np.random.default_rng(0), count):
        pixels, expected = (slide.region(x, y, level, width, height) for slide in (fast, plain))
        np.testing.assert_array_equal(pixels, expected, err_msg=f"level {level} at {x}, {y}")
    fast.close()
    plain.close()


@pytest.mark.parametrize("tile", [240, 256])
@pytest.mark.parametrize("aperio", [False, True])
@pytest.mark.parametrize("colour", [(1, 1), (2, 1), (2, 2), "grey"])
def test_pixels_are_those_of_openslide(tmp_path, tile, aperio, colour):
    pixels = picture(880, 1120)
    if colour == "grey":
        pixels, colour = np.ascontiguousarray(pixels[..., 1]), None
    path = tmp_path / ("a.svs" if aperio else "a.tif")
    assert_same(write_jpeg_pyramid(path, pixels, tile, colour, aperio=aperio))


@pytest.mark.parametrize("tile", [240, 256])
def test_pixels_stored_as_rgb_without_a_marker_are_those_of_openslide(tmp_path, tile):
    pool = picture(tile * 4, tile * 4)
    assert_same(write_giant(tmp_path / "a.svs", 5000, 4500, tile=tile, levels=(1, 4), pool=pool, tissue=0.5))


def test_a_real_slide_is_as_openslide_shows_it(shared_data):
    assert_same(shared_data / "slides/cmu-1-small-region.svs")
    assert_same(shared_data / "slides/small.svs")


def test_jpeg_2000_of_a_real_slide_is_as_openslide_shows_it(shared_data):
    """At its whole level; the lower one is 2.0005 times as coarse, and OpenSlide interpolates between its pixels."""
    path = shared_data / "slides/tcga-cr-7395-01a-01-ts1.svs"
    fast, plain = open_slide(path), OpenSlideReader(str(path))
    assert fast.name == "jpeg_tiles"
    assert fast.levels == plain.levels
    for x, y in np.random.default_rng(0).integers(-100, 4400, (12, 2)).tolist():
        pixels, expected = (slide.region(x, y, 0, 300, 200) for slide in (fast, plain))
        np.testing.assert_array_equal(pixels, expected, err_msg=f"at {x}, {y}")


def test_other_slides_stay_with_openslide(tmp_path):
    path = tmp_path / "lzw.tif"
    tifffile.imwrite(path, picture(300, 300), tile=(128, 128), compression="lzw", photometric="rgb")
    assert open_slide(path).name == "openslide"


def jpeg_slide(tmp_path, levels=(1, 4)):
    return write_jpeg_pyramid(tmp_path / "a.svs", picture(1024, 1280), levels=levels, aperio=True)


def test_a_damaged_tile_raises(tmp_path):
    path = jpeg_slide(tmp_path)
    with tifffile.TiffFile(path) as file:
        offset, count = file.pages[0].dataoffsets[1], file.pages[0].databytecounts[1]
    with open(path, "r+b") as handle:
        handle.seek(offset + count // 2)
        handle.write(bytes(count - count // 2))
    slide = open_slide(path)
    assert slide.name == "jpeg_tiles"
    assert slide.region(0, 0, 0, 256, 256).std() > 0
    with pytest.raises(ValueError, match="JPEG tile 1: "):
        slide.region(200, 0, 0, 100, 100)


def test_a_tile_of_another_size_raises(tmp_path):
    path = jpeg_slide(tmp_path, levels=(1,))
    small = tmp_path / "small.tif"
    tifffile.imwrite(small, picture(128, 128), tile=(128, 128), photometric="rgb", compression="jpeg")
    with tifffile.TiffFile(small) as file, open(small, "rb") as handle:
        handle.seek(file.pages[0].dataoffsets[0])
        stream = handle.read(file.pages[0].databytecounts[0])
    with tifffile.TiffFile(path) as file:
        offset = file.pages[0].dataoffsets[0]
    assert len(stream) < file.pages[0].databytecounts[0]
    with open(path, "r+b") as handle:
        handle.seek(offset)
        handle.write(stream)
    with pytest.raises(ValueError, match="JPEG tile 0 is 128 x 128, not 256 x 256"):
        open_slide(path).region(0, 0, 0, 10, 10)


def test_a_tile_beyond_the_file_raises(tmp_path):
    path = jpeg_slide(tmp_path, levels=(1,))
    size = os.path.getsize(path)
    patch_tag(path, 0, "TileOffsets", lambda values: [size - 100, *values[1:]])
    with pytest.raises(OSError, match="tile 0 has .* the file ends after 100 of them"):
        open_slide(path).region(0, 0, 0, 10, 10)


@pytest.mark.parametrize("page", [0, 1])
def test_an_absent_tile_is_white_and_left_to_openslide_in_an_svs(tmp_path, page):
    for aperio, reader in ((False, "jpeg_tiles"), (True, "openslide")):
        path = write_jpeg_pyramid(tmp_path / f"{reader}.svs", picture(1024, 1280), aperio=aperio)
        patch_tag(path, page, "TileByteCounts", lambda values: [0, *values[1:]])
        slide = open_slide(path)
        assert slide.name == reader
        if not aperio:
            assert_same(path)
            assert (slide.region(0, 0, page, 256, 256) == 255).all()


class Counting:
    """Counts the tiles that a slide's levels decode."""

    def __init__(self, slide):
        self.indices = []
        for tiles in slide._tiles:
            tiles.decode = self.wrap(tiles.decode)

    def wrap(self, decode):
        """A decoder that is counted."""

        def counted(parts):
            self.indices.extend(parts)
            return decode(parts)

        return counted


def test_each_tile_is_decoded_once_and_the_cache_is_bounded(tmp_path):
    slide = open_slide(jpeg_slide(tmp_path))
    counted = Counting(slide)
    for y in range(0, 1024, 100):
        for x in range(0, 1280, 100):
            slide.region(x, y, 0, 100, 100)
    opened_with = 12  # the tile that was compared with OpenSlide's
    assert sorted(counted.indices) == [index for index in range(20) if index != opened_with]
    cache = slide._tiles[0].cache
    cache.limit = 3 * 256 * 256 * 3
    slide.region(1040, 0, 1, 10, 10)
    assert (len(cache.tiles), cache.held) == (3, cache.limit)


@pytest.mark.parametrize("by", [2, 4, 3])
def test_shrinking_tiles_equals_shrinking_the_region(tmp_path, by):
    path = write_jpeg_pyramid(tmp_path / "a.tif", picture(1021, 1279), levels=(1,))
    patch_tag(path, 0, "TileByteCounts", lambda values: [*values[:3], 0, *values[4:]])
    slide = open_slide(path)
    for x, y in ((0, 0), (12 * by, 60), (1200, 960), (7, 8), (-24, -12)):
        out = np.empty((100, 90, 3), np.uint8)
        slide.shrunk_region(x, y, 0, by, out)
        region = slide.region(x, y, 0, 90 * by, 100 * by)
        np.testing.assert_array_equal(out, cv2.resize(region, (90, 100), interpolation=cv2.INTER_AREA))


def test_half_scale_is_offered_on_request_and_only_for_jpeg_tiles(tmp_path):
    path = jpeg_slide(tmp_path)
    assert open_slide(path, half_scale=True).levels == [(1280, 1024, 1.0), (320, 256, 4.0), (640, 512, 2.0)]
    assert open_slide(path).levels == [(1280, 1024, 1.0), (320, 256, 4.0)]
    stored = write_jpeg_pyramid(tmp_path / "b.tif", picture(600, 800), levels=(1, 2))
    assert len(open_slide(stored, half_scale=True).levels) == 2
    path = tmp_path / "lzw.tif"
    tifffile.imwrite(path, picture(300, 300), tile=(128, 128), compression="lzw", photometric="rgb")
    assert len(open_slide(path, half_scale=True).levels) == 1


def test_a_giant_slide_is_read_in_little_memory(tmp_path):
    path = write_giant(tmp_path / "giant.svs", 150_000, 150_000)
    script = (
        "import re, sys\n"
        "from pathlib import Path\n"
        "from molpath.slides.readers import open_slide\n"
        "slide = open_slide(sys.argv[1])\n"
        "assert slide.name == 'jpeg_tiles'\n"
        "def most(): return int(re.search(r'VmHWM:\\s+(\\d+) kB', Path('/proc/self/status').read_text())[1]) >> 10\n"
        "before = most()\n"
        "for x in range(2000, 150_000, 9000):\n"
        "    for y in range(50_000, 100_000, 10_000):\n"
        "        slide.region(x, y, 0, 1024, 1024)\n"
        "print(most(), most() - before)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script, path], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    whole, grown = map(int, done.stdout.split())
    assert grown < 110  # 64 MB of tiles and a region or two
    assert whole < 500
