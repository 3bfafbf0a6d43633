"""How often tiles are decoded, what half scale changes, and the focus of patches."""

import cv2
import h5py
import numpy as np
import pytest
import tifffile
from giant_slide import tissue_picture, write_giant
from molpath.features.focus import focus_of
from molpath.features.geometry import Geometry
from molpath.features.patches import HALF_SCALE_BOUNDS, read_patches
from molpath.features.registry import describe
from molpath.features.stream import plan, reading_order
from molpath.slides.readers import open_slide
from slide_files import write_jpeg_pyramid

GEOMETRY = Geometry(512, 1024)


def all_patches(width, height, edge):
    """Coordinates of a whole slide, row by row."""
    xs, ys = np.meshgrid(np.arange(0, width - edge + 1, edge), np.arange(0, height - edge + 1, edge))
    return np.stack([xs.ravel(), ys.ravel()], 1)


def read_all(slide, coords, geometry=GEOMETRY):
    out = np.empty((len(coords), geometry.size, geometry.size, 3), np.uint8)
    return out, read_patches(slide, coords, geometry, out)


@pytest.fixture(scope="module")
def tissue(shared_data):
    """Real H&E, 2160 x 2880 px, as it comes out of an SVS."""
    return tifffile.imread(shared_data / "slides/cmu-1-small-region.svs")[:2880, :2160]


@pytest.mark.parametrize("colour", ["RGB", "4:4:4", "4:2:2", "4:2:0"])
def test_half_scale_keeps_its_bound_on_real_tissue(tmp_path, tissue, colour):
    path = tmp_path / "a.svs"
    if colour == "RGB":
        write_giant(path, 2160, 2880, levels=(1,), pool=tissue, tissue=4.0)
    else:
        subsampling = {"4:4:4": (1, 1), "4:2:2": (2, 1), "4:2:0": (2, 2)}[colour]
        write_jpeg_pyramid(path, tissue, 240, subsampling, levels=(1,), aperio=True)
    assert_bounded(path, "full colour" if colour in ("RGB", "4:4:4") else "subsampled colour")


def assert_bounded(path, kind):
    """Mean and 99.9th percentile of the difference are within the bound, and there is a difference."""
    exact, half = open_slide(path), open_slide(path, half_scale=True)
    assert exact.name == half.name == "jpeg_tiles"
    coords = all_patches(*exact.levels[0][:2], 1024)
    difference = np.abs(read_all(exact, coords)[0].astype(int) - read_all(half, coords)[0])
    mean, largest = HALF_SCALE_BOUNDS[kind]
    assert 0 < difference.mean() <= mean
    assert np.percentile(difference, 99.9) <= largest


def test_half_scale_keeps_its_bound_on_a_generated_slide(tmp_path):
    path = write_giant(tmp_path / "a.svs", 3840, 3840, levels=(1, 4), pool=tissue_picture(960), tissue=4.0)
    assert_bounded(path, "full colour")


def test_whole_number_and_other_scales_equal_openslide(tmp_path):
    from molpath.slides.readers import OpenSlideReader

    path = write_giant(tmp_path / "a.svs", 5000, 4000, levels=(1,), tissue=0.5)
    fast, plain = open_slide(path), OpenSlideReader(str(path))
    for size, edge in ((256, 512), (256, 1024), (224, 448), (256, 505), (256, 256)):
        coords = np.array([[1900, 1400], [1901, 1403], [0, 0], [4700, 3900]])
        pixels, expected = (read_all(slide, coords, Geometry(size, edge)) for slide in (fast, plain))
        np.testing.assert_array_equal(pixels[0], expected[0])
        np.testing.assert_array_equal(pixels[1], expected[1])


@pytest.mark.parametrize("edge", [1024, 1013])
def test_tiles_are_hardly_ever_decoded_twice(tmp_path, edge):
    path = write_giant(tmp_path / "a.svs", 20_000, 8_000, levels=(1,))
    coords, lanes = all_patches(20_000, 8_000, edge), 2
    order = reading_order(coords, edge, lanes)
    dealt = [piece for batch in plan([len(coords)], 64, 32, lanes) for piece in batch]
    decoded = []
    for lane in range(lanes):
        slide = open_slide(path)
        blank = np.zeros((240, 240, 3), np.uint8)
        slide._tiles[0].decode = lambda parts, blank=blank: decoded.extend(parts) or blank
        for piece in (piece for piece in dealt if piece.lane == lane):
            read_all(slide, coords[order[piece.first : piece.first + piece.count]], Geometry(512, edge))
    assert len(set(decoded)) > 2000
    assert len(decoded) / len(set(decoded)) < 1.06


def test_decoding_is_part_of_what_features_are_made_from():
    encoder = {"adapter": "mean_colour"}
    exact, half = describe(encoder | {"decode": "exact"}, []), describe(encoder | {"decode": "half"}, [])
    assert exact == describe(encoder, [])  # files from before there was a choice
    assert half == exact | {"decode": "half"}


def test_half_scale_is_asked_for_only_where_the_config_says_so(shard):
    from slide_doubles import open_at_half_scale

    shard.add("a", 10).write()
    rows = {}
    for decode in ("exact", "half"):
        rows[decode] = shard.extract(decode=decode, opener=open_at_half_scale)["a"]
        with h5py.File(shard.wsi / rows[decode]["file"]) as handle:
            rows[decode] |= {"features": handle["features"][:], "inputs": handle.attrs["inputs"]}
    assert rows["exact"]["inputs"] != rows["half"]["inputs"]
    np.testing.assert_allclose(rows["half"]["features"], rows["exact"]["features"] / 2, atol=1)


def test_focus_falls_with_blur_and_is_unknown_where_nothing_is():
    sharp = cv2.resize(tissue_picture(960), (512, 512), interpolation=cv2.INTER_AREA)
    values = [focus_of(cv2.GaussianBlur(sharp, (0, 0), blur), 0.5) for blur in (0.01, 1, 2, 4, 8)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 2 * values[2]
    assert np.isnan(focus_of(np.full((512, 512, 3), 240, np.uint8), 0.5))
    assert focus_of(sharp, 2.0) == pytest.approx(focus_of(sharp, 1.0))  # neither is shrunk


def test_focus_of_each_patch_is_stored_in_the_order_of_coordinates(shard):
    shard.add("a", 90).write()
    pixels = np.load(shard.folder / "a.npy")
    pixels[64:96, 32:64] = cv2.GaussianBlur(pixels[64:96, 32:64], (0, 0), 3)  # patch 17
    pixels[0:32, 96:128] = 200  # patch 3
    np.save(shard.folder / "a.npy", pixels)
    rows = shard.extract(workers=2, batch_size=16)
    with h5py.File(shard.wsi / rows["a"]["file"]) as handle:
        focus = handle["focus"][:]
        assert (focus.dtype, focus.shape, handle["focus"].attrs["mpp"]) == (np.float32, (90,), 1.0)
    assert np.isnan(focus[3])
    assert np.nanargmin(focus) == 17
    assert np.nanmin(focus) < 0.5 * np.nanmedian(focus)
