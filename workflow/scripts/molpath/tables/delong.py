"""Areas under ROC curves of several models on the same samples, with their covariance over cases.

DeLong, DeLong and Clarke-Pearson 1988, for slides that come in cases after Obuchowski 1997 (Biometrics 53): what the
slides of a case add to an AUC is summed before its variance is taken, and so is what a case adds on several test sides.
By midranks after Sun and Xu 2014 (IEEE Signal Processing Letters 21), which takes O(n log n) instead of a comparison of
every positive with every negative. No library of the environments has it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata
from scipy.stats import t as student

#: A test side: whether samples are positive (bool N), scores (float K x N, larger for positives), case of each (N).
Side = tuple[np.ndarray, np.ndarray, np.ndarray]


def shares(positive: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """AUC (float K) of K scores and what each sample adds to its error (float K x N), summing to 0 in each class."""
    m, n = int(positive.sum()), int((~positive).sum())
    everywhere = rankdata(scores, axis=1)
    # Share of negatives below each positive, and of positives above each negative; ties count half.
    above = (everywhere[:, positive] - rankdata(scores[:, positive], axis=1)) / n
    below = 1 - (everywhere[:, ~positive] - rankdata(scores[:, ~positive], axis=1)) / m
    auc = above.mean(1)
    parts = np.empty(scores.shape)
    parts[:, positive] = (above - auc[:, None]) / m
    parts[:, ~positive] = (below - auc[:, None]) / n
    return auc, parts


def scales(positive: np.ndarray, cases: np.ndarray) -> tuple[float, float, float]:
    """I / (I - 1) of the I cases with positives, of those with negatives, and of all.

    Raises ValueError with fewer than two cases of a class, for then there is no variance.
    """
    counts = [len(np.unique(cases[side])) for side in (positive, ~positive, slice(None))]
    if min(counts) < 2:
        raise ValueError(
            f"{counts[0]} cases with positive and {counts[1]} with negative samples; at least 2 are needed"
        )
    with_positive, with_negative, all_cases = (count / (count - 1) for count in counts)
    return with_positive, with_negative, all_cases


def compare_folds(folds: Sequence[Side]) -> tuple[np.ndarray, np.ndarray, int]:
    """Mean AUC (float K) over test sides, its covariance (float K x K), and the number of cases.

    The sides may share cases: each counts once, with all that it adds. One side is the test itself: the sums of cases
    over positives and over negatives have each their variance, and the cases with slides of both classes a covariance
    of the two, each with its factor of small samples. The probes are taken as they are: that others would have been
    fitted on other cases is in no variance here.
    """
    names = np.unique(np.concatenate([fold[2] for fold in folds]))
    count = len(folds[0][1])
    # Sums by case: over positives, over negatives, and both again with the factor of their covariance.
    sums = np.zeros((4, len(names), count))
    aucs = []
    for positive, scores, cases in folds:
        positive, place = np.asarray(positive, bool), np.searchsorted(names, cases)
        auc, parts = shares(positive, scores)
        aucs.append(auc)
        with_positive, with_negative, all_cases = scales(positive, cases)
        for in_class, place_of_sums, covariance_place, scale in (
            (positive, 0, 2, with_positive),
            (~positive, 1, 3, with_negative),
        ):
            influence = parts[:, in_class].T / len(folds)
            np.add.at(sums[place_of_sums], place[in_class], influence * np.sqrt(scale))
            np.add.at(sums[covariance_place], place[in_class], influence * np.sqrt(all_cases))
    above, below, first, second = sums
    covariance = above.T @ above + below.T @ below + first.T @ second + second.T @ first
    return np.mean(aucs, axis=0), covariance, len(names)


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
