"""Features of one slide compared with those that a user has of it."""

import h5py
import numpy as np
import pytest
import torch
from damaged_slides import TILE, damage_tiles, damaged_copy, write_slide
from molpath.common.given_h5 import Unusable
from molpath.features.comparison import compare_features, cosine
from molpath.features.encoders import build
from molpath.slides.readers import open_slide
from PIL import Image

GRID = {"name": "g", "patch_size": 32, "magnification": 20, "mpp": 0, "overlap": 0, "scale": "mpp"}
INSPECTED = {"mpp": "0.25", "magnification": "40", "width": "512", "height": "256"}
ENCODER = {"name": "mean", "adapter": "mean_colour"}


@pytest.fixture
def slide(tmp_path):
    """A picture of coloured squares of 64 pixels, and the mean colour of each, as a network would give it."""
    colours = np.random.default_rng(0).integers(0, 256, (4, 8, 3), np.uint8)
    Image.fromarray(np.repeat(np.repeat(colours, 64, 0), 64, 1)).save(tmp_path / "a.png")
    ys, xs = np.mgrid[:4, :8]
    return tmp_path / "a.png", colours.reshape(-1, 3) / 255, np.stack([xs.ravel(), ys.ravel()], 1) * 64


def write_given(folder, features, coords, **attributes):
    """A file in TRIDENT's layout."""
    with h5py.File(folder / "theirs.h5", "w") as handle:
        handle["features"] = features
        handle["coords"] = coords
        attributes = {"patch_size": 32, "patch_size_level0": 64, "target_magnification": 20, "overlap": 0} | attributes
        handle["coords"].attrs.update(attributes)
    return folder / "theirs.h5"


def test_the_same_features_have_cosine_1(slide, tmp_path):
    path, colours, coords = slide
    compared = compare_features(path, write_given(tmp_path, colours[None], coords), INSPECTED, GRID, ENCODER, [])
    np.testing.assert_allclose(compared.cosines, 1, atol=1e-6)
    np.testing.assert_array_equal(compared.coords, coords)
    assert "the same features, up to rounding" in compared.report("S1", "theirs.h5")


def test_features_of_other_places_are_reported_with_the_worst_of_them(slide, tmp_path):
    path, colours, coords = slide
    changed = colours.copy()
    changed[5] = [1.0, -1.0, 0.0]
    compared = compare_features(path, write_given(tmp_path, changed, coords), INSPECTED, GRID, ENCODER, [])
    assert compared.cosines.argmin() == 5
    assert "lowest, at 320, 0)" in compared.report("S1", "theirs.h5")
    shuffled = compare_features(path, write_given(tmp_path, -colours, coords), INSPECTED, GRID, ENCODER, [])
    assert "other features" in shuffled.report("S1", "theirs.h5")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"patch_size": 64}, "patch_size 64"),
        ({"patch_size_level0": 128}, "128"),
        ({"width": True}, "4 numbers wide, those of encoder mean 3"),
    ],
)
def test_files_that_fit_neither_slide_nor_encoder(slide, tmp_path, change, message):
    path, colours, coords = slide
    wide = change.pop("width", False)
    features = np.pad(colours, ((0, 0), (0, 1))) if wide else colours
    with pytest.raises(Unusable, match=message):
        compare_features(path, write_given(tmp_path, features, coords, **change), INSPECTED, GRID, ENCODER, [])


def test_cosine_of_rows():
    own, given_features = np.array([[1.0, 0], [1, 1], [0, 0]]), np.array([[2.0, 0], [1, 0], [1, 0]])
    np.testing.assert_allclose(cosine(own, given_features), [1, 0.5**0.5, 0])


def test_patches_under_damaged_tiles_are_left_out(tmp_path):
    write_slide(tmp_path / "a.svs", "jpeg")
    pixels = open_slide(tmp_path / "a.svs").region(0, 0, 0, 1024, 1024)
    damaged = damaged_copy(tmp_path / "a.svs", [9])
    coords = np.array([(x * TILE, y * TILE) for y in range(2) for x in range(8)])
    colours = np.stack([pixels[y : y + TILE, x : x + TILE].mean((0, 1)) / 255 for x, y in coords])
    facts = {"mpp": "0.5", "magnification": "20", "width": "1024", "height": "1024"}
    grid = GRID | {"patch_size": TILE}
    file = write_given(tmp_path, colours, coords, patch_size=TILE, patch_size_level0=TILE)
    whole = compare_features(damaged, file, facts, grid, ENCODER, [])
    assert len(whole.cosines) == 16  # tile 9 is none of these
    damage_tiles(damaged, [3])
    compared = compare_features(damaged, file, facts, grid, ENCODER, [])
    assert compared.coords.tolist() == np.delete(coords, 3, 0).tolist()
    np.testing.assert_allclose(compared.cosines, 1, atol=1e-6)
    damage_tiles(damaged, range(32))
    with pytest.raises(Unusable, match="none of the 16 sampled patches"):
        compare_features(damaged, file, facts, grid, ENCODER, [])


@pytest.mark.parametrize(
    ("name", "contents", "message"),
    [
        ("a.h5", b"text", "it can't be read"),
        ("a.pt", b"text", "it can't be read"),
        ("a.npz", b"text", "it can't be read"),
        ("a.csv", b"a,b", "from .h5, .pt, .npz, .zarr, not from .csv"),
    ],
)
def test_files_that_nothing_reads_are_reported_in_words(slide, tmp_path, name, contents, message):
    (tmp_path / name).write_bytes(contents)
    with pytest.raises(Unusable, match=message):
        compare_features(slide[0], tmp_path / name, INSPECTED, GRID, ENCODER, [])


def test_an_encoder_that_computes_in_half_precision(slide, tmp_path, monkeypatch):
    """numpy has no bfloat16; a job of features takes it, too."""
    path, colours, coords = slide
    built = build([], ENCODER)

    class Half:
        dim = 3

        def __call__(self, batch):
            return built(batch).to(torch.bfloat16)

    monkeypatch.setattr("molpath.features.comparison.build", lambda weights, config: Half())
    compared = compare_features(path, write_given(tmp_path, colours, coords), INSPECTED, GRID, ENCODER, [])
    np.testing.assert_allclose(compared.cosines, 1, atol=1e-4)
