"""Predicted survival at stated days against what was observed, with intervals over cases, and Brier scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from ..probe.baseline import SURVIVAL
from ..probe.controls import CONTROLS
from ..probe.intervals import resampled
from ..probe.permuting import is_control
from ..probe.recalibration import moved_interval
from .calibration import FEW, RESAMPLES
from .scores import Models

#: Groups of predicted survival at most, and cases of one at least.
GROUPS, PER_GROUP = 5, 10
HEAD = ["task", "model", "protocol", "days"]
COLUMNS = [*HEAD, "n_cases", "n_events", "n_censored", "predicted", "observed"]
COLUMNS += [f"{name}{end}" for name in ("difference", "brier") for end in ("", "_lower", "_upper")]
COLUMNS += ["brier_null", "note"]
GROUP_COLUMNS = [*HEAD, "group", "n_cases", "n_events", "predicted", "observed", "lower", "upper"]
#: Why a horizon has no values.
BEYOND = "no case was followed as long"
NOTHING = "no prediction: no training side was followed as long"
#: Why a horizon has no Brier score: no case is known to live longer, so the censored have no weight.
NO_BRIER = "no Brier score: no case was followed for longer"


def read_survival(predictions: Sequence[str], models: Models) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    """Task, model and protocol of each frozen Cox probe by one of `models`, and its cases (see `by_case`)."""
    for path in predictions:
        table = pd.read_parquet(path)
        if "risk" not in table or not any(name.startswith(SURVIVAL) for name in table):
            continue
        for protocol, rows in table.groupby("protocol", sort=False):
            if rows.model.iloc[0] in models and not is_control(str(protocol)) and protocol not in CONTROLS:
                yield {name: str(rows[name].iloc[0]) for name in HEAD[:3]}, by_case(rows)


def by_case(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per case (index case_id): time (days), event (bool), and by days the mean survival its rows predict.

    A case's rows are of its slides and of the folds that test it; those without a prediction take no part.
    """
    days = {name: float(name.removeprefix(SURVIVAL)) for name in rows if name.startswith(SURVIVAL)}
    cases = rows.groupby("case_id", sort=True).agg({"time": "first", "event": "first"} | dict.fromkeys(days, "mean"))
    return cases.assign(event=cases.event.astype(bool)).rename(columns=days)


