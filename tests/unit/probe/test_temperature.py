"""One temperature for all logits, fitted out of fold."""

import numpy as np
import pytest
from molpath.probe.temperature import fit_temperature, logits_of, tempered


def drawn(temperature, classes=3, count=20000):
    """Logits, and labels drawn from what they say at a temperature."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (count, classes))
    cut = np.cumsum(tempered(logits, temperature), axis=1)
    return logits, (rng.random((count, 1)) > cut).sum(1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("classes", [2, 4])
def test_the_temperature_that_labels_were_drawn_at_is_found(temperature, classes):
    logits, labels = drawn(temperature, classes)
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.05)


def test_probabilities_come_back_from_their_logits():
    logits, _ = drawn(1.0)
    np.testing.assert_allclose(tempered(logits_of(tempered(logits, 1.0)), 1.0), tempered(logits, 1.0), atol=1e-12)


def test_one_class_has_no_temperature():
    with pytest.raises(ValueError, match="two classes"):
        fit_temperature(np.zeros((3, 2)), np.zeros(3, int))
