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


def test_ranks_within_and_the_tail_of_exponential_numbers_beyond():
    training = np.arange(1, 101, dtype=float)  # the largest ten are 5.5 above 90 on average
    assert levels(training, np.array([50.0]))[0] == pytest.approx(-np.log(52 / 101))
    assert levels(training, np.array([120.0]))[0] == pytest.approx(-np.log(11 / 101 * (1 + 30 / 55) ** -10))
    assert np.isnan(levels(training, np.array([np.nan]))[0])


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


@pytest.mark.parametrize("count", [40, 100])
def test_share_beyond_a_level_is_the_one_it_says_far_beyond_the_others(count):
    """Of exponential numbers, whose tail the level continues; with few others a tail fitted by its mean alone is 2 to 3
    times too sure."""
    rng = np.random.default_rng(count)
    p_values = np.concatenate([levels(rng.exponential(size=count), rng.exponential(size=100)) for _ in range(4000)])
    for share in (0.05, 0.01, 0.002):
        assert (p_values >= -np.log(share)).mean() == pytest.approx(share, rel=0.12)


def test_conformal_p_counts_training_cases_as_large():
    np.testing.assert_allclose(conformal_p(np.array([1.0, 2, 2, 3]), np.array([2.0, 4, 0])), [4 / 5, 1 / 5, 1])
