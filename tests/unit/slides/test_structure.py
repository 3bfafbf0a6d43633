"""Where a TIFF's data are, found without reading a pixel: classic, big, both byte orders, levels in sub-images."""

import os
import struct

import numpy as np
import pytest
import tifffile
from broken_files import directories, image_tags, tiff_of
from molpath.slides.inspection import note_of_depths
from molpath.slides.structure import Broken, examine

PICTURE = np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8)


def write(path, bigtiff=False, byteorder="<", sub_images=0):
    """A tiled TIFF of 300 x 200 pixels with its levels as sub-images."""
    options = {"tile": (128, 128), "photometric": "rgb", "metadata": None}
    with tifffile.TiffWriter(path, bigtiff=bigtiff, byteorder=byteorder) as writer:
        unit = {"resolution": (20000, 20000), "resolutionunit": "CENTIMETER"}
        writer.write(PICTURE, description="a slide", subifds=sub_images, **options, **unit)
        for _ in range(sub_images):
            writer.write(PICTURE[::2, ::2], subfiletype=1, **options)
    return path


@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("byteorder", "<>")
def test_a_whole_file_and_one_cut_anywhere(tmp_path, bigtiff, byteorder):
    path = write(tmp_path / "a.tiff", bigtiff, byteorder, sub_images=1)
    facts = examine(path)
    assert (facts.description, facts.names_unit) == ("a slide", True)
    whole = path.read_bytes()
    for length in (len(whole) - 1, len(whole) * 2 // 3, len(whole) // 3, 400, 60, 12, 0):
        path.write_bytes(whole[:length])
        with pytest.raises(Broken) as caught:
            examine(path)
        assert caught.value.reason == "truncated", length


def test_sub_images_that_are_chained_as_well_are_no_loop(tmp_path):
    """tifffile links the levels it lists; an image after them must still be reached."""
    path = tmp_path / "a.ome.tif"
    options = {"tile": (128, 128), "photometric": "rgb"}
    with tifffile.TiffWriter(path, ome=True) as writer:
        writer.write(PICTURE, subifds=2, metadata={"axes": "YXS"}, **options)
        for step in (2, 4):
            writer.write(PICTURE[::step, ::step], subfiletype=1, **options)
        writer.write(PICTURE[:50, :50], metadata={"axes": "YXS"}, **options)
    assert examine(path).description.startswith("<?xml")
    os.truncate(path, os.path.getsize(path) - 100)
    with pytest.raises(Broken):
        examine(path)


def test_what_is_no_tiff_is_left_to_the_readers(tmp_path):
    for data in (b"\x89PNG\r\n\x1a\n", b"II", b"MM\0\x2b", b"not a slide at all", b"II\x2a\x01" * 4):
        (tmp_path / "x").write_bytes(data)
        assert examine(tmp_path / "x") is None


def test_a_unit_that_is_none_is_no_unit(tmp_path):
    for unit, named in (("INCH", True), ("NONE", False)):
        options = {"photometric": "rgb", "metadata": None, "resolution": (72, 72), "resolutionunit": unit}
        tifffile.imwrite(tmp_path / "a.tiff", PICTURE, **options)
        assert examine(tmp_path / "a.tiff").names_unit is named


def test_a_label_that_was_taken_out_does_not_matter_but_a_level_does(tmp_path):
    path = write(tmp_path / "a.tiff")
    whole = path.read_bytes()
    start, count = directories(whole)[0]
    for extra, is_fine in (
        ([(256, 4, 1, 400), (257, 4, 1, 400), (278, 4, 1, 400)], True),
        (image_tags(4000, 4000), False),
    ):
        more = tiff_of([extra])[8:]
        link = start + 2 + 12 * count
        path.write_bytes(whole[:link] + struct.pack("<I", len(whole)) + whole[link + 4 :] + more)
        if is_fine:
            assert examine(path)
        else:
            with pytest.raises(Broken, match="needs 256 tiles"):
                examine(path)


def test_tiles_that_were_never_scanned_are_no_missing_bytes(tmp_path):
    path = write(tmp_path / "a.tiff")
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        tags = file.pages[0].tags
        offsets, counts = tags["TileOffsets"].valueoffset, tags["TileByteCounts"].valueoffset
    data[offsets : offsets + 4] = struct.pack("<I", 2**32 - 1)
    path.write_bytes(data)
    with pytest.raises(Broken, match="image data at byte"):
        examine(path)
    data[counts : counts + 4] = bytes(4)
    path.write_bytes(data)
    assert examine(path)


def test_an_ndpi_beyond_4_gb_has_its_upper_halves_after_the_link(tmp_path):
    """A sparse file: one strip of the image is beyond 4 GB, its offset split as Hamamatsu's scanners do."""
    path, far = tmp_path / "a.ndpi", 2**32 + 1000
    entries = [
        (256, 4, 1, 64),
        (257, 4, 1, 64),
        (259, 3, 1, 7),
        (273, 4, 1, far % 2**32),
        (278, 4, 1, 64),
        (279, 4, 1, 500),
        (65420, 4, 1, 1),
    ]
    halves = [far >> 32 if tag == 273 else 0 for tag, *_ in entries]
    table = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    path.write_bytes(struct.pack("<2sHQ", b"II", 42, 12) + table + bytes(8) + struct.pack(f"<{len(halves)}I", *halves))
    os.truncate(path, far + 500)
    assert examine(path)
    os.truncate(path, far + 499)
    with pytest.raises(Broken, match=f"image data at byte {far + 500}"):
        examine(path)


def test_focal_planes_of_an_ndpi_are_counted(tmp_path):
    """OpenSlide shows the one at depth 0 and doesn't say that there are more."""
    tags = image_tags(256, 256)
    depths = [[*tags, (65420, 4, 1, 1), (65424, 9, 1, depth)] for depth in (0, 2**32 - 700, 700, 0)]
    (tmp_path / "a.ndpi").write_bytes(tiff_of(depths) + bytes(64))
    facts = examine(tmp_path / "a.ndpi")
    assert facts.depths == 3
    assert note_of_depths(facts) == "3 focal planes, of which the one at depth 0 is read"
    (tmp_path / "a.tif").write_bytes(tiff_of([[*tags, (65424, 9, 1, depth)] for depth in (0, 5)]) + bytes(64))
    assert note_of_depths(examine(tmp_path / "a.tif")) == ""


def test_a_directory_that_links_to_itself_is_reported_at_its_second_round(tmp_path):
    path = write(tmp_path / "a.tiff")
    data = bytearray(path.read_bytes())
    (first,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, first)
    struct.pack_into("<I", data, first + 2 + 12 * entries, first)
    path.write_bytes(data)
    with pytest.raises(Broken, match=f"the directory at byte {first} comes again after itself"):
        examine(path)
