"""Distances of embeddings: of training cases each with itself left out, by hand, and at widths beyond their number."""

import numpy as np
import pytest
from molpath.predict import distances
from molpath.predict.distances import fit_distances
from sklearn.covariance import ledoit_wolf_shrinkage


def by_hand(x, row, shrinkage, size, n):
    """Both distances of a row from cases x: covariance over n, shrunk to a ball of variance `size`."""
    near = np.sort(np.linalg.norm(x - row, axis=1))[:5].mean()
    mean = x.mean(0)
    covariance = (x - mean).T @ (x - mean) / n
    shrunk = (1 - shrinkage) * covariance + shrinkage * size * np.eye(x.shape[1])
    return near, (row - mean) @ np.linalg.solve(shrunk, row - mean)


@pytest.mark.parametrize(("n", "width"), [(30, 8), (12, 40), (30, 30)])
def test_distances_are_those_of_the_others(n, width):
    rng = np.random.default_rng(n)
    x = (rng.normal(size=(n, width)) * np.linspace(0.2, 3, width) + 5).astype(np.float32)
    new = rng.normal(size=(4, width)).astype(np.float32) + 5
    fitted, near, far = fit_distances(x, seed=0)
    wide = x.astype(np.float64)
    centred = wide - wide.mean(0)
    shrinkage, size = ledoit_wolf_shrinkage(centred, assume_centered=True), (centred**2).mean()
    for k in range(n):
        np.testing.assert_allclose(
            (near[k], far[k]), by_hand(np.delete(wide, k, 0), wide[k], shrinkage, size, n), rtol=1e-5
        )
    for row, *measured in zip(new.astype(float), *fitted.of(new), strict=True):
        np.testing.assert_allclose(measured, by_hand(wide, row, shrinkage, size, n), rtol=1e-5)


def test_a_number_that_never_changes_is_no_division_by_zero():
    x = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    x[:, 2] = 7
    fitted, near, far = fit_distances(x, seed=0)
    other = x[:1].copy()
    other[0, 2] = 9
    assert np.isfinite(np.r_[near, far]).all()
    assert fitted.of(other)[1][0] > fitted.of(x[:1])[1][0] + 1


def test_cases_beyond_those_kept_are_measured_too(monkeypatch):
    monkeypatch.setattr(distances, "KEPT", 30)
    x = np.random.default_rng(0).normal(size=(100, 4)).astype(np.float32)
    fitted, near, _ = fit_distances(x, seed=0)
    kept = fitted.kept + fitted.mean
    for k in (0, 50, 99):
        to_all = np.linalg.norm(kept - x[k], axis=1)
        assert near[k] == pytest.approx(np.sort(to_all[to_all > 1e-6])[:5].mean(), rel=1e-4)


def test_too_few_cases_are_refused():
    with pytest.raises(ValueError, match="4 training cases: distances need 5"):
        fit_distances(np.eye(4, dtype=np.float32), seed=0)
