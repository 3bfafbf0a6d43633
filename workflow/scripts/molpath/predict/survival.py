"""From a risk to the probability of being free of the event: Breslow's baseline hazard."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Baseline:
    """Cumulative baseline hazard: `hazard` (float64 E) from each event time (`times`, days, float64 E, ascending) on.

    follow_up: the longest time (days) of a training sample; nothing is known after it.
    """

    times: np.ndarray
    hazard: np.ndarray
    follow_up: float

    def survival(self, risk: np.ndarray, days: float) -> np.ndarray:
        """Probability (float N) of no event up to `days` at each risk (float N); nan after the follow-up."""
        if days > self.follow_up:
            return np.full(len(risk), np.nan)
        passed = int(np.searchsorted(self.times, days, side="right"))
        if not passed:
            return np.ones(len(risk))
        with np.errstate(over="ignore"):
            return np.exp(-self.hazard[passed - 1] * np.exp(risk))


def breslow(risk: np.ndarray, times: np.ndarray, events: np.ndarray) -> Baseline:
    """Breslow's estimate (1972) from risks (float N), times (days, float N) and events (bool N) of training samples.

    Of events at one time each has all that were at risk then in its denominator. Raises ValueError without an event.
    """
    if not events.any():
        raise ValueError("no event: there is no hazard")
    moments, died = np.unique(times[events], return_counts=True)
    order = np.argsort(times, kind="stable")
    remaining_risk = np.cumsum(np.exp(risk[order])[::-1])[::-1]
    at_risk = remaining_risk[np.searchsorted(times[order], moments, side="left")]
    return Baseline(moments, np.cumsum(died / at_risk), float(times.max()))
