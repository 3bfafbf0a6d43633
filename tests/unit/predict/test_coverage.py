"""Sets and intervals hold the truth as often as they say, in new cases of the same kind."""

import numpy as np
import pytest
from molpath.predict.conformal import Calibration, nonconformity, quantile
from molpath.predict.fitting import fit
from predictor_tasks import SETTINGS, World, regression_task, task_of

FRESH = 400


def covered(predictor, x, label, coverage=0.9, by_class=False):
    """Whether each new sample's set, as conformal prediction has it, holds its class."""
    return predictor.sets(x, coverage, by_class)[np.arange(len(x)), label]


def draws(world, cases, count, slides=1):
    """Whether new cases of `count` training cohorts are covered, on the whole and by class, and their labels."""
    rng = np.random.default_rng(7)
    rates = []
    for _ in range(count):
        predictor = fit(*world.task(rng, cases, slides), SETTINGS)
        x, label, case = world.draw(rng, FRESH, slides)
        first = np.flatnonzero(np.diff(case, prepend=-1))  # one slide of each new case
        hits = [covered(predictor, x[first], label[first], by_class=by_class) for by_class in (False, True)]
        rates.append([*hits, label[first]])
    return np.concatenate(rates, axis=1)


#: Shares of classes, width, distance, training cases, cohorts drawn. The third is overfitted: every training case is
#: right, and a quarter of new ones is wrong.
WORLDS = {
    "two": ([1, 1], 10, 0.8, 300, 3),
    "four": ([1, 1, 1, 1], 10, 1.4, 300, 3),
    "overfitted": ([1, 1], 500, 2.0, 100, 6),
    "rare": ([6, 1], 10, 0.8, 400, 3),
    "four, overfitted and uneven": ([4, 3, 2, 1], 300, 4.0, 150, 3),
}


@pytest.mark.parametrize("name", WORLDS)
def test_nine_in_ten_sets_hold_the_class(name):
    shares, width, apart, cases, count = WORLDS[name]
    whole, by_class, label = draws(World(shares, width, apart), cases, count)
    assert whole.mean() == pytest.approx(0.9, abs=0.03)
    of_class = [by_class[label == code].mean() for code in range(len(shares))]
    assert np.mean(of_class) == pytest.approx(0.9, abs=0.03)
    assert min(of_class) > 0.85  # of a class there are as few as 15 training cases a cohort


def test_training_cases_of_an_overfitted_probe_say_nothing():
    """What the folds are for: by the final probe's scores of its own cases, sets of new cases hold far too little."""
    rng, world = np.random.default_rng(0), World([1, 1], 500, 2.0)
    task, x = world.task(rng, 100)
    predictor = fit(task, x, SETTINGS)
    own = nonconformity(predictor.logits(x))[np.arange(100), task.labels]
    naive = Calibration(np.zeros(100, int), np.arange(100), task.labels, own)
    new, label, _ = world.draw(rng, FRESH)
    scores = nonconformity(predictor.logits(new))[:, None]
    assert naive.conforming(scores, 0.9)[np.arange(FRESH), label].mean() < 0.8
    assert covered(predictor, new, label).mean() > 0.84


@pytest.mark.slow
def test_small_cohorts_are_covered_on_average():
    """240 cohorts of 30 cases: coverage given the cohort varies, its mean is what was asked for."""
    rng, world = np.random.default_rng(1), World([1, 1, 1], 6, 1.2)
    rates = []
    for _ in range(240):
        predictor = fit(*world.task(rng, 30), SETTINGS)
        x, label, _ = world.draw(rng, 100)
        rates.append(covered(predictor, x, label).mean())
    assert 0.89 <= np.mean(rates) < 0.95


def test_the_one_case_of_a_class_counts_as_missed():
    """Without it there is one class left and no probe, so it has no score; its like are a tenth of the new cases."""
    rng, world, rates = np.random.default_rng(0), World([9, 1], 5, 0.5), []
    for _ in range(12):
        x, label, case = world.draw(rng, 10)
        label[:] = np.arange(10) == 3
        x = x + (world.means[label] - world.means[0]).astype(np.float32)
        predictor = fit(task_of(label, case), x, SETTINGS)
        assert np.isinf(predictor.calibration.score).sum() == 1
        assert predictor.facts["conformal"]["n_cases_never_left_out"] == 1
        new, fresh, _ = world.draw(rng, FRESH)
        rates.append(covered(predictor, new, fresh).mean())
    assert np.mean(rates) >= 0.89


