"""Risk groups of survival probes, with log-rank tests (section 7.5; the threshold is not the paper's, see below).

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
from scipy.stats import chi2

from ..probe.results import EMPTY
from .contrasts import LEVEL, holm
from .scores import ENOUGH

#: The paper doesn't say where it cuts (its facts, section 11, point 19).
CUTS = {"train": "median risk of each fold's training side", "test": "median risk of each fold's test side"}
NO_PERMUTATIONS = "no permutations: the log-rank P alone finds too much"
COLUMNS = ["task", "group", "model", "cut", "risk", "n", "events", "median_days", "hazard_ratio", "lower", "upper"]
COLUMNS += ["statistic", "p", "p_adjusted", "permutations", "p_logrank", "note"]


def risk_groups(predictions: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """One row per case (index case_id): time, event, high (bool); and how risk was cut.

    predictions: rows of one task and model with fold, sample_id, case_id (else a sample is a case), time, event, risk,
    and cutoff (the median risk of the fold's training side) where the probe recorded it. A case is at high risk where
    its slides are above the cut in more than half of the folds that test them, so that every case counts once however
    many folds and slides there are. Folds whose Cox model is empty (see `is_empty`) take no part.
    """
    predictions = predictions[~is_empty(predictions)]
    return by_majority(groups_cut(predictions)), CUTS["train" if has_cutoffs(predictions) else "test"]


def is_empty(predictions: pd.DataFrame) -> pd.Series:
    """True for rows of test sides whose model kept no coefficient: each has the very risk at which its fold is cut."""
    if not has_cutoffs(predictions):
        return pd.Series(False, index=predictions.index)
    alike = (predictions.risk == predictions.cutoff).groupby([predictions[name] for name in sides_of(predictions)])
    return alike.transform("all")


def sides_of(predictions: pd.DataFrame) -> list[str]:
    """Columns that identify test sides: those of a fold and permutation."""
    return [name for name in ("repeat", "fold") if name in predictions]


def case_column(table: pd.DataFrame) -> str:
    """Column of the case; in a job without one, the sample is the case."""
    return "case_id" if "case_id" in table else "sample_id"


def has_cutoffs(predictions: pd.DataFrame) -> bool:
    """True where the probe recorded the median risk of every training side."""
    return "cutoff" in predictions and bool(predictions.cutoff.notna().all())


def groups_cut(predictions: pd.DataFrame) -> pd.DataFrame:
    """The predictions with the side of the cut of each (high, 0 or 1)."""
    limit = (
        predictions.cutoff
        if has_cutoffs(predictions)
        else predictions.groupby(sides_of(predictions)).risk.transform("median")
    )
    return predictions.assign(high=(predictions.risk > limit).astype(float))


def by_majority(table: pd.DataFrame) -> pd.DataFrame:
    """One row per case of a table of groups_cut: high where most of its rows are."""
    cases = table.groupby(case_column(table), sort=True).agg(
        time=("time", "first"), event=("event", "first"), high=("high", "mean")
    )
    return cases.assign(event=cases.event.astype(bool), high=cases.high > 0.5)


def signed_logrank(times: np.ndarray, events: np.ndarray, high: np.ndarray) -> float:
    """Square root of the log-rank test's chi-square, positive where those at high risk die sooner.

    times: float N; events, high: bool N. nan with one group only, or where no event finds both groups at risk. By sums
    over sorted times, for it is taken of every permutation: 0.05 ms, where scikit-survival's takes 10.
    """
    if not len(times):
        return np.nan
    order = np.argsort(times, kind="stable")
    times, events, high = times[order], events[order].astype(float), high[order].astype(float)
    first = np.flatnonzero(np.r_[True, times[1:] > times[:-1]])
    at_risk = (len(times) - first).astype(float)
    of_high = np.cumsum(high[::-1])[::-1][first]
    died, died_high = np.add.reduceat(events, first), np.add.reduceat(events * high, first)
    share = of_high / at_risk
    variance = (died * share * (1 - share) * (at_risk - died) / np.maximum(at_risk - 1, 1)).sum()
    return float((died_high - died * share).sum() / np.sqrt(variance)) if variance > 1e-12 else np.nan


def of_cases(cases: pd.DataFrame) -> float:
    """`signed_logrank` of a table of risk_groups."""
    return signed_logrank(cases.time.to_numpy(), cases.event.to_numpy(), cases.high.to_numpy())


def permuted_p(predictions: pd.DataFrame, shuffled: pd.DataFrame) -> tuple[float, int]:
    """Share of permutations (and the data themselves) whose groups differ as much in this direction; how many.

    Each permutation is compared on the folds on which it and the data have predictions, where these are enough
    (scores.ENOUGH of the folds that it was tried on). nan without any.
    """
    if shuffled.empty:
        return np.nan, 0
    observed, null = Rows(groups_cut(predictions)), Rows(groups_cut(shuffled))
    all_folds, observed_p = set(observed.folds), {}
    better = []
    draws = np.split(np.argsort(null.draws, kind="stable"), np.flatnonzero(np.diff(np.sort(null.draws))) + 1)
    largest = max(len(set(null.folds[draw])) for draw in draws)
    for draw in draws:
        folds = tuple(sorted(all_folds & set(null.folds[draw])))
        if len(folds) < ENOUGH * largest:
            continue
        if folds not in observed_p:
            observed_p[folds] = observed.logrank(np.flatnonzero(np.isin(observed.folds, folds)))
        if np.isfinite(observed_p[folds]):
            value = null.logrank(draw[np.isin(null.folds[draw], folds)])
            better.append(np.nan_to_num(value) >= observed_p[folds] - 1e-9)  # one group only: no difference
    return (1 + sum(better)) / (1 + len(better)) if better else np.nan, len(better)


class Rows:
    """A table of groups_cut as arrays, for fast permutations."""

    def __init__(self, table: pd.DataFrame):
        self.cases = pd.factorize(table[case_column(table)])[0]
        self.times, self.events, self.high = (
            table.time.to_numpy(float),
            table.event.to_numpy(bool),
            table.high.to_numpy(),
        )
        self.folds = table.fold.to_numpy()
        self.draws = table.repeat.to_numpy() if "repeat" in table else np.zeros(len(table))
        self.empty = is_empty(table).to_numpy()

    def logrank(self, rows: np.ndarray) -> float:
        """`signed_logrank` of the cases of some rows (positions), each high where most of its rows are.

        Folds whose model is empty take no part, in the data and in each permutation alike.
        """
        rows = rows[~self.empty[rows]]
        codes, first, place = np.unique(self.cases[rows], return_index=True, return_inverse=True)
        high = np.bincount(place, self.high[rows]) / np.bincount(place, minlength=len(codes)) > 0.5
        return signed_logrank(self.times[rows][first], self.events[rows][first], high)


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
    statistic = of_cases(cases)
    p = float(chi2.sf(statistic**2, 1))
    note = ""
    if not np.isfinite(statistic):
        reason = "no event finds both groups at risk" if len(high) and len(low) else "every case is in one group"
        reason = reason if len(cases) else "no case is in a group"
        note = f"not tested: {reason}"
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
        groups = compare_groups(samples[key], dict(zip(("task", "group", "model"), key, strict=True)) | {"cut": cut})
        p, count = permuted_p(table, shuffled)
        empty = table.fold[is_empty(table)].nunique()
        left_out = f"{EMPTY} in {empty} of {table.fold.nunique()} folds, left out" if empty else ""
        reason = groups[0]["note"] or ("" if count else NO_PERMUTATIONS)
        note = "; ".join(part for part in (left_out, reason) if part)
        rows += [group_row | {"p": p, "permutations": count, "note": note} for group_row in groups]
    groups = pd.DataFrame(rows, columns=COLUMNS)
    for group, high_risk in groups[groups.risk == "high"].groupby("group"):
        in_group = groups.group == group
        keys = pd.MultiIndex.from_frame(high_risk[["task", "model"]])
        adjusted = pd.Series(holm(high_risk.p), index=keys)
        groups.loc[in_group, "p_adjusted"] = [
            adjusted[key] for key in zip(groups.task[in_group], groups.model[in_group], strict=True)
        ]
        groups.loc[in_group, "note"] = [
            within_reach(*row, high_risk.p.notna().sum())
            for row in zip(groups.note[in_group], groups.permutations[in_group], strict=True)
        ]
    return groups, samples


def within_reach(note: str, permutations: int, tests: int) -> str:
    """The note, or that no P of so few permutations can be below 5 % after the adjustment."""
    smallest = 1 / (permutations + 1)
    if "not tested" in note or not permutations or smallest * tests < LEVEL:
        return note
    warning = (
        f"{permutations} permutations: P is {smallest:.2g} at least, {min(smallest * tests, 1):.2g} adjusted over "
        f"{tests} tests; raise survival_permutations above {int(np.ceil(tests / LEVEL)) - 1}"
    )
    return "; ".join(part for part in (note, warning) if part)
