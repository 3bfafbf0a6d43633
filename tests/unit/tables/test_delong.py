"""DeLong's test against every pair counted one by one, a bootstrap, and permuted labels."""

import numpy as np
import pandas as pd
import pytest
from molpath.tables.delong import compare_folds, difference
from molpath.tables.tests import delong_pairs
from scipy import stats
from sklearn.metrics import roc_auc_score


def direct(positive, scores):
    """AUCs and covariance from the m x n comparisons, as DeLong et al. write them."""
    kernels = []
    for score in scores:
        a, b = score[positive][:, None], score[~positive][None]
        kernels.append((a > b) + 0.5 * (a == b))
    kernels = np.array(kernels, float)
    auc = kernels.mean((1, 2))
    v10, v01 = kernels.mean(2) - auc[:, None], kernels.mean(1) - auc[:, None]
    m, n = kernels.shape[1:]
    return auc, v10 @ v10.T / (m - 1) / m + v01 @ v01.T / (n - 1) / n


def delong(positive, scores):
    """The test on one side whose slides are cases of their own."""
    auc, covariance, _ = compare_folds([(positive, scores, np.arange(len(positive)))])
    return auc, covariance


def samples(seed, n=90, models=3, ties=False):
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.4
    shared = rng.normal(size=n)
    scores = np.stack([shared + rng.normal(size=n) + positive * 0.5 * k for k in range(models)])
    return positive, np.round(scores) if ties else scores


@pytest.mark.parametrize("ties", [False, True])
def test_midranks_equal_the_direct_comparisons(ties):
    for seed in range(5):
        positive, scores = samples(seed, ties=ties)
        auc, covariance = delong(positive, scores)
        expected, spread = direct(positive, scores)
        np.testing.assert_allclose(auc, expected)
        np.testing.assert_allclose(covariance, spread, atol=1e-15)
        assert auc[1] == pytest.approx(roc_auc_score(positive, scores[1]))


def test_standard_error_is_that_of_a_bootstrap():
    positive, scores = samples(7, n=400, models=2)
    _, se, z, p = difference(*delong(positive, scores), 400, 0, 1)
    rng = np.random.default_rng(0)
    gaps = []
    for draw in rng.integers(0, 400, (600, 400)):
        gaps.append(roc_auc_score(positive[draw], scores[0, draw]) - roc_auc_score(positive[draw], scores[1, draw]))
    assert se == pytest.approx(np.std(gaps), rel=0.12)
    assert p == pytest.approx(2 * stats.t.sf(abs(z), 398))


def test_scores_of_one_kind_give_p_values_that_are_even():
    ps = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        positive = np.arange(80) % 2 == 0
        ps.append(difference(*delong(positive, rng.normal(size=(2, 80)) + positive), 80, 0, 1)[3])
    assert stats.kstest(ps, "uniform").pvalue > 0.01


def test_separate_folds_are_averaged_and_their_variances_added():
    parts = [samples(seed, n=60, models=2) for seed in (1, 2, 3)]
    cases = np.arange(180).reshape(3, 60)
    parts = [(*part, names) for part, names in zip(parts, cases, strict=True)]
    auc, covariance, count = compare_folds(parts)
    assert count == 180
    single = [direct(*part[:2]) for part in parts]
    np.testing.assert_allclose(auc, np.mean([a for a, _ in single], axis=0))
    np.testing.assert_allclose(covariance, sum(c for _, c in single) / 9)
    np.testing.assert_allclose(compare_folds(parts[:1])[1], single[0][1])


def test_no_variance_and_too_few_samples():
    positive = np.array([True, True, False, False])
    perfect = np.array([[3, 4, 1, 2], [30, 40, 10, 20]], float)
    gap, se, z, p = difference(*delong(positive, perfect), 4, 0, 1)
    assert (gap, se) == (0, 0)
    assert np.isnan(z)
    assert np.isnan(p)
    with pytest.raises(ValueError, match="1 cases with positive and 3 with negative samples"):
        delong(np.array([True, False, False, False]), perfect)


def obuchowski(positive, scores, cases):
    """Covariance by Obuchowski's sums over clusters, written out."""
    m, n = positive.sum(), (~positive).sum()
    kernels = [(s[positive][:, None] > s[~positive]) + 0.5 * (s[positive][:, None] == s[~positive]) for s in scores]
    auc = np.mean(kernels, axis=(1, 2))
    v10, v01 = np.mean(kernels, axis=2) - auc[:, None], np.mean(kernels, axis=1) - auc[:, None]
    names = np.unique(cases)
    a = np.array([v10[:, cases[positive] == name].sum(1) for name in names]).T
    b = np.array([v01[:, cases[~positive] == name].sum(1) for name in names]).T
    i10, i01 = len(np.unique(cases[positive])), len(np.unique(cases[~positive]))
    every = len(names) / (len(names) - 1)
    cross = every * (a @ b.T + b @ a.T) / (m * n)
    return i10 / (i10 - 1) * a @ a.T / m**2 + i01 / (i01 - 1) * b @ b.T / n**2 + cross


def test_slides_of_a_case_count_as_one_cluster():
    positive = np.repeat(np.arange(30) % 2 == 0, 4)
    cases = np.repeat(np.arange(30), 4)
    rng = np.random.default_rng(0)
    scores = np.repeat(rng.normal(size=(2, 30)), 4, axis=1) + 0.1 * rng.normal(size=(2, 120)) + positive
    auc, covariance, count = compare_folds([(positive, scores, cases)])
    assert count == 30
    np.testing.assert_allclose(covariance, obuchowski(positive, scores, cases))
    assert covariance[0, 0] > 2.5 * delong(positive, scores)[1][0, 0]
    again = compare_folds([(positive, scores, cases)] * 2)  # the same side twice says nothing more
    np.testing.assert_allclose(again[1], covariance)


def test_cases_with_slides_of_both_classes_have_their_covariance():
    """Obuchowski's S11, with I / (I - 1) of all cases: five of them mixed, so that the factors differ."""
    rng = np.random.default_rng(1)
    cases = np.repeat(np.arange(12), 3)
    positive = cases < 6
    positive[cases >= 10] = True
    positive[[2, 5, 8, 32, 35]] = ~positive[[2, 5, 8, 32, 35]]
    scores = np.repeat(rng.normal(size=(2, 12)), 3, axis=1) + 0.2 * rng.normal(size=(2, 36)) + positive
    assert 0 < len(np.intersect1d(cases[positive], cases[~positive])) < 12
    covariance = compare_folds([(positive, scores, cases)])[1]
    np.testing.assert_allclose(covariance, obuchowski(positive, scores, cases))
    np.testing.assert_allclose(compare_folds([(positive, scores, cases)] * 2)[1], covariance)


def test_two_mixed_cases_have_no_p_and_say_why():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"fold": 0, "sample_id": range(8), "case_id": list("aaaabbbb"), "label": [0, 1] * 4})
    by_name = {name: frame.assign(prob_1=rng.random(8)) for name in ("one", "two")}
    row = delong_pairs(by_name, ["one", "two"])[0]
    assert np.isnan(row["p"])
    assert row["se"] > 0
    assert row["note"] == "not tested: 2 cases leave no degree of freedom"
