"""The share of the finest detail: its value, what changes it (blur) and what does not (stain, compression)."""

import cv2
import numpy as np
import pytest
from molpath.demo.artefacts import compressed
from molpath.demo.histology import draw_section
from molpath.demo.truth import draw_truth
from molpath.slides.readers import open_slide
from molpath.tissue.fine_detail import COARSEST, EDGE, fine_detail
from molpath.tissue.focus import read_tiles
from scipy.ndimage import correlate1d

BINOMIAL = np.array([1, 4, 6, 4, 1]) / 16


@pytest.fixture(scope="module")
def sections():
    """Drawn (synthetic) tissue of eight cases, each with a stain of its own, at 0.5 micrometres a pixel."""
    return [draw_section(np.random.default_rng(seed), draw_truth(seed, "x"), 640, 640) for seed in range(8)]


def cut_up(picture, edge=256):
    return [picture[y : y + edge, x : x + edge] for y in range(64, 500, edge) for x in range(64, 500, edge)]


def by_hand(window):
    """Energy of what a binomial filter takes away, over that and the same of every second pixel of the rest."""
    grey = cv2.cvtColor(window, cv2.COLOR_RGB2GRAY).astype(float)
    energy = []
    for _ in range(2):
        smooth = correlate1d(correlate1d(grey, BINOMIAL, 0, mode="mirror"), BINOMIAL, 1, mode="mirror")
        energy.append(((grey - smooth) ** 2).mean() - 0.25)
        grey = smooth[::2, ::2]
    return energy[0] / sum(energy)


def test_value_is_the_median_of_windows_by_hand(sections):
    windows = cut_up(sections[0])
    assert fine_detail(windows, 0.5) == pytest.approx(np.median([by_hand(window) for window in windows]), rel=1e-4)


def test_twice_the_resolution_is_averaged_to_the_same_pixels(sections):
    windows = cut_up(sections[1])
    fine = [np.repeat(np.repeat(window, 2, 0), 2, 1) for window in windows]
    assert fine_detail(fine, 0.25) == pytest.approx(fine_detail(windows, 0.5), abs=1e-6)
    assert fine_detail(fine, 0.2513) == fine_detail(fine, 0.25)


def test_a_blur_of_three_quarters_of_a_micrometre_leaves_less_than_any_sharp_section(sections):
    sharp = [fine_detail(cut_up(section), 0.5) for section in sections]
    for micrometres in (0.5, 0.75, 1, 2):
        blurred = [fine_detail(cut_up(cv2.GaussianBlur(section, (0, 0), 2 * micrometres)), 0.5) for section in sections]
        assert max(blurred) < min(sharp)
    assert min(blurred) >= 0


def test_stain_and_usual_compression_change_less_than_sections_differ(sections):
    sharp = np.array([fine_detail(cut_up(section), 0.5) for section in sections])
    pale = [np.clip(255 * (section / 255) ** 0.7, 0, 255).astype(np.uint8) for section in sections]
    for changed in (pale, [compressed(section, 70) for section in sections]):
        assert np.abs(
            np.array([fine_detail(cut_up(section), 0.5) for section in changed]) - sharp
        ).max() < 0.5 * np.ptp(sharp)


def test_real_tissue_has_less_when_blurred(shared_data):
    slide = open_slide(shared_data / "slides/cmu-1-small-region.svs")
    windows = read_tiles(slide, [(x, y) for x in (700, 1000, 1300) for y in (700, 1000, 1300)])
    slide.close()
    blurred = [cv2.GaussianBlur(window, (0, 0), 1.5) for window in windows]
    assert fine_detail(blurred, 0.499) < 0.7 * fine_detail(windows, 0.499)


def test_nothing_is_reported_where_nothing_can_be_seen():
    flat = np.full((EDGE, EDGE, 3), 240, np.uint8)
    noisy = np.random.default_rng(0).integers(0, 255, (EDGE, EDGE, 3), np.uint8)
    assert np.isnan(fine_detail([], 0.5))
    assert np.isnan(fine_detail([flat], 0.5))
    assert np.isnan(fine_detail([noisy], COARSEST + 0.01))
    assert fine_detail([flat, noisy], 0.5) == fine_detail([noisy], 0.5) > 0.5
