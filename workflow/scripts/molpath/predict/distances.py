"""How far an embedding is from those of the training cases, each of which is measured with itself left out.

Two distances that see different things: the mean distance to the nearest cases (a case between or beside groups), and
Mahalanobis' with a covariance shrunk as Ledoit and Wolf (2004, J. Multivar. Anal. 88) do (a small shift of many numbers
at once). Numbers are centred and not scaled: a scale fitted on the cases themselves makes them look nearer than new
ones, which at 40 cases of 1024 numbers raised false alarms from 10 to 15 %.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

#: Nearest cases whose distance is averaged, and training cases among which they are looked for.
NEAREST, KEPT = 5, 2000
#: Rows per batch, and rows that the shrinkage is estimated on.
ROWS, ESTIMATED_ON = 2048, 5000
#: Fewest cases for meaningful distances.
FEWEST = 5


@dataclass(frozen=True)
class Distances:
    """mean: float64 D; axes: float64 R x D, principal axes of the training cases, and spread: float64 R, their
    shrunk variances over that of all other directions, `floor`; kept: float64 M x D, centred training cases.
    """

    mean: np.ndarray
    axes: np.ndarray
    spread: np.ndarray
    floor: float
    kept: np.ndarray

    def of(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distances (float64 N) of x (float N x D): to the nearest cases, and Mahalanobis', squared."""
        parts = [(self._near(rows), self._far(rows)) for _, rows in _centred(x, self.mean)]
        local_distance, overall_distance = zip(*parts, strict=True) if parts else ((), ())
        return np.concatenate([*local_distance, []]), np.concatenate([*overall_distance, []])

    def _near(self, rows: np.ndarray, own_places: np.ndarray | None = None) -> np.ndarray:
        """Mean distance to the nearest kept cases; own_places: the place of each row among them (-1: none)."""
        squares = (rows**2).sum(1)[:, None] + (self.kept**2).sum(1) - 2 * rows @ self.kept.T
        if own_places is not None:
            rows_of_bank = np.flatnonzero(own_places >= 0)
            squares[rows_of_bank, own_places[rows_of_bank]] = np.inf
        count = min(NEAREST, len(self.kept) - (own_places is not None))
        return np.asarray(np.sqrt(np.maximum(np.partition(squares, count - 1, axis=1)[:, :count], 0)).mean(1))

    def _far(self, rows: np.ndarray) -> np.ndarray:
        along = rows @ self.axes.T
        return np.asarray(((rows**2).sum(1) - along**2 @ (1 - 1 / self.spread)) / self.floor)


def fit_distances(x: np.ndarray, seed: int) -> tuple[Distances, np.ndarray, np.ndarray]:
    """Distances from x (float N x D, no two rows alike), and those of each row with itself left out (float64 N each).

    Raises ValueError below FEWEST rows.
    """
    n = len(x)
    if n < FEWEST:
        raise ValueError(f"{n} training cases: distances need {FEWEST}")
    mean = np.asarray(x.mean(0, dtype=np.float64))
    shrinkage, size = _shrinkage(x, mean, seed)
    axes, variances = _axes(x, mean)
    floor = max(shrinkage, 1e-6) * size
    chosen = np.sort(np.random.default_rng(seed).choice(n, min(n, KEPT), replace=False))
    spread = (1 - shrinkage) * variances / floor + 1
    distances = Distances(mean, axes, spread, floor, x[chosen].astype(np.float64) - mean)
    place = np.full(n, -1)
    place[chosen] = np.arange(len(chosen))
    local_distance, overall_distance = np.empty(n), np.empty(n)
    weight = (1 - shrinkage) / (n - 1)
    for part, rows in _centred(x, mean):
        local_distance[part] = distances._near(rows, place[part])
        inside = distances._far(rows)
        # Sherman and Morrison: the covariance, and the mean, without the row itself.
        overall_distance[part] = (n / (n - 1)) ** 2 * inside / np.maximum(1 - weight * inside, 1e-9)
    return distances, local_distance, overall_distance


def _centred(x: np.ndarray, mean: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    for start in range(0, len(x), ROWS):
        part = slice(start, start + ROWS)
        yield part, x[part].astype(np.float64) - mean


def _shrinkage(x: np.ndarray, mean: np.ndarray, seed: int) -> tuple[float, float]:
    """Ledoit and Wolf's shrinkage, and the mean variance of a number."""
    from sklearn.covariance import ledoit_wolf_shrinkage

    size = sum(float((rows**2).sum()) for _, rows in _centred(x, mean)) / x.size
    if len(x) > ESTIMATED_ON:
        x = x[np.sort(np.random.default_rng(seed).choice(len(x), ESTIMATED_ON, replace=False))]
    return float(ledoit_wolf_shrinkage(x.astype(np.float64) - mean, assume_centered=True)), size


def _axes(x: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Principal axes (R x D) and variances (R) of x, by the smaller of its two products."""
    n, width = x.shape
    if n > width:
        product = np.zeros((width, width))
        for _, rows in _centred(x, mean):
            product += rows.T @ rows
        variances, vectors = np.linalg.eigh(product / n)
        return np.ascontiguousarray(vectors.T), np.maximum(variances, 0)
    rows = x.astype(np.float64) - mean
    variances, vectors = np.linalg.eigh(rows @ rows.T / n)
    real = variances > 1e-10 * max(variances[-1], 1e-300)
    axes = vectors[:, real].T @ rows / np.sqrt(n * variances[real])[:, None]
    return axes, variances[real]
