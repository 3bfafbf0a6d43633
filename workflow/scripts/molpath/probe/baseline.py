"""Predicted survival at stated days: Breslow's baseline hazard of a training side, raised by each sample's risk."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

#: Beginning of the names of columns of predicted survival.
SURVIVAL = "survival_"


def survival_name(day: float) -> str:
    """Name of the column of predicted survival at `day`: survival_365."""
    return f"{SURVIVAL}{day:g}"


def survival_at(
    train_risk: np.ndarray, times: np.ndarray, events: np.ndarray, risk: np.ndarray, days: Sequence[float]
) -> np.ndarray:
    """Predicted survival (float N x days) of samples with `risk` (float N) at `days`.

    train_risk, times, events: risk, follow-up (days) and events of the training side that the model was fitted on; its
    baseline is Breslow's (scikit-survival's). nan beyond the longest follow-up there: nothing was seen of it.
    """
    from sksurv.linear_model.coxph import BreslowEstimator

    middle = np.median(train_risk)  # risk is defined up to a constant: large ones would overflow
    baseline = BreslowEstimator().fit(train_risk - middle, events, times).cum_baseline_hazard_
    place = np.searchsorted(baseline.x, days, side="right")
    hazard = np.append(0.0, baseline.y)[place]
    with np.errstate(over="ignore", invalid="ignore"):
        survival = np.where(hazard > 0, np.exp(-hazard * np.exp(risk - middle)[:, None]), 1.0)
    return np.where(np.asarray(days, float) > times.max(), np.nan, survival)
