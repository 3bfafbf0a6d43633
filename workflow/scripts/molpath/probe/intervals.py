"""Summaries over folds: mean, standard error, and a 95 % interval, each saying how it was made."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .calibration import ERROR, SEPARATED, pooled_calibration
from .permuting import is_control
from .regression import METRICS, regression_metrics, resampled_metric
from .results import AT_CHANCE, EMPTY, OVERLAP, WARNINGS
from .weighted import weighted_classification, weighted_concordance

#: Metrics of no resampling: weights of censoring belong to the samples as they are, training sides to their fit.
NOT_RESAMPLED = ("auc@", "train_")
#: Protocols whose samples are drawn at random: their intervals are over draws, as those of permuted controls.
DRAWN = ("fewshot",)


def summarise(metrics: pd.DataFrame, predictions: pd.DataFrame, bootstraps: int, seed: int) -> pd.DataFrame:
    """One row per protocol, number of shots and metric: mean, se, lower, upper, interval, n_folds, n_failed, note, …

    se: population deviation over folds / sqrt(folds), as Patho-Bench has it (few-shot: over draws and folds).
    lower, upper: where predictions are kept, 2.5 and 97.5 percentiles of the mean over folds when *cases* are resampled
    `bootstraps` times, one draw for all folds, so that slides of a case and a case's folds stay together; they say how
    well these fitted probes do on other patients. Where draws were repeated (few-shot, permuted), the percentiles over
    draws. bootstrap_mean, sample_lower, sample_upper: with one fold, mean and percentiles over resampled test samples,
    which is what the paper reports there. n_draws: draws with a value that percentiles are over. n_fits: folds, or
    folds and draws, that were tried; n_failed: those without a value; n_empty: those whose Cox model kept no
    coefficient, so that their value says nothing; note: why values are missing, and how many fits are unconverged or
    empty. The calibration error is that of all folds' predictions together, and has slope and intercept beside it (see
    calibration.pooled_calibration).
    """
    by_protocol = dict(list(predictions.groupby(["protocol", "shots"], sort=False))) if len(predictions) else {}
    rows = []
    metrics = metrics.reset_index(drop=True)
    for (protocol, shots), part in metrics.groupby(["protocol", "shots"], sort=False):
        group_predictions = by_protocol.get((protocol, shots), predictions.iloc[:0])
        draws = (
            part.repeat.nunique() > 1 or protocol in DRAWN or is_control(protocol) or not has_scores(group_predictions)
        )
        replicates = None if draws else Replicates(group_predictions, bootstraps, seed)
        for metric, group in part.groupby("metric", sort=False):
            row = {"protocol": protocol, "shots": shots, "metric": metric} | over_folds(group, part)
            if metric.startswith(NOT_RESAMPLED):
                interval = {"lower": np.nan, "upper": np.nan, "interval": "none: not resampled"}
            else:
                interval = over_draws(group) if replicates is None else replicates.interval(metric)
            rows.append(row | interval)
        if replicates is not None and "prob_0" in group_predictions:
            rows = with_calibration(rows, replicates, protocol)
        if replicates is not None and "predicted" in group_predictions:
            rows += pooled_values(rows, replicates, protocol)
    return pd.DataFrame(rows)


def over_folds(group: pd.DataFrame, tried: pd.DataFrame) -> dict[str, Any]:
    """Mean, standard error (of two values at least) and counts of a metric's values.

    tried: rows of all metrics of the protocol: a fold whose probe failed has a row of the first metric only, and is
    missing from every other one too.
    """
    fits = pd.MultiIndex.from_frame(tried[["repeat", "fold"]])
    values = group.value.to_numpy(float)
    group_fits = fits[tried.index.get_indexer(group.index)]
    finite_values, scored = values[np.isfinite(values)], group_fits[np.isfinite(values)]
    unscored = tried.note[~fits.isin(scored) & ((tried.metric == group.metric.iloc[0]) | ~fits.isin(group_fits))]
    notes = sorted({note for note in unscored if note})
    messages = (*WARNINGS.values(), AT_CHANCE, OVERLAP)
    n_fits_with = {message: int(group.note.str.contains(message, regex=False).sum()) for message in messages}
    notes += [f"{message} in {count} of {len(group)} fits" for message, count in n_fits_with.items() if count]
    return {
        "mean": finite_values.mean() if len(finite_values) else np.nan,
        "se": finite_values.std() / np.sqrt(len(finite_values)) if len(finite_values) > 1 else np.nan,
        "n_folds": tried.fold.nunique(),
        "n_fits": fits.nunique(),
        "n_failed": fits.nunique() - len(finite_values),
        "n_empty": n_fits_with[EMPTY],
        "n_train": group.n_train.median(),
        "n_test": group.n_test.median(),
        "note": "; ".join(notes),
    }


def with_calibration(rows: list[dict[str, Any]], replicates: Replicates, protocol: str) -> list[dict[str, Any]]:
    """Rows with the calibration error of a protocol pooled over its folds, and rows of slope and intercept."""
    calibration = replicates.calibration()
    last = next((row for row in reversed(rows) if row["protocol"] == protocol and row["metric"] == ERROR), None)
    if last is None:
        return rows
    last |= {"se": np.nan, "bootstrap_mean": np.nan, "sample_lower": np.nan, "sample_upper": np.nan}
    last |= calibration.pop(ERROR)
    for name, values in calibration.items():
        row = last | {"metric": name} | values
        if not np.isfinite(values["mean"]):
            row |= {"n_failed": row["n_fits"], "note": "; ".join(filter(None, [row["note"], SEPARATED]))}
        rows.append(row)
    return rows


def pooled_values(rows: list[dict[str, Any]], replicates: Replicates, protocol: str) -> list[dict[str, Any]]:
    """Rows of a regression's metrics over all folds' predictions together, `pooled_r2` and so on."""
    pooled, weights = pd.concat(replicates.folds), np.concatenate(replicates.by_case, axis=1)
    metrics = regression_metrics(pooled.value.to_numpy(float), pooled.predicted.to_numpy(float))
    like = next(row for row in reversed(rows) if row["protocol"] == protocol)
    method = f"{replicates.count} bootstraps of cases over pooled test sides"
    pooled_rows = []
    for name in METRICS:
        lower, upper = percentiles(resampled_metric(pooled, weights, name))
        values = {"mean": metrics[name], "se": np.nan, "lower": lower, "upper": upper, "interval": method}
        blank = {"bootstrap_mean": np.nan, "sample_lower": np.nan, "sample_upper": np.nan}
        pooled_rows.append(like | {"metric": f"pooled_{name}"} | values | blank)
    return pooled_rows


def over_draws(group: pd.DataFrame) -> dict[str, Any]:
    """Percentiles over repeated draws of the mean over folds; of one draw per fold, over folds.

    A control has none of a single permutation: its folds say nothing of what other permutations give.
    """
    repeated = group.repeat.nunique() > 1
    if not repeated and is_control(group.protocol.iloc[0]):
        return {"lower": np.nan, "upper": np.nan, "interval": "none: one permutation", "n_draws": 1}
    draws = group.groupby("repeat" if repeated else "fold").value.mean().dropna()
    lower, upper = np.percentile(draws, [2.5, 97.5]) if len(draws) else (np.nan, np.nan)
    method = f"percentiles over {len(draws)} {'draws' if repeated else 'folds'}"
    return {"lower": lower, "upper": upper, "interval": method, "n_draws": len(draws) if repeated else np.nan}


class Replicates:
    """Resamples of a protocol's test sides, and metrics over them."""

    def __init__(self, predictions: pd.DataFrame, count: int, seed: int):
        self.count = count
        self.folds = [fold for _, fold in predictions.groupby("fold", sort=True)]
        column = "case_id" if "case_id" in predictions else "sample_id"
        cases = {name: i for i, name in enumerate(predictions[column].drop_duplicates())}
        self.cases = len(cases)
        drawn = resampled(np.random.default_rng([seed, 17]), len(cases), count)
        self.by_case = [drawn[:, fold[column].map(cases).to_numpy()] for fold in self.folds]
        self.by_sample = None
        if len(self.folds) == 1:
            self.by_sample = [resampled(np.random.default_rng([seed, 18]), len(self.folds[0]), count)]

    def interval(self, metric: str) -> dict[str, Any]:
        """Columns lower, upper, interval and, with one fold, those of the paper's bootstrap."""
        lower, upper = percentiles(self.values(metric, self.by_case))
        method = f"{self.count} bootstraps of cases over {len(self.folds)} test side{'s' * (len(self.folds) > 1)}"
        row = {"lower": lower, "upper": upper, "interval": method}
        if self.by_sample:
            values = self.values(metric, self.by_sample)
            low, high = percentiles(values)
            mean = np.nanmean(values) if np.isfinite(values).any() else np.nan
            row |= {"bootstrap_mean": mean, "sample_lower": low, "sample_upper": high}
        return row

    def calibration(self) -> dict[str, dict[str, Any]]:
        """Columns mean, lower, upper and interval of the metrics of calibration over all folds' predictions.

        Resamples are noisier than the data, and error only adds up: their interval is moved to the observed value, so
        that it holds it.
        """
        pooled, weights = pd.concat(self.folds), np.concatenate(self.by_case, axis=1)
        labels, probabilities = pooled.label.to_numpy(), pooled[probability_columns(pooled)].to_numpy()
        observed = pooled_calibration(labels, probabilities, np.ones((1, len(pooled))), self.cases)
        method = f"{self.count} bootstraps of cases over pooled test sides"
        rows = {}
        for name, values in pooled_calibration(labels, probabilities, weights, self.cases).items():
            mean = float(observed[name][0])
            lower, upper = percentiles(values)
            row = {"mean": mean, "lower": lower, "upper": upper, "interval": method}
            if name == ERROR:
                shift = np.nanmean(values) - mean
                row |= {"lower": max(lower - shift, 0), "upper": min(upper - shift, 1)}
                row["interval"] = f"{method}, moved to the mean"
            rows[name] = row
        return rows

    def values(self, metric: str, weights: list[np.ndarray]) -> np.ndarray:
        """The metric's mean over folds in each resample."""
        parts = np.array([fold_metric(f, w, metric) for f, w in zip(self.folds, weights, strict=True)])
        is_finite = np.isfinite(parts)
        return np.where(
            is_finite.any(0), np.where(is_finite, parts, 0).sum(0) / np.maximum(is_finite.sum(0), 1), np.nan
        )


