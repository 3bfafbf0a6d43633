"""Windows over a slide: weights add up, areas are means, and a local network answers as if it saw the slide at once."""

import cv2
import numpy as np
import pytest
import torch
from molpath.tissue.overview import Overview
from molpath.tissue.quality import spread
from molpath.tissue.windows import Raster, coverage, fade, slide_over, window_starts
from torch import nn


class Pixels:
    """A slide of one level in memory that counts what is read of it."""

    def __init__(self, pixels, levels=(1.0,)):
        self.pixels, self.reads = pixels, 0
        height, width = pixels.shape[:2]
        self.levels = [(round(width / d), round(height / d), d) for d in levels]

    def region(self, x, y, level, width, height):
        self.reads += 1
        downsample = int(self.levels[level][2])
        image = cv2.resize(self.pixels, self.levels[level][:2], interpolation=cv2.INTER_AREA)
        out = np.full((height, width, 3), 255, np.uint8)
        x, y = x // downsample, y // downsample
        part = image[max(0, y) : max(0, y + height), max(0, x) : max(0, x + width)]
        out[max(0, -y) : max(0, -y) + part.shape[0], max(0, -x) : max(0, -x) + part.shape[1]] = part
        return out


def noise(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def local_network():
    """Two classes from eight pixels around: what a network sees no further than, a margin of 16 covers."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 4, 5, padding=2), nn.ReLU(), nn.Conv2d(4, 4, 7, padding=3), nn.Conv2d(4, 2, 7, padding=3)]
    network = nn.Sequential(*layers).eval()

    @torch.inference_mode()
    def predict(images):
        pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 64
        return network(pixels).softmax(1).numpy()

    return predict


def laid(slide, overview, predict, asked_for=None, edge=192, overlap=64, batch=3):
    """All bands of `slide_over` together."""
    asked_for = np.ones(overview.image.shape[:2], bool) if asked_for is None else asked_for
    raster = Raster(slide, 1.0, 1.0)
    bands = list(slide_over(raster, overview, asked_for, predict, 2, edge, overlap, batch))
    assert [first for first, _ in bands] == list(np.cumsum([0, *(band.shape[1] for _, band in bands)])[:-1])
    return np.concatenate([band for _, band in bands], axis=1)


def overview_of(slide, width, height):
    full = slide.levels[0]
    return Overview(np.zeros((height, width, 3), np.uint8), (full[0] / width, full[1] / height), full[0] / width)


@pytest.mark.parametrize("size", [1, 100, 320, 321, 512, 5000])
@pytest.mark.parametrize("overlap", [0, 64, 128])
def test_weights_of_windows_add_up_to_one(size, overlap):
    total = np.zeros(size + 2048)
    for start in window_starts(size, 512, overlap):
        total[1024 + start : 1024 + start + 512] += fade(512, overlap)
    np.testing.assert_allclose(total[1024 : 1024 + size], 1, atol=1e-6)


def test_coverage_is_the_mean_over_an_area():
    values = np.random.default_rng(1).random(48)
    np.testing.assert_allclose(coverage(0, 8, 6, 48) @ values, values.reshape(6, 8).mean(1), rtol=1e-5)
    parts = values.repeat(3)  # 2 1/3 values are seven thirds
    expected = [parts[2 + 7 * i : 9 + 7 * i].mean() for i in range(5)]
    np.testing.assert_allclose(coverage(2 / 3, 7 / 3, 5, 48) @ values, expected, rtol=1e-5)
    assert coverage(-4, 8, 1, 48).sum() == pytest.approx(0.5)  # what is outside counts as nothing


def test_windows_equal_the_whole_slide_at_once(local_network):
    slide = Pixels(noise(500, 430))
    overview = overview_of(slide, 61, 70)  # 7.05 and 7.14 pixels: no whole number
    padded = np.pad(slide.pixels, ((16, 16), (16, 16), (0, 0)), constant_values=255)
    whole = local_network(padded[None])[0][:, 16:-16, 16:-16]
    expected = coverage(0, 500 / 70, 70, 500) @ whole @ coverage(0, 430 / 61, 61, 430).T
    joined = laid(slide, overview, local_network)
    np.testing.assert_allclose(joined, expected, atol=2e-5)
    np.testing.assert_allclose(laid(slide, overview, local_network, edge=320, overlap=128), joined, atol=2e-5)
    side_by_side = laid(slide, overview, local_network, overlap=0)
    assert np.abs(side_by_side - expected).max() > 1e-3, "without overlap there should be seams to see"


def test_windows_without_anything_wanted_are_not_read(local_network):
    slide = Pixels(noise(1000, 1000))
    overview = overview_of(slide, 125, 125)
    asked_for = np.zeros((125, 125), bool)
    asked_for[60:64, 60:64] = True
    joined = laid(slide, overview, local_network, asked_for)
    assert 1 <= slide.reads <= 4
    everywhere = laid(slide, overview, local_network)
    np.testing.assert_allclose(joined[:, 60:64, 60:64], everywhere[:, 60:64, 60:64], atol=1e-6)
    assert not joined[:, :20].any()
    assert not laid(slide, overview, local_network, np.zeros((125, 125), bool)).any()


@pytest.mark.parametrize("mpp", [0.25, 0.37])
def test_a_slide_without_a_coarse_level_is_read_in_parts(mpp, monkeypatch):
    slide = Pixels(noise(900, 900))
    whole = Raster(slide, mpp, 2.5).window(-10, -20, 100)
    monkeypatch.setattr("molpath.tissue.windows.MOST_PIXELS", 30_000)
    slide.reads = 0
    assert np.array_equal(Raster(slide, mpp, 2.5).window(-10, -20, 100), whole)
    assert slide.reads > 10


def test_raster_uses_a_near_level_unchanged_and_shrinks_a_finer_one_by_area():
    pixels = noise(480, 480)
    near = Raster(Pixels(pixels, (1.0, 4.0)), 0.2527, 1.0)  # level 1 has 1.0108
    assert (near.level, near.ratio, near.step, near.size) == (1, 1.0, 4.0, (120, 120))
    expected = cv2.resize(pixels, (120, 120), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(near.window(8, 16, 64), expected[16:80, 8:72])
    twice = Raster(Pixels(pixels), 0.5025, 1.0)  # 1.99 pixels to one count as two
    assert (twice.level, twice.ratio, twice.step, twice.size) == (0, 2, 2.0, (240, 240))
    expected = pixels.reshape(240, 2, 240, 2, 3).mean((1, 3))
    np.testing.assert_allclose(twice.window(3, 100, 64), expected[100:164, 3:67], atol=0.51)
    finer = Raster(Pixels(pixels, (1.0, 4.0)), 0.5, 1.25)  # level 0, 2.5 pixels to one
    assert (finer.level, finer.ratio, finer.size) == (0, 2.5, (192, 192))
    halves = pixels.astype(float).repeat(2, 0).repeat(2, 1)
    expected = halves.reshape(192, 5, 192, 5, 3).mean((1, 3))
    np.testing.assert_allclose(finer.window(31, 7, 64), expected[7:71, 31:95], atol=0.51)
    assert (finer.window(180, 0, 32)[:, 12:] == 255).all()  # beyond the slide


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 15, 16, 23, 400])
def test_windows_at_full_resolution_are_spread_over_the_whole_slide(count):
    """Of 9 to 15 places the first eight were measured, which are those at the top of the slide."""
    places = np.stack([np.zeros(count), np.arange(count)], 1)
    rows = spread(places, 8)[:, 1]
    assert len(rows) == min(count, 8)
    if count:
        assert (rows[0], rows[-1]) == (0, count - 1)
        assert len(rows) == 1 or np.ptp(np.diff(rows)) <= 1
