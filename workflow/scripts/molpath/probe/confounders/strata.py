"""A model's score within the groups of a column, and how far it falls when cases are compared within groups only."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..intervals import percentiles
from ..tasks import Task
from .columns import ENOUGH, Column
from .pairs import CHANCE, Pairs, draws, kind_of
from .residuals import permuted_within, residuals, share_as_large

#: How the stratum-averaged score is weighted, as tables state it.
WEIGHTING = "pairs of cases within a group, over the group's cases (van Elteren)"
#: Bins of a number or of a time that count as one label where groups are exchanged among cases of a label.
LABEL_BINS = 5
#: Cases with each label that a stratum's score takes, at least.
EACH = 3


def score_strata(task: Task, column: Column, pairs: Pairs, bootstraps: int, seed: int) -> pd.DataFrame:
    """One row per group, and one for cases without a value: column, stratum, n, labels, score, lower, upper, note.

    Small groups and groups of one class are there, with a note and without a score. lower, upper: see Pairs.interval.
    """
    rows = []
    codes = column.codes
    for code, name in [*enumerate(column.names), (-1, "(missing)")]:
        in_stratum = codes == code
        if code < 0 and not in_stratum.any():
            continue
        row: dict[str, Any] = {
            "column": column.name,
            "stratum": name,
            "n": int(in_stratum.sum()),
            "labels": describe_labels(task, in_stratum),
        }
        row |= {"score": np.nan, "lower": np.nan, "upper": np.nan, "note": unscored(task, in_stratum)}
        if not row["note"]:
            groups = np.where(in_stratum, 0, -1)
            row["score"] = pairs.score(groups)
            row["lower"], row["upper"] = pairs.interval(groups, bootstraps, seed)
        rows.append(row)
    return pd.DataFrame(rows)


def describe_labels(task: Task, in_stratum: np.ndarray) -> str:
    """Labels of some cases (bool N) in words: 12 wild type, 3 mutant; 7 events; nothing of numbers."""
    if task.is_survival:
        return f"{int(task.survival[1][in_stratum].sum())} events"
    counts = [int((task.labels[in_stratum] == code).sum()) for code in range(len(task.classes))]
    return ", ".join(f"{count} {name}" for count, name in zip(counts, task.classes, strict=True))


def unscored(task: Task, in_stratum: np.ndarray) -> str:
    """Why some cases (bool N) have no score of their own, '' where they have."""
    n = int(in_stratum.sum())
    if task.is_survival:
        events = int(task.survival[1][in_stratum].sum())
        reason = f"n too small: {events} events, {EACH} are needed" if events < EACH else ""
    elif task.is_regression:
        reason = "one value only" if n and np.ptp(task.values[in_stratum]) == 0 else ""
    else:
        counts = np.bincount(task.labels[in_stratum], minlength=len(task.classes))
        if n and (counts > 0).sum() == 1:
            return f"one class only: {n} {task.classes[int(counts.argmax())]}"
        rarest = int(counts[counts > 0].min()) if n else 0
        reason = f"n too small: {rarest} cases of a class, {EACH} are needed" if rarest < EACH else ""
    return f"n too small: {n} cases, {ENOUGH} are needed" if n < ENOUGH else reason


def fall(task: Task, column: Column, pairs: Pairs, bootstraps: int, seed: int) -> dict[str, float]:
    """The score over all cases with a value, the stratum-averaged one, and the fall between them.

    score, within, each with _lower and _upper; fall, fall_lower, fall_upper (bootstraps of cases); left: share of the
    score above chance that is left within groups, left_lower, left_upper.
    """
    codes, one_group = column.codes, np.where(column.has_value, 0, -1)
    observed, within = pairs.score(one_group), pairs.score(codes)
    weights = draws(len(codes), bootstraps, seed)
    overall, inside = pairs.resampled(weights, one_group), pairs.resampled(weights, codes)
    row = {"score": observed, "within": within, "fall": observed - within, "left": left_of(observed, within)}
    shares = np.array([left_of(a, b) for a, b in zip(overall, inside, strict=True)])
    for name, values in (("score", overall), ("within", inside), ("fall", overall - inside), ("left", shares)):
        row[f"{name}_lower"], row[f"{name}_upper"] = percentiles(values)
    return row


def leaning(task: Task, column: Column, scores: np.ndarray, permutations: int, seed: int) -> dict[str, float]:
    """Whether the score goes with the column the way the label does, among cases of the same label: lean, p_lean.

    scores: float N x K. lean: covariance over cases of the score, less its mean over cases of the same label, with the
    mean label of the case's group, over both spreads (summed over classes). p_lean: share of exchanges of the column
    among cases of the same label (of numbers and times: of a bin of them) with a value as large. Exchanges leave the
    table of label and column as it is, so P asks about the score alone; where embedding and column are independent
    given the label it is exact, however probes were fitted, for none knew the column.
    """
    has_value = column.has_value
    labels = np.where(has_value, label_groups(task, has_value), -1)
    inside, label = np.zeros(scores.shape), residuals(task, np.where(has_value, 0, -1))
    for code in np.unique(labels[labels >= 0]):
        rows = labels == code
        inside[rows] = scores[rows] - scores[rows].mean(0)
    one_hot = column.one_hot()
    means = (one_hot.T @ label) / np.maximum(one_hot.sum(0), 1)[:, None]
    means = np.vstack([means, np.zeros(label.shape[1])])
    orders = np.vstack([np.arange(len(has_value)), permuted_within(labels, permutations, seed)])
    of_group = means[column.codes[orders]]
    values = np.einsum("nk,bnk->b", inside, of_group)
    norm = float(np.sqrt((inside**2).sum() * (of_group[0] ** 2).sum()))
    observed = float(values[0]) / norm if norm > 1e-12 else float("nan")
    return {"lean": observed, "p_lean": share_as_large(observed, values[1:] / (norm or 1.0))}


def left_of(observed: float, within: float) -> float:
    """Share of a score above chance that is left; nan where there is none to begin with."""
    return (within - CHANCE) / (observed - CHANCE) if observed > CHANCE + 1e-9 else float("nan")


def label_groups(task: Task, has_value: np.ndarray, bins: int = LABEL_BINS) -> np.ndarray:
    """Cases that count as having one label (int N): a class; a bin of numbers; an event, or none, by a bin of time."""
    if kind_of(task) == "classes":
        return np.asarray(task.labels)
    numbers = task.survival[0] if task.is_survival else task.values
    cuts = np.quantile(numbers[has_value], np.arange(1, bins) / bins) if has_value.any() else np.zeros(0)
    edges = np.unique(cuts)
    places = np.searchsorted(edges, numbers, side="left")
    return np.asarray(places * 2 + task.survival[1] if task.is_survival else places)
