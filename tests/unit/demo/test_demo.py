"""The synthetic cohort: the same for a seed, another for another, and its truth is in its files."""

import hashlib
from pathlib import Path

import numpy as np
import openslide
import pandas as pd
import pytest
from molpath.common.files import read_tsv
from molpath.demo.cohort import make_cohort, slide_rows
from molpath.demo.truth import draw_truth


def digests(folder: Path) -> dict[str, str]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    make_cohort(folder, n_cases=8, seed=3, size=(512, 512))
    return folder


def test_a_seed_gives_the_same_bytes(cohort, tmp_path):
    make_cohort(tmp_path, n_cases=8, seed=3, size=(512, 512))
    assert digests(tmp_path) == digests(cohort)


def test_another_seed_gives_another_cohort_of_the_same_kind(cohort, tmp_path):
    make_cohort(tmp_path, n_cases=8, seed=4, size=(512, 512))
    other, first = digests(tmp_path), digests(cohort)
    assert set(other) == set(first)
    pictures = [name for name in first if name.endswith((".svs", ".tiff"))]
    assert all(other[name] != first[name] for name in pictures)


def test_slides_open_as_a_scanner_would_write_them(cohort):
    sheet = read_tsv(cohort / "slides.tsv")
    for row in sheet[~sheet.special.isin(["truncated", "no_mpp"])].itertuples():
        slide = openslide.OpenSlide(cohort / row.path)
        mpp = float(slide.properties["openslide.mpp-x"])
        assert mpp == pytest.approx({"40": 0.25, "20": 0.5}[row.objective], rel=0.05)
        assert slide.level_count >= 2
        assert not slide.associated_images


def test_five_special_slides_and_three_fifths_for_pretraining():
    rows = pd.DataFrame(slide_rows(96, 64))
    assert sorted(rows[rows.special != ""].special) == ["blank", "blurred", "no_mpp", "pen", "truncated"]
    cases = rows.drop_duplicates("case_id").cohort.value_counts()
    assert cases.to_dict() == {"SYNTH-A": 96, "SYNTH-B": 64}


def test_truth_is_standard_and_independent_of_the_number_of_cases():
    truths = [draw_truth(0, f"D{number:03d}") for number in range(300)]
    assert draw_truth(0, "D007") == truths[7]
    for name, value in vars(truths[0]).items():
        if isinstance(value, float):
            values = np.array([getattr(truth, name) for truth in truths])
            assert values.std() > 0.1, name
