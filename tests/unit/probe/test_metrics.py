"""Metrics and intervals worked out again by other means; answers that are known beforehand."""

import numpy as np
import pandas as pd
import pytest
from molpath.probe.intervals import Replicates, bootstrap, summarise
from molpath.probe.metrics import (
    ALWAYS,
    FIXED_KAPPA,
    chance_of,
    classification_metrics,
    concordance,
    time_dependent_auc,
)
from molpath.probe.weighted import weighted_classification, weighted_concordance
from sklearn import metrics as sk
from sksurv.metrics import concordance_index_censored


def drawn(classes, n=40, seed=0):
    rng = np.random.default_rng([classes, seed])
    probabilities = rng.dirichlet(np.ones(classes), n).round(2)
    return rng.integers(0, classes, n), probabilities / probabilities.sum(1, keepdims=True)


@pytest.mark.parametrize("classes", [2, 4])
def test_precision_brier_and_calibration_by_other_means(classes):
    labels, probabilities = drawn(classes)
    metrics = classification_metrics(labels, probabilities)
    score = probabilities[:, 1] if classes == 2 else probabilities
    truth = labels if classes == 2 else np.eye(classes, dtype=int)[labels]
    assert metrics["auprc"] == pytest.approx(sk.average_precision_score(truth, score, average="macro"))
    assert metrics["brier"] == pytest.approx(sk.brier_score_loss(labels, score, labels=np.arange(classes)))
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    edges = np.linspace(0, 1, 16)
    total = 0.0
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            total += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert metrics["ece"] == pytest.approx(total)


def test_known_answers_of_classes():
    labels = np.array([0, 0, 1, 1])
    sure = np.eye(2)[labels]
    perfect, inverted = classification_metrics(labels, sure), classification_metrics(labels, 1 - sure)
    tied = classification_metrics(labels, np.full((4, 2), 0.5))
    single = classification_metrics(np.zeros(4, int), sure)
    better = {"macro-ovr-auc", "bacc", "weighted_kappa", "acc", "macro-f1", "weighted-f1", "auprc"}
    assert {name: perfect[name] for name in better} == dict.fromkeys(better, 1.0)
    assert perfect["brier"] == perfect["ece"] == 0
    assert inverted["macro-ovr-auc"] == inverted["bacc"] == 0
    assert inverted["weighted_kappa"] == -1
    assert inverted["brier"] == inverted["ece"] == 1
    assert tied["macro-ovr-auc"] == tied["auprc"] == tied["bacc"] == 0.5
    assert tied["weighted_kappa"] == 0
    assert tied["brier"] == 0.25
    assert np.isnan([single["macro-ovr-auc"], single["auprc"]]).all()
    assert np.isnan(list(classification_metrics(labels[:0], sure[:0]).values())).all()


def test_known_answers_of_survival():
    times, events = np.array([1.0, 2, 3, 4]), np.ones(4, bool)
    assert concordance(times, events, -times) == 1
    assert concordance(times, events, times) == 0
    assert concordance(times, events, np.zeros(4)) == 0.5
    assert np.isnan(concordance(times, ~events, times))


def test_time_dependent_auc_without_censoring_is_a_plain_auc():
    rng = np.random.default_rng(0)
    times, events = rng.uniform(1, 1000, 60), np.ones(60, bool)
    times[0] = 2000  # of the training side: followed longer than all
    risk = rng.normal(size=60) - times / 500
    test = slice(20, 60)
    aucs = time_dependent_auc((times[:20], events[:20]), (times[test], events[test]), risk[test], [200, 700, 5000])
    for time in (200, 700):
        expected = sk.roc_auc_score(times[test] <= time, risk[test])
        assert aucs[f"auc@{time}d"] == (pytest.approx(expected), "")
    value, reason = aucs["auc@5000d"]
    assert np.isnan(value)
    assert "nobody at risk after, 5000 days" in reason


def test_time_dependent_auc_weighs_by_the_censoring_of_the_training_side():
    """By hand: an event at t counts 1 / G(t-), G the Kaplan-Meier curve of being still followed."""
    train = np.array([2.0, 4, 6, 8, 10]), np.array([True, False, True, False, True])
    test = np.array([3.0, 5, 9, 7]), np.array([True, True, True, False])
    risk = np.array([0.2, 0.9, 0.5, 0.1])
    # Censored in training at 4 (4 at risk) and at 8 (2 at risk): G = 1 before 4, 3/4 from 4 on.
    weights = {3.0: 1.0, 5.0: 4 / 3}
    controls = risk[2:]  # still there after 6
    won = sum(weights[t] * (r > controls).sum() for t, r in ((3.0, 0.2), (5.0, 0.9)))
    expected = won / (sum(weights.values()) * len(controls))
    assert time_dependent_auc(train, test, risk, [6])["auc@6d"][0] == pytest.approx(expected)


@pytest.mark.parametrize("classes", [2, 4])
def test_weights_are_repeated_samples(classes):
    labels, probabilities = drawn(classes, n=30, seed=1)
    rng = np.random.default_rng(0)
    draws = [rng.integers(0, 30, 30) for _ in range(12)] + [np.flatnonzero(labels == 0)]
    weights = np.stack([np.bincount(draw, minlength=30) for draw in draws]).astype(float)
    for name in ALWAYS:
        weighted = weighted_classification(labels, probabilities, weights, name)
        for draw, value in zip(draws, weighted, strict=True):
            present = set(labels[draw]) | set(probabilities[draw].argmax(1))
            if name == "weighted_kappa" and len(present) < classes:
                continue  # distances between classes stay those of the whole side
            expected = classification_metrics(labels[draw], probabilities[draw], [name])[name]
            assert value == pytest.approx(expected, nan_ok=True), name


