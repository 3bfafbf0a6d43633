"""Areas under ROC curves of several models on the same samples, with their covariance over cases.

DeLong, DeLong and Clarke-Pearson 1988, for slides that come in cases after Obuchowski 1997 (Biometrics 53): what the
slides of a case add to an AUC is summed before its variance is taken, and so is what a case adds on several test sides.
By midranks after Sun and Xu 2014 (IEEE Signal Processing Letters 21), which takes O(n log n) instead of a comparison of
every positive with every negative. No library the workflow keeps has it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata
from scipy.stats import t as student

#: A test side: whether samples are positive (bool N), scores (float K x N, larger for positives), case of each (N).
Side = tuple[np.ndarray, np.ndarray, np.ndarray]


def shares(positive: np.ndarray, scores: np.ndarray, cases: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """AUC (float K) of K scores and what each sample adds to its error (float K x N), summing to 0.

    Scaled as variances of small samples are, by the cases that have positives and by those that have negatives, so
    that squares of sums over cases add up to Obuchowski's variance, and with one slide per case to DeLong's. Of a case
    with slides of both classes the two parts' covariance is scaled by the geometric mean of both factors, where
    Obuchowski takes one over all cases. Raises ValueError with fewer than two cases of a class, for then there is no
    variance.
    """
    positive = np.asarray(positive, bool)
    m, n = int(positive.sum()), int((~positive).sum())
    with_one, without = len(np.unique(cases[positive])), len(np.unique(cases[~positive]))
    if min(with_one, without) < 2:
        raise ValueError(f"{with_one} cases with positive and {without} with negative samples; at least 2 are needed")
    everywhere = rankdata(scores, axis=1)
    # Share of negatives below each positive, and of positives above each negative; ties count half.
    above = (everywhere[:, positive] - rankdata(scores[:, positive], axis=1)) / n
    below = 1 - (everywhere[:, ~positive] - rankdata(scores[:, ~positive], axis=1)) / m
    auc = above.mean(1)
    parts = np.empty(scores.shape)
    parts[:, positive] = (above - auc[:, None]) / m * np.sqrt(with_one / (with_one - 1))
    parts[:, ~positive] = (below - auc[:, None]) / n * np.sqrt(without / (without - 1))
    return auc, parts


def compare_folds(folds: Sequence[Side]) -> tuple[np.ndarray, np.ndarray, int]:
    """Mean AUC (float K) over test sides, its covariance (float K x K), and the number of cases.

    The sides may share cases: each counts once, with all that it adds. One side is the test itself. The probes are
    taken as they are: that others would have been fitted on other cases is in no variance here.
    """
    parts = [shares(*fold) for fold in folds]
    names, place = np.unique(np.concatenate([fold[2] for fold in folds]), return_inverse=True)
    by_case = np.zeros((len(names), len(parts[0][0])))
    np.add.at(by_case, place, np.concatenate([part for _, part in parts], axis=1).T / len(parts))
    return np.mean([auc for auc, _ in parts], axis=0), by_case.T @ by_case, len(names)


def difference(
    auc: np.ndarray, covariance: np.ndarray, cases: int, a: int, b: int
) -> tuple[float, float, float, float]:
    """AUC of model a minus that of b, its standard error, t, and the two-sided p.

    t and p are nan where the error is 0, or where two cases leave no degree of freedom.
    Student's t with cases - 2 degrees of freedom, as two classes' means take one each; DeLong's normal is its limit.
    """
    gap = float(auc[a] - auc[b])
    variance = covariance[a, a] + covariance[b, b] - 2 * covariance[a, b]
    se = float(np.sqrt(max(variance, 0.0)))
    if se < 1e-12 or cases < 3:
        return gap, se, np.nan, np.nan
    return gap, se, gap / se, float(2 * student.sf(abs(gap / se), cases - 2))
