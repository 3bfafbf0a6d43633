"""Table of calibration: known answers before and after scaling, controls left out, odd predictions reported."""

import numpy as np
import pandas as pd
import pytest
from molpath.probe.temperature import tempered
from molpath.tables.calibration import COLUMNS, probe_of, read_probes, tabulate


def guesses(n=800, factor=1.0, classes=2, seed=0, protocol="logistic", model="one", slides=1):
    """Rows of predictions.parquet: logits `factor` times too large, five folds."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, classes)) * 1.3
    labels = (rng.random(n)[:, None] > tempered(logits, 1).cumsum(1)).sum(1)
    rows = np.repeat(np.arange(n), slides)
    table = pd.DataFrame(
        {"task": "a--t", "model": model, "group": "frozen", "protocol": protocol}, index=range(len(rows))
    )
    table = table.assign(fold=rows % 5, case_id=[f"c{k:04d}" for k in rows], label=labels[rows])
    return table.assign(**{f"prob_{k}": tempered(logits * factor, 1)[rows, k] for k in range(classes)})


def row(table):
    return tabulate([probe_of(table)]).iloc[0]


@pytest.mark.parametrize("classes", [2, 3])
def test_overconfident_probes_are_found_and_scaled(classes):
    calibration = row(guesses(factor=2, classes=classes, slides=2))
    assert (calibration.n_cases, calibration.n_predictions, calibration.classes) == (800, 1600, classes)
    assert calibration.temperature == pytest.approx(2, rel=0.15)
    assert calibration.temperature_lowest <= calibration.temperature <= calibration.temperature_highest
    assert calibration.calibration_slope_before_lower < 0.5 < calibration.calibration_slope_before_upper < 0.75
    assert calibration.calibration_slope_after_lower < 1 < calibration.calibration_slope_after_upper
    assert calibration.ece_after < 0.05 < calibration.ece_before
    assert calibration.log_loss_after < calibration.log_loss_before
    assert calibration.brier_after < calibration.brier_before
    assert calibration.brier_after_lower < calibration.brier_after < calibration.brier_after_upper
    assert np.isfinite(calibration.calibration_intercept_after) == (classes == 2)
    assert calibration.note == ""


def test_few_cases_are_reported():
    calibration = row(guesses(n=60))
    assert calibration.note == f"few cases: {calibration.n_rarest} of the rarest class"
    assert calibration.n_rarest < 35


def test_odd_predictions_are_reported():
    """One class: no temperature, no interval; missing probabilities are counted; constant and separated ones noted."""
    predictions = guesses(n=100)
    calibration = row(predictions.assign(label=0))
    assert calibration.note.startswith("cases of one class only; no temperature")
    assert np.isfinite(calibration.brier_before)
    assert np.isnan([calibration.temperature, calibration.brier_after, calibration.brier_before_lower]).all()
    lost = row(predictions.assign(prob_0=predictions.prob_0.where(predictions.index >= 3)))
    assert (lost.n_cases, lost.note[:49]) == (97, "3 predictions without a probability are left out;")
    nothing = row(predictions.assign(prob_0=np.nan, prob_1=np.nan))
    assert (nothing.n_cases, nothing.note) == (0, "100 predictions without a probability are left out")
    assert np.isnan([nothing.temperature, nothing.brier_before, nothing.brier_after]).all()
    alike = row(predictions.assign(prob_0=0.5, prob_1=0.5))
    assert "before: no slope" in alike.note
    assert "the temperature is at an end of its range (0.01 to 100)" in alike.note
    assert alike.log_loss_after == pytest.approx(np.log(2))
    apart = row(
        predictions.assign(
            prob_1=np.where(predictions.label == 1, 0.8, 0.2), prob_0=np.where(predictions.label == 1, 0.2, 0.8)
        )
    )
    assert "after: no slope" in apart.note
    assert apart.temperature < 0.1
    assert apart.log_loss_after < 1e-6


def test_controls_the_sweep_and_other_models_are_left_out(tmp_path):
    names = ("logistic", "knn", "logistic_C=1", "site_only", "patch_count_only", "permuted", "knn_permuted")
    pd.concat([guesses(30, protocol=name) for name in names]).to_parquet(tmp_path / "a.parquet")
    guesses(30, model="other").to_parquet(tmp_path / "b.parquet")
    pd.DataFrame({"task": ["a--os"], "model": ["one"], "risk": [1.0], "protocol": ["cox"]}).to_parquet(
        tmp_path / "c.parquet"
    )
    probes = list(read_probes([tmp_path / f"{name}.parquet" for name in "abc"], ["one"]))
    assert [probe.protocol for probe in probes] == ["logistic", "knn"]
    assert list(tabulate(probes).columns) == COLUMNS
    assert list(tabulate([]).columns) == COLUMNS