def test_kappa_over_all_labels_keeps_the_gap_of_a_grade_that_a_test_side_lacks():
    """Grades 0 and 3 stay three steps apart where nobody has 1; Patho-Bench's way closes the gap."""
    rng = np.random.default_rng(2)
    labels = rng.choice([0, 2, 3], 40)
    probabilities = np.eye(4)[rng.choice([0, 2, 3], 40)]
    both = classification_metrics(labels, probabilities, ["weighted_kappa", FIXED_KAPPA])
    guess = probabilities.argmax(1)
    for name, codes in (("weighted_kappa", None), (FIXED_KAPPA, [0, 1, 2, 3])):
        expected = sk.cohen_kappa_score(labels, guess, labels=codes, weights="quadratic")
        assert both[name] == pytest.approx(expected), name
    assert abs(both["weighted_kappa"] - both[FIXED_KAPPA]) > 0.01
    draws = [rng.integers(0, 40, 40), np.flatnonzero((labels != 2) & (guess != 2))]
    weights = np.stack([np.bincount(draw, minlength=40) for draw in draws]).astype(float)
    for draw, value in zip(draws, weighted_classification(labels, probabilities, weights, FIXED_KAPPA), strict=True):
        expected = sk.cohen_kappa_score(labels[draw], guess[draw], labels=[0, 1, 2, 3], weights="quadratic")
        assert value == pytest.approx(expected)
    assert chance_of(FIXED_KAPPA, 4) == 0


def test_weighted_concordance_is_that_of_repeated_samples():
    rng = np.random.default_rng(3)
    times, events = rng.integers(1, 12, 30).astype(float), rng.random(30) < 0.6
    risk = rng.normal(size=30).round(1)
    draws = [rng.integers(0, 30, 30) for _ in range(20)] + [np.flatnonzero(~events)]
    weights = np.stack([np.bincount(draw, minlength=30) for draw in draws]).astype(float)
    weighted = weighted_concordance(times, events, risk, weights)
    for draw, value in zip(draws[:-1], weighted, strict=False):
        expected = concordance_index_censored(events[draw], times[draw], risk[draw])[0]
        assert value == pytest.approx(expected)
    assert np.isnan(weighted[-1])


def predictions_of(cases, fold_of, scores, labels):
    table = pd.DataFrame({"sample_id": [f"s{i}" for i in range(len(cases))], "case_id": cases, "fold": fold_of})
    table["protocol"], table["shots"], table["repeat"], table["label"] = "logistic", 0, 0, labels
    return table.assign(prob_0=1 - scores, prob_1=scores)


def test_bootstrap_resamples_cases_and_takes_their_slides_and_folds_along():
    """Thirty slides of two cases each: by slide the interval is narrow, by case it is everything or nothing."""
    cases = np.repeat(["right", "wrong"], 30)
    labels = np.tile([0, 1], 30)
    scores = np.where(cases == "right", labels * 0.8 + 0.1, 0.9 - labels * 0.8)
    table = predictions_of(cases, 0, scores, labels)
    interval = Replicates(table, 200, 0).interval("acc")
    assert (interval["lower"], interval["upper"]) == (0, 1)
    assert 0.3 < interval["sample_lower"] < 0.5 < interval["sample_upper"] < 0.7
    assert interval["bootstrap_mean"] == pytest.approx(0.5, abs=0.02)
    halves = table.assign(fold=np.tile([0, 1], 30))
    both = Replicates(halves, 200, 0).interval("acc")
    assert (both["lower"], both["upper"]) == (0, 1)
    assert "sample_lower" not in both
    assert bootstrap(table.iloc[:0], "acc", 10, 0) == pytest.approx((np.nan, np.nan), nan_ok=True)


def test_summary_has_means_errors_and_reasons():
    same = {"protocol": "logistic", "shots": 0, "repeat": 0, "metric": "acc", "n_train": 8, "n_test": 2}
    values = [(0.5, ""), (1.0, ""), (np.nan, "the test side is empty")]
    rows = [same | {"fold": k, "value": value, "note": note} for k, (value, note) in enumerate(values)]
    table = predictions_of(["a", "b"], [0, 1], np.array([0.2, 0.9]), np.array([0, 1]))
    row = summarise(pd.DataFrame(rows), table, 20, 0).iloc[0]
    assert (row["mean"], row.se) == (0.75, pytest.approx(0.25 / np.sqrt(2)))
    assert (row.n_folds, row.n_failed, row.note) == (3, 1, "the test side is empty")
    assert row.interval == "20 bootstraps of cases over 2 test sides"


def test_who_is_followed_longest_counts_as_alive_until_the_training_side_ends():
    """A case at 100 days with two controls, of whom the one of highest risk was followed past all of the training
    side: half of the pairs are in order; without him, all were."""
    train = np.array([50.0, 400, 1000]), np.array([True, False, False])
    test = np.array([100.0, 500, 2000]), np.array([True, False, False])
    assert time_dependent_auc(train, test, np.array([2.0, 1, 3]), [365])["auc@365d"][0] == pytest.approx(0.5)
    late = time_dependent_auc(
        train, (np.array([100.0, 500, 2000]), np.array([True, False, True])), np.array([2.0, 1, 3]), [365]
    )
    assert late["auc@365d"][0] == pytest.approx(0.5)
    value, reason = time_dependent_auc(train, test, np.array([2.0, 1, 3]), [1500])["auc@1500d"]
    assert np.isnan(value)
    assert "nobody" in reason
