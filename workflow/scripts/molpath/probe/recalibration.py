"""Cross-fitted temperature scaling of out-of-fold predictions, and their calibration before and after.

Each case counts once, however many slides it has and folds test it: a row weighs 1 over its case's rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import log_softmax

from .calibration import ERROR, INTERCEPT, SLOPE, pooled_calibration
from .intervals import resampled
from .metrics import squared_errors
from .temperature import RANGE, fit_temperature, logits_of, tempered

#: Groups of cases; the temperature of one is fitted on all others.
GROUPS = 10
BRIER, LOG_LOSS, TEMPERATURE = "brier", "log_loss", "temperature"
MEASURES = (ERROR, SLOPE, INTERCEPT, BRIER, LOG_LOSS)
#: Why there is no temperature.
ONE_CLASS = "no temperature: some cases leave others of one class only"
#: Probabilities, or logits, that differ by less are alike; slopes this far beyond temperatures' range are undefined.
FLAT, EDGE = 1e-9, 1.02


@dataclass(frozen=True)
class Predictions:
    """Out-of-fold predictions of one probe on one task.

    labels: int N, codes of classes; probabilities: float N x K; cases: int N, codes from 0 in the order of the cases'
    names.
    """

    labels: np.ndarray
    probabilities: np.ndarray
    cases: np.ndarray

    @property
    def n_cases(self) -> int:
        """How many cases there are."""
        return int(self.cases.max()) + 1 if len(self.cases) else 0

    @property
    def weights(self) -> np.ndarray:
        """Weight of each row (float N): those of a case add up to 1."""
        return np.asarray(1 / np.bincount(self.cases)[self.cases])

    def drawn(self, count: int, seed: int) -> np.ndarray:
        """Weights of the rows (float count x N) when cases are resampled, those of a case together."""
        draws = resampled(np.random.default_rng([seed, 27]), self.n_cases, count)
        return np.asarray(draws[:, self.cases] * self.weights)


def cross_fitted(predictions: Predictions, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (float N x K) over temperatures, and the temperature of each row (float N).

    Cases are dealt into GROUPS by their names and the seed, never by a label; the temperature of a group is fitted on
    the predictions of all other cases. So no case's label has a part in its own temperature, whatever folds and slides
    it has. (The probes behind the other cases' predictions may have trained on it, as in any cross-validation.)
    nan for rows whose others are of one class only.
    """
    logits, weights = logits_of(predictions.probabilities), predictions.weights
    places = np.random.default_rng([seed, 28]).permutation(predictions.n_cases)
    group = places[predictions.cases] % GROUPS
    temperatures = np.full(len(group), np.nan)
    for number in np.unique(group):
        in_group = group == number
        if len(np.unique(predictions.labels[~in_group])) > 1:
            temperatures[in_group] = fit_temperature(
                logits[~in_group], predictions.labels[~in_group], weights[~in_group]
            )
    after = np.full(logits.shape, np.nan)
    is_fitted = np.isfinite(temperatures)
    after[is_fitted] = tempered(logits[is_fitted], temperatures[is_fitted, None])
    return after, temperatures


def measures(predictions: Predictions, weights: np.ndarray) -> dict[str, np.ndarray]:
    """MEASURES of the predictions (float B each) under weights (float B x N).

    ece, slope and intercept: see `pooled_calibration`; of more than two classes the slope is the one number by which
    all logits are to be multiplied, without intercepts. brier: sum of squared errors over classes (0 to 2); log_loss:
    natural logarithm, probabilities of 1e-12 at least.
    """
    labels, probabilities = predictions.labels, predictions.probabilities
    totals = weights.sum(1)
    values = pooled_calibration(labels, probabilities, weights, predictions.n_cases)
    if probabilities.shape[1] > 2:
        values[SLOPE] = common_slope(logits_of(probabilities), labels, weights)
    if not len(labels) or np.ptp(probabilities, axis=0).max() < FLAT:  # of one probability there is no slope
        values |= {name: np.full(len(weights), np.nan) for name in (SLOPE, INTERCEPT) if name in values}
    losses = -np.log(np.clip(probabilities[np.arange(len(labels)), labels], 1e-12, 1))
    values[BRIER] = weights @ squared_errors(labels, probabilities) / totals
    values[LOG_LOSS] = weights @ losses / totals
    return values


def common_slope(logits: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The factor over all logits (float N x K) with the smallest log loss (float B), by Newton's steps; 1 where right.

    1 over the temperature of `fit_temperature`; below 0 where guesses are worse than none, nan where the classes are
    separated or all logits are alike. weights: float B x N.
    """
    centred = logits - logits.mean(1, keepdims=True)
    label_logits = centred[np.arange(len(labels)), labels]
    middle = common_slope(logits, labels, weights.mean(0)[None])[0] if len(weights) > 1 else 0.0
    slope = np.full(len(weights), np.nan_to_num(middle))  # steps from 0, where the curve is steepest, or from close by
    step = np.full(len(weights), np.inf)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        for _ in range(60):
            p = np.exp(log_softmax(slope[:, None, None] * centred, axis=2))
            mean = (p * centred).sum(2)
            spread = (p * centred**2).sum(2) - mean**2
            step = (weights * (label_logits - mean)).sum(1) / ((weights * spread).sum(1) + 1e-12)
            slope += np.clip(step, -2, 2)
            if np.abs(step).max() < 1e-9:
                break
    is_undefined = (np.abs(step) > 1e-6) | (np.abs(slope) > EDGE / RANGE[0])
    return np.where(is_undefined | (np.ptp(centred) < FLAT), np.nan, slope)


def moved_interval(value: float, draws: np.ndarray) -> tuple[float, float]:
    """2.5 and 97.5 percentiles of resamples (float B), moved so that their mean is the value that was found.

    Resamples are more overfitted than the data: percentiles as they are hold the true slope of 60 cases in 86 % of
    draws, moved ones in 96 % (a test draws them). nan where there is no value.
    """
    finite_draws = draws[np.isfinite(draws)]
    if not len(finite_draws) or not np.isfinite(value):
        return np.nan, np.nan
    lower, upper = np.percentile(finite_draws, [2.5, 97.5]) - (finite_draws.mean() - value)
    return float(lower), float(upper)
