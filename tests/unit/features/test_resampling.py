"""Patches shrunk by any factor: OpenCV's values, compiled."""

import cv2
import numpy as np
import pytest
from molpath.features.resampling import TAPS, area_taps, resample


@pytest.mark.parametrize("size", [513, 700, 1013, 1022, 1101, 1535])
def test_means_are_those_of_opencv_up_to_rounding(size):
    pixels = np.random.default_rng(size).integers(0, 256, (size, size, 3), np.uint8)
    resampled, expected = np.empty((2, 512, 512, 3), np.uint8)
    resample(pixels, resampled)
    cv2.resize(pixels, (512, 512), dst=expected, interpolation=cv2.INTER_AREA)
    difference = np.abs(resampled.astype(int) - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-4


@pytest.mark.parametrize(("size", "target"), [(1013, 512), (11, 4), (5, 4), (12, 4)])
def test_weights_are_shares_of_what_is_covered(size, target):
    """Each output pixel weighs 1, and each input pixel enters as often as any other."""
    first, weights = area_taps(size, target)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
    entered = np.zeros(size)
    np.add.at(entered, first[:, None] + np.arange(TAPS), weights)
    np.testing.assert_allclose(entered, target / size, atol=1e-6)


@pytest.mark.parametrize("size", [1024, 1536, 2048, 2000, 508])
def test_whole_and_large_factors_and_enlarging_stay_opencvs(size):
    pixels = np.random.default_rng(size).integers(0, 256, (size, size, 3), np.uint8)
    method = cv2.INTER_AREA if size > 512 else cv2.INTER_CUBIC
    resampled = np.empty((512, 512, 3), np.uint8)
    resample(pixels, resampled)
    np.testing.assert_array_equal(resampled, cv2.resize(pixels, (512, 512), interpolation=method))


def test_sides_may_differ_and_columns_stay_apart():
    """A left half of black and a right one of white, wider than high."""
    pixels = np.zeros((13, 26, 3), np.uint8)
    pixels[:, 13:] = 255
    out = np.empty((5, 10, 3), np.uint8)
    resample(pixels, out)
    assert (out[:, :5] == 0).all()
    assert (out[:, 5:] == 255).all()
