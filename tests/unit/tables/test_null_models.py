"""Tests between models that are alike, of scores, risk groups and genes that say nothing: how often P is below 5 %.

Short forms of the simulations of `make bench` (type_one_errors.py), with several slides per case. Limits are 5 % with
three standard errors of so many runs; tests whose P are known to be too small have to show it, so that the simulation
could have found it in the others.
"""

import pytest
from null_models import (
    error_rates,
    gene_error_rates,
    mixed_error_rates,
    permuted_error_rates,
    survival_error_rates,
)


def test_slides_of_a_case_do_not_make_models_differ():
    rates = error_rates(60, cases=40, slides=5)
    assert rates["corrected t"] <= 0.135
    assert rates["delong by slide"] >= 0.2  # each slide a patient of its own
    assert rates["delong"] <= 0.6 * rates["delong by slide"]


def test_overlapping_folds_make_the_papers_anova_find_what_the_corrected_t_test_does_not():
    """Twenty repeated folds: the analysis of variance takes them for twenty independent samples."""
    rates = error_rates(40, cases=40, folds=20, repeated=True)
    assert rates["anova"] >= 0.2
    assert rates["anova"] >= rates["corrected t"] + 0.15


@pytest.mark.parametrize("slides", [1, 3])
def test_risk_groups_of_nothing_do_not_differ_in_survival(slides):
    rates = survival_error_rates(20, slides=slides, permutations=19)
    assert rates["permuted"] <= 0.2


@pytest.mark.parametrize("slides", [1, 5])
def test_scores_and_genes_of_nothing_and_alike_models_over_tasks(slides):
    assert permuted_error_rates(40, cases=40, slides=slides, permutations=19)["p_permuted"] <= 0.155
    assert gene_error_rates(20, slides=slides)["gene directions"] <= 0.2
    assert mixed_error_rates(20, tasks=6, cases=40, slides=slides)["mixed model, Tukey"] <= 0.2
