"""How rare a value is among others: ranks, a tail beyond them, and every value against all but itself."""

import numpy as np
import pytest
from molpath.predict.levels import conformal_p, left_out_levels, levels


@pytest.mark.parametrize("grain", [0, 0.5])
@pytest.mark.parametrize("kind", ["normal", "ties", "constant", "heavy", "unknown"])
def test_left_out_is_all_but_itself(kind, grain):
    rng = np.random.default_rng(1)
    values = {
        "normal": rng.normal(size=57),
        "ties": rng.integers(0, 4, 45).astype(float),
        "constant": np.r_[np.zeros(30), 5],
        "heavy": rng.standard_cauchy(41),
        "unknown": np.where(rng.random(50) < 0.3, np.nan, rng.normal(size=50)),
    }[kind]
    left_out = left_out_levels(values, grain)
    tail = max(3, (~np.isnan(values)).sum() // 10)
    by_hand = [levels(np.delete(values, k), values[[k]], grain, tail)[0] for k in range(len(values))]
    np.testing.assert_allclose(left_out, by_hand, rtol=1e-9, atol=1e-12)


def test_ranks_within_and_an_exponential_tail_beyond():
    reference = np.arange(1, 101, dtype=float)  # the largest tenth is 5.5 above 90 on average
    assert levels(reference, np.array([50.0]))[0] == pytest.approx(-np.log(52 / 101))
    assert levels(reference, np.array([120.0]))[0] == pytest.approx(-np.log(11 / 101) + 30 / 5.5)
    assert np.isnan(levels(reference, np.array([np.nan]))[0])


def test_difference_within_the_grain_is_none():
    reference = np.full(50, 80.0)
    same, near, far = levels(reference, np.array([80.0, 81.9, 90.0]), grain=2)
    assert same == 0
    assert near == pytest.approx(-np.log(6 / 51))  # one of the largest tenth, and no more
    assert far == pytest.approx(-np.log(6 / 51) + 8 / 2)


def test_level_never_falls_as_a_value_grows():
    rng = np.random.default_rng(0)
    for reference in (rng.normal(size=40), np.r_[np.zeros(38), 1, 2], rng.exponential(size=200)):
        values = levels(reference, np.linspace(-4, 12, 300), grain=0.1)
        assert (np.diff(values) >= -1e-12).all()


def test_conformal_p_counts_training_cases_as_large():
    np.testing.assert_allclose(conformal_p(np.array([1.0, 2, 2, 3]), np.array([2.0, 4, 0])), [4 / 5, 1 / 5, 1])
