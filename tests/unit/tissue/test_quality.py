"""Quality control: what is found of planted artefacts, what real tissue is not taken for, why slides go."""

import importlib.util
from collections import Counter

import cv2
import numpy as np
import pytest
from molpath.demo import artefacts
from molpath.slides.readers import open_slide
from molpath.tissue import drawing, focus, stain
from molpath.tissue.assessment import judge, measure
from molpath.tissue.classes import CLASSES
from molpath.tissue.compression import jpeg_quality
from molpath.tissue.overview import Overview, read_overview
from molpath.tissue.quality import CHECKS, FAULTS, NUMBERS, find_faults, find_marks

SEEDS, SIZE = (2001, 2002), 2048


@pytest.fixture(scope="module")
def truth(repository):
    """The benchmark's planted truth and its scores."""
    spec = importlib.util.spec_from_file_location("quality_truth", repository / "tests/benchmarks/quality_truth.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def settings(truth):
    return truth.default_settings()


@pytest.fixture(scope="module")
def sections(truth):
    return [truth.synthetic_section(seed, SIZE) for seed in SEEDS]


def test_sections_are_segmented_and_kept_whole(truth, settings, sections):
    scores = truth.Scores(settings)
    for picture, tissue in sections:
        assert truth.dice(scores.clean("synthetic", picture), tissue) > 0.95
    assert not any(map(any, scores.false.values()))


@pytest.mark.parametrize("name", artefacts.REGIONAL)
def test_planted_artefacts_are_found_where_they_are(truth, settings, sections, name):
    scores = truth.Scores(settings)
    for number, (picture, tissue) in enumerate(sections):
        scores.regional("synthetic", name, np.random.default_rng([7, number]), picture, tissue)
    hits, false = scores.hits["synthetic", name], scores.false["synthetic", name]
    assert hits or name in ("dust", "fold")
    assert np.mean(hits or [1]) >= 0.95
    assert np.mean(false or [0]) <= 0.02


@pytest.mark.parametrize("name", artefacts.WHOLE)
def test_slides_with_something_wrong_are_set_aside(truth, settings, sections, name):
    scores = truth.Scores(settings)
    scores.whole("synthetic", name, np.random.default_rng(5), sections[0][0][256:1536, 256:1536])
    assert scores.hits["synthetic", name] == [True]


def test_real_tissue_is_kept(truth, settings, shared_data):
    """Keratin, hair, blood vessels, ink at a margin, thick edges of a frozen section."""
    for name in truth.REAL_SLIDES:
        slide = open_slide(shared_data / "slides" / name)
        measured = measure(slide, 0.5, settings)
        numbers = measured.quality.numbers
        assert truth.reason_of(measured, settings) == ""
        assert numbers["in_focus_fraction"] > 0.98
        assert max(numbers[f"{fault}_fraction"] for fault in FAULTS) < 0.02
        assert numbers["he_angle"] < 6
        slide.close()


def test_the_quality_a_scanner_stored_at_is_seen_in_the_pixels(truth, shared_data, sections):
    places = [(x, y) for x in (700, 1000, 1300) for y in (700, 1000, 1300)]
    slide = open_slide(shared_data / "slides/cmu-1-small-region.svs")
    assert "Q=30" in slide.properties["openslide.comment"]
    assert jpeg_quality(focus.read_tiles(slide, places)) == 30
    for quality in (12, 25, 40):
        again = artefacts.compressed(artefacts.compressed(sections[0][0], quality), 90)
        assert jpeg_quality(focus.read_tiles(truth.PictureSlide(again), places)) == quality
    assert jpeg_quality(focus.read_tiles(truth.PictureSlide(sections[0][0]), places)) == 100
    assert np.isnan(jpeg_quality([]))


def test_blur_is_seen_on_real_tissue_at_both_scales(shared_data):
    slide = open_slide(shared_data / "slides/cmu-1-small-region.svs")
    window = cv2.resize(slide.region(600, 600, 0, 512, 512), (256, 256), interpolation=cv2.INTER_AREA)
    noise = np.random.default_rng(0).normal(0, 1.5, window.shape)
    blurred = np.clip(cv2.GaussianBlur(window, (0, 0), 8) + noise, 0, 255).astype(np.uint8)
    assert focus.sharpness(window) > 0.6
    assert focus.sharpness(cv2.GaussianBlur(window, (0, 0), 2.5)) < 0.3
    assert focus.sharpness(blurred) < 0.3
    assert np.isnan(focus.sharpness(np.full((256, 256, 3), 240, np.uint8)))


def test_sharpness_does_not_depend_on_how_little_tissue_a_window_holds(sections):
    window = cv2.resize(sections[0][0][768:1024, 768:1024], (128, 128), interpolation=cv2.INTER_AREA)
    sparse = np.full((128, 128, 3), 242, np.uint8)
    sparse[:, :30] = window[:, :30]
    assert focus.sharpness(sparse) > 0.36
    assert focus.sharpness(cv2.GaussianBlur(sparse, (0, 0), 3)) < 0.36


class CountingSlide:
    """A slide that counts what is read of it."""

    def __init__(self, slide):
        self.levels, self.properties, self._slide = slide.levels, slide.properties, slide
        self.reads: Counter[int] = Counter()

    def region(self, x, y, level, width, height):
        self.reads[level] += 1
        return self._slide.region(x, y, level, width, height)


@pytest.mark.parametrize(("windows", "blurred", "limit"), [(4, False, 4), (4, True, 8), (64, False, 16)])
def test_focus_reads_a_bounded_number_of_windows(truth, sections, windows, blurred, limit):
    """More are read only where some are blurred and others are not."""
    picture = sections[0][0].copy()
    if blurred:
        picture[:, : SIZE // 2] = cv2.GaussianBlur(picture[:, : SIZE // 2], (0, 0), 10)
    slide = CountingSlide(truth.PictureSlide(picture))
    overview = read_overview(slide, 0.5, 8.0)
    slide.reads.clear()
    measured = focus.measure_focus(slide, 0.5, overview, np.ones(overview.image.shape[:2], bool), windows, 0.36)
    assert set(slide.reads) == {1}
    assert (windows if blurred else 0) < slide.reads[1] <= limit
    assert (measured.values < 0.36).any() == blurred


def test_windows_are_spread_over_all_tissue():
    shares = np.zeros((40, 60))
    shares[5:10, 3:50], shares[35, 55] = 0.7, 0.3
    chosen = focus.spread(shares, 12)
    assert 6 <= len(chosen) <= 12
    assert (35, 55) in chosen
    assert all(shares[cell] > 0 for cell in chosen)
    assert focus.spread(np.zeros((3, 3)), 5) == []


@pytest.mark.parametrize(
    ("vectors", "is_he"),
    [
        ([(0.65, 0.70, 0.29), (0.07, 0.99, 0.11)], True),
        ([(0.5, 0.77, 0.37), (0.2, 0.85, 0.45)], True),  # mixed, as at low resolution
        ([(0.65, 0.70, 0.29), (0.27, 0.57, 0.78)], False),  # DAB
        ([(0.65, 0.70, 0.29), (0.65, 0.70, 0.29)], False),  # nothing but haematoxylin
    ],
)
def test_stains_are_distinguished_by_their_direction(vectors, is_he):
    vectors = np.array(vectors) / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert (stain.he_angle(vectors) < 15) == is_he


@pytest.mark.parametrize(("ink", "fault"), [((20, 40, 180), "pen"), ((10, 130, 60), "pen"), ((20, 20, 22), "pen")])
def test_ink_is_found(ink, fault):
    image = np.full((200, 200, 3), 243, np.uint8)
    cv2.circle(image, (100, 100), 66, (215, 140, 180), -1)
    cv2.line(image, (20, 30), (180, 70), ink, 24)
    masks = find_marks(stain.densities(image, np.array([243, 243, 243])), (image < 243).any(-1), 8.0)
    assert masks[fault][50, 100]
    assert not any(mask[150:].any() for mask in masks.values())


def healthy() -> dict[str, float]:
    return dict.fromkeys(NUMBERS, 0.0) | {
        "in_focus_fraction": 1.0,
        "stain_density": 0.3,
        "brightness": 240.0,
        "jpeg_quality": 100.0,
        "he_angle": 2.0,
    }


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check[1])
def test_every_threshold_has_its_reason_and_a_sentence(settings, check):
    number, threshold, reason, _ = check
    limit = settings["quality"][threshold]
    beyond = limit * 0.9 if threshold.startswith("min_") else limit * 1.1
    assert find_faults(healthy(), settings["quality"]) is None
    faults = find_faults(healthy() | {number: beyond}, settings["quality"])
    assert faults[0] == reason
    assert "{" not in faults[1]
    assert find_faults(healthy() | {number: float("nan")}, settings["quality"]) is None


def test_keep_in_the_sheet_overrides_every_verdict(truth, settings, sections):
    measured = truth.look(artefacts.immunostained(np.random.default_rng(0), sections[0][0], 0.5), settings)
    assert judge({"slide_id": "x", "keep": "auto"}, measured, settings)["reason"] == "not_he"
    kept = judge({"slide_id": "x", "keep": "yes"}, measured, settings)
    assert kept["status"] == "ok"
    assert float(kept["he_angle"]) > 15


def test_the_picture_shows_every_class_in_its_colour_with_a_legend_below():
    overview = Overview(np.full((120, 300, 3), 200, np.uint8), (16.0, 16.0), 8.0)
    classes = np.ones((120, 300), np.uint8)
    for index, name in enumerate(FAULTS):
        classes[20:100, 20 + 50 * index : 50 + 50 * index] = CLASSES[name]
    ring = np.array([(16.0, 16.0), (4700.0, 16.0), (4700.0, 1800.0), (16.0, 1800.0)])
    picture = drawing.draw(overview, [[ring]], classes)
    assert picture.shape[0] > 120
    assert picture.shape[1:] == (300, 3)
    for name, colour in drawing.PALETTE.items():
        assert (picture[:120] == colour).all(-1).any(), name
        assert (picture[120:] == colour).all(-1).sum() >= 80, name
    assert drawing.draw(overview, [], np.zeros((120, 300), np.uint8)).shape == (120, 300, 3)
