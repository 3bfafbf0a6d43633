"""Directions, null models and verdicts of gene sets, by their own numbers."""

import numpy as np
import pandas as pd
import pytest
import torch
from molpath.embed.pooling import mean_pooling, pooling_of_encoder
from molpath.interpret import gene_set_reliability as reliability
from molpath.interpret.gene_set_cases import Support
from molpath.interpret.gene_set_reading import judged
from molpath.interpret.patch_parts import Reference, anatomy_of, patch_scores
from molpath.pretrain.network import SlideEncoder
from scipy.stats import kstest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold

from .test_gene_sets import ALPHAS


def test_directions_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 6)), rng.normal(size=(50, 2))
    y[:, 0] += x @ [1, 2, 0, 0, -1, 0]
    folds = reliability.folds_of(50, 3)
    fitted = reliability.fit_directions(x, y, folds, ALPHAS)
    scores = fitted.scores(x, folds)
    for fold in (*range(5), 5):
        train = folds != fold
        groups = [str(i) for i in range(train.sum())]
        for s in range(2):
            search = GridSearchCV(Ridge(), {"alpha": ALPHAS}, cv=GroupKFold(5), scoring="neg_mean_squared_error")
            best = search.fit(x[train], y[train, s], groups=groups).best_estimator_
            np.testing.assert_allclose(fitted.coefficients[fold, s], best.coef_, atol=1e-8)
            if fold < 5:
                np.testing.assert_allclose(scores[~train, s], best.predict(x[~train]), atol=1e-8)
    np.testing.assert_allclose(reliability.out_of_fold(x, y, folds, ALPHAS), scores, atol=1e-8)


def test_p_of_nothing_is_uniform():
    chances = []
    for seed in range(240):
        rng = np.random.default_rng([seed, 7])
        x, y = rng.normal(size=(30, 4)), rng.normal(size=(30, 1))
        cohorts = np.repeat(["A", "B"], 15)
        y = reliability.within_cohorts(y, cohorts)
        folds, orders = reliability.folds_of(30, seed), reliability.permutations(cohorts, 39, seed)
        null = reliability.null_by_pairs(x, y, folds, [1, 100], orders)[0]
        out = reliability.out_of_fold(x, y, folds, [1, 100])
        chances.append(reliability.chance(reliability.correlations(y, out)[0], null))
    assert kstest(np.array(chances) - np.random.default_rng(0).random(240) / 40, "uniform").pvalue > 0.01


def test_a_set_without_a_correlation_has_no_p():
    """Of genes that never vary, say: the smallest P would let other sets pass the adjustment."""
    assert np.isnan(reliability.chance(float("nan"), np.zeros(99)))
    table = pd.DataFrame(
        {"p_pairs": [np.nan, 0.03, 0.03], "p_random": [np.nan, 0.03, 0.03], "lower": [np.nan, 0.1, 0.1]}
    )
    judged_rows = reliability.judge(table)
    assert list(judged_rows.verdict) == ["not read", "read", "read"]
    assert np.isnan(judged_rows.padj_pairs[0])


def test_random_sets_are_compared_with_what_was_found_in_their_way():
    """Directions of random sets come from fewer profiles, so they are noisier than the set's own."""
    y = np.random.default_rng(0).normal(size=(30, 1))
    support = Support([f"C{i}" for i in range(30)], np.full(30, "A"), y, y, np.zeros((30, 1, 4)), np.arange(30) % 5)
    whole = reliability.Directions(np.ones((6, 1, 1)), np.zeros((6, 1)))
    null = np.full((1, 9), 0.5), np.full((1, 9), 0.5)
    for more_null, expected in ((), 0.1), ((np.array([0.4]),), 1.0):
        row = judged(0, "UP", "prompt", whole, (*null, *more_null), support, support, {"seed": 0})
        assert (row["p_pairs"], row["p_random"]) == (0.1, expected)


def test_cases_exchange_profiles_within_their_cohort():
    cohorts = np.array(["A"] * 5 + ["B"] * 7)
    orders = reliability.permutations(cohorts, 50, 0)
    assert (cohorts[orders] == cohorts).all()
    assert all(sorted(order) == list(range(12)) for order in orders)
    assert len({tuple(order) for order in orders}) == 50


def test_verdicts_ask_for_both_nulls_and_an_interval():
    table = pd.DataFrame(
        {
            "p_pairs": [0.001, 0.001, 0.001, 0.03, 0.5],
            "p_random": [0.001, 0.9, 0.001, 0.001, 0.001],
            "lower": [0.2, 0.2, -0.1, 0.1, 0.1],
        }
    )
    judged_rows = reliability.judge(table)
    assert list(judged_rows.verdict) == ["read", "no better than random sets", "not read", "read", "not read"]
    np.testing.assert_allclose(judged_rows.padj_pairs, [0.005 / 3, 0.005 / 3, 0.005 / 3, 0.0375, 0.5])
    assert set(reliability.judge(table.assign(p_random=np.nan)).verdict) == {"no better than random sets", "not read"}


@pytest.mark.parametrize("heads", [1, 3])
def test_shares_of_patches_add_up_to_the_score(heads):
    torch.manual_seed(0)
    encoder = SlideEncoder(6, 8, 2, heads, 8).eval()
    rng = np.random.default_rng(0)
    bags = [rng.normal(size=(n, 6)).astype(np.float32) for n in (12, 20, 9)]
    directions = rng.normal(size=(4, 8))
    with torch.inference_mode():
        embedded = np.stack([encoder(torch.from_numpy(bag))[0].double().numpy() for bag in bags])
    parts = [anatomy_of(pooling_of_encoder(encoder), bag) for bag in bags]
    np.testing.assert_allclose(np.stack([part.embedding() for part in parts]), embedded, atol=1e-5)
    angles = embedded / np.linalg.norm(embedded, axis=1, keepdims=True) @ directions.T
    shares = patch_scores(parts[0], directions, Reference.of(parts[1:]))
    assert shares.shape == (12, 4)
    np.testing.assert_allclose(shares.sum(0), angles[0] - angles[1:].mean(0), atol=1e-5)


def test_a_patch_that_carries_the_direction_is_above_the_others_under_mean_pooling():
    bags = np.random.default_rng(0).normal(size=(3, 10, 5)).astype(np.float32)
    bags[0, 4, 2] += 20
    means = [anatomy_of(mean_pooling(5), bag) for bag in bags]
    shares = patch_scores(means[0], np.eye(5)[2:3], Reference.of(means[1:]))
    assert shares[:, 0].argmax() == 4
