"""Patches unlike any: shares and distances of training slides with their own case left out, by hand."""

import numpy as np
import pytest
from molpath.predict.patch_kinds import apart, fit_kinds, nearest, projection, sample_rows


def drawn(cases=6, width=20):
    rng = np.random.default_rng(0)
    matrix = projection(width, 3)
    slides = [(case // 2, (rng.normal(size=(30 + case, width)) + case).astype(np.float32)) for case in range(2 * cases)]
    return matrix, slides


def test_a_slide_is_compared_with_other_cases_alone():
    matrix, slides = drawn()
    kinds, shares, medians = fit_kinds([(case, rows @ matrix) for case, rows in slides], matrix, seed=3)
    assert len(kinds.bank) == sum(len(rows) for _, rows in slides)

    def distances(rows, case):
        other_rows = np.concatenate([slide_rows for number, slide_rows in slides if number != case]) @ matrix
        return np.linalg.norm((rows @ matrix)[:, None] - other_rows[None], axis=2).min(1)

    by_hand = [distances(rows, case) for case, rows in slides]
    for k, (case, _) in enumerate(slides):
        limit = np.quantile(
            np.concatenate([d for d, (other, _) in zip(by_hand, slides, strict=True) if other != case]), 0.99
        )
        assert shares[k] == pytest.approx((by_hand[k] > limit).mean())
        assert medians[k] == pytest.approx(np.median(by_hand[k]), rel=1e-3)
    assert kinds.limit == pytest.approx(np.quantile(np.concatenate(by_hand), 0.99), rel=1e-3)


def test_share_of_a_new_slide():
    matrix, slides = drawn()
    kinds, _, _ = fit_kinds([(case, rows @ matrix) for case, rows in slides], matrix, seed=3)
    patches = np.concatenate([slides[0][1][:24], slides[0][1][:8] + 500])
    share, _, spread = kinds.look("new", patches)
    assert share == 0.25
    rows = patches @ matrix
    distances = np.linalg.norm(rows[:, None] - rows[None], axis=2) + np.diag(np.full(len(rows), np.inf))
    assert spread == pytest.approx(np.median(distances.min(1)), rel=1e-3)
    assert np.isnan(kinds.look("none", patches[:0])).all()
    with pytest.raises(ValueError, match="slide narrow: its patches are .*the predictor's own encoder"):
        kinds.look("narrow", patches[:, :5])
    patches[3, 3] = np.nan
    with pytest.raises(ValueError, match="slide broken: its patches hold NaN"):
        kinds.look("broken", patches)


def test_patches_drawn_together_are_nearer_by_as_much():
    rows = np.random.default_rng(2).normal(size=(64, 20)).astype(np.float32)
    assert apart(0.6 * rows + 7) == pytest.approx(0.6 * apart(rows), rel=1e-3)
    assert np.isnan(apart(rows[:1]))


def test_projection_keeps_lengths_on_average():
    rows = np.random.default_rng(1).normal(size=(400, 512)).astype(np.float32)
    ratio = np.linalg.norm(rows @ projection(512, 0), axis=1) / np.linalg.norm(rows, axis=1)
    assert ratio.mean() == pytest.approx(1, abs=0.03)
    assert nearest(rows[:2], rows)[0] == pytest.approx(0, abs=0.05)


def test_the_same_patches_of_a_slide_are_looked_at():
    assert (sample_rows("S1", 1000, 0) == sample_rows("S1", 1000, 0)).all()
    assert (sample_rows("S1", 1000, 0) != sample_rows("S2", 1000, 0)).any()
    assert len(sample_rows("S1", 1000, 0)) == 64
    assert list(sample_rows("S1", 3, 0)) == [0, 1, 2]
