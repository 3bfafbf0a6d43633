"""The giant slide of tests and benchmarks is what it says: OpenSlide opens it, and its levels agree."""

import os

import cv2
import numpy as np
import openslide
from giant_slide import write_giant


def test_a_giant_slide_is_small_and_its_levels_agree(tmp_path):
    path = write_giant(tmp_path / "giant.svs", 150_000, 150_000)
    assert os.path.getsize(path) < 10_000_000
    with openslide.OpenSlide(path) as slide:
        assert slide.properties["openslide.vendor"] == "aperio"
        assert (slide.properties["openslide.mpp-x"], slide.properties["openslide.objective-power"]) == ("0.25", "40")
        assert slide.level_dimensions == ((150_000, 150_000), (37_500, 37_500), (9_375, 9_375))
        fine = np.asarray(slide.read_region((75_840, 75_840), 0, (960, 960)))[..., :3]
        coarse = np.asarray(slide.read_region((75_840, 75_840), 1, (240, 240)))[..., :3]
        small = cv2.resize(fine, (240, 240), interpolation=cv2.INTER_AREA)
        assert np.abs(small.astype(int) - coarse).mean() < 8  # two JPEG compressions apart
        assert fine.mean() < 220
        corner = np.asarray(slide.read_region((0, 0), 0, (960, 960)))[..., :3]
        assert (corner == 243).all()
