"""Risk groups of survival probes, with log-rank tests (section 7.5; the threshold is ours, see below).

The log-rank test of groups that a cross-validated probe made finds too much, for a fold's training side holds the
others' test cases: its P is that of the same test on shuffled times instead (Simon et al. 2011, Briefings in
Bioinformatics 12:203), for which probing keeps the predictions of its permutations.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..probe.results import EMPTY
from .contrasts import holm

#: The paper doesn't say where it cuts (its facts, section 11, point 19).
CUTS = {"train": "median risk of each fold's training side", "test": "median risk of each fold's test side"}
COLUMNS = ["task", "group", "model", "cut", "risk", "n", "events", "median_days", "hazard_ratio", "lower", "upper"]
COLUMNS += ["statistic", "p", "p_adjusted", "permutations", "p_logrank", "note"]


def risk_groups(predictions: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """One row a case (index case_id): time, event, high (bool); and how risk was cut.

    predictions: rows of one task and model with fold, sample_id, case_id (else a sample is a case), time, event, risk,
    and cutoff (the median risk of the fold's training side) where the probe recorded it. A case is at high risk where
    its slides are above the cut in more than half of the folds that test them, so that every case counts once however
    many folds and slides there are. Folds whose Cox model is empty (see `empty_folds`) say nothing and take no part.
    """
    predictions = predictions[~predictions.fold.isin(empty_folds(predictions))]
    cut = "train" if "cutoff" in predictions and predictions.cutoff.notna().all() else "test"
    limit = predictions.cutoff if cut == "train" else predictions.groupby("fold").risk.transform("median")
    table = predictions.assign(high=(predictions.risk > limit).astype(float))
    name = "case_id" if "case_id" in predictions else "sample_id"
    cases = table.groupby(name, sort=True).agg(time=("time", "first"), event=("event", "first"), high=("high", "mean"))
    return cases.assign(event=cases.event.astype(bool), high=cases.high > 0.5), CUTS[cut]


def empty_folds(predictions: pd.DataFrame) -> list[int]:
    """Folds whose model kept no coefficient: each of their cases has the very risk at which the fold is cut."""
    if "cutoff" not in predictions:
        return []
    alike = (predictions.risk == predictions.cutoff).groupby(predictions.fold).all()
    return list(alike.index[alike])


def signed_logrank(cases: pd.DataFrame) -> tuple[float, float]:
    """Square root of the log-rank test's chi-square, positive where those at high risk die sooner; and its P.

    nan with one group only, or where no event finds both groups at risk.
    """
    from sksurv.compare import compare_survival
    from sksurv.util import Surv

    if cases.high.nunique() < 2 or not cases.event.any():
        return np.nan, np.nan
    known = Surv.from_arrays(cases.event, cases.time)
    try:
        square, p, groups, _ = compare_survival(known, cases.high.to_numpy(), return_stats=True)
    except np.linalg.LinAlgError:  # no variance: one group alone is at risk at every event
        return np.nan, np.nan
    more = groups.loc[True, "observed"] - groups.loc[True, "expected"]
    return float(np.copysign(np.sqrt(max(square, 0)), more)), float(p)


def permuted_p(predictions: pd.DataFrame, shuffled: pd.DataFrame) -> tuple[float, int]:
    """Share of permutations (and the data themselves) whose groups differ as much in this direction; how many.

    Each permutation is compared on the folds that it was tried on. nan without any.
    """
    if shuffled.empty:
        return np.nan, 0
    seen: dict[tuple, float] = {}
    better = []
    for _, draw in shuffled.groupby("repeat", sort=True):
        folds = tuple(sorted(set(draw.fold)))
        if folds not in seen:
            seen[folds] = signed_logrank(risk_groups(predictions[predictions.fold.isin(folds)])[0])[0]
        null = signed_logrank(risk_groups(draw)[0])[0]
        if np.isfinite(seen[folds]):
            better.append(np.nan_to_num(null) >= seen[folds] - 1e-9)  # one group only: no difference
    return (1 + sum(better)) / (1 + len(better)) if better else np.nan, len(better)


def hazard_ratio(cases: pd.DataFrame) -> tuple[float, float, float]:
    """Hazard of those at high risk over that of the others, with its 95 % interval (Cox).

    Above 1: they die sooner; nan where a group has no event, or the fit does not converge. The interval takes the
    groups as given.
    """
    from lifelines import CoxPHFitter
    from lifelines.exceptions import ConvergenceError

    if cases.event.groupby(cases.high).any().sum() < 2:
        return np.nan, np.nan, np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a group that separates the deaths, whose interval says so
        try:
            fit = CoxPHFitter().fit(cases.astype({"high": float}), "time", "event").summary.loc["high"]
        except ConvergenceError:
            return np.nan, np.nan, np.nan
    return float(fit["exp(coef)"]), float(fit["exp(coef) lower 95%"]), float(fit["exp(coef) upper 95%"])


def compare_groups(cases: pd.DataFrame, head: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of survival.tsv, but for permutations: both groups with n, events, median; hazard ratio, log-rank, note."""
    from lifelines import KaplanMeierFitter

    high, low = cases[cases.high], cases[~cases.high]
    statistic, p = signed_logrank(cases)
    note = ""
    if not np.isfinite(statistic):
        why = "no event finds both groups at risk" if len(high) and len(low) else "every case is in one group"
        why = why if len(cases) else "no case is in a group"
        note = f"not tested: {why}"
    ratio = dict(zip(("hazard_ratio", "lower", "upper"), hazard_ratio(cases), strict=True))
    rows = []
    for name, part in (("low", low), ("high", high)):
        middle = KaplanMeierFitter().fit(part.time, part.event).median_survival_time_ if len(part) else np.nan
        counts = {"risk": name, "n": len(part), "events": int(part.event.sum()), "median_days": middle}
        rows.append(head | counts | ratio | {"statistic": statistic, "p_logrank": p, "note": note})
    return rows


def assess_survival(
    tables: Sequence[tuple[pd.DataFrame, pd.DataFrame]],
) -> tuple[pd.DataFrame, dict[tuple[str, str, str], pd.DataFrame]]:
    """survival.tsv and the cases of every (task, group, model).

    tables: predictions of survival tasks, each with those of its permutations (no rows where there are none). p: by
    permutations, one-sided: those at high risk die sooner; p_adjusted: Holm over the models and tasks of a group.
    """
    rows, samples = [], {}
    for table, shuffled in tables:
        key = tuple(table[["task", "group", "model"]].iloc[0])
        samples[key], cut = risk_groups(table)
        found = compare_groups(samples[key], dict(zip(("task", "group", "model"), key, strict=True)) | {"cut": cut})
        p, count = permuted_p(table, shuffled)
        why = "no permutations: the log-rank P alone finds too much" if not count and not found[0]["note"] else ""
        empty = empty_folds(table)
        left = f"{EMPTY} in {len(empty)} of {table.fold.nunique()} folds, left out" if empty else ""
        note = "; ".join(part for part in (left, found[0]["note"] or why) if part)
        rows += [one | {"p": p, "permutations": count, "note": note} for one in found]
    found = pd.DataFrame(rows, columns=COLUMNS)
    for _, mine in found[found.risk == "high"].groupby("group"):
        adjusted = pd.Series(holm(mine.p), index=pd.MultiIndex.from_frame(mine[["task", "model"]]))
        where = found.group.isin(mine.group)
        found.loc[where, "p_adjusted"] = [
            adjusted[key] for key in zip(found.task[where], found.model[where], strict=True)
        ]
    return found, samples