def test_a_case_of_many_slides_counts_once():
    """Cases have 1 to 8 slides; the sets are of a slide of a new case."""
    assert draws(World([1, 1], 10, 0.7), 150, 3, slides=8)[0].mean() == pytest.approx(0.9, abs=0.03)


def test_intervals_hold_the_number():
    rng, rates = np.random.default_rng(2), []
    for _ in range(40):
        task, x = regression_task(rng, 30, 40)
        new, fresh = regression_task(rng, 50, 40)
        table = fit(task, x, SETTINGS).predict(fresh, 0.9)
        rates.append(((table.lower <= new.values) & (new.values <= table.upper)).mean())
        assert (table.lower <= table.predicted).all()
        assert (table.predicted <= table.upper).all()
    assert 0.89 <= np.mean(rates) < 0.95


def test_p_values_by_hand():
    """Three cases in two folds, one with two slides: each score counts its share, the new sample 1."""
    calibration = Calibration(
        np.array([0, 0, 1, 1]), np.array([0, 1, 2, 2]), np.array([0, 1, 0, 0]), np.array([0.5, 2.0, 1.0, 3.0])
    )
    scores = np.array([[[1.0, 2.5], [2.0, 0.0]]])  # of one new sample: fold 0 and fold 1, class 0 and class 1
    # Class 0: in fold 0 the case of 2.0 (1), in fold 1 one slide of two (1/2), itself: 2.5 of 4. Class 1: 0 + 1 + 1.
    for coverage, expected in (
        (0.3, [False, False]),
        (0.4, [True, False]),
        (0.49, [True, False]),
        (0.51, [True, True]),
    ):
        assert calibration.conforming(scores, coverage)[0].tolist() == expected
    # By class: class 0 has two cases (fold 0: none; fold 1: 1/2): 1.5 of 3; class 1 one case, none as high: 1 of 2.
    assert calibration.conforming(scores, 0.49, by_class=True)[0].tolist() == [False, False]
    assert calibration.conforming(scores, 0.51, by_class=True)[0].tolist() == [True, True]


def test_a_class_of_too_few_cases_is_in_every_set(caplog):
    """Nine cases can rule a class out at 90 %, eight can't."""
    for few in (8, 9):
        label = np.repeat([0, 1], [60, few])
        rng = np.random.default_rng(0)
        x = rng.normal(size=(len(label), 3)).astype(np.float32) + 9 * label[:, None].astype(np.float32)
        predictor = fit(task_of(label, np.arange(len(label))), x, SETTINGS)
        caplog.clear()
        predictor.facts["model"] = "m"
        table = predictor.predict(x[:60], 0.9, by_class=True)
        assert (table.set.str.contains("b").mean() == 1) == (few == 8)
        assert ("class b belongs to every set" in caplog.text) == (few == 8)


def test_quantiles_of_shares():
    values, shares = np.array([[3.0, 1.0, 2.0]]), np.array([1.0, 0.5, 0.5])
    assert [quantile(values, shares, needed)[0] for needed in (0.5, 0.6, 1.0, 2.0, 2.1)] == [1, 2, 2, 3, np.inf]


def test_interval_by_hand():
    """Nine cases in three folds: at 80 % the second smallest and the eighth of nine."""
    fold, residual = np.repeat([0, 1, 2], 3), np.arange(1.0, 10)
    calibration = Calibration(fold, np.arange(9), np.zeros(9, int), residual)
    centre = np.array([[0.0, 10.0, -5.0]])
    lower, upper = calibration.interval(centre, 0.8)
    predicted = centre[0, fold]
    assert (lower[0], upper[0]) == (np.sort(predicted - residual)[1], np.sort(predicted + residual)[7])
    assert calibration.interval(centre, 0.91) == (-np.inf, np.inf)
