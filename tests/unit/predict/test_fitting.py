"""The kept probe is the protocol's own; temperatures, hazards, odd tasks."""

import time
import tracemalloc

import numpy as np
import pytest
from molpath.predict.crossing import cross_fit, dealt, temperature_facts
from molpath.predict.fitting import fit
from molpath.predict.linear import fit_linear
from molpath.predict.survival import breslow
from molpath.probe.baseline import survival_at
from molpath.probe.frozen import probes_of
from molpath.probe.results import sides
from molpath.probe.tasks import BadTask
from predictor_tasks import SETTINGS, World, regression_task, survival_task, task_of
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression, Ridge
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.util import Surv


def drawn(kind, seed=0):
    rng = np.random.default_rng(seed)
    if kind == "survival":
        return survival_task(rng, 100, 30)
    return regression_task(rng, 60, 8) if kind == "regression" else World([1] * kind, 12, 1.5).task(rng, 90)


@pytest.mark.parametrize("kind", [2, 4, "survival", "regression"])
@pytest.mark.parametrize("change", [{}, {"scale": "unit"}, {"C": 0.0}, {"cox": {"l1_ratio": 0, "alpha": 2.0}}])
def test_one_linear_function_predicts_what_the_protocol_does(kind, change):
    """On a fold, by the protocol's own solver and by coefficients."""
    task, x = drawn(kind)
    x = x * 3
    settings = SETTINGS | change | {"cox": SETTINGS["cox"] | change.get("cox", {})}
    train, test = sides(task, 0)
    expected = next(iter(probes_of(task, x, settings).values()))(train, test)
    logits = fit_linear(task, x, train, settings).logits(x[test])
    if kind in (2, 4):
        logits = softmax(np.hstack([np.zeros_like(logits), logits]) if kind == 2 else logits, axis=1)
    np.testing.assert_allclose(logits.reshape(expected.shape), expected, atol=1e-9, rtol=0)


def test_probabilities_are_scikit_learns():
    task, x = drawn(4)
    predictor = fit(task, x, SETTINGS | {"C": 0.0})
    model = LogisticRegression(C=12 * 4 / 100, max_iter=10000, class_weight="balanced").fit(
        x.astype(float), task.labels
    )
    predicted = predictor.predict(x)
    np.testing.assert_allclose(predicted[[f"prob_{name}" for name in "abcd"]], model.predict_proba(x), atol=1e-9)
    assert predicted.predicted.tolist() == [task.classes[code] for code in model.predict(x)]
    assert predictor.facts["probe"]["C"] == pytest.approx(0.48)


def test_two_classes_have_one_logit():
    task, x = drawn(2)
    predictor = fit(task, x, SETTINGS | {"scale": "unit"})
    assert predictor.coefficients.shape == (1, 12)
    linear = (x / predictor.unit).astype(float) @ predictor.coefficients.T + predictor.intercept
    np.testing.assert_array_equal(predictor.logits(x), linear)
    np.testing.assert_allclose(predictor.predict(x).prob_b, 1 / (1 + np.exp(-linear[:, 0])), atol=1e-12)
    assert predictor.unit == pytest.approx(np.sqrt(x.astype(float).var(0).mean()))


def test_regression_is_ridge():
    task, x = drawn("regression")
    predictor = fit(task, x, SETTINGS | {"ridge_alphas": [10]})
    np.testing.assert_allclose(
        predictor.predict(x).predicted, Ridge(alpha=10).fit(x.astype(float), task.values).predict(x), atol=1e-9
    )


def test_every_case_is_left_out_once_with_all_its_slides():
    task, x = World([3, 1], 4, 1.0).task(np.random.default_rng(0), 50, slides=4)
    crossed = cross_fit(task, x, SETTINGS)
    assert sorted(crossed.row) == list(range(len(x)))
    fold = np.empty(len(x), int)
    fold[crossed.row] = crossed.fold
    np.testing.assert_array_equal(fold, dealt(task, crossed.case, 0))
    assert all(len(np.unique(fold[crossed.case == case])) == 1 for case in range(50))
    for number, probe in enumerate(crossed.probes[:3]):
        again = fit_linear(task, x, np.flatnonzero(fold != number), SETTINGS)
        np.testing.assert_array_equal(probe.coefficients, again.coefficients)


