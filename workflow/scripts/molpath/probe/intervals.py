"""Summaries over folds: mean, standard error, and a 95 % interval, each saying how it was made."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .metrics import classification_metrics, concordance


def summarise(metrics: pd.DataFrame, predictions: pd.DataFrame, bootstraps: int, seed: int) -> pd.DataFrame:
    """One row a protocol, number of shots and metric: mean, se, lower, upper, interval, n_folds, n_failed.

    se: population deviation over folds / sqrt(folds), as Patho-Bench has it (few-shot: over draws and folds).
    lower, upper: of the frozen probes 2.5 and 97.5 percentiles of `bootstraps` resamples of the test samples inside
    every fold, averaged over folds (with one fold: the paper's bootstrap); of few-shot and permuted probes the 2.5
    and 97.5 percentiles over draws of the mean over folds.
    """
    rows = []
    for (protocol, shots, metric), group in metrics.groupby(["protocol", "shots", "metric"], sort=False):
        values = group.value.to_numpy(float)
        good = values[np.isfinite(values)]
        if protocol in ("logistic", "cox"):
            mine = predictions[(predictions.protocol == protocol) & (predictions.shots == shots)]
            lower, upper = bootstrap(mine, metric, bootstraps, seed)
            how = f"{bootstraps} bootstraps of test samples within folds"
        else:
            draws = group.groupby("repeat").value.mean().dropna()
            lower, upper = np.percentile(draws, [2.5, 97.5]) if len(draws) else (np.nan, np.nan)
            how = f"percentiles over {len(draws)} draws"
        rows.append(
            {
                "protocol": protocol,
                "shots": shots,
                "metric": metric,
                "mean": good.mean() if len(good) else np.nan,
                "se": good.std() / np.sqrt(len(good)) if len(good) else np.nan,
                "lower": lower,
                "upper": upper,
                "interval": how,
                "n_folds": group.fold.nunique(),
                "n_failed": len(values) - len(good),
                "n_train": group.n_train.median(),
                "n_test": group.n_test.median(),
            }
        )
    return pd.DataFrame(rows)


def bootstrap(predictions: pd.DataFrame, metric: str, count: int, seed: int) -> tuple[float, float]:
    """2.5 and 97.5 percentiles of the metric's mean over folds when test samples are resampled inside each fold."""
    if predictions.empty:  # the probe failed on every fold
        return np.nan, np.nan
    folds = [group for _, group in predictions.groupby("fold", sort=True)]
    arrays = [fold_arrays(fold) for fold in folds]
    rng = np.random.default_rng([seed, 17])
    found = []
    for _ in range(count):
        values = [one_metric(part, rng.integers(0, len(part[0]), len(part[0])), metric) for part in arrays]
        if np.isfinite(values).any():
            found.append(np.nanmean(values))
    return tuple(np.percentile(found, [2.5, 97.5])) if found else (np.nan, np.nan)


def fold_arrays(fold: pd.DataFrame) -> tuple[np.ndarray, ...]:
    """(labels, probabilities) or (times, events, risk) of a fold's test samples."""
    if "risk" in fold:
        return fold.time.to_numpy(), fold.event.to_numpy(bool), fold.risk.to_numpy()
    return fold.label.to_numpy(), fold[[c for c in fold if c.startswith("prob_")]].to_numpy()


def one_metric(part: tuple[np.ndarray, ...], chosen: np.ndarray, metric: str) -> float:
    """The metric over chosen test samples."""
    picked = [values[chosen] for values in part]
    if len(picked) == 3:
        return concordance(*picked)
    return classification_metrics(*picked, names=[metric])[metric]
