"""The one low-resolution read: the right level, the right size, and blocks that join without a seam."""

import cv2
import numpy as np
import pytest
from molpath.tissue import overview
from molpath.tissue.overview import read_overview


class Pyramid:
    """A slide in memory with levels of its own, area-averaged."""

    def __init__(self, picture, downsamples):
        self.reads = []
        height, width = picture.shape[:2]
        self.pictures = [
            cv2.resize(picture, (width // d, height // d), interpolation=cv2.INTER_AREA) for d in downsamples
        ]
        self.levels = [(p.shape[1], p.shape[0], float(d)) for p, d in zip(self.pictures, downsamples, strict=True)]

    def region(self, x, y, level, width, height):
        self.reads.append((level, width, height))
        downsample = self.levels[level][2]
        x, y = round(x / downsample), round(y / downsample)
        return self.pictures[level][y : y + height, x : x + width]


@pytest.fixture
def picture():
    """Smooth and detailed structure in 1000 x 1300 pixels."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (1000, 1300, 3), dtype=np.uint8)
    return cv2.addWeighted(cv2.GaussianBlur(noise, (0, 0), 4), 0.7, noise, 0.3, 0)


def test_the_smallest_adequate_level_is_read_once_and_whole(picture):
    slide = Pyramid(picture, (1, 4, 16))
    whole = read_overview(slide, 0.5, 4.0)
    assert slide.reads == [(1, 325, 250)]
    assert whole.image.shape == (125, 162, 3)
    assert whole.mpp == pytest.approx(4.0, rel=0.01)


@pytest.mark.parametrize("mpp", [1.0, 4.0, 7.9, 16.0])
@pytest.mark.parametrize("downsamples", [(1,), (1, 2)])
def test_blocks_give_the_same_picture_as_one_read(picture, downsamples, mpp, monkeypatch):
    whole = read_overview(Pyramid(picture, downsamples), 0.5, mpp)
    monkeypatch.setattr(overview, "READ_AT_ONCE", 1)
    monkeypatch.setattr(overview, "BLOCK", 150)
    slide = Pyramid(picture, downsamples)
    blocks = read_overview(slide, 0.5, mpp)
    assert max(width * height for _, width, height in slide.reads) <= 150**2
    assert blocks.image.shape == whole.image.shape
    assert (blocks.scale, blocks.mpp) == (whole.scale, whole.mpp)
    difference = np.abs(blocks.image.astype(int) - whole.image)
    assert difference.mean() < 1.5
    shifted = np.abs(blocks.image[:, 1:].astype(int) - whole.image[:, :-1]).mean()
    assert difference.mean() < 0.5 * shifted