@pytest.mark.parametrize("temperature", [0.5, 3.0])
def test_the_temperature_of_left_out_logits_is_found(temperature):
    """Labels drawn at a temperature from logits that left-out samples have; slides of large cases count no more."""
    rng, cases = np.random.default_rng(0), 4000
    logits = rng.normal(0, 2, (cases, 1))
    label = (rng.random(cases) < 1 / (1 + np.exp(-logits[:, 0] / temperature))).astype(int)
    slides = np.where((logits[:, 0] > 0) != label, 5, 1)  # counted by slides, errors would weigh five times as much
    case = np.repeat(np.arange(cases), slides)
    task, x = task_of(label[case], case), np.zeros((len(case), 1), np.float32)
    crossed = cross_fit(task, x[:, :1] + rng.normal(size=x.shape), SETTINGS)
    crossed = crossed._replace(values=logits[case][crossed.row])
    facts = temperature_facts(task, crossed)
    assert facts["temperature"] == pytest.approx(temperature, rel=0.08)
    assert facts["calibration"]["ece_calibrated"] < facts["calibration"]["ece"]


def test_calibrated_probabilities_are_over_the_temperature():
    task, x = World([1, 1], 500, 2.0).task(np.random.default_rng(3), 100)
    predictor = fit(task, x, SETTINGS)
    temperature, logit = predictor.facts["temperature"], predictor.logits(x)[:, 0]
    assert temperature > 1.2  # overfitted
    table = predictor.predict(x)
    np.testing.assert_allclose(table.calibrated_b, 1 / (1 + np.exp(-logit / temperature)), atol=1e-12)
    assert set(table.predicted) == {"a", "b"}


def test_too_few_cases_have_no_temperature():
    label = np.repeat([0, 1], [30, 4])
    x = np.random.default_rng(0).normal(size=(34, 3)).astype(np.float32)
    predictor = fit(task_of(label, np.arange(34)), x, SETTINGS)
    assert predictor.facts["temperature"] is None
    assert "fewer than 5 left-out cases of two classes (a 30, b 4)" in predictor.facts["temperature_note"]
    table = predictor.predict(x)
    assert table.calibrated_a.isna().all()
    assert table.prob_a.notna().all()


def test_separated_classes_have_no_temperature():
    label = np.repeat([0, 1], 30)
    x = (label[:, None] * 20 - 10 + np.zeros((60, 2))).astype(np.float32)
    facts = fit(task_of(label, np.arange(60)), x, SETTINGS).facts
    assert facts["temperature"] is None
    assert "every left-out case is right" in facts["temperature_note"]


@pytest.mark.parametrize("ties", [False, True])
def test_hazards_are_scikit_survivals(ties):
    task, x = survival_task(np.random.default_rng(1), 80, 4)
    times = task.times if ties else task.times + np.arange(80) / 100
    library = CoxPHSurvivalAnalysis(alpha=1.0).fit(x, Surv.from_arrays(task.events, times))
    baseline = breslow(library.predict(x), times, task.events)
    steps = library.cum_baseline_hazard_
    np.testing.assert_allclose(baseline.hazard, steps(baseline.times), rtol=1e-12)
    curves = library.predict_survival_function(x)
    for days in (times.min() / 2, 300.0, times.max()):
        expected = [1.0 if days < times.min() else curve(days) for curve in curves]
        np.testing.assert_allclose(baseline.survival(library.predict(x), days), expected, rtol=1e-8)
    assert np.isnan(baseline.survival(np.zeros(2), times.max() + 1)).all()


def test_hazard_by_hand():
    """Events at 1 (two of four at risk, of hazards 1, 1, 2, 2) and at 3 (the last, of hazard 2)."""
    baseline = breslow(np.log([1.0, 2, 1, 2]), np.array([1.0, 1, 2, 3]), np.array([True, True, False, True]))
    np.testing.assert_allclose(baseline.hazard, [2 / 6, 2 / 6 + 1 / 2])
    np.testing.assert_allclose(baseline.survival(np.log([3.0]), 2.5), np.exp(-3 * 2 / 6))
    with pytest.raises(ValueError, match="no event"):
        breslow(np.zeros(2), np.ones(2), np.zeros(2, bool))


