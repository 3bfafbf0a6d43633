"""How a tuned network predicts its training bags: one that learned nothing has a note at its score."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .metrics import classification_metrics, concordance
from .permuting import shuffled
from .results import AT_CHANCE
from .tasks import Task

#: Permutations of the training side's labels (times with events), and the P from which its score is called chance.
PERMUTATIONS, LEVEL = 199, 0.05


class Trained(NamedTuple):
    """A fold: probabilities (float N x classes) or risk (float N) of both sides, the last epoch's mean loss, steps."""

    test: np.ndarray
    train: np.ndarray
    loss: float
    steps: int


def training_values(task: Task, train: np.ndarray, trained: Trained) -> tuple[dict[str, float], str]:
    """Loss, steps and the task's own metric of the training side by name, and a note where that metric is at chance.

    At chance: predictions of the trained network are no better than with the side's labels shuffled over its cases.
    """
    side = task.keep([task.samples[i] for i in train])
    orders = [np.arange(len(train)), *(shuffled(side, 0, repeat) for repeat in range(PERMUTATIONS))]
    scores = [score_of(side, trained.train, order) for order in orders]
    p = np.mean([not score < scores[0] - 1e-12 for score in scores])
    values = {"train_loss": trained.loss, "train_steps": float(trained.steps), f"train_{task.primary}": scores[0]}
    return values, AT_CHANCE if p > LEVEL else ""


def score_of(task: Task, predicted: np.ndarray, order: np.ndarray) -> float:
    """The task's own metric of predictions of its samples, which take labels, or times and events, of `order`."""
    if task.is_survival:
        times, events = task.survival
        return concordance(times[order], events[order], predicted)
    return classification_metrics(task.labels[order], predicted, [task.primary])[task.primary]
