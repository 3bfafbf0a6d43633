"""Confounders: each number of the battery against one worked out another way."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from molpath.probe.confounders.association import associate, cramers_v, eta_squared
from molpath.probe.confounders.columns import ALL_DIFFERENT, CONSTANT, EMPTY, FEW, column_of, read_columns
from molpath.probe.confounders.outcomes import combine
from molpath.probe.confounders.pairs import Pairs
from molpath.probe.confounders.refit import PENALTY, Refit, ridge_matrices
from molpath.probe.confounders.residuals import martingale, permuted_within, residuals, share_as_large
from molpath.probe.confounders.strata import leaning, score_strata
from molpath.probe.confounders.within import exchangeable, permute_within, score_test, van_elteren
from molpath.probe.tasks import Task
from planted_confounders import folds_of, planted_task, slides_of
from scipy.stats import chi2_contingency, f_oneway, mannwhitneyu, rankdata
from scipy.stats.contingency import association
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score
from sksurv.metrics import concordance_index_censored


def task_of(n=60, classes=2, seed=0):
    """A task of n cases without any pattern."""
    labels = np.random.default_rng(seed).integers(0, classes, n)
    names = [f"case-{place}" for place in range(n)]
    return Task("t", "case_id", names, labels, [f"c{k}" for k in range(classes)], folds_of(labels, 0), ["bacc"])


def survival_of(n=60, seed=0):
    rng = np.random.default_rng(seed)
    times = np.ceil(rng.exponential(20, n))
    return dataclasses.replace(task_of(n), classes=[], labels=np.full(n, -1), times=times, events=rng.random(n) < 0.6)


def regression_of(n=60, seed=0):
    values = np.random.default_rng(seed).normal(size=n)
    return dataclasses.replace(task_of(n), classes=[], labels=np.full(n, -1), values=values)


def column(words, name="grade"):
    return column_of(name, pd.Series(list(words)))


def words(n, groups, seed):
    return np.random.default_rng(seed).choice(list("ABCDEFGH")[:groups], n)


@pytest.mark.parametrize("shape", [(2, 2), (3, 4), (2, 7)])
def test_cramers_v_is_scipys_and_its_correction_bergsmas(shape):
    counts = np.random.default_rng(1).integers(1, 30, shape)
    v, corrected = cramers_v(counts)
    assert v == pytest.approx(association(counts, method="cramer"), rel=1e-12)
    n, (r, c) = counts.sum(), shape
    phi = chi2_contingency(counts, correction=False)[0] / n
    phi = max(0, phi - (r - 1) * (c - 1) / (n - 1))
    smaller = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1))
    assert corrected == pytest.approx(np.sqrt(phi / (smaller - 1)), rel=1e-12)


def test_eta_squared_is_that_of_the_analysis_of_variance():
    values, groups = np.random.default_rng(2).normal(size=40), np.repeat(range(4), 10)
    f = f_oneway(*(values[groups == code] for code in range(4)))[0]
    assert eta_squared(values, groups) == pytest.approx(f * 3 / (f * 3 + 36), rel=1e-12)


def test_p_of_association_is_that_of_chi_squared_where_cases_are_many():
    for seed in range(4):
        task, site = task_of(400, 3, seed), column(words(400, 4, seed + 9))
        associated = associate(task, site, 1999, 0)
        counts = pd.crosstab(site.groups, task.labels).to_numpy()
        assert associated["p_association"] == pytest.approx(chi2_contingency(counts, correction=False)[1], abs=0.04)


def test_p_of_survival_association_is_that_of_the_logrank_test_where_cases_are_many():
    for seed in range(3):
        associated = associate(survival_of(300, seed), column(words(300, 3, seed + 5)), 1999, 0)
        assert associated["p_association"] == pytest.approx(associated["p_logrank"], abs=0.05)


def test_martingale_residuals_are_events_less_hazard():
    task = survival_of(50)
    times, events = task.survival
    hazard = [
        sum(events[times == t].sum() / (times >= t).sum() for t in np.unique(times[times <= own])) for own in times
    ]
    np.testing.assert_allclose(martingale(times, events), events - hazard, atol=1e-12)


def test_stratum_scores_are_sklearns_and_their_average_is_van_elterens():
    task, site = task_of(120), column(words(120, 3, 4))
    scores = np.random.default_rng(5).normal(size=(120, 1)).round(1)
    pairs = Pairs(task, scores)
    table = score_strata(task, site, pairs, 50, 0).set_index("stratum")
    over, pairs_within = 0.0, 0.0
    for name in site.names:
        members = site.groups == name
        auc = roc_auc_score(task.labels[members], scores[members, 0])
        assert table.score[name] == pytest.approx(auc, abs=1e-12)
        assert table.lower[name] < auc < table.upper[name]
        positives, n = task.labels[members].sum(), members.sum()
        over += auc * positives * (n - positives) / n
        pairs_within += positives * (n - positives) / n
    assert pairs.score(site.codes) == pytest.approx(over / pairs_within, abs=1e-12)


def test_scores_of_survival_and_of_many_classes_are_the_libraries():
    task, risk = survival_of(80), np.random.default_rng(6).normal(size=(80, 1))
    expected = concordance_index_censored(task.events, task.times, risk[:, 0])[0]
    assert Pairs(task, risk).score() == pytest.approx(expected, abs=1e-12)
    task, scores = task_of(80, 3), np.random.default_rng(7).normal(size=(80, 3))
    expected = np.mean([roc_auc_score(task.labels == k, scores[:, k]) for k in range(3)])
    assert Pairs(task, scores).score() == pytest.approx(expected, abs=1e-12)


def test_a_resample_scores_as_its_cases_written_out():
    task, scores = task_of(40), np.random.default_rng(8).normal(size=(40, 1))
    drawn = np.random.default_rng(9).integers(0, 40, 40)
    weights = np.bincount(drawn, minlength=40)[None].astype(float)
    expected = roc_auc_score(task.labels[drawn], scores[drawn, 0])
    assert Pairs(task, scores).resampled(weights)[0] == pytest.approx(expected, abs=1e-12)


def test_van_elterens_statistic_is_the_sum_of_mann_whitneys():
    task, strata = task_of(90), np.repeat([0, 1, 2], 30)
    scores = np.random.default_rng(10).normal(size=90)
    total, largest = 0.0, 0.0
    for code in range(3):
        y, s = task.labels[strata == code], scores[strata == code]
        u = mannwhitneyu(s[y == 1], s[y == 0]).statistic
        half = (y == 1).sum() * (y == 0).sum() / 2
        total, largest = total + (u - half) / 31, largest + half / 31
    statistics = van_elteren(residuals(task, strata), scores[:, None], strata)
    assert statistics[0] == pytest.approx(total / largest, abs=1e-12)


def test_the_score_test_is_that_of_a_logistic_regression_on_the_strata():
    task, strata = task_of(90), np.repeat([0, 1, 2], 30)
    scores = np.random.default_rng(11).normal(size=90)
    fitted = sm.GLM(task.labels, np.eye(3)[strata], family=sm.families.Binomial()).fit()
    expected = float(np.squeeze(fitted.score_test(exog_extra=scores[:, None])[0]))
    assert score_test(residuals(task, strata), scores[:, None], strata)[0] ** 2 == pytest.approx(expected, rel=1e-6)


def test_refitted_scores_are_those_of_ridge_regression_and_left_out_ones_too():
    x, task = np.random.default_rng(12).normal(size=(60, 9)), task_of(60)
    y, expected = task.labels.astype(float), np.zeros(60)
    for fold in range(5):
        train, test = (np.flatnonzero(task.folds[:, fold] == side) for side in ("train", "test"))
        alpha = PENALTY * ((x[train] - x[train].mean(0)) ** 2).sum() / len(train)
        predicted = Ridge(alpha=alpha).fit(x[train], y[train]).predict(x[test])
        expected[test] = predicted - predicted.mean()
    np.testing.assert_allclose(Refit(task, x).scores(y[:, None])[:, 0], expected, atol=1e-10)
    alpha = PENALTY * ((x - x.mean(0)) ** 2).sum() / 60
    rows = [np.delete(np.arange(60), place) for place in range(60)]
    one_by_one = [Ridge(alpha=alpha).fit(x[r], y[r]).predict(x[[k]])[0] for k, r in enumerate(rows)]
    np.testing.assert_allclose(ridge_matrices(x, x[:1])[1] @ y, one_by_one, atol=1e-10)


def test_p_within_strata_is_what_fitting_again_and_again_gives():
    x, task = np.random.default_rng(13).normal(size=(60, 5)), task_of(60)
    x[:, 0] += 0.6 * task.labels
    strata = np.repeat([0, 1], 30)
    permuted = permute_within(task, strata, 39, 3, Refit(task, x))
    values = []
    for order in [np.arange(60), *permuted_within(exchangeable(task, strata), 39, 3)]:
        y, scores = task.labels[order], np.zeros(60)
        for fold in range(5):
            train, test = (np.flatnonzero(task.folds[:, fold] == side) for side in ("train", "test"))
            alpha = PENALTY * ((x[train] - x[train].mean(0)) ** 2).sum() / len(train)
            predicted = Ridge(alpha=alpha).fit(x[train], y[train]).predict(x[test])
            scores[test] = predicted - predicted.mean()
        parts = [(y[strata == k], rankdata(scores[strata == k])) for k in (0, 1)]
        values.append(sum(ranks[label == 1].sum() - label.sum() * 15.5 for label, ranks in parts))
    assert permuted.p == share_as_large(values[0], np.array(values[1:]))
    assert 0 < permuted.p < 1


def test_labels_are_exchanged_within_a_test_side_so_that_folds_keep_their_balance():
    task, strata = task_of(60), np.repeat([0, 1, -1], 20)
    cells = exchangeable(task, strata)
    for order in permuted_within(cells, 20, 0):
        for fold in range(5):
            test = task.folds[:, fold] == "test"
            for code in (0, 1):
                members = test & (strata == code)
                assert task.labels[order][members].sum() == task.labels[members].sum()
    assert (cells[strata < 0] == -1).all()
    twice = dataclasses.replace(task, folds=np.full((60, 2), "test", object))
    assert (exchangeable(twice, strata) == strata).all()


def test_orders_stay_within_groups_and_move_labels_of_cases():
    groups = np.array([0, 0, 0, 1, 1, -1, -1])
    orders = permuted_within(groups, 200, 0)
    assert (groups[orders] == groups).all()
    assert (np.sort(orders, 1) == np.arange(7)).all()
    assert len(np.unique(orders, axis=0)) == 12


def test_a_score_that_reads_the_column_leans_on_it_and_one_that_reads_the_label_does_not():
    rng = np.random.default_rng(14)
    labels = np.repeat([0, 1], 100)
    site = np.where(rng.random(200) < 0.3 + 0.4 * labels, "A", "B")
    task = dataclasses.replace(task_of(200), labels=labels)
    noise = rng.normal(size=200)
    reads = leaning(task, column(site), ((site == "A") + 0.5 * noise)[:, None], 199, 0)
    honest = leaning(task, column(site), (labels + noise)[:, None], 199, 0)
    assert reads["p_lean"] == 1 / 200
    assert reads["lean"] > 0.5
    assert honest["p_lean"] > 0.05
    assert abs(honest["lean"]) < 0.2


def test_slides_folds_and_repeats_of_a_case_count_once():
    task, predictions, _ = planted_task(60, 0.6, 2.0, 0)
    once = combine(task, predictions)
    slide_task, of_slides = slides_of(task, predictions, 3)
    several = combine(slide_task, pd.concat([of_slides.assign(repeat=0), of_slides.assign(repeat=1)]))
    assert several.task.samples == once.task.samples
    np.testing.assert_allclose(several.scores, once.scores, atol=1e-12)
    assert (several.task.folds == once.task.folds).all()


def test_cases_that_cannot_be_used_are_named():
    task, predictions, _ = planted_task(60, 0.6, 2.0, 0)
    slide_task, of_slides = slides_of(task, predictions, 2)
    slide_task.labels[0] = 1 - slide_task.labels[1]
    of_slides.loc[of_slides.case_id == "case-0003", "prob_1"] = np.nan
    combined = combine(slide_task, of_slides)
    assert combined.left_out == {
        "case-0000": "its samples have different labels",
        "case-0003": "no finite prediction",
    }
    assert len(combined.task.samples) == len(combined.scores) == 58
    with pytest.raises(ValueError, match="2 protocols"):
        combine(task, pd.concat([predictions.assign(protocol="a"), predictions.assign(protocol="b")]))


def test_each_odd_column_says_what_it_is():
    assert column(["x"] * 30).unusable == CONSTANT
    assert column([None, np.nan, "", "Unknown"]).unusable == EMPTY
    assert column([f"id{k}" for k in range(30)]).unusable == ALL_DIFFERENT
    assert column(["a"] * 28 + ["b", "c"]).unusable == FEW
    composed = column(["Köln"] * 12 + ["Ko\u0308ln "] * 12 + ["北京"] * 12)
    assert composed.names == ["Köln", "北京"]
    assert composed.unusable == ""
    grade = column([3, 1, 2, 10] * 10)
    assert grade.names == ["1", "2", "3", "10"]
    assert grade.note == ""
    age = column([*range(40), np.inf, np.nan])
    assert age.names == ["1: up to 9.75", "2: 9.75 to 19.5", "3: 19.5 to 29.25", "4: over 29.25"]
    assert list(age.codes[[0, 10, 39, 40, 41]]) == [0, 1, 3, -1, -1]
    assert age.note == "1 infinite values taken as missing; 4 bins of quantiles"
    tied = column([0] * 60 + list(range(1, 41)))
    assert tied.names == ["1: up to 0", "2: 0 to 15.25", "3: over 15.25"]
    assert tied.note == "3 bins of quantiles, 1 fewer because of ties"
    assert tied.codes[60] == 1


def test_columns_are_those_of_the_case_and_none_is_made_up():
    table = pd.DataFrame({"site": ["A", "B"]}, index=["two", "one"])
    assert list(read_columns(table, ["one", "two", "three"], ["site"])[0].groups) == ["B", "A", ""]
    with pytest.raises(ValueError, match="no column stain among site"):
        read_columns(table, ["one"], ["stain"])
    with pytest.raises(ValueError, match="case two has several rows"):
        read_columns(pd.concat([table, table.iloc[:1]]), ["one"], ["site"])


def test_association_counts_what_is_missing():
    associated = associate(task_of(60), column(["A"] * 20 + ["B"] * 30 + [""] * 10), 99, 0)
    assert (associated["n"], associated["n_missing"], associated["n_groups"]) == (50, 10, 2)
