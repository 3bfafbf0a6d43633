"""Calibration of out-of-fold predictions, pooled: a fold's twenty samples in fifteen bins are noise."""

from __future__ import annotations

import numpy as np

from .metrics import CALIBRATION_BINS

#: Cases per bin of the pooled error, on average, at least.
PER_BIN = 10
#: Note of a slope that can't be computed.
SEPARATED = "no slope: a threshold separates the classes, or all probabilities are the same"
SLOPE, INTERCEPT, ERROR = "calibration_slope", "calibration_intercept", "ece"


def pooled_calibration(
    labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray, cases: int
) -> dict[str, np.ndarray]:
    """Calibration metrics (float B each) of pooled predictions of `cases` cases under weights (float B x N).

    ece: expected calibration error over bins of confidence, equal in width, of PER_BIN cases on average at least (15 at
    most): slides of a case, and a case's folds, don't count as further observations. Of two classes also the slope and
    the intercept of a logistic regression of the label on the logit of its probability (Cox 1958): 1 and 0 where
    probabilities are right, a slope below 1 where they are too extreme; nan where the classes are separated.
    """
    bins = int(np.clip(cases // PER_BIN, 1, CALIBRATION_BINS))
    confidence = probabilities.max(1)
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = confidence - (probabilities.argmax(1) == labels)
    values = {ERROR: np.abs(weights @ (np.eye(bins)[place] * gaps[:, None])).sum(1) / weights.sum(1)}
    if probabilities.shape[1] == 2:
        values[SLOPE], values[INTERCEPT] = recalibrated(labels == 1, probabilities[:, 1], weights)
    return values


def recalibrated(positive: np.ndarray, probability: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slope and intercept (float B each) of positives (bool N) on the logit of their probability, by Newton's steps."""
    p = np.clip(probability, 1e-9, 1 - 1e-9)
    design = np.stack([np.ones(len(p)), np.log(p / (1 - p))])
    coefficients = np.zeros((len(weights), 2))  # from a slope above 0 steps overshoot where probabilities are extreme
    step = np.full_like(coefficients, np.inf)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for _ in range(50):
            mean = 1 / (1 + np.exp(-np.clip(coefficients @ design, -30, 30)))
            gradient = (weights * (positive - mean)) @ design.T
            hessian = np.einsum("bn,in,jn->bij", weights * mean * (1 - mean), design, design)
            step = np.linalg.solve(hessian + 1e-10 * np.eye(2), gradient[..., None])[..., 0]
            coefficients += np.clip(step, -2, 2)
            if np.abs(step).max() < 1e-10:
                break
    coefficients[np.abs(step).max(1) > 1e-6] = np.nan
    return coefficients[:, 1], coefficients[:, 0]
