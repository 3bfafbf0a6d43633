"""Scores of predictions of cases with known labels and scanners: a row per task, and flags by scanner."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ..common.files import read_tsv
from .new_pairs import USUAL

BINS = 10


def worth(predictions: Mapping[str, str | Path], cases: str | Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores of each task, over the usual scanner's cases, and of each scanner, as means over tasks.

    predictions: predictions.tsv by task; cases: sheet with case_id and scanner. Columns of the first table: task,
    cases, coverage (share of conformal sets with the label), size (classes in a set), accuracy, ece and ece_scaled
    (before and after the temperature); of the second: scanner, cases, flagged (share), auc (of the score of doubt,
    against the usual scanner). Raises ValueError where a case has no prediction.
    """
    scanners = read_tsv(cases).set_index("case_id")["scanner"]
    tasks, flags = [], []
    for task, path in predictions.items():
        table = read_tsv(path)
        if (failed := table[table["status"] != "ok"]).size:
            raise ValueError(f"{path}: case {failed.case_id.iloc[0]} has no prediction: {failed.reason.iloc[0]}")
        scanner = table["case_id"].map(scanners)
        tasks.append({"task": task, **_of_task(table[scanner == USUAL])})
        scores = {name: part["ood_score"].astype(float) for name, part in table.groupby(scanner)}
        for name, part in table.groupby(scanner):
            flagged = float((part["ood_flag"] == "yes").mean())
            row = {"scanner": name, "cases": len(part), "flagged": flagged, "auc": _auc(scores[USUAL], scores[name])}
            flags.append(row)
    by_scanner = pd.DataFrame(flags).groupby("scanner", as_index=False).mean()
    return pd.DataFrame(tasks), by_scanner.sort_values("scanner", key=lambda names: names != USUAL, kind="stable")


def _of_task(rows: pd.DataFrame) -> dict[str, float]:
    names = [column.removeprefix("prob_") for column in rows if column.startswith("prob_")]
    in_set = [label in label_set.split(";") for label, label_set in zip(rows["label"], rows["set"], strict=True)]
    right = rows["label"].map({name: code for code, name in enumerate(names)}).to_numpy(int)
    before, after = (rows[[f"{kind}_{name}" for name in names]].to_numpy(np.float64) for kind in ("prob", "calibrated"))
    return {
        "cases": len(rows),
        "coverage": float(np.mean(in_set)),
        "size": float(rows["set"].str.split(";").str.len().mean()),
        "accuracy": float((before.argmax(1) == right).mean()),
        "ece": expected_calibration_error(before, right),
        "ece_scaled": expected_calibration_error(after, right),
    }


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean gap of confidence and accuracy over BINS bins of equal width, by their cases (Guo et al. 2017).

    probabilities: float N x K; labels: int N.
    """
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [abs((confidence[bins == bin_number] - right[bins == bin_number]).sum()) for bin_number in np.unique(bins)]
    return float(np.sum(gaps) / len(labels))


def _auc(usual: pd.Series, unusual: pd.Series) -> float:
    """Chance that a case of another scanner has a larger score than a usual one, ties by half."""
    ranks = pd.concat([usual, unusual]).rank().to_numpy()[len(usual) :]
    return float((ranks.sum() - len(unusual) * (len(unusual) + 1) / 2) / (len(usual) * len(unusual)))
