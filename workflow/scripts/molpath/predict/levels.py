"""How rare a value is among others: one scale (natural logarithm of one over a share) for numbers of any kind.

Within the others it is their rank; beyond the largest tenth of them an exponential tail goes on from it, so that two
values beyond all others still differ. Two values nearer to each other than a number's grain are alike.
"""

from __future__ import annotations

import numpy as np

#: Share of the others that the tail is fitted on.
TAIL = 10


def levels(others: np.ndarray, values: np.ndarray, grain: float = 0.0) -> np.ndarray:
    """How rare each of `values` (float M) is among `others` (float N); larger is rarer, NaN stays NaN.

    NaN among the others says nothing; of none left every level is NaN.
    """
    known = np.sort(others[~np.isnan(others)])
    if not len(known):
        return np.full(len(values), np.nan)
    tail = _tail_size(len(known))
    start = known[-tail]
    excess = float((known[-tail:] - start).mean())
    counts = len(known) - np.searchsorted(known, values, "left")
    return _of(values, counts, len(known), tail, start, excess, grain)


def left_out_levels(values: np.ndarray, grain: float = 0.0) -> np.ndarray:
    """How rare each of `values` (float N) is among the others: `levels` of it, and all but it, in one pass."""
    known = ~np.isnan(values)
    found = np.full(len(values), np.nan)
    mine, n = values[known], int(known.sum())
    if n < 2:
        return found
    ordered = np.sort(mine)
    tail = _tail_size(n - 1)
    inside = mine >= ordered[-tail]  # without one of these the tail begins one further down
    start = np.where(inside, ordered[-tail - 1], ordered[-tail])
    top = ordered[-tail:].sum()
    total = np.where(inside, top + ordered[-tail - 1] - mine, top)
    counts = n - 1 - np.searchsorted(ordered, mine, "left")
    excess = np.maximum(total / tail - start, 0)
    found[known] = _of(mine, counts, n - 1, tail, start, excess, grain)
    return found


def _tail_size(count: int) -> int:
    return max(1, count // TAIL)


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
    scale = np.maximum(np.maximum(excess, grain), 1e-12 * np.maximum(1, np.abs(start)))
    beyond = -np.log((1 + tail) / (n + 1)) + np.maximum(values - start - grain, 0) / scale
    found = np.where(values - start > grain, np.maximum(beyond, 0), np.minimum(ranks, -np.log((1 + tail) / (n + 1))))
    return np.where(np.isnan(values), np.nan, found)


def conformal_p(others: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Conformal p-value of each value (float M) among left-out scores (float N): P(p <= a) <= a for a like case."""
    ordered = np.sort(others)
    return (1 + len(ordered) - np.searchsorted(ordered, values, "left")) / (len(ordered) + 1)
