"""Damaged tiles: which decoders see them, which signs are looked for where they don't, and what can't be seen."""

import errno
import os
import re

import numpy as np
import openslide
import pytest
import tifffile
from damaged_slides import ACROSS, CODECS, TILE, damaged_copy, write_slide
from dicom_files import write_series
from molpath.slides.damage import DamagedTile, Forgiving, as_damage, is_damage
from molpath.slides.inspection import inspect_slide
from molpath.slides.openslide_reader import OpenSlideReader
from molpath.slides.readers import JpegTilesReader, TiffReader, open_slide
from molpath.slides.tile_signs import fault_of_deflate, fault_of_jpeg2000, fault_of_packbits
from slide_files import picture, write_jpeg_pyramid

HOW = ["all-random", "all-zero", "half-random", "half-zero", "half-ff", "sector-random", "sector-zero", "sector-ff"]
ALWAYS_SEEN = ["jpeg", "deflate", "lzw", "jpeg2000"]
#: A tile off the diagonal: row 5, column 9.
BAD = 5 * ACROSS + 9


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Whole slides by codec and suffix."""
    folder, paths = tmp_path_factory.mktemp("whole"), {}
    for codec in CODECS:
        for suffix in ("svs", "ome.tif"):
            paths[codec, suffix] = folder / f"{codec}.{suffix}"
            write_slide(paths[codec, suffix], codec)
    return paths


def read(slide, index, level=0):
    return slide.region(index % ACROSS * TILE, index // ACROSS * TILE, level, TILE, TILE)


@pytest.mark.parametrize(
    ("codec", "how"),
    # Two in five of the others can't be seen (test_every_way_to_break_a_public_jpeg_2000_tile).
    [(codec, how) for codec in ALWAYS_SEEN for how in HOW if (codec, how) != ("jpeg2000", "sector-random")],
)
@pytest.mark.parametrize("suffix", ["svs", "ome.tif"])
def test_a_damaged_tile_is_seen_and_its_neighbours_are_whole(whole, codec, suffix, how):
    """OpenSlide shows half-overwritten tiles of deflate and JPEG 2000 without a word; we look at their bytes."""
    path = whole[codec, suffix]
    slide, sound = open_slide(damaged_copy(path, [BAD], how)), open_slide(path)
    for _ in range(2):  # and again: neither the reader's memory nor OpenSlide's handle hides it
        with pytest.raises((ValueError, OSError), match=r"(?i)tile|jpeg|lzw") as raised:
            read(slide, BAD)
        assert is_damage(raised.value)
        for other in (BAD - 1, BAD + 1, BAD + ACROSS, 0):
            assert np.array_equal(read(slide, other), read(sound, other))


@pytest.mark.parametrize("codec", list(CODECS))
@pytest.mark.parametrize("suffix", ["svs", "ome.tif"])
def test_whole_tiles_have_no_sign_of_damage(whole, codec, suffix):
    slide = open_slide(whole[codec, suffix])
    slide.region(0, 0, 0, TILE * ACROSS, TILE * ACROSS)
    assert isinstance(slide, TiffReader) == (suffix == "ome.tif")


@pytest.mark.parametrize(("codec", "how"), [("none", "all-random"), ("lzw", "flip"), ("jpeg2000", "flip")])
def test_what_cannot_be_seen(whole, codec, how):
    """Uncompressed tiles, and single bits of LZW and JPEG 2000: nothing in the file shows it (docs/data.md)."""
    slide = open_slide(damaged_copy(whole[codec, "svs"], [BAD], how))
    assert read(slide, BAD).shape == (TILE, TILE, 3)
    assert not np.array_equal(read(slide, BAD), read(open_slide(whole[codec, "svs"]), BAD)) or codec == "lzw"


def test_a_public_jpeg_2000_slide_has_no_sign_of_damage(shared_data):
    """All 315 tiles that a scanner wrote."""
    path, count = shared_data / "slides/tcga-cr-7395-01a-01-ts1.svs", 0
    with tifffile.TiffFile(path) as file, open(path, "rb") as handle:
        for page in (page for page in file.pages if page.is_tiled):
            for offset, length in zip(page.dataoffsets, page.databytecounts, strict=True):
                handle.seek(offset)
                assert fault_of_jpeg2000(handle.read(length)) == ""
                count += 1
    assert count == 315


def test_every_way_to_break_a_public_jpeg_2000_tile(shared_data):
    """Zeros, ones or noise in 40 places of a scanner's tile: short noise is missed in some of them."""
    path = shared_data / "slides/tcga-cr-7395-01a-01-ts1.svs"
    with tifffile.TiffFile(path) as file, open(path, "rb") as handle:
        page = file.pages[0]
        index = int(np.argmax(page.databytecounts))
        handle.seek(page.dataoffsets[index])
        data = handle.read(page.databytecounts[index])
    rng, counts = np.random.default_rng(0), {}
    fillings = {"zero": lambda: bytes(512), "ff": lambda: b"\xff" * 512, "short": lambda: rng.bytes(512)}
    fillings["long"] = lambda: rng.bytes(4096)
    for filling, make in fillings.items():
        size = len(make())
        starts = np.linspace(0, len(data) - size, 40).astype(int)
        counts[filling] = sum(bool(fault_of_jpeg2000(data[:i] + make() + data[i + size :])) for i in starts)
    assert (counts["zero"], counts["ff"]) == (40, 40)
    assert counts["long"] >= 38
    assert 20 <= counts["short"] <= 32


