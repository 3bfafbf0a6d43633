"""How closely a label and a column go together, and what the column alone predicts."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from ...common.settings.probe import Probe
from ..controls import add_simple
from ..regression import correlation
from ..results import Results
from ..tasks import Task
from .columns import Column
from .outcomes import combine
from .pairs import Pairs
from .residuals import permuted_within, residuals, share_as_large, targets

#: Name of the protocol of a probe on a column alone.
ALONE = "column_only"


def associate(task: Task, column: Column, permutations: int, seed: int) -> dict[str, float | str]:
    """Association of a label and a column over the cases that have one: n, n_missing, measure, association, p, …

    Classes: Cramér's V, beside it bias-corrected (Bergsma 2013); numbers: eta squared, of numeric columns also
    Spearman's rho; survival: the log-rank test, eta squared of martingale residuals as the measure. p: share of
    exchanges of the column over cases with a statistic as large (Pearson's chi squared, eta squared), exact at any n.
    p_logrank: that of the log-rank test, by its chi squared.
    """
    has_value = column.has_value
    part, one_hot = subset(task, has_value), column.one_hot()[has_value]
    row: dict[str, float | str] = {
        "n": int(has_value.sum()),
        "n_missing": int((~has_value).sum()),
        "n_groups": len(column.names),
    }
    row |= {"measure": measure_of(task), "association": np.nan, "corrected": np.nan, "spearman": np.nan}
    row |= {"p_logrank": np.nan, "p_association": np.nan}
    if len(column.names) < 2 or not len(part.samples):
        return row
    if task.is_survival or task.is_regression:
        row["association"] = eta_squared(targets(part)[:, 0], column.codes[has_value])
    else:
        counts = one_hot.T @ np.eye(len(task.classes))[part.labels]
        row["association"], row["corrected"] = cramers_v(counts)
    if np.isfinite(column.numbers[has_value]).all():
        row["spearman"] = rank_correlation(part, column.numbers[has_value])
    if task.is_survival:
        row["p_logrank"] = logrank_p(part, column.codes[has_value])
    row["p_association"] = association_p(part, one_hot, permutations, seed)
    return row


def measure_of(task: Task) -> str:
    """What the column `association` holds."""
    if task.is_survival:
        return "eta squared of martingale residuals"
    return "eta squared" if task.is_regression else "Cramér's V"


def subset(task: Task, rows: np.ndarray) -> Task:
    """The task with the cases at `rows` (bool N) only."""
    return task.keep([name for name, hit in zip(task.samples, rows, strict=True) if hit])


def cramers_v(counts: np.ndarray) -> tuple[float, float]:
    """Cramér's V of a table of counts, plain and bias-corrected (Bergsma 2013, J. Korean Stat. Soc. 42: 323-328).

    Empty rows and columns don't count; nan where a single row or column is left.
    """
    counts = counts[counts.sum(1) > 0][:, counts.sum(0) > 0].astype(float)
    rows, columns = counts.shape
    n = counts.sum()
    if min(rows, columns) < 2:
        return float("nan"), float("nan")
    expected = np.outer(counts.sum(1), counts.sum(0)) / n
    phi = float(((counts - expected) ** 2 / expected).sum() / n)
    less = max(0.0, phi - (rows - 1) * (columns - 1) / (n - 1))
    narrower = min(side - (side - 1) ** 2 / (n - 1) for side in (rows, columns)) - 1
    corrected = float(np.sqrt(less / narrower)) if narrower > 0 else float("nan")
    return float(np.sqrt(phi / (min(rows, columns) - 1))), corrected


def eta_squared(values: np.ndarray, groups: np.ndarray) -> float:
    """Share of the variance of values (float N) between groups (int N); nan where they don't vary."""
    centred = values - values.mean()
    total = float(centred @ centred)
    between = sum((groups == code).sum() * centred[groups == code].mean() ** 2 for code in np.unique(groups))
    return float(between) / total if total > 0 else float("nan")


def rank_correlation(task: Task, numbers: np.ndarray) -> float:
    """Spearman's rho of numbers with the label: two classes, numbers, martingale residuals; nan of more classes."""
    from scipy.stats import rankdata

    label = targets(task)
    return correlation(rankdata(label[:, 0]), rankdata(numbers)) if label.shape[1] == 1 else float("nan")


def logrank_p(task: Task, groups: np.ndarray) -> float:
    """P of the log-rank test over groups (int N), scikit-survival's; nan where it can't be computed."""
    from sksurv.compare import compare_survival
    from sksurv.util import Surv

    times, events = task.survival
    if not events.any():
        return float("nan")
    try:
        return float(compare_survival(Surv.from_arrays(events, times), groups)[1])
    except (ValueError, np.linalg.LinAlgError):
        return float("nan")


def association_p(task: Task, one_hot: np.ndarray, permutations: int, seed: int) -> float:
    """P of no association: the column's groups (0 and 1, float N x G) are exchanged over cases."""
    parts = residuals(task)
    # Pearson's chi squared is the sum of these over classes, each divided by its share.
    spread = parts.var(0) if task.is_survival or task.is_regression or parts.shape[1] == 1 else targets(task).mean(0)
    sizes = one_hot.sum(0)
    orders = permuted_within(np.zeros(len(parts), int), permutations, seed)

    def statistic(values: np.ndarray) -> float:
        return float((((one_hot.T @ values) ** 2 / sizes[:, None]) / np.maximum(spread, 1e-12)).sum())

    return share_as_large(statistic(parts), np.array([statistic(parts[order]) for order in orders]))


def alone(task: Task, column: Column, settings: Probe, bootstraps: int) -> dict[str, float | str]:
    """Score of a probe on the column alone, on the same folds: alone, alone_lower, alone_upper, alone_note.

    The probe of the control site_only (probe.controls), one column of 0 and 1 for each group.
    """
    part = subset(task, column.has_value)
    results = Results(dataclasses.replace(part, metrics=[]), times=())
    score_row: dict[str, float | str] = {
        "alone": np.nan,
        "alone_lower": np.nan,
        "alone_upper": np.nan,
        "alone_note": "",
    }
    if len(column.names) < 2:
        return score_row | {"alone_note": column.unusable}
    add_simple(results, ALONE, column.one_hot()[column.has_value], settings)
    if not results.predictions:
        return score_row | {"alone_note": "; ".join(sorted({row["note"] for row in results.metrics}))}
    outcome = combine(part, pd.concat(results.predictions, ignore_index=True))
    pairs = Pairs(outcome.task, outcome.scores)
    lower, upper = pairs.interval(None, bootstraps, settings["seed"])
    return score_row | {"alone": pairs.score(), "alone_lower": lower, "alone_upper": upper}
