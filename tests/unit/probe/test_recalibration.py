"""Cross-fitted temperatures see no case of their own; slopes, errors and losses have their known values."""

import numpy as np
import pytest
from molpath.probe.baseline import survival_at
from molpath.probe.calibration import recalibrated
from molpath.probe.metrics import calibration_error
from molpath.probe.recalibration import Predictions, common_slope, cross_fitted, measures, moved_interval
from molpath.probe.temperature import fit_temperature, logits_of, tempered


def drawn(n, factor=1.0, classes=2, seed=0, rows=1):
    """Labels drawn from true probabilities, and those probabilities with logits `factor` times too large."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, classes)) * 1.5
    truth = tempered(logits, 1)
    labels = (rng.random(n)[:, None] > truth.cumsum(1)).sum(1)
    cases = np.repeat(np.arange(n), rows)
    return Predictions(labels[cases], tempered(logits * factor, 1)[cases], cases)


@pytest.mark.parametrize("classes", [2, 4])
def test_right_probabilities_have_slope_one_and_need_no_temperature(classes):
    predictions = drawn(6000, classes=classes)
    values_of = {name: float(values[0]) for name, values in measures(predictions, predictions.weights[None]).items()}
    assert values_of["calibration_slope"] == pytest.approx(1, abs=0.06)
    assert values_of["ece"] < 0.025
    if classes == 2:
        assert values_of["calibration_intercept"] == pytest.approx(0, abs=0.07)
    after, temperatures = cross_fitted(predictions)
    assert temperatures == pytest.approx(np.ones(len(temperatures)), abs=0.08)
    rows = np.arange(len(predictions.labels))
    assert values_of["log_loss"] == pytest.approx(-np.log(predictions.probabilities[rows, predictions.labels]).mean())


@pytest.mark.parametrize("classes", [2, 4])
def test_overconfident_by_a_factor(classes):
    predictions = drawn(6000, factor=2.5, classes=classes)
    after, temperatures = cross_fitted(predictions)
    before = measures(predictions, predictions.weights[None])
    scaled = measures(Predictions(predictions.labels, after, predictions.cases), predictions.weights[None])
    assert temperatures.mean() == pytest.approx(2.5, rel=0.05)
    assert before["calibration_slope"][0] == pytest.approx(1 / 2.5, rel=0.06)
    assert scaled["calibration_slope"][0] == pytest.approx(1, abs=0.06)
    for name in ("ece", "brier", "log_loss"):
        assert scaled[name][0] < before[name][0]
    assert scaled["ece"][0] < 0.02 < 0.1 < before["ece"][0]


def test_a_case_has_no_part_in_its_own_temperature():
    """Its label is turned, in all its rows: its own probabilities stay to the bit, those of others move."""
    predictions = drawn(60, factor=3, rows=3)
    after, _ = cross_fitted(predictions)
    for case in range(60):
        labels = np.where(predictions.cases == case, 1 - predictions.labels, predictions.labels)
        other, _ = cross_fitted(Predictions(labels, predictions.probabilities, predictions.cases))
        of_case = predictions.cases == case
        assert (other[of_case] == after[of_case]).all()
        assert (other[~of_case] != after[~of_case]).any()


def test_temperatures_are_those_of_the_other_cases_rows():
    predictions = drawn(40, factor=3, rows=2)
    _, temperatures = cross_fitted(predictions)
    for value in np.unique(temperatures):
        of_fold = temperatures == value
        assert not set(predictions.cases[of_fold]) & set(predictions.cases[~of_fold])
        alone = fit_temperature(logits_of(predictions.probabilities)[~of_fold], predictions.labels[~of_fold])
        assert value == pytest.approx(alone, rel=1e-5)


def test_each_case_counts_once():
    """A case of a hundred rows weighs what one of a single row does."""
    predictions = drawn(50, factor=2)
    cases = np.repeat(predictions.cases, np.where(predictions.cases == 7, 100, 1))
    repeated = Predictions(predictions.labels[cases], predictions.probabilities[cases], cases)
    for (name, single), several in zip(
        measures(predictions, predictions.weights[None]).items(),
        measures(repeated, repeated.weights[None]).values(),
        strict=True,
    ):
        assert several == pytest.approx(single), name
    assert cross_fitted(repeated)[1][:7] == pytest.approx(cross_fitted(predictions)[1][:7], rel=1e-6)


def test_common_slope_is_one_over_the_temperature_under_weights():
    predictions = drawn(300, factor=0.5, classes=3)
    logits, weights = logits_of(predictions.probabilities), predictions.drawn(4, seed=1)
    slopes = common_slope(logits, predictions.labels, weights)
    for slope, its_weights in zip(slopes, weights, strict=True):
        assert slope == pytest.approx(1 / fit_temperature(logits, predictions.labels, its_weights), rel=1e-4)


def test_separated_and_constant_predictions_have_no_slope():
    labels = np.repeat([0, 1, 2], 10)
    right = np.eye(3)[labels] * 0.7 + 0.1
    alike = np.full((30, 3), 1 / 3)
    assert np.isnan(common_slope(logits_of(right), labels, np.ones((1, 30)))[0])
    assert np.isnan(common_slope(logits_of(alike), labels, np.ones((1, 30)))[0])
    after, _ = cross_fitted(Predictions(labels, alike, np.arange(30)))
    assert after == pytest.approx(alike)
    sure = cross_fitted(Predictions(labels, right, np.arange(30)))[0]
    assert (sure.argmax(1) == labels).all()
    assert (sure.max(1) > 0.99).all()


def test_one_class_among_the_others_gives_no_temperature():
    """Of six cases one is positive: its own group has negatives alone to be fitted on."""
    labels = np.array([1, 0, 0, 0, 0, 0])
    scores = np.linspace(0.2, 0.7, 6)
    after, temperatures = cross_fitted(Predictions(labels, np.stack([1 - scores, scores], 1), np.arange(6)))
    assert np.isnan(temperatures).tolist() == [True] + [False] * 5
    assert np.isnan(after[0]).all()
    assert np.isfinite(after[1:]).all()


def test_error_is_that_of_the_bins_by_hand():
    predictions = drawn(200, factor=2, seed=4)  # 20 bins of ten: fifteen, as the metric has
    error = measures(predictions, predictions.weights[None])["ece"][0]
    assert error == pytest.approx(calibration_error(predictions.labels, predictions.probabilities))


def test_intervals_of_the_slope_hold_the_true_one():
    """95 % intervals over cases, 200 draws of 60 cases with two rows each: 90 to 99 % hold the true slope."""
    held, unmoved = 0, 0
    for seed in range(200):
        predictions = drawn(60, factor=2, seed=seed, rows=2)
        weights = np.concatenate([predictions.weights[None], predictions.drawn(100, seed)])
        slopes, _ = recalibrated(predictions.labels == 1, predictions.probabilities[:, 1], weights)
        low, high = moved_interval(slopes[0], slopes[1:])
        held += low <= 0.5 <= high
        low, high = np.nanpercentile(slopes[1:], [2.5, 97.5])
        unmoved += low <= 0.5 <= high
    assert 180 <= held <= 198
    assert unmoved < held  # resamples as they are stand too high


def test_survival_by_breslow_of_exponential_data():
    """The true hazards give the true survival, twice the hazard its square, and nothing beyond follow-up."""
    rng = np.random.default_rng(0)
    risk = rng.normal(size=8000) * 0.7
    died = rng.exponential(1000 / np.exp(risk))
    end = rng.uniform(200, 3000, 8000)
    at = [100, 365, 1095, 1e5]
    survival = survival_at(risk, np.minimum(died, end), died <= end, np.array([0, np.log(2)]), at)
    assert survival[0, :3] == pytest.approx(np.exp(-np.array(at[:3]) / 1000), abs=0.02)
    assert survival[1, :3] == pytest.approx(survival[0, :3] ** 2)
    assert np.isnan(survival[:, 3]).all()
    moved = survival_at(risk + 900, np.minimum(died, end), died <= end, np.array([900, 900 + np.log(2)]), at)
    assert moved[:, :3] == pytest.approx(survival[:, :3])


def test_breslow_by_hand():
    """Three samples: at 10 days one of all three dies, at 30 the last; the second is censored at 20."""
    weight = np.array([2.0, 1.0, 0.5])
    times, events = np.array([10.0, 20.0, 30.0]), np.array([True, False, True])
    survival = survival_at(np.log(weight), times, events, np.log([1.0, 3.0]), [5, 10, 29, 30, 31])
    hazard = np.array([0, 1 / 3.5, 1 / 3.5, 1 / 3.5 + 2])
    assert survival[0, :4] == pytest.approx(np.exp(-hazard))
    assert survival[1, :4] == pytest.approx(np.exp(-3 * hazard))
    assert np.isnan(survival[:, 4]).all()