def test_everybody_lives_before_the_first_event_whatever_the_risk():
    baseline = breslow(np.zeros(3), np.array([100.0, 200, 300]), np.array([True, False, True]))
    for risk in (-800.0, 800.0):
        assert baseline.survival(np.array([risk]), 50) == 1
        alike = np.zeros(3), np.array([100.0, 200, 300]), np.array([True, False, True])
        assert survival_at(*alike, np.array([risk]), [50])[0, 0] == 1
    assert baseline.survival(np.array([800.0]), 100) == 0


def test_risk_groups_are_cut_at_the_median_training_risk():
    task, x = survival_task(np.random.default_rng(0), 100, 6)
    predictor = fit(task, x, SETTINGS)
    table = predictor.predict(x)
    assert (table.risk_group == "high").sum() == 50
    assert table.risk[table.risk_group == "high"].min() > predictor.facts["survival"]["cutoff"]
    assert predictor.facts["survival"]["cutoff"] == np.median(table.risk)
    assert list(table) == ["risk", "risk_group", "survival_365", "survival_1095"]
    at_365, at_1095 = table.survival_365, table.survival_1095
    assert (at_365 >= at_1095).all()
    assert at_365[table.risk.argmax()] < at_365[table.risk.argmin()]


def test_a_class_of_one_case_is_absent_from_a_part():
    """The part that leaves it out has no such class: its probability there is 0, and it is no reason against it."""
    label = np.array([0, 1] * 20 + [2])
    x = np.random.default_rng(0).normal(size=(41, 3)).astype(np.float32) + label[:, None].astype(np.float32)
    predictor = fit(task_of(label, np.arange(41), classes=4), x, SETTINGS)
    assert predictor.facts["classes"] == ["a", "b", "c"]
    assert predictor.facts["classes_without_cases"] == ["d"]
    assert np.isinf(predictor.fold_intercept).sum() == 1
    assert np.isfinite(predictor.intercept).all()
    assert predictor.facts["temperature"] is not None
    assert "without" in predictor.facts["temperature_note"]
    assert predictor.predict(x, by_class=True).set.str.contains("c").all()


def test_a_part_with_one_class_left_gives_no_probe():
    label = np.array([0] * 30 + [1])
    x = np.random.default_rng(0).normal(size=(31, 3)).astype(np.float32)
    conformal = fit(task_of(label, np.arange(31)), x, SETTINGS).facts["conformal"]
    assert [left_out["reason"] for left_out in conformal["folds_left_out"]] == ["the training side has one class only"]
    assert conformal["n_cases_by_class"]["b"] == 0
    assert conformal["n_cases_never_left_out"] == 31 - conformal["n_cases"] > 0


def test_one_class_is_refused():
    with pytest.raises(BadTask, match="every labelled sample is of class a: take it out of probe/predictors"):
        fit(task_of(np.zeros(9, int), np.arange(9), classes=2), np.zeros((9, 2), np.float32), SETTINGS)


def test_a_class_that_would_look_like_two_in_a_set_is_refused():
    task, x = World([1, 1], 4, 1.0).task(np.random.default_rng(0), 40)
    task.classes = ["low;none", "high"]
    with pytest.raises(BadTask, match="class low;none has a ; in its name"):
        fit(task, x, SETTINGS)


def test_no_event_is_refused():
    task, x = survival_task(np.random.default_rng(0), 20, 4)
    task.events[:] = False
    with pytest.raises(BadTask, match="no event on the training side: take it out of probe/predictors"):
        fit(task, x, SETTINGS)


def test_ten_thousand_cases_are_predicted_in_seconds():
    task, x = World([1, 1, 1, 1], 1024, 8.0).task(np.random.default_rng(0), 60)
    predictor = fit(task, x, SETTINGS)
    new = np.random.default_rng(1).normal(size=(10_000, 1024)).astype(np.float32)
    tracemalloc.start()
    began = time.process_time()
    table = predictor.predict(new)
    spent, (_, peak) = time.process_time() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(table) == 10_000
    assert peak < 1e9
    assert spent < 20


@pytest.mark.parametrize(
    ("x", "message"), [(np.zeros((2, 3)), "2 x 3; it reads N x 12"), (np.full((2, 12), np.nan), "NaN")]
)
def test_other_embeddings_are_refused(x, message):
    predictor = fit(*drawn(2), SETTINGS)
    predictor.facts["model"] = "m"
    with pytest.raises(ValueError, match=message):
        predictor.predict(x)
