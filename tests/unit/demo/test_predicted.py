"""What predictions are worth: known answers by hand."""

import numpy as np
import pytest
from molpath.common.files import read_tsv, write_tsv
from molpath.demo.predicted import expected_calibration_error, worth
from pandas import DataFrame
from sklearn.metrics import roc_auc_score


def test_calibration_error_by_hand():
    # Two at 0.95 of which one is right: gap 0.45; two at 0.65, both right: 0.35.
    probabilities = np.array([[0.95, 0.05], [0.05, 0.95], [0.65, 0.35], [0.35, 0.65]])
    assert expected_calibration_error(probabilities, np.array([0, 0, 0, 1])) == pytest.approx((0.45 + 0.35) / 2)
    assert expected_calibration_error(np.array([[1.0, 0.0]]), np.array([0])) == 0


@pytest.fixture
def files(tmp_path):
    names = ["A", "B", "C", "D", "E", "F"]
    write_tsv(tmp_path / "cases.tsv", DataFrame({"case_id": names, "scanner": ["usual"] * 4 + ["other"] * 2}))
    low = [0.9, 0.8, 0.3, 0.6, 0.5, 0.5]
    columns = {"case_id": names, "status": "ok", "reason": "", "prob_low": low, "prob_high": [1 - p for p in low]}
    columns |= {"calibrated_low": low, "calibrated_high": [1 - p for p in low]}
    columns |= {
        "set": ["low", "low;high", "high", "low", "high", "low"],
        "label": ["low", "high", "high", "high", "", ""],
    }
    columns |= {"ood_score": [0.1, 0.4, 0.2, 0.3, 0.35, 0.9], "ood_flag": ["no", "yes", "no", "no", "no", "yes"]}
    write_tsv(tmp_path / "predictions.tsv", DataFrame(columns))
    return tmp_path


def test_worth_by_hand(files):
    tasks, flags = worth({"grade": files / "predictions.tsv"}, files / "cases.tsv")
    row = tasks.iloc[0]
    assert (row.task, row.cases, row.coverage, row["size"], row.accuracy) == ("grade", 4, 0.75, 1.25, 0.5)
    assert row.ece == row.ece_scaled == pytest.approx((0.1 + 0.8 + 0.3 + 0.6) / 4)
    assert flags.scanner.tolist() == ["usual", "other"]
    assert flags.flagged.tolist() == [0.25, 0.5]
    assert flags.auc.tolist() == [0.5, roc_auc_score([0, 0, 0, 0, 1, 1], [0.1, 0.4, 0.2, 0.3, 0.35, 0.9])]


def test_a_case_without_a_prediction_is_named(files):
    table = read_tsv(files / "predictions.tsv")
    table.loc[2, ["status", "reason"]] = "not predicted", "no features"
    write_tsv(files / "predictions.tsv", table)
    with pytest.raises(ValueError, match="case C has no prediction: no features"):
        worth({"grade": files / "predictions.tsv"}, files / "cases.tsv")
