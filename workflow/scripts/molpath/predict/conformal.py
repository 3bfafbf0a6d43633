"""Conformal sets and intervals from cross-fitted scores, each case counting once.

Every fold leaves a part of the cases out; its probe scores those, and later a new sample as well, so that the two
are compared by a probe that neither had a part in: cross-conformal prediction (Vovk 2015,
doi 10.1007/s10472-013-9368-4) for classes, CV+ (Barber et al. 2021, doi 10.1214/20-AOS1965) for numbers. Both hold in
small and overfitted cohorts, where scores of the final probe on its own training samples would mean nothing, and no
case is spent on calibration alone.

A class's score is its log odds against the rest, which orders classes as LAC's 1 - p does (Sadinle et al. 2019): of all
scores it has the smallest sets on average, and as log odds it never saturates. Adaptive sets (APS, Romano et al. 2020)
need random numbers to be exact, and a case's set would depend on them.

Slides of one case are not exchangeable with those of others: the share of a case's scores counts, not their number
(hierarchical conformal prediction, Lee, Barber & Willett 2023, arXiv 2306.06342). So what is covered is a slide of a
new case, taken at random. The same holds for a case that several folds test.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

#: Rounding that a sum of shares of cases may have.
ROUNDING = 1e-9
#: New samples per batch.
AT_ONCE = 256


def both_sides(logits: np.ndarray) -> np.ndarray:
    """Logits of every class (float N x K), also where there are two and one logit is kept."""
    return np.hstack([np.zeros_like(logits), logits]) if logits.shape[-1] == 1 else logits


def nonconformity(logits: np.ndarray) -> np.ndarray:
    """Nonconformity of each class (float N x K): log odds of the others. inf for an unknown class."""
    logits_of_all = both_sides(logits)
    rest_of_classes = [
        logsumexp(np.delete(logits_of_all, code, axis=1), axis=1) for code in range(logits_of_all.shape[1])
    ]
    return np.stack(rest_of_classes, axis=1) - logits_of_all


@dataclass(frozen=True)
class Calibration:
    """Scores of cases by the probes of folds that left them out.

    fold, case, label: int64 M; score: float64 M, of classes the nonconformity of the true one (`label` its code), of
    numbers the absolute residual (`label` 0).
    """

    fold: np.ndarray
    case: np.ndarray
    label: np.ndarray
    score: np.ndarray

    def shares(self, label: int | None = None) -> tuple[np.ndarray, int]:
        """Weight of each score (float M; those of a case sum to 1; 0 for other labels), and the number of cases."""
        of_label = np.ones(len(self.case), bool) if label is None else self.label == label
        cases, place, counts = np.unique(self.case[of_label], return_inverse=True, return_counts=True)
        shares = np.zeros(len(self.case))
        shares[of_label] = 1 / counts[place]
        return shares, len(cases)

    def conforming(self, scores: np.ndarray, coverage: float, by_class: bool = False) -> np.ndarray:
        """Whether each class belongs to the set (bool N x K) of new samples; scores: float N x folds x K.

        by_class: a class is compared with cases of that class alone, so that coverage holds within each; one with too
        few cases (fewer than 1 / (1 - coverage) - 1) belongs to every set. A set may be empty.
        """
        in_set = np.zeros((scores.shape[0], scores.shape[2]), bool)
        for code in range(scores.shape[2]):
            shares, cases = self.shares(code if by_class else None)
            less = np.ones(len(scores))  # the new sample itself
            for fold in range(scores.shape[1]):
                rows = np.flatnonzero((self.fold == fold) & (shares > 0))
                rows = rows[np.argsort(self.score[rows], kind="stable")]
                above = np.append(np.cumsum(shares[rows][::-1])[::-1], 0.0)
                less += above[np.searchsorted(self.score[rows], scores[:, fold, code])]
            in_set[:, code] = less > (1 - coverage) * (cases + 1) + ROUNDING
        return in_set

    def unbounded(self, classes: int, coverage: float, by_class: bool) -> list[int]:
        """Codes of the classes that belong to every set, because too few cases were calibrated on."""
        cases_of_class = [self.shares(code if by_class else None)[1] for code in range(classes)]
        return [code for code, cases in enumerate(cases_of_class) if (1 - coverage) * (cases + 1) + ROUNDING < 1]

    def interval(self, predicted: np.ndarray, coverage: float) -> tuple[np.ndarray, np.ndarray]:
        """Bounds (float N each) of new samples by each fold's probe (float N x folds); infinite with too few cases."""
        shares, cases = self.shares()
        if not cases:
            return np.full(len(predicted), -np.inf), np.full(len(predicted), np.inf)
        needed = coverage * (cases + 1) - ROUNDING
        bounds = []
        for start in range(0, max(1, len(predicted)), AT_ONCE):
            centre = predicted[start : start + AT_ONCE, self.fold]
            lower = -quantile(self.score - centre, shares, needed)
            bounds.append((lower, quantile(centre + self.score, shares, needed)))
        lower, upper = (np.concatenate(side) for side in zip(*bounds, strict=True))
        return lower, upper


def quantile(values: np.ndarray, shares: np.ndarray, needed: float) -> np.ndarray:
    """The smallest of the values (float N x M) in each row up to which shares (float M) sum to `needed`; inf: none."""
    order = np.argsort(values, axis=1)
    reached = np.cumsum(shares[order], axis=1) >= needed
    first = np.take_along_axis(order, reached.argmax(1)[:, None], axis=1)
    return np.where(reached[:, -1], np.take_along_axis(values, first, axis=1)[:, 0], np.inf)
