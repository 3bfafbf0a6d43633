"""What fine-tuning optimises: learning rates over time, balanced cross-entropy, survival in discrete time (7.10)."""

from __future__ import annotations

import math

import numpy as np
import torch

from ..common.settings.probe import Recipe

#: Probabilities of the survival loss are kept above this.
EPSILON = 1e-7


def learning_rate(epochs_done: float, recipe: Recipe) -> float:
    """Learning rate of a step after `epochs_done` epochs (0 before the first step, a fraction inside an epoch).

    Linear from 0 over `warmup_epochs`, then half a cosine from `learning_rate` to `final_learning_rate` at the end.
    """
    peak, last, warmup = recipe["learning_rate"], recipe["final_learning_rate"], recipe["warmup_epochs"]
    if epochs_done < warmup:
        return peak * epochs_done / warmup
    share = (epochs_done - warmup) / max(recipe["epochs"] - warmup, 1e-12)
    return last + (peak - last) * 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))


def class_weights(labels: np.ndarray, classes: int) -> np.ndarray:
    """Balanced weights (float classes): N / (classes present x their count), 0 for an absent class."""
    counts = np.bincount(labels, minlength=classes)
    present = counts > 0
    return np.where(present, len(labels) / (present.sum() * np.maximum(counts, 1)), 0.0)


def cross_entropy(logits: torch.Tensor, label: int, weight: float) -> torch.Tensor:
    """Weighted cross-entropy of one bag (logits: float classes).

    The weight multiplies the loss. With one bag per batch torch's weighted mean would divide by the same weight, and
    nothing would be balanced.
    """
    return -weight * torch.log_softmax(logits, 0)[label]


def time_bins(times: np.ndarray, events: np.ndarray, bins: int = 4) -> np.ndarray:
    """Inner edges (float bins - 1) of the intervals of time: quantiles of the times of events on the training side."""
    return np.quantile(times[events], np.arange(1, bins) / bins)


def survival_nll(logits: torch.Tensor, interval: int, event: bool) -> torch.Tensor:
    """Negative log likelihood of discrete time of one bag (Zadeh and Schmid, alpha 0: censored bags count in full).

    logits: float outputs, the hazard of each interval before the sigmoid. interval: the one in which the event or the
    censoring happened. event: S(before it) x hazard in it; censored: S(after it).
    """
    hazards = torch.sigmoid(logits)
    after = torch.cumprod(1 - hazards, 0)
    if not event:
        return -torch.log(after[interval].clamp(min=EPSILON))
    before = after[interval - 1] if interval else torch.ones_like(after[0])
    return -torch.log(before.clamp(min=EPSILON)) - torch.log(hazards[interval].clamp(min=EPSILON))


def survival_risk(logits: torch.Tensor) -> torch.Tensor:
    """Risk of each bag (float N), larger is worse: minus the sum of the survival curve. logits: float N x outputs."""
    return -torch.cumprod(1 - torch.sigmoid(logits), -1).sum(-1)
