"""Classes weigh alike however rare they are, and keep their columns where one is absent."""

from types import SimpleNamespace

import numpy as np
from molpath.probe.further import MlpProbe
from molpath.probe.probes import fit_logistic

SETTINGS = {"C": 0.5, "max_iter": 10_000, "mlp_hidden": 64, "seed": 0}
RNG = np.random.default_rng(0)
#: Nineteen of class 0 for one of class 1, two standard deviations apart in each number.
LABELS = np.repeat([0, 1], [950, 50])
X = RNG.normal(size=(1000, 2)) + 2 * LABELS[:, None]


def test_a_rare_class_weighs_as_much_in_a_logistic_probe():
    middle = np.full((1, 2), 1.0)  # as far from one class as from the other
    probabilities = fit_logistic(X, LABELS, middle, 2, SETTINGS)
    assert abs(probabilities[0, 1] - 0.5) < 0.1


def test_a_rare_class_weighs_as_much_in_a_network():
    task = SimpleNamespace(is_regression=False, labels=LABELS, classes=["0", "1"])
    probabilities = MlpProbe(task, X, SETTINGS)(np.arange(1000), np.arange(1000))
    recalls = [float((probabilities[np.equal(LABELS, label)].argmax(1) == label).mean()) for label in (0, 1)]
    assert min(recalls) > 0.8


def test_an_absent_class_has_no_probability_and_moves_no_other():
    probabilities = fit_logistic(X, LABELS * 2, X, 3, SETTINGS)
    assert (probabilities[:, 1] == 0).all()
    assert probabilities[LABELS == 1, 2].mean() > 0.5 > probabilities[LABELS == 0, 2].mean()