def has_scores(predictions: pd.DataFrame) -> bool:
    """True for predictions with risks or class probabilities, from which metrics can be computed again."""
    scores = [name for name in ("risk", "prob_0", "predicted") if name in predictions]
    return len(predictions) > 0 and any(predictions[name].notna().all() for name in scores)


def bootstrap(predictions: pd.DataFrame, metric: str, count: int, seed: int) -> tuple[float, float]:
    """2.5 and 97.5 percentiles of a protocol's mean over folds when cases are resampled."""
    if not has_scores(predictions):  # the probe failed on every fold
        return np.nan, np.nan
    interval = Replicates(predictions, count, seed).interval(metric)
    return interval["lower"], interval["upper"]


def resampled(rng: np.random.Generator, size: int, count: int) -> np.ndarray:
    """How often each of `size` was drawn in each of `count` resamples (float count x size)."""
    return np.stack([np.bincount(rng.integers(0, size, size), minlength=size) for _ in range(count)]).astype(float)


def percentiles(values: np.ndarray) -> tuple[float, float]:
    """2.5 and 97.5 percentiles of the finite values; nan where there are none."""
    finite_values = values[np.isfinite(values)]
    return tuple(np.percentile(finite_values, [2.5, 97.5])) if len(finite_values) else (np.nan, np.nan)


def fold_metric(fold: pd.DataFrame, weights: np.ndarray, metric: str) -> np.ndarray:
    """The metric on one test side in each resample."""
    if "predicted" in fold:
        return resampled_metric(fold, weights, metric)
    if "risk" in fold:
        return weighted_concordance(fold.time.to_numpy(), fold.event.to_numpy(bool), fold.risk.to_numpy(), weights)
    probabilities = fold[probability_columns(fold)].to_numpy()
    return weighted_classification(fold.label.to_numpy(), probabilities, weights, metric)


def probability_columns(predictions: pd.DataFrame) -> list[str]:
    """Columns prob_0, prob_1, … in the order of the classes."""
    return sorted((name for name in predictions if name.startswith("prob_")), key=lambda name: int(name[5:]))