def test_signs_of_streams():
    import zlib

    data = zlib.compress(b"tissue" * 100)
    assert fault_of_deflate(data, 600) == ""
    assert fault_of_deflate(data[:-4], 600) == ""  # without its checksum
    assert "of 600 bytes" in fault_of_deflate(data[:10], 600)
    assert "incorrect data check" in fault_of_deflate(data[:-1] + b"x", 600)
    assert fault_of_jpeg2000(b"") == "no JPEG 2000 codestream"
    assert fault_of_jpeg2000(bytes.fromhex("ff4fff5100")) == "its marker segments are damaged or cut off"


def test_a_region_between_pixels_touches_one_more_tile(tmp_path):
    """OpenSlide mixes neighbouring pixels where a region of a lower level begins between two."""
    pixels, path = picture(512, 512), tmp_path / "a.svs"
    description = "Aperio Image Library (synthetic)\r\n|MPP = 0.25"
    options = {"tile": (TILE, TILE), "photometric": "rgb", "compression": "aperio_jp2000_rgb", "metadata": None}
    with tifffile.TiffWriter(path) as writer:
        for level in (1, 2):
            small = np.ascontiguousarray(pixels[::level, ::level])
            writer.write(small, description=description, subfiletype=int(level > 1), **options)
    with tifffile.TiffFile(path) as file:
        offset, count = file.pages[1].dataoffsets[1], file.pages[1].databytecounts[1]
    with open(path, "r+b") as handle:
        handle.seek(offset + count // 2)
        handle.write(np.random.default_rng(0).bytes(count - count // 2))
    slide = OpenSlideReader(str(path))
    slide.region(0, 0, 1, TILE, TILE)
    for x in (1, 2):
        with pytest.raises(DamagedTile, match="tile 1"):
            slide.region(x, 0, 1, TILE, TILE)


def test_runs_of_packbits_make_a_tile(tmp_path):
    """libtiff, and so OpenSlide, shows what too few or too many runs make without a word."""
    pixels = picture(256, 256)
    options = {"tile": (TILE, TILE), "photometric": "rgb", "compression": "packbits", "metadata": None}
    tifffile.imwrite(tmp_path / "a.tif", pixels, resolution=(20000, 20000), resolutionunit="CENTIMETER", **options)
    slide = open_slide(tmp_path / "a.tif")
    assert slide.name == "openslide"
    assert np.array_equal(slide.region(0, 0, 0, 256, 256), pixels)
    for how in ("all-random", "half-random", "half-zero", "sector-random", "sector-zero"):
        slide = open_slide(damaged_copy(tmp_path / "a.tif", [1], how))
        with pytest.raises(DamagedTile, match="tile 1"):
            slide.region(TILE, 0, 0, TILE, TILE)
        assert np.array_equal(slide.region(0, 0, 0, TILE, TILE), pixels[:TILE, :TILE])
    assert fault_of_packbits(b"\xfe\x07\x00\x01\x80", 4) == ""  # 3 x 7, then 1, and nothing
    assert fault_of_packbits(b"\xfe\x07\x00\x01", 5) == "its 4 bytes make other than 5"
    assert fault_of_packbits(b"\xfe\x07\x02\x01", 6) == "its 4 bytes make other than 6"  # cut off


def test_storage_faults_are_distinguished_from_damage():
    assert isinstance(as_damage(openslide.OpenSlideError("Bogus marker length")), DamagedTile)
    lost = as_damage(openslide.OpenSlideError(f"Cannot read TIFF tile: {os.strerror(errno.EIO)}"))
    assert isinstance(lost, OSError)
    assert lost.errno == errno.EIO
    assert not is_damage(lost)
    for number in (errno.EREMOTEIO, errno.EAGAIN, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ECONNRESET):
        assert not is_damage(as_damage(openslide.OpenSlideError(f"Couldn't read: {os.strerror(number)}")))
    assert not is_damage(MemoryError())
    assert not is_damage(FileNotFoundError(errno.ENOENT, "gone"))
    assert not is_damage(AttributeError("a fault of the program"))
    assert is_damage(OSError("tile 3 has 10 bytes, the file ends after 2 of them"))


def test_damage_at_the_place_of_comparison_leaves_the_fast_reader(tmp_path):
    write_slide(tmp_path / "a.svs", "jpeg")
    middle = ACROSS // 2 * ACROSS + ACROSS // 2
    assert isinstance(open_slide(damaged_copy(tmp_path / "a.svs", [middle])), JpegTilesReader)


@pytest.mark.parametrize("codec", ALWAYS_SEEN)
@pytest.mark.parametrize("suffix", ["svs", "ome.tif"])
def test_a_damaged_last_tile_does_not_cost_the_slide(whole, codec, suffix):
    """Inspection looks at the last pixels: a file cut off has none behind its middle either."""
    path = damaged_copy(whole[codec, suffix], [ACROSS**2 - 1])
    row = inspect_slide({"slide_id": "a", "path": str(path), "mpp": "0.5", "keep": ""})
    assert (row["status"], row["reason"]) == ("ok", "")
    assert "its last pixels can't be read" in row["note"]
    every = damaged_copy(whole[codec, suffix], range(ACROSS**2))
    row = inspect_slide({"slide_id": "a", "path": str(every), "mpp": "0.5", "keep": ""})
    assert row["reason"] == "unreadable"


def test_damaged_places_come_from_a_finer_level_or_are_white(tmp_path):
    """A tile of level 1 is made of level 0; one of level 0 is white, and no more than that, and counted."""
    pixels = np.full((1024, 1024, 3), 90, np.uint8)
    pixels[:, 512:] = 160
    path = write_jpeg_pyramid(tmp_path / "a.svs", pixels, tile=128, levels=(1, 4), aperio=True, mpp=0.5)
    with tifffile.TiffFile(path) as file:
        lower = file.pages[1]
        place = lower.dataoffsets[1], lower.databytecounts[1]
    with open(path, "r+b") as handle:
        handle.seek(place[0])
        handle.write(bytes(place[1]))
    slide = Forgiving(open_slide(path))
    shown = slide.region(0, 0, 1, 256, 256)
    assert abs(shown[:, 140:].astype(int) - 160).max() < 12
    assert slide.lost_fraction == 0
    slide = Forgiving(open_slide(damaged_copy(path, [0])))
    shown = slide.region(0, 0, 0, 1024, 1024)
    assert (shown[:128, :128] == 255).all()
    assert (shown[128:] < 200).all()
    assert slide.lost_fraction == pytest.approx(1 / 64)
    assert slide.levels == slide.slide.levels


def test_a_damaged_frame_of_dicom_is_seen_and_its_neighbours_are_whole(tmp_path):
    """What OpenSlide decodes on its own: the frame is named, and the handle that failed is opened again."""
    write_series(tmp_path / "series", picture(512, 512), levels=(1,))
    sound = open_slide(tmp_path / "series")
    whole = [sound.region(x, 64, 0, 64, 64) for x in (0, 64, 128)]
    (file,) = (tmp_path / "series").iterdir()
    data = file.read_bytes()
    starts = [match.start() for match in re.finditer(b"\xff\xd8\xff", data)]
    assert len(starts) == 64
    middle = (starts[9] + starts[10]) // 2  # of the tile at (64, 64)
    file.write_bytes(data[:middle] + bytes(starts[10] - middle - 16) + data[starts[10] - 16 :])
    slide = open_slide(tmp_path / "series")
    for _ in range(2):
        with pytest.raises(ValueError, match="(?i)jpeg"):
            slide.region(64, 64, 0, 64, 64)
        for x, expected in zip((0, 64, 128), whole, strict=True):
            assert x == 64 or np.array_equal(slide.region(x, 64, 0, 64, 64), expected)
