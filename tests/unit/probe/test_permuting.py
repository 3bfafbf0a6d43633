"""The null of controls: cases are shuffled, and P of a score is right where there is nothing to find."""

import numpy as np
import pandas as pd
import pytest
from molpath.probe.intervals import summarise
from molpath.probe.permuting import permutation_p, shuffled, stratified
from molpath.probe.tasks import BadTask, Task


def task_of(per_case, labels=None):
    """A task of cases with so many slides each, labels by case."""
    cases = [case for case, count in enumerate(per_case) for _ in range(count)]
    names = [f"S{i}" for i in range(len(cases))]
    codes = np.array([labels[case] if labels is not None else case for case in cases])
    case_of = {name: f"C{case}" for name, case in zip(names, cases, strict=True)}
    folds = np.full((len(names), 1), "test", dtype=object)
    return Task("t", "slide_id", names, codes, ["a", "b"], folds, ["macro-ovr-auc"], cases=case_of)


def test_slides_of_a_case_take_the_labels_of_one_other_case():
    task = task_of([3, 1, 2, 4, 3])
    order = shuffled(task, 0, 0)
    labels_per_slide = pd.Series(task.labels[order]).groupby(task.labels).nunique()
    assert (labels_per_slide == 1).all()
    assert set(task.labels[order]) == set(range(5))
    assert shuffled(task, 0, 0).tolist() == order.tolist() != shuffled(task, 0, 1).tolist()


def test_with_one_slide_a_case_slides_are_shuffled():
    order = np.random.default_rng([7, 3]).permutation(9)
    assert shuffled(task_of([1] * 9), 7, 3).tolist() == order.tolist()


def auc(scores, positive):
    """Area under the ROC curve, without ties."""
    ranks = scores.argsort().argsort() + 1
    hits = positive.sum()
    return (ranks[positive].sum() - hits * (hits + 1) / 2) / (hits * (len(scores) - hits))


@pytest.mark.parametrize("slides", [1, 5])
def test_nothing_is_found_where_there_is_nothing(slides):
    """Scores that slides of a case share, labels of cases by a coin: P is at most 5 % in 5 % of the runs.

    With labels shuffled over slides it would be so in about 40 %.
    """
    rng, p_values, by_slide = np.random.default_rng(0), [], []
    for seed in range(300):
        task = task_of([slides] * 24, rng.permutation([0, 1] * 12))
        case = np.repeat(rng.normal(size=24), slides)
        scores = case + 0.3 * rng.normal(size=24 * slides)
        draws = [auc(scores, task.labels[shuffled(task, seed, repeat)] == 1) for repeat in range(39)]
        observed = auc(scores, task.labels == 1)
        rows = [("logistic", 0, observed)] + [("permuted", repeat, value) for repeat, value in enumerate(draws)]
        table = pd.DataFrame(rows, columns=["protocol", "repeat", "value"]).assign(fold=0, shots=0, metric="auc")
        p_values.append(permutation_p(table, "logistic", "auc"))
        wrong = [auc(scores, rng.permutation(task.labels) == 1) for _ in range(39)]
        by_slide.append((1 + sum(value >= observed for value in wrong)) / 40)
    assert 0.02 <= np.mean(np.array(p_values) <= 0.05) <= 0.085  # 300 runs: 5 % with three standard errors
    assert np.mean(p_values) == pytest.approx(0.51, abs=0.05)
    if slides > 1:
        assert np.mean(np.array(by_slide) <= 0.05) > 0.15


def test_each_permutation_is_compared_on_its_own_folds():
    """Ten folds of the probe, of which each permutation was tried on one; a metric of which less is better; none."""
    rows = [("knn", 0, fold, fold / 10) for fold in range(10)]
    rows += [("knn_permuted", repeat, repeat, repeat / 10 + (-0.1, 0.1)[repeat == 3]) for repeat in range(9)]
    table = pd.DataFrame(rows, columns=["protocol", "repeat", "fold", "value"]).assign(shots=0)
    assert permutation_p(table.assign(metric="bacc"), "knn", "bacc") == (1 + 1) / 10
    assert permutation_p(table.assign(metric="brier"), "knn", "brier") == (1 + 8) / 10
    assert np.isnan(permutation_p(table.assign(metric="bacc"), "prototype", "bacc"))


def test_labels_of_two_joined_cohorts_stay_in_each():
    task = task_of([1] * 40, [0] * 20 + [1] * 20)
    task.strata = {f"C{i}": "AB"[i // 20] for i in range(40)}
    order = shuffled(task, 0, 0)
    assert (task.labels[order] == task.labels).all()
    assert order.tolist() != list(range(40))


def test_folds_that_failed_on_either_side_are_in_neither():
    """The data lack fold 0, where permutations are bad; permutation 1 lacks fold 1, where the data are bad."""
    rows = [("cox", 0, 0, np.nan), ("cox", 0, 1, 0.4), ("cox", 0, 2, 0.8)]
    rows += [("permuted", 0, 0, 0.0), ("permuted", 0, 1, 0.5), ("permuted", 0, 2, 0.8)]
    rows += [("permuted", 1, 0, 0.0), ("permuted", 1, 1, np.nan), ("permuted", 1, 2, 0.7)]
    table = pd.DataFrame(rows, columns=["protocol", "repeat", "fold", "value"]).assign(shots=0, metric="cindex")
    assert permutation_p(table, "cox", "cindex") == (1 + 1) / 3


def test_draws_of_a_permutation_are_compared_with_the_same_draws():
    """Two draws per fold: the repeats of the control are permutation x 2 + draw."""
    rows = [("fewshot", 0, 0.5), ("fewshot", 1, 0.7)]
    rows += [("fewshot_permuted", repeat, value) for repeat, value in enumerate([0.4, 0.7, 0.5, 0.8, 0.5, 0.69])]
    table = pd.DataFrame(rows, columns=["protocol", "repeat", "value"]).assign(fold=0, shots=4, metric="auc")
    other = table.assign(shots=8, value=1.0)
    assert permutation_p(pd.concat([table, other]), "fewshot", "auc", 4) == (1 + 1) / 4


def test_labels_stay_within_a_site_on_request_only():
    task = task_of([2] * 20, [0, 1] * 10)
    task.sites = {name: "AB"[int(task.cases[name][1:]) % 2] for name in task.samples}
    within = stratified(task, {"permutations_within": "site"})
    assert (within.labels[shuffled(within, 0, 0)] == task.labels).all()  # a site has one label only
    assert stratified(task, {}) is task
    assert (task.labels[shuffled(task, 0, 0)] != task.labels).any()
    task.sites["S3"] = "unknown"
    with pytest.raises(BadTask, match="t: the site of slide_id S3 is not known.*permutations_within: all"):
        stratified(task, {"permutations_within": "site"})


def test_one_permutation_has_no_band_and_says_so():
    rows = pd.DataFrame({"protocol": "permuted", "shots": 0, "repeat": 0, "fold": range(5), "metric": "auc"})
    rows = rows.assign(value=[0.2, 0.4, 0.5, 0.6, 0.8], n_train=8, n_test=2, note="")
    for name in ("permuted", "prompt_rna_permuted"):
        row = summarise(rows.assign(protocol=name), pd.DataFrame(columns=["protocol", "shots"]), 10, 0).iloc[0]
        assert np.isnan([row.lower, row.upper]).all()
        assert row.interval == "none: one permutation"
    more = summarise(pd.concat([rows, rows.assign(repeat=1)]), pd.DataFrame(columns=["protocol", "shots"]), 10, 0)
    assert more.interval[0] == "percentiles over 2 draws"
