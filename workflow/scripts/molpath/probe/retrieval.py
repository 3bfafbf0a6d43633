"""Retrieval: how many of a test sample's nearest training samples share its label (section 7.8 of the paper's facts).

Database: the fold's training side; queries: its test side; L2 on raw embeddings; AP@k = 1/k sum over ranks j <= k of
hit_j x precision@j, so that mAP@1 is the accuracy of the nearest neighbour.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..common.settings.probe import Probe
from .intervals import resampled
from .permuting import shuffled
from .probes import one_thread
from .results import Results, sides
from .tasks import Task

RANKS = (1, 5, 10)
PRIMARY = "mAP@1"
#: Numbers in a block of distances (float64), and in one of candidates whose distances are computed again.
BLOCK_NUMBERS = 16_000_000


def probe_retrieval(task: Task, x: np.ndarray, settings: Probe) -> Results:
    """mAP@1, @5, @10 of every fold, and with permuted labels as a control (chance depends on the classes' sizes).

    x: float N x D. A fold whose database holds fewer than k samples has no mAP@k (the note says so); nor has a
    survival task.
    """
    results = Results(task)
    for fold in range(task.folds.shape[1]):
        train, test = sides(task, fold)
        if task.is_survival or task.is_regression or not len(test) or not len(train):
            kind = "survival" * task.is_survival or "regression" * task.is_regression
            reason = f"a {kind} task has no classes" if kind else "no sample on one side"
            add_rows(results, fold, train, test, np.full((len(test), len(RANKS)), np.nan), reason)
            continue
        names = np.array(task.samples)[train]
        neighbours = train[nearest(x[train], x[test], max(RANKS), names)]
        precisions = average_precisions(task.labels[neighbours] == task.labels[test, None])
        add_rows(results, fold, train, test, precisions)
        results.predictions.append(as_table(task, fold, test, neighbours, precisions))
        for repeat in range(settings["permutations"]):
            labels = task.labels[shuffled(task, settings["seed"], repeat)]
            permuted = average_precisions(labels[neighbours] == labels[test, None])
            add_rows(results, fold, train, test, permuted, protocol="retrieval_permuted", repeat=repeat)
    return results


def nearest(database: np.ndarray, queries: np.ndarray, k: int, names: np.ndarray) -> np.ndarray:
    """Positions (int Q x min(k, N)) of each query's nearest rows of `database`, nearest first.

    Equal distances are put in the order of `names` (str N). Blocks of matrix products in float64 find candidates up
    to their rounding error; the candidates' distances are then taken from differences, in which equal vectors have
    equal distances, so that neither block sizes nor BLAS kernels decide ties.
    """
    database = np.asarray(database, np.float64)
    k = min(k, len(database))
    order = np.argsort(np.argsort(names, kind="stable"), kind="stable")
    squares = np.einsum("nd,nd->n", database, database)
    neighbours = np.empty((len(queries), k), np.int64)
    step = max(1, BLOCK_NUMBERS // max(1, len(database)))
    with one_thread():
        for start in range(0, len(queries), step):
            block = np.asarray(queries[start : start + step], np.float64)
            squared_norms = np.einsum("qd,qd->q", block, block)
            distances = block @ database.T
            distances *= -2
            distances += squares
            slack = 8 * database.shape[1] * np.finfo(float).eps * (squared_norms + squares.max(initial=0))
            limits = np.partition(distances, k - 1, axis=1)[:, k - 1] + slack
            for row, (query, limit) in enumerate(zip(block, limits, strict=True)):
                candidates = np.flatnonzero(distances[row] <= limit)
                neighbours[start + row] = candidates[
                    np.lexsort((order[candidates], exact(database, candidates, query)))[:k]
                ]
    return neighbours


def exact(database: np.ndarray, rows: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Squared L2 distances (float64) of rows of the database to a query, from differences."""
    step = max(1, BLOCK_NUMBERS // max(1, database.shape[1]))
    parts = [((database[rows[i : i + step]] - query) ** 2).sum(1) for i in range(0, len(rows), step)]
    return np.concatenate(parts)


def average_precisions(hits: np.ndarray) -> np.ndarray:
    """AP@k of each query (float Q x 3, k of RANKS) from hits by rank (bool Q x K); nan where K < k."""
    ranks = np.arange(1, hits.shape[1] + 1)
    gains = hits * (np.cumsum(hits, axis=1) / ranks)
    columns = [gains[:, :k].sum(1) / k if k <= len(ranks) else np.full(len(hits), np.nan) for k in RANKS]
    return np.stack(columns, axis=1)


def add_rows(
    results: Results,
    fold: int,
    train: np.ndarray,
    test: np.ndarray,
    precisions: np.ndarray,
    note: str = "",
    *,
    protocol: str = "retrieval",
    repeat: int = 0,
) -> None:
    """One row per metric, its mean over queries."""
    overlap = results.overlap(train, test)
    for k, values in zip(RANKS, precisions.T, strict=True):
        too_few = f"the database holds {len(train)} samples, fewer than {k}" if k > len(train) else ""
        row = {"protocol": protocol, "shots": 0, "repeat": repeat, "fold": fold, "metric": f"mAP@{k}"}
        value = values.mean() if len(values) else np.nan
        notes = "; ".join(part for part in (note or too_few, overlap) if part)
        results.metrics.append(row | {"value": value, "n_train": len(train), "n_test": len(test), "note": notes})


def as_table(task: Task, fold: int, test: np.ndarray, neighbours: np.ndarray, precisions: np.ndarray) -> pd.DataFrame:
    """Predictions: a row per query with its label, AP@k (ap_1, ap_5, ap_10) and nearest samples (ids)."""
    names = [task.samples[i] for i in test]
    table = pd.DataFrame({"sample_id": names, "case_id": [task.cases.get(name, name) for name in names]})
    table = table.assign(protocol="retrieval", shots=0, repeat=0, fold=fold, label=task.labels[test])
    for k, values in zip(RANKS, precisions.T, strict=True):
        table[f"ap_{k}"] = values
    sample_ids = np.array(task.samples, object)
    table["nearest"] = [" ".join(sample_ids[row]) for row in neighbours]
    return table


def retrieval_interval(predictions: pd.DataFrame, metric: str, count: int, seed: int) -> tuple[float, float]:
    """2.5 and 97.5 percentiles of mAP@k averaged over folds, when cases are resampled (one draw for all folds)."""
    column = metric.replace("mAP@", "ap_")
    table = predictions[predictions[column].notna()]
    if table.empty:
        return np.nan, np.nan
    case, cases = pd.factorize(table.case_id)
    weights = resampled(np.random.default_rng([seed, 17]), len(cases), count)[:, case]
    values = []
    for fold in sorted(set(table.fold)):
        fold_weights = weights[:, (table.fold == fold).to_numpy()]
        total = fold_weights.sum(1)
        sums = fold_weights @ table[column][table.fold == fold].to_numpy()
        values.append(np.where(total > 0, sums / np.maximum(total, 1), np.nan))
    return tuple(np.nanpercentile(np.nanmean(values, axis=0), [2.5, 97.5]))