def tabulate(
    head: dict[str, str], cases: pd.DataFrame, resamples: int = RESAMPLES
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A row per horizon, and a row per horizon and group of predicted survival (COLUMNS, GROUP_COLUMNS)."""
    rows, groups = [], []
    for day in sorted(name for name in cases if isinstance(name, float)):
        predicted = cases[cases[day].notna()]
        time, event, guess = predicted.time.to_numpy(float), predicted.event.to_numpy(), predicted[day].to_numpy(float)
        counts = {"n_cases": len(predicted), "n_events": int((event & (time <= day)).sum())}
        counts["n_censored"] = int((~event & (time <= day)).sum())
        row: dict[str, Any] = head | {"days": day} | counts
        if not len(predicted) or time.max() < day:
            rows.append(row | {"note": BEYOND if len(predicted) else NOTHING})
            continue
        notes = [f"{len(cases) - len(predicted)} cases without a prediction"] * (len(predicted) < len(cases))
        fewest = min(counts["n_events"], int((time > day).sum()))
        notes += [f"few cases: {fewest} with an event by then, or at risk after"] * (fewest < FEW)
        notes += [NO_BRIER] * ends_censored(time, event, day)
        draws = resampled(np.random.default_rng([0, 29]), len(predicted), resamples)
        rows.append(row | compared(time, event, guess, day, draws) | {"note": "; ".join(notes)})
        groups += [{**head, "days": day, **group} for group in grouped(time, event, guess, day)]
    return rows, groups


def compared(time: np.ndarray, event: np.ndarray, guess: np.ndarray, day: float, draws: np.ndarray) -> dict[str, float]:
    """Mean predicted survival, Kaplan and Meier's estimate, their difference, and the Brier score, with intervals.

    brier_null: of that estimate as the prediction for all. draws: how often each case is drawn (float B x N); weights
    of the censored stay as they are in the data. Brier scores are nan where follow-up ends at `day` with cases alive.
    """
    weights = np.ones((1, len(time)))
    observed, errors = float(kaplan_meier(time, event, weights, day)[0]), squared_error(time, event, guess, day)
    null = squared_error(time, event, np.full(len(guess), observed), day)
    gap = float(guess.mean()) - observed
    gaps = draws @ guess / draws.sum(1) - kaplan_meier(time, event, draws, day)
    low, high = moved_interval(gap, gaps)
    worst, best = moved_interval(float(errors.mean()), draws @ errors / draws.sum(1))
    row = {"predicted": float(guess.mean()), "observed": observed, "difference": gap}
    row |= {"difference_lower": low, "difference_upper": high, "brier": float(errors.mean())}
    row |= {"brier_lower": max(worst, 0.0), "brier_upper": best, "brier_null": float(null.mean())}
    undefined = [name for name in row if name.startswith("brier")] if ends_censored(time, event, day) else []
    return row | dict.fromkeys(undefined, np.nan)


def ends_censored(time: np.ndarray, event: np.ndarray, day: float) -> bool:
    """Whether the longest follow-up is no longer than `day`, and ends with cases that are alive."""
    last = time == time.max()
    return bool(time.max() <= day and not event[last].all())


def grouped(time: np.ndarray, event: np.ndarray, guess: np.ndarray, day: float) -> Iterator[dict[str, float]]:
    """Groups of equal number from low to high predicted survival: means predicted, and observed with 95 % intervals.

    observed is nan for a group without such long follow-up.
    """
    count = int(np.clip(len(guess) // PER_GROUP, 1, GROUPS))
    edges = np.unique(np.quantile(guess, np.linspace(0, 1, count + 1)[1:-1]))
    place = np.searchsorted(edges, guess, side="right")
    for number, group in enumerate(np.unique(place), start=1):
        in_group = place == group
        row = {
            "group": number,
            "n_cases": int(in_group.sum()),
            "n_events": int((event & (time <= day))[in_group].sum()),
        }
        values = observed_with_interval(time[in_group], event[in_group], day)
        yield row | {"predicted": float(guess[in_group].mean())} | dict(zip(GROUP_COLUMNS[-3:], values, strict=True))


def risk_sets(time: np.ndarray, event: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct times (float U), and under weights (float B x N) who is at risk and who dies at each (float B x U)."""
    order = np.argsort(time, kind="stable")
    times, first = np.unique(time[order], return_index=True)
    sorted_weights = weights[:, order]
    n_leaving = np.add.reduceat(sorted_weights, first, axis=1)
    at_risk = np.cumsum(n_leaving[:, ::-1], axis=1)[:, ::-1]
    return times, at_risk, np.add.reduceat(sorted_weights * event[order], first, axis=1)


def kaplan_meier(time: np.ndarray, event: np.ndarray, weights: np.ndarray, day: float) -> np.ndarray:
    """Kaplan and Meier's survival at `day` under weights (float B x N): float B."""
    times, at_risk, died = risk_sets(time, event, weights)
    steps = 1 - died / np.where(at_risk > 0, at_risk, 1)
    return np.asarray(np.prod(steps[:, times <= day], axis=1))


def observed_with_interval(time: np.ndarray, event: np.ndarray, day: float) -> tuple[float, float, float]:
    """Kaplan and Meier's survival at `day` and its 95 % interval: Greenwood's variance, by the log of minus its log."""
    if time.max() < day:
        return np.nan, np.nan, np.nan
    value = float(kaplan_meier(time, event, np.ones((1, len(time))), day)[0])
    if not 0 < value < 1:  # no event, or no case left: Greenwood's variance says nothing
        return value, np.nan, np.nan
    times, at_risk, died = (counts.ravel() for counts in risk_sets(time, event, np.ones((1, len(time)))))
    past = times <= day
    variance = float((died[past] / (at_risk[past] * (at_risk[past] - died[past]))).sum())
    half = norm.ppf(0.975) * np.sqrt(variance) / abs(np.log(value))
    return value, value ** np.exp(half), value ** np.exp(-half)


def squared_error(time: np.ndarray, event: np.ndarray, guess: np.ndarray, day: float) -> np.ndarray:
    """What each case adds to the Brier score at `day` (float N), weighted by censoring as scikit-survival does.

    Graf et al. 1999 (Stat Med 18:2529): those who died by then over the chance of being followed until their death,
    those at risk after over that of being followed until `day`, those censored before 0.
    """
    times, at_risk, died = (counts.ravel() for counts in risk_sets(time, event, np.ones((1, len(time)))))
    n_censored = np.array([((time == moment) & ~event).sum() for moment in times], float)
    exposed = at_risk - died  # of one time, deaths come before censoring
    steps = 1 - n_censored / np.where(exposed > 0, exposed, 1)
    followed = np.cumprod(np.where(exposed > 0, steps, 1))
    censoring_weight = followed[np.searchsorted(times, time)]
    then = np.append(1.0, followed)[np.searchsorted(times, day, side="right")]
    dead = event & (time <= day)
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.where(dead, guess**2 / censoring_weight, np.where(time > day, (1 - guess) ** 2 / then, 0.0))
    return np.where(np.isfinite(errors), errors, 0.0)
