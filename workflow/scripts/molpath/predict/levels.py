"""How rare a value is among others: one scale (natural logarithm of one over a share) for numbers of any kind.

Within the others it is their rank. Beyond the largest tenth of them an exponential tail continues from it, so that two
values beyond all others still differ: (1 + x / m)^-m for a distance of x times the mean distance of its m values, which
is the share of further exponential numbers that lie beyond, whatever their scale. Two values closer than a number's
grain are equal, and a distance of x grains has a share of exp(-x) or more.
"""

from __future__ import annotations

import numpy as np

#: The tail is fitted on this share of the others, and on at least this many.
TAIL, FEWEST = 10, 3


def levels(reference: np.ndarray, values: np.ndarray, grain: float = 0.0, tail: int = 0) -> np.ndarray:
    """How rare each of `values` (float M) is among `reference` (float N); larger is rarer, NaN stays NaN.

    NaN in the reference says nothing; with fewer than two left every level is NaN. tail: how many of them it is fitted
    on, 0: as many as `_tail_size` says.
    """
    ordered = np.sort(reference[~np.isnan(reference)])
    if len(ordered) < 2:
        return np.full(len(values), np.nan)
    tail = min(tail or _tail_size(len(ordered)), len(ordered) - 1)
    start = ordered[-tail - 1]
    excess = float(ordered[-tail:].mean() - start)
    counts = len(ordered) - np.searchsorted(ordered, values, "left")
    return _of(values, counts, len(ordered), tail, start, excess, grain)


def left_out_levels(values: np.ndarray, grain: float = 0.0) -> np.ndarray:
    """How rare each of `values` (float N) is among the others: `levels` of it, and all but it, in one pass.

    The tail is as long as that for a new value beside all N: otherwise a new one at 40 of them looks less rare.
    """
    is_given = ~np.isnan(values)
    rarity = np.full(len(values), np.nan)
    given_values, n = values[is_given], int(is_given.sum())
    if n < 3:
        return rarity
    ordered = np.sort(given_values)
    tail = min(_tail_size(n), n - 2)
    inside = given_values >= ordered[-tail - 1]  # without one of these the tail begins one further down
    start = np.where(inside, ordered[-tail - 2], ordered[-tail - 1])
    top = ordered[-tail:].sum()
    total = np.where(inside, top + ordered[-tail - 1] - given_values, top)
    counts = n - 1 - np.searchsorted(ordered, given_values, "left")
    rarity[is_given] = _of(given_values, counts, n - 1, tail, start, np.maximum(total / tail - start, 0), grain)
    return rarity


def _tail_size(count: int) -> int:
    """How many of so many values the tail is fitted on."""
    return min(max(FEWEST, count // TAIL), count - 1)


def _of(
    values: np.ndarray,
    counts: np.ndarray,
    n: int,
    tail: int,
    start: np.ndarray | float,
    excess: np.ndarray | float,
    grain: float,
) -> np.ndarray:
    """Levels from the numbers of others that are as large, and from where the tail starts and how far it reaches."""
    ranks = -np.log((1 + counts) / (n + 1))
    distance, size = np.maximum(values - start - grain, 0), 1e-12 * np.maximum(1, np.abs(start))
    fitted = tail * np.log1p(distance / np.maximum(excess, size) / tail)
    beyond = -np.log((1 + tail) / (n + 1)) + np.minimum(fitted, distance / np.maximum(grain, size))
    rarity = np.where(values - start > grain, np.maximum(beyond, 0), np.minimum(ranks, -np.log((1 + tail) / (n + 1))))
    return np.where(np.isnan(values), np.nan, rarity)


def conformal_p(reference: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Conformal p-value of each value (float M) among left-out scores (float N): P(p <= a) <= a for a like case."""
    ordered = np.sort(reference)
    return (1 + len(ordered) - np.searchsorted(ordered, values, "left")) / (len(ordered) + 1)
