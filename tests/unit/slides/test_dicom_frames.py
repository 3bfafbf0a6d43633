"""DICOM slides of JPEG frames: the pixels OpenSlide shows, each frame decoded once."""

import numpy as np
import pytest
from dicom_files import write_instance, write_series
from molpath.slides.dicom_frames import pages_of_series
from molpath.slides.readers import OpenSlideReader, open_slide
from slide_files import picture


def assert_same(folder, name="jpeg_tiles"):
    """Levels, properties and pixels are OpenSlide's, at all levels and beyond the edges."""
    entry = sorted(folder.glob("*.dcm"))[0]
    fast, plain = open_slide(folder), OpenSlideReader(str(entry))
    assert (fast.name, fast.vendor, fast.levels, fast.properties) == (name, "dicom", plain.levels, plain.properties)
    rng = np.random.default_rng(0)
    for level, (width, height, downsample) in enumerate(fast.levels):
        for _ in range(25):
            x, y = (int(rng.integers(-40, size)) * round(downsample) for size in (width, height))
            size = [int(edge) for edge in rng.integers(1, 150, 2)]
            pixels, expected = (slide.region(x, y, level, *size) for slide in (fast, plain))
            np.testing.assert_array_equal(pixels, expected, err_msg=f"level {level} at {x}, {y}")
    fast.close()
    plain.close()


@pytest.mark.parametrize("table", ["basic", "extended", "none"])
@pytest.mark.parametrize("tile", [48, 64])
def test_pixels_are_those_of_openslide(tmp_path, table, tile):
    assert_same(write_series(tmp_path / "a", picture(384, 448), table=table, tile=tile))


def test_edges_that_cut_through_frames(tmp_path):
    assert_same(write_series(tmp_path / "a", picture(372, 388), levels=(1, 4)))


def test_two_series_in_a_folder_stay_apart(tmp_path):
    write_series(tmp_path / "a", picture(128, 192), levels=(1, 2))
    write_series(tmp_path / "a", 255 - picture(128, 192), series="1.2.3.5", levels=(1, 2))
    for series in ("1.2.3.4", "1.2.3.5"):
        path = tmp_path / f"a/{series}_0.dcm"
        fast, plain = open_slide(path), OpenSlideReader(str(path))
        assert fast.name == "jpeg_tiles"
        np.testing.assert_array_equal(fast.region(0, 0, 0, 192, 128), plain.region(0, 0, 0, 192, 128))


def test_frames_in_an_order_of_their_own_are_refused(tmp_path):
    (tmp_path / "a").mkdir()
    path = write_instance(tmp_path / "a/0.dcm", picture(128, 192), 0.5, "1.2.3.4", 0, tiling=b"TILED_SPARSE")
    with pytest.raises(ValueError, match="an order of their own"):
        pages_of_series(path, [(192, 128, 1.0)])


def test_a_level_that_two_files_claim_is_refused(tmp_path):
    folder = write_series(tmp_path / "a", picture(128, 192), levels=(1, 2))
    write_instance(folder / "other.dcm", picture(128, 192), 0.5, "1.2.3.4", 9)
    with pytest.raises(ValueError, match="not one each"):
        pages_of_series(folder, [(192, 128, 1.0), (96, 64, 2.0)])


def test_a_damaged_frame_raises(tmp_path):
    folder = write_series(tmp_path / "a", picture(384, 448), levels=(1,))
    (page,) = pages_of_series(folder, [(448, 384, 1.0)])
    offset, count = int(page.dataoffsets[1]), int(page.databytecounts[1])
    with open(page.path, "r+b") as file:
        file.seek(offset + count // 2)
        file.write(bytes(count - count // 2))
    slide = open_slide(folder)
    assert slide.name == "jpeg_tiles"
    assert slide.region(0, 0, 0, 64, 64).std() > 0
    with pytest.raises(ValueError, match="JPEG tile 1: "):
        slide.region(0, 0, 0, 128, 64)


def test_a_table_that_points_elsewhere_leaves_the_slide_to_openslide(tmp_path):
    folder = write_series(tmp_path / "a", picture(128, 192), levels=(1,))
    path = folder / "1.2.3.4_0.dcm"
    data = bytearray(path.read_bytes())
    place = data.index(b"\xfe\xff\x00\xe0", data.index(b"\xe0\x7f\x10\x00OB"))
    data[place + 12] += 2  # the second offset
    path.write_bytes(data)
    assert open_slide(folder).name == "openslide"
