"""Directions of labels are those of probes in which rare classes weigh as much."""

from types import SimpleNamespace

import numpy as np
from molpath.interpret.gene_directions import logistic_directions
from sklearn.linear_model import LogisticRegression


def test_the_direction_of_a_rare_class_is_that_of_samples_weighed_alike():
    labels = np.repeat([0, 1], [190, 10])
    x = np.random.default_rng(0).normal(size=(200, 3)) + labels[:, None] * [1, 0.5, 0]
    task = SimpleNamespace(name="task", labels=labels, classes=["common", "rare"])
    directions = logistic_directions(task, x, {"C": 0.5, "max_iter": 10_000})
    weights = np.where(labels, 200 / (2 * 10), 200 / (2 * 190))
    by_hand = LogisticRegression(C=0.5, max_iter=10_000).fit(x - x.mean(0), labels, sample_weight=weights)
    np.testing.assert_allclose(directions["rare"], by_hand.coef_[0], atol=1e-3)
