"""How well a model does in each group of a column, and whether its largest gap is more than chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from ..calibration import ERROR, SLOPE, pooled_calibration
from ..intervals import percentiles, resampled
from .columns import ENOUGH, Column
from .outcomes import Outcome
from .pairs import NAMES, Pairs, kind_of
from .residuals import permuted_within, share_as_large
from .strata import LABEL_BINS, label_groups, unscored

#: Metrics that are shares of cases: their intervals are Wilson's (1927), for a bootstrap of 10 of 10 has no width.
SHARES = ("accuracy", "tpr", "fpr")
#: Cases with the nearest numbers that count as having one, where groups are exchanged: over a fifth of all cases, as
#: scores are, groups whose labels differ would have different errors by that alone (38 % of P up to 5 %, measured).
NEIGHBOURS = 4


def assess_subgroups(
    outcome: Outcome, column: Column, pairs: Pairs, permutations: int, bootstraps: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Metrics by group (column, group, n, metric, value, lower, upper, interval, note), and the gap of each metric.

    Classes: AUC, accuracy, expected calibration error; two classes also calibration slope and the true and false
    positive rate of the guess (probability of the second class over 0.5). Survival: c-index. Numbers: concordance, bias
    (predicted minus true) and mean absolute error. A group of fewer than ENOUGH cases is a row that says so, as are the
    cases without a value. Gaps: metric, gap (largest minus smallest of the groups that are large enough), highest,
    lowest, n_groups, p: share of exchanges of the groups among cases of the same label with a gap as large.
    """
    codes = column.codes
    fine: list[int] = []
    rows: list[dict[str, Any]] = []
    for code, name in [*enumerate(column.names), (-1, "(missing)")]:
        in_group = codes == code
        if code < 0 and not in_group.any():
            continue
        head = {"column": column.name, "group": name, "n": int(in_group.sum())}
        if in_group.sum() < ENOUGH:
            note = f"n too small: {in_group.sum()} cases, {ENOUGH} are needed"
            rows.append(head | blank(NAMES[kind_of(outcome.task)], note))
            continue
        if code >= 0:
            fine.append(code)
        rows += [head | row for row in of_group(outcome, pairs, in_group, bootstraps, seed)]
    gaps = largest_gaps(outcome, column, pairs, fine, permutations, seed)
    return pd.DataFrame(rows), gaps


def blank(metric: str, note: str) -> dict[str, Any]:
    """A metric without a value, and why."""
    return {"metric": metric, "value": np.nan, "lower": np.nan, "upper": np.nan, "interval": "", "note": note}


def of_group(outcome: Outcome, pairs: Pairs, in_group: np.ndarray, bootstraps: int, seed: int) -> list[dict[str, Any]]:
    """Rows of a group's metrics (in_group: bool N); for a metric not defined in it, a row that says why."""
    members = np.flatnonzero(in_group)
    weights = np.zeros((bootstraps, len(in_group)))
    weights[:, members] = resampled(np.random.default_rng([seed, 29]), len(members), bootstraps)
    observed, drawn = (weighted_metrics(outcome, pairs, w) for w in (in_group[None].astype(float), weights))
    rows = []
    for name, (value,) in observed.items():
        reason = unscored(outcome.task, in_group) if name in NAMES.values() else ""
        if reason or not np.isfinite(value):
            rows.append(blank(name, reason or "not defined in this group"))
            continue
        if name in SHARES:
            lower, upper = wilson(value, share_of(outcome, in_group, name))
            method = "Wilson"
        else:
            lower, upper = percentiles(drawn[name])
            method = f"{bootstraps} bootstraps of cases"
        rows.append({"metric": name, "value": value, "lower": lower, "upper": upper, "interval": method, "note": ""})
    return rows


def weighted_metrics(outcome: Outcome, pairs: Pairs, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Every metric (float B each) of the cases under weights (float B x N), nan where it isn't defined."""
    task = outcome.task
    metrics = {NAMES[kind_of(task)]: pairs.resampled(weights)}
    with np.errstate(invalid="ignore", divide="ignore"):
        if task.is_regression:
            error, total = outcome.predicted - task.values, weights.sum(1)
            metrics |= {"bias": weights @ error / total, "mae": weights @ np.abs(error) / total}
        elif not task.is_survival:
            guess = outcome.probabilities.argmax(1)
            metrics["accuracy"] = weights @ (guess == task.labels) / weights.sum(1)
            cases = int(np.median((weights > 0).sum(1)))
            calibration = pooled_calibration(task.labels, outcome.probabilities, weights, cases)
            metrics[ERROR] = calibration[ERROR]
            if len(task.classes) == 2:
                metrics[SLOPE] = calibration[SLOPE]
                for name, label in (("tpr", 1), ("fpr", 0)):
                    class_weights = weights * (task.labels == label)
                    metrics[name] = class_weights @ (guess == 1) / class_weights.sum(1)
    return metrics


def share_of(outcome: Outcome, in_group: np.ndarray, name: str) -> int:
    """Cases that a share is one of: all of the group, or those of its positive or negative label."""
    return int(
        (in_group & (outcome.task.labels == {"tpr": 1, "fpr": 0}[name])).sum() if name != "accuracy" else in_group.sum()
    )


def wilson(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of n."""
    z = float(norm.ppf(0.975))
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return float(max(middle - half, 0.0)), float(min(middle + half, 1.0))


def largest_gaps(
    outcome: Outcome, column: Column, pairs: Pairs, fine: list[int], permutations: int, seed: int
) -> pd.DataFrame:
    """One row per metric: its largest gap over the groups `fine` (codes), and P by exchange."""
    names = ["column", "metric", "gap", "highest", "lowest", "n_groups", "p", "note"]
    if len(fine) < 2:
        note = f"fewer than two groups of {ENOUGH} cases"
        return pd.DataFrame(
            [[column.name, NAMES[kind_of(outcome.task)], np.nan, "", "", len(fine), np.nan, note]], columns=names
        )
    codes = column.codes
    bins = max(LABEL_BINS, int(column.has_value.sum()) // NEIGHBOURS) if outcome.task.is_regression else LABEL_BINS
    labels = np.where(column.has_value, label_groups(outcome.task, column.has_value, bins), -1)
    orders = np.vstack([np.arange(len(codes)), permuted_within(labels, permutations, seed)])
    drawn = [weighted_metrics(outcome, pairs, (codes[orders] == code).astype(float)) for code in fine]
    rows = []
    for metric in drawn[0]:
        values = np.array([metrics[metric] for metrics in drawn])
        is_defined = np.isfinite(values[:, 0])
        if is_defined.sum() < 2:
            rows.append(
                [column.name, metric, np.nan, "", "", int(is_defined.sum()), np.nan, "defined in fewer than two groups"]
            )
            continue
        defined = values[is_defined]
        gaps = np.nan_to_num(
            np.nanmax(defined, 0, initial=-np.inf) - np.nanmin(defined, 0, initial=np.inf), nan=0, neginf=0
        )
        of = [column.names[code] for code, defined_here in zip(fine, is_defined, strict=True) if defined_here]
        high, low = of[int(defined[:, 0].argmax())], of[int(defined[:, 0].argmin())]
        p = share_as_large(float(gaps[0]), gaps[1:])
        rows.append([column.name, metric, float(gaps[0]), high, low, len(of), p, ""])
    return pd.DataFrame(rows, columns=names)
