"""Calibration over all folds' predictions: slope and intercept by another library, an interval that holds its mean."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from molpath.probe.calibration import pooled_calibration
from molpath.probe.intervals import summarise
from molpath.probe.metrics import calibration_error


def guesses(seed, n=200, stretch=1.0):
    rng = np.random.default_rng(seed)
    logit = rng.normal(size=n) * 1.5
    label = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(int)
    p = 1 / (1 + np.exp(-stretch * logit))
    return label, np.stack([1 - p, p], axis=1)


@pytest.mark.parametrize("stretch", [1.0, 3.0])
def test_slope_and_intercept_are_those_of_a_regression(stretch):
    label, p = guesses(0, stretch=stretch)
    drawn = np.random.default_rng(1).integers(0, 200, 200)
    weights = np.stack([np.ones(200), np.bincount(drawn, minlength=200)]).astype(float)
    calibration = pooled_calibration(label, p, weights, 200)
    logit = np.log(p[:, 1] / p[:, 0])
    for row, chosen in enumerate((np.arange(200), drawn)):
        fit = sm.Logit(label[chosen], sm.add_constant(logit[chosen])).fit(disp=0)
        assert calibration["calibration_intercept"][row] == pytest.approx(fit.params[0], abs=1e-6)
        assert calibration["calibration_slope"][row] == pytest.approx(fit.params[1], abs=1e-6)
        assert calibration["ece"][row] == pytest.approx(calibration_error(label[chosen], p[chosen]))
    assert calibration["calibration_slope"][0] == pytest.approx(1 / stretch, abs=0.35 / stretch)


def test_separated_classes_have_no_slope():
    p = np.array([0.1, 0.2, 0.8, 0.9])
    calibration = pooled_calibration(np.array([0, 0, 1, 1]), np.stack([1 - p, p], axis=1), np.ones((1, 4)), 4)
    assert np.isnan(calibration["calibration_slope"][0])


def test_probabilities_of_0_and_1_have_a_slope():
    label = np.repeat([0, 1], 20)
    sure = label.astype(float)
    sure[[0, 1, 20, 21]] = 1, 1, 0, 0  # nine of ten are right
    calibration = pooled_calibration(label, np.stack([1 - sure, sure], axis=1), np.ones((1, 40)), 40)
    assert calibration["calibration_slope"][0] == pytest.approx(np.log(9) / np.log(1e9), rel=1e-6)
    assert calibration["calibration_intercept"][0] == pytest.approx(0, abs=1e-6)


def test_the_interval_of_the_error_holds_it_and_is_of_all_folds():
    for seed in range(10):
        label, p = guesses(seed, n=100)
        table = pd.DataFrame({"sample_id": range(100), "fold": np.arange(100) % 5, "label": label})
        table = table.assign(prob_0=p[:, 0], prob_1=p[:, 1], protocol="logistic", shots=0)
        rows = pd.DataFrame({"fold": range(5), "metric": "ece", "value": 0.3}).assign(
            protocol="logistic", shots=0, repeat=0, n_train=80, n_test=20, note=""
        )
        over = summarise(rows, table, 50, 0).set_index("metric")
        row = over.loc["ece"]
        assert row["mean"] == pytest.approx(float(pooled_calibration(label, p, np.ones((1, 100)), 100)["ece"][0]))
        assert 0 <= row.lower <= row["mean"] <= row.upper <= 1
        slope = over.loc["calibration_slope"]
        assert slope.lower < slope["mean"] < slope.upper
        assert (slope.n_folds, slope.n_failed) == (5, 0)


def over(label, p, **columns):
    """The summary of five folds, by metric."""
    n = len(label)
    table = pd.DataFrame({"sample_id": range(n), "fold": np.arange(n) % 5, "label": label}).assign(**columns)
    table = table.assign(prob_0=p[:, 0], prob_1=p[:, 1], protocol="logistic", shots=0)
    rows = pd.DataFrame({"fold": range(5), "metric": "ece", "value": 0.3}).assign(
        protocol="logistic", shots=0, repeat=0, n_train=80, n_test=20, note=""
    )
    return summarise(rows, table, 20, 0).set_index("metric")


def test_bins_are_of_cases_however_many_slides_and_folds_they_have():
    """Ten slides of each of 20 cases: two bins, by hand."""
    label, p = guesses(3, n=200)
    row = over(label, p, case_id=np.repeat(np.arange(20), 10)).loc["ece"]
    confidence, right = p.max(1), p.argmax(1) == label
    high = confidence > 0.5  # two bins: all guesses are in the upper one
    assert high.all()
    assert row["mean"] == pytest.approx(abs(confidence.mean() - right.mean()))


def test_a_slope_that_is_not_there_has_a_note_and_counts_as_failed():
    label = np.arange(50) // 5 % 2
    p = np.where(label == 1, 0.8, 0.2) + np.linspace(0, 0.1, 50)
    calibration = over(label, np.stack([1 - p, p], axis=1))
    for name in ("calibration_slope", "calibration_intercept"):
        assert np.isnan(calibration["mean"][name])
        assert "no slope: a threshold separates the classes" in calibration.note[name]
        assert calibration.n_failed[name] == calibration.n_fits[name] == 5
    assert (calibration.n_failed["ece"], calibration.note["ece"]) == (0, "")
