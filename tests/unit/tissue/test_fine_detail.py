"""The share of the finest detail: its value, what changes it (blur) and what does not (stain, compression)."""

import cv2
import numpy as np
import pytest
from molpath.demo.artefacts import compressed
from molpath.demo.histology import draw_section
from molpath.demo.truth import draw_truth
from molpath.slides.readers import open_slide
from molpath.tissue.fine_detail import COARSEST, EDGE, LEAST_QUALITY, fine_detail
from molpath.tissue.focus import read_tiles
from scipy.ndimage import correlate1d

BINOMIAL = np.array([1, 4, 6, 4, 1]) / 16


@pytest.fixture(scope="module")
def sections():
    """Drawn (synthetic) tissue of eight cases, each with a stain of its own, at 0.5 micrometres a pixel."""
    return [draw_section(np.random.default_rng(seed), draw_truth(seed, "x"), 640, 640) for seed in range(8)]


@pytest.fixture(scope="module")
def tissue():
    return draw_section(np.random.default_rng(1), draw_truth(1, "x"), 2600, 2600)


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
    assert fine_detail(fine, 0.2513) == pytest.approx(fine_detail(fine, 0.25), rel=0.02)


@pytest.mark.parametrize("mpp", [0.12, 0.2325, 0.3, 0.325, 0.36, 0.4, 0.46, 0.55, 0.6])
def test_scans_of_the_same_tissue_at_other_resolutions_differ_less_than_a_slight_blur(tissue, mpp):
    """The tissue at 0.1 µm per pixel, each pixel of a scan the mean of the light that falls on it."""

    def scanned(size):
        edge = round(len(tissue) * 0.1 / size)
        scan = cv2.resize(tissue, (edge, edge), interpolation=cv2.INTER_AREA)
        return [scan[y : y + 256, x : x + 256] for y in range(0, edge - 255, 256) for x in range(0, edge - 255, 256)]

    assert fine_detail(scanned(mpp), mpp) == pytest.approx(fine_detail(scanned(0.5), 0.5), rel=0.15)


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
    for mpp in (COARSEST + 0.01, 0.0, -0.5, np.nan, np.inf, 0.001):
        assert np.isnan(fine_detail([noisy], mpp))
    shaded = np.repeat(np.linspace(180, 200, 256).astype(np.uint8)[:, None, None], 256, 1).repeat(3, 2)
    assert np.isnan(fine_detail([shaded], 0.5))
    assert np.isnan(fine_detail([noisy[:, :5], noisy[:1]], 0.1))
    assert fine_detail([flat, noisy], 0.5) == fine_detail([noisy], 0.5) > 0.5


def test_compression_that_hides_a_blur_leaves_the_number_unknown(sections):
    """At JPEG quality 10 the edges of blocks make a blurred section look sharper than a sharp one."""
    blurred = [cv2.GaussianBlur(section, (0, 0), 1.5) for section in sections]
    sharp = min(fine_detail(cut_up(section), 0.5) for section in sections)
    assert max(fine_detail(cut_up(compressed(section, 10)), 0.5) for section in blurred) > sharp
    assert (
        max(fine_detail(cut_up(compressed(section, LEAST_QUALITY)), 0.5, LEAST_QUALITY) for section in blurred) < sharp
    )
    assert np.isnan(fine_detail(cut_up(compressed(blurred[0], 10)), 0.5, 10))


def test_the_area_outside_a_slide_is_no_detail(sections, tmp_path):
    path = tmp_path / "small.png"
    cv2.imwrite(str(path), sections[0][:300, :150, ::-1])
    slide = open_slide(path)
    windows = read_tiles(slide, [(149, 10), (10, 299)])
    slide.close()
    np.testing.assert_array_equal(windows[0], sections[0][:256, :150])
    np.testing.assert_array_equal(windows[1], sections[0][256:300, :150])
