"""Tests between models that are alike, and of risk groups that say nothing: how often P is below 5 %.

Short forms of the simulations of `make bench` (type_one_errors.py), with several slides a case.
"""

import pytest
from null_models import error_rates, survival_error_rates


def test_slides_of_a_case_do_not_make_models_differ():
    found = error_rates(50, cases=60, slides=5)
    assert found["corrected t"] <= 0.14  # of 50: 5 % with 2.9 standard errors
    assert found["delong"] < found["delong by slide"]
    assert found["anova"] >= found["corrected t"]


@pytest.mark.parametrize("slides", [1, 3])
def test_risk_groups_of_nothing_do_not_differ_in_survival(slides):
    found = survival_error_rates(20, slides=slides, permutations=19)
    assert found["permuted"] <= 0.2  # of 20: 5 % with 3 standard errors
