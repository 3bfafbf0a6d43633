"""One score for every kind of task: of two cases with different labels, how often the right one has the higher score.

That is the area under the ROC curve of classes (each against the others, averaged), Harrell's c-index of survival, and
the same share for numbers; chance is 0.5. Memory grows with the square of the cases.
"""

from __future__ import annotations

import numpy as np

from ..intervals import percentiles, resampled
from ..tasks import Task

CHANCE = 0.5
#: What the score is called, by kind of task.
NAMES = {"classes": "AUC", "survival": "c-index", "regression": "concordance"}


class Pairs:
    """Pairs that can be ranked, and those ranked right (a tie counts half): float N x N for each of K scores."""

    def __init__(self, task: Task, scores: np.ndarray):
        self.ranked = rankable(task, scores.shape[1])
        self.right = []
        for comparable, score in zip(self.ranked, scores.T, strict=True):
            right = np.greater.outer(score, score) + 0.5 * np.equal.outer(score, score)
            right *= comparable
            self.right.append(right)

    def score(self, groups: np.ndarray | None = None) -> float:
        """The score over pairs within groups (int N, below 0: in none; None: all pairs); nan where there are none.

        The pairs of a group of n cases weigh 1/n, as in van Elteren's test: by its pairs alone, a group twice as large
        would weigh four times as much.
        """
        if groups is None:
            groups = np.zeros(len(self.ranked[0]), int)
        values = []
        places = [np.flatnonzero(groups == code) for code in np.unique(groups[groups >= 0])]
        for comparable, right in zip(self.ranked, self.right, strict=True):
            n_pairs = sum((comparable[np.ix_(rows, rows)].sum() / len(rows) for rows in places), 0.0)
            hits = sum((right[np.ix_(rows, rows)].sum() / len(rows) for rows in places), 0.0)
            values.append(hits / n_pairs if n_pairs else np.nan)
        finite_values = [value for value in values if np.isfinite(value)]
        return float(np.mean(finite_values)) if finite_values else float("nan")

    def resampled(self, weights: np.ndarray, groups: np.ndarray | None = None) -> np.ndarray:
        """The score (float B) when each case counts as often as drawn (weights: float B x N)."""
        if groups is None:
            groups = np.zeros(len(self.ranked[0]), int)
        n_pairs, hits = (np.zeros((len(self.ranked), len(weights))) for _ in range(2))
        for code in np.unique(groups[groups >= 0]):
            rows = np.flatnonzero(groups == code)
            drawn = weights[:, rows]
            for k, (comparable, right) in enumerate(zip(self.ranked, self.right, strict=True)):
                block = np.ix_(rows, rows)
                n_pairs[k] += ((drawn @ comparable[block]) * drawn).sum(1) / len(rows)
                hits[k] += ((drawn @ right[block]) * drawn).sum(1) / len(rows)
        with np.errstate(invalid="ignore", divide="ignore"):
            scores = np.where(n_pairs > 0, hits / n_pairs, np.nan)
        is_finite = np.isfinite(scores)
        return np.where(
            is_finite.any(0), np.where(is_finite, scores, 0).sum(0) / np.maximum(is_finite.sum(0), 1), np.nan
        )

    def interval(self, groups: np.ndarray | None, count: int, seed: int) -> tuple[float, float]:
        """95 % interval: percentiles over `count` bootstraps of cases, the probes taken as they were fitted."""
        return percentiles(self.resampled(draws(len(self.ranked[0]), count, seed), groups))


def draws(cases: int, count: int, seed: int) -> np.ndarray:
    """How often each case is drawn in each bootstrap (float count x cases), the same for every table of a task."""
    return resampled(np.random.default_rng([seed, 28]), cases, count)


def rankable(task: Task, count: int) -> list[np.ndarray]:
    """Which of two cases should have the higher score: float N x N, 1 where the row's, for each of `count` scores."""
    if task.is_survival:
        times, events = task.survival
        later = np.less.outer(times, times) | (np.equal.outer(times, times) & ~events[None, :])
        return [(later & events[:, None]).astype(float)]
    if task.is_regression:
        return [np.greater.outer(task.values, task.values).astype(float)]
    codes = [1] if count == 1 else range(count)
    return [np.outer(task.labels == code, task.labels != code).astype(float) for code in codes]


def kind_of(task: Task) -> str:
    """classes, survival or regression."""
    return "survival" if task.is_survival else "regression" if task.is_regression else "classes"
