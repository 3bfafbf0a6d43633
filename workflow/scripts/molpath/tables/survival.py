"""Risk groups of survival probes, with log-rank tests (section 7.5; the threshold is ours, see below)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .contrasts import holm

#: The paper doesn't say where it cuts (its facts, section 11, point 19).
CUTS = {"train": "median risk of each fold's training side", "test": "median risk of each fold's test side"}


def risk_groups(predictions: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """One row a sample (index sample_id): time, event, high (bool); and how risk was cut.

    predictions: rows of one task and model with fold, sample_id, time, event, risk, and cutoff (the median risk of the
    fold's training side) where the probe recorded it. A sample is at high risk where it is above the cut in more than
    half of the folds that test it, so that every sample counts once however many folds there are.
    """
    cut = "train" if "cutoff" in predictions and predictions.cutoff.notna().all() else "test"
    limit = predictions.cutoff if cut == "train" else predictions.groupby("fold").risk.transform("median")
    table = predictions.assign(high=(predictions.risk > limit).astype(float))
    samples = table.groupby("sample_id", sort=True).agg(
        time=("time", "first"), event=("event", "first"), high=("high", "mean")
    )
    return samples.assign(event=samples.event.astype(bool), high=samples.high > 0.5), CUTS[cut]


def compare_groups(samples: pd.DataFrame, head: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of survival.tsv: both groups with n, events, median time; log-rank statistic and p, or a note."""
    from lifelines import KaplanMeierFitter
    from lifelines.statistics import logrank_test

    high, low = samples[samples.high], samples[~samples.high]
    statistic, p, note = np.nan, np.nan, ""
    if len(high) and len(low) and samples.event.any():
        test = logrank_test(high.time, low.time, high.event, low.event)
        statistic, p = test.test_statistic, test.p_value
    else:
        note = "not tested: " + ("no event" if len(high) and len(low) else "every sample is in one group")
    rows = []
    for name, part in (("low", low), ("high", high)):
        middle = KaplanMeierFitter().fit(part.time, part.event).median_survival_time_ if len(part) else np.nan
        counts = {"risk": name, "n": len(part), "events": int(part.event.sum()), "median_time": middle}
        rows.append(head | counts | {"statistic": statistic, "p": p, "note": note})
    return rows


def assess_survival(tables: Sequence[pd.DataFrame]) -> tuple[pd.DataFrame, dict[tuple[str, str, str], pd.DataFrame]]:
    """survival.tsv and the samples of every (task, group, model). tables: predictions of survival tasks.

    p_adjusted: Holm over the models of a task.
    """
    rows, samples = [], {}
    for table in tables:
        key = tuple(table[["task", "group", "model"]].iloc[0])
        samples[key], cut = risk_groups(table)
        rows += compare_groups(samples[key], dict(zip(("task", "group", "model"), key, strict=True)) | {"cut": cut})
    columns = ["task", "group", "model", "cut", "risk", "n", "events", "median_time", "statistic", "p", "note"]
    found = pd.DataFrame(rows, columns=columns)
    found.insert(10, "p_adjusted", np.nan)
    for _, mine in found[found.risk == "high"].groupby(["task", "group"]):
        adjusted = dict(zip(mine.model, holm(mine.p), strict=True))
        where = found.task.isin(mine.task) & found.group.isin(mine.group)
        found.loc[where, "p_adjusted"] = found.model[where].map(adjusted)
    return found, samples
